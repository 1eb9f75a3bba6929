// SPDX-License-Identifier: Apache-2.0
//
// Between the pure session and the world: the link's events go in, the session's effects are done, in the
// order that session.h gives. All with the connection's lock held.
#include "conn.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "error.h"

#include <stdio.h>
#include <stdlib.h>

// ---- telling ----

struct told {
    struct task task; // first
    struct rill_conn *conn;
    struct rill_event event;
    char server[URL_DIAL_BYTES];
};

static void tell_now(struct task *task)
{
    struct told *told = (struct told *)task;
    const struct rill_options *options = &told->conn->options;
    struct rill_sub *sub = told->event.sub;
    if (!sub || !atomic_load(&sub->closed))
        options->on_event(told->conn, &told->event, options->event_context);
    sub_unref(sub);
    free(told);
}

void conn_tell(struct rill_conn *conn, enum rill_event_kind kind, const struct rill_error *error,
               struct rill_sub *sub)
{
    if (!conn->options.on_event)
        return;
    struct told *told = rill_alloc_zero(1, sizeof *told);
    told->task.run = tell_now;
    told->conn = conn;
    told->event = (struct rill_event){.kind = kind, .server = told->server, .sub = sub};
    if (error)
        told->event.error = *error;
    if (sub)
        (void)sub_ref(sub);
    const char *server = servers_current(&conn->session.servers)->url.dial;
    (void)snprintf(told->server, sizeof told->server, "%s", server);
    dispatcher_submit(&conn->dispatcher, &told->task);
}

void conn_announce(struct rill_conn *conn)
{
    if (conn->waiters)
        (void)pthread_cond_broadcast(&conn->changed);
}

void conn_rearm(struct rill_conn *conn)
{
    const int64_t requests_ns = requests_next_ns(&conn->requests);
    int64_t next_ns = conn->session.deadline_ns;
    if (requests_ns < next_ns)
        next_ns = requests_ns;
    if (conn->owed_ns < next_ns)
        next_ns = conn->owed_ns;
    link_set_deadline(&conn->link, next_ns);
}

// ---- effects ----

static void greet(struct rill_conn *conn)
{
    struct rill_error_text why;
    const enum rill_err err = handshake_append(&conn->options, servers_current(&conn->session.servers),
                                               conn->info, &conn->outbox.front, &why);
    if (err)
        conn_fail(conn, err, why.text);
}

static void resume(struct rill_conn *conn)
{
    conn->links++;
    conn->pings_sent = conn->pongs_got = 0;
    if (conn->links > 1)
        conn->reconnects++;
    conn_renew_subs(conn);
    conn_resume_requests(conn);
    outbox_release(&conn->outbox);
    conn_tell_link_up(conn);
}

/* nng has let go of the old output: what can be kept of it is kept. */
static void on_gone(void *owner)
{
    struct rill_conn *conn = owner;
    if (conn->session.state == SESSION_CLOSED)
        conn->unsent_msgs += outbox_drop(&conn->outbox);
    else
        conn_lose_output(conn);
    conn_announce(conn);
}

static void hang_up(struct rill_conn *conn)
{
    outbox_hold(&conn->outbox);
    link_hang_up(&conn->link);
    if (!conn->link.stream)
        on_gone(conn);
}

static void closed(struct rill_conn *conn, bool was_up)
{
    if (!conn->link.stream)
        on_gone(conn);
    const struct rill_error none = {.err = RILL_OK};
    const struct rill_error *why = conn->session.why ? &conn->why : &none;
    if (was_up)
        conn_tell(conn, RILL_EVENT_DISCONNECTED, why, NULL);
    conn_tell(conn, RILL_EVENT_CLOSED, why, NULL);
    conn_end_subs(conn);
    requests_close(&conn->requests);
}

