// SPDX-License-Identifier: Apache-2.0
#include "pull.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "error.h"
#include "proto/headers.h"
#include "proto/message.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { PREFETCH = 500, EXPIRES_MS = 30000, HEARTBEAT_MS = 2500, RETRY_MS = 100, JSON_BYTES = 160 };

static void unref(struct rill_pull *pull)
{
    if (atomic_fetch_sub(&pull->refs, 1) != 1)
        return;
    (void)pthread_mutex_destroy(&pull->lock);
    free(pull);
}

// ---- asking ----

/* The body of CONSUMER.MSG.NEXT, the same each time but for the number; so it is not worth the codec. */
static size_t format_request(const struct rill_pull *pull, uint32_t count, char ret[JSON_BYTES])
{
    return (size_t)snprintf(ret, JSON_BYTES,
                            "{\"expires\":%" PRId64 ",\"batch\":%u,\"idle_heartbeat\":%" PRId64 "}",
                            pull->expires_ns, (unsigned)count, pull->heartbeat_ns);
}

/* With the connection's lock held, not the pull's. */
static enum rill_err send_request(struct rill_pull *pull, uint32_t count)
{
    char json[JSON_BYTES];
    const struct parts parts = {.subject = rill_bytes_from_cstr(pull->subject),
                                .reply = rill_bytes_from_cstr(pull->inbox),
                                .payload = rill_bytes_of(json, format_request(pull, count, json))};
    if (pull->conn->session.state != SESSION_UP)
        return RILL_ERR_DISCONNECTED; // a new link is told of, and asked then
    return conn_publish_locked(pull->conn, &parts, 0);
}

/* What the puller wants now. When it has ended, so has the queue, once it is empty. */
static uint32_t next_count(struct rill_pull *pull)
{
    (void)pthread_mutex_lock(&pull->lock);
    const uint32_t count = pull->closed ? 0 : puller_ask(&pull->puller, wait_now_ns());
    const bool ended = pull->puller.ended != RILL_OK;
    (void)pthread_mutex_unlock(&pull->lock);
    if (ended && pull->sub)
        sub_end(pull->sub);
    return count;
}

static void note_failure(struct rill_pull *pull, uint32_t count)
{
    (void)pthread_mutex_lock(&pull->lock);
    puller_not_sent(&pull->puller, count, wait_now_ns());
    (void)pthread_mutex_unlock(&pull->lock);
}

/* Arms the timer unless it is; it fires early rather than being moved. With no lock held. */
static void arm(struct rill_pull *pull)
{
    (void)pthread_mutex_lock(&pull->lock);
    const int64_t deadline_ns = puller_deadline_ns(&pull->puller);
    const bool wanted = !pull->timer_armed && !pull->closed && deadline_ns != RILL_NEVER_NS;
    pull->timer_armed |= wanted;
    (void)pthread_mutex_unlock(&pull->lock);
    if (!wanted)
        return;
    (void)atomic_fetch_add(&pull->refs, 1);
    bool earliest = false;
    uint64_t token;
    if (requests_add(&pull->conn->requests, &pull->timer, deadline_ns, &token, &earliest)) {
        unref(pull); // the connection is closed
        return;
    }
    if (!earliest)
        return;
    (void)pthread_mutex_lock(&pull->conn->lock);
    conn_rearm(pull->conn);
    link_pump(&pull->conn->link);
    (void)pthread_mutex_unlock(&pull->conn->lock);
}

/* Whoever takes messages himself is told by rill_pull_next; a callback has nobody to ask. */
static void tell_end(struct rill_pull *pull)
{
    struct rill_error error;
    (void)pthread_mutex_lock(&pull->lock);
    const enum rill_err ended = pull->puller.ended;
    const bool tells = ended && !pull->told && !pull->closed;
    pull->told |= tells;
    (void)pthread_mutex_unlock(&pull->lock);
    if (!tells || !pull->sub->callback)
        return;
    (void)error_set(&error, ended, "pull from %s: %s", pull->subject, rill_err_text(ended));
    (void)pthread_mutex_lock(&pull->conn->lock);
    conn_tell(pull->conn, RILL_EVENT_ERROR, &error, pull->sub);
    (void)pthread_mutex_unlock(&pull->conn->lock);
}

