// SPDX-License-Identifier: Apache-2.0
//
// What clients send to a consumer: requests for messages and acknowledgements.
#include "base/assert.h"
#include "durable.h"
#include "proto/ack_body.h"
#include "proto/ack_subject.h"
#include "proto/message.h"
#include "proto/pull_request.h"

#include <inttypes.h>
#include <stdio.h>

// ---- pulls ----

static void refuse(struct durable *durable, struct rill_bytes reply, const char *status)
{
    char text[512];
    const int len = snprintf(text, sizeof text, "NATS/1.0 %s\r\n\r\n", status);
    RILL_ASSERT(len > 0 && (size_t)len < sizeof text);
    js_send_status(durable->stream->js, reply, rill_bytes_of(text, (size_t)len));
}

/* What a pull may ask for elsewhere; the first that this one does, or NULL. */
static const char *field_not_yet(const Rill__PullRequest *request)
{
    const struct {
        bool given;
        const char *name;
    } fields[] = {
        {request->max_bytes != 0, "max_bytes"},
        {request->idle_heartbeat != 0, "idle_heartbeat"},
        {request->group && request->group[0], "group"},
        {request->min_pending != 0, "min_pending"},
        {request->min_ack_pending != 0, "min_ack_pending"},
        {request->id && request->id[0], "id"},
        {request->priority != 0, "priority"},
    };
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        if (fields[i].given)
            return fields[i].name;
    }
    return NULL;
}

static bool is_refused(struct durable *durable, struct rill_bytes reply, const Rill__PullRequest *request)
{
    const Rill__ConsumerConfig *config = durable->record->config;
    char text[256];
    const char *field = field_not_yet(request);
    if (field)
        (void)snprintf(text, sizeof text, "400 Bad Request - %s is not implemented yet", field);
    else if (request->expires < 0)
        (void)snprintf(text, sizeof text, "400 Bad Request - expires is negative");
    else if (config->max_batch > 0 && request->batch > config->max_batch)
        (void)snprintf(text, sizeof text, "409 Exceeded MaxRequestBatch of %" PRId64, config->max_batch);
    else if (config->max_expires > 0 && request->expires > config->max_expires)
        (void)snprintf(text, sizeof text, "409 Exceeded MaxRequestExpires of %" PRId64 "ns",
                       config->max_expires);
    else
        return false;
    refuse(durable, reply, text);
    return true;
}

/* Pulls whose inbox is gone make room for new ones. */
static void drop_abandoned(struct durable *durable)
{
    struct interest *interest = durable->stream->js->account->interest;
    struct consumer_pull *next;
    for (struct consumer_pull *pull = durable->consumer->pulls; pull; pull = next) {
        next = pull->next;
        if (!interest_any(interest, rill_bytes_of(pull->reply, pull->reply_len)))
            consumer_pull_end(durable->consumer, pull);
    }
}

static void add_pull(struct durable *durable, struct rill_bytes reply, const Rill__PullRequest *request)
{
    const int64_t now_ns = durable->stream->js->core->now.mono_ns;
    const bool expires = request->expires > 0 && request->expires < RILL_NEVER_NS - now_ns;
    const struct consumer_pull_request pull = {
        .reply = reply,
        .batch = (uint64_t)request->batch,
        .no_wait = request->no_wait,
        .expires_at_ns = expires ? now_ns + request->expires : RILL_NEVER_NS,
    };
    enum rill_err err = consumer_pull_add(durable->consumer, &pull);
    if (err == RILL_ERR_LIMIT) {
        drop_abandoned(durable);
        err = consumer_pull_add(durable->consumer, &pull);
    }
    if (err)
        refuse(durable, reply, "409 Exceeded MaxWaiting");
}

void durable_pull(struct durable *durable, struct rill_bytes reply, struct rill_bytes body)
{
    struct rill_error_text why;
    Rill__PullRequest *request;
    if (rill_pull_request_parse(body, &request, &why)) {
        refuse(durable, reply, "400 Bad Request");
        return;
    }
    if (!is_refused(durable, reply, request))
        add_pull(durable, reply, request);
    rill_message_free(&request->base);
    durable_changed(durable);
    durable_serve_later(durable);
}

// ---- acknowledgements ----

static enum consumer_answer apply(struct durable *durable, uint64_t sequence,
                                  const struct rill_ack_body *body)
{
    const struct rill_core *core = durable->stream->js->core;
    const int64_t now_ns = core->now.mono_ns;
    struct consumer *consumer = durable->consumer;
    switch (body->kind) {
    case RILL_ACK_DONE:
    case RILL_ACK_NEXT:
    case RILL_ACK_TERMINATE:
        durable->last_acked_wall_ns = core->now.wall_ns;
        return consumer_ack(consumer, sequence);
    case RILL_ACK_AGAIN:
        return consumer_nak(
            consumer, sequence,
            body->delay_ns < RILL_NEVER_NS - now_ns ? now_ns + body->delay_ns : RILL_NEVER_NS - 1, now_ns);
    case RILL_ACK_PROGRESS:
        return consumer_progress(consumer, sequence, now_ns);
    case RILL_ACK_UNKNOWN:
        break;
    }
    return CONSUMER_KNOWS_NOT;
}

static void acknowledge(struct durable *durable, const struct message *message, uint64_t sequence)
{
    const struct rill_ack_body body = rill_ack_body_parse(message->payload);
    const enum consumer_answer answer = apply(durable, sequence, &body);
    durable_changed(durable);
    if (answer == CONSUMER_KNOWS)
        durable_serve_later(durable);
    if (answer == CONSUMER_KNOWS_NOT)
        durable->stream->js->acks_unknown++;
    if (!message->reply.len)
        return;
    if (body.kind == RILL_ACK_NEXT)
        durable_pull(durable, message->reply, body.rest);
    else if (answer != CONSUMER_KNOWS_NOT)
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
    if (durable)
        acknowledge(durable, message, ack.stream_seq);
    else
        js->acks_unknown++;
}
