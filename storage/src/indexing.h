// SPDX-License-Identifier: Apache-2.0
//
// The log's side of the index: the only file pair that knows both. It feeds the index behind the log, record by record up
// to what is committed; it decides where a batch ends; it gives with each batch what an open goes on from (summary.h)
// and the directories of the segments (directory_code.h), and so is the source that evicted directories come back from.
//
//        file of the index      batches in memory        not fed yet
//     ────────────────────────┼───────────────────────┼───────────────┤
//                        last finished job           fed          committed
//
// A batch ends where a block ends that ends with a commit (block.ends_commit): commits see to it that there is such a
// place in every INDEXING_STEP_BYTES of the log. Feeding stops while the index is full, and goes on behind when its job
// has finished; blocks that are no longer in memory then are loaded like any others.
//
// What fails here never fails the log: after an error nothing is fed any more until another one takes its place (mend.h) or
// the store is opened again, and rill_store_state() says so. When what is in the file could not be read, or is damaged, the index is void: the file is
// set aside, so that the next open makes another one with its ids, and an open that had believed it begins again without. All calls are the store's owner's, but for the run of the index's jobs.
#pragma once

#include "index/index.h"
#include "store_impl.h"
#include "summary.h"

enum {
    INDEXING_STEP_BYTES = 1 << 20,
    INDEXING_LOG_BYTES = 32 << 20,  // so much of the log at most is left to a batch, so that an open is quick
    INDEXING_CLOSE_BYTES = 4 << 20, // so much of it is worth a batch when the store is closed
    INDEXING_BLOCKS_MAX =
        96, // fed when a commit has finished: more than any has, so that what is behind catches up
    INDEXING_SUBJECTS_MAX = 16 << 20,
    // An open that had to write a batch would take as long as reading many times the log that it covers. So until the store
    // serves there is room for what an index lags behind by in full ingest.
    INDEXING_OPEN_BATCH_BYTES = 64 << 20,
    INDEXING_TROUBLES_MAX = 3, // without an answer in between
};

/* A segment as a batch has it. */
struct indexing_stored {
    uint64_t number;
    uint64_t version;
};

struct index_job {
    struct rill_store_job base;
    struct rill_index_job *job; // NULL: the file is removed
    const char *path;
};

struct indexing {
    struct rill_store *store;
    struct rill_index *index; // NULL when it could not be opened
    struct rill_index_options options;
    char *path;
    struct rill_index_position position; // of the file, at the open
    uint64_t step_bytes;
    uint64_t resumed_sequence; // the file had the messages up to this one when the store was opened
    uint64_t log_bytes;
    struct summary fed;           // up to here
    struct block *block;          // the last one fed, in a segment that this keeps hot; NULL before the first
    uint32_t block_len;           // how much of it
    struct rill_index_block open; // what is fed and not sealed
    uint64_t since_rotation;      // bytes of the log
    uint64_t since_step;
    struct rill_buf subjects;       // of deletes that were appended and not fed, in order
    size_t subjects_at;             // those in front were fed
    size_t subjects_last;           // where the last one kept begins
    struct indexing_stored *stored; // of the batch that is not written yet
    size_t stored_count;
    size_t stored_capacity;
    bool doubtful; // some of the log could not be read: nothing is to go on from what was seen in its place
    bool stale; // without a batch now the next open is slow: a segment was rewritten, or there is no file yet
    bool rotated; // there is such a batch
    bool out;     // its job is
    bool failed;
    bool keeps; // it has failed, and has the subjects of the deletes that are not committed for another one
    uint64_t keeps_from;  // but for those in commits up to this one
    bool ended;           // the other one is being made: also of those that are committed meanwhile
    bool is_out_of_space; // the last job that wrote was
    bool is_awaited;      // ids are, by something that would take them out of the log
    uint32_t troubles;    // since the last answer
    bool is_void;         // its file is not to be believed any more
    bool is_removed;      // or a job is about to do so
    bool
        has_forgotten_ids; // of messages that are gone, in this life of the store: see rill_index_has_forgotten_ids()
    struct rill_index_ids *ids; // that it had in memory when it failed, for the next one; NULL before
    struct rill_error_text why;
};

/* [blocking] Opens the index of the store, whose identity is known. Never fails: see `failed`. */
struct indexing *indexing_open(struct rill_store *store, const struct rill_store_options *options);
/* [blocking] In the place of one that has failed, which leaves these ids; `takes_unread` as in rill_index_options. */
struct indexing *indexing_open_next(struct rill_store *store, const struct rill_store_options *options,
                                    const struct rill_index_ids *ids, bool takes_unread);
enum indexing_from { INDEXING_FROM_FILE, INDEXING_FROM_IDS };
/* [blocking] Begins again, with what is in the file, or with the ids in it. */
void indexing_begin(struct indexing *indexing, enum indexing_from from);
/* [blocking] Goes on without, until the store is opened again. */
void indexing_give_up(struct indexing *indexing);
/* Has it said, or can it not say, what it should? Then so it is with all that the store has from it. */
bool indexing_is_void(const struct indexing *indexing);
void indexing_set_id_window(struct indexing *indexing, int64_t id_window_ns);
/* Can this be the position up to which the index's file goes? Its last block ends there, or before what is in none. */
bool indexing_stands_at(const struct indexing *indexing, const struct summary *at);
/* Gives its descriptors back until something needs them. False when a job does. NULL is fine. */
bool indexing_disconnect(struct indexing *indexing);
/* [blocking] Writes what is worth it, and frees. NULL is fine. */
void indexing_close(struct indexing *indexing);
/* Of one whose index is closed. */
void indexing_free(struct indexing *indexing);
struct directory_source indexing_source(struct indexing *indexing);

