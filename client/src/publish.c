// SPDX-License-Identifier: Apache-2.0
#include "conn.h"

#include "proto/headers.h"
#include "proto/subject.h"
#include "proto/writer.h"

enum { HEADERS_BYTES_MAX = 64 * 1024 - 1, CONTROL_BYTES = 64 };

static enum rill_err append_headers(struct rill_buf *block, const struct rill_header *headers, size_t count)
{
    enum rill_err err = rill_headers_begin(block, RILL_BYTES(""));
    for (size_t i = 0; i < count && !err; i++)
        err = rill_headers_add(block, rill_bytes_from_cstr(headers[i].name),
                               rill_bytes_from_cstr(headers[i].value));
    return err ? err : rill_headers_end(block);
}

static enum rill_err check_size(struct rill_conn *conn, const struct parts *parts)
{
    const int64_t max = atomic_load_explicit(&conn->max_payload_bytes, memory_order_relaxed);
    const size_t bytes = parts->headers.len + parts->payload.len;
    return bytes > (max > 0 ? (size_t)max : (size_t)INLET_PAYLOAD_BYTES_MAX) ? RILL_ERR_LIMIT : RILL_OK;
}

enum { PLAIN, DOT, ODD };

/* What can make a subject something else than literal; all other bytes belong to tokens. */
static const uint8_t byte_class[256] = {['.'] = DOT,  ['*'] = ODD,  ['>'] = ODD,  [' '] = ODD,
                                        ['\t'] = ODD, ['\r'] = ODD, ['\n'] = ODD, ['\f'] = ODD};

/* One pass over what nearly all subjects are made of; only an odd one is looked at closely. */
static bool is_literal(struct rill_bytes subject)
{
    unsigned before = DOT;
    for (size_t i = 0; i < subject.len; i++) {
        const unsigned class = byte_class[subject.data[i]];
        if (class == ODD)
            return rill_subject_is_literal(subject);
        if (class == DOT && before == DOT)
            return false;
        before = class;
    }
    return before == PLAIN;
}

/* A consumer's filter stands in the subject of the request that makes it, wildcards and all. */
static bool may_publish_to(struct rill_bytes subject)
{
    return is_literal(subject) ||
           (rill_bytes_has_prefix(subject, RILL_BYTES("$JS.")) && rill_subject_is_valid(subject));
}

enum rill_err conn_take_parts(struct rill_conn *conn, const struct rill_publish *publish,
                              struct rill_buf *block, struct parts *ret)
{
    *ret = (struct parts){.subject = rill_bytes_from_cstr(publish->subject),
                          .reply = rill_bytes_from_cstr(publish->reply),
                          .payload = rill_bytes_of(publish->data, publish->data_bytes)};
    rill_buf_init(block, HEADERS_BYTES_MAX);
    if (!may_publish_to(ret->subject) || (ret->reply.len && !is_literal(ret->reply)) ||
        (!publish->data && publish->data_bytes))
        return RILL_ERR_INVALID;
    if (publish->headers_count) {
        if (conn->options.no_headers ||
            (atomic_load(&conn->max_payload_bytes) && !atomic_load(&conn->server_headers)))
            return RILL_ERR_UNSUPPORTED;
        const enum rill_err err = append_headers(block, publish->headers, publish->headers_count);
        if (err)
            return err;
        ret->headers = rill_buf_bytes(block);
    }
    return check_size(conn, ret);
}

/* The hot path: PUB without headers, straight into the output. */
static enum rill_err append_plain(struct rill_buf *out, const struct parts *parts)
{
    const enum rill_err err =
        rill_buf_reserve(out, parts->subject.len + parts->reply.len + parts->payload.len + CONTROL_BYTES);
    if (err)
        return err;
    uint8_t *at = out->data + out->len;
    memcpy(at, "PUB ", 4);
    at = rill_put(at + 4, parts->subject);
    *at++ = ' ';
    if (parts->reply.len) {
        at = rill_put(at, parts->reply);
        *at++ = ' ';
    }
    at += rill_decimal_write(parts->payload.len, (char *)at);
    memcpy(at, "\r\n", 2);
    at = rill_put(at + 2, parts->payload);
    memcpy(at, "\r\n", 2);
    out->len = (size_t)(at + 2 - out->data);
    return RILL_OK;
}

