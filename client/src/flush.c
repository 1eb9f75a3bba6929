// SPDX-License-Identifier: Apache-2.0
//
// Knowing that the server has read everything: a PING behind it, and its PONG.
#include "conn.h"

#include "base/alloc.h"

#include <stdlib.h>

/* With the lock held: waits until there is a link. */
static enum rill_err wait_up(struct rill_conn *conn, int64_t deadline_ns)
{
    while (conn->session.state != SESSION_UP) {
        if (conn->session.state == SESSION_CLOSED)
            return RILL_ERR_CLOSED;
        if (!conn_wait(conn, deadline_ns))
            return RILL_ERR_TIMEOUT;
    }
    return RILL_OK;
}

/* With the lock held: waits for the PONG of that number on that link. */
static enum rill_err wait_pong(struct rill_conn *conn, uint64_t link, uint64_t number, int64_t deadline_ns)
{
    while (conn->session.state == SESSION_UP && conn->links == link) {
        if (conn->pongs_got >= number)
            return RILL_OK;
        if (!conn_wait(conn, deadline_ns))
            return RILL_ERR_TIMEOUT;
    }
    return conn->session.state == SESSION_CLOSED ? RILL_ERR_CLOSED : RILL_ERR_DISCONNECTED;
}

enum rill_err conn_flush(struct rill_conn *conn, int64_t deadline_ns)
{
    (void)pthread_mutex_lock(&conn->lock);
    enum rill_err err = wait_up(conn, deadline_ns);
    if (!err)
        err = rill_buf_append(&conn->outbox.out, RILL_BYTES("PING\r\n"));
    if (!err) {
        const uint64_t number = ++conn->pings_sent;
        const uint64_t link = conn->links;
        link_pump(&conn->link);
        err = wait_pong(conn, link, number, deadline_ns);
    }
    (void)pthread_mutex_unlock(&conn->lock);
    return err;
}

enum rill_err rill_flush(struct rill_conn *conn, int64_t timeout_ms)
{
    return conn_flush(conn, conn_deadline_ns(conn, timeout_ms));
}

enum rill_err rill_rtt(struct rill_conn *conn, int64_t timeout_ms, int64_t *ret_ns)
{
    const int64_t begin_ns = wait_now_ns();
    const enum rill_err err = rill_flush(conn, timeout_ms);
    if (!err)
        *ret_ns = wait_now_ns() - begin_ns;
    return err;
}

/* All that the user has, with shares, but not the inbox: answers are still waited for. */
static struct rill_sub **take_subs(struct rill_conn *conn, size_t *ret_count)
{
    size_t count = 0;
    (void)pthread_mutex_lock(&conn->subs_lock);
    for (struct rill_sub *sub = conn->newest; sub; sub = sub->older)
        count++;
    struct rill_sub **subs = rill_alloc_zero(count + 1, sizeof *subs);
    count = 0;
    for (struct rill_sub *sub = conn->newest; sub; sub = sub->older)
        if (!sub->internal)
            subs[count++] = sub_ref(sub);
    (void)pthread_mutex_unlock(&conn->subs_lock);
    *ret_count = count;
    return subs;
}

static void take_back(struct rill_conn *conn, struct rill_sub **subs, size_t count)
{
    (void)pthread_mutex_lock(&conn->lock);
    for (size_t i = 0; i < count; i++)
        conn_send_unsub(conn, subs[i], 0);
    link_pump(&conn->link);
    (void)pthread_mutex_unlock(&conn->lock);
}

static enum rill_err drain_subs(struct rill_conn *conn, int64_t deadline_ns)
{
    size_t count;
    struct rill_sub **subs = take_subs(conn, &count);
    take_back(conn, subs, count);
    enum rill_err err = conn_flush(conn, deadline_ns);
    for (size_t i = 0; i < count; i++) {
        conn_forget_sub(conn, subs[i]);
        sub_end(subs[i]);
    }
    for (size_t i = 0; i < count; i++) {
        const enum rill_err waited = err ? err : sub_wait_empty(subs[i], deadline_ns);
        err = err ? err : waited;
        sub_unref(subs[i]);
    }
    free(subs);
    return err;
}

enum rill_err rill_drain(struct rill_conn *conn, int64_t timeout_ms)
{
    const int64_t deadline_ns = conn_deadline_ns(conn, timeout_ms);
    enum rill_err err = drain_subs(conn, deadline_ns);
    if (!err)
        err = conn_flush(conn, deadline_ns);
    rill_close(conn);
    return err;
}
