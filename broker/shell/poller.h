// SPDX-License-Identifier: Apache-2.0
//
// What the loop sleeps in: one epoll set, the timers of the shell and the time of the turn. Level-triggered.
// Owned by the loop and used by its thread only.
//
// A source is embedded in the object that owns the descriptor; the object may be freed right after
// poller_remove, also in the middle of a dispatch. A source without interest is not registered at all, so a
// peer that hangs up while nobody wants to hear of it cannot make the loop spin.
#pragma once

#include "look.h"

#include "base/deadline.h"
#include "base/err.h"

#include <sys/epoll.h>

enum {
    POLLER_EVENTS_MAX = 256,
    POLLER_LOOK_NS = 100 * 1000,
    POLLER_LOOK_FOR_JOB_NS = 300 * 1000, // a commit on a quick disk takes 80 to 200 us
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
    struct look look;         // before it sleeps, see poller_wait
    struct look look_for_job; // the same while a job is out
    bool job_is_out;          // set by the loop
    int event_count;          // of the batch that is being dispatched
    int event_next;
    struct epoll_event events[POLLER_EVENTS_MAX];
};

enum rill_err poller_init(struct poller *poller) RILL_MUST_CHECK;
/* Every source must be removed and every timer stopped. */
void poller_fini(struct poller *poller);

/* Sleeps until something is ready, a timer is due or `deadline_ns` (monotonic) has come, then takes the time. While events
   come close behind each other it looks for them before it sleeps (look.h), yielding to others who want to run; while a
   job is out somewhat longer, for that is how long a small commit takes. */
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
