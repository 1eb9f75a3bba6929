// SPDX-License-Identifier: Apache-2.0
#include "js.h"

#include "proto/ack_subject.h"

#include <inttypes.h>
#include <stdio.h>

static struct rill_text text_of(struct rill_bytes bytes)
{
    return (struct rill_text){(const char *)bytes.data, bytes.len};
}

enum rill_err rill_msg_meta(const struct rill_msg *msg, struct rill_msg_meta *ret)
{
    struct rill_ack_subject ack;
    if (!rill_ack_subject_parse(msg_reply(msg), &ack))
        return RILL_ERR_INVALID;
    *ret = (struct rill_msg_meta){.stream = text_of(ack.stream),
                                  .consumer = text_of(ack.consumer),
                                  .stream_seq = ack.stream_seq,
                                  .consumer_seq = ack.consumer_seq,
                                  .delivered = ack.delivered,
                                  .pending = ack.pending,
                                  .time_ns = ack.timestamp_ns};
    return RILL_OK;
}

/* The right to acknowledge for good, which a message gives once. */
static enum rill_err take_right(struct rill_msg *msg)
{
    if (!rill_bytes_has_prefix(msg_reply(msg), RILL_BYTES("$JS.ACK.")))
        return RILL_ERR_INVALID;
    return atomic_exchange(&msg->acked, true) ? RILL_ERR_EXISTS : RILL_OK;
}

/* What could not be sent may be tried again. */
static enum rill_err send(struct rill_conn *conn, struct rill_msg *msg, const char *body)
{
    enum rill_err err = take_right(msg);
    if (err)
        return err;
    err = rill_respond(conn, msg, body, strlen(body));
    if (err)
        atomic_store(&msg->acked, false);
    return err;
}

enum rill_err rill_ack(struct rill_conn *conn, struct rill_msg *msg)
{
    return send(conn, msg, "+ACK");
}

enum rill_err rill_ack_sync(struct rill_conn *conn, struct rill_msg *msg, int64_t timeout_ms)
{
    struct rill_msg *reply = NULL;
    enum rill_err err = take_right(msg);
    if (err)
        return err;
    err = rill_request(conn, rill_msg_reply(msg), "+ACK", 4, timeout_ms, &reply);
    rill_msg_unref(reply);
    if (err)
        atomic_store(&msg->acked, false);
    return err;
}

enum rill_err rill_nak(struct rill_conn *conn, struct rill_msg *msg, int64_t delay_ms)
{
    char body[64] = "-NAK";
    if (delay_ms < 0 || delay_ms > INT64_MAX / RILL_NS_PER_MS)
        return RILL_ERR_INVALID;
    if (delay_ms)
        (void)snprintf(body, sizeof body, "-NAK {\"delay\":%" PRId64 "}", delay_ms * RILL_NS_PER_MS);
    return send(conn, msg, body);
}

enum rill_err rill_in_progress(struct rill_conn *conn, struct rill_msg *msg)
{
    if (!rill_bytes_has_prefix(msg_reply(msg), RILL_BYTES("$JS.ACK.")))
        return RILL_ERR_INVALID;
    return atomic_load(&msg->acked) ? RILL_ERR_EXISTS : rill_respond(conn, msg, "+WPI", 4);
}

enum rill_err rill_term(struct rill_conn *conn, struct rill_msg *msg, const char *reason)
{
    char body[512];
    if (reason && strlen(reason) > sizeof body - 8)
        return RILL_ERR_LIMIT;
    (void)snprintf(body, sizeof body, "+TERM%s%s", reason ? " " : "", reason ? reason : "");
    return send(conn, msg, body);
}
