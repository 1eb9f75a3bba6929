// SPDX-License-Identifier: Apache-2.0
//
// Publishing into a stream: the expectations become headers, the answer is a PubAck. An asynchronous publish
// is one allocation, which is its request, its task and its result.
#include "js.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "error.h"
#include "proto/json_codec.h"
#include "proto/message.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

// ---- the answer ----

static bool skip(struct rill_bytes *rest, struct rill_bytes text)
{
    if (!rill_bytes_has_prefix(*rest, text))
        return false;
    *rest = rill_bytes_from(*rest, text.len);
    return true;
}

/* The answer as brokers write it nearly always: {"stream":"S","seq":1} with or without blanks behind the commas,
   and perhaps with the mark of a duplicate. Anything else is left to the codec. */
static bool read_usual(struct rill_bytes rest, struct rill_stored *ret)
{
    if (!skip(&rest, RILL_BYTES("{\"stream\":\"")))
        return false;
    const uint8_t *quote = memchr(rest.data, '"', rest.len);
    const size_t len = quote ? (size_t)(quote - rest.data) : 0;
    if (len == 0 || len >= sizeof ret->stream || memchr(rest.data, '\\', len))
        return false;
    memcpy(ret->stream, rest.data, len);
    ret->stream[len] = '\0';
    rest = rill_bytes_from(rest, len);
    if (!skip(&rest, RILL_BYTES("\", \"seq\":")) && !skip(&rest, RILL_BYTES("\",\"seq\":")))
        return false;
    size_t digits = 0;
    while (digits < rest.len && rest.data[digits] >= '0' && rest.data[digits] <= '9')
        digits++;
    if (!rill_bytes_to_u64(rill_bytes_of(rest.data, digits), UINT64_MAX, &ret->seq) || ret->seq == 0)
        return false;
    rest = rill_bytes_from(rest, digits);
    ret->duplicate = skip(&rest, RILL_BYTES(",\"duplicate\": true")) ||
                     skip(&rest, RILL_BYTES(",\"duplicate\":true")) ||
                     skip(&rest, RILL_BYTES(", \"duplicate\": true"));
    return rill_bytes_equal(rest, RILL_BYTES("}"));
}

static enum rill_err read_any(struct rill_bytes body, struct rill_stored *ret, struct rill_error *error)
{
    ProtobufCMessage *message;
    struct rill_error_text why;
    enum rill_err err =
        rill_json_decode(&rill__pub_ack__descriptor, body, RILL_JSON_UNKNOWN_IGNORED, &message, &why);
    if (err)
        return error_set(error, RILL_ERR_DAMAGED, "an acknowledgement that cannot be read: %s", why.text);
    const Rill__PubAck *ack = (const Rill__PubAck *)message;
    if (ack->error) {
        err = js_refused(ack->error, error);
    } else if (!ack->stream || !ack->stream[0] || !ack->seq) { // somebody else has answered
        err = error_set(error, RILL_ERR_DAMAGED, "an acknowledgement without a stream or a sequence");
    } else {
        (void)snprintf(ret->stream, sizeof ret->stream, "%s", ack->stream);
        ret->seq = ack->seq;
        ret->duplicate = ack->duplicate;
    }
    rill_message_free(message);
    return err;
}

enum rill_err js_read_stored(const struct rill_msg *reply, struct rill_stored *ret, struct rill_error *error)
{
    return read_usual(msg_payload(reply), ret) ? RILL_OK : read_any(msg_payload(reply), ret, error);
}

// ---- the expectations ----

enum { EXPECTATIONS_MAX = 6, NUMBER_BYTES = 24 };

/* The headers of a publish: the caller's and those that say what is expected. */
struct headers {
    struct rill_header *all; // heap when there are any of ours, else the caller's
    size_t count;
    char last_seq[NUMBER_BYTES], last_subject_seq[NUMBER_BYTES], ttl[NUMBER_BYTES];
    bool ours;
};

static void add(struct headers *headers, const char *name, const char *value)
{
    headers->all[headers->count++] = (struct rill_header){name, value};
}

static void add_number(struct headers *headers, const char *name, char text[NUMBER_BYTES], uint64_t number)
{
    (void)snprintf(text, NUMBER_BYTES, "%" PRIu64, number);
    add(headers, name, text);
}

