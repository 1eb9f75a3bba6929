// SPDX-License-Identifier: Apache-2.0
//
// The inside of a store, shared by the files of this folder.
//
// Three marks divide the log. Appends move `open`; starting a commit moves `started` up to it; finishing one
// moves `committed` up to `started`. Taking back what is not committed is moving the other two back.
//
//     committed            started              open
//     ────┼────────────────────┼───────────────────┼──────►
//         │  in flight (a job) │ the open commit   │
//      readable
//
// When the log has grown past the segment's size at the start of a commit, the next segment is planned there:
// its checkpoint is taken while the broker's state is exactly that of `started`, and `open` moves to its
// first free byte. The job of the next commit makes the file before it writes.
#pragma once

#include "directory.h"
#include "lost.h"
#include "open_subjects.h"
#include "seen.h"
#include "segment.h"
#include "shared.h"
#include "store_limits.h"

enum {
    SEGMENT_BYTES_DEFAULT = 64 << 20,
    SEGMENT_BYTES_MIN = 16 << 10,
    SEGMENT_BYTES_MAX = 1 << 30,
    COMMIT_BYTES_DEFAULT = 8 << 20,
    COMMIT_BYTES_MAX = 1 << 30,
    CACHE_BYTES_DEFAULT = 8 << 20,
    SPARE_BYTES_MAX = 64 << 20,
    DISK_PAGE_BYTES = 4096,
    RESERVE_BYTES_FIRST = 1 << 20, // a file is reserved in doubling steps, so that a small stream stays small
    CHECKPOINT_BYTES_MAX = 256 << 20,
    SUBJECT_BYTES_MAX = UINT16_MAX,
};

struct log_mark {
    uint64_t segment;
    uint64_t offset;       // in the segment
    uint64_t sequence;     // of the last message before it, and so on for the others
    int64_t time_ns;       // the largest given
    uint64_t commit;       // number
    uint64_t messages;     // that are live
    uint64_t bytes;        // of their records
    uint64_t floor;        // sequence of the first live one, or what the next message will have
    uint64_t said_floor;   // what the last purge in the log says (R2)
    uint64_t said_segment; // which holds it; 0 when there is none
    struct block *block;   // the last one; NULL when its segment has none
    uint32_t block_len;    // how much of that block is before the mark, and so on for the others
    uint32_t block_messages;
    uint32_t block_bytes;
};

/* Messages of one block that the commit with this number removes: those of [first, last] that were live. */
struct removal {
    uint64_t commit;
    struct block *block; // in a segment that it keeps hot
    uint32_t first;
    uint32_t last;
    uint32_t bytes; // of their records
};

/* A message that is to be overwritten (E3). */
struct erasure {
    uint64_t commit; // that holds the erase
    struct record_erase erase;
    bool taken; // by the job in flight
    bool done;  // on the disk; but a load of its block may have read what was there before
};

/* The commit that appends go into; its record is reserved at its front and filled in when it starts. */
struct open_commit {
    uint8_t *record; // in the data of `block`; NULL when no commit is open
    struct block *block;
    uint64_t offset; // in the segment
    uint64_t bytes;
    uint32_t record_count;
    uint32_t message_count;
};

enum job_kind {
    JOB_COMMIT,
    JOB_LOAD,
    JOB_TIDY,
    JOB_SPARE,
    JOB_ERASE,
    JOB_REWRITE,
    JOB_INDEX,
    JOB_MEND,
    JOB_SYNC
};

/* UNREACHED: the file could not be opened just now, and nothing is known to be wrong with it. */
enum tail_sync { TAIL_SYNCED, TAIL_UNREACHED, TAIL_FAILED };

struct rill_store_job {
    enum job_kind kind;
    struct rill_disk *disk;
    enum rill_err err;
    struct rill_error_text why;
    // What it stands on (sync.c):
    char *tail;               // the file to be synced first; NULL: all is durable
    uint64_t tail_commit;     // which that makes durable, with all before it
    enum tail_sync tail_sync; // unless synced, nothing else was done
};

