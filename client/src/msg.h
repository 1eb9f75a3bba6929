// SPDX-License-Identifier: Apache-2.0
//
// A received message: one piece of memory with everything in it, immutable, shared by count.
//
//     struct | subject NUL | reply NUL | header block | payload NUL
#pragma once

#include "base/bytes.h"
#include "base/err.h"
#include "proto/parser.h"

#include "rill.h"

#include <stdatomic.h>

struct rill_msg {
    struct rill_msg *next; // in a queue; whoever takes it out sets NULL
    atomic_uint refs;
    atomic_bool acked; // a final acknowledgement was sent
    uint32_t subject_bytes;
    uint32_t reply_bytes;
    uint32_t headers_bytes;
    size_t payload_bytes;
    char bytes[];
};

/* A copy of what the views of a MSG or HMSG show, with one share; NULL when memory is out. */
struct rill_msg *msg_create(const struct rill_command *command) __attribute__((malloc));

/* Frees a chain linked by `next`. */
void msg_unref_chain(struct rill_msg *first);

static inline struct rill_bytes msg_subject(const struct rill_msg *msg)
{
    return rill_bytes_of(msg->bytes, msg->subject_bytes);
}

static inline struct rill_bytes msg_reply(const struct rill_msg *msg)
{
    return rill_bytes_of(msg->bytes + msg->subject_bytes + 1, msg->reply_bytes);
}

static inline struct rill_bytes msg_headers(const struct rill_msg *msg)
{
    return rill_bytes_of(msg->bytes + msg->subject_bytes + msg->reply_bytes + 2, msg->headers_bytes);
}

static inline struct rill_bytes msg_payload(const struct rill_msg *msg)
{
    return rill_bytes_of(msg->bytes + msg->subject_bytes + msg->reply_bytes + 2 + msg->headers_bytes,
                         msg->payload_bytes);
}

/* What counts against limits and in statistics. */
static inline size_t msg_counted_bytes(const struct rill_msg *msg)
{
    return msg->headers_bytes + msg->payload_bytes;
}

/* "503" without a payload: nobody listens. */
bool msg_is_no_responders(const struct rill_msg *msg);
