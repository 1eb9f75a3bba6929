// SPDX-License-Identifier: Apache-2.0
//
// The thread on which callbacks run: a queue of tasks, each run once, in order. A task is embedded in what it
// is about and costs nothing to submit. A connection has one dispatcher, a subscription may have its own.
#pragma once

#include "base/err.h"

#include <pthread.h>
#include <stdbool.h>

struct task {
    struct task *next;
    void (*run)(struct task *task); // may free the task or submit it again
};

struct dispatcher {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    pthread_t thread;
    struct task *first, *last; // guarded by lock
    bool stopping;             // guarded by lock
    bool started;
};

/* Starts the thread. LIMIT or NO_MEMORY when the system gives none. */
enum rill_err dispatcher_init(struct dispatcher *dispatcher) RILL_MUST_CHECK;
/* Runs what is queued, then ends the thread. Harmless when init failed or on zeroed memory. Not from a task. */
void dispatcher_fini(struct dispatcher *dispatcher);

/* Any thread. The task must not be queued already. */
void dispatcher_submit(struct dispatcher *dispatcher, struct task *task);

/* Is this the dispatcher's thread? */
static inline bool dispatcher_is_me(const struct dispatcher *dispatcher)
{
    return dispatcher->started && pthread_equal(dispatcher->thread, pthread_self());
}