static void ask(struct rill_pull *pull)
{
    const uint32_t count = next_count(pull);
    tell_end(pull);
    if (count) {
        (void)pthread_mutex_lock(&pull->conn->lock);
        const enum rill_err err = send_request(pull, count);
        link_pump(&pull->conn->link);
        (void)pthread_mutex_unlock(&pull->conn->lock);
        if (err)
            note_failure(pull, count);
    }
    arm(pull);
}

// ---- what happens ----

/* The timer: everything but CLOSED comes without a lock. */
static void on_timer(struct request *request, enum rill_err err, struct rill_msg *take_reply)
{
    struct rill_pull *pull = (struct rill_pull *)request;
    rill_msg_unref(take_reply);
    (void)pthread_mutex_lock(&pull->lock);
    pull->timer_armed = false;
    if (!err || err == RILL_ERR_TIMEOUT)
        puller_tick(&pull->puller, wait_now_ns());
    (void)pthread_mutex_unlock(&pull->lock);
    if (err != RILL_ERR_CLOSED)
        ask(pull);
    unref(pull);
}

static int64_t pending_of(const struct rill_msg *msg)
{
    struct rill_bytes text;
    uint64_t left;
    return rill_headers_find(msg_headers(msg), RILL_BYTES("Nats-Pending-Messages"), &text) &&
                   rill_bytes_to_u64(text, INT64_MAX, &left)
               ? (int64_t)left
               : -1;
}

/* Statuses have no payload and an inbox for a subject; a stored message may have a status line too. */
static bool is_status(const struct rill_pull *pull, const struct rill_msg *msg)
{
    return msg->headers_bytes && !msg->payload_bytes && rill_msg_status(msg) &&
           rill_bytes_equal_cstr(msg_subject(msg), pull->inbox);
}

static bool on_arrived(void *context, struct rill_msg *msg)
{
    struct rill_pull *pull = context;
    const bool status = is_status(pull, msg);
    (void)pthread_mutex_lock(&pull->lock);
    if (status) {
        uint32_t code = 0;
        struct rill_bytes text = {0};
        (void)rill_headers_status(msg_headers(msg), &code, &text);
        puller_status(&pull->puller, code, text, pending_of(msg), wait_now_ns());
    } else {
        puller_message(&pull->puller, wait_now_ns());
    }
    (void)pthread_mutex_unlock(&pull->lock);
    if (!status)
        return true;
    rill_msg_unref(msg);
    ask(pull);
    return false;
}

static bool on_taken(void *context, struct rill_msg *msg)
{
    struct rill_pull *pull = context;
    (void)msg;
    (void)pthread_mutex_lock(&pull->lock);
    puller_taken(&pull->puller);
    const bool asks = pull->puller.asked + pull->puller.held <= pull->puller.config.prefetch / 2;
    (void)pthread_mutex_unlock(&pull->lock);
    if (asks)
        ask(pull);
    return true;
}

/* With the connection's lock held. */
static void on_link_up(void *context)
{
    struct rill_pull *pull = context;
    (void)pthread_mutex_lock(&pull->lock);
    puller_link_up(&pull->puller, wait_now_ns());
    (void)pthread_mutex_unlock(&pull->lock);
    const uint32_t count = next_count(pull);
    if (count && send_request(pull, count))
        note_failure(pull, count);
}

static void on_freed(void *context)
{
    unref(context);
}

// ---- life ----

static void fill_options(struct rill_pull_options *ret, const struct rill_pull_options *options)
{
    *ret = (struct rill_pull_options){0};
    if (options)
        memcpy(ret, options,
               options->struct_bytes && options->struct_bytes < sizeof *ret ? options->struct_bytes
                                                                            : sizeof *ret);
    if (!ret->prefetch_msgs)
        ret->prefetch_msgs = PREFETCH;
    if (ret->expires_ms <= 0)
        ret->expires_ms = EXPIRES_MS;
    if (ret->heartbeat_ms <= 0)
        ret->heartbeat_ms = HEARTBEAT_MS;
    if (ret->heartbeat_ms > ret->expires_ms / 2)
        ret->heartbeat_ms = ret->expires_ms / 2;
    if (ret->heartbeat_ms == 0)
        ret->heartbeat_ms = 1;
}

