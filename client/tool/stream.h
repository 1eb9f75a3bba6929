// SPDX-License-Identifier: Apache-2.0
//
// The parts of the family `stream`: stream.c has the rows, and each file the commands of one kind.
#pragma once

#include "remote.h"

// stream_config.c
enum tool_exit stream_run_add(struct call *call);
enum tool_exit stream_run_edit(struct call *call);
extern const struct parameter stream_config_options[];

// stream_show.c
enum tool_exit stream_run_ls(struct call *call);
enum tool_exit stream_run_info(struct call *call);
enum tool_exit stream_run_report(struct call *call);
enum tool_exit stream_run_subjects(struct call *call);
/* Shows what the server gave back, and frees it. */
enum tool_exit stream_show(const struct call *call, Rill__StreamInfo *info);

// stream_message.c
enum tool_exit stream_run_view(struct call *call);
enum tool_exit stream_run_get(struct call *call);
enum tool_exit stream_run_rmm(struct call *call);

/* What most commands of streams are: open a remote, do one thing with it, close it. The stream is
   NULL for commands without that argument. */
typedef enum tool_exit stream_act(struct remote *remote, const char *stream);
enum tool_exit stream_with(struct call *call, stream_act *act);
