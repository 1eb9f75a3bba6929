// SPDX-License-Identifier: Apache-2.0
//
// From a consumer that wants a message to the pull that gets it. A message goes out under its own subject to the
// inbox of the pull; its reply subject names the delivery. What is not in memory is loaded by a job, and delivery goes
// on when that is back.
#include "base/alloc.h"
#include "base/assert.h"
#include "durable.h"
#include "proto/ack_subject.h"
#include "proto/decimal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* One turn's share of one consumer. */
enum { SERVE_MESSAGES_MAX = 2048, SERVE_BYTES_MAX = 1 << 20 };

// ---- the queue of those to serve ----

void durable_serve_later(struct durable *durable)
{
    struct jetstream *js = durable->stream->js;
    if (durable->serving)
        return;
    durable->serving = true;
    durable->serving_next = NULL;
    if (js->serving_last)
        js->serving_last->serving_next = durable;
    else
        js->serving = durable;
    js->serving_last = durable;
}

/* Until there are new messages, or a load is back. */
static void wait_for_stream(struct durable *durable)
{
    if (durable->waiting)
        return;
    durable->waiting = true;
    durable->waiting_next = durable->stream->waiting;
    durable->stream->waiting = durable;
}

// ---- the ends of pulls ----

static struct rill_bytes reply_of(const struct consumer_pull *pull)
{
    return rill_bytes_of(pull->reply, pull->reply_len);
}

/* Tells how much of the pull was not served. */
static void send_unserved(struct durable *durable, const struct consumer_pull *pull, const char *status)
{
    char text[256];
    const int len =
        snprintf(text, sizeof text,
                 "NATS/1.0 %s\r\nNats-Pending-Messages: %" PRIu64 "\r\nNats-Pending-Bytes: 0\r\n\r\n", status,
                 pull->left);
    RILL_ASSERT(len > 0 && (size_t)len < sizeof text);
    js_send_status(durable->stream->js, reply_of(pull), rill_bytes_of(text, (size_t)len));
}

void durable_end_pulls(struct durable *durable, struct rill_bytes status)
{
    struct consumer_pull *pull;
    while ((pull = consumer_take_pull(durable->consumer))) {
        if (status.len)
            js_send_status(durable->stream->js, reply_of(pull), status);
        free(pull);
    }
}

static void answer_expired(struct durable *durable)
{
    struct consumer_pull *pull;
    while ((pull = consumer_take_expired(durable->consumer))) {
        send_unserved(durable, pull, "408 Request Timeout");
        free(pull);
    }
}

/* There is nothing to deliver at once: those who do not wait go. */
static void answer_unserved(struct durable *durable)
{
    struct consumer_pull *pull;
    while ((pull = consumer_take_unserved(durable->consumer))) {
        if (pull->delivered)
            send_unserved(durable, pull, "408 Request Timeout");
        else
            js_send_status(durable->stream->js, reply_of(pull),
                           RILL_BYTES("NATS/1.0 404 No Messages\r\n\r\n"));
        free(pull);
    }
}

// ---- loading ----

struct load_job {
    struct rill_job job;
    struct stream *stream;
    struct rill_store_job *store_job;
};

static void run_load(struct rill_job *base)
{
    rill_store_job_run(((struct load_job *)base)->store_job);
}

static void finish_load(struct rill_core *core, struct rill_job *base)
{
    struct load_job *job = (struct load_job *)base;
    struct stream *stream = job->stream;
    const enum rill_err err = rill_store_load_finish(stream->store, job->store_job);
    free(job);
    RILL_ASSERT(stream->loads_out > 0);
    stream->loads_out--;
    stream_touch(stream);
    if (!err) {
        stream_serve_waiting(stream);
        return;
    }
    rill_log(&core->log, RILL_LOG_ERROR, "JetStream stream '%s': reading the log failed: %s", stream->name,
             rill_err_text(err));
    if (!rill_deadline_armed(&stream->due))
        rill_deadline_set(&core->deadlines, &stream->due, core->now.mono_ns + RILL_NS_PER_S);
}

/* The message's block is not in memory. Another load may be bringing it; with none out the next turn tries again. */
static void load(struct durable *durable, uint64_t sequence)
{
    struct stream *stream = durable->stream;
    struct rill_store_job *store_job =
        stream->state == STREAM_ACTIVE ? rill_store_load_start(stream->store, sequence) : NULL;
    if (!store_job) {
        if (stream->loads_out)
            wait_for_stream(durable);
        else if (stream->state == STREAM_ACTIVE)
            durable_serve_later(durable);
        return;
    }
    struct load_job *job = rill_alloc_zero(1, sizeof *job);
    job->job = (struct rill_job){.run = run_load, .finish = finish_load, .lane = RILL_LANE_DISK};
    job->stream = stream;
    job->store_job = store_job;
    stream->loads_out++;
    wait_for_stream(durable);
    core_submit(stream->js->core, &job->job);
}

// ---- one message ----

