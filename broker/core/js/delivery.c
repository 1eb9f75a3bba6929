// SPDX-License-Identifier: Apache-2.0
//
// From a consumer that wants a message to who gets it: the pull whose turn it is, or the deliver subject. A message goes
// out under its own subject; its reply subject names the delivery.
//
// Reading a message gives views into the store, which end when anything is appended to it. So nothing is sent between
// the read and the delivery but the message itself: whatever else has to be said is said first, and the message is read again.
#include "base/alloc.h"
#include "base/assert.h"
#include "consumer_keys.h"
#include "durable.h"
#include "pace.h"
#include "pin.h"
#include "proto/ack_subject.h"
#include "proto/headers.h"
#include "push.h"

#include <inttypes.h>
#include <stdlib.h>

/* One turn's share of one consumer. */
enum { SERVE_MESSAGES_MAX = 2048, SERVE_BYTES_MAX = 1 << 20 };

/* A receiver that is far behind is looked at again after this. */
#define BEHIND_NS (2 * RILL_NS_PER_MS)

// ---- the queues of those to serve ----

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

void durable_wait_for_stream(struct durable *durable)
{
    if (durable->waiting)
        return;
    durable->waiting = true;
    durable->waiting_next = durable->stream->waiting;
    durable->stream->waiting = durable;
}

// ---- what goes out ----

