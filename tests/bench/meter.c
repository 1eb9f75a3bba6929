// SPDX-License-Identifier: Apache-2.0
#include "meter.h"

#include <time.h>

static int64_t clock_read_ns(clockid_t clock)
{
    struct timespec now = {0};
    (void)clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * RILL_NS_PER_S + now.tv_nsec;
}

int64_t meter_now_ns(void)
{
    return clock_read_ns(CLOCK_MONOTONIC);
}

struct meter meter_read(pid_t server_pid)
{
    clockid_t server;
    // The same time as utime + stime of /proc/PID/stat, in nanoseconds where that counts in hundredths of a
    // second.
    const int64_t server_cpu_ns = clock_getcpuclockid(server_pid, &server) == 0 ? clock_read_ns(server) : 0;
    return (struct meter){
        .wall_ns = meter_now_ns(),
        .server_cpu_ns = server_cpu_ns,
        .own_cpu_ns = clock_read_ns(CLOCK_PROCESS_CPUTIME_ID),
    };
}

struct meter meter_between(struct meter start, struct meter end)
{
    return (struct meter){
        .wall_ns = end.wall_ns - start.wall_ns,
        .server_cpu_ns = end.server_cpu_ns - start.server_cpu_ns,
        .own_cpu_ns = end.own_cpu_ns - start.own_cpu_ns,
    };
}
