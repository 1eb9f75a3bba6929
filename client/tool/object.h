// SPDX-License-Identifier: Apache-2.0
//
// The parts of the family `object`: object.c has the rows and the buckets, object_content.c the commands of objects.
#pragma once

#include "remote.h"

/* Opens a connection and the bucket, does one thing with it, closes both. */
typedef enum tool_exit object_act(const struct call *call, struct rill_objects *objects);
enum tool_exit object_with(struct call *call, object_act *act);

enum tool_exit object_run_list(struct call *call);
enum tool_exit object_run_put(struct call *call);
enum tool_exit object_run_get(struct call *call);
enum tool_exit object_run_info(struct call *call);
enum tool_exit object_run_del(struct call *call);
enum tool_exit object_run_watch(struct call *call);
