// SPDX-License-Identifier: Apache-2.0
//
// A row of the storage benchmark: one figure of the store, the limit that the machine sets to it, measured in
// the same round, and what their ratio is to be. The table of rows is in main.c.
#pragma once

#include "base/err.h"

#include <stdint.h>
#include <time.h>

struct storage_bench {
    const char *folder; // for all files; on the disk to be measured
    uint64_t messages;  // of a row that writes as many as it likes
    unsigned rounds;    // the median of these is told
    unsigned round;     // this one
    char store[4096];   // folder of the store
    char bare[4096];    // path of the file that the limit is measured with
};

struct storage_figure {
    double value;              // in the row's unit
    double limit;              // in the same unit; 0: there is none to compare with
    double cpu_ns_per_message; // of the appending thread and of the worker; 0: not told
};

enum storage_goal {
    STORAGE_GOAL_NONE,
    STORAGE_RATIO_MIN,
    STORAGE_RATIO_MAX,
    STORAGE_VALUE_MIN,
    STORAGE_VALUE_MAX
};

struct storage_row {
    const char *name;
    const char *unit;
    /* Ends the program when something fails: a benchmark has nobody to tell. */
    void (*run)(struct storage_bench *bench, const struct storage_row *row, struct storage_figure *ret);
    enum storage_goal goal;
    double goal_value;
    // What run functions that serve several rows go by.
    uint32_t payload_bytes;
    uint32_t group; // messages of a commit
    uint32_t subjects;
    double percentile;
    const char *pattern;
};

/* Messages a second that are durable, with commits of `group`: one in flight while the next fills. The limit is
   writes of a commit's bytes to the end of ever new files of a segment's size, each synced. */
void append_rate_run(struct storage_bench *bench, const struct storage_row *row, struct storage_figure *ret);
/* The time from a commit's start to its finish, in us, and that of a bare write and sync: the percentile. */
void commit_latency_run(struct storage_bench *bench, const struct storage_row *row,
                        struct storage_figure *ret);
/* Reading all of a store in order, in GB/s of payload, from the page cache. The limit is pread of blocks. */
void read_rate_run(struct storage_bench *bench, const struct storage_row *row, struct storage_figure *ret);

double bench_clock_s(clockid_t clock);
void bench_check(const char *what, enum rill_err err);