static void add_expectations(struct headers *headers, const struct rill_expect *expect)
{
    if (expect->msg_id)
        add(headers, "Nats-Msg-Id", expect->msg_id);
    if (expect->stream)
        add(headers, "Nats-Expected-Stream", expect->stream);
    if (expect->last_msg_id)
        add(headers, "Nats-Expected-Last-Msg-Id", expect->last_msg_id);
    if (expect->check_last_seq)
        add_number(headers, "Nats-Expected-Last-Sequence", headers->last_seq, expect->last_seq);
    if (expect->check_last_subject_seq)
        add_number(headers, "Nats-Expected-Last-Subject-Sequence", headers->last_subject_seq,
                   expect->last_subject_seq);
    if (expect->ttl_ms > 0) {
        (void)snprintf(headers->ttl, sizeof headers->ttl, "%" PRId64 "ms", expect->ttl_ms);
        add(headers, "Nats-TTL", headers->ttl);
    }
}

static void headers_init(struct headers *headers, const struct rill_publish *publish,
                         const struct rill_expect *expect)
{
    headers->ours = expect != NULL;
    headers->all = (struct rill_header *)publish->headers;
    headers->count = publish->headers_count;
    if (!expect)
        return;
    headers->all = rill_alloc_zero(publish->headers_count + EXPECTATIONS_MAX, sizeof headers->all[0]);
    headers->count = 0;
    for (size_t i = 0; i < publish->headers_count; i++)
        add(headers, publish->headers[i].name, publish->headers[i].value);
    add_expectations(headers, expect);
}

static void headers_fini(struct headers *headers)
{
    if (headers->ours)
        free(headers->all);
}

/* Whether the link may break: an id makes it harmless to send the message twice, but an expectation about what was
   stored before would not hold for the second. */
static enum request_loss when_lost(const struct rill_expect *expect)
{
    return expect && expect->msg_id && !expect->last_msg_id && !expect->check_last_seq &&
                   !expect->check_last_subject_seq
               ? REQUEST_AGAIN
               : REQUEST_ENDS;
}

// ---- one at a time ----

enum rill_err rill_js_publish(struct rill_js *js, const struct rill_publish *publish,
                              const struct rill_expect *expect, struct rill_stored *ret,
                              struct rill_error *error)
{
    struct headers headers;
    struct rill_stored stored;
    struct rill_msg *reply = NULL;
    headers_init(&headers, publish, expect);
    struct rill_publish request = *publish;
    request.headers = headers.all;
    request.headers_count = headers.count;
    enum rill_err err = conn_ask(js->conn, &request, when_lost(expect), js->timeout_ms, &reply);
    headers_fini(&headers);
    if (err)
        return error_set(error, err, "publish to %s: %s", publish->subject ? publish->subject : "?",
                         err == RILL_ERR_NO_RESPONDERS ? "no stream keeps that subject" : rill_err_text(err));
    err = js_read_stored(reply, &stored, error);
    rill_msg_unref(reply);
    if (!err && ret)
        *ret = stored;
    return err;
}

// ---- many at a time ----

struct async_publish {
    struct request request; // first
    struct task task;
    struct rill_js *js;
    rill_stored_callback *callback;
    void *context;
    struct rill_stored stored;
    struct rill_error error;
};

static void finish(struct async_publish *async, bool had_callback)
{
    struct rill_js *js = async->js;
    (void)pthread_mutex_lock(&js->lock);
    js->finishing -= had_callback;
    (void)pthread_cond_broadcast(&js->changed);
    (void)pthread_mutex_unlock(&js->lock);
    free(async);
}

static void run_callback(struct task *task)
{
    struct async_publish *async =
        (struct async_publish *)((char *)task - offsetof(struct async_publish, task));
    async->callback(async->js, &async->stored, &async->error, async->context);
    finish(async, true);
}

/* Who waits for a place is woken when a quarter of them is free, and not for each: else it would go to sleep again after every
   message. */
static uint32_t room_at(const struct rill_js *js)
{
    return js->publishes_pending_max - 1 - js->publishes_pending_max / 4;
}

