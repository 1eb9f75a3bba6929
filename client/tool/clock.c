// SPDX-License-Identifier: Apache-2.0
#include "clock.h"

#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <time.h>

/* How long one wait may take so that an interrupt is noticed soon. */
enum { SLICE_MS = 100 };

static volatile sig_atomic_t interrupted;

static int64_t now_ns(clockid_t clock)
{
    struct timespec now;
    (void)clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t clock_mono_ns(void)
{
    return now_ns(CLOCK_MONOTONIC);
}

int64_t clock_wall_ns(void)
{
    return now_ns(CLOCK_REALTIME);
}

void clock_sleep_ms(int64_t ms)
{
    const int64_t end_ns = clock_mono_ns() + ms * 1000000;
    for (;;) {
        const int64_t left_ns = end_ns - clock_mono_ns();
        const int64_t slice_ns = SLICE_MS * INT64_C(1000000);
        if (left_ns <= 0 || interrupted) // another thread may have got the signal
            return;
        const int64_t wait_ns = left_ns < slice_ns ? left_ns : slice_ns;
        (void)nanosleep(&(struct timespec){.tv_nsec = (long)wait_ns}, NULL);
    }
}

static void on_signal(int number)
{
    (void)number;
    interrupted = 1;
}

void interrupt_catch(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
}

bool interrupt_seen(void)
{
    return interrupted;
}

enum rill_err clock_wait(clock_attempt *attempt, void *context, int64_t wait_ms)
{
    enum rill_err err = attempt(context, 0);
    if (err != RILL_ERR_TIMEOUT)
        return err;
    (void)fflush(stdout);
    const int64_t end_ns = clock_mono_ns() + wait_ms * 1000000;
    do {
        err = attempt(context, SLICE_MS);
    } while (err == RILL_ERR_TIMEOUT && !interrupted && (wait_ms < 0 || clock_mono_ns() < end_ns));
    return err;
}
