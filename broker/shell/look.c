// SPDX-License-Identifier: Apache-2.0
#include "look.h"

#include "base/clock.h"

#include <sched.h>
#include <time.h>

void look_init(struct look *look, int64_t ns)
{
    cpu_set_t processors;
    CPU_ZERO(&processors);
    const bool several =
        sched_getaffinity(0, sizeof processors, &processors) == 0 && CPU_COUNT(&processors) > 1;
    *look = (struct look){.ns = ns, .is_possible = several};
}

int64_t look_now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * RILL_NS_PER_S + now.tv_nsec;
}

bool look_goes_on(int64_t end_ns)
{
    (void)sched_yield();
    return look_now_ns() < end_ns;
}

void look_found(struct look *look)
{
    look->backoff = 0;
}

void look_in_vain(struct look *look)
{
    look->is_on = false;
    look->backoff = look->backoff ? look->backoff * 2 : 1;
    if (look->backoff > LOOK_BACKOFF_MAX)
        look->backoff = LOOK_BACKOFF_MAX;
    look->debt = look->backoff;
}

void look_slept(struct look *look, int64_t slept_ns)
{
    if (!look->is_possible || slept_ns > 2 * look->ns)
        return;
    if (look->debt)
        look->debt--;
    else
        look->is_on = true;
}
