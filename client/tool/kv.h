// SPDX-License-Identifier: Apache-2.0
//
// The parts of the family `kv`: kv.c has the rows and the buckets, kv_key.c the commands of keys.
#pragma once

#include "bucket.h"

extern const struct bucket_kind kv_kind;

enum tool_exit kv_run_get(struct call *call);
enum tool_exit kv_run_put(struct call *call);
enum tool_exit kv_run_create(struct call *call);
enum tool_exit kv_run_update(struct call *call);
enum tool_exit kv_run_del(struct call *call);
enum tool_exit kv_run_purge(struct call *call);
enum tool_exit kv_run_history(struct call *call);
enum tool_exit kv_run_watch(struct call *call);
enum tool_exit kv_run_keys(struct call *call);