/* Publishing is slower than the link only for as long as the link allows. */
static enum rill_err wait_for_room(struct rill_conn *conn, const struct parts *parts, int64_t deadline_ns)
{
    const struct rill_buf *out = &conn->outbox.out;
    const size_t bytes =
        parts->headers.len + parts->payload.len + parts->subject.len + parts->reply.len + CONTROL_BYTES;
    while (conn->session.state == SESSION_UP && out->len >= conn->options.output_bytes_max)
        if (!conn_wait(conn, deadline_ns))
            return RILL_ERR_TIMEOUT;
    if (conn->session.state == SESSION_CLOSED)
        return RILL_ERR_CLOSED;
    return conn->session.state != SESSION_UP && bytes > conn->options.reconnect_buffer_bytes_max - out->len
               ? RILL_ERR_LIMIT
               : RILL_OK;
}

enum rill_err conn_wait_for_room(struct rill_conn *conn, const struct parts *parts, int64_t deadline_ns)
{
    const bool waits =
        conn->session.state != SESSION_UP || conn->outbox.out.len >= conn->options.output_bytes_max;
    return __builtin_expect(waits, 0) ? wait_for_room(conn, parts, deadline_ns) : RILL_OK;
}

enum rill_err conn_append_publish(struct rill_conn *conn, const struct parts *parts)
{
    struct rill_buf *out = &conn->outbox.out;
    const enum rill_err err = parts->headers.len ? rill_append_publish(out, parts->subject, parts->reply,
                                                                       parts->headers, parts->payload)
                                                 : append_plain(out, parts);
    if (err)
        return err;
    conn->out_msgs++;
    conn->out_bytes += parts->headers.len + parts->payload.len;
    return RILL_OK;
}

enum rill_err conn_publish_locked(struct rill_conn *conn, const struct parts *parts, int64_t deadline_ns)
{
    const enum rill_err err = conn_wait_for_room(conn, parts, deadline_ns);
    return err ? err : conn_append_publish(conn, parts);
}

static enum rill_err publish_parts(struct rill_conn *conn, const struct parts *parts)
{
    (void)pthread_mutex_lock(&conn->lock);
    const bool waits = conn->outbox.out.len >= conn->options.output_bytes_max;
    const int64_t deadline_ns = waits ? conn_deadline_ns(conn, RILL_TIMEOUT_DEFAULT) : 0;
    const enum rill_err err = conn_publish_locked(conn, parts, deadline_ns);
    link_pump(&conn->link);
    (void)pthread_mutex_unlock(&conn->lock);
    return err;
}

enum rill_err rill_publish(struct rill_conn *conn, const char *subject, const void *data, size_t data_bytes)
{
    const struct parts parts = {.subject = rill_bytes_from_cstr(subject),
                                .payload = rill_bytes_of(data, data_bytes)};
    if (!is_literal(parts.subject) || (!data && data_bytes))
        return RILL_ERR_INVALID;
    const enum rill_err err = check_size(conn, &parts);
    return err ? err : publish_parts(conn, &parts);
}

enum rill_err rill_publish_msg(struct rill_conn *conn, const struct rill_publish *publish)
{
    struct rill_buf block;
    struct parts parts;
    enum rill_err err = conn_take_parts(conn, publish, &block, &parts);
    if (!err)
        err = publish_parts(conn, &parts);
    rill_buf_fini(&block);
    return err;
}

enum rill_err rill_respond(struct rill_conn *conn, const struct rill_msg *request, const void *data,
                           size_t data_bytes)
{
    const char *reply = rill_msg_reply(request);
    return reply ? rill_publish(conn, reply, data, data_bytes) : RILL_ERR_INVALID;
}
