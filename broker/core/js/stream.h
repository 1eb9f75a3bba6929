// SPDX-License-Identifier: Apache-2.0
//
// A stream: its configuration, its log, who waits for its commits, and its consumers. Loop thread only; while a job is out
// (creating, recovering, closing) the job owns the store.
//
//      CREATING ──┐ job back                 ┌─► DELETING ─┐ nothing out     job back
//                 ├──────────► ACTIVE ───────┤             ├───────► ENDING ─────────► freed
//      RECOVERING ┘   │                      └─► STOPPING ─┘ last commit made
//                     └─► OFFLINE (its log could not be opened; the reason is kept)
//
// The life of a publish: stream_publish checks it, appends it to the store's open commit and remembers who waits;
// stream_end_turn starts the commit, unless one is out; when that is back the next one starts, consumers may see the
// messages, the acknowledgements go out at the end of the turn, and in the next one the index is told. A commit that fails takes everything back and says so to all who wait.
#pragma once

#include "dedupe.h"
#include "js_state.h"
#include "parked.h"
#include "proto/js_error.h"
#include "proto/subject_transform.h"
#include "pub_acks.h"
#include "retention.h"
#include "storage/store.h"
#include "stream_republish.h"
#include "stream_subjects.h"

#include <stdatomic.h>
#include <uthash.h>

/* One commit, and so one message. */
enum { STREAM_COMMIT_BYTES_MAX = 8 << 20 };

enum stream_state {
    STREAM_CREATING,
    STREAM_RECOVERING,
    STREAM_ACTIVE,
    STREAM_OFFLINE,
    STREAM_DELETING,
    STREAM_STOPPING,
    STREAM_ENDING,
};

/* Is it about a consumer? */
#define STREAM_WAIT_IS_CONSUMERS(what) ((what) >= STREAM_WAIT_CONSUMER_CREATED)

/* Somebody who waits until a commit is durable. */
struct stream_waiter {
    struct stream_waiter *next;
    uint64_t commit;
    enum stream_wait {
        STREAM_WAIT_CREATED, // the stream itself
        STREAM_WAIT_DELETED,
        STREAM_WAIT_UPDATED,
        STREAM_WAIT_PURGED,
        STREAM_WAIT_MESSAGE_DELETED,
        STREAM_WAIT_MESSAGE_ERASED,   // then for its bytes, as the next one
        STREAM_WAIT_OVERWRITTEN,      // for no commit any more
        STREAM_WAIT_CONSUMER_CREATED, // this and all behind it are about a consumer
        STREAM_WAIT_CONSUMER_CHANGED,
        STREAM_WAIT_CONSUMER_PAUSED,
        STREAM_WAIT_CONSUMER_RESET,
        STREAM_WAIT_CONSUMER_DELETED,
        STREAM_WAIT_CONSUMER_ASKED, // for no commit, but until its messages are counted
    } what;
    struct durable *durable;    // of what is about a consumer; NULL when it ended meanwhile
    Rill__StreamRecord *record; // of UPDATED, until it is the stream's
    uint64_t count;             // of PURGED
    uint64_t sequence;          // of MESSAGE_ERASED and OVERWRITTEN
    size_t reply_len;           // 0: nobody is to be told
    uint8_t reply[];
};

/* Is it about the removal of a message? */
static inline bool stream_wait_is_delete(enum stream_wait what)
{
    return what == STREAM_WAIT_MESSAGE_DELETED || what == STREAM_WAIT_MESSAGE_ERASED ||
           what == STREAM_WAIT_OVERWRITTEN;
}

struct stream {
    struct jetstream *js;
    UT_hash_handle by_name;
    char *name;
    enum stream_state state;
    struct rill_error_text why; // of OFFLINE

    Rill__StreamRecord *record;        // configuration and time of creation, in force; NULL until recovered
    Rill__StreamRecord *record_newest; // what the log will say: of the last update under way, else the same
    struct stream_shown *shown;        // what clients see of the configuration; NULL: not made yet
    bool defining;                     // a job of stream_define is out
    struct sub **subs;                 // of its subjects, while it takes messages
    size_t sub_count;

    struct durable *durables; // uthash by name
    uint32_t durable_count;
    uint64_t consumer_number_last;
    _Atomic uint64_t replayed_messages; // RECOVERING: counted by the job, read by monitoring

    struct rill_subject_transform *transform; // of what comes; NULL: as it is

    struct kept_messages held;  // requests that came while it was being made, redefined or removed
    struct snapshot *snapshot;  // that is being sent; NULL: none
    struct retention retention; // which messages stay for the consumers