/* "$JS.ACK.<stream>.<consumer>.<delivered>.<stream seq>.<consumer seq>.<timestamp>.<pending>" */
static struct rill_bytes write_ack_subject(struct durable *durable, const struct rill_store_message *message,
                                           const struct consumer_offer *offer, uint64_t pending)
{
    struct rill_buf *buf = &durable->stream->js->event;
    buf->len = 0;
    const struct rill_ack_subject ack = {
        .stream = rill_bytes_from_cstr(durable->stream->name),
        .consumer = rill_bytes_from_cstr(durable->settings->name),
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

/* The block with more lines. */
static struct rill_bytes write_headers(struct durable *durable, const struct rill_store_message *stored)
{
    static const char end[] = "\r\n";
    struct rill_buf *buf = &durable->stream->js->headers;
    const struct rill_bytes front =
        stored->headers.len > sizeof end - 1
            ? rill_bytes_of(stored->headers.data, stored->headers.len - (sizeof end - 1))
            : RILL_BYTES("NATS/1.0\r\n");
    buf->len = 0;
    enum rill_err err = rill_buf_append(buf, front);
    if (!err && durable->settings->headers_only)
        err = rill_buf_appendf(buf, "Nats-Msg-Size: %zu\r\n", stored->payload.len);
    if (!err && durable->pin)
        err = rill_buf_appendf(buf, "Nats-Pin-Id: %s\r\n", durable->pin->id);
    if (!err)
        err = rill_buf_append(buf, rill_bytes_of(end, sizeof end - 1));
    return err ? stored->headers : rill_buf_bytes(buf);
}

static struct message make_message(struct durable *durable, const struct rill_store_message *stored,
                                   const struct consumer_offer *offer, uint64_t pending)
{
    const bool headers_only = durable->settings->headers_only;
    return (struct message){
        .account = durable->stream->js->account,
        .subject = stored->subject,
        .reply = write_ack_subject(durable, stored, offer, pending),
        .headers = headers_only || durable->pin ? write_headers(durable, stored) : stored->headers,
        .payload = headers_only ? rill_bytes_of(NULL, 0) : stored->payload,
    };
}

static uint64_t size_of(const struct message *message)
{
    return message->subject.len + message->reply.len + message->headers.len + message->payload.len;
}

// ---- sending ----

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
    uint8_t *memory = malloc(size_of(message) + 1);
    struct message copy = *message;
    uint8_t *at = memory;
    if (!memory)
        return 0; // as if nobody were there: the message stays
    copy.subject = copy_to(&at, message->subject);
    copy.reply = copy_to(&at, message->reply);
    copy.headers = copy_to(&at, message->headers);
    copy.payload = copy_to(&at, message->payload);
    const uint32_t taken = route_matched(core, &copy, match);
    free(memory);
    return taken;
}

/* Much of what was sent to this one waits for him to read. */
static bool is_behind(const struct rill_core *core, const struct sub *sub)
{
    return sub->conn && sub->conn->outq.bytes > core->limits.pending_bytes_max / 4;
}

static bool any_is_behind(const struct rill_core *core, const struct match *match)
{
    for (uint32_t i = 0; i < match->sub_count; i++) {
        if (is_behind(core, match_sub(match, i)))
            return true;
    }
    for (uint32_t i = 0; i < match->group_count; i++) {
        const struct interest_group *group = match_group(match, i);
        if (group->count == 1 && is_behind(core, group->members[0]))
            return true;
    }
    return false;
}

enum sent { SENT, NOBODY_THERE, RECEIVER_BEHIND };

static enum sent send(struct durable *durable, struct rill_bytes to, const struct message *message)
{
    struct jetstream *js = durable->stream->js;
    struct interest *interest = js->account->interest;
    struct match *match = interest_recall(interest, &js->last_delivered, to);
    enum sent sent = RECEIVER_BEHIND;
    match->pins++;
    if (!any_is_behind(js->core, match)) {
        const uint32_t taken = has_receiver_inside(match) ? route_copy(js->core, message, match)
                                                          : route_matched(js->core, message, match);
        sent = taken ? SENT : NOBODY_THERE;
    }
    interest_unpin(interest, match);
    return sent;
}

// ---- one message ----

enum outcome { DELIVERED, WENT_ON, STOPPED };

/* Nothing goes out for a moment. */
static enum outcome stop_a_moment(struct durable *durable)
{
    durable->retry_at_ns = durable->stream->js->core->now.mono_ns + BEHIND_NS;
    return STOPPED;
}

static enum outcome deliver_to_pull(struct durable *durable, const struct message *message, struct pull *pull)
{
    const uint64_t bytes = size_of(message);
    if (pull_is_too_small(pull, bytes)) {
        durable_send_unserved(durable, pull, "409 Message Size Exceeds MaxBytes");
        pulls_end(&durable->pulls, pull);
        return WENT_ON;
    }
    switch (send(durable, pull_reply(pull), message)) {
    case NOBODY_THERE:
        pulls_end(&durable->pulls, pull);
        return WENT_ON;
    case RECEIVER_BEHIND:
        // The others have their turn first; when all are behind, they are asked again in a moment.
        pulls_pass_over(&durable->pulls, pull);
        return ++durable->passed_over >= durable->pulls.count ? stop_a_moment(durable) : WENT_ON;
    case SENT:
        break;
    }
    durable->passed_over = 0;
    return DELIVERED;
}

static enum outcome deliver_to_subject(struct durable *durable, const struct message *message)
{
    switch (send(durable, rill_bytes_from_cstr(durable->push->subject), message)) {
    case NOBODY_THERE:
        durable->push->bound = false;
        return STOPPED;
    case RECEIVER_BEHIND:
        return stop_a_moment(durable);
    case SENT:
        break;
    }
    return DELIVERED;
}

/* Nothing for it, or for none of its pulls, but what may come. */
static void rest(struct durable *durable)
{
    durable_end_unserved(durable);
    durable_wait_for_stream(durable);
}

/* It went out: who has to know. */
static void note_delivery(struct durable *durable, uint64_t sequence, struct pull *pull,
                          struct consumer_key *key, uint64_t bytes)
{
    const struct rill_core *core = durable->stream->js->core;
    consumer_delivered(durable->consumer, sequence, key, core->now.mono_ns);
    durable->last_delivered_wall_ns = core->now.wall_ns;
    durable->active_ns = core->now.mono_ns;
    if (pull)
        durable_pull_served(durable, pull, bytes);
    else
        push_sent(durable->push, bytes);
}

/* A message that was read. `pull` is NULL for the deliver subject, `key` when the consumer has none or it comes again. */
static enum outcome deliver_read(struct durable *durable, const struct rill_store_message *stored, bool again,
                                 struct pull *pull, struct consumer_key *key, size_t *bytes)
{
    const uint64_t sequence = stored->sequence;
    const int64_t time_ns = stored->time_ns;
    const uint64_t pending = durable_pending(durable);
    const struct consumer_offer offer = consumer_offer(durable->consumer, sequence);
    const struct message message = make_message(durable, stored, &offer, again ? pending : pending - 1);
    const uint64_t size = size_of(&message);
    const enum outcome outcome =
        pull ? deliver_to_pull(durable, &message, pull) : deliver_to_subject(durable, &message);
    if (outcome != DELIVERED)
        return outcome;
    *bytes += size;
    if (!again)
        pace_keep(durable, time_ns, size);
    note_delivery(durable, sequence, pull, key, size);
    if (!again)
        source_took(durable, sequence);
    return DELIVERED;
}

/* For the first time: its subject may have to wait for its turn. */
static enum outcome deliver_first(struct durable *durable, const struct rill_store_message *stored,
                                  struct pull *pull, size_t *bytes)
{
    struct consumer *consumer = durable->consumer;
    if (pace_is_early(durable, stored))
        return STOPPED;
    struct consumer_key *key = consumer_key_take(consumer, stored->subject);
    if (key && consumer_key_is_full(consumer, key)) {
        const uint64_t sequence = stored->sequence;
        consumer_park(consumer, key);
        source_took(durable, sequence);
        return WENT_ON;
    }
    const enum outcome outcome = deliver_read(durable, stored, false, pull, key, bytes);
    if (outcome != DELIVERED)
        consumer_key_release(consumer, key);
    return outcome;
}

static enum outcome deliver(struct durable *durable, uint64_t sequence, bool again, size_t *bytes)
{
    struct pull *pull = durable->push ? NULL : durable_next_pull(durable);
    struct rill_store_message stored;
    if (!durable->push && !pull) {
        rest(durable);
        return STOPPED;
    }
    if (source_count(durable)) {
        source_wait(durable);
        return STOPPED;
    }
    if (!again)
        durable_look_ahead(durable, sequence);
    const enum rill_err err = rill_store_read(durable->stream->store, sequence, &stored);
    if (err == RILL_ERR_AGAIN) {
        durable_load(durable, sequence);
        return STOPPED;
    }
    if (err || (!again && durable->source.blind && !source_matches(durable, stored.subject))) {
        // It was deleted, or lost to damage, which the store has reported: the consumer goes on behind it.
        consumer_pass(durable->consumer, sequence);
        return WENT_ON;
    }
    return again ? deliver_read(durable, &stored, true, pull, NULL, bytes)
                 : deliver_first(durable, &stored, pull, bytes);
}

// ---- a consumer's turn ----

/* Sets the cursor on the next message that is for it. */
static enum rill_err find_next(struct durable *durable, uint64_t *sequence)
{
    uint64_t next;
    const enum rill_err err = source_next(durable, *sequence, &next);
    if (err)
        return err;
    if (next > *sequence) {
        consumer_skip(durable->consumer, next);
        source_skipped(durable, *sequence, next);
    }
    *sequence = next;
    return RILL_OK;
}

/* After a restart the subjects of what is outstanding are read again, before anything new goes out. */
static enum outcome read_subject(struct durable *durable, uint64_t sequence)
{
    struct rill_store_message stored;
    const enum rill_err err = rill_store_read(durable->stream->store, sequence, &stored);
    if (err == RILL_ERR_AGAIN) {
        durable_load(durable, sequence);
        return STOPPED;
    }
    if (err)
        consumer_pass(durable->consumer, sequence);
    else
        consumer_set_key(durable->consumer, stored.subject);
    return WENT_ON;
}

static enum outcome deliver_next(struct durable *durable, size_t *bytes)
{
    uint64_t sequence = 0;
    const struct outstanding *unkeyed = consumer_next_unkeyed(durable->consumer);
    if (unkeyed)
        return read_subject(durable, unkeyed->sequence);
    const enum consumer_want want =
        consumer_want(durable->consumer, durable->stream->last_committed, &sequence);
    if (want == CONSUMER_WANTS_AGAIN)
        return deliver(durable, sequence, true, bytes);
    if (want == CONSUMER_WANTS_NEXT) {
        const enum rill_err err = find_next(durable, &sequence);
        if (!err)
            return deliver(durable, sequence, false, bytes);
        if (err != RILL_ERR_NOT_FOUND) {
            source_wait(durable);
            return STOPPED;
        }
    }
    rest(durable);
    return STOPPED;
}

/* A message, or nothing to send it to. */
static bool may_deliver(const struct durable *durable)
{
    const int64_t now_ns = durable->stream->js->core->now.mono_ns;
    if (durable->paused || durable->deleting || durable->resets_out || durable->retry_at_ns > now_ns)
        return false;
    return durable->push ? push_is_open(durable->push) : durable->pulls.first != NULL;
}

static void deliver_some(struct durable *durable)
{
    size_t bytes = 0;
    durable->passed_over = 0;
    for (uint32_t count = 0; may_deliver(durable); count++) {
        if (count >= SERVE_MESSAGES_MAX || bytes >= SERVE_BYTES_MAX) {
            durable_serve_later(durable);
            return;
        }
        if (deliver_next(durable, &bytes) == STOPPED)
            return;
    }
}

void durable_serve(struct durable *durable)
{
    const struct stream *stream = durable->stream;
    if (stream->state != STREAM_ACTIVE)
        return;
    if (!durable_serve_due(durable))
        return; // it has ended
    deliver_some(durable);
    durable_changed(durable);
}
