// SPDX-License-Identifier: Apache-2.0
//
// The inside of an index, shared by the files of this folder.
//
//     1 ............ db_last │ ......................... │ ..................►
//     the file, as of the     │ ready: waits for a job,   │ active: what is fed
//     reader's transaction    │ or is being written       │ goes here
//
// A reader's transaction stays open from one finished job to the next, so what a job has written shows only
// when its batch goes. Deletes lie over the older layers: ready's and active's over the file, active's over
// ready.
#pragma once

#include "batch.h"
#include "index_code.h"

enum {
    INDEX_BATCH_BYTES = 16 << 20,
    FILTER_FEW = 256,           // subjects of which each is asked for its next message
    FILTER_SUBJECTS_MAX = 2048, // of which each is counted
    FILTER_HITS_MAX = 16384,    // messages that are listed
    FILTER_EFFORT = 1 << 20,    // units of work to be walked before they are
    FILTER_KNOWN_MAX = 1 << 20, // subjects of which a filter that walks remembers whether they match
    FILTER_SUBJECT_BYTES_MAX = 1 << 20,
};

/* What one call of next() or count() may do, in units of about 10 ns, and what things cost. */
enum {
    WORK_MAX = 50000,
    WORK_ROW = 50, // of a range of rows
    WORK_MATCH = 5,
    WORK_LOOKUP = 300,
    WORK_BLOCK = 300,
};

struct rill_index_job {
    bool is_checkpoint;
    bool makes_file;
    struct batch *ids; // owned: a copy of those of the active batch, which is all that is written; else NULL
    uint64_t ids_sequence; // that the file's ids reach afterwards
    struct index_vfs *vfs;
    const char *path;
    struct index_db *db; // the index's writer
    uint8_t identity[RILL_STORE_IDENTITY_BYTES];
    const struct batch *batch; // nobody changes it while the job is out
    uint64_t era_postings, run_ids;
    uint64_t sequence;                   // that the file must cover before
    struct rill_index_position position; // and afterwards
    enum rill_err err;
};

/* Part of the file, by sequence: one posting of a subject is in the era of its messages. */
struct index_era {
    uint64_t era;
    uint64_t first, last; // messages
    uint64_t postings;
};

/* Part of the file, by the time of writing: the ids of some batches. */
struct index_run {
    uint64_t run;
    int64_t first_time_ns, last_time_ns;
    uint64_t ids;
};

struct rill_index {
    struct rill_disk *disk;
    struct index_vfs *vfs; // of the disk and for this file
    char *path;
    uint8_t identity[RILL_STORE_IDENTITY_BYTES];
    uint64_t batch_bytes, era_postings, run_ids;
    int64_t work; // that one call may do
    struct rill_index_filter_limits filter;
    int64_t id_window_ns;
    bool has_file;          // a batch was written; without one nobody looks for the file
    struct index_db db;     // the reader; closed until it is needed
    struct index_db writer; // of jobs, while one is out only for it; not without the reader
    void (*connected)(void *context);
    void *context;
    uint64_t db_last;       // last sequence that the reader sees
    struct index_era *eras; // that it sees, in order
    size_t era_count;
    struct index_run *runs; // that it sees, in order
    size_t run_count;
    uint64_t ids_last;                   // sequence of the last message whose id was fed
    uint64_t ids_ready;                  // of those of ready
    uint64_t ids_written;                // of those in the file: they are not written again
    uint64_t ids_safe;                   // of those that a loss of power leaves there
    bool ids_wanted;                     // somebody waits for more of these
    uint64_t ids_end;                    // no id that was taken from another file is of a message behind it
    bool ids_forgotten;                  // not all could be taken
    struct rill_index_expiry expired_to; // up to it all expiries of the file are of messages that are gone
    uint64_t first_sequence;             // below it all is purged
    struct batch *ready;                 // NULL when there is none
    struct batch *active;
    uint64_t next_serial;
    struct rill_index_position sealed;         // of active's last block, or what is before
    struct rill_index_position ready_position; // of ready's last block
    struct rill_index_job *out;
    bool checkpoint_due;
    bool damaged;
    enum rill_err trouble;             // of the last try to connect
    struct rill_index_filter *filters; // a list
};

/* Of a filter: which subjects of a layer match. */
struct filter_match {
    uint64_t id;
    uint64_t eras; // those of its row, when knows_eras
    bool knows_eras;
    uint64_t from, next; // there is none from `from` to before `next`; nothing is known when from > next
};

