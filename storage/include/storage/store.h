// SPDX-License-Identifier: Apache-2.0
//
// The store of one stream: an append-only log of messages and events in one folder of segment files. The
// format and its invariants are in docs/STORAGE-FORMAT.md.
//
// Who calls what. One thread (the loop) owns a struct rill_store and makes every call on it. Only a struct
// rill_store_job leaves that thread: rill_store_job_run() may run on any thread, touches nothing but what the
// job carries, and is the only thing here that waits for a disk while a stream is being served. Functions
// marked "blocking" (create, open, close, delete, list) do wait for a disk: they belong on a worker, before
// or after the loop owns it.
//
// The life of an append:
//
//     append, append, event ...      records go straight into the open commit; sequences are given out at
//     once job = commit_start()           the open commit is sealed; appending goes on into the next one
//     job_run(job)                   [any thread] pwritev, fdatasync
//     commit_finish(job)             only now are the records durable, readable, and counted as committed
//
// One commit of a store is in flight at a time. A commit that fails is never retried here. If the device was
// full, the records of that commit AND of the one that was filling meanwhile are taken back as if they had
// never been appended: the sequence is again the committed one, and the caller takes back its own state and
// tells its publishers. Any other failure leaves the store read-only for good, with a reason; reading goes
// on.
//
// Removing is appending, too: a delete or a purge is a record, and holds for readers when its commit has
// finished. The files that this leaves without a live message are removed by a job of its own
// (rill_store_tidy_start), never on the loop thread.
//
// What it does not do: decide about duplicates or consumers, read a clock, log, or start a thread.
#pragma once

#include "base/buf.h"
#include "storage/disk.h"
#include "storage/shared.h"

struct rill_store;
struct rill_store_job;

enum { RILL_STORE_IDENTITY_BYTES = 16 };

/* What happened to a stream besides messages. The bytes are the broker's own encoding; the store keeps their
   order. The numbers are on disk: never change one, append new ones. */
#define RILL_STORE_EVENT_TABLE(X)                                                                            \
    X(STREAM_CONFIG, 16, "stream config")       /* the stream's configuration changed */                     \
    X(CONSUMER_CREATED, 17, "consumer created") /* or its configuration changed */                           \
    X(CONSUMER_DELETED, 18, "consumer deleted")                                                              \
    X(CONSUMER_STATE, 19, "consumer state") /* a batch of deliveries and acknowledgements */

enum rill_store_event {
#define RILL_STORE_EVENT_ENUM(name, number, text) RILL_STORE_EVENT_##name = number,
    RILL_STORE_EVENT_TABLE(RILL_STORE_EVENT_ENUM)
#undef RILL_STORE_EVENT_ENUM
};

struct rill_store_message {
    uint64_t sequence;
    int64_t time_ns; // since 1970-01-01 UTC; never less than that of the message before it
    struct rill_bytes subject;
    struct rill_bytes headers;
    struct rill_bytes payload;
};

/* Writes the state of the stream and its consumers, as it is after everything appended so far, to `out`.
   Called on the loop thread inside rill_store_commit_start(), about once per segment. It must not call the
   store. On an error the segment simply goes on and the store asks again at the next commit. */
typedef enum rill_err rill_store_checkpoint_fn(void *context, struct rill_buf *out);

/* Zero: no limit. Whoever reads after a commit never finds more than a limit allows: what makes room is in the same
   commit as what needed it. The limit on messages of one subject asks the index: without one, or when that has failed, it
   rests until the store is opened again. */
struct rill_store_limits {
    uint64_t max_messages;
    uint64_t max_bytes; // of the messages' records in the log, as in the state
    uint64_t max_messages_per_subject;
    int64_t max_age_ns; // see rill_store_expire()
    bool discard_new;   // at the first two refuse the append instead of removing the oldest messages
    bool discard_new_per_subject; // the same at the third
    bool message_ttl;             // the header Nats-TTL counts: how long a message lives
};

