// SPDX-License-Identifier: Apache-2.0
//
// The index of one stream: where the messages of each subject are. A view of the log in one SQLite file
// (docs/STORAGE-FORMAT.md, "The index"); whoever deletes it loses nothing but the time to feed it again.
//
// Who calls what. One thread owns a struct rill_index and makes every call on it; only a struct rill_index_job
// leaves that thread, and job_run() may run on any one thread at a time. Functions marked "blocking" wait for
// a disk. Queries read SQLite through the page cache and may wait for the disk when that is cold.
//
//     feed, feed, delete, seal, feed ...   in the order of the log; kept in memory as the active batch
//                                          at a seal, a batch that is large enough becomes the ready one
//     job = job_start()                    the ready batch, or a checkpoint of SQLite's
//     job_run(job)                         [any thread] one transaction
//     job_finish(job)                      only now do queries look into the file for it
//
// So every message is in exactly one of three layers (the file as of the last finished job, the ready batch,
// the active batch), and answers are exact at every moment. Deletes of older layers are laid over them until
// their own batch is written. Memory: two batches at most (feed says LIMIT above that), SQLite's cache of
// fixed size, and what each filter holds (12 KiB; one that walks, two bits for
// each of the first million subjects, 256 KiB at most, and as much for two batches). Nothing grows with stored messages or subjects.
//
// Damage. Each page of the file carries a checksum. What is missing, damaged, of another stream or version, or
// ahead of the log is thrown away at open and said in the report. Damage that a query or a job meets later is
// answered DAMAGED from then on: close, open with `discard`, feed again. Never a wrong answer.
//
// What it does not do: read the log, decide what is deleted, remember message ids or expiries, start a thread.
#pragma once

#include "storage/store.h"

struct rill_index;
struct rill_index_job;
struct rill_index_filter;

/* Up to where the log is covered: feeding goes on behind it. All 0 when the index is empty. */
struct rill_index_position {
    uint64_t block;    // number of the last sealed block
    uint64_t segment;  // of it
    uint64_t offset;   // its end in that segment
    uint64_t sequence; // of the last message in it or before it
};

struct rill_index_options {
    const char *path; // of index.db; copied
    uint8_t identity[RILL_STORE_IDENTITY_BYTES];
    uint64_t log_sequence; // the log's last: an index that covers more is thrown away
    uint64_t batch_bytes;  // a batch that is as large is written; 0: 16 MiB
    bool discard;          // throw away what is there
};

/* What an open found. In all but KEPT the index is empty and to be fed from the beginning. */
enum rill_index_found {
    RILL_INDEX_KEPT,
    RILL_INDEX_MISSING,
    RILL_INDEX_DAMAGED,
    RILL_INDEX_FOREIGN, // of another stream
    RILL_INDEX_VERSION, // of another version
    RILL_INDEX_AHEAD,   // of the log
    RILL_INDEX_DISCARDED,
};

/* [blocking] *ret_position is where feeding goes on. IO, NO_SPACE, DENIED when no index can be made. */
enum rill_err rill_index_open(const struct rill_index_options *options, struct rill_index **ret_index,
                              enum rill_index_found *ret_found, struct rill_index_position *ret_position,
                              struct rill_error_text *why) RILL_MUST_CHECK;
/* [blocking] What is not written is forgotten: it is fed again. No job may be out. NULL is fine. Filters are to
   be destroyed before. */
void rill_index_close(struct rill_index *index);

/* Sequences grow. LIMIT when two batches wait: the caller stops feeding until a job has finished. DAMAGED. */
enum rill_err rill_index_feed(struct rill_index *index, uint64_t sequence,
                              struct rill_bytes subject) RILL_MUST_CHECK;

/* A run of records of the log that is complete: every message fed since the last seal is in it, perhaps
   none. */
struct rill_index_block {
    uint64_t number;
    uint64_t segment;
    uint64_t offset;
    uint64_t length;
    int64_t first_time_ns; // of its messages; meaningless when it has none
    int64_t last_time_ns;
};
enum rill_err rill_index_seal(struct rill_index *index, const struct rill_index_block *block) RILL_MUST_CHECK;
/* Makes the active batch ready whatever its size, if everything in it is sealed (deletes, too: they are records
   of the log) and no other one is ready. */
