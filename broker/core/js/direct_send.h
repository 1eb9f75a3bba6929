// SPDX-License-Identifier: Apache-2.0
//
// A stored message on its way out, not to a consumer. The answers of DIRECT.GET: a message as it is, with where it comes from in headers, and the end of a batch.
//
//      NATS/1.0\r\nNats-Stream: S\r\nNats-Subject: a\r\nNats-Sequence: 7\r\nNats-Time-Stamp: ...\r\n      one message
//      ... Nats-Num-Pending: 3\r\nNats-Last-Sequence: 6\r\n                                   one of a batch
//      NATS/1.0 204 EOB\r\nNats-Num-Pending: 0\r\nNats-Last-Sequence: 9\r\n                    the end of a batch
//      ... Nats-UpTo-Sequence: 9\r\n                                                of the last ones of many subjects
#pragma once

#include "stream.h"

enum { DIRECT_HEADERS_BYTES_MAX = 128 * 1024 };

/* The block of a message, without its end: its own headers, then where it comes from. */
enum rill_err direct_add_origin(struct rill_buf *buf, const struct stream *stream,
                                const struct rill_store_message *stored) RILL_MUST_CHECK;
enum rill_err direct_add_number(struct rill_buf *buf, const char *name, uint64_t value) RILL_MUST_CHECK;

struct direct_batch {
    uint64_t pending;       // messages that are still to come
    uint64_t last_sequence; // sent in front of it; 0: none
};

/* `batch` is NULL for a single message; without headers when it is `bare`. */
void direct_send(struct stream *stream, struct rill_bytes reply, const struct rill_store_message *stored,
                 const struct direct_batch *batch, bool bare);
/* `up_to` is 0 when it is not to be told. */
void direct_send_end(struct stream *stream, struct rill_bytes reply, const struct direct_batch *batch,
                     uint64_t up_to);
/* A block of its own, as "404 Message Not Found". */
void direct_send_status(struct jetstream *js, struct rill_bytes reply, const char *status);