/* Zero stands for the default in every number. */
struct rill_store_options {
    struct rill_disk *disk;
    const char *folder;                   // <store>/<account>/<stream>; copied
    struct rill_store_shared *shared;     // with all stores of the process, see shared.h; NULL: nothing
    rill_store_checkpoint_fn *checkpoint; // NULL: the last bytes given or read are used again
    void *checkpoint_context;
    struct rill_store_limits limits;
    bool syncs_later;        // a commit is written and not synced: rill_store_sync_start() does that for many
    bool compress;           // segments that another one follows are packed, in the background
    uint64_t segment_bytes;  // a segment that is this long is followed by a new one; 64 MiB
    uint64_t first_sequence; // of a store that is made: what its first message gets; 1
    uint64_t commit_bytes_max; // one commit, and so one record; 8 MiB
    uint64_t cache_bytes_max;  // committed blocks kept in memory; 8 MiB. The tail is kept besides.
    bool index;                // keep an index beside the log; what it covers is not replayed by an open
    bool index_anew; // an open makes it again from the log, but for the message ids, and its file with it
    int64_t id_window_ns; // the index remembers message ids for so long at least; 0: not at all
    uint64_t
        index_batch_bytes; // memory for what is not in the index's file yet, of which there may be two; 16 MiB
    uint64_t index_log_bytes; // of the log that the file lags behind: what a replay costs; 32 MiB
};

/* What replay finds, in the order of the log. Every member may be NULL. Bytes live only during the call.
   Returning anything but OK ends the open with that code. Each segment begins with a checkpoint: the first
   one seen is where to start from; the later ones repeat what the events between them have said, and bridge
   what was lost. */
struct rill_store_visitor {
    void *context;
    enum rill_err (*message)(void *context, const struct rill_store_message *message);
    enum rill_err (*event)(void *context, enum rill_store_event type, struct rill_bytes bytes);
    enum rill_err (*checkpoint)(void *context, struct rill_bytes bytes);
    /* Between the calls before and after it, this much is missing: messages first to last (none when last <
       first), and perhaps events. What is missing in front of the first segment is told last. */
    enum rill_err (*lost)(void *context, uint64_t first_sequence, uint64_t last_sequence);
    /* These were removed here: one by a delete, all below by a purge (then first is 1); or they are no longer there because
       they were removed, and were never told of. */
    enum rill_err (*removed)(void *context, uint64_t first_sequence, uint64_t last_sequence);
    /* When no message was told: the last one of the log, unless it was removed or cannot be read. */
    enum rill_err (*last)(void *context, const struct rill_store_message *message);
    /* Forget what was told: it begins again, from the front of the log. */
    void (*restart)(void *context);
    /* How long the index is to remember ids: looked at first, and again whenever a checkpoint or an event was told. NULL: as
       the options say. */
    const int64_t *id_window_ns;
};

/* With an index, an open replays less: messages and removals that the index covers are not told (they can be asked
   for), and the telling of events begins with the newest checkpoint, or with one before it. When the index turns out to be
   damaged after that, all is told anew. */

/* What an open found and did. */
struct rill_store_report {
    uint64_t segments;
    uint64_t messages;      // replayed
    uint64_t events;        // replayed
    uint64_t bytes_read;    // of the log
    uint64_t lost_messages; // acknowledged once, damaged now
    uint64_t lost_ranges;   // stretches of the log with damage, with or without messages
    uint64_t
        foreign_files; // segment files that belong to another stream, or whose header says another number
    uint64_t dropped_commit; // number of the torn last commit, 0 when there was none or it could not be read
    uint64_t dropped_bytes;  // that were cut off behind the last whole commit
    uint64_t
        dropped_sequence; // first sequence that the torn commit would have had; 0 when nothing was dropped
};

/* [blocking] Makes the folder and the first segment, with its lock taken; the parents of the folder are made
   too. `checkpoint` holds the stream's first state. EXISTS when the folder has a segment already, LOCKED,
   NO_SPACE, IO. */
enum rill_err rill_store_create(const struct rill_store_options *options,
                                const uint8_t identity[RILL_STORE_IDENTITY_BYTES],
                                struct rill_bytes checkpoint, struct rill_store **ret_store,
                                struct rill_error_text *why) RILL_MUST_CHECK;

/* [blocking] Takes the lock, replays the whole log to `visitor` (may be NULL), cuts a torn tail off, and
   makes durable what it presents. NOT_FOUND when the folder has no segment, LOCKED when another process has
   it, DAMAGED when not a single segment can be understood, UNSUPPORTED for a newer format, NO_MEMORY, IO.
   `ret_report` may be NULL. */