struct filter_local {
    uint64_t serial;  // of the batch
    uint32_t checked; // subjects of the batch that were looked at
    bool many;
    uint32_t count;
    uint32_t *subjects; // owned, a filter_list
};

/* Two bits per subject: is it known whether it matches, and does it. */
struct filter_known {
    uint64_t serial; // of the batch
    uint64_t capacity;
    uint8_t *bits; // four subjects in a byte
};

/* A count that has not looked at all subjects of the file yet. */
struct filter_census {
    bool is_under_way;
    uint64_t from;
    uint32_t at; // in matches
    uint64_t count;
    uint32_t restarts; // in a row
};

/* The messages of the file that match, when they are so few and far between that walking to them is the longer way. */
struct filter_hits {
    uint64_t *sequences; // owned; sorted when is_listed
    uint32_t count;
    uint32_t at; // in matches: those before it are listed
    bool is_listed;
    bool is_over;    // there are too many
    uint64_t to;     // the last sequence looked at, when is_listed
    uint64_t effort; // units of work that were walked, to so many messages:
    uint64_t arrivals;
};

struct rill_index_filter {
    struct rill_index *index;
    struct rill_index_filter *prev, *next;
    struct rill_bytes *patterns; // owned with their bytes
    size_t pattern_count;

    int64_t work; // that this call may still do

    // The file.
    bool few_suffice;            // of this call
    bool has_begun;              // to look at the subjects by their text
    size_t patterns_prepared;    // for these patterns it has ended
    struct rill_buf prepared_to; // where it is for the next one; empty at its beginning
    uint64_t checked_id;         // all up to it are looked at by then; newer ones are looked at by their id
    bool prepared;               // all were looked at
    bool many;                   // more match than are counted one by one
    uint32_t match_count;
    struct filter_match *matches;      // by id; owned, a filter_list
    struct filter_census census;       // of matches
    struct filter_hits hits;           // of matches
    struct filter_local locals[2];     // ready and active, by serial modulo 2
    struct filter_known known[3];      // of the file; of ready and active, by serial modulo 2
    uint64_t none_from, none_to;       // no match in [none_from, none_to)
    uint64_t vain_from, vain_to;       // nor here, where the newest was looked for
    uint64_t counted_from, counted_to; // `counted` match in [from, to), when is_counted
    uint64_t counted;
    bool is_counted;
    bool goes_on; // the last count ended with AGAIN
    uint64_t goes_on_from;
};

/* index.c: remembers damage; gives the error back. */
enum rill_err index_failed(struct rill_index *index, enum rill_err err);
/* index_reader.c: what every query begins with: connects the reader, if there is a file. IO, DAMAGED. */
enum rill_err index_reader(struct rill_index *index) RILL_MUST_CHECK;
/* Moves the reader, which is connected, to all that is written. */
enum rill_err index_reader_move(struct rill_index *index, struct index_db_state *ret_state) RILL_MUST_CHECK;
/* Then reads what is remembered of the file. */
enum rill_err index_reader_read(struct rill_index *index) RILL_MUST_CHECK;
void index_reader_close(struct rill_index *index);

/* index_lookup.c: one subject. `from` is at least the first sequence. */
/* The part of a pattern in front of its first wildcard. */
struct rill_bytes pattern_prefix(struct rill_bytes pattern);
/* A subject's row in the file. */
struct subject_row {
    uint64_t id;
    uint64_t fed, deleted, live;
    uint64_t eras;
};
/* NOT_FOUND. */
enum rill_err lookup_subject(struct rill_index *index, struct rill_bytes subject,
                             struct subject_row *ret) RILL_MUST_CHECK;
enum rill_err lookup_subject_id(struct rill_index *index, uint64_t id,
                                struct subject_row *ret) RILL_MUST_CHECK;
/* What ready and active have deleted of one subject of the file. */
struct overlay {
    const struct batch_subject *ready, *active;
};
struct overlay overlay_of(const struct rill_index *index, struct rill_bytes subject);
enum rill_err overlay_of_id(struct rill_index *index, uint64_t id, struct overlay *ret) RILL_MUST_CHECK;
bool overlay_has(const struct overlay *overlay, uint64_t sequence);
/* In the file. NOT_FOUND. */
enum rill_err lookup_db_next(struct rill_index *index, uint64_t id, uint64_t eras,
                             const struct overlay *overlay, uint64_t from,
                             uint64_t *ret_sequence) RILL_MUST_CHECK;
