// SPDX-License-Identifier: Apache-2.0
//
// Requests and the links that break under them: which of them the output still has, and when those that the
// server has to be sent again go out. All with the connection's lock held, but where it says otherwise.
#include "conn.h"

enum {
    SETTLE_MS = 5000, // so long a server that has just started may be reading its streams
    RETRY_MS = 100,   // and is asked so often meanwhile
};

/* The command of a request that is still in the output. */
static void note_kept(void *context, struct rill_bytes reply)
{
    struct rill_conn *conn = context;
    uint64_t token;
    if (conn_request_token(conn, reply, &token))
        requests_keep(&conn->requests, token);
}

void conn_lose_output(struct rill_conn *conn)
{
    conn->unsent_msgs +=
        outbox_lost(&conn->outbox, conn->options.reconnect_buffer_bytes_max, note_kept, conn);
    requests_link_lost(&conn->requests);
}

/* What has no room now is tried again, as is what nobody listened to. */
static void send_owed(struct rill_conn *conn, struct rill_buf *out)
{
    const bool all = requests_send_owed(&conn->requests, out);
    conn->owed_ns = all ? RILL_NEVER_NS : wait_deadline_ns(RETRY_MS, 0);
}

void conn_resume_requests(struct rill_conn *conn)
{
    if (conn->links > 1)
        conn->settled_ns = wait_deadline_ns(SETTLE_MS, 0);
    send_owed(conn, &conn->outbox.front);
}

void conn_retry_requests(struct rill_conn *conn, int64_t now_ns)
{
    if (conn->owed_ns > now_ns)
        return;
    if (conn->session.state == SESSION_UP)
        send_owed(conn, &conn->outbox.out);
    else
        conn->owed_ns = RILL_NEVER_NS; // the next link sees to it
}

/* Without the lock. */
void conn_retry_later(struct rill_conn *conn)
{
    (void)pthread_mutex_lock(&conn->lock);
    if (conn->owed_ns == RILL_NEVER_NS) {
        conn->owed_ns = wait_deadline_ns(RETRY_MS, 0);
        conn_rearm(conn);
        link_pump(&conn->link);
    }
    (void)pthread_mutex_unlock(&conn->lock);
}

bool conn_is_shaken(const struct rill_conn *conn)
{
    return conn->session.state != SESSION_UP || (conn->settled_ns && wait_now_ns() < conn->settled_ns);
}