enum rill_err rill_store_open(const struct rill_store_options *options,
                              const struct rill_store_visitor *visitor, struct rill_store **ret_store,
                              struct rill_store_report *ret_report,
                              struct rill_error_text *why) RILL_MUST_CHECK;

/* [blocking] Drops what is appended and not committed, marks a clean end in the log, lets go of the lock,
   frees. No job may be in flight. NULL is fine. */
void rill_store_close(struct rill_store *store);

/* Appends to the open commit. `message->sequence` is filled in and `message->time_ns` raised to that of the
   message before it. The bytes are copied. LIMIT when the open commit has no room (start it, append again
   when it has finished) or the record is larger than any commit; FULL_MESSAGES, FULL_BYTES or FULL_SUBJECT at that limit,
   when it discards what is new (a message that takes the place of another one of its subject is not refused for their
   number); with discard_new_per_subject also AGAIN and UNAVAILABLE, as the questions below; READ_ONLY; NO_MEMORY. On an
   error nothing changed. */
enum rill_err rill_store_append(struct rill_store *store, struct rill_store_message *message) RILL_MUST_CHECK;
/* As append. Events have no sequence; they take their place between messages. */
enum rill_err rill_store_append_event(struct rill_store *store, enum rill_store_event type,
                                      struct rill_bytes bytes) RILL_MUST_CHECK;

/* Appends the removal of one message, committed or not. It is readable until the commit has finished; the count
   of messages changes then too. NOT_FOUND when there is no such message, or its removal was appended before;
   AGAIN when its block must be loaded first (rill_store_load_start); DAMAGED when it is lost; else as append. */
enum rill_err rill_store_append_delete(struct rill_store *store, uint64_t sequence) RILL_MUST_CHECK;

/* As a delete; and in the background (rill_store_background_start: with an index that remembers ids, when it has the
   message's) the message's bytes are overwritten on the disk, and in memory. Also after a crash: it is in the log. Only a
   committed message: NOT_FOUND else. LIMIT also while 8192 wait to be overwritten. What holds for them on the disk
   is in docs/STORAGE-FORMAT.md, "Secure erase". */
enum rill_err rill_store_append_erase(struct rill_store *store, uint64_t sequence) RILL_MUST_CHECK;
/* Is this message still to be overwritten? True from the append on, false when its bytes are gone. */
bool rill_store_erasing(const struct rill_store *store, uint64_t sequence);

struct rill_store_purged {
    uint64_t messages;      // that the purge removes
    uint64_t load_sequence; // only with AGAIN: whose block must be loaded first
};

/* Appends the removal of all messages below `first_kept`, in one record; UINT64_MAX for all. With nothing to
   remove, nothing is appended. Sequences go on where they were. AGAIN as above; else as append. */
enum rill_err rill_store_append_purge(struct rill_store *store, uint64_t first_kept,
                                      struct rill_store_purged *ret) RILL_MUST_CHECK;
/* What to purge with so that the newest `count` messages stay: the sequence of the first of them. */
uint64_t rill_store_newest(struct rill_store *store, uint64_t count);

/* A removal that is made in several calls: zeroed before the first, kept by the caller from one to the next. */
struct rill_store_purging {
    uint64_t next_sequence; // where it goes on
    uint64_t messages;      // removed so far
    uint64_t left;          // of a purge that matches: how many are to go still, at most
    uint64_t load_sequence; // only with AGAIN: whose block must be loaded first; 0: nothing, go on
};

/* Appends the removal of all messages above `last_kept`, some hundred in each call; numbers are not given again. OK
   when all are removed; AGAIN when it goes on; LIMIT when the open commit is full: start it, go on. Else as append. */
enum rill_err rill_store_append_truncate(struct rill_store *store, uint64_t last_kept,
                                         struct rill_store_purging *purging) RILL_MUST_CHECK;

/* Bytes of the open commit, 0 when nothing was appended since the last start. */
uint64_t rill_store_open_bytes(const struct rill_store *store);
/* The number of the commit that an append made now goes into. Numbers only grow. For telling, when a commit
   finishes, which events were in it. */
