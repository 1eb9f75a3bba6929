// SPDX-License-Identifier: Apache-2.0
#include "poller.h"

#include "base/assert.h"

#include <errno.h>
#include <limits.h>
#include <time.h>
#include <unistd.h>

void poller_take_time(struct poller *poller)
{
    struct timespec wall;
    (void)clock_gettime(CLOCK_REALTIME, &wall);
    poller->now = (struct rill_now){
        .mono_ns = look_now_ns(),
        .wall_ns = (int64_t)wall.tv_sec * RILL_NS_PER_S + wall.tv_nsec,
    };
}

enum rill_err poller_init(struct poller *poller)
{
    *poller = (struct poller){.epoll_fd = epoll_create1(EPOLL_CLOEXEC)};
    if (poller->epoll_fd < 0)
        return rill_err_from_errno(errno);
    look_init(&poller->look, POLLER_LOOK_NS);
    look_init(&poller->look_for_job, POLLER_LOOK_FOR_JOB_NS);
    poller_take_time(poller);
    return RILL_OK;
}

void poller_fini(struct poller *poller)
{
    if (poller->epoll_fd >= 0)
        (void)close(poller->epoll_fd);
    poller->epoll_fd = -1;
    rill_deadlines_fini(&poller->timers);
}

/* Rounded up, so that the loop does not wake before the deadline only to sleep again. */
static int timeout_ms(const struct poller *poller, int64_t deadline_ns)
{
    if (deadline_ns == RILL_NEVER_NS)
        return -1;
    if (deadline_ns <= poller->now.mono_ns)
        return 0;
    const int64_t ms = (deadline_ns - poller->now.mono_ns - 1) / RILL_NS_PER_MS + 1;
    return ms > INT_MAX ? INT_MAX : (int)ms;
}

/* What is ready within a short while, without a sleep. */
static int poller_look(struct poller *poller, struct look *look)
{
    const int64_t end_ns = look_now_ns() + look->ns;
    do {
        const int count = epoll_wait(poller->epoll_fd, poller->events, POLLER_EVENTS_MAX, 0);
        if (count) {
            look_found(look);
            return count;
        }
    } while (look_goes_on(end_ns));
    look_in_vain(look);
    return 0;
}

static int poller_sleep(struct poller *poller, struct look *look, int timeout)
{
    const int64_t before_ns = look_now_ns();
    const int count = epoll_wait(poller->epoll_fd, poller->events, POLLER_EVENTS_MAX, timeout);
    if (count > 0)
        look_slept(look, look_now_ns() - before_ns);
    return count;
}

void poller_wait(struct poller *poller, int64_t deadline_ns)
{
    const int64_t timer_ns = rill_deadlines_next_ns(&poller->timers);
    const int timeout = timeout_ms(poller, timer_ns < deadline_ns ? timer_ns : deadline_ns);
    struct look *look = poller->job_is_out ? &poller->look_for_job : &poller->look;
    int count = look->is_on && timeout ? poller_look(poller, look) : 0;
    if (count == 0)
        count = poller_sleep(poller, look, timeout);
    RILL_ASSERT(count >= 0 || errno == EINTR);
    poller->event_count = count < 0 ? 0 : count;
    poller->event_next = 0;
    poller_take_time(poller);
}

static void poller_fire_timers(struct poller *poller)
{
    struct rill_deadline *due;
    while ((due = rill_deadlines_take_due(&poller->timers, poller->now.mono_ns))) {
        struct timer *timer = (struct timer *)due;
        timer->due(timer);
    }
}

void poller_dispatch(struct poller *poller)
{
    while (poller->event_next < poller->event_count) {
        const struct epoll_event event = poller->events[poller->event_next++];
        struct source *source = event.data.ptr;
        if (source)
            source->ready(source, event.events);
    }
    poller->event_count = poller->event_next = 0;
    poller_fire_timers(poller);
}

void poller_set_interest(struct poller *poller, struct source *source, uint32_t interest)
{
    if (source->interest == interest)
        return;
    const int operation = !interest ? EPOLL_CTL_DEL : source->interest ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    struct epoll_event event = {.events = interest, .data.ptr = source};
    const int failed = epoll_ctl(poller->epoll_fd, operation, source->fd, &event);
    RILL_ASSERT(!failed);
    source->interest = interest;
}

void poller_remove(struct poller *poller, struct source *source)
{
    poller_set_interest(poller, source, 0);
    for (int i = poller->event_next; i < poller->event_count; i++) {
        if (poller->events[i].data.ptr == source)
            poller->events[i].data.ptr = NULL;
    }
}

void timer_start(struct poller *poller, struct timer *timer, int64_t after_ns)
{
    rill_deadline_set(&poller->timers, &timer->deadline, poller->now.mono_ns + after_ns);
}

void timer_stop(struct poller *poller, struct timer *timer)
{
    rill_deadline_cancel(&poller->timers, &timer->deadline);
}
