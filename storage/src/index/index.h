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
//     wants_rotation()?  seal, rotate      at the end of a commit: the active batch becomes the ready one
//     job = job_start()                    the ready batch, a checkpoint of SQLite's, or ids that somebody waits for
//     job_run(job)                         [any thread] one transaction
//     job_finish(job)                      only now do queries look into the file for it
//
// So every message is in exactly one of three layers (the file as of the last finished job, the ready batch,
// the active batch), and answers are exact at every moment. Deletes of older layers are laid over them until
// their own batch is written. Memory: two batches at most (feed says LIMIT when the second is twice as large as
// it should be), SQLite's cache of fixed size, and what each filter holds (12 KiB; one that walks, two bits for
// each of the first million subjects, 256 KiB at most, and as much for two batches; one that counts many subjects, 80 KiB
// for up to 2,048 of them; one that matches few messages of many subjects, 128 KiB for up to 16,384 of them). Nothing
// grows with stored messages, subjects or ids, but for 24 bytes per two million ids.
//
// The file is made by the first job that writes a batch. Connections to it, one for questions and one that jobs hand on to each
// other, are opened when something needs them, and closed by rill_index_idle(): an index that is fed little and asked
// nothing costs no file descriptor.
//
// Damage. Each page of the file carries a checksum. What is missing, damaged, of another stream or version, or
// ahead of the log is thrown away at open and said in the report, but for the message ids in it. Damage that a query or a job meets later is
// answered DAMAGED from then on: close, open with `keeps_ids`, feed again. Never a wrong answer.
//
// Time. The index reads no clock. AGAIN from next() and count() means: as much was done as fits into about half
// a millisecond, it is kept, ask the same again.
//
// What it does not do: read the log, decide what is deleted or a duplicate, start a thread.
#pragma once

#include "storage/disk.h"
#include "storage/store.h"

#include "base/buf.h"

struct rill_index;
struct rill_index_job;
struct rill_index_filter;
struct rill_index_ids;

/* Up to where the log is covered: feeding goes on behind it. All 0 when the index is empty. */
struct rill_index_position {
    uint64_t block;    // number of the last sealed block
    uint64_t segment;  // of it
    uint64_t offset;   // its end in that segment
    uint64_t sequence; // of the last message in it or before it
};

/* Of one filter. 0: as it is best. */
struct rill_index_filter_limits {
    uint32_t few; // subjects of which each is asked for its next message; with more the messages are walked
    uint32_t subjects; // of which each is counted
    uint32_t messages; // that are listed
    uint64_t effort;   // units of work that are walked before they are
};