    struct early_pull *early_pulls; // that came before it was there, in their order
    uint32_t early_pull_count;

    // the log
    struct rill_store *store;
    uint64_t last_committed; // sequence
    uint64_t last_appended;  // sequence; what is above last_committed is not durable yet
    bool broken;             // the log takes no more; reading goes on
    bool full;               // the last commit found no room on the disk
    bool is_unfed;           // the index is to be told of the last commit
    struct stream *unfed_next;
    uint64_t commits_failed; // each took back what was appended
    struct rill_job commit_job;
    struct rill_store_job *commit_out; // NULL: none
    uint32_t loads_out;                // and what is done in the background: jobs that the store must outlive
    uint32_t tidies_out;               // of these, in the background
    int64_t tidy_after_ns;             // not before, as it has failed
    int64_t mend_after_ns;             // so for mending the index
    int64_t mend_wait_ns;              // how long it was put off the last time; 0: it has not failed
    bool told_forgotten_ids;           // in the log
    uint64_t flying_sequence;          // last one of the commit that is out

    uint64_t log_changes;                 // counted: whatever may have changed which messages there are
    struct rill_store_filter *everything; // of all consumers without a filter; NULL until it is needed

    // who waits for the open commit and for the one that is out
    struct pub_acks acks_open;
    struct pub_acks acks_flying;
    struct pub_acks acks_durable; // of commits that came back in this turn: answered at its end
    struct pub_acks synced_open;  // acknowledgements of deliveries that want an answer
    struct pub_acks synced_flying;
    struct pub_acks synced_durable;
    struct stream_waiter *waiters;
    struct subject_count subjects;
    struct republish republish;
    struct kept_messages parked;               // messages that wait for the index, and those behind them
    struct rill_store_filter *expected_filter; // that publishers' headers named last; NULL: none
    char *expected_pattern;
    struct asked *asked; // what waits for a block of the log
    uint32_t asked_count;
    struct rill_buf ack_prefix; // {"stream":"NAME",["domain":"D",]"seq":

    // duplicates
    struct dedupe dedupe;
    struct rill_buf last_msg_id;           // of the message appended last; empty when it had none
    struct rill_buf last_msg_id_flying;    // of the last one of the commit that is out
    struct rill_buf last_msg_id_committed; // of the last committed one

    // what to do at the end of the turn
    bool touched;       // in the list of touched streams
    bool commit_wanted; // somebody waits: do not put it off
    struct stream *touched_next;
    struct durable *news;    // consumers with something that the log does not know
    struct durable *waiting; // consumers that want messages when there are new ones, or when a load is back
    uint64_t counted_bytes;  // of it in the totals of jetstream
    struct rill_deadline age_due;  // the oldest message comes of age
    struct rill_deadline sync_due; // what is committed is to be made durable
    struct rill_job sync_job;
    struct rill_store_job *sync_out; // of sync_job; NULL: none is out
    struct rill_deadline due;        // quiet news are committed, waiting consumers are tried again
};

// ---- life ----

struct stream *stream_find(struct jetstream *js, struct rill_bytes name);
/* In the table, without a store and without subjects. */
struct stream *stream_add(struct jetstream *js, const char *name, enum stream_state state);
/* Nothing of it is out. */
void stream_free(struct stream *stream);

/* From now on it takes messages; js->now is set into its consumers. The store is open. */
void stream_activate(struct stream *stream);
/* A record of a copy of the configuration. */
Rill__StreamRecord *stream_record_of(const Rill__StreamConfig *config, int64_t created_unix_ns);
/* No more messages from now on. */
void stream_deactivate(struct stream *stream);

/* Takes the record: its configuration is in force from now on. */
void stream_set_record(struct stream *stream, Rill__StreamRecord *record);

/* Does one of the patterns overlap a subject of another stream? */
bool stream_subjects_overlap(struct jetstream *js, const struct stream *self, char *const *subjects,
                             size_t count);

/* Views into the stream; *ret_info and what it needs live until the caller's frame ends. */
struct stream_info {
    Rill__StreamInfo info;
    Rill__StreamState state;
    Rill__Timestamp created;
    Rill__Timestamp first_time;
    Rill__Timestamp last_time;
    Rill__Timestamp now;
};
void stream_info(struct stream *stream, struct stream_info *ret_info);

// ---- publishing (stream_publish.c) ----

