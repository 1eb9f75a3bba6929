// SPDX-License-Identifier: Apache-2.0
//
// A durable consumer of a stream: its configuration, its state machine (consumer.h), and the delivery of messages to the
// pulls that wait. Owned by its stream; loop thread only.
//
// Delivery happens at the end of a turn, for the durables in the queue of jetstream, each a bounded number of messages:
// whatever may have made a delivery possible (a pull, an acknowledgement, a commit, a deadline, a block that was
// loaded) calls durable_serve_later.
#pragma once

#include "consumer.h"
#include "js_state.h"
#include "proto/jetstream.pb-c.h"
#include "stream.h"

struct durable {
    struct stream *stream;
    UT_hash_handle by_name;
    Rill__ConsumerRecord *record; // name, number, configuration, time of creation
    struct consumer *consumer;
    bool deleting;                  // as soon as the log says so
    int64_t last_delivered_wall_ns; // 0: never
    int64_t last_acked_wall_ns;

    struct rill_deadline due; // the earliest of its state machine

    // queues
    bool serving;
    struct durable *serving_next;
    bool has_news;
    struct durable *news_next;
    uint64_t noted_commit; // number of the last commit that has an event of it
    bool waiting;
    struct durable *waiting_next;
};

/* Takes the record. Not in the stream's table yet: a recovery makes them on another thread. */
struct durable *durable_create(struct stream *stream, Rill__ConsumerRecord *record);
/* In none of the queues. NULL is fine. */
void durable_free(struct durable *durable);
void durable_add(struct stream *stream, struct durable *durable);
/* Takes it out of the stream and of all queues, answers its pulls with the status, and frees it. */
void durable_end(struct durable *durable, struct rill_bytes status);
struct durable *durable_find(const struct stream *stream, struct rill_bytes name);

/* The commit with its creation or deletion is durable, or failed with the error: acts on it and answers. The durable is
   NULL when it ended meanwhile. */
void durable_answer_created(struct jetstream *js, struct durable *durable, struct rill_bytes reply,
                            const struct rill_js_error *error);
void durable_answer_deleted(struct jetstream *js, struct durable *durable, struct rill_bytes reply,
                            const struct rill_js_error *error);

/* A view of what there is to know, as stream_info. */
struct durable_info {
    Rill__ConsumerInfo info;
    Rill__Timestamp created;
    Rill__SequenceInfo delivered;
    Rill__SequenceInfo ack_floor;
    Rill__Timestamp delivered_time;
    Rill__Timestamp acked_time;
};
void durable_info(const struct durable *durable, struct durable_info *ret_info);
/* Messages that it has not delivered yet. */
uint64_t durable_pending(const struct durable *durable);

/* Something was done to its state machine: notes news and sets its deadline. */
void durable_changed(struct durable *durable);
void durable_due(struct durable *durable);

// ---- delivery (delivery.c) ----

void durable_serve_later(struct durable *durable);
/* Delivers a bounded number of messages. */
void durable_serve(struct durable *durable);
/* Answers all pulls and takes them out. */
void durable_end_pulls(struct durable *durable, struct rill_bytes status);

// ---- what clients send (pull.c) ----

/* The body of MSG.NEXT or of +NXT. */
void durable_pull(struct durable *durable, struct rill_bytes reply, struct rill_bytes body);
/* A receiver in the trie at $JS.ACK.>: `owner` is the jetstream. */
void durable_ack(void *owner, const struct message *message);
