// SPDX-License-Identifier: Apache-2.0
//
// A store and the worker that makes its commits durable: what the loop and a disk worker of the broker are.
#pragma once

#include "storage/store.h"
#include "storage_row.h"

#include <pthread.h>
#include <semaphore.h>

struct writer {
    struct rill_store *store;
    struct rill_store_job *job; // in flight; NULL ends the worker
    pthread_t worker;
    sem_t wanted, done;
    double started_s;    // the commit that is in flight
    double *latencies_s; // of the finished commits; NULL when nobody asks
    size_t latency_count;
    size_t latency_capacity;
    double worker_cpu_s; // once the worker has ended
};

/* A new store in bench->store. Ends the program when that fails. */
void writer_open(struct writer *writer, struct storage_bench *bench);
/* Appends `count` messages in commits of row->group, and waits until the last is durable. `subjects` of them in turn. */
void writer_append(struct writer *writer, const struct storage_row *row, uint64_t count);
/* Ends the worker; the store stays open. */
void writer_stop(struct writer *writer);
/* Closes the store and deletes its folder. */
void writer_close(struct writer *writer, struct storage_bench *bench);