struct commit_job {
    struct rill_store_job base;
    // Set at the start:
    const char *folder;
    struct segment_plan *plan; // the segment to be made first, or NULL; owned
    uint64_t spare;            // number of the spare that it is made from; 0: from nothing
    uint64_t segment;          // where the parts go
    uint64_t offset;
    uint64_t bytes; // of all parts
    uint64_t segment_bytes;
    uint64_t left;       // number of the segment to be synced before it is left; 0: it is
    bool syncs;          // else it is durable later
    bool cut;            // a failed commit may have left something at `offset` (I6)
    bool keeps_file;     // else it is closed at the end of the run
    struct iovec *parts; // used up by the run
    size_t part_count;
    size_t part_capacity;
    // The run's, and the result:
    struct rill_disk_file *file; // the tail, NULL when it is not open; another one when the segment was made
    uint64_t reserved;           // length of that file
    bool made;                   // the planned segment is there
    uint64_t left_bytes;         // length of the file before, when it was made
    enum segment_outcome outcome;
};

struct load_job {
    struct rill_store_job base;
    char *path;
    uint64_t segment;
    uint32_t files; // the segment's when it began, and so for the other
    uint32_t swaps;
    uint64_t seed; // of the block's first byte
    uint64_t offset;
    uint32_t len;
    uint32_t packed_len; // in the file, when it is a packed record
    uint64_t first_sequence;
    uint64_t last_sequence;
    struct block_data *data; // the result
};

struct tidy_job {
    struct rill_store_job base;
    const char *folder;
    uint64_t *numbers; // of the dead segments
    size_t count;
    struct spare_job *spare; // what becomes of the last one's file; NULL: nothing
    bool unsynced;           // the one before them may come back; and the result, of the last one removed
    size_t removed;          // the result
};

/* Makes a spare (spare.c), alone or as the end of a tidy job. */
struct spare_job {
    struct rill_store_job base;
    const char *folder;
    uint64_t number;
    uint64_t bytes;
    bool made; // the result
};

/* Overwrites messages of one segment. */
struct erase_job {
    struct rill_store_job base;
    char *path;
    uint64_t seed; // of the segment
    struct record_erase *erases;
    size_t count;
};

/* What is known of the next segment's file, that may be made ahead, and of how fast the tail fills. */
struct spare {
    uint64_t number;       // of the one that is there; 0: none
    uint64_t tried;        // the tail's number when one was made, or could not be
    uint64_t from_segment; // since when the tail is looked at
    uint64_t from_offset;
    uint64_t from_commit;
    int64_t from_ns;
};

struct indexing;
struct mend;

struct rill_store {
    // Immutable.
    struct rill_disk *disk;
    char *folder;
    struct rill_disk_file *lock;          // NULL when that of the root stands for it
    struct rill_store_shared *own_shared; // when the options gave none
    uint8_t identity[RILL_STORE_IDENTITY_BYTES];
    uint64_t segment_bytes;
    uint64_t commit_bytes_max;
    rill_store_checkpoint_fn *checkpoint_fn;
    void *checkpoint_context;
    bool syncs_later;
    bool keeps_spares;
    bool opened; // nothing is read back any more

