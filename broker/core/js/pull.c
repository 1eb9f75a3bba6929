// SPDX-License-Identifier: Apache-2.0
//
// Requests for messages: how they come in, and the statuses with which they end. The texts are NATS'; clients act on them.
#include "base/assert.h"
#include "durable.h"
#include "pin.h"
#include "proto/duration.h"
#include "proto/message.h"
#include "proto/pull_request.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { STATUS_BYTES_MAX = 512 };

// ---- statuses ----

static void refuse(struct durable *durable, struct rill_bytes reply, const char *status)
{
    char text[STATUS_BYTES_MAX];
    const int len = snprintf(text, sizeof text, "NATS/1.0 %s\r\n\r\n", status);
    RILL_ASSERT(len > 0 && (size_t)len < sizeof text);
    js_send_status(durable->stream->js, reply, rill_bytes_of(text, (size_t)len));
}

void durable_send_unserved(struct durable *durable, const struct pull *pull, const char *status)
{
    char text[STATUS_BYTES_MAX];
    const int len = snprintf(text, sizeof text,
                             "NATS/1.0 %s\r\nNats-Pending-Messages: %" PRIu64
                             "\r\nNats-Pending-Bytes: %" PRIu64 "\r\n\r\n",
                             status, pull->left, pull->bytes_left);
    RILL_ASSERT(len > 0 && (size_t)len < sizeof text);
    js_send_status(durable->stream->js, pull_reply(pull), rill_bytes_of(text, (size_t)len));
}

void durable_send_heartbeat(struct durable *durable, struct rill_bytes to, struct rill_bytes stalled)
{
    const struct consumer *consumer = durable->consumer;
    char text[2 * STATUS_BYTES_MAX];
    const int len =
        snprintf(text, sizeof text,
                 "NATS/1.0 100 Idle Heartbeat\r\nNats-Last-Consumer: %" PRIu64
                 "\r\nNats-Last-Stream: %" PRIu64 "\r\n%s" RILL_PRI "%s\r\n",
                 consumer->consumer_seq, consumer->cursor - 1, stalled.len ? "Nats-Consumer-Stalled: " : "",
                 RILL_ARG(stalled), stalled.len ? "\r\n" : "");
    RILL_ASSERT(len > 0 && (size_t)len < sizeof text);
    js_send_status(durable->stream->js, to, rill_bytes_of(text, (size_t)len));
}

// ---- the ends of pulls ----

void durable_end_pulls(struct durable *durable, struct rill_bytes status)
{
    struct pull *pull;
    while ((pull = pulls_take_any(&durable->pulls))) {
        if (status.len)
            js_send_status(durable->stream->js, pull_reply(pull), status);
        free(pull);
    }
}

void durable_end_pulls_unserved(struct durable *durable, const char *status)
{
    struct pull *pull;
    while ((pull = pulls_take_any(&durable->pulls))) {
        durable_send_unserved(durable, pull, status);
        free(pull);
    }
}

static bool is_listened_to(const struct durable *durable, const struct pull *pull)
{
    return interest_any(durable->stream->js->account->interest, pull_reply(pull));
}

void durable_drop_abandoned(struct durable *durable)
{
    struct pull *next;
    for (struct pull *pull = durable->pulls.first; pull; pull = next) {
        next = pull->next;
        if (!is_listened_to(durable, pull))
            pulls_end(&durable->pulls, pull);
    }
}

void durable_serve_due_pulls(struct durable *durable)
{
    const int64_t now_ns = durable->stream->js->core->now.mono_ns;
    struct pull *pull;
    enum pull_due due;
    while ((due = pulls_take_due(&durable->pulls, now_ns, &pull)) != PULL_NOT_DUE) {
        if (due == PULL_EXPIRED) {
            durable_send_unserved(durable, pull, "408 Request Timeout");
            free(pull);
        } else if (is_listened_to(durable, pull)) {
            durable_send_heartbeat(durable, pull_reply(pull), rill_bytes_of(NULL, 0));
        } else {
            pulls_end(&durable->pulls, pull);
        }
    }
}

void durable_end_unserved(struct durable *durable)
{
    struct pull *pull;
    while ((pull = pulls_take_unserved(&durable->pulls))) {
        if (pull->delivered)
            durable_send_unserved(durable, pull, "408 Request Timeout");
        else
            refuse(durable, pull_reply(pull), "404 No Messages");
        free(pull);
    }
}

// ---- delivering ----

struct pull *durable_next_pull(struct durable *durable)
{
    struct pulls_terms terms = {0};
    if (durable->pulls.policy == PULLS_OVERFLOW) {
        // When it cannot be counted now, delivery, which counts, too, waits.
        (void)!source_count(durable);
        terms.pending = durable_pending(durable);
        terms.ack_pending = consumer_ack_pending(durable->consumer);
    }
    if (durable->pin) {
        pin_choose(durable);
        terms.pin = durable->pin->number;
    }
    return pulls_next(&durable->pulls, &terms);
}

void durable_pull_served(struct durable *durable, struct pull *pull, uint64_t bytes)
{
    const int64_t now_ns = durable->stream->js->core->now.mono_ns;
    if (pulls_served(&durable->pulls, pull, bytes, now_ns))
        durable_pull_ended(durable, pull);
}