struct rill_index_options {
    struct rill_disk *disk; // outlives the index; NULL: the real one
    const char *path;       // of index.db; copied
    uint8_t identity[RILL_STORE_IDENTITY_BYTES];
    uint64_t log_sequence;            // the log's last: an index that covers more is thrown away
    uint64_t batch_bytes;             // a batch that is as large wants to be rotated; 0: 16 MiB
    int64_t id_window_ns;             // message ids are remembered for so long at least; 0: not at all
    bool discard;                     // throw away what is there
    bool keeps_ids;                   // likewise, but for the ids
    const struct rill_index_ids *ids; // more of them, for one that is not kept; NULL: none
    bool
        takes_unread; // the ids that can be read will do, when the disk fails to read others. Damage is never waited for
    void (*connected)(
        void *context); // a query or a job has connected it to the file; NULL: nobody wants to know
    void *context;
    // How large the parts of the file's tables become, and what one call may do; for tests. 0: as it is best.
    uint64_t era_postings, run_ids;
    int64_t work;
    struct rill_index_filter_limits filter;
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
/* [blocking] Puts what may be there where no open looks for anything but ids. */
enum rill_err rill_index_set_aside(struct rill_disk *disk, const char *path) RILL_MUST_CHECK;
/* Why no job can be started: DAMAGED for good; what the last try to connect to the file has met; OK. */
enum rill_err rill_index_trouble(const struct rill_index *index);
/* [blocking] What is not written is forgotten: it is fed again. No job may be out. NULL is fine. Filters are to
   be destroyed before. */
void rill_index_close(struct rill_index *index);

/* How large a batch becomes from now on; at first it is as the options say. */
void rill_index_set_batch_bytes(struct rill_index *index, uint64_t batch_bytes);
/* For how long ids are remembered from now on; those that were dropped do not come back. */
void rill_index_set_id_window(struct rill_index *index, int64_t id_window_ns);

struct rill_index_message {
    uint64_t sequence; // above those fed before
    int64_t time_ns;   // not before those fed before
    struct rill_bytes subject;
    struct rill_bytes id; // Nats-Msg-Id; empty: none
    int64_t expire_ns;    // 0: never
};
enum { RILL_INDEX_RUN_MAX = 32 };
/* All of the messages is copied; *ret_fed of them in front were fed, all when OK. A run costs less than each by itself. LIMIT
   when two batches wait and this one is twice as large as it should be: the caller stops feeding until a job has finished;
   asking is_full() at the beginning of a commit avoids that. NO_MEMORY, DAMAGED. */
enum rill_err rill_index_feed_run(struct rill_index *index, const struct rill_index_message *messages,
                                  size_t count, size_t *ret_fed) RILL_MUST_CHECK;
/* One; on an error nothing happened. */
static inline RILL_MUST_CHECK enum rill_err rill_index_feed(struct rill_index *index,
                                                            const struct rill_index_message *message)
{
    size_t fed;
    return rill_index_feed_run(index, message, 1, &fed);
}

/* A run of records of the log that is complete: every message fed since the last seal is in it, perhaps
   none. NO_MEMORY. */
struct rill_index_block {
    uint64_t number;
    uint64_t segment;
    uint64_t offset;
    uint64_t length;
    int64_t first_time_ns; // of its messages; meaningless when it has none
    int64_t last_time_ns;
};
enum rill_err rill_index_seal(struct rill_index *index, const struct rill_index_block *block) RILL_MUST_CHECK;

/* What the owner wants to find in the file beside the batch: written in the batch's transaction. The index does
   not look into it. */
struct rill_index_segment {
    uint64_t number;
    uint64_t first_sequence, end_sequence;
    uint64_t messages, bytes;
    uint64_t live_messages, live_bytes;
    int64_t first_time_ns, last_time_ns;
    struct rill_bytes detail; // kept apart, so that reading all the rest is cheap; empty: as it was
};
struct rill_index_summary {
    struct rill_bytes state;
    const struct rill_index_segment *segments; // new and changed ones; others stay as they are
    size_t segment_count;
    uint64_t segments_from; // those of lower numbers are dropped
};

/* The active batch is large and may be made ready: end the commit, seal, rotate. */
bool rill_index_wants_rotation(const struct rill_index *index);
/* The active batch has few messages of each of its subjects: what it costs to write is shared by few. */
bool rill_index_is_sparse(const struct rill_index *index);
/* A batch waits to be written and the active one is large: stop feeding at the end of a commit. */
bool rill_index_is_full(const struct rill_index *index);
/* The batches take as much memory as two should. */
bool rill_index_is_large(const struct rill_index *index);
/* A batch is ready, or out with a job, and so not in the file. */
bool rill_index_is_waiting(const struct rill_index *index);
/* Makes the active batch ready, whatever its size. Everything fed and deleted must be sealed (deletes, too: they
   are records of the log). The summary is copied; NULL leaves what is in the file. LIMIT when a batch is ready
   already, NO_MEMORY: nothing happened. */
enum rill_err rill_index_rotate(struct rill_index *index,
                                const struct rill_index_summary *summary) RILL_MUST_CHECK;

/* The message is gone. It must have been fed with that subject, and be there still. */
enum rill_err rill_index_delete(struct rill_index *index, uint64_t sequence,
                                struct rill_bytes subject) RILL_MUST_CHECK;
/* All messages below the sequence are gone. Cheap: they are hidden, and removed by later jobs. */
void rill_index_purge_below(struct rill_index *index, uint64_t sequence);

/* Will the file have the ids of all messages that were fed, up to this one, whatever happens? Else the next job but a
   checkpoint sees to it; it is enough to ask again when one has finished. */
bool rill_index_holds_ids(struct rill_index *index, uint64_t sequence);
/* The last message whose id was fed, now or to the file that was kept, or whose id was in it. */
uint64_t rill_index_ids_end(const struct rill_index *index);
/* [blocking] Those behind this one are of messages that there are not: forgets them. No job may be out. */
enum rill_err rill_index_drop_ids_behind(struct rill_index *index, uint64_t sequence) RILL_MUST_CHECK;
/* Was a file there whose ids could not all be read? Those of messages that the log has no longer are not known then. */
bool rill_index_has_forgotten_ids(const struct rill_index *index);

/* Ids without an index: what the next one is to have beside those of the file. */
struct rill_index_ids *rill_index_ids_create(const uint8_t identity[RILL_STORE_IDENTITY_BYTES]);
/* NULL is fine. */
void rill_index_ids_destroy(struct rill_index_ids *ids);
/* Forgets those of times before `from_ns`, and takes none from now on. NO_MEMORY: of some more, too. */
enum rill_err rill_index_ids_forget(struct rill_index_ids *ids, int64_t from_ns) RILL_MUST_CHECK;
/* NO_MEMORY, from both. */
enum rill_err rill_index_ids_add(struct rill_index_ids *ids, struct rill_bytes id, uint64_t sequence,
                                 int64_t time_ns) RILL_MUST_CHECK;
/* All of its batches. */
enum rill_err rill_index_ids_add_unwritten(struct rill_index_ids *ids,
                                           const struct rill_index *index) RILL_MUST_CHECK;

/* NULL when there is nothing to do, or a job is out. */
struct rill_index_job *rill_index_job_start(struct rill_index *index);
/* Any thread, once per job. */
void rill_index_job_run(struct rill_index_job *job);
/* Instead, when something else that had to be done first has failed. */
void rill_index_job_fail(struct rill_index_job *job, enum rill_err err);
/* Takes the job back and frees it. NO_SPACE, IO: the batch is not in the file, and the next job tries again.
   DAMAGED, also when a checkpoint met IO: a sync that failed is not tried again. */
enum rill_err rill_index_job_finish(struct rill_index *index, struct rill_index_job *job) RILL_MUST_CHECK;

/* Closes the connections to the file until something needs them; not while a job is out. Waits for no disk: what is to be
   copied from the write-ahead log is left to a job. */
void rill_index_idle(struct rill_index *index);
/* Does it hold file descriptors, a job aside? */
bool rill_index_is_connected(const struct rill_index *index);

/* Bytes of the batches in memory. */
uint64_t rill_index_batch_bytes(const struct rill_index *index);

/* The summary as of the last finished batch. NOT_FOUND before the first one with a summary; IO, DAMAGED,
   LIMIT when it is larger than the buffer may be. Appends to the buffer. */
enum rill_err rill_index_summary(struct rill_index *index, struct rill_buf *ret_state) RILL_MUST_CHECK;
/* Without `detail`. Returning anything but OK ends the listing with that code. It must not call the index. */
typedef enum rill_err rill_index_segment_fn(void *context, const struct rill_index_segment *segment);
/* By number. Some hundred thousand segments a second. */
enum rill_err rill_index_segments(struct rill_index *index, rill_index_segment_fn *visit,
                                  void *context) RILL_MUST_CHECK;
/* Some microseconds. NOT_FOUND when the segment has none. */
enum rill_err rill_index_segment_detail(struct rill_index *index, uint64_t number,
                                        struct rill_buf *ret_detail) RILL_MUST_CHECK;

/* The newest message with this id, if it was fed with a time at or after `since_ns`; it may be deleted or purged
   meanwhile. `since_ns` is at most the window before the newest message fed, else older ids may be missing.
   NOT_FOUND, DAMAGED, IO. Cost: a hash lookup per batch, and some microseconds for each run of two million ids
   or a quarter of the window in the file. */
enum rill_err rill_index_seen(struct rill_index *index, struct rill_bytes id, int64_t since_ns,
                              uint64_t *ret_sequence) RILL_MUST_CHECK;

struct rill_index_expiry {
    int64_t expire_ns;
    uint64_t sequence;
};
/* Live messages that expire at or before `now_ns`, the earliest first, at most `capacity`; delete them, then ask
   again. *ret_next_ns is when the first one behind this page expires, perhaps not after now_ns; INT64_MAX when
   none does. DAMAGED, IO, NO_MEMORY. */
enum rill_err rill_index_expired(struct rill_index *index, int64_t now_ns, struct rill_index_expiry *ret_page,
                                 size_t capacity, size_t *ret_count, int64_t *ret_next_ns) RILL_MUST_CHECK;

/* Queries by subject need lists of what was fed, which the first of them makes: some nanoseconds for each message. This makes
   some of them. AGAIN when there is more to do, NO_MEMORY. */
enum rill_err rill_index_list_some(struct rill_index *index) RILL_MUST_CHECK;

/* One or several patterns (valid subjects, copied) of one reader; a message that several match counts once.
   It remembers what it has found out, so keep one per consumer. Destroy it before the index is closed. */
struct rill_index_filter *rill_index_filter_create(struct rill_index *index,
                                                   const struct rill_bytes *patterns, size_t pattern_count);
void rill_index_filter_destroy(struct rill_index_filter *filter);

/* The first message at or after `from` that the filter matches. NOT_FOUND, AGAIN, DAMAGED, IO, NO_MEMORY.
   Cost: the first query of a filter looks at the subjects that begin with its literal tokens (all, when it
   begins with a wildcard) until 256 match. Up to 256 matching subjects: one lookup per subject whose next
   message is not remembered; a reader that goes forward needs about one. More: the messages are walked, some
   nanoseconds each; what was walked in vain is not walked again. When so some ten milliseconds were spent on few
   matches, all are listed (up to 16,384 of up to 2,048 subjects, a few microseconds each), and answers cost no more. */
enum rill_err rill_index_next(struct rill_index_filter *filter, uint64_t from,
                              uint64_t *ret_sequence) RILL_MUST_CHECK;
/* The last message before `end` that the filter matches. NOT_FOUND, AGAIN, DAMAGED, IO, NO_MEMORY.
   Cost: up to 256 subjects, some lookups for each. More: the messages are walked backwards; what was walked in vain is
   not walked again. */
enum rill_err rill_index_newest(struct rill_index_filter *filter, uint64_t end,
                                uint64_t *ret_sequence) RILL_MUST_CHECK;
/* Does one of its patterns match? */
bool rill_index_filter_matches(const struct rill_index_filter *filter, struct rill_bytes subject);
/* How many at or after `from` match. AGAIN, DAMAGED, IO, NO_MEMORY.
   Cost: up to 2,048 subjects, one or two lookups for each, or none when the messages are listed. More: the first count
   walks the messages from `from` on, later ones only what came and what `from` has passed. */
enum rill_err rill_index_count(struct rill_index_filter *filter, uint64_t from,
                               uint64_t *ret_count) RILL_MUST_CHECK;

/* The last message of this subject that is before `end`, and the first at or after `from`. NOT_FOUND, DAMAGED, IO. */
enum rill_err rill_index_last_before(struct rill_index *index, struct rill_bytes subject, uint64_t end,
                                     uint64_t *ret_sequence) RILL_MUST_CHECK;
enum rill_err rill_index_next_of(struct rill_index *index, struct rill_bytes subject, uint64_t from,
                                 uint64_t *ret_sequence) RILL_MUST_CHECK;

struct rill_index_subject {
    struct rill_bytes subject; // of a listing: lives during the call
    uint64_t count;            // of live messages; at least 1
    uint64_t first_sequence;   // of them
    uint64_t last_sequence;
};
/* The live messages of this subject at or after `from`; the subject is copied into *ret as a view. Some microseconds,
   however many of them were deleted. NOT_FOUND, DAMAGED, IO. */
enum rill_err rill_index_subject_from(struct rill_index *index, struct rill_bytes subject, uint64_t from,
                                      struct rill_index_subject *ret) RILL_MUST_CHECK;

/* The last message of this subject, and all of them. */
static inline RILL_MUST_CHECK enum rill_err rill_index_last(struct rill_index *index,
                                                            struct rill_bytes subject, uint64_t *ret_sequence)
{
    return rill_index_last_before(index, subject, UINT64_MAX, ret_sequence);
}
static inline RILL_MUST_CHECK enum rill_err
rill_index_subject(struct rill_index *index, struct rill_bytes subject, struct rill_index_subject *ret)
{
    return rill_index_subject_from(index, subject, 0, ret);
}
/* Returning anything but OK ends the listing with that code. It must not call the index. */
typedef enum rill_err rill_index_visit_fn(void *context, const struct rill_index_subject *subject);

/* Subjects with messages that the pattern matches, in the order of their bytes, behind `after` (empty: from
   the first), at most `limit`. For the next page give the last one visited. Cost: the subjects that begin
   with the pattern's literal tokens, up to the end of the page, and those of the batches. DAMAGED, NO_MEMORY.
   */
enum rill_err rill_index_list(struct rill_index *index, struct rill_bytes pattern, struct rill_bytes after,
                              size_t limit, rill_index_visit_fn *visit, void *context) RILL_MUST_CHECK;

/* As list; but of each subject only the last message before `end`, which is not 0, is asked for, and 0 stands for none. */
enum rill_err rill_index_list_before(struct rill_index *index, struct rill_bytes pattern,
                                     struct rill_bytes after, uint64_t end, size_t limit,
                                     rill_index_visit_fn *visit, void *context) RILL_MUST_CHECK;
/* Subjects with more than `above` messages, in the order of their bytes: looks at those behind *after, at most `limit`, and
   puts the last one that it looked at there; makes *after empty when there are no more. DAMAGED, NO_MEMORY, LIMIT. */
enum rill_err rill_index_crowded(struct rill_index *index, struct rill_buf *after, uint64_t above,
                                 size_t limit, rill_index_visit_fn *visit, void *context) RILL_MUST_CHECK;

/* The block that holds the first message at or after this time, as the sequences of its messages: the caller
   reads that block to find the exact one. Deleted messages count here, purged ones do not. NOT_FOUND when no
   sealed block ends at or after the time: then look at what is not sealed. DAMAGED. */
enum rill_err rill_index_at_time(struct rill_index *index, int64_t time_ns,
                                 struct rill_store_range *ret_range) RILL_MUST_CHECK;
