// SPDX-License-Identifier: Apache-2.0
//
// A stopwatch over three clocks: the wall, the CPU time of the server's process (all its threads) and our
// own.
#pragma once

#include "base/clock.h"

#include <sys/types.h>

struct meter {
    int64_t wall_ns;
    int64_t server_cpu_ns;
    int64_t own_cpu_ns;
};

/* The monotonic clock. */
int64_t meter_now_ns(void);

/* What the clocks show now. The CPU time of a server that is gone counts as 0. */
struct meter meter_read(pid_t server_pid);

/* What passed between two readings. */
struct meter meter_between(struct meter start, struct meter end);