static void publish_news(struct rill_conn *conn, struct session_effects effects)
{
    switch (effects.news) {
    case SESSION_NEWS_NONE:
        return;
    case SESSION_NEWS_CONNECTED:
        conn_tell(conn, RILL_EVENT_CONNECTED, NULL, NULL);
        break;
    case SESSION_NEWS_RECONNECTED:
        conn_tell(conn, RILL_EVENT_RECONNECTED, NULL, NULL);
        break;
    case SESSION_NEWS_DISCONNECTED:
        conn_tell(conn, RILL_EVENT_DISCONNECTED, &conn->why, NULL);
        break;
    case SESSION_NEWS_CLOSED:
        closed(conn, effects.was_up);
        break;
    }
}

static void apply(struct rill_conn *conn, struct session_effects effects)
{
    if (effects.hang_up)
        hang_up(conn);
    if (effects.dial)
        link_dial(&conn->link, servers_current(&conn->session.servers)->url.dial);
    if (effects.greet)
        greet(conn);
    if (effects.resume)
        resume(conn);
    if (effects.ping && rill_buf_append(&conn->outbox.out, RILL_BYTES("PING\r\n")) == RILL_OK)
        conn->pings_sent++;
    publish_news(conn, effects);
    if (effects.hang_up || effects.resume || effects.news)
        conn_announce(conn);
    conn_rearm(conn);
}

// ---- events ----

void conn_event(struct rill_conn *conn, enum conn_input input)
{
    struct session *session = &conn->session;
    const int64_t now_ns = wait_now_ns();
    switch (input) {
    case CONN_OPEN:
        apply(conn, session_open(session, now_ns));
        return;
    case CONN_INFO:
        apply(conn, session_info(session, now_ns));
        return;
    case CONN_PONG:
        apply(conn, session_pong(session, now_ns));
        return;
    case CONN_TICK:
        apply(conn, session_tick(session, now_ns));
        return;
    case CONN_CLOSE:
        apply(conn, session_close(session));
        return;
    }
    RILL_UNREACHABLE();
}

void conn_fail(struct rill_conn *conn, enum rill_err err, const char *text)
{
    if (!session_has_link(&conn->session))
        return;
    const char *server = servers_current(&conn->session.servers)->url.dial;
    (void)error_set(&conn->why, err, "%s %s: %s", conn->session.state == SESSION_UP ? "lost" : "connect to",
                    server, text);
    apply(conn, session_failed(&conn->session, err, wait_now_ns()));
}

static void on_dialed(void *owner)
{
    struct rill_conn *conn = owner;
    inlet_reset(&conn->inlet);
    apply(conn, session_dialed(&conn->session, wait_now_ns()));
}

static void on_failed(void *owner, enum rill_err err, const char *text)
{
    conn_fail(owner, err, text);
}

static struct rill_bytes output(void *owner)
{
    struct rill_conn *conn = owner;
    return outbox_take(&conn->outbox);
}

static void on_sent(void *owner, size_t bytes)
{
    struct rill_conn *conn = owner;
    outbox_sent(&conn->outbox, bytes);
    conn_announce(conn);
}

static void on_tick(void *owner)
{
    struct rill_conn *conn = owner;
    const int64_t now_ns = wait_now_ns();
    if (session_has_link(&conn->session) && now_ns >= conn->session.deadline_ns)
        (void)error_set(&conn->why, RILL_ERR_TIMEOUT, "%s: no answer in time",
                        servers_current(&conn->session.servers)->url.dial);
    conn_event(conn, CONN_TICK);
    conn_retry_requests(conn, now_ns);
    // Whoever is told may want to publish.
    (void)pthread_mutex_unlock(&conn->lock);
    requests_expire(&conn->requests, now_ns);
    (void)pthread_mutex_lock(&conn->lock);
    conn_rearm(conn);
}

const struct link_owner conn_link_owner = {
    .dialed = on_dialed,
    .failed = on_failed,
    .gone = on_gone,
    .output = output,
    .sent = on_sent,
    .tick = on_tick,
    .room = conn_room,
    .received = conn_received,
};