uint64_t rill_store_open_commit(const struct rill_store *store);

/* From the next start of a commit on, which has something to do then, if they are exceeded. A lower limit on messages of one
   subject, also one that an open brings, is reached in steps, some hundred messages in each commit. */
void rill_store_set_limits(struct rill_store *store, const struct rill_store_limits *limits);
/* Is there more to remove than went into the commit that was started last? Then start another when that has finished. */
bool rill_store_limits_left(const struct rill_store *store);
/* Whether segments that another one follows are to be packed, from now on. Those that are packed stay so. */
void rill_store_set_compress(struct rill_store *store, bool compress);

struct rill_store_expired {
    uint64_t messages; // whose removal was appended; also when there was an error
    int64_t
        next_ns; // when there will be more to do, or earlier; INT64_MAX for never. Not for what is appended later
    uint64_t
        load_sequence; // only with AGAIN: whose block must be loaded first; 0: the commit and the index must go on
};

/* A message whose removal was just appended. The bytes live during the call. It must not call the store. */
struct rill_store_gone {
    uint64_t sequence;
    struct rill_bytes subject;
    struct rill_bytes headers;
    bool is_last; // of its subject: none is left behind the removal. False when there is no index that works
};
typedef void rill_store_gone_fn(void *context, const struct rill_store_gone *gone);

/* Appends the removal of the messages that were appended `max_age_ns` before `now_ns` or earlier, unless their header says that
   they live for ever; and of those whose own time is over. `visit`, unless it is NULL, hears of each. When it is not NULL, or
   messages have a time of their own, some hundred go in each call: there is more to do at once when ret->next_ns is not behind
   `now_ns`. The time of messages needs the index; without one that works only age counts. AGAIN, also as the questions
   below; else as append. *ret is filled in every case. */
enum rill_err rill_store_expire(struct rill_store *store, int64_t now_ns, rill_store_gone_fn *visit,
                                void *context, struct rill_store_expired *ret) RILL_MUST_CHECK;

/* Seals the open commit and returns the work of making it durable, or NULL when there is nothing to do:
   nothing is open, or a commit is in flight; or when something must be loaded first, so that a limit can make room: see
   rill_store_limits_load_start(); or when the index must catch up first, for the limit on messages of one subject: go on with
   rill_store_background_start(). The store keeps the job; it ends with rill_store_commit_finish(). */
struct rill_store_job *rill_store_commit_start(struct rill_store *store);
/* The work of loading what the next commit waits for; run it as any other load, then start the commit again. NULL when
   it does not wait, or the load is under way. Ask when a commit could not be started, and to save time whenever one was
   started; until it says NULL, because there may be several blocks. */
struct rill_store_job *rill_store_limits_load_start(struct rill_store *store);

struct rill_store_committed {
    uint64_t commit;        // its number; everything appended at this number or before is durable, or written
    uint64_t last_sequence; // the last committed one
};

/* Tells the index a bounded part of what is committed, without waiting. It is due after each commit, when nothing is more
   urgent: else who asks the index, and the work in the background, have the more to tell it. */
void rill_store_catch_up(struct rill_store *store);

/* The outcome of a commit that was run. OK: its records are durable and readable. READ_ONLY: the store is
   read-only from now on, see rill_store_state(). Anything else (NO_SPACE as a rule; LIMIT or DENIED when a
   segment file could not be made): nothing happened, and the store goes on. In both failures this commit and
   the open one were taken back. *ret is filled in every case, with what is committed now. */
enum rill_err rill_store_commit_finish(struct rill_store *store, struct rill_store_job *job,
                                       struct rill_store_committed *ret) RILL_MUST_CHECK;

/* With `syncs_later`: is all durable that is committed? Otherwise always. What is not durable may be gone after a power cut, any
   part of it; a part in the middle is found and told as lost. Work in the background and closing see to it that what
   they stand on is durable. */
bool rill_store_is_synced(const struct rill_store *store);
/* The work of making durable what is committed now. NULL when it is, or when that is under way. Commits go on meanwhile. The
   store must not be closed until it was given back. */