/* "$JS.ACK.<stream>.<consumer>.<delivered>.<stream seq>.<consumer seq>.<timestamp>.<pending>" */
static struct rill_bytes write_ack_subject(struct durable *durable, const struct rill_store_message *message,
                                           const struct consumer_offer *offer, uint64_t pending)
{
    struct rill_buf *buf = &durable->stream->js->event;
    buf->len = 0;
    const struct rill_ack_subject ack = {
        .stream = rill_bytes_from_cstr(durable->stream->name),
        .consumer = rill_bytes_from_cstr(durable->record->name),
        .delivered = offer->delivered,
        .stream_seq = message->sequence,
        .consumer_seq = offer->consumer_seq,
        .timestamp_ns = message->time_ns,
        .pending = pending,
    };
    const enum rill_err err = rill_ack_subject_append(&ack, buf);
    RILL_ASSERT(err == RILL_OK); // names are bounded
    return rill_buf_bytes(buf);
}

/* A stream may have the inbox among its subjects. */
static bool has_receiver_inside(const struct match *match)
{
    for (uint32_t i = 0; i < match->sub_count; i++) {
        if (!match_sub(match, i)->conn)
            return true;
    }
    return false;
}

static struct rill_bytes copy_to(uint8_t **at, struct rill_bytes bytes)
{
    if (bytes.len)
        memcpy(*at, bytes.data, bytes.len);
    const struct rill_bytes copy = rill_bytes_of(*at, bytes.len);
    *at += bytes.len;
    return copy;
}

/* A receiver inside may append to the store that the message was read from, which ends the views. */
static uint32_t route_copy(struct rill_core *core, const struct message *message, struct match *match)
{
    uint8_t *memory = malloc(message->subject.len + message->headers.len + message->payload.len + 1);
    struct message copy = *message;
    uint8_t *at = memory;
    if (!memory)
        return 0; // as if nobody were there: the pull ends, the message stays
    copy.subject = copy_to(&at, message->subject);
    copy.headers = copy_to(&at, message->headers);
    copy.payload = copy_to(&at, message->payload);
    const uint32_t taken = route_matched(core, &copy, match);
    free(memory);
    return taken;
}

/* Sends it to the first pull's inbox under its own subject; false when nobody is there. */
static bool send(struct durable *durable, const struct rill_store_message *stored,
                 const struct consumer_offer *offer, uint64_t pending)
{
    struct jetstream *js = durable->stream->js;
    const struct message message = {
        .account = js->account,
        .subject = stored->subject,
        .reply = write_ack_subject(durable, stored, offer, pending),
        .headers = stored->headers,
        .payload = stored->payload,
    };
    struct interest *interest = js->account->interest;
    struct match *match = interest_match(interest, reply_of(offer->pull));
    const uint32_t taken = has_receiver_inside(match) ? route_copy(js->core, &message, match)
                                                      : route_matched(js->core, &message, match);
    interest_unpin(interest, match);
    return taken > 0;
}

enum outcome { DELIVERED, WENT_ON, STOPPED };

static enum outcome deliver(struct durable *durable, uint64_t sequence, bool again, size_t *bytes)
{
    struct consumer *consumer = durable->consumer;
    struct rill_core *core = durable->stream->js->core;
    const uint64_t pending = durable_pending(durable);
    struct rill_store_message stored;
    const enum rill_err err = rill_store_read(durable->stream->store, sequence, &stored);
    if (err == RILL_ERR_AGAIN) {
        load(durable, sequence);
        return STOPPED;
    }
    if (err) {
        // It was lost to damage, which the store has reported: the consumer goes on behind it.
        consumer_pass(consumer, sequence);
        return WENT_ON;
    }
    const struct consumer_offer offer = consumer_offer(consumer, sequence);
    if (!send(durable, &stored, &offer, again ? pending : pending - 1)) {
        consumer_pull_end(consumer, offer.pull);
        return WENT_ON;
    }
    *bytes += stored.headers.len + stored.payload.len;
    consumer_delivered(consumer, sequence, &offer, core->now.mono_ns);
    durable->last_delivered_wall_ns = core->now.wall_ns;
    return DELIVERED;
}

/* Why it goes no further, and what must happen before it does. */
static void rest(struct durable *durable, enum consumer_want want)
{
    if (want == CONSUMER_HAS_NO_PULL)
        return;
    answer_unserved(durable);
    if (want == CONSUMER_IS_AT_END && durable->consumer->pulls)
        wait_for_stream(durable);
}

void durable_serve(struct durable *durable)
{
    struct stream *stream = durable->stream;
    size_t bytes = 0;
    answer_expired(durable);
    for (uint32_t count = 0; stream->state == STREAM_ACTIVE;) {
        uint64_t sequence;
        const enum consumer_want want = consumer_want(durable->consumer, stream->last_committed, &sequence);
        if (want != CONSUMER_WANTS_AGAIN && want != CONSUMER_WANTS_NEXT) {
            rest(durable, want);
            break;
        }
        if (count >= SERVE_MESSAGES_MAX || bytes >= SERVE_BYTES_MAX) {
            durable_serve_later(durable);
            break;
        }
        const enum outcome outcome = deliver(durable, sequence, want == CONSUMER_WANTS_AGAIN, &bytes);
        if (outcome == STOPPED)
            break;
        count++;
    }
    durable_changed(durable);
}