/* Below `end`, which is at most INT64_MAX. */
enum rill_err lookup_db_last(struct rill_index *index, const struct subject_row *row,
                             const struct overlay *overlay, uint64_t end,
                             uint64_t *ret_sequence) RILL_MUST_CHECK;
enum rill_err lookup_db_count(struct rill_index *index, const struct subject_row *row,
                              const struct overlay *overlay, uint64_t from,
                              uint64_t *ret_count) RILL_MUST_CHECK;
/* Was this message of the file deleted since it was written? */
enum rill_err lookup_db_deleted(struct rill_index *index, uint64_t id, uint64_t sequence,
                                bool *ret) RILL_MUST_CHECK;
/* Appends all messages of the subject in the file that are live. LIMIT when there is no room. */
enum rill_err lookup_db_list(struct rill_index *index, const struct subject_row *row,
                             const struct overlay *overlay, uint64_t *list, uint32_t capacity,
                             uint32_t *count) RILL_MUST_CHECK;
/* In a batch. */
bool lookup_batch_next(const struct rill_index *index, const struct batch *batch,
                       const struct batch_subject *subject, uint64_t from, uint64_t *ret_sequence);
/* The last one below `end`. */
bool lookup_batch_last(const struct rill_index *index, const struct batch *batch,
                       const struct batch_subject *subject, uint64_t end, uint64_t *ret_sequence);
uint64_t lookup_batch_count(const struct rill_index *index, const struct batch *batch,
                            const struct batch_subject *subject, uint64_t from);

/* filter.c: a filter_list is of a limited number, and most are of one, so it grows: room for one more behind
   `count`. */
void *filter_list_room(void *list, uint32_t count, size_t size) __attribute__((returns_nonnull));
/* filter.c: what a change does to what filters remember. */
void filters_forget(struct rill_index *index);
void filters_deleted(struct rill_index *index, uint64_t sequence, struct rill_bytes subject);
/* To be called before the first sequence moves. */
void filters_purge(struct rill_index *index, uint64_t first_sequence);

/* filter_prepare.c: finds out which subjects match, or that they are not few. AGAIN. */
enum rill_err filter_prepare(struct rill_index_filter *filter) RILL_MUST_CHECK;
/* All, or that they are many. AGAIN. */
enum rill_err filter_prepare_all(struct rill_index_filter *filter) RILL_MUST_CHECK;
/* Are they so many that messages are walked rather than subjects asked? */
static inline bool filter_walks(const struct rill_index_filter *filter)
{
    return filter->many || filter->match_count > filter->index->filter.few;
}
/* Of those of the file; prepared, and not many. */
bool filter_has_match(const struct rill_index_filter *filter, uint64_t id);
/* The subjects of a batch that match, brought up to date. AGAIN. */
enum rill_err filter_local_of(struct rill_index_filter *filter, const struct batch *batch,
                              const struct filter_local **ret_local) RILL_MUST_CHECK;

/* filter_hits.c: the first match of the file at or after `from`, of a filter that walks. AGAIN, NOT_FOUND. */
enum rill_err hits_next(struct rill_index_filter *filter, uint64_t from,
                        uint64_t *ret_sequence) RILL_MUST_CHECK;
/* How many at or after `from`. AGAIN; LIMIT when they are too many to be listed. */
enum rill_err hits_count(struct rill_index_filter *filter, uint64_t from,
                         uint64_t *ret_count) RILL_MUST_CHECK;
/* A message is gone, perhaps one of them. */
void hits_deleted(struct rill_index_filter *filter, uint64_t sequence);
/* There is a new batch in the file. */
void hits_forget(struct rill_index_filter *filter);
void hits_fini(struct rill_index_filter *filter);

/* filter_count.c: takes what is before `from` out of what was counted. AGAIN: some of it. */
enum rill_err counted_pass(struct rill_index_filter *filter, uint64_t from) RILL_MUST_CHECK;
/* A message is gone; there is a new batch in the file. */
void census_deleted(struct rill_index_filter *filter, uint64_t sequence, struct rill_bytes subject);
void census_forget(struct rill_index_filter *filter);

/* filter_walk.c: messages of all layers in [from, to). AGAIN: what was walked is remembered, or said. */
enum rill_err walk_next(struct rill_index_filter *filter, uint64_t from, uint64_t to,
                        uint64_t *ret_sequence) RILL_MUST_CHECK;
enum rill_err walk_count(struct rill_index_filter *filter, uint64_t from, uint64_t to, uint64_t *ret_count,
                         uint64_t *ret_reached) RILL_MUST_CHECK;
/* Behind the last message fed. */
uint64_t index_end(const struct rill_index *index);
