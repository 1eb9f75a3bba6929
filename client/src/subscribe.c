// SPDX-License-Identifier: Apache-2.0
#include "conn.h"

#include "base/assert.h"
#include "proto/decimal.h"
#include "proto/subject.h"
#include "proto/writer.h"

#include <stdlib.h>

// ---- the wire ----

static enum rill_err append_sub(struct rill_buf *buf, const struct rill_sub *sub)
{
    char sid[RILL_DECIMAL_BYTES_MAX];
    return rill_append_subscribe(buf, rill_bytes_from_cstr(sub->subject), rill_bytes_from_cstr(sub->queue),
                                 rill_bytes_of(sid, rill_decimal_write(sub->sid, sid)));
}

static enum rill_err append_unsub(struct rill_buf *buf, const struct rill_sub *sub, uint64_t max)
{
    char sid[RILL_DECIMAL_BYTES_MAX];
    return rill_append_unsubscribe(buf, rill_bytes_of(sid, rill_decimal_write(sub->sid, sid)), max);
}

void conn_send_unsub(struct rill_conn *conn, const struct rill_sub *sub, uint64_t max)
{
    // Without a link nothing is to be taken back. What does not fit now leaves a subscription at the server
    // whose messages are dropped here, until the next link.
    if (conn->session.state == SESSION_UP && append_unsub(&conn->outbox.out, sub, max))
        return;
}

void conn_renew_subs(struct rill_conn *conn)
{
    enum rill_err err = RILL_OK;
    (void)pthread_mutex_lock(&conn->subs_lock);
    for (struct rill_sub *sub = conn->subs; sub && !err; sub = sub->hh.next) {
        const uint64_t left = sub_new_link(sub);
        err = append_sub(&conn->outbox.front, sub);
        if (!err && left)
            err = append_unsub(&conn->outbox.front, sub, left);
    }
    (void)pthread_mutex_unlock(&conn->subs_lock);
    if (err)
        conn_fail(conn, err, "renew the subscriptions");
}

void conn_tell_link_up(struct rill_conn *conn)
{
    (void)pthread_mutex_lock(&conn->subs_lock);
    for (struct rill_sub *sub = conn->subs; sub; sub = sub->hh.next)
        if (sub->hooks.link_up)
            sub->hooks.link_up(sub->hooks.context);
    (void)pthread_mutex_unlock(&conn->subs_lock);
}

// ---- the table ----

struct rill_sub *conn_find_sub(struct rill_conn *conn, uint64_t sid)
{
    struct rill_sub *sub;
    (void)pthread_mutex_lock(&conn->subs_lock);
    HASH_FIND(hh, conn->subs, &sid, sizeof sid, sub);
    if (sub)
        (void)sub_ref(sub);
    (void)pthread_mutex_unlock(&conn->subs_lock);
    return sub;
}

/* With subs_lock held: the table's share, if it still has one. */
static struct rill_sub *take_from_table(struct rill_conn *conn, struct rill_sub *sub)
{
    struct rill_sub *found;
    HASH_FIND(hh, conn->subs, &sub->sid, sizeof sub->sid, found);
    if (found)
        HASH_DEL(conn->subs, found);
    return found;
}

void conn_forget_sub(struct rill_conn *conn, struct rill_sub *sub)
{
    (void)pthread_mutex_lock(&conn->subs_lock);
    struct rill_sub *share = take_from_table(conn, sub);
    (void)pthread_mutex_unlock(&conn->subs_lock);
    sub_unref(share);
}

static void add_to_table(struct rill_conn *conn, struct rill_sub *sub)
{
    (void)pthread_mutex_lock(&conn->subs_lock);
    (void)sub_ref(sub);
    HASH_ADD(hh, conn->subs, sid, sizeof sub->sid, sub);
    sub->older = conn->newest;
    if (conn->newest)
        conn->newest->newer = sub;
    conn->newest = sub;
    (void)pthread_mutex_unlock(&conn->subs_lock);
}

/* With subs_lock held. */
static void leave_list(struct rill_conn *conn, struct rill_sub *sub)
{
    if (sub->newer)
        sub->newer->older = sub->older;
    else
        conn->newest = sub->older;
    if (sub->older)
        sub->older->newer = sub->newer;
    sub->older = sub->newer = NULL;
}