    // Loop thread.
    uint64_t synced; // this commit is durable, and all before it
    bool syncing;    // a job makes more of them so
    struct log_mark committed;
    struct log_mark started;
    struct log_mark open;
    uint64_t seed; // of the segment of `open`
    struct open_commit commit;
    struct segment_plan *plan;     // the segment that the open commit begins, or NULL
    struct segment_table segments; // those whose file is there, and those that are planned
    size_t file_count;             // of the former; the last of them is the tail
    struct indexing *indexing;     // NULL: the store has no index
    struct lost lost;
    struct removal *removals; // that are not committed, in order
    size_t removal_count;
    size_t removal_capacity;
    struct limits limits;
    struct seen seen;
    struct open_subjects opens;
    struct snapshot *snapshots; // that hold segments
    struct lost deleted;        // what rill_store_deleted() has made
    struct rill_buf checkpoint; // the last one
    int64_t first_time_ns;      // of the message at committed.floor, meaningless when there is none
    uint64_t noted_floor;       // for which first_time_ns was found out
    bool ends_block;            // the next record begins a block
    struct erasure *erasures;   // in the order of their commits
    size_t erasure_count;
    size_t erasure_capacity;
    bool tidying;           // a job in the background is in flight
    bool folder_unsynced;   // the segment removed last may come back: none goes before that is settled (R2)
    struct mend *mend;      // of an index that has failed
    uint32_t mend_failures; // since the last one that has not
    struct rill_store_filter *filters;
    bool compress;               // segments that are left are to be packed
    struct rewrite *rewrite;     // of the segment that is being made anew
    bool rewrite_look;           // there may be one that should be
    uint64_t rewrite_gone_bytes; // deleted since it was looked
    uint64_t next_segment;       // number of the next one to be made
    uint64_t full_bytes;         // of the segments before the tail's
    uint64_t tail_bytes;         // of the tail's file, as it was when no commit was in flight
    size_t loads;                // in flight
    struct spare spare;
    bool sealed; // the last commit is a seal
    bool read_only;
    struct rill_error_text why;

    // The job's while it is in flight, else the loop thread's.
    struct commit_job job;
    bool in_flight;
    bool dirty; // what job.cut will be
    struct shared_member member;
    bool serving; // open, and the loop's
};

/* store.c: one that has nothing yet. */
struct rill_store *store_create_object(const struct rill_store_options *options);
void store_destroy(struct rill_store *store);

/* Keeps the budget of block data in memory, after some was added. */
void store_cache_trim(struct rill_store *store);

/* at_time.c */
/* The first message above a time. */
struct store_young {
    uint64_t floor; // its sequence, or a lower one behind all that are not above; with AGAIN one to be loaded
    int64_t
        time_ns; // its time, or that of one in front of it which is above, too; RILL_NEVER_NS when there is none
};
/* AGAIN, IO. */
enum rill_err store_find_young(struct rill_store *store, enum live_plane plane, int64_t cutoff_ns,
                               struct store_young *ret) RILL_MUST_CHECK;

/* append.c */
/* Makes sure that a commit is open. */
enum rill_err store_commit_open(struct rill_store *store) RILL_MUST_CHECK;
/* Room for a record of `size` bytes in the open commit. The caller writes it there, then advances. */
enum rill_err store_record_room(struct rill_store *store, size_t size, uint8_t **ret_at) RILL_MUST_CHECK;
void store_record_advance(struct rill_store *store, size_t size);

/* remove.c */
/* Makes the removals up to the commit `commit` those that readers see. */
void store_removals_commit(struct rill_store *store, uint64_t commit);
void store_removals_undo(struct rill_store *store);
/* The first message from `from` on that is live in this plane; open.sequence + 1 when there is none. IO when a directory is
   not to be had: then nobody knows from *ret_sequence on. */
enum rill_err store_find_live(struct rill_store *store, enum live_plane plane, uint64_t from,
                              uint64_t *ret_sequence) RILL_MUST_CHECK;
/* The same where nothing is taken for removed that nobody knows of. */
uint64_t store_next_live(struct rill_store *store, enum live_plane plane, uint64_t from);
/* Finds out first_time_ns. Exact when the first message is in memory. */
void store_note_first(struct rill_store *store);
/* The floor as far as a purge may say it by itself: what is lost stays lost until somebody purges it. */
uint64_t store_sayable_floor(const struct rill_store *store, uint64_t floor);
/* Repeats the floor in the log when that lets a segment go (R2). */
void store_say_floor(struct rill_store *store);

