// SPDX-License-Identifier: Apache-2.0
//
// From bytes to commands. The bytes of a read are parsed where they lie. What is left at the end, an
// incomplete command or everything that a stalled or busy connection may not do yet, is copied to the
// connection's backlog; the next bytes go behind it until the first command is whole, and from there on
// parsing is in place again.
#include "base/assert.h"
#include "conn.h"
#include "core_state.h"

/* A publisher may cause so many deliveries before others get their turn. */
enum { TURN_DELIVERIES_MAX = 64 * 1024 };

static bool may_go_on(const struct conn *conn)
{
    return (conn->state == CONN_ACTIVE || conn->state == CONN_WAITING) && !conn->stalled_on &&
           conn->core->turn_deliveries < TURN_DELIVERIES_MAX;
}

static struct rill_parse_limits parse_limits(const struct conn *conn)
{
    const struct rill_limits *limits = &conn->core->limits;
    return (struct rill_parse_limits){
        .side = RILL_SIDE_BROKER,
        .control_line_bytes_max = limits->control_line_bytes_max,
        .payload_bytes_max = limits->payload_bytes_max,
    };
}

/* Before it has proved who it is a client may say CONNECT and nothing else. */
static bool must_connect_first(struct conn *conn, struct rill_bytes input)
{
    if (conn->state != CONN_WAITING || input.len == 0 || input.data[0] == 'C' || input.data[0] == 'c')
        return false;
    struct rill_core *core = conn->core;
    rill_log(&core->log, RILL_LOG_ERROR, "%s - authentication error", conn_label(conn));
    core->auth_errors++;
    conn_close(conn, "Authentication Failure", RILL_BYTES("-ERR 'Authorization Violation'\r\n"));
    return true;
}

/* Carries out commands from the front; returns how many bytes were used. Sets backlog_needed when it stopped
   because the next command is not whole. */
static size_t run_commands(struct conn *conn, struct rill_bytes input)
{
    const struct rill_parse_limits limits = parse_limits(conn);
    size_t used = 0;
    conn->backlog_needed = 0;
    while (used < input.len && may_go_on(conn)) {
        const struct rill_bytes rest = rill_bytes_of(input.data + used, input.len - used);
        if (must_connect_first(conn, rest))
            break;
        struct rill_command command;
        const enum rill_parse_status status = rill_parse(&limits, rest, &command);
        if (__builtin_expect(status == RILL_PARSE_DONE, 1)) {
            conn_command(conn, &command);
            used += command.bytes;
            if (__builtin_expect(conn->outq.bytes > conn->core->limits.pending_bytes_max, 0) &&
                conn->state != CONN_CLOSING)
                conn_close_slow(conn, RILL_BYTES("(answers)"));
        } else if (status == RILL_PARSE_MORE) {
            conn->backlog_needed = command.bytes_needed;
            break;
        } else {
            conn_parse_error(conn, status, rest);
            break;
        }
    }
    return used;
}

/* Keeps what could not be worked on. The peer chose its size, so memory may be refused: then the peer goes.
 */
static void keep(struct conn *conn, struct rill_bytes bytes)
{
    if (conn->state == CONN_CLOSING || bytes.len == 0)
        return;
    enum rill_err err = RILL_OK;
    if (conn->backlog_needed > conn->backlog.len)
        err = rill_buf_reserve(&conn->backlog, conn->backlog_needed - conn->backlog.len);
    if (!err)
        err = rill_buf_append(&conn->backlog, bytes);
    if (err)
        conn_abort(conn, "Out of Memory");
}

/* An empty backlog gives its memory back: most connections are idle most of the time. */
static void drop_used(struct conn *conn, size_t used)
{
    if (conn->state == CONN_CLOSING)
        return;
    rill_buf_drop(&conn->backlog, used);
    if (!conn->backlog.len)
        rill_buf_fini(&conn->backlog);
}

/* Moves the beginning of `input` behind the backlog until that holds one whole command; returns how much was
 * moved. */
static size_t complete_backlog(struct conn *conn, struct rill_bytes input)
{
    size_t moved = 0;
    while (moved < input.len && conn->backlog.len && may_go_on(conn)) {
        const struct rill_bytes rest = rill_bytes_from(input, moved);
        size_t missing =
            conn->backlog_needed > conn->backlog.len ? conn->backlog_needed - conn->backlog.len : 1;
        if (missing == 1) {
            // Inside a control line: its end is not known, but it cannot be behind the next line feed.
            const uint8_t *newline = memchr(rest.data, '\n', rest.len);
            missing = newline ? (size_t)(newline + 1 - rest.data) : rest.len;
            const size_t line_max = conn->core->limits.control_line_bytes_max + 64;
            missing = missing < line_max ? missing : line_max;
        }
        const size_t part = missing < rest.len ? missing : rest.len;
        keep(conn, rill_bytes_of(rest.data, part));
        moved += part;
        if (conn->state == CONN_CLOSING || conn->backlog.len < conn->backlog_needed)
            continue;
        drop_used(conn, run_commands(conn, rill_buf_bytes(&conn->backlog)));
    }
    return moved;
}

void rill_core_conn_bytes(struct rill_core *core, struct rill_conn *handle, struct rill_bytes bytes)
{
    struct conn *conn = (struct conn *)handle;
    if (conn->state == CONN_CLOSING)
        return;
    conn->last_activity_wall_ns = core->now.wall_ns;
    conn->pings_unanswered = 0; // who sends is alive, wherever in it the PONG stands
    core->turn_deliveries = 0;
    const size_t moved = complete_backlog(conn, bytes);
    struct rill_bytes rest = rill_bytes_from(bytes, moved);
    if (!conn->backlog.len)
        rest = rill_bytes_from(rest, run_commands(conn, rest));
    keep(conn, rest);
    if (conn->state == CONN_ACTIVE && !conn->stalled_on && core->turn_deliveries >= TURN_DELIVERIES_MAX)
        conn_resume_later(conn);
}

void conn_resume(struct conn *conn)
{
    struct rill_core *core = conn->core;
    RILL_ASSERT(!conn->resuming);
    core->turn_deliveries = 0;
    if (conn->backlog.len && may_go_on(conn)) {
        drop_used(conn, run_commands(conn, rill_buf_bytes(&conn->backlog)));
        if (conn->state == CONN_ACTIVE && !conn->stalled_on && core->turn_deliveries >= TURN_DELIVERIES_MAX)
            conn_resume_later(conn);
    }
    conn_touch(conn);
}
