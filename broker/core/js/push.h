// SPDX-License-Identifier: Apache-2.0
//
// The deliver subject of a push consumer: is anybody listening, how much may be on the way to him, and what he hears when
// there is nothing to deliver. Owned by its consumer; loop thread only.
//
// With flow control at most a window of bytes is on the way. When more than half of it is, a status asks the receiver to
// say when he has come so far; with his answer what was sent before the status does not count any more, and the window
// doubles up to its maximum. A heartbeat names the question that is still open, so that a lost one does no harm.
//
// With ack_policy flow_control the answer acknowledges, too: its headers Nats-Last-Stream and Nats-Last-Consumer say up to
// where everything is in good hands. Then also who has max_ack_pending messages is asked, and, with a heartbeat, who has any.
// Nothing comes again by itself while the same receiver listens; when he is another one, all that is outstanding does.
#pragma once

#include "durable.h"

#include <uthash.h>

enum { FLOW_TOKEN_BYTES_MAX = 20 };

struct push {
    struct durable *durable;
    char *subject;        // owned
    char *group;          // owned; empty: none
    bool bound;           // somebody listens, and was sent what there was
    bool is_heard;        // somebody listens
    int64_t heartbeat_ns; // 0: none

    // all push consumers of the jetstream, by deliver subject
    UT_hash_handle by_subject;
    struct push *same_next; // others with this subject; only the first is in the table

    int64_t sent_ns; // when something was sent last

    // flow control
    uint64_t window_bytes; // 0: there is none
    uint64_t on_way_bytes;
    uint64_t asked_bytes; // on the way when the open question was sent
    uint64_t question;    // number of the open one; 0: none
    uint64_t question_last;
};

/* As the configuration of the consumer says; it is in a stream that is at work. */
void push_start(struct durable *durable);
/* NULL is fine. */
void push_stop(struct durable *durable);

/* Somebody subscribed to this subject or does not any more. An interest_change_fn; the context is the jetstream. */
void push_interest_changed(void *context, struct rill_bytes subject);
/* Looks who listens. */
void push_look(struct durable *durable);
/* Who listens: subject and group, on the heap; NULL: nobody. */
char *push_receiver(const struct durable *durable);
/* The settings were changed, and this was push_receiver() before. A new one gets what is outstanding. */
void push_changed(struct durable *durable, const char *receiver_before);
/* Nothing counts as being on the way, and an answer to an older question means nothing any more. */
void push_forget_way(struct push *push);
/* May a message go out now? */
bool push_is_open(const struct push *push);
/* A message of this size went out. */
void push_sent(struct push *push, uint64_t bytes);
/* A receiver in the trie at $JS.FC.>: `owner` is the jetstream. */
void push_flow_answer(void *owner, const struct message *message);

/* RILL_NEVER_NS: none is due. */
int64_t push_next_deadline_ns(const struct push *push);
/* Sends a heartbeat when one is due. */
void push_serve_due(struct push *push);
