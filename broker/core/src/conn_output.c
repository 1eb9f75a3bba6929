// SPDX-License-Identifier: Apache-2.0
//
// What a connection says, and how the shell takes it.
#include "conn.h"

#include "base/assert.h"
#include "core_state.h"
#include "jetstream.h"
#include "proto/info.h"
#include "trace.h"

#include <stdarg.h>
#include <stdio.h>
#include <utlist.h>

enum { ERROR_TEXT_MAX = 4096 }; // of one -ERR line

void conn_touch(struct conn *conn)
{
    struct rill_core *core = conn->core;
    if (conn->touched)
        return;
    conn->touched = true;
    DL_APPEND2(core->touched, conn, touched_prev, touched_next);
}

struct rill_conn *rill_core_take_touched(struct rill_core *core)
{
    struct conn *conn = core->touched;
    if (!conn)
        return NULL;
    DL_DELETE2(core->touched, conn, touched_prev, touched_next);
    conn->touched = false;
    return (struct rill_conn *)conn;
}

void conn_send(struct conn *conn, struct rill_bytes bytes)
{
    if (conn->state == CONN_CLOSING)
        return;
    if (conn_is_traced(conn))
        trace_line(conn, bytes);
    outq_append(&conn->outq, &conn->core->outq_pool, bytes);
    conn_touch(conn);
}

void conn_send_error(struct conn *conn, const char *format, ...)
{
    char text[ERROR_TEXT_MAX];
    char line[ERROR_TEXT_MAX + sizeof "-ERR ''\r\n"];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    const int len = snprintf(line, sizeof line, "-ERR '%s'\r\n", text);
    conn_send(conn, rill_bytes_of(line, (size_t)len));
}

void conn_send_ok(struct conn *conn)
{
    if (conn->verbose)
        conn_send(conn, RILL_BYTES("+OK\r\n"));
}

void conn_send_info(struct conn *conn, bool connect_info)
{
    const struct rill_core *core = conn->core;
    Rill__ServerInfo info = RILL__SERVER_INFO__INIT;
    info.server_id = core->server_id;
    info.server_name = core->server_name;
    info.version = (char *)RILL_NATS_LEVEL;
    info.proto = 1;
    info.go = (char *)"";
    info.host = core->host;
    info.port = core->port;
    info.headers = !core->headers_disabled;
    info.auth_required = info.has_auth_required = rill_auth_is_required(core->auth);
    info.max_payload = (int64_t)core->limits.payload_bytes_max;
    info.jetstream = info.has_jetstream = core->jetstream != NULL;
    if (core->jetstream)
        info.domain = (char *)jetstream_domain(core->jetstream);
    info.has_client_id = true;
    info.client_id = conn->id;
    info.client_ip = conn->address;
    info.ldm = info.has_ldm = core->lame_duck;
    if (connect_info) {
        info.connect_info = info.has_connect_info = true;
        info.remote_account = (char *)conn->account->name;
        info.acc_is_sys = info.has_acc_is_sys = conn->account == &core->accounts[ACCOUNT_SYSTEM];
    }
    struct rill_buf line;
    rill_buf_init(&line, RILL_INFO_BYTES_MAX);
    const enum rill_err err = rill_info_append(&info, &line);
    RILL_ASSERT(!err && "INFO is small");
    conn_send(conn, rill_buf_bytes(&line));
    rill_buf_fini(&line);
}

size_t rill_conn_output(const struct rill_conn *handle, struct iovec *ret_iov, size_t iov_max)
{
    return outq_iov(&((const struct conn *)handle)->outq, ret_iov, iov_max);
}

void rill_core_conn_written(struct rill_core *core, struct rill_conn *handle, size_t bytes)
{
    struct conn *conn = (struct conn *)handle;
    outq_sent(&conn->outq, &core->outq_pool, bytes);
    if (!conn->outq.bytes)
        rill_deadline_cancel(&core->deadlines, &conn->write_due);
    else if ((bytes && conn->state != CONN_CLOSING) || !rill_deadline_armed(&conn->write_due))
        rill_deadline_set(&core->deadlines, &conn->write_due,
                          core->now.mono_ns + core->limits.write_deadline_ns);
    conn_earn_patience(conn, bytes);
    if (conn->waiters && conn->outq.bytes <= core->limits.pending_bytes_max / 4 * 3)
        conn_release_waiters(conn);
}
