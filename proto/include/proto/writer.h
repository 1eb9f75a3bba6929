// SPDX-License-Identifier: Apache-2.0
//
// The NATS text protocol, written: the counterpart of parser.h, for both directions. The broker's hot path
// writes MSG straight into its output with the inline functions; everything else appends whole commands to a
// rill_buf. Arguments must be what the protocol allows (no blanks in subjects and sids): that is the caller's
// to check. Any thread.
#pragma once

#include "base/buf.h"
#include "proto/decimal.h"

// ---- the broker's hot path ----

/* Copies a short run of bytes without calling memcpy for it; returns what is behind the copy. */
static inline uint8_t *rill_put(uint8_t *to, struct rill_bytes bytes)
{
    const uint8_t *from = bytes.data;
    const size_t len = bytes.len;
    if (len > 32) {
        memcpy(to, from, len);
    } else if (len >= 16) {
        memcpy(to, from, 16);
        memcpy(to + len - 16, from + len - 16, 16);
    } else if (len >= 8) {
        memcpy(to, from, 8);
        memcpy(to + len - 8, from + len - 8, 8);
    } else if (len >= 4) {
        memcpy(to, from, 4);
        memcpy(to + len - 4, from + len - 4, 4);
    } else {
        for (size_t i = 0; i < len; i++)
            to[i] = from[i];
    }
    return to + len;
}

/* Bytes that "HMSG subject sid reply " takes at most. */
static inline size_t rill_message_head_bytes(struct rill_bytes subject, struct rill_bytes sid,
                                             struct rill_bytes reply)
{
    return sizeof "HMSG " - 1 + subject.len + 1 + sid.len + 1 + reply.len + 1;
}

/* "MSG subject sid [reply ]", or HMSG: all of a delivery that stands before its sizes. */
static inline uint8_t *rill_put_message_head(uint8_t *to, struct rill_bytes subject, struct rill_bytes sid,
                                             struct rill_bytes reply, bool with_headers)
{
    if (with_headers)
        *to++ = 'H';
    memcpy(to, "MSG ", 4);
    to = rill_put(to + 4, subject);
    *to++ = ' ';
    to = rill_put(to, sid);
    *to++ = ' ';
    if (reply.len) {
        to = rill_put(to, reply);
        *to++ = ' ';
    }
    return to;
}

enum { RILL_SIZES_BYTES_MAX = 2 * RILL_DECIMAL_BYTES_MAX + 3 };

/* "28\r\n", or "12 28\r\n" when there are headers; returns how many bytes. The total counts headers and
 * payload. */
static inline size_t rill_write_sizes(size_t header_bytes, size_t total_bytes,
                                      char ret_text[RILL_SIZES_BYTES_MAX])
{
    size_t len = 0;
    if (header_bytes) {
        len = rill_decimal_write(header_bytes, ret_text);
        ret_text[len++] = ' ';
    }
    len += rill_decimal_write(total_bytes, ret_text + len);
    ret_text[len++] = '\r';
    ret_text[len++] = '\n';
    return len;
}

// ---- whole commands ----
// LIMIT or NO_MEMORY leave the buffer as it was. Empty views stand for what is optional and absent.

/* PUB, or HPUB when there are headers (a whole block). */
enum rill_err rill_append_publish(struct rill_buf *buf, struct rill_bytes subject, struct rill_bytes reply,
                                  struct rill_bytes headers, struct rill_bytes payload) RILL_MUST_CHECK;
/* MSG, or HMSG when there are headers. */
enum rill_err rill_append_message(struct rill_buf *buf, struct rill_bytes subject, struct rill_bytes sid,
                                  struct rill_bytes reply, struct rill_bytes headers,
                                  struct rill_bytes payload) RILL_MUST_CHECK;
enum rill_err rill_append_subscribe(struct rill_buf *buf, struct rill_bytes subject, struct rill_bytes queue,
                                    struct rill_bytes sid) RILL_MUST_CHECK;
/* max 0: at once. */
enum rill_err rill_append_unsubscribe(struct rill_buf *buf, struct rill_bytes sid,
                                      uint64_t max) RILL_MUST_CHECK;
