// SPDX-License-Identifier: Apache-2.0
//
// Acknowledgements: what they do, who hears of it, and when they are answered.
#include "advisory.h"
#include "base/assert.h"
#include "proto/ack_body.h"
#include "proto/ack_subject.h"

// ---- what is told ----

static bool is_sampled(const struct durable *durable)
{
    const uint8_t percent = durable->settings->sampled_percent;
    return percent && rill_random_below(&durable->stream->js->core->random, 100) < percent;
}

static void tell(struct durable *durable, const struct outstanding *entry, const struct rill_ack_body *body)
{
    const struct rill_bytes none = {0};
    if (body->kind == RILL_ACK_AGAIN)
        advisory_delivery(durable, ADVISORY_NAKED, entry, none);
    else if (body->kind == RILL_ACK_TERMINATE)
        advisory_delivery(durable, ADVISORY_TERMINATED, entry, body->rest);
    else if ((body->kind == RILL_ACK_DONE || body->kind == RILL_ACK_NEXT) && entry->delivered_at_ns &&
             is_sampled(durable))
        advisory_delivery(durable, ADVISORY_ACK, entry, none);
}

// ---- what is done ----

static int64_t delayed_ns(int64_t now_ns, int64_t delay_ns)
{
    return delay_ns < RILL_NEVER_NS - now_ns ? now_ns + delay_ns : RILL_NEVER_NS - 1;
}

static enum consumer_answer apply(struct durable *durable, uint64_t sequence,
                                  const struct rill_ack_body *body)
{
    const struct rill_core *core = durable->stream->js->core;
    const int64_t now_ns = core->now.mono_ns;
    struct consumer *consumer = durable->consumer;
    switch (body->kind) {
    case RILL_ACK_DONE:
    case RILL_ACK_NEXT:
        durable->last_acked_wall_ns = core->now.wall_ns;
        return consumer_ack(consumer, sequence);
    case RILL_ACK_TERMINATE:
        durable->last_acked_wall_ns = core->now.wall_ns;
        return consumer_terminate(consumer, sequence);
    case RILL_ACK_AGAIN:
        return consumer_nak(consumer, sequence, delayed_ns(now_ns, body->delay_ns), now_ns);
    case RILL_ACK_PROGRESS:
        return consumer_progress(consumer, sequence, now_ns);
    case RILL_ACK_UNKNOWN:
        break;
    }
    return CONSUMER_KNOWS_NOT;
}

/* It says that the message is never to come again. */
static bool is_end(const struct rill_ack_body *body)
{
    return body->kind == RILL_ACK_DONE || body->kind == RILL_ACK_TERMINATE;
}

static void acknowledge(struct durable *durable, const struct message *message, uint64_t sequence)
{
    const struct rill_ack_body body = rill_ack_body_parse(message->payload);
    const struct outstanding *entry = outstanding_find(&durable->consumer->outstanding, sequence);
    if (entry && entry->delivered && entry->state != OUTSTANDING_GIVEN_UP)
        tell(durable, entry, &body);
    const enum consumer_answer answer = apply(durable, sequence, &body);
    durable->active_ns = durable->stream->js->core->now.mono_ns;
    if (body.kind == RILL_ACK_TERMINATE)
        durable_bury_terminated(durable, sequence, body.rest);
    durable_changed(durable);
    if (answer == CONSUMER_KNOWS)
        durable_serve_later(durable);
    if (answer == CONSUMER_KNOWS_NOT)
        durable->stream->js->acks_unknown++;
    if (!message->reply.len)
        return;
    if (body.kind == RILL_ACK_NEXT)
        durable_pull(durable, message->reply, body.rest);
    else if (answer != CONSUMER_KNOWS_NOT || !is_end(&body))
        // A delivery that a crash made this consumer forget is not confirmed: it will be made again.
        stream_answer_when_durable(durable->stream, durable, message->reply);
}

void durable_ack(void *owner, const struct message *message)
{
    struct jetstream *js = owner;
    struct rill_ack_subject ack;
    struct stream *stream = NULL;
    struct durable *durable = NULL;
    if (rill_ack_subject_parse(message->subject, &ack))
        stream = stream_find(js, ack.stream);
    if (stream && stream->state == STREAM_ACTIVE)
        durable = durable_find(stream, ack.consumer);
    if (durable && !durable->settings->acks_by_flow)
        acknowledge(durable, message, ack.stream_seq);
    else
        js->acks_unknown++;
}
