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

/* On the reader's thread. */
static bool on_answer(void *context, struct rill_msg *msg)
{
    struct rill_conn *conn = context;
    uint64_t token = 0;
    const struct rill_bytes text = rill_bytes_from(msg_subject(msg), strlen(conn->inbox));
    if (rill_bytes_to_u64(text, UINT64_MAX, &token))
        requests_answer(&conn->requests, token, msg);
    else
        rill_msg_unref(msg);
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

static enum rill_err send_request(struct rill_conn *conn, struct parts *parts, uint64_t token, bool rearm,
                                  int64_t deadline_ns)
{
    char reply[INBOX_PREFIX_BYTES + RILL_DECIMAL_BYTES_MAX];
    const size_t prefix = strlen(conn->inbox);
    memcpy(reply, conn->inbox, prefix);
    parts->reply = rill_bytes_of(reply, prefix + rill_decimal_write(token, reply + prefix));
    (void)pthread_mutex_lock(&conn->lock);
    enum rill_err err = need_inbox(conn);
    if (!err)
        err = conn_publish_locked(conn, parts, deadline_ns);
    if (rearm)
        conn_rearm(conn);
    link_pump(&conn->link);
    (void)pthread_mutex_unlock(&conn->lock);
    return err;
}

enum rill_err conn_request(struct rill_conn *conn, const struct rill_publish *publish,
                           struct request *request, int64_t deadline_ns)
{
    struct rill_buf block;
    struct parts parts;
    enum rill_err err = conn_take_parts(conn, publish, &block, &parts);
    if (!err && parts.reply.len)
        err = RILL_ERR_INVALID;
    bool rearm = false;
    if (!err)
        err = requests_add(&conn->requests, request, deadline_ns, &rearm);
    if (!err) {
        err = send_request(conn, &parts, request->token, rearm, deadline_ns);
        // Out of the table already: `done` brings its end, whatever became of the sending.
        if (err && !requests_remove(&conn->requests, request))
            err = RILL_OK;
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
    if (late && requests_remove(&conn->requests, &sync->request)) {
        sync->err = RILL_ERR_TIMEOUT;
        return;
    }
    (void)pthread_mutex_lock(&sync->lock);
    while (!sync->is_done)
        (void)pthread_cond_wait(&sync->changed, &sync->lock);
    (void)pthread_mutex_unlock(&sync->lock);
}

enum rill_err rill_request_msg(struct rill_conn *conn, const struct rill_publish *request, int64_t timeout_ms,
                               struct rill_msg **ret)
{
    const int64_t deadline_ns = conn_deadline_ns(conn, timeout_ms);
    struct sync_request sync = {.request.done = sync_done};
    if (pthread_mutex_init(&sync.lock, NULL) || !wait_cond_init(&sync.changed))
        return RILL_ERR_NO_MEMORY;
    // It is waited for right here, so it needs no place among the deadlines.
    enum rill_err err = conn_request(conn, request, &sync.request, RILL_NEVER_NS);
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
