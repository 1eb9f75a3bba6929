// SPDX-License-Identifier: Apache-2.0
//
// What the loop sleeps in: one epoll set, the timers of the shell and the time of the turn. Level-triggered.
// Owned by the loop and used by its thread only.
//
// A source is embedded in the object that owns the descriptor; the object may be freed right after
// poller_remove, also in the middle of a dispatch. A source without interest is not registered at all, so a
// peer that hangs up while nobody wants to hear of it cannot make the loop spin.
#pragma once

#include "base/deadline.h"
#include "base/err.h"

#include <sys/epoll.h>

enum {
    POLLER_EVENTS_MAX = 256,
    POLLER_LOOK_NS = 100 * 1000,
    POLLER_LOOK_BACKOFF_MAX = 64,
};

struct source {
    int fd;
    uint32_t interest; // EPOLLIN, EPOLLOUT, as the kernel knows them
    void (*ready)(struct source *source, uint32_t events);
};

struct timer {
    struct rill_deadline deadline; // first: the heap hands it back
    void (*due)(struct timer *timer);
};

struct poller {
    int epoll_fd;
    struct rill_now now; // taken once per turn
    struct rill_deadlines timers;
    bool may_look;         // there is another processor for those who are looked for
    bool looks;            // before it sleeps, see poller_wait
    uint32_t look_backoff; // short sleeps to let pass after a look in vain; doubles with each of them
    uint32_t look_debt;    // of these, still to come
    int event_count;       // of the batch that is being dispatched
    int event_next;
    struct epoll_event events[POLLER_EVENTS_MAX];
};

enum rill_err poller_init(struct poller *poller) RILL_MUST_CHECK;
/* Every source must be removed and every timer stopped. */
void poller_fini(struct poller *poller);

/* Sleeps until something is ready, a timer is due or `deadline_ns` (monotonic) has come, then takes the time.
   To be woken from a sleep takes tens of microseconds, on a virtual machine most of a round trip. So while events come
   close behind each other it looks for them for POLLER_LOOK_NS before it sleeps, yielding to others who want to run. A
   look in vain ends that until some short sleeps have passed, each time more of them: an idle loop sleeps, and one
   whose events come a little too late for looking hardly looks. */
void poller_wait(struct poller *poller, int64_t deadline_ns);
/* Calls what is ready, once each, then what is due. */
void poller_dispatch(struct poller *poller);
/* Takes the time anew: for work outside of a turn. */
void poller_take_time(struct poller *poller);

/* A system call only when the interest changes. Aborts when the kernel has no memory for a new registration.
 */
void poller_set_interest(struct poller *poller, struct source *source, uint32_t interest);
/* Forgets the source, also in the batch that is being dispatched. Does not close it. */
void poller_remove(struct poller *poller, struct source *source);

void timer_start(struct poller *poller, struct timer *timer, int64_t after_ns);
/* Harmless when it does not run. */
void timer_stop(struct poller *poller, struct timer *timer);