void conn_end_subs(struct rill_conn *conn)
{
    (void)pthread_mutex_lock(&conn->subs_lock);
    for (struct rill_sub *sub = conn->newest; sub; sub = sub->older)
        sub_end(sub);
    (void)pthread_mutex_unlock(&conn->subs_lock);
}

/* On its own thread: that has to end before the subscription can go, so it is joined at the very end. */
static bool is_own_thread(const struct rill_sub *sub)
{
    return sub->own.started && dispatcher_is_me(&sub->own);
}

/* Out of everything, with both locks held; the connection keeps hold of it as long as its own thread is in here. */
static struct rill_sub *take_out(struct rill_conn *conn, struct rill_sub *sub)
{
    sub->let_go = true;
    leave_list(conn, sub);
    if (is_own_thread(sub)) {
        sub->older = conn->retired;
        conn->retired = sub;
    }
    return take_from_table(conn, sub);
}

/* Lets go of that subscription, or of the newest when it is NULL. Returns it, and the table's share if there was one;
   NULL when somebody else has let go of it: then it is not to be touched. A callback may let go of its subscription
   while the connection is being destroyed, so this is one step. */
static struct rill_sub *let_go(struct rill_conn *conn, struct rill_sub *sub, struct rill_sub **ret_share)
{
    (void)pthread_mutex_lock(&conn->lock);
    (void)pthread_mutex_lock(&conn->subs_lock);
    struct rill_sub *mine = sub ? sub : conn->newest;
    if (mine && mine->let_go)
        mine = NULL;
    *ret_share = mine ? take_out(conn, mine) : NULL;
    (void)pthread_mutex_unlock(&conn->subs_lock);
    if (*ret_share)
        conn_send_unsub(conn, mine, 0);
    link_pump(&conn->link);
    (void)pthread_mutex_unlock(&conn->lock);
    return mine;
}

static void finish(struct rill_sub *sub, struct rill_sub *share)
{
    sub_unref(share);
    sub_close(sub);
    if (is_own_thread(sub))
        return;
    dispatcher_fini(&sub->own);
    sub_unref(sub);
}

void rill_unsubscribe(struct rill_sub *sub)
{
    struct rill_sub *share;
    if (sub && let_go(sub->conn, sub, &share))
        finish(sub, share);
}

static struct rill_sub *take_retired(struct rill_conn *conn)
{
    (void)pthread_mutex_lock(&conn->subs_lock);
    struct rill_sub *sub = conn->retired;
    if (sub)
        conn->retired = sub->older;
    (void)pthread_mutex_unlock(&conn->subs_lock);
    return sub;
}

void conn_free_subs(struct rill_conn *conn)
{
    struct rill_sub *sub, *share;
    while ((sub = let_go(conn, NULL, &share)))
        finish(sub, share);
    while ((sub = take_retired(conn))) {
        dispatcher_fini(&sub->own);
        sub_unref(sub);
    }
}

// ---- subscribing ----

static bool is_valid(const struct rill_subscribe *want)
{
    if (!want->subject || !rill_subject_is_valid(rill_bytes_from_cstr(want->subject)))
        return false;
    const struct rill_bytes queue = rill_bytes_from_cstr(want->queue);
    return !want->queue || (queue.len && strcspn(want->queue, " \t\r\n\f") == queue.len);
}

enum rill_err conn_subscribe_locked(struct rill_conn *conn, const struct rill_subscribe *want,
                                    const struct sub_hooks *hooks, struct rill_sub **ret)
{
    if (!is_valid(want))
        return RILL_ERR_INVALID;
    if (conn->session.state == SESSION_CLOSED)
        return RILL_ERR_CLOSED;
    struct rill_sub *sub;
    enum rill_err err = sub_create(conn, want, hooks, conn->last_sid + 1, &conn->dispatcher, &sub);
    if (err)
        return err;
    // Without a link it is sent with all others when there is one.
    if (conn->session.state == SESSION_UP) {
        err = append_sub(&conn->outbox.out, sub);
        if (!err && want->max_msgs)
            err = append_unsub(&conn->outbox.out, sub, want->max_msgs);
    }
    if (err) {
        sub->hooks = (struct sub_hooks){0};
        sub_unref(sub);
        return err;
    }
    conn->last_sid++;
    add_to_table(conn, sub);
    *ret = sub;
    return RILL_OK;
}

