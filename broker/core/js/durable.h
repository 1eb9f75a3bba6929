// SPDX-License-Identifier: Apache-2.0
//
// A consumer of a stream at work: its settings, its state machine (consumer.h), and the delivery of messages to the
// pulls that wait or to its deliver subject. Owned by its stream; loop thread only.
//
// Each is as durable as its stream's log, also those without a durable_name: these just go when nobody has asked for
// anything for their inactive_threshold. Only one with mem_storage is not in the log, and ends with the process.
//
// Work is done at the end of a turn, for those in the queue of jetstream, each a bounded part: whatever may have made a
// delivery possible (a pull, an acknowledgement, a commit, a deadline, a block that was loaded, interest in the deliver
// subject) calls durable_serve_later. What has to happen at a time is one deadline, the earliest of all.
//
//      delivery.c   which message goes out now, and how
//      pull.c       requests for messages, and the statuses that end them
//      push.c       the deliver subject: who listens, flow control, heartbeats
//      ack.c        acknowledgements
//      pin.c        which client of a priority group is pinned
//      pace.c       deliveries that are spread over time
//      source.c     which messages it is to see, and how many
#pragma once

#include "consumer_settings.h"
#include "js_state.h"
#include "source.h"
#include "stream.h"

struct push;
struct pin;
struct pace;

struct durable {
    struct stream *stream;
    UT_hash_handle by_name;
    struct consumer_settings *settings;
    struct consumer_settings *settings_next; // with the commit that is awaited; NULL: no others
    struct consumer *consumer;
    struct source source; // which messages it is to see
    uint64_t ahead_at;    // the sequence with which the next look ahead is due (load.c)
    struct pulls pulls;
    struct push *push;              // NULL: it is pulled from
    struct pin *pin;                // NULL: no pinned clients
    struct pace *pace;              // NULL: messages go out as fast as they can
    bool in_memory;                 // the log knows nothing of it
    bool deleting;                  // as soon as the log says so
    bool paused;                    // until pause_until
    uint32_t resets_out;            // that are not answered: nothing goes out before
    uint64_t reset_sequence;        // of the last one
    int64_t last_delivered_wall_ns; // 0: never
    int64_t last_acked_wall_ns;
    int64_t active_ns; // when a client last showed that it is there

    struct rill_deadline due; // the earliest of all that it waits for, or earlier

    // receivers that read too slowly
    int64_t retry_at_ns;  // nothing goes out before this
    uint32_t passed_over; // pulls in a row

    // queues
    bool serving;
    bool has_news;
    bool waiting;
    struct durable *serving_next;
    struct durable *news_next;
    struct durable *waiting_next;
    uint64_t noted_commit; // number of the last commit that has an event of it
};

/* Not in the stream's table yet: a recovery makes them on another thread. */
struct durable *durable_create(struct stream *stream, const Rill__ConsumerRecord *record);
/* In none of the queues. NULL is fine. */
void durable_free(struct durable *durable);
void durable_add(struct stream *stream, struct durable *durable);
/* It is in a stream that goes to work. */
void durable_activate(struct durable *durable);
/* Takes it out of the stream and of all queues, answers its pulls with the status, and frees it. */
void durable_end(struct durable *durable, struct rill_bytes status);
struct durable *durable_find(const struct stream *stream, struct rill_bytes name);
/* Takes the settings, others for the same consumer. The name by which it is in a table ends: it must not be in one. */
void durable_set_settings(struct durable *durable, struct consumer_settings *settings);
/* The same for one that is at work, in its stream: its queues go by the new ones. */
void durable_change_settings(struct durable *durable, struct consumer_settings *settings);

/* A commit that somebody waits for is durable, or failed with the error: acts on it and answers. The durable is NULL
   when it ended meanwhile. (api_consumer_change.c) */
void durable_answer(struct jetstream *js, enum stream_wait what, struct durable *durable,
                    struct rill_bytes reply, const struct rill_js_error *error);

/* Answers with what there is to know about the consumer, as soon as its pending messages are counted. */
void durable_respond(struct durable *durable, enum stream_wait what, struct rill_bytes reply);

enum durable_delete {
    DURABLE_DELETED,       // gone, and answered
    DURABLE_DELETE_WAITS,  // for a commit
    DURABLE_DELETE_FAILED, // the log takes nothing now; nobody was answered
};

/* `reply` may be empty. */
enum durable_delete durable_delete(struct durable *durable, struct rill_bytes reply) RILL_MUST_CHECK;

