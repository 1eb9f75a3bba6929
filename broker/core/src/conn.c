// SPDX-License-Identifier: Apache-2.0
#include "conn.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "conn_connect.h"
#include "core_state.h"
#include "permissions.h"

#include <stdio.h>
#include <stdlib.h>
#include <utlist.h>

enum { FIRST_PING_MS = 2000 }; // so that the round trip is known early

// ---- life ----

static bool anonymous_may_connect(const struct rill_core *core)
{
    return !rill_auth_is_required(core->auth);
}

static struct conn *conn_create(struct rill_core *core, const struct rill_conn_origin *origin)
{
    struct conn *conn = rill_alloc_zero(1, sizeof *conn);
    conn->core = core;
    conn->id = ++core->conn_id_last;
    conn->kind = origin->kind;
    conn->port = origin->port;
    conn->address = rill_alloc_cstr(rill_bytes_from_cstr(origin->address));
    conn->link = origin->link;
    // As nats-server holds it until a CONNECT says otherwise.
    conn->verbose = conn->pedantic = conn->echo = true;
    conn->ping_due.kind = DEADLINE_CONN_PING;
    conn->write_due.kind = DEADLINE_CONN_WRITE;
    conn->stall_due.kind = DEADLINE_CONN_STALL;
    conn->start_mono_ns = core->now.mono_ns;
    conn->start_wall_ns = conn->last_activity_wall_ns = core->now.wall_ns;
    conn->account = &core->accounts[ACCOUNT_GLOBAL];
    rill_buf_init(&conn->backlog, SIZE_MAX / 2);
    DL_APPEND(core->conns, conn);
    core->conn_count++;
    core->conns_total++;
    conn->account->conn_count++;
    conn->account->conns_total++;
    return conn;
}

struct rill_conn *rill_core_conn_open(struct rill_core *core, const struct rill_conn_origin *origin)
{
    struct conn *conn = conn_create(core, origin);
    conn_send_info(conn, false);
    if (core->conn_count > core->limits.connections_max) {
        rill_log(&core->log, RILL_LOG_ERROR, "%s - maximum connections exceeded", conn_label(conn));
        conn_close(conn, "Maximum Connections Exceeded",
                   RILL_BYTES("-ERR 'maximum connections exceeded'\r\n"));
        return (struct rill_conn *)conn;
    }
    if (anonymous_may_connect(core)) {
        conn_admit(conn, &core->accounts[ACCOUNT_GLOBAL],
                   conn_find_user(core->auth, core->auth->no_auth_user));
    } else {
        conn->state = CONN_WAITING;
        rill_deadline_set(&core->deadlines, &conn->ping_due, core->now.mono_ns + core->auth->timeout_ns);
    }
    rill_log(&core->log, RILL_LOG_DEBUG, "%s - Client connection created", conn_label(conn));
    return (struct rill_conn *)conn;
}

static void switch_account(struct conn *conn, struct account *account)
{
    if (conn->account == account)
        return;
    while (conn->subs)
        conn_end_sub(conn, conn->subs);
    conn->account->conn_count--;
    conn->account = account;
    account->conn_count++;
    account->conns_total++;
}

/* Gives up the memory of what was published last: the match belongs to the account. */
static void forget_last_subject(struct conn *conn)
{
    interest_memo_clear(conn->account->interest, &conn->last);
}

void conn_admit(struct conn *conn, struct account *account, const struct rill_auth_user *user)
{
    struct rill_core *core = conn->core;
    RILL_ASSERT(conn->state != CONN_CLOSING);
    forget_last_subject(conn);
    switch_account(conn, account);
    conn->user = user;
    reply_grants_destroy(conn->grants);
    conn->grants = reply_grants_create(user ? user->permissions : NULL);
    conn->state = CONN_ACTIVE;
    conn_recheck_subs(conn);
    int64_t first_ping_ns =
        FIRST_PING_MS * RILL_NS_PER_MS + rill_random_below(&core->random, 500) * RILL_NS_PER_MS;
    if (first_ping_ns > core->limits.ping_interval_ns)
        first_ping_ns = core->limits.ping_interval_ns;
    rill_deadline_set(&core->deadlines, &conn->ping_due, core->now.mono_ns + first_ping_ns);
}