struct rill_store_job *rill_store_sync_start(struct rill_store *store);
/* READ_ONLY when it failed: the store is read-only from now on, see rill_store_state(). Anything else: the file could not be
   opened just now; a later start tries again. */
enum rill_err rill_store_sync_finish(struct rill_store *store, struct rill_store_job *job) RILL_MUST_CHECK;

/* Any thread, once per job. Waits for the disk. */
void rill_store_job_run(struct rill_store_job *job);

/* The message with this sequence, if it is committed. The views in *ret live until the next call that is not a
   read, on this store or on one that shares its cache (shared.h). AGAIN when its block must be loaded first, or, when there is nothing to load,
   a mending must end (rill_store_mend_start); NOT_FOUND; DAMAGED when it was there and cannot be read; NO_MEMORY. */
enum rill_err rill_store_read(struct rill_store *store, uint64_t sequence,
                              struct rill_store_message *ret) RILL_MUST_CHECK;

/* The work of loading the block of this sequence; several may be in flight. NULL when a load of that block is
   in flight already: read again when that has finished. Also NULL when a read would not say AGAIN. */
struct rill_store_job *rill_store_load_start(struct rill_store *store, uint64_t sequence);
/* Which sequences one load brings: those of the block that this one is in, from *ret_first on, in front of *ret_end. False
   when nothing of this sequence is stored. For readers in order, who have the next block loaded before they need it. */
bool rill_store_load_range(struct rill_store *store, uint64_t sequence, uint64_t *ret_first,
                           uint64_t *ret_end);
/* Takes over what was loaded and frees the job. OK: a read of any sequence of the block gives an answer now; or says
   AGAIN once more, when its file was replaced meanwhile.
   IO, NO_MEMORY: nothing changed; a read says AGAIN still, and the caller decides whether to try once more. */
enum rill_err rill_store_load_finish(struct rill_store *store, struct rill_store_job *job) RILL_MUST_CHECK;

/* ---- asking for messages by their subjects ----

   Answers are about what is committed, exact, and need the options' `index`; only filters that take everything do
   without. AGAIN: ask again when the work in the background (rill_store_background_start, or mending when the index has
   failed) has gone on. UNAVAILABLE: there
   is no index, or it has failed (the state says which), or its file could not be opened just now. A message that is lost may still be named. */

struct rill_store_filter;

/* One or several patterns (valid subjects, copied), or none: everything. A message that several match counts once. It
   remembers what it has found, so keep one per reader. Destroy it before the store is closed. */
struct rill_store_filter *rill_store_filter_create(struct rill_store *store,
                                                   const struct rill_bytes *patterns, size_t pattern_count);
void rill_store_filter_destroy(struct rill_store_filter *filter);

/* The first message at or after `from` that matches. NOT_FOUND, AGAIN, UNAVAILABLE, NO_MEMORY. */
enum rill_err rill_store_next(struct rill_store_filter *filter, uint64_t from,
                              uint64_t *ret_sequence) RILL_MUST_CHECK;
/* How many at or after `from` match. AGAIN, UNAVAILABLE, NO_MEMORY. */
enum rill_err rill_store_count(struct rill_store_filter *filter, uint64_t from,
                               uint64_t *ret_count) RILL_MUST_CHECK;

struct rill_store_subject {
    struct rill_bytes subject; // of a listing: lives during the call
    uint64_t count;            // of messages; at least 1
    uint64_t first_sequence;
    uint64_t last_sequence;
};
/* The messages of this one subject. NOT_FOUND, AGAIN, UNAVAILABLE. */
enum rill_err rill_store_subject(struct rill_store *store, struct rill_bytes subject,
                                 struct rill_store_subject *ret) RILL_MUST_CHECK;

/* Returning anything but OK ends the listing with that code. It must not call the store, nor one that shares with it. */
typedef enum rill_err rill_store_subject_fn(void *context, const struct rill_store_subject *subject);
/* Subjects with messages that the pattern matches, in the order of their bytes, behind `after` (empty: from the first), at
   most `limit`. For the next page give the last one visited. AGAIN and UNAVAILABLE come before the first visit. */
enum rill_err rill_store_subjects(struct rill_store *store, struct rill_bytes pattern,
                                  struct rill_bytes after, size_t limit, rill_store_subject_fn *visit,
                                  void *context) RILL_MUST_CHECK;

