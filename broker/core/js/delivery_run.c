// SPDX-License-Identifier: Apache-2.0
#include "delivery_run.h"

#include "base/assert.h"
#include "delivery_send.h"
#include "proto/ack_subject.h"
#include "push.h"

struct run {
    struct durable *durable;
    struct rill_store_run stored; // ahead of it
    uint32_t left;                // that may be delivered
    struct rill_ack_subject_writer replies;
    struct rill_bytes to;  // who got the last one
    struct match *match;   // of that, pinned
    uint64_t consumer_seq; // of the last one
    uint64_t pending;      // behind it
    size_t bytes_max;
    size_t bytes;
    struct pull *ended; // it got all it wanted with the last one
};

// ---- which messages ----

/* What delivery.c looks at for each message has nothing to say. */
static bool is_plain(const struct durable *durable)
{
    const struct consumer *consumer = durable->consumer;
    return durable->source.takes_all && !durable->source.listed && !consumer->unkeyed &&
           !consumer->limits->ack_pending_per_subject_max && !durable->settings->headers_only &&
           !durable->pace && !durable->pin && durable->pulls.policy == PULLS_IN_TURN;
}

/* How many may be delivered now, for the first time, from *ret_sequence on. */
static uint64_t wanted(const struct durable *durable, uint64_t *ret_sequence)
{
    const uint64_t last = durable->stream->last_committed;
    if (consumer_want(durable->consumer, last, ret_sequence) != CONSUMER_WANTS_NEXT)
        return 0;
    const uint64_t there = last - *ret_sequence + 1;
    const uint64_t room = consumer_room(durable->consumer);
    return there < room ? there : room;
}

static bool run_find(struct run *run, uint32_t max)
{
    struct durable *durable = run->durable;
    uint64_t sequence;
    const uint64_t count = is_plain(durable) ? wanted(durable, &sequence) : 0;
    if (!count || source_count(durable))
        return false;
    durable_look_ahead(durable, sequence);
    run->left = count < max ? (uint32_t)count : max;
    return rill_store_run_of(durable->stream->store, sequence, &run->stored);
}

static void run_begin(struct run *run)
{
    const struct durable *durable = run->durable;
    run->consumer_seq = durable->consumer->consumer_seq;
    run->pending = durable_pending(durable);
    rill_ack_subject_begin(&run->replies, rill_bytes_from_cstr(durable->stream->name),
                           rill_bytes_from_cstr(durable->settings->name));
}

// ---- each of them ----

static void run_unpin(struct run *run)
{
    if (run->match)
        interest_unpin(run->durable->stream->js->account->interest, run->match);
    run->match = NULL;
}

/* False when it cannot be sent to now, or not by this. */
static bool run_address(struct run *run, struct rill_bytes to)
{
    struct jetstream *js = run->durable->stream->js;
    if (!run->match || !rill_bytes_equal(to, run->to)) {
        run_unpin(run);
        run->match = interest_recall(js->account->interest, &js->last_delivered, to);
        run->match->pins++;
        run->to = to;
        if (match_has_receiver_inside(run->match))
            return false;
    }
    return !match_any_is_behind(js->core, run->match);
}

static struct message make_message(struct run *run, const struct rill_store_message *stored)
{
    run->pending -= run->pending > 0;
    const struct rill_ack_subject reply = {
        .delivered = 1,
        .stream_seq = stored->sequence,
        .consumer_seq = ++run->consumer_seq,
        .timestamp_ns = stored->time_ns,
        .pending = run->pending,
    };
    return (struct message){
        .account = run->durable->stream->js->account,
        .subject = stored->subject,
        .reply = rill_ack_subject_write(&run->replies, &reply),
        .headers = stored->headers,
        .payload = stored->payload,
    };
}

/* It went out. May another one follow? What went out may have ended a subscription, or the receiver. */
static bool run_sent(struct run *run, struct pull *pull, uint64_t bytes)
{
    const struct durable *durable = run->durable;
    struct jetstream *js = durable->stream->js;
    const struct push *push = durable->push;
    run->bytes += bytes;
    if (pull && pulls_served(&run->durable->pulls, pull, bytes, js->core->now.mono_ns))
        run->ended = pull;
    const bool is_open = !push || !push->window_bytes || push->on_way_bytes + run->bytes < push->window_bytes;
    return --run->left && !run->ended && is_open && run->bytes < run->bytes_max &&
           interest_version(js->account->interest) == js->last_delivered.version;
}

/* Sends the next one. Says whether it was sent, and whether another may follow. */
static bool run_step(struct run *run, bool *ret_more)
{
    struct durable *durable = run->durable;
    struct pull *pull = durable->push ? NULL : durable->pulls.first;
    struct rill_store_message stored;
    *ret_more = false;
    if (!run_address(run, pull ? pull_reply(pull) : rill_bytes_from_cstr(durable->push->subject)) ||
        !rill_store_run_take(&run->stored, &stored))
        return false;
    const struct message message = make_message(run, &stored);
    const uint64_t bytes = message_size(&message);
    if ((pull && pull_is_too_small(pull, bytes)) ||
        !route_matched(durable->stream->js->core, &message, run->match))
        return false;
    *ret_more = run_sent(run, pull, bytes);
    return true;
}

// ---- all of them ----

static void run_note(struct run *run, uint32_t count)
{
    struct durable *durable = run->durable;
    const struct rill_core *core = durable->stream->js->core;
    const uint64_t first = durable->consumer->cursor;
    consumer_delivered_run(durable->consumer, count, core->now.mono_ns);
    source_took_run(durable, first, count);
    durable->last_delivered_wall_ns = core->now.wall_ns;
    durable->active_ns = core->now.mono_ns;
    durable->passed_over = 0;
    if (run->ended)
        durable_pull_ended(durable, run->ended);
    if (durable->push)
        push_sent(durable->push, run->bytes);
}

uint32_t deliver_run(struct durable *durable, uint32_t max, size_t bytes_max, size_t *bytes)
{
    struct run run; // its text is not to be cleared each time
    uint32_t count = 0;
    bool more = true;
    run.durable = durable;
    RILL_ASSERT(durable->push || durable->pulls.first);
    if (!run_find(&run, max))
        return 0;
    run.match = NULL;
    run.ended = NULL;
    run.bytes = 0;
    run.bytes_max = bytes_max;
    run_begin(&run);
    while (more)
        count += run_step(&run, &more);
    run_unpin(&run);
    if (count)
        run_note(&run, count);
    *bytes += run.bytes;
    return count;
}