/* snapshot.c: the lowest segment that must not be removed. */
uint64_t store_pinned_from(const struct rill_store *store);

/* Where a message stands that an append could name, as the open commit sees it. */
enum rill_err store_find_message(struct rill_store *store, uint64_t sequence, struct block **ret_block,
                                 const uint8_t **ret_at) RILL_MUST_CHECK;
/* Is there such a message, as the open commit sees it? One that is lost is not there. */
bool store_is_live(struct rill_store *store, uint64_t sequence);
/* As store_record_room(), for the removal of the message whose record is at `message`. */
enum rill_err store_removal_room(struct rill_store *store, const uint8_t *message, size_t size,
                                 uint8_t **ret_at) RILL_MUST_CHECK;
/* A record was appended that removes this message. */
void store_note_delete(struct rill_store *store, struct block *block, uint64_t sequence, uint32_t bytes);

/* erase.c */
/* Notes an erase that the commit `commit` holds, and that is to be done. */
void store_erase_note(struct rill_store *store, uint64_t commit, const struct record_erase *erase);
/* Forgets those of commits behind `commit`: they were taken back. */
void store_erase_undo(struct rill_store *store, uint64_t commit);
/* Those in a segment that cannot be rewritten are given up; those in one that is gone are done. */
void store_erase_forget(struct rill_store *store, uint64_t segment);
/* Wipes what is erased from the memory of a block that was just loaded. */
void store_erase_loaded(struct rill_store *store, const struct block *block);
/* The next job; NULL when nothing is to be done, or not yet. */
struct rill_store_job *store_erase_start(struct rill_store *store);
enum rill_err store_erase_finish(struct rill_store *store, struct erase_job *job) RILL_MUST_CHECK;
void erase_job_run(struct erase_job *job);

/* rewrite.c */
struct rewrite;
/* So many bytes were deleted; UINT64_MAX: there is another reason to look for a segment that should be made anew. */
void store_rewrite_look(struct rill_store *store, uint64_t gone_bytes);
/* The next job; NULL when nothing is to be done. */
struct rill_store_job *store_rewrite_start(struct rill_store *store);
enum rill_err store_rewrite_finish(struct rill_store *store, struct rewrite *rewrite) RILL_MUST_CHECK;
/* [blocking] Removes what stands under the other name. No job may be in flight. */
void store_rewrite_abandon(struct rill_store *store);
void rewrite_job_run(struct rewrite *rewrite);
void rewrite_destroy(struct rewrite *rewrite);
/* How long the file of a segment may be that is being replaced. */
uint64_t rewrite_bytes_max(const struct rill_store *store, const struct segment *segment);

/* query.c */
struct rill_store_filter {
    struct rill_store *store;
    struct rill_index_filter *filter; // NULL when it takes everything, or there is no index
    bool takes_all;
    struct rill_bytes *patterns; // of those that do not: another index may come
    size_t pattern_count;
    struct rill_store_filter *prev, *next; // of the store
};
/* The index is about to go, or has come. */
void store_filters_detach(struct rill_store *store);
void store_filters_attach(struct rill_store *store);
/* Brings the index up to what is committed. AGAIN, UNAVAILABLE. */
enum rill_err store_query_ready(struct rill_store *store) RILL_MUST_CHECK;
/* What the index said, as the store says it. */
enum rill_err store_query_result(struct rill_store *store, enum rill_err err) RILL_MUST_CHECK;

/* truncate.c: deletes a message and steps behind it. */
enum rill_err store_purge_one(struct rill_store *store, uint64_t sequence,
                              struct rill_store_purging *purging) RILL_MUST_CHECK;

