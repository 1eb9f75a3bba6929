// SPDX-License-Identifier: Apache-2.0
//
// The time, waiting, and whether somebody has pressed Ctrl-C.
#pragma once

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

/* How long one wait may take so that an interrupt is noticed soon. */
enum { CLOCK_SLICE_MS = 100 };
