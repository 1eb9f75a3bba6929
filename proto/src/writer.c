// SPDX-License-Identifier: Apache-2.0
#include "proto/writer.h"

/* Appends all parts or none. */
static enum rill_err append_parts(struct rill_buf *buf, const struct rill_bytes *parts, size_t count)
{
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++)
        bytes += parts[i].len;
    const enum rill_err err = rill_buf_reserve(buf, bytes);
    if (err)
        return err;
    uint8_t *at = buf->data + buf->len;
    for (size_t i = 0; i < count; i++)
        at = rill_put(at, parts[i]);
    buf->len += bytes;
    return RILL_OK;
}

static struct rill_bytes blank_after(struct rill_bytes word)
{
    return word.len ? RILL_BYTES(" ") : RILL_BYTES("");
}

/* "op subject [sid] [reply] sizes" and the body; an empty sid or reply is left out. */
static enum rill_err append_with_payload(struct rill_buf *buf, struct rill_bytes op,
                                         struct rill_bytes subject, struct rill_bytes sid,
                                         struct rill_bytes reply, struct rill_bytes headers,
                                         struct rill_bytes payload)
{
    char text[RILL_SIZES_BYTES_MAX];
    const struct rill_bytes sizes =
        rill_bytes_of(text, rill_write_sizes(headers.len, headers.len + payload.len, text));
    const struct rill_bytes parts[] = {
        op,      subject, RILL_BYTES(" "),    sid, blank_after(sid), reply, blank_after(reply), sizes,
        headers, payload, RILL_BYTES("\r\n"),
    };
    return append_parts(buf, parts, sizeof parts / sizeof parts[0]);
}

enum rill_err rill_append_publish(struct rill_buf *buf, struct rill_bytes subject, struct rill_bytes reply,
                                  struct rill_bytes headers, struct rill_bytes payload)
{
    return append_with_payload(buf, headers.len ? RILL_BYTES("HPUB ") : RILL_BYTES("PUB "), subject,
                               rill_bytes_of(NULL, 0), reply, headers, payload);
}

enum rill_err rill_append_message(struct rill_buf *buf, struct rill_bytes subject, struct rill_bytes sid,
                                  struct rill_bytes reply, struct rill_bytes headers,
                                  struct rill_bytes payload)
{
    return append_with_payload(buf, headers.len ? RILL_BYTES("HMSG ") : RILL_BYTES("MSG "), subject, sid,
                               reply, headers, payload);
}

enum rill_err rill_append_subscribe(struct rill_buf *buf, struct rill_bytes subject, struct rill_bytes queue,
                                    struct rill_bytes sid)
{
    const struct rill_bytes parts[] = {
        RILL_BYTES("SUB "), subject, RILL_BYTES(" "), queue, blank_after(queue), sid, RILL_BYTES("\r\n"),
    };
    return append_parts(buf, parts, sizeof parts / sizeof parts[0]);
}

enum rill_err rill_append_unsubscribe(struct rill_buf *buf, struct rill_bytes sid, uint64_t max)
{
    char text[RILL_DECIMAL_BYTES_MAX];
    const struct rill_bytes digits = rill_bytes_of(text, max ? rill_decimal_write(max, text) : 0);
    const struct rill_bytes parts[] = {
        RILL_BYTES("UNSUB "), sid, blank_after(digits), digits, RILL_BYTES("\r\n"),
    };
    return append_parts(buf, parts, sizeof parts / sizeof parts[0]);
}
