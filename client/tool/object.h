// SPDX-License-Identifier: Apache-2.0
//
// The parts of the family `object`: object.c has the rows and the buckets, object_content.c the commands of objects.
#pragma once

#include "bucket.h"

extern const struct bucket_kind object_kind;

enum tool_exit object_run_list(struct call *call);
enum tool_exit object_run_put(struct call *call);
enum tool_exit object_run_get(struct call *call);
enum tool_exit object_run_info(struct call *call);
enum tool_exit object_run_del(struct call *call);
enum tool_exit object_run_watch(struct call *call);
