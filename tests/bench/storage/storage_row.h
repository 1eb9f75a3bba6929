// SPDX-License-Identifier: Apache-2.0
//
// A row of the storage benchmark: one figure of the store, the limit that the machine sets to it or what it is compared
// with, measured in the same round, and what their ratio is to be. The table of rows is in main.c.
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

struct storage_bench {
    const char *folder; // for all files; on the disk to be measured
    uint64_t messages;  // of a row that writes as many as it likes
    unsigned rounds;    // the median of these is told
    unsigned round;     // this one
    char store[4096];   // folder of the store
    char large[4096];   // folder of the one that long rows share: it is made once
    char bare[4096];    // path of the file that the limit is measured with
    bool has_large;
    double reopened_ms[2]; // in this round: a small store, and the large one
};

struct storage_figure {
    double value;              // in the row's unit
    double limit;              // in the same unit; 0: there is none to compare with
    double cpu_ns_per_message; // of the appending thread and of the workers; 0: not told
    double p99;                // in the same unit, where the value is a median; 0: not told
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
    bool is_long; // only with --long
    // What run functions that serve several rows go by.
    uint32_t payload_bytes;
    uint32_t group; // messages of a commit
    uint32_t subjects;
    bool mixed; // see subjects.h
    bool index;
    double percentile;
    uint32_t filter; // of subjects_filters
};

/* Messages a second that are durable, with commits of `group`: one in flight while the next fills. The limit is
   writes of a commit's bytes to the end of ever new files of a segment's size, each synced. */
void append_rate_run(struct storage_bench *bench, const struct storage_row *row, struct storage_figure *ret);
/* The time from a commit's start to its finish, in us, and that of a bare write and sync: the percentile. */
void commit_latency_run(struct storage_bench *bench, const struct storage_row *row,
                        struct storage_figure *ret);
/* Reading all of a store in order, in GB/s of payload, from the page cache. The limit is pread of blocks. */
void read_rate_run(struct storage_bench *bench, const struct storage_row *row, struct storage_figure *ret);

/* As append_rate_run, with an index beside the log; compared with the same without one. */
void indexed_append_run(struct storage_bench *bench, const struct storage_row *row,
                        struct storage_figure *ret);
/* Messages a second until the index has taken in, and written, all that was appended. The limit is SQLite with a row for each
   message. */
void index_feed_run(struct storage_bench *bench, const struct storage_row *row, struct storage_figure *ret);

/* The time that an open takes after the writer was killed, in ms: of a store with `SMALL` messages, of the large one,
   and of that compared with the small one. */
void reopen_small_run(struct storage_bench *bench, const struct storage_row *row, struct storage_figure *ret);
void reopen_large_run(struct storage_bench *bench, const struct storage_row *row, struct storage_figure *ret);
void reopen_ratio_run(struct storage_bench *bench, const struct storage_row *row, struct storage_figure *ret);
/* The next match of a filter from a random message on, and the count from there, in us: median and p99. */
void query_next_run(struct storage_bench *bench, const struct storage_row *row, struct storage_figure *ret);
void query_count_run(struct storage_bench *bench, const struct storage_row *row, struct storage_figure *ret);
/* Resident memory of a process that has written a store of its own, the most of: behind the last message, and after it was opened again
   and asked, in MB. */
void memory_run(struct storage_bench *bench, const struct storage_row *row, struct storage_figure *ret);

double bench_clock_s(clockid_t clock);
void bench_check(const char *what, enum rill_err err);
