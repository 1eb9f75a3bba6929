// SPDX-License-Identifier: Apache-2.0
//
// A durable load in a process of its own, so that nothing of it stands in what is measured beside it.
#pragma once

#include "row.h"

#include <sys/types.h>

/* One publisher of the row's payloads with the row's window; returns when it is at work. */
enum rill_err durable_load_begin(struct task *task, pid_t *ret_pid,
                                 struct rill_error_text *why) RILL_MUST_CHECK;
void durable_load_end(pid_t pid);