/* The newest message of this one subject, committed or not: what an append that is made now would follow. What is appended and
   not committed is remembered by subject from the first such question on, and while there is a limit on messages of one
   subject. NOT_FOUND, AGAIN, UNAVAILABLE. */
enum rill_err rill_store_subject_newest(struct rill_store *store, struct rill_bytes subject,
                                        uint64_t *ret_sequence) RILL_MUST_CHECK;
/* The newest message that matches, committed or not. Cost: up to 256 subjects that match, some lookups for each; more: as
   rill_store_next(). NOT_FOUND, AGAIN, UNAVAILABLE, NO_MEMORY. */
enum rill_err rill_store_newest_matching(struct rill_store_filter *filter,
                                         uint64_t *ret_sequence) RILL_MUST_CHECK;

/* The last message at or before `until` of each subject that the pattern matches: `last_sequence` is 0 for one that has none,
   `count` and `first_sequence` are 0 always. Pages, order and errors as rill_store_subjects(). */
enum rill_err rill_store_subjects_until(struct rill_store *store, struct rill_bytes pattern, uint64_t until,
                                        struct rill_bytes after, size_t limit, rill_store_subject_fn *visit,
                                        void *context) RILL_MUST_CHECK;

/* From now on ids are remembered for so long at least. */
void rill_store_set_id_window(struct rill_store *store, int64_t id_window_ns);
/* The newest message with this id (Nats-Msg-Id) that was appended at `since_ns` or later, committed or not; deleted and purged
   ones count. `since_ns` is at most that window before the newest message. NOT_FOUND; UNAVAILABLE, also while the index is behind by
   more ids than are kept in memory (32 MiB). */
enum rill_err rill_store_seen(struct rill_store *store, struct rill_bytes id, int64_t since_ns,
                              uint64_t *ret_sequence) RILL_MUST_CHECK;

/* Appends the removal of the messages below `first_kept` that match, but for the newest `keep` of all that match; some hundred
   in each call, as rill_store_append_truncate(). What is not committed when it begins may stay. The same filter in each
   call. As an append, and as the questions above. */
enum rill_err rill_store_append_purge_matching(struct rill_store_filter *filter, uint64_t first_kept,
                                               uint64_t keep,
                                               struct rill_store_purging *purging) RILL_MUST_CHECK;

/* The first committed message at or after this time. AGAIN when the block of *ret_sequence must be loaded first; NOT_FOUND; IO. */
enum rill_err rill_store_at_time(struct rill_store *store, int64_t time_ns,
                                 uint64_t *ret_sequence) RILL_MUST_CHECK;

struct rill_store_state {
    uint64_t first_sequence; // of the first message; last_sequence + 1 when there is none
    uint64_t last_sequence;  // committed
    uint64_t open_sequence;  // given out last; what is above last_sequence is not durable yet
    uint64_t messages;       // committed
    uint64_t bytes;          // committed, as records in the log
    int64_t first_time_ns;   // 0 when there is no message
    int64_t last_time_ns;
    uint64_t deleted;       // between the first and the last sequence
    uint64_t lost_messages; // damaged, found by the replay or by a load; purged ones no longer count
    uint64_t segments;
    uint64_t disk_bytes;  // of all segment files, with what is reserved
    uint64_t cache_bytes; // of blocks in memory
    uint64_t erasing;     // messages that are still to be overwritten
    bool rewriting;       // a segment is being made anew
    /* The log goes on. What only the index knew is not to be had until rill_store_mend_start() has made another: questions by
       subject are UNAVAILABLE, reads of segments whose directory it had say AGAIN. */
    bool index_failed; // nothing goes into the index until then, or until the store is opened again
    struct rill_error_text index_why; // of index_failed
    /* Since the open, or in it: the index was made anew and not all ids of the old one could be taken over. Those of messages
       that are in the log are known; one of a message that is gone may not be. */
    bool ids_forgotten;
    bool read_only;
    struct rill_error_text why; // of read_only
};

void rill_store_state(const struct rill_store *store, struct rill_store_state *ret_state);

/* A file of a snapshot. Only its first `bytes` belong to the copy: the file may have more by then, or, when its segment
   has been made anew in between, less. */