/* A receiver in the trie: `owner` is the stream. */
void stream_publish(void *owner, const struct message *message);
/* A message that is tried, at first or again: AGAIN when it has to wait (for the index); else it was answered. */
enum rill_err stream_publish_parked(struct stream *stream, const struct message *message) RILL_MUST_CHECK;
/* Before the store is closed. */
void stream_forget_expected(struct stream *stream);
/* {"error":...,"stream":"S","seq":0} */
void stream_refuse(struct stream *stream, struct rill_bytes reply, const struct rill_js_error *error);
void stream_acknowledge(struct stream *stream, const struct pub_ack *ack);

// ---- the log (stream_commit.c) ----

/* The end of the turn shall look at this stream. */
void stream_touch(struct stream *stream);
/* Appends an event that `reply` waits for (may be empty). On an error nothing changed. */
enum rill_err stream_append_event(struct stream *stream, enum rill_store_event type,
                                  const ProtobufCMessage *event, enum stream_wait what,
                                  struct durable *durable, struct rill_bytes reply) RILL_MUST_CHECK;
/* Appends the record as an event; it is in force when the event is durable, and `reply` is answered then. Takes the
   record in any case. */
enum rill_err stream_append_record(struct stream *stream, Rill__StreamRecord *record,
                                   struct rill_bytes reply) RILL_MUST_CHECK;
/* Waits for a commit that is under way; UINT64_MAX for something else. */
void stream_wait(struct stream *stream, enum stream_wait what, uint64_t commit, struct durable *durable,
                 struct rill_bytes reply);
/* Waits for what was just appended. */
struct stream_waiter *stream_wait_for_append(struct stream *stream, enum stream_wait what,
                                             struct rill_bytes reply);
/* Answers when all that this consumer was told is durable. */
void stream_answer_when_durable(struct stream *stream, struct durable *durable, struct rill_bytes reply);
/* Work in the background failed: when the log takes no more since then, everybody who waits for a commit is told. */
void stream_look_broken(struct stream *stream);
/* Has everything that was done until now made durable: it is when this commit has come back; 0: it is already. */
uint64_t stream_settle(struct stream *stream);
bool stream_has_settled(const struct stream *stream, uint64_t commit);
/* Answers those whose commit came back, starts another if somebody wants one and none is out; goes on with ending. */
void stream_end_turn(struct stream *stream);
void stream_due(struct stream *stream);
/* What waits is tried again in the next turn. */
void stream_soon(struct stream *stream);
void stream_due_within(struct stream *stream, int64_t delay_ns);
/* Why the log takes nothing: an error for a publisher. */
struct rill_js_error stream_store_error(const struct stream *stream, enum rill_err err);
/* A checkpoint that says this. Any thread. */
enum rill_err stream_checkpoint_write(Rill__StreamRecord *record, const struct durable *durables,
                                      uint64_t consumer_number_last, struct rill_buf *out) RILL_MUST_CHECK;
/* The state for the store's checkpoint; a rill_store_checkpoint_fn. */
enum rill_err stream_checkpoint(void *context, struct rill_buf *out);
/* Offers messages to the consumers that wait for some, and goes on with what was asked. */
void stream_serve_waiting(struct stream *stream);

// ---- jobs (stream_jobs.c) ----

/* The store has become the stream's: it goes to work, or ends at once when the broker does. */
void stream_set_to_work(struct stream *stream);
/* Reads the names of all streams, then each stream's log. */
void stream_recover_all(struct jetstream *js);
/* Reads the log of one that is RECOVERING. */
void stream_recover(struct stream *stream);
/* Writes the record, which it takes, into the definition of a stream in memory, then as stream_append_record. */
void stream_define(struct stream *stream, Rill__StreamRecord *record, struct rill_bytes reply);
/* Makes the folder and the log of a stream that is CREATING; its waiters are answered. */
void stream_create_log(struct stream *stream);
/* Closes the log of a stream that is DELETING or STOPPING and has nothing out; removes the folder when DELETING; frees
   the stream when the job is back. */
void stream_end(struct stream *stream);

// ---- answers to the waiting (api_stream.c, api_consumer.c) ----

void stream_answer_created(struct stream *stream, struct rill_bytes reply, const struct rill_js_error *error);
void stream_answer_updated(struct stream *stream, struct rill_bytes reply, const struct rill_js_error *error);
void stream_answer_purged(struct stream *stream, struct rill_bytes reply, uint64_t count,
                          const struct rill_js_error *error);
void stream_answer_message_deleted(struct stream *stream, struct rill_bytes reply,
                                   const struct rill_js_error *error);
void stream_answer_deleted(struct jetstream *js, struct rill_bytes reply, const struct rill_js_error *error);