/* What every closing has in common, however it came: the connection is no longer part of any traffic. */
static void leave_traffic(struct conn *conn, const char *reason)
{
    struct rill_core *core = conn->core;
    conn->state = CONN_CLOSING;
    conn->close_reason = reason;
    conn->subs_at_close = conn->sub_count;
    conn->user_at_close = conn->user ? rill_alloc_cstr(rill_bytes_from_cstr(conn->user->name)) : NULL;
    conn->user = NULL;
    forget_last_subject(conn);
    conn_leave_verify_line(conn);
    while (conn->subs)
        conn_end_sub(conn, conn->subs);
    rill_deadline_cancel(&core->deadlines, &conn->ping_due);
    rill_deadline_cancel(&core->deadlines, &conn->stall_due);
    conn_release_waiters(conn);
    if (conn->stalled_on) {
        DL_DELETE2(conn->stalled_on->waiters, conn, stalled_prev, stalled_next);
        conn->stalled_on = NULL;
    }
}

void conn_close(struct conn *conn, const char *reason, struct rill_bytes error_line)
{
    if (conn->state == CONN_CLOSING)
        return;
    outq_append(&conn->outq, &conn->core->outq_pool, error_line);
    leave_traffic(conn, reason);
    rill_deadline_set(&conn->core->deadlines, &conn->write_due,
                      conn->core->now.mono_ns + conn->core->limits.write_deadline_ns);
    conn_touch(conn);
}

void conn_abort(struct conn *conn, const char *reason)
{
    if (conn->state != CONN_CLOSING)
        leave_traffic(conn, reason);
    outq_clear(&conn->outq, &conn->core->outq_pool);
    rill_deadline_cancel(&conn->core->deadlines, &conn->write_due);
    conn_touch(conn);
}

/* The strings move to the list of closed connections. */
static void remember_closed(struct rill_core *core, struct conn *conn)
{
    const struct closed_conn closed = {
        .id = conn->id,
        .kind = conn->kind,
        .port = conn->port,
        .address = conn->address,
        .name = conn->name,
        .lang = conn->lang,
        .version = conn->version,
        .user = conn->user_at_close,
        .account = conn->account->name,
        .reason = conn->close_reason,
        .start_wall_ns = conn->start_wall_ns,
        .stop_wall_ns = core->now.wall_ns,
        .last_activity_wall_ns = conn->last_activity_wall_ns,
        .rtt_ns = conn->rtt_ns,
        .in_msgs = conn->in_msgs,
        .in_bytes = conn->in_bytes,
        .out_msgs = conn->out_msgs,
        .out_bytes = conn->out_bytes,
        .sub_count = conn->subs_at_close,
    };
    closed_conns_add(&core->closed, &closed);
}

void rill_core_conn_closed(struct rill_core *core, struct rill_conn *handle, const char *reason)
{
    struct conn *conn = (struct conn *)handle;
    if (conn->state != CONN_CLOSING)
        leave_traffic(conn, reason);
    rill_log(&core->log, RILL_LOG_DEBUG, "%s - Client connection closed: %s", conn_label(conn),
             conn->close_reason);
    if (conn->touched)
        DL_DELETE2(core->touched, conn, touched_prev, touched_next);
    if (conn->resuming)
        DL_DELETE2(core->resuming, conn, resume_prev, resume_next);
    rill_deadline_cancel(&core->deadlines, &conn->write_due);
    outq_clear(&conn->outq, &core->outq_pool);
    rill_buf_fini(&conn->backlog);
    conn->account->in_msgs += conn->in_msgs;
    conn->account->in_bytes += conn->in_bytes;
    conn->account->out_msgs += conn->out_msgs;
    conn->account->out_bytes += conn->out_bytes;
    conn->account->conn_count--;
    core->conn_count--;
    DL_DELETE(core->conns, conn);
    remember_closed(core, conn);
    reply_grants_destroy(conn->grants);
    free(conn);
}

// ---- what the shell asks ----

bool rill_conn_wants_input(const struct rill_conn *handle)
{
    const struct conn *conn = (const struct conn *)handle;
    return conn->state != CONN_CLOSING && conn->state != CONN_VERIFYING && !conn->stalled_on &&
           !conn->resuming;
}

bool rill_conn_is_closing(const struct rill_conn *handle)
{
    return ((const struct conn *)handle)->state == CONN_CLOSING;
}

void *rill_conn_link(const struct rill_conn *handle)
{
    return ((const struct conn *)handle)->link;
}

uint64_t rill_conn_id(const struct rill_conn *handle)
{
    return ((const struct conn *)handle)->id;
}

const char *conn_label(const struct conn *conn)
{
    static _Thread_local char label[96];
    (void)snprintf(label, sizeof label, "%s:%u - cid:%llu", conn->address, (unsigned)conn->port,
                   (unsigned long long)conn->id);
    return label;
}
