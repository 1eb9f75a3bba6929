// SPDX-License-Identifier: Apache-2.0
//
// The parts of the family `consumer`: consumer.c has the rows, and each file the commands of one kind.
#pragma once

#include "remote.h"

// consumer_config.c
enum tool_exit consumer_run_add(struct call *call);
enum tool_exit consumer_run_edit(struct call *call);
extern const struct parameter consumer_config_options[];

// consumer_show.c
enum tool_exit consumer_run_ls(struct call *call);
enum tool_exit consumer_run_info(struct call *call);
enum tool_exit consumer_run_report(struct call *call);
/* Shows what the server gave back, and frees it. */
enum tool_exit consumer_show(const struct call *call, Rill__ConsumerInfo *info);

// consumer_read.c
enum tool_exit consumer_run_next(struct call *call);
enum tool_exit consumer_run_sub(struct call *call);

/* Opens a connection, does one thing with it, closes it. `consumer` is NULL where it was not given. Acknowledgements have
   reached the server when it is done. */
typedef enum tool_exit consumer_act(struct remote *remote, const char *stream, const char *consumer);
enum tool_exit consumer_with(struct call *call, consumer_act *act);
