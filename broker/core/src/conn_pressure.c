// SPDX-License-Identifier: Apache-2.0
//
// Patience with a connection: its pings, its reading, and how long publishers wait for it.
#include "conn.h"

#include "base/assert.h"
#include "core_state.h"

#include <utlist.h>

enum {
    PATIENCE_MS = 100,  // so long publishers wait for one receiver, together and not each
    PATIENCE_PARTS = 16 // and anew when it has read such a part of its limit
};

// ---- deadlines ----

/* The time for its credentials is over, or it is time for a PING. */
void conn_ping_due(struct conn *conn)
{
    struct rill_core *core = conn->core;
    if (conn->state == CONN_WAITING || conn->state == CONN_VERIFYING) {
        rill_log(&core->log, RILL_LOG_ERROR, "%s - authentication timeout", conn_label(conn));
        core->auth_errors++;
        conn_close(conn, "Authentication Timeout", RILL_BYTES("-ERR 'Authentication Timeout'\r\n"));
        return;
    }
    if (conn->pings_unanswered >= core->limits.ping_max) {
        rill_log(&core->log, RILL_LOG_DEBUG, "%s - Stale Client Connection - Closing", conn_label(conn));
        core->stale_conns++;
        conn_close(conn, "Stale Connection", RILL_BYTES("-ERR 'Stale Connection'\r\n"));
        return;
    }
    conn->pings_unanswered++;
    conn->ping_sent_mono_ns = core->now.mono_ns;
    conn_send(conn, RILL_BYTES("PING\r\n"));
    rill_deadline_set(&core->deadlines, &conn->ping_due, core->now.mono_ns + core->limits.ping_interval_ns);
}

void conn_write_due(struct conn *conn)
{
    struct rill_core *core = conn->core;
    if (conn->state != CONN_CLOSING) {
        rill_log(&core->log, RILL_LOG_INFO,
                 "%s - Slow Consumer Detected: WriteDeadline exceeded with %zu bytes waiting",
                 conn_label(conn), conn->outq.bytes);
        core->slow_consumers++;
        conn->account->slow_consumers++;
    }
    conn_abort(conn, "Slow Consumer (Write Deadline)");
}

// ---- back-pressure ----

void conn_close_slow(struct conn *conn, struct rill_bytes what)
{
    struct rill_core *core = conn->core;
    rill_log(&core->log, RILL_LOG_INFO,
             "%s - Slow Consumer Detected: MaxPending of %zu Exceeded, subject \"" RILL_PRI "\"",
             conn_label(conn), core->limits.pending_bytes_max, RILL_ARG(what));
    core->slow_consumers++;
    conn->account->slow_consumers++;
    conn_abort(conn, "Slow Consumer (Pending Bytes)");
}

bool conn_deserves_patience(const struct conn *receiver)
{
    return !receiver->patience_until_ns || receiver->core->now.mono_ns < receiver->patience_until_ns;
}

void conn_earn_patience(struct conn *receiver, size_t bytes_taken)
{
    if (!receiver->patience_until_ns)
        return;
    receiver->patience_bytes_taken += bytes_taken;
    if (receiver->patience_bytes_taken >= receiver->core->limits.pending_bytes_max / PATIENCE_PARTS)
        receiver->patience_until_ns = 0;
}

void conn_stall(struct conn *publisher, struct conn *receiver)
{
    struct rill_core *core = publisher->core;
    if (publisher->stalled_on || publisher->state == CONN_CLOSING)
        return;
    publisher->stalled_on = receiver;
    publisher->stalls++;
    core->stalled_publishers++;
    DL_APPEND2(receiver->waiters, publisher, stalled_prev, stalled_next);
    if (!receiver->patience_until_ns) {
        receiver->patience_until_ns = core->now.mono_ns + PATIENCE_MS * RILL_NS_PER_MS;
        receiver->patience_bytes_taken = 0;
    }
    rill_deadline_set(&core->deadlines, &publisher->stall_due, receiver->patience_until_ns);
    conn_touch(publisher);
}

static void end_stall(struct conn *publisher)
{
    DL_DELETE2(publisher->stalled_on->waiters, publisher, stalled_prev, stalled_next);
    publisher->stalled_on = NULL;
    rill_deadline_cancel(&publisher->core->deadlines, &publisher->stall_due);
    conn_resume_later(publisher);
}

void conn_release_waiters(struct conn *receiver)
{
    while (receiver->waiters)
        end_stall(receiver->waiters);
}

void conn_stall_due(struct conn *conn)
{
    RILL_ASSERT(conn->stalled_on);
    conn_release_waiters(conn->stalled_on);
}

void conn_resume_later(struct conn *conn)
{
    struct rill_core *core = conn->core;
    if (conn->resuming || conn->state == CONN_CLOSING)
        return;
    conn->resuming = true;
    DL_APPEND2(core->resuming, conn, resume_prev, resume_next);
    conn_touch(conn);
}