static void on_stored(struct request *request, enum rill_err err, struct rill_msg *take_reply)
{
    struct async_publish *async = (struct async_publish *)request;
    struct rill_js *js = async->js;
    if (err)
        (void)error_plain(&async->error, err);
    else
        err = js_read_stored(take_reply, &async->stored, &async->error);
    rill_msg_unref(take_reply);
    (void)pthread_mutex_lock(&js->lock);
    js->pending--;
    js->finishing += async->callback != NULL;
    if (err && js->failed++ == 0)
        js->failure = async->error;
    const bool wake = js->pending == 0 || js->pending == room_at(js);
    // After this a js without callbacks to come may be destroyed by whoever waited.
    struct rill_conn *conn = js->conn;
    const bool has_callback = async->callback != NULL;
    if (wake)
        (void)pthread_cond_broadcast(&js->changed);
    (void)pthread_mutex_unlock(&js->lock);
    if (has_callback)
        dispatcher_submit(&conn->dispatcher, &async->task);
    else
        free(async);
}

static enum rill_err take_place(struct rill_js *js, int64_t deadline_ns)
{
    enum rill_err err = RILL_OK;
    (void)pthread_mutex_lock(&js->lock);
    while (js->pending >= js->publishes_pending_max && !err)
        if (!wait_until(&js->changed, &js->lock, deadline_ns) && wait_now_ns() >= deadline_ns &&
            js->pending >= js->publishes_pending_max)
            err = RILL_ERR_TIMEOUT;
    js->pending += !err;
    (void)pthread_mutex_unlock(&js->lock);
    return err;
}

static void give_place_back(struct rill_js *js)
{
    (void)pthread_mutex_lock(&js->lock);
    js->pending--;
    (void)pthread_cond_broadcast(&js->changed);
    (void)pthread_mutex_unlock(&js->lock);
}

enum rill_err rill_js_publish_async(struct rill_js *js, const struct rill_publish *publish,
                                    const struct rill_expect *expect, rill_stored_callback *callback,
                                    void *context)
{
    const int64_t deadline_ns = wait_deadline_ns(js->timeout_ms, 0);
    enum rill_err err = take_place(js, deadline_ns);
    if (err)
        return err;
    struct headers headers;
    struct async_publish *async = rill_alloc_zero(1, sizeof *async);
    async->request.done = on_stored;
    async->request.when_lost = when_lost(expect);
    async->task.run = run_callback;
    async->js = js;
    async->callback = callback;
    async->context = context;
    headers_init(&headers, publish, expect);
    struct rill_publish request = *publish;
    request.headers = headers.all;
    request.headers_count = headers.count;
    err = conn_request(js->conn, &request, &async->request, deadline_ns);
    headers_fini(&headers);
    if (err) {
        free(async);
        give_place_back(js);
    }
    return err;
}

enum rill_err js_wait(struct rill_js *js, int64_t deadline_ns, uint64_t *ret_failed,
                      struct rill_error *ret_failure)
{
    enum rill_err err = RILL_OK;
    (void)pthread_mutex_lock(&js->lock);
    while ((js->pending || js->finishing) && !err)
        if (!wait_until(&js->changed, &js->lock, deadline_ns) && wait_now_ns() >= deadline_ns)
            err = RILL_ERR_TIMEOUT;
    if (!err && ret_failed)
        *ret_failed = js->failed;
    if (!err && js->failed && ret_failure)
        *ret_failure = js->failure;
    if (!err)
        js->failed = 0;
    (void)pthread_mutex_unlock(&js->lock);
    return err;
}

enum rill_err rill_js_wait(struct rill_js *js, int64_t timeout_ms, uint64_t *ret_failed)
{
    return js_wait(js, wait_deadline_ns(timeout_ms, js->timeout_ms), ret_failed, NULL);
}

/* Every publish ends by its own deadline at the latest, and callbacks return. */
void rill_js_destroy(struct rill_js *js)
{
    if (!js)
        return;
    RILL_ASSERT(!dispatcher_is_me(&js->conn->dispatcher) && "not from a callback");
    while (js_wait(js, wait_deadline_ns(js->timeout_ms, 0), NULL, NULL) == RILL_ERR_TIMEOUT) {
    }
    (void)pthread_cond_destroy(&js->changed);
    (void)pthread_mutex_destroy(&js->lock);
    free(js);
}