/* A view of what there is to know, as stream_info. */
struct durable_info {
    Rill__ConsumerInfo info;
    Rill__Timestamp created;
    Rill__SequenceInfo delivered;
    Rill__SequenceInfo ack_floor;
    Rill__Timestamp delivered_time;
    Rill__Timestamp acked_time;
    Rill__Timestamp now;
    Rill__ClusterInfo cluster;
    Rill__PriorityGroupState group;
    Rill__PriorityGroupState *groups[1];
    Rill__Timestamp pinned_time;
    Rill__ConsumerRecord *record; // owned, with the configuration; NULL: without
};
/* Without the configuration. When source_count says AGAIN the number of pending messages is the one before. */
void durable_info(struct durable *durable, struct durable_info *ret_info);
/* The configuration has to be unpacked for who wants to see it. */
void durable_info_add_config(struct durable_info *info, const struct durable *durable);
void durable_info_fini(struct durable_info *info);

/* Delivery goes on at this sequence, as if the consumer were new: when whoever asked for it has been answered. */
void durable_reset(struct durable *durable, uint64_t sequence);
/* The reset is in the log, or is not for now. */
void durable_reset_done(struct durable *durable);
/* Something was done to it: notes news and sets its deadline. */
void durable_changed(struct durable *durable);
/* A deadline has come. */
void durable_due(struct durable *durable);

// ---- what is due (due.c) ----

/* The earliest time at which something has to happen; RILL_NEVER_NS: nothing. */
int64_t durable_next_deadline_ns(const struct durable *durable);
/* Does what is due; false when it is not there any more. */
bool durable_serve_due(struct durable *durable) RILL_MUST_CHECK;
/* What is not in the stream any more is done, and the cursor is not in front of the first message. */
void durable_drop_purged(struct durable *durable);
/* Is it paused now, as its configuration says? */
void durable_look_at_pause(struct durable *durable);
/* What it is, or is about to become. */
static inline const struct consumer_settings *durable_settings_newest(const struct durable *durable)
{
    return durable->settings_next ? durable->settings_next : durable->settings;
}
/* Messages that it has not delivered yet, as counted last. */
static inline uint64_t durable_pending(const struct durable *durable)
{
    return durable->source.count + durable->consumer->parked_count;
}

/* What durable_look_ahead does once in a block (load.c). */
void durable_load_ahead(struct durable *durable, uint64_t sequence);

// ---- delivery (delivery.c) ----

void durable_serve_later(struct durable *durable);
/* Does what is due, and delivers a bounded number of messages. */
void durable_serve(struct durable *durable);
/* Until there are new messages, or a load is back. */
void durable_wait_for_stream(struct durable *durable);
/* Brings the message's block into memory, then serves again (load.c). */
void durable_load(struct durable *durable, uint64_t sequence);
/* Before a message is delivered for the first time. Of a stream that is read in order the next blocks are asked for. */
static inline void durable_look_ahead(struct durable *durable, uint64_t sequence)
{
    if (sequence >= durable->ahead_at)
        durable_load_ahead(durable, sequence);
}

// ---- pulls (pull.c) ----

/* The body of MSG.NEXT or of +NXT. */
void durable_pull(struct durable *durable, struct rill_bytes reply, struct rill_bytes body);
/* Answers all pulls and takes them out. */
void durable_end_pulls(struct durable *durable, struct rill_bytes status);
/* The same, with how much of each was not served. */
void durable_end_pulls_unserved(struct durable *durable, const char *status);
/* Answers those whose time is over, and sends heartbeats. */
void durable_serve_due_pulls(struct durable *durable);
/* There is nothing to deliver at once: those who do not wait go. */
void durable_end_unserved(struct durable *durable);
/* Whose turn it is to get a message. NULL: nobody's. */
struct pull *durable_next_pull(struct durable *durable);
/* It got the message. */
void durable_pull_served(struct durable *durable, struct pull *pull, uint64_t bytes);
/* Tells a pull that ends with this status how much of it was not served. */
void durable_send_unserved(struct durable *durable, const struct pull *pull, const char *status);
/* Pulls whose inbox is gone go without an answer. */
void durable_drop_abandoned(struct durable *durable);

/* What is told about a consumer that is silent, to a pull or to the deliver subject; `stalled` may be empty. */
void durable_send_heartbeat(struct durable *durable, struct rill_bytes to, struct rill_bytes stalled);

// ---- acknowledgements (ack.c) ----

/* A receiver in the trie at $JS.ACK.>: `owner` is the jetstream. */
void durable_ack(void *owner, const struct message *message);

// ---- giving up (bury.c) ----

/* Tells about what is given up, and forgets it: at once, or when it is stored as a dead letter. */
void durable_bury(struct durable *durable);
/* The same, when somebody has just terminated that message and gave a reason, which may be empty. */
void durable_bury_terminated(struct durable *durable, uint64_t sequence, struct rill_bytes reason);
/* A receiver in the trie at DURABLE_BURIED_SUBJECT.>: a dead letter is stored, or not. `owner` is the jetstream. */
#define DURABLE_BURIED_SUBJECT "$JS.RILL.BURIED"
void durable_buried(void *owner, const struct message *message);