/* ---- while the store is opened: every record, in order; a batch waits to be written until the store serves, unless
   there is no memory for another or the index is made anew ---- */

/* A block is complete. */
void indexing_end_block(struct indexing *indexing);
/* A record stands there. */
void indexing_note_place(struct indexing *indexing, uint64_t segment, uint64_t offset, size_t size);
/* [blocking] What it says, but for a delete, which is noted by itself. */
void indexing_note(struct indexing *indexing, const struct record *record);
/* A commit begins. */
void indexing_note_commit(struct indexing *indexing, const struct record_commit *commit);
/* [blocking] A delete names a message of this block, which is loaded if it must be. */
void indexing_note_delete(struct indexing *indexing, struct block *block, uint64_t sequence);
/* [blocking] A commit will follow at this offset. True when a batch was ended: then a block ends, too. */
bool indexing_note_end(struct indexing *indexing, const struct log_mark *at, uint64_t offset);
/* The disk could not read something. What was not read is not what is lost: this life of the store shows it so, and the next
   open looks again, because no batch from now on says what an open goes on from. */
void indexing_doubt(struct indexing *indexing);
/* The whole log was replayed. */
void indexing_settle(struct indexing *indexing);

/* ---- while it serves ---- */

/* A delete is about to be appended: this is the subject of its message, which nobody can say any more when it is fed. */
void indexing_keep_subject(struct indexing *indexing, uint64_t commit, uint64_t sequence,
                           struct rill_bytes subject);
/* It was not appended. */
void indexing_forget_subject(struct indexing *indexing);
/* Tells open_subjects_removed() of those that are kept and not committed. */
void indexing_tell_kept(const struct indexing *indexing);
/* The deletes of commits behind this one were taken back. */
void indexing_take_back(struct indexing *indexing, uint64_t commit);
/* A commit of so many bytes has started. True when a block is to end with it. */
bool indexing_wants_step(struct indexing *indexing, uint64_t bytes);
/* Feeds up to `blocks_max` blocks of what is committed, as far as they are in memory. */
void indexing_advance(struct indexing *indexing, size_t blocks_max);
/* Is all that is committed fed? */
bool indexing_has_all(struct indexing *indexing);
/* The block that must be loaded before the feeding can go on, or NULL. */
struct block *indexing_wants_block(struct indexing *indexing);
/* Is nothing of this segment to be fed any more? */
bool indexing_is_past(const struct indexing *indexing, uint64_t segment);
/* May the headers of this message and those before it go from the log? The file has their ids then, for good. Else the
   next jobs see to it. Nobody waits where no ids are remembered, when the index has failed, or when
   the last of its jobs found no room: what goes may make some. */
bool indexing_holds_ids(struct indexing *indexing, uint64_t sequence);

/* ---- indexing_kept.c ---- */

/* Of the delete that is fed next; lives until it is dropped. */
struct rill_bytes indexing_kept_subject(const struct indexing *indexing, uint64_t sequence);
void indexing_drop_kept(struct indexing *indexing);

static inline bool indexing_keeps(const struct indexing *indexing)
{
    return !indexing->failed || indexing->keeps;
}

/* ---- when it has failed, and another one is made in its place: mend.c ---- */

/* Subjects of deletes are kept for the next one, or are so again, when there were too many of them. */
void indexing_keep(struct indexing *indexing);
/* All deletes that are not committed are kept, so the next one may end here: feeding it goes on behind what is committed. */
bool indexing_may_end(const struct indexing *indexing);
void indexing_end(struct indexing *indexing);
/* [blocking] Lets go of the file, which the next one takes, and keeps what ids it and the store have in memory. */
void indexing_retire(struct indexing *indexing);
/* It has not become one. */
void indexing_unretire(struct indexing *indexing);
/* Takes the place of the store's, which is freed. False when that could not keep what it should have. */
bool indexing_succeed(struct indexing *next, struct rill_store *store);

/* ---- indexing_jobs.c ---- */

struct rill_store_job *indexing_job_start(struct indexing *indexing);
void indexing_job_run(struct index_job *job);
/* Instead: it could not even begin. */
void indexing_job_fail(struct index_job *job);
enum rill_err indexing_job_finish(struct indexing *indexing, struct rill_store_job *job) RILL_MUST_CHECK;
/* [blocking] All there are. */
enum rill_err indexing_run_jobs(struct indexing *indexing) RILL_MUST_CHECK;
/* [blocking] Writes the batch that waits, while the store is opened, as there is no memory for more. Otherwise an open leaves
   that to the background: it takes as long as reading many times the log that the batch covers. */
void indexing_make_room(struct indexing *indexing);
/* [blocking] An open that makes the index anew leaves what it has done so far, but for the last batch, to the next one. */
void indexing_keep_up(struct indexing *indexing);

/* indexing_summary.c */
/* What is fed last. */
void indexing_stand_on(struct indexing *indexing, struct block *block, uint32_t len);
/* Ends the batch at `fed`, where everything is sealed. */
void indexing_rotate(struct indexing *indexing);
void indexing_fail(struct indexing *indexing, enum rill_err err, const char *what);
/* As a failure, but for a file that could not be opened: descriptors and memory come back, so that is tried again. */
void indexing_trouble(struct indexing *indexing, enum rill_err err, const char *what);
