// SPDX-License-Identifier: Apache-2.0
#include "direct_send.h"

#include "base/assert.h"
#include "proto/headers.h"
#include "proto/rfc3339.h"

#include <inttypes.h>
#include <stdio.h>

enum { STATUS_BYTES_MAX = 256 };

enum rill_err direct_add_number(struct rill_buf *buf, const char *name, uint64_t value)
{
    char text[32];
    (void)snprintf(text, sizeof text, "%" PRIu64, value);
    return rill_headers_add(buf, rill_bytes_from_cstr(name), rill_bytes_from_cstr(text));
}

static enum rill_err begin_with(struct rill_buf *buf, struct rill_bytes headers)
{
    if (headers.len < 2)
        return rill_headers_begin(buf, rill_bytes_of(NULL, 0));
    return rill_buf_append(buf, rill_bytes_of(headers.data, headers.len - 2)); // without the empty line
}

enum rill_err direct_add_origin(struct rill_buf *buf, const struct stream *stream,
                                const struct rill_store_message *stored)
{
    char time[RILL_RFC3339_BYTES_MAX];
    const size_t time_len = rill_rfc3339_format(stored->time_ns, time);
    enum rill_err err = begin_with(buf, stored->headers);
    if (!err)
        err = rill_headers_add(buf, RILL_BYTES("Nats-Stream"), rill_bytes_from_cstr(stream->name));
    if (!err)
        err = rill_headers_add(buf, RILL_BYTES("Nats-Subject"), stored->subject);
    if (!err)
        err = direct_add_number(buf, "Nats-Sequence", stored->sequence);
    if (!err)
        err = rill_headers_add(buf, RILL_BYTES("Nats-Time-Stamp"), rill_bytes_of(time, time_len));
    return err;
}

static enum rill_err add_place(struct rill_buf *buf, const struct direct_batch *batch)
{
    const enum rill_err err = direct_add_number(buf, "Nats-Num-Pending", batch->pending);
    return err ? err : direct_add_number(buf, "Nats-Last-Sequence", batch->last_sequence);
}

/* The payload is copied: a receiver inside may append to the store, which ends the views. */
void direct_send(struct stream *stream, struct rill_bytes reply, const struct rill_store_message *stored,
                 const struct direct_batch *batch, bool bare)
{
    struct rill_buf out;
    rill_buf_init(&out, DIRECT_HEADERS_BYTES_MAX + stored->payload.len + stored->headers.len);
    enum rill_err err = bare ? RILL_OK : direct_add_origin(&out, stream, stored);
    if (!err && !bare && batch)
        err = add_place(&out, batch);
    if (!err && !bare)
        err = rill_headers_end(&out);
    const size_t headers_len = out.len;
    if (!err)
        err = rill_buf_append(&out, stored->payload);
    if (!err)
        (void)route_publish(stream->js->core, stream->js->account, reply, rill_bytes_of(NULL, 0),
                            rill_bytes_of(out.data, headers_len),
                            rill_bytes_of(out.data + headers_len, out.len - headers_len));
    rill_buf_fini(&out);
}

void direct_send_end(struct stream *stream, struct rill_bytes reply, const struct direct_batch *batch,
                     uint64_t up_to)
{
    char text[STATUS_BYTES_MAX];
    char up_to_text[64] = "";
    if (up_to)
        (void)snprintf(up_to_text, sizeof up_to_text, "Nats-UpTo-Sequence: %" PRIu64 "\r\n", up_to);
    const int len = snprintf(text, sizeof text,
                             "NATS/1.0 204 EOB\r\nNats-Num-Pending: %" PRIu64
                             "\r\nNats-Last-Sequence: %" PRIu64 "\r\n%s\r\n",
                             batch->pending, batch->last_sequence, up_to_text);
    RILL_ASSERT(len > 0 && (size_t)len < sizeof text);
    js_send_status(stream->js, reply, rill_bytes_of(text, (size_t)len));
}

void direct_send_status(struct jetstream *js, struct rill_bytes reply, const char *status)
{
    char text[STATUS_BYTES_MAX];
    const int len = snprintf(text, sizeof text, "NATS/1.0 %s\r\n\r\n", status);
    RILL_ASSERT(len > 0 && (size_t)len < sizeof text);
    js_send_status(js, reply, rill_bytes_of(text, (size_t)len));
}
