// SPDX-License-Identifier: Apache-2.0
//
// Time as this library's threads see it: the two clocks, deadlines made of time-outs, and a condition that is waited for
// until a deadline.
#pragma once

#include "base/clock.h"

#include <pthread.h>
#include <stdbool.h>
#include <time.h>

static inline int64_t wait_now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * RILL_NS_PER_S + now.tv_nsec;
}

/* Since 1970-01-01 UTC. */
static inline int64_t wait_wall_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * RILL_NS_PER_S + now.tv_nsec;
}

/* When a call that begins now and has so long must return; a negative time-out is the default. */
static inline int64_t wait_deadline_ns(int64_t timeout_ms, int64_t default_ms)
{
    const int64_t most_ms = RILL_NEVER_NS / 4 / RILL_NS_PER_MS;
    const int64_t chosen_ms = timeout_ms < 0 ? default_ms : timeout_ms;
    return wait_now_ns() + (chosen_ms < most_ms ? chosen_ms : most_ms) * RILL_NS_PER_MS;
}

/* A condition for wait_until. False when the system has none. */
static inline bool wait_cond_init(pthread_cond_t *cond)
{
    pthread_condattr_t attr;
    if (pthread_condattr_init(&attr))
        return false;
    const bool done =
        pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0 && pthread_cond_init(cond, &attr) == 0;
    (void)pthread_condattr_destroy(&attr);
    return done;
}

/* Waits for a signal, or until the deadline; false when that has come. May wake for nothing. */
static inline bool wait_until(pthread_cond_t *cond, pthread_mutex_t *lock, int64_t deadline_ns)
{
    const struct timespec at = {.tv_sec = (time_t)(deadline_ns / RILL_NS_PER_S),
                                .tv_nsec = (long)(deadline_ns % RILL_NS_PER_S)};
    return pthread_cond_timedwait(cond, lock, &at) == 0;
}