enum rill_err conn_subscribe(struct rill_conn *conn, const struct rill_subscribe *want,
                             const struct sub_hooks *hooks, struct rill_sub **ret)
{
    (void)pthread_mutex_lock(&conn->lock);
    const enum rill_err err = conn_subscribe_locked(conn, want, hooks, ret);
    link_pump(&conn->link);
    (void)pthread_mutex_unlock(&conn->lock);
    return err;
}

enum rill_err rill_subscribe_with(struct rill_conn *conn, const struct rill_subscribe *want,
                                  struct rill_sub **ret)
{
    return conn_subscribe(conn, want, NULL, ret);
}

enum rill_err rill_subscribe(struct rill_conn *conn, const char *subject, struct rill_sub **ret)
{
    return conn_subscribe(conn, &(struct rill_subscribe){.subject = subject}, NULL, ret);
}

enum rill_err rill_subscribe_callback(struct rill_conn *conn, const char *subject,
                                      rill_msg_callback *callback, void *context, struct rill_sub **ret)
{
    const struct rill_subscribe want = {.subject = subject, .callback = callback, .context = context};
    return callback ? conn_subscribe(conn, &want, NULL, ret) : RILL_ERR_INVALID;
}

enum rill_err rill_queue_subscribe(struct rill_conn *conn, const char *subject, const char *queue,
                                   rill_msg_callback *callback, void *context, struct rill_sub **ret)
{
    const struct rill_subscribe want = {
        .subject = subject, .queue = queue, .callback = callback, .context = context};
    return queue ? conn_subscribe(conn, &want, NULL, ret) : RILL_ERR_INVALID;
}

// ---- using a subscription ----

enum rill_err rill_next_msg(struct rill_sub *sub, int64_t timeout_ms, struct rill_msg **ret)
{
    if (sub->callback)
        return RILL_ERR_INVALID;
    return sub_next(sub, conn_deadline_ns(sub->conn, timeout_ms), ret);
}

enum rill_err rill_unsubscribe_after(struct rill_sub *sub, uint64_t max_msgs)
{
    struct rill_conn *conn = sub->conn;
    if (max_msgs == 0)
        return RILL_ERR_INVALID;
    uint64_t left = 0;
    (void)pthread_mutex_lock(&conn->lock);
    const enum rill_err err = conn->session.state == SESSION_CLOSED ? RILL_ERR_CLOSED : RILL_OK;
    const bool reached = !err && sub_limit(sub, max_msgs, &left);
    if (!err)
        conn_send_unsub(conn, sub, left);
    link_pump(&conn->link);
    (void)pthread_mutex_unlock(&conn->lock);
    if (reached)
        conn_forget_sub(conn, sub);
    return err;
}

enum rill_err rill_sub_drain(struct rill_sub *sub, int64_t timeout_ms)
{
    struct rill_conn *conn = sub->conn;
    const int64_t deadline_ns = conn_deadline_ns(conn, timeout_ms);
    (void)pthread_mutex_lock(&conn->lock);
    conn_send_unsub(conn, sub, 0);
    link_pump(&conn->link);
    (void)pthread_mutex_unlock(&conn->lock);
    const enum rill_err err = conn_flush(conn, deadline_ns);
    conn_forget_sub(conn, sub);
    sub_end(sub);
    const enum rill_err taken = sub_wait_empty(sub, deadline_ns);
    return err ? err : taken;
}

void rill_sub_stats(struct rill_sub *sub, struct rill_sub_stats *ret)
{
    (void)pthread_mutex_lock(&sub->lock);
    *ret = sub->stats;
    (void)pthread_mutex_unlock(&sub->lock);
}

const char *rill_sub_subject(const struct rill_sub *sub)
{
    return sub->subject;
}
