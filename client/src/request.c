// SPDX-License-Identifier: Apache-2.0
//
// Requests. All answers come to one subscription, "_INBOX.<random>.*"; the last token says whose it is.
#include "conn.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "proto/decimal.h"

#include <stdio.h>
#include <stdlib.h>

// ---- the inbox ----

void rill_inbox(struct rill_conn *conn, char ret_subject[RILL_INBOX_BYTES])
{
    static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    enum { NAME = sizeof "_INBOX." - 1, RANDOM_CHARS = 22 };
    memcpy(ret_subject, "_INBOX.", NAME);
    (void)pthread_mutex_lock(&conn->lock);
    for (int i = 0; i < RANDOM_CHARS; i++)
        ret_subject[NAME + i] = digits[rill_random_below(&conn->random, sizeof digits - 1)];
    (void)pthread_mutex_unlock(&conn->lock);
    ret_subject[NAME + RANDOM_CHARS] = '\0';
}

bool conn_request_token(const struct rill_conn *conn, struct rill_bytes subject, uint64_t *ret)
{
    const struct rill_bytes inbox = rill_bytes_from_cstr(conn->inbox);
    return rill_bytes_has_prefix(subject, inbox) &&
           rill_bytes_to_u64(rill_bytes_from(subject, inbox.len), UINT64_MAX, ret);
}

/* On the reader's thread. */
static bool on_answer(void *context, struct rill_msg *msg)
{
    struct rill_conn *conn = context;
    uint64_t token = 0;
    if (!conn_request_token(conn, msg_subject(msg), &token))
        rill_msg_unref(msg);
    else if (requests_answer(&conn->requests, token, msg))
        conn_retry_later(conn);
    return false;
}

/* With the lock held. */
static enum rill_err need_inbox(struct rill_conn *conn)
{
    if (conn->inbox_sub)
        return RILL_OK;
    char pattern[INBOX_PREFIX_BYTES + 1];
    (void)snprintf(pattern, sizeof pattern, "%s*", conn->inbox);
    const struct rill_subscribe want = {.subject = pattern};
    const struct sub_hooks hooks = {.arrived = on_answer, .context = conn};
    const enum rill_err err = conn_subscribe_locked(conn, &want, &hooks, &conn->inbox_sub);
    if (!err)
        conn->inbox_sub->internal = true;
    return err;
}

/* Appends the command of the request, which may be copied for another time. */
static enum rill_err append_request(struct rill_conn *conn, struct parts *parts, uint64_t token, bool copy)
{
    struct rill_buf *out = &conn->outbox.out;
    const size_t before = out->len;
    char reply[INBOX_PREFIX_BYTES + RILL_DECIMAL_BYTES_MAX];
    const size_t prefix = strlen(conn->inbox);
    memcpy(reply, conn->inbox, prefix);
    parts->reply = rill_bytes_of(reply, prefix + rill_decimal_write(token, reply + prefix));
    const enum rill_err err = conn_append_publish(conn, parts);
    if (!err && copy)
        requests_copy(&conn->requests, token, rill_bytes_from(rill_buf_bytes(out), before),
                      conn_is_shaken(conn));
    return err;
}

/* With the lock held. From the moment in which it is in the table the lock is not given back until its command is in
   the output, so no link breaks in between. */
static enum rill_err send_request(struct rill_conn *conn, struct parts *parts, struct request *request,
                                  int64_t deadline_ns)
{
    const bool copy = request->when_lost == REQUEST_AGAIN;
    uint64_t token = 0;
    bool earliest = false;
    enum rill_err err = need_inbox(conn);
    if (!err)
        err = conn_wait_for_room(conn, parts, deadline_ns);
    if (!err)
        err = requests_add(&conn->requests, request, deadline_ns, &token, &earliest);
    if (err)
        return err;
    err = append_request(conn, parts, token, copy);
    if (earliest)
        conn_rearm(conn);
    // Out of the table already: `done` brings its end, whatever became of the sending.
    return err && !requests_remove(&conn->requests, token) ? RILL_OK : err;
}

enum rill_err conn_request(struct rill_conn *conn, const struct rill_publish *publish,
                           struct request *request, int64_t deadline_ns)
{
    struct rill_buf block;
    struct parts parts;
    enum rill_err err = conn_take_parts(conn, publish, &block, &parts);
    if (!err && parts.reply.len)
        err = RILL_ERR_INVALID;
    if (!err) {
        (void)pthread_mutex_lock(&conn->lock);
        err = send_request(conn, &parts, request, deadline_ns);
        link_pump(&conn->link);
        (void)pthread_mutex_unlock(&conn->lock);
    }
    rill_buf_fini(&block);
    return err;
}

// ---- waiting for one answer ----

struct sync_request {
    struct request request; // first
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool is_done;
    enum rill_err err;
    struct rill_msg *reply;
};

static void sync_done(struct request *request, enum rill_err err, struct rill_msg *take_reply)
{
    struct sync_request *sync = (struct sync_request *)request;
    (void)pthread_mutex_lock(&sync->lock);
    sync->is_done = true;
    sync->err = err;
    sync->reply = take_reply;
    (void)pthread_cond_signal(&sync->changed);
    (void)pthread_mutex_unlock(&sync->lock);
}

/* Waits until the deadline; then whoever takes the request out of the table decides how it ended. */
static void sync_wait(struct rill_conn *conn, struct sync_request *sync, int64_t deadline_ns)
{
    bool late = false;
    (void)pthread_mutex_lock(&sync->lock);
    while (!sync->is_done && !late)
        late = !wait_until(&sync->changed, &sync->lock, deadline_ns) && wait_now_ns() >= deadline_ns;
    (void)pthread_mutex_unlock(&sync->lock);
    if (late && requests_remove(&conn->requests, sync->request.token)) {
        sync->err = RILL_ERR_TIMEOUT;
        return;
    }
    (void)pthread_mutex_lock(&sync->lock);
    while (!sync->is_done)
        (void)pthread_cond_wait(&sync->changed, &sync->lock);
    (void)pthread_mutex_unlock(&sync->lock);
}