static void init_puller(struct rill_pull *pull, const struct rill_pull_options *options, bool ends_when_lost)
{
    pull->expires_ns = options->expires_ms * RILL_NS_PER_MS;
    pull->heartbeat_ns = options->heartbeat_ms * RILL_NS_PER_MS;
    if (pull->heartbeat_ns > pull->expires_ns / 2)
        pull->heartbeat_ns = pull->expires_ns / 2;
    const struct puller_config config = {.prefetch = options->prefetch_msgs,
                                         .expires_ns = pull->expires_ns,
                                         .heartbeat_ns = pull->heartbeat_ns,
                                         .retry_ns = RETRY_MS * RILL_NS_PER_MS,
                                         .ends_when_lost = ends_when_lost};
    puller_init(&pull->puller, &config, wait_now_ns());
}

static enum rill_err subscribe(struct rill_pull *pull, const struct rill_pull_options *options)
{
    const struct rill_subscribe want = {.subject = pull->inbox,
                                        .callback = options->callback,
                                        .context = options->context,
                                        .own_thread = options->own_thread};
    const struct sub_hooks hooks = {
        .arrived = on_arrived, .taken = on_taken, .link_up = on_link_up, .freed = on_freed, .context = pull};
    (void)atomic_fetch_add(&pull->refs, 1);
    (void)pthread_mutex_lock(&pull->conn->lock); // nobody looks at pull->sub before it is there
    const enum rill_err err = conn_subscribe_locked(pull->conn, &want, &hooks, &pull->sub);
    link_pump(&pull->conn->link);
    (void)pthread_mutex_unlock(&pull->conn->lock);
    if (err)
        unref(pull);
    return err;
}

enum rill_err pull_open(struct rill_js *js, const char *stream, const char *consumer,
                        const struct rill_pull_options *options, bool ends_when_lost, struct rill_pull **ret)
{
    struct rill_pull_options given;
    fill_options(&given, options);
    struct rill_pull *pull = rill_alloc_zero(1, sizeof *pull);
    atomic_init(&pull->refs, 1);
    pull->timer.done = on_timer;
    pull->js = js;
    pull->conn = js->conn;
    enum rill_err err = js_subject(js, pull->subject, "CONSUMER.MSG.NEXT", stream, consumer);
    if (!err && pthread_mutex_init(&pull->lock, NULL))
        err = RILL_ERR_NO_MEMORY;
    if (err) {
        free(pull);
        return err;
    }
    rill_inbox(js->conn, pull->inbox);
    init_puller(pull, &given, ends_when_lost);
    err = subscribe(pull, &given);
    if (err) {
        unref(pull);
        return err;
    }
    ask(pull);
    *ret = pull;
    return RILL_OK;
}

enum rill_err rill_pull_open(struct rill_js *js, const char *stream, const char *consumer,
                             const struct rill_pull_options *options, struct rill_pull **ret,
                             struct rill_error *error)
{
    enum rill_err err = rill_consumer_info(js, stream, consumer, NULL, error);
    if (err)
        return err;
    err = pull_open(js, stream, consumer, options, false, ret);
    return err ? error_plain(error, err) : RILL_OK;
}

enum rill_err rill_pull_next(struct rill_pull *pull, int64_t timeout_ms, struct rill_msg **ret)
{
    const enum rill_err err = sub_next(pull->sub, conn_deadline_ns(pull->conn, timeout_ms), ret);
    if (err != RILL_ERR_CLOSED)
        return err;
    (void)pthread_mutex_lock(&pull->lock);
    const enum rill_err ended = pull->puller.ended;
    (void)pthread_mutex_unlock(&pull->lock);
    return ended ? ended : RILL_ERR_CLOSED;
}

void rill_pull_close(struct rill_pull *pull)
{
    if (!pull)
        return;
    (void)pthread_mutex_lock(&pull->lock);
    pull->closed = true;
    (void)pthread_mutex_unlock(&pull->lock);
    rill_unsubscribe(pull->sub);
    if (requests_remove(&pull->conn->requests, pull->timer.token))
        unref(pull); // the timer's share; else it is about to give it back itself
    unref(pull);
}