void rill_index_rotate(struct rill_index *index);

/* The message is gone. It must have been fed with that subject, and be there still. */
enum rill_err rill_index_delete(struct rill_index *index, uint64_t sequence,
                                struct rill_bytes subject) RILL_MUST_CHECK;
/* All messages below the sequence are gone. Cheap: they are hidden, and removed by later jobs. */
void rill_index_purge_below(struct rill_index *index, uint64_t sequence);

/* NULL when there is nothing to do, or a job is out. */
struct rill_index_job *rill_index_job_start(struct rill_index *index);
/* Any thread, once per job. */
void rill_index_job_run(struct rill_index_job *job);
/* Takes the job back and frees it. NO_SPACE, IO: nothing happened, and the next job tries again; DAMAGED. */
enum rill_err rill_index_job_finish(struct rill_index *index, struct rill_index_job *job) RILL_MUST_CHECK;

/* Bytes of the batches in memory. */
uint64_t rill_index_batch_bytes(const struct rill_index *index);

/* One or several patterns (valid subjects, copied) of one reader; a message that several match counts once.
   It remembers what it has found out, so keep one per consumer. Destroy it before the index is closed. */
struct rill_index_filter *rill_index_filter_create(struct rill_index *index,
                                                   const struct rill_bytes *patterns, size_t pattern_count);
void rill_index_filter_destroy(struct rill_index_filter *filter);

/* The first message at or after `from` that the filter matches. NOT_FOUND, DAMAGED, NO_MEMORY.
   Cost: the first query of a filter looks at the subjects that begin with its literal tokens (all, when it
   begins with a wildcard) until 256 match. Up to 256 matching subjects: one lookup per subject whose next
   message is not remembered; a reader that goes forward needs about one. More: the messages are walked, some
   nanoseconds each; what was walked in vain is not walked again. */
enum rill_err rill_index_next(struct rill_index_filter *filter, uint64_t from,
                              uint64_t *ret_sequence) RILL_MUST_CHECK;
/* How many at or after `from` match. DAMAGED, NO_MEMORY.
   Cost: up to 256 subjects, one or two lookups for each. More: the first count walks the messages from `from`
   on, later ones only what came and what `from` has passed. */
enum rill_err rill_index_count(struct rill_index_filter *filter, uint64_t from,
                               uint64_t *ret_count) RILL_MUST_CHECK;

/* The last message of this subject. NOT_FOUND, DAMAGED. */
enum rill_err rill_index_last(struct rill_index *index, struct rill_bytes subject,
                              uint64_t *ret_sequence) RILL_MUST_CHECK;

struct rill_index_subject {
    struct rill_bytes subject; // lives during the call
    uint64_t count;
    uint64_t last_sequence;
};
/* Returning anything but OK ends the listing with that code. It must not call the index. */
typedef enum rill_err rill_index_visit_fn(void *context, const struct rill_index_subject *subject);

/* Subjects with messages that the pattern matches, in the order of their bytes, behind `after` (empty: from
   the first), at most `limit`. For the next page give the last one visited. Cost: the subjects that begin
   with the pattern's literal tokens, up to the end of the page, and those of the batches. DAMAGED, NO_MEMORY.
   */
enum rill_err rill_index_list(struct rill_index *index, struct rill_bytes pattern, struct rill_bytes after,
                              size_t limit, rill_index_visit_fn *visit, void *context) RILL_MUST_CHECK;

/* The block that holds the first message at or after this time, as the sequences of its messages: the caller
   reads that block to find the exact one. Deleted messages count here, purged ones do not. NOT_FOUND when no
   sealed block ends at or after the time: then look at what is not sealed. DAMAGED. */
enum rill_err rill_index_at_time(struct rill_index *index, int64_t time_ns,
                                 struct rill_store_range *ret_range) RILL_MUST_CHECK;