void durable_pull_ended(struct durable *durable, struct pull *pull)
{
    if (pull->bytes_left)
        durable_send_unserved(durable, pull, "409 Batch Completed");
    free(pull);
}

// ---- coming in ----

/* What its priority group has against it; NULL: nothing. */
static const char *group_refusal(struct durable *durable, const Rill__PullRequest *request)
{
    const bool has_group = request->group && request->group[0];
    const bool has_id = request->id && request->id[0];
    if (has_id && !durable->pin)
        return "400 Bad Request - Not a Pinned Client Priority consumer";
    if ((request->min_pending || request->min_ack_pending) && durable->pulls.policy != PULLS_OVERFLOW)
        return "400 Bad Request - Not a Overflow Priority consumer";
    if (request->priority && durable->pulls.policy != PULLS_BY_PRIORITY)
        return "400 Bad Request - Not a Prioritized Priority consumer";
    if (request->priority < 0 || request->priority > 9)
        return "400 Bad Request - Priority must be between 0 and 9";
    if (durable->pulls.policy == PULLS_IN_TURN)
        return NULL;
    if (!has_group)
        return "400 Bad Request - Priority Group missing";
    if (strcmp(request->group, durable->settings->group) != 0)
        return "400 Bad Request - Invalid Priority Group";
    if (has_id && !pin_check(durable, rill_bytes_from_cstr(request->id)))
        return "423 Nats-Pin-Id mismatch";
    return NULL;
}

/* What the limits of the consumer have against it. */
static bool exceeds_limits(struct durable *durable, struct rill_bytes reply, const Rill__PullRequest *request)
{
    const struct consumer_settings *settings = durable->settings;
    char text[256];
    char duration[RILL_DURATION_BYTES_MAX];
    if (settings->batch_max > 0 && request->batch > settings->batch_max)
        (void)snprintf(text, sizeof text, "409 Exceeded MaxRequestBatch of %" PRId64, settings->batch_max);
    else if (settings->expires_ns_max > 0 && request->expires > settings->expires_ns_max)
        (void)snprintf(text, sizeof text, "409 Exceeded MaxRequestExpires of %s",
                       rill_duration_write(settings->expires_ns_max, duration));
    else if (settings->bytes_max > 0 && request->max_bytes > settings->bytes_max)
        (void)snprintf(text, sizeof text, "409 Exceeded MaxRequestMaxBytes of %" PRId64, settings->bytes_max);
    else
        return false;
    refuse(durable, reply, text);
    return true;
}

static bool is_refused(struct durable *durable, struct rill_bytes reply, const Rill__PullRequest *request)
{
    const char *why = NULL;
    if (request->expires < 0 || request->max_bytes < 0 || request->idle_heartbeat < 0)
        why = "400 Bad Request - negative value";
    else if (request->idle_heartbeat > request->expires / 2)
        why = "400 Bad Request - heartbeat value too large";
    else if (exceeds_limits(durable, reply, request))
        return true;
    else
        why = group_refusal(durable, request);
    if (why)
        refuse(durable, reply, why);
    return why != NULL;
}

static struct pulls_request request_of(const struct durable *durable, struct rill_bytes reply,
                                       const Rill__PullRequest *request)
{
    const int64_t now_ns = durable->stream->js->core->now.mono_ns;
    const bool expires = request->expires > 0 && request->expires < RILL_NEVER_NS - now_ns;
    return (struct pulls_request){
        .reply = reply,
        .batch = (uint64_t)request->batch,
        .bytes_max = (uint64_t)request->max_bytes,
        .expires_at_ns = expires ? now_ns + request->expires : RILL_NEVER_NS,
        .heartbeat_ns = request->idle_heartbeat,
        .min_pending = request->min_pending > 0 ? (uint64_t)request->min_pending : 0,
        .min_ack_pending = request->min_ack_pending > 0 ? (uint64_t)request->min_ack_pending : 0,
        .pin = request->id && request->id[0] ? durable->pin->number : 0,
        .priority = (uint8_t)request->priority,
        .no_wait = request->no_wait,
    };
}

static void add_pull(struct durable *durable, struct rill_bytes reply, const Rill__PullRequest *request)
{
    const uint32_t waiting_max = durable->settings->waiting_max;
    const struct pulls_request pull = request_of(durable, reply, request);
    if (durable->pulls.count >= waiting_max)
        durable_drop_abandoned(durable);
    if (durable->pulls.count < waiting_max)
        pulls_add(&durable->pulls, &pull, durable->stream->js->core->now.mono_ns);
    else if (!request->idle_heartbeat)
        // Who asked for heartbeats notices that none come, and asks again then.
        refuse(durable, reply, "409 Exceeded MaxWaiting");
}

void durable_pull(struct durable *durable, struct rill_bytes reply, struct rill_bytes body)
{
    struct rill_error_text why;
    Rill__PullRequest *request;
    if (durable->push) {
        refuse(durable, reply, "409 Consumer is push based");
        return;
    }
    if (rill_pull_request_parse(body, &request, &why)) {
        refuse(durable, reply, "400 Bad Request");
        return;
    }
    durable->active_ns = durable->stream->js->core->now.mono_ns;
    if (!is_refused(durable, reply, request))
        add_pull(durable, reply, request);
    rill_message_free(&request->base);
    durable_serve_later(durable);
}
