// SPDX-License-Identifier: Apache-2.0
//
// The time, waiting, and whether somebody has pressed Ctrl-C.
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

int64_t clock_mono_ns(void);
int64_t clock_wall_ns(void);
/* Returns early when interrupted. */
void clock_sleep_ms(int64_t ms);

/* From now on SIGINT and SIGTERM do not end the process but are remembered, so that a loop can end in order; a second
   one ends it at once. The one thing that a process has only once. */
void interrupt_catch(void);
bool interrupt_seen(void);

/* Something that may take a while; TIMEOUT when it has not happened in so long. */
typedef enum rill_err clock_attempt(void *context, int64_t timeout_ms);

/* Waits so long for it, for ever when wait_ms is negative, and not longer than until an interrupt: then, too, it is TIMEOUT.
   What was printed to standard output is shown before it waits. */
enum rill_err clock_wait(clock_attempt *attempt, void *context, int64_t wait_ms) RILL_MUST_CHECK;
