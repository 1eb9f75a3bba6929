// SPDX-License-Identifier: Apache-2.0
#include "poller.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <sys/eventfd.h>
#include <unistd.h>

static struct poller poller;
static struct source one, two;
static int calls;

static void remove_the_other(struct source *source, uint32_t events)
{
    calls++;
    poller_remove(&poller, source == &one ? &two : &one);
}

static void setup(void)
{
    cr_assert(not(poller_init(&poller)));
    one = (struct source){.fd = eventfd(1, EFD_CLOEXEC), .ready = remove_the_other};
    two = (struct source){.fd = eventfd(1, EFD_CLOEXEC), .ready = remove_the_other};
}

static void teardown(void)
{
    poller_remove(&poller, &one);
    poller_remove(&poller, &two);
    (void)close(one.fd);
    (void)close(two.fd);
    poller_fini(&poller);
}

TestSuite(poller, .init = setup, .fini = teardown);

// A source that was removed is not called any more, even when it was ready in the same batch.
Test(poller, a_removed_source_is_not_called)
{
    poller_set_interest(&poller, &one, EPOLLIN);
    poller_set_interest(&poller, &two, EPOLLIN);
    poller_wait(&poller, RILL_NEVER_NS);
    cr_assert(eq(int, poller.event_count, 2));
    poller_dispatch(&poller);
    cr_expect(eq(int, calls, 1));
}

static struct timer early, late;
static int order;

static void timer_due(struct timer *timer)
{
    order = order * 10 + (timer == &early ? 1 : 2);
}

// Timers fire in order, not before their time, and wake the sleep; a stopped one does not fire.
Test(poller, timers_fire_in_order)
{
    struct timer stopped = {.due = timer_due};
    early.due = late.due = timer_due;
    timer_start(&poller, &late, 20 * RILL_NS_PER_MS);
    timer_start(&poller, &early, 10 * RILL_NS_PER_MS);
    timer_start(&poller, &stopped, 5 * RILL_NS_PER_MS);
    timer_stop(&poller, &stopped);
    const int64_t begin_ns = poller.now.mono_ns;
    while (order < 12) {
        poller_wait(&poller, RILL_NEVER_NS);
        poller_dispatch(&poller);
        cr_assert(order == 0 || poller.now.mono_ns >= begin_ns + (order == 1 ? 10 : 20) * RILL_NS_PER_MS);
    }
    cr_expect(eq(int, order, 12));
}

// Events that come close behind each other make the loop look before it sleeps; when they stop, it sleeps.
Test(poller, an_idle_loop_stops_looking)
{
    poller.look.is_possible = true;
    poller_set_interest(&poller, &one, EPOLLIN);
    poller_wait(&poller, RILL_NEVER_NS); // ready at once: the shortest of sleeps
    cr_assert(poller.look.is_on);
    poller_wait(&poller, RILL_NEVER_NS);
    cr_expect(eq(int, poller.event_count, 1));
    cr_expect(poller.look.is_on);
    poller_set_interest(&poller, &one, 0);
    poller_wait(&poller, poller.now.mono_ns + RILL_NS_PER_MS);
    cr_expect(eq(int, poller.event_count, 0));
    cr_expect(not(poller.look.is_on));
    cr_expect(eq(u32, poller.look.debt, 1));
}

// A disk that is too slow to be looked for does not end the looking for requests.
Test(poller, what_is_looked_for_while_a_job_is_out_is_learnt_apart)
{
    poller.look.is_on = poller.look_for_job.is_on = true;
    poller.job_is_out = true;
    poller_wait(&poller, poller.now.mono_ns + 1);
    cr_expect(not(poller.look_for_job.is_on));
    cr_expect(poller.look.is_on);
}
