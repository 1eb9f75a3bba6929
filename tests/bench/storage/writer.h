// SPDX-License-Identifier: Apache-2.0
//
// A store and its two workers, one that makes commits durable and one for what goes on in the background: what the loop and
// the disk workers of the broker are.
#pragma once

#include "lane.h"
#include "storage_row.h"
#include "subjects.h"

struct writer {
    struct rill_store *store;
    struct lane commits, background;
    struct subjects subjects;
    uint64_t sequence;   // of the last message
    double started_s;    // the commit that is in flight
    double *latencies_s; // of the finished commits; NULL when nobody asks
    size_t latency_count;
    size_t latency_capacity;
    double worker_cpu_s; // once the workers have ended
};

/* A new store in `folder`; or, to be written on, the one that is there. Ends the program when that fails. */
void writer_open(struct writer *writer, const char *folder, const struct storage_row *row);
void writer_reopen(struct writer *writer, const char *folder, const struct storage_row *row);
/* Appends `count` messages in commits of row->group, and waits until the last is durable. */
void writer_append(struct writer *writer, const struct storage_row *row, uint64_t count);
/* Waits until there is nothing left to do in the background. */
void writer_settle(struct writer *writer);
/* Ends the workers; the store stays open. */
void writer_stop(struct writer *writer);
/* Closes the store and deletes its folder. */
void writer_close(struct writer *writer, const char *folder);

/* What the options of a row's store are. */
struct rill_store_options writer_options(const char *folder, const struct storage_row *row);