/* spare.c */
/* A commit has finished. */
void store_spare_look(struct rill_store *store);
/* The next job; NULL when the tail has no need of a spare. */
struct rill_store_job *store_spare_start(struct rill_store *store);
void store_spare_finish(struct rill_store *store, struct spare_job *job);
void spare_job_run(struct spare_job *job);
/* The file of a spent segment shall become the spare. NULL: it is of no use. */
struct spare_job *store_spare_recycle(struct rill_store *store);
/* Removes the file. */
void spare_job_drop(const struct spare_job *job);
/* Gives a spent segment's file the name of the spare that the job makes. */
enum rill_err spare_job_take(struct spare_job *job, uint64_t segment) RILL_MUST_CHECK;
/* What the next segment is made from; 0: nothing. The commit that has it used it up, whatever comes of it. */
uint64_t store_spare_take(struct rill_store *store);
/* [blocking] Removes the file, unless the store writes nothing any more. */
void store_spare_drop(struct rill_store *store);

/* tidy.c */
/* How many segments from the front on are dead, and the log says so behind them. */
size_t store_spent_count(const struct rill_store *store);
void tidy_job_run(struct tidy_job *job);
/* The file of the segment `number` is there, and the tail is left for it. */
void store_enter_file(struct rill_store *store, uint64_t number, uint64_t left_bytes,
                      uint64_t first_sequence);

/* commit.c */
/* As rill_store_commit_start; also an empty commit, and never planning a segment, when it is a seal. */
struct rill_store_job *store_commit_start(struct rill_store *store, bool is_seal);
void commit_job_run(struct commit_job *job);
void commit_job_close_file(struct commit_job *job);
/* Takes back everything that is not committed. No commit may be in flight. */
void store_rollback(struct rill_store *store);
/* Writes and finishes a seal. OK also when there was no space for it. */
enum rill_err store_seal(struct rill_store *store) RILL_MUST_CHECK;
void store_fail(struct rill_store *store, const struct rill_error_text *why);
/* Moves a mark to the first free byte of a planned segment. */
void mark_enter(struct log_mark *mark, const struct segment_plan *plan);

/* sync.c */
/* [blocking] */
enum tail_sync store_sync_file(struct rill_disk *disk, const char *path, enum rill_err *ret_err);
/* The job syncs what is committed now before it does anything. */
void store_sync_before(struct rill_store *store, struct rill_store_job *job);
/* What the job does first. False when that failed: it does nothing else. */
bool job_sync_tail(struct rill_store_job *job);
/* Of a job that has run. */
void store_sync_settle(struct rill_store *store, struct rill_store_job *job);
/* [blocking] What is committed is durable, or the store is read-only. */
void store_sync_now(struct rill_store *store);
/* [blocking] What a replay has read so far is durable. */
enum rill_err store_sync_last(struct rill_store *store) RILL_MUST_CHECK;

/* read.c */
/* [blocking] Brings the data of a block that has none. */
enum rill_err store_load_block(struct rill_store *store, struct block *block) RILL_MUST_CHECK;
/* [blocking] Tells the visitor of an open, to whom no message was told, of the last one. */
enum rill_err store_tell_last(struct rill_store *store,
                              const struct rill_store_visitor *visitor) RILL_MUST_CHECK;
/* Of a block that has no data and no load under way. */
struct rill_store_job *store_load_start(struct rill_store *store, struct block *block);
void load_job_run(struct load_job *job);

/* replay.c: reads the log into the store's blocks and losses and the mark `committed`. */
struct replay_tail {
    struct segment_header header; // of the last segment; made up when has_header is false
    bool has_header;
    bool torn;       // something stands behind the last whole commit
    bool unreadable; // the disk could not read all of the last segment
    uint64_t size;   // of its file
};
enum rill_err store_replay(struct rill_store *store, const struct rill_store_visitor *visitor,
                           struct rill_store_report *report, const struct rill_store_options *options,
                           struct replay_tail *ret_tail, struct rill_error_text *why) RILL_MUST_CHECK;