struct rill_store_snapshot_file {
    char name[24];  // in the stream's folder, and in the copy's
    uint64_t bytes; // from its beginning on
};

/* The stream as it was after the last commit that had finished. To keep it, copy the files to a folder of their own;
   to have it back, open that. Appending goes on meanwhile. */
struct rill_store_snapshot {
    const struct rill_store_snapshot_file *files;
    size_t file_count;
    uint64_t last_sequence;
};

/* The files stay until it is destroyed, which must happen before the store is closed. */
struct rill_store_snapshot *rill_store_snapshot_create(struct rill_store *store);
void rill_store_snapshot_destroy(struct rill_store *store, struct rill_store_snapshot *snapshot);

struct rill_store_range {
    uint64_t first_sequence;
    uint64_t last_sequence;
};

/* The sequences that were lost, in order. The array lives until the next call on this store. */
const struct rill_store_range *rill_store_lost(const struct rill_store *store, size_t *ret_count);

/* The sequences between the first and the last that were deleted, in order. The array lives until the next
   call on this store. */
const struct rill_store_range *rill_store_deleted(struct rill_store *store, size_t *ret_count);

/* The next piece of work in the background, or NULL when there is none: all that rill_store_tidy_start() below has,
   writing the index, reading what it is still to be fed. Ask when a commit has finished, and when a piece has. Run on any
   thread, but not where it keeps commits waiting: it may take a second. Then give back; until then the store must not be
   closed. */
struct rill_store_job *rill_store_background_start(struct rill_store *store);
/* An error says that it is not done, or not all; a later start tries again what can be. As rill_store_tidy_finish(). */
enum rill_err rill_store_background_finish(struct rill_store *store,
                                           struct rill_store_job *job) RILL_MUST_CHECK;

/* The next piece of making another index in the place of one that has failed; NULL when none has, or it cannot begin yet, or
   a piece is under way. Ask when there is nothing else to do in the background, and when a piece has finished; after an
   error not before some time has passed, which becomes longer with each. A piece reads a segment (64 MiB) and writes what
   the index has to say of it. From the first to the last one no other work in the background begins, but commits do. Run on
   any thread, then give back; until then the store must not be closed. */
struct rill_store_job *rill_store_mend_start(struct rill_store *store);
/* There is something to mend. */
bool rill_store_wants_mend(const struct rill_store *store);
/* UNAVAILABLE: no index can be made now, as there is no room or its file fails; but reads need none any more. Any other error:
   nothing has changed. */
enum rill_err rill_store_mend_finish(struct rill_store *store, struct rill_store_job *job) RILL_MUST_CHECK;

/* The next piece of work in the background, or NULL when there is none, or one is under way: overwriting what is to be
   erased, removing files that only hold what is dead, making segments anew that mostly do, or that are to be compressed.
   Ask when a commit has finished, and when a piece has. Run on any thread, then give back; until then the store must not be closed.
   What takes ids out of the log waits until the index has them, which only the call above sees to. */
struct rill_store_job *rill_store_tidy_start(struct rill_store *store);
/* An error says that it is not done, or not all; nothing else depends on it, and a later start tries again. READ_ONLY and
   IO of an overwriting or a sync make the store read-only. */
enum rill_err rill_store_tidy_finish(struct rill_store *store, struct rill_store_job *job) RILL_MUST_CHECK;

/* [blocking] Deletes a stream's folder with all that is in it, in a way that a crash in the middle never
   shows as a stream with a hole. Asked for by a user, never done by Rill itself. LOCKED while it is open;
   NOT_FOUND. */
enum rill_err rill_store_delete(struct rill_disk *disk, const char *folder,
                                struct rill_error_text *why) RILL_MUST_CHECK;

/* Names live only during the call; `folder` is <store>/<account>/<stream>. */
typedef enum rill_err rill_store_visit_fn(void *context, const char *account, const char *stream,
                                          const char *folder);

/* [blocking] Each stream folder under <store>, in no particular order. A store that is not there has no
   streams. */
enum rill_err rill_store_list(struct rill_disk *disk, const char *store_folder, rill_store_visit_fn *visit,
                              void *context, struct rill_error_text *why) RILL_MUST_CHECK;
