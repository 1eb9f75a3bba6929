// SPDX-License-Identifier: Apache-2.0
//
// A thread that runs one job of a store at a time, as the broker's disk workers do.
#pragma once

#include "storage/store.h"

#include <pthread.h>
#include <semaphore.h>

struct lane {
    struct rill_store_job *job; // that it has; NULL ends the thread
    pthread_t thread;
    sem_t wanted, done;
    double cpu_s; // once it has ended
};

/* Ends the program when there is no thread. */
void lane_init(struct lane *lane);
void lane_fini(struct lane *lane);
/* It must have none. */
void lane_give(struct lane *lane, struct rill_store_job *job);
/* The job when it was run, and then the lane has none any more; NULL when it is still being run, or there was none. */
struct rill_store_job *lane_take(struct lane *lane, bool wait);
