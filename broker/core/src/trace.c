// SPDX-License-Identifier: Apache-2.0
#include "trace.h"

/* A log line holds no more than about this. */
enum { TRACED_MAX = 800 };

static struct rill_bytes cut(struct rill_bytes bytes, size_t max)
{
    return rill_bytes_of(bytes.data, bytes.len < max ? bytes.len : max);
}

static struct rill_bytes without_line_end(struct rill_bytes line)
{
    while (line.len && (line.data[line.len - 1] == '\n' || line.data[line.len - 1] == '\r'))
        line.len--;
    return cut(line, TRACED_MAX);
}

static void trace_payload(const struct conn *conn, const char *arrow, struct rill_bytes payload)
{
    const size_t configured = conn->core->traced_bytes_max;
    const struct rill_bytes shown =
        cut(payload, configured && configured < TRACED_MAX ? configured : TRACED_MAX);
    rill_log(&conn->core->log, RILL_LOG_TRACE, "%s - %s MSG_PAYLOAD: [\"" RILL_PRI "\"]%s", conn_label(conn),
             arrow, RILL_ARG(shown), shown.len < payload.len ? "..." : "");
}

static void trace_publish(const struct conn *conn, const struct rill_command *command)
{
    const struct rill_bytes blank = command->reply.len ? RILL_BYTES(" ") : RILL_BYTES("");
    rill_log(&conn->core->log, RILL_LOG_TRACE, "%s - <<- [%s " RILL_PRI RILL_PRI RILL_PRI " %zu]",
             conn_label(conn), command->op == RILL_OP_HPUB ? "HPUB" : "PUB",
             RILL_ARG(cut(command->subject, TRACED_MAX / 2)), RILL_ARG(blank),
             RILL_ARG(cut(command->reply, TRACED_MAX / 2)), command->headers.len + command->payload.len);
    trace_payload(conn, "<<-", command->payload);
}

void trace_command(const struct conn *conn, const struct rill_command *command)
{
    const struct rill_log_sink *log = &conn->core->log;
    const char *label = conn_label(conn);
    switch (command->op) {
    case RILL_OP_PUB:
    case RILL_OP_HPUB:
        trace_publish(conn, command);
        return;
    case RILL_OP_SUB:
        rill_log(log, RILL_LOG_TRACE, "%s - <<- [SUB " RILL_PRI " " RILL_PRI " " RILL_PRI "]", label,
                 RILL_ARG(cut(command->subject, TRACED_MAX / 2)),
                 RILL_ARG(cut(command->queue, TRACED_MAX / 4)), RILL_ARG(cut(command->sid, TRACED_MAX / 4)));
        return;
    case RILL_OP_UNSUB:
        rill_log(log, RILL_LOG_TRACE, "%s - <<- [UNSUB " RILL_PRI " %llu]", label,
                 RILL_ARG(cut(command->sid, TRACED_MAX)), (unsigned long long)command->max);
        return;
    case RILL_OP_CONNECT:
        rill_log(log, RILL_LOG_TRACE, "%s - <<- [CONNECT, %zu bytes]", label, command->args.len);
        return;
    case RILL_OP_PING:
        rill_log(log, RILL_LOG_TRACE, "%s - <<- [PING]", label);
        return;
    case RILL_OP_PONG:
        rill_log(log, RILL_LOG_TRACE, "%s - <<- [PONG]", label);
        return;
    default:
        return; // what a client need not say
    }
}

void trace_line(const struct conn *conn, struct rill_bytes line)
{
    const struct rill_bytes shown = without_line_end(line);
    rill_log(&conn->core->log, RILL_LOG_TRACE, "%s - ->> [" RILL_PRI "]", conn_label(conn), RILL_ARG(shown));
}

void trace_delivery(const struct conn *conn, const struct message *message, struct rill_bytes sid)
{
    const struct rill_bytes blank = message->reply.len ? RILL_BYTES(" ") : RILL_BYTES("");
    rill_log(&conn->core->log, RILL_LOG_TRACE,
             "%s - ->> [MSG " RILL_PRI " " RILL_PRI RILL_PRI RILL_PRI " %zu]", conn_label(conn),
             RILL_ARG(cut(message->subject, TRACED_MAX / 2)), RILL_ARG(cut(sid, TRACED_MAX / 8)),
             RILL_ARG(blank), RILL_ARG(cut(message->reply, TRACED_MAX / 4)),
             message->headers.len + message->payload.len);
    trace_payload(conn, "->>", message->payload);
}
