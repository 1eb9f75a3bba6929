// SPDX-License-Identifier: Apache-2.0
#include "dispatcher.h"

#include "base/assert.h"

#include <signal.h>
#include <stddef.h>

/* All that is queued, in order; NULL when the thread has to end. */
static struct task *take_all(struct dispatcher *dispatcher)
{
    (void)pthread_mutex_lock(&dispatcher->lock);
    while (!dispatcher->first && !dispatcher->stopping)
        (void)pthread_cond_wait(&dispatcher->wake, &dispatcher->lock);
    struct task *first = dispatcher->first;
    dispatcher->first = dispatcher->last = NULL;
    (void)pthread_mutex_unlock(&dispatcher->lock);
    return first;
}

static void *run(void *context)
{
    struct dispatcher *dispatcher = context;
    struct task *first;
    while ((first = take_all(dispatcher)))
        while (first) {
            struct task *task = first;
            first = task->next;
            task->next = NULL;
            task->run(task);
        }
    return NULL;
}

enum rill_err dispatcher_init(struct dispatcher *dispatcher)
{
    *dispatcher = (struct dispatcher){.started = false};
    if (pthread_mutex_init(&dispatcher->lock, NULL) || pthread_cond_init(&dispatcher->wake, NULL))
        return RILL_ERR_NO_MEMORY;
    // Signals are the program's: none is handled on a thread of ours.
    sigset_t all, before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    dispatcher->started = pthread_create(&dispatcher->thread, NULL, run, dispatcher) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return dispatcher->started ? RILL_OK : RILL_ERR_LIMIT;
}

void dispatcher_fini(struct dispatcher *dispatcher)
{
    if (!dispatcher->started)
        return;
    RILL_ASSERT(!dispatcher_is_me(dispatcher));
    (void)pthread_mutex_lock(&dispatcher->lock);
    dispatcher->stopping = true;
    (void)pthread_cond_signal(&dispatcher->wake);
    (void)pthread_mutex_unlock(&dispatcher->lock);
    (void)pthread_join(dispatcher->thread, NULL);
    (void)pthread_cond_destroy(&dispatcher->wake);
    (void)pthread_mutex_destroy(&dispatcher->lock);
    *dispatcher = (struct dispatcher){.started = false};
}

void dispatcher_submit(struct dispatcher *dispatcher, struct task *task)
{
    task->next = NULL;
    (void)pthread_mutex_lock(&dispatcher->lock);
    if (dispatcher->last)
        dispatcher->last->next = task;
    else
        dispatcher->first = task;
    dispatcher->last = task;
    (void)pthread_cond_signal(&dispatcher->wake);
    (void)pthread_mutex_unlock(&dispatcher->lock);
}