enum rill_err conn_ask(struct rill_conn *conn, const struct rill_publish *publish,
                       enum request_loss when_lost, int64_t timeout_ms, struct rill_msg **ret)
{
    const int64_t deadline_ns = conn_deadline_ns(conn, timeout_ms);
    struct sync_request sync = {.request = {.done = sync_done, .when_lost = when_lost, .untimed = true}};
    if (pthread_mutex_init(&sync.lock, NULL) || !wait_cond_init(&sync.changed))
        return RILL_ERR_NO_MEMORY;
    enum rill_err err = conn_request(conn, publish, &sync.request, deadline_ns);
    if (!err) {
        sync_wait(conn, &sync, deadline_ns);
        err = sync.err;
    }
    (void)pthread_cond_destroy(&sync.changed);
    (void)pthread_mutex_destroy(&sync.lock);
    if (!err)
        *ret = sync.reply;
    return err;
}

enum rill_err rill_request_msg(struct rill_conn *conn, const struct rill_publish *request, int64_t timeout_ms,
                               struct rill_msg **ret)
{
    return conn_ask(conn, request, REQUEST_WAITS, timeout_ms, ret);
}

enum rill_err rill_request(struct rill_conn *conn, const char *subject, const void *data, size_t data_bytes,
                           int64_t timeout_ms, struct rill_msg **ret)
{
    const struct rill_publish request = {.subject = subject, .data = data, .data_bytes = data_bytes};
    return rill_request_msg(conn, &request, timeout_ms, ret);
}

// ---- an answer for a callback ----

struct async_request {
    struct request request; // first
    struct task task;
    struct rill_conn *conn;
    rill_reply_callback *callback;
    void *context;
    enum rill_err err;
    struct rill_msg *reply;
};

static void async_run(struct task *task)
{
    struct async_request *async =
        (struct async_request *)((char *)task - offsetof(struct async_request, task));
    async->callback(async->conn, async->err, async->reply, async->context);
    rill_msg_unref(async->reply);
    free(async);
}

static void async_done(struct request *request, enum rill_err err, struct rill_msg *take_reply)
{
    struct async_request *async = (struct async_request *)request;
    async->err = err;
    async->reply = take_reply;
    async->task.run = async_run;
    dispatcher_submit(&async->conn->dispatcher, &async->task);
}

enum rill_err rill_request_async(struct rill_conn *conn, const struct rill_publish *request,
                                 int64_t timeout_ms, rill_reply_callback *callback, void *context)
{
    if (!callback)
        return RILL_ERR_INVALID;
    struct async_request *async = rill_alloc_zero(1, sizeof *async);
    async->request.done = async_done;
    async->conn = conn;
    async->callback = callback;
    async->context = context;
    const enum rill_err err =
        conn_request(conn, request, &async->request, conn_deadline_ns(conn, timeout_ms));
    if (err)
        free(async);
    return err;
}

// ---- many answers ----

static bool ends_the_answers(const struct rill_msg *msg)
{
    return msg->payload_bytes == 0 && msg->headers_bytes == 0;
}

/* The deadline of the next answer: in all, or the gap, whichever is first. */
static int64_t next_deadline_ns(const struct rill_many *until, uint64_t count, int64_t deadline_ns)
{
    if (until->gap_ms <= 0 || count == 0)
        return deadline_ns;
    const int64_t gap_ns = wait_deadline_ns(until->gap_ms, 0);
    return gap_ns < deadline_ns ? gap_ns : deadline_ns;
}

static enum rill_err collect(struct rill_sub *sub, const struct rill_many *until, int64_t deadline_ns,
                             rill_many_callback *callback, void *context, uint64_t *ret_count)
{
    uint64_t count = 0;
    bool more = true;
    enum rill_err err = RILL_OK;
    while (more && !err && (!until->replies_max || count < until->replies_max)) {
        struct rill_msg *msg = NULL;
        err = sub_next(sub, next_deadline_ns(until, count, deadline_ns), &msg);
        if (err)
            break;
        if (count == 0 && msg_is_no_responders(msg))
            err = RILL_ERR_NO_RESPONDERS;
        more = !err && !ends_the_answers(msg);
        count += more;
        more = more && callback(msg, context);
        rill_msg_unref(msg);
    }
    *ret_count = count;
    return err == RILL_ERR_TIMEOUT ? RILL_OK : err;
}

enum rill_err rill_request_many(struct rill_conn *conn, const struct rill_publish *request,
                                const struct rill_many *until, rill_many_callback *callback, void *context,
                                uint64_t *ret_count)
{
    const int64_t deadline_ns = conn_deadline_ns(conn, until->timeout_ms);
    char inbox[RILL_INBOX_BYTES];
    rill_inbox(conn, inbox);
    struct rill_sub *sub;
    if (request->reply || !callback)
        return RILL_ERR_INVALID;
    enum rill_err err = rill_subscribe(conn, inbox, &sub);
    if (err)
        return err;
    struct rill_publish publish = *request;
    publish.reply = inbox;
    uint64_t count = 0;
    err = rill_publish_msg(conn, &publish);
    if (!err)
        err = collect(sub, until, deadline_ns, callback, context, &count);
    rill_unsubscribe(sub);
    if (ret_count)
        *ret_count = count;
    return err;
}
