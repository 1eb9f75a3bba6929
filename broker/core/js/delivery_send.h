// SPDX-License-Identifier: Apache-2.0
//
// The last steps of a delivery: a message to the inbox of a pull, or to a deliver subject. Loop thread only.
#pragma once

#include "durable.h"

enum sent {
    SENT,
    NOBODY_THERE,
    RECEIVER_BEHIND, // much of what was sent to one of them waits for him to read
};

/* The message may be of views into the store, which end when it says SENT. */
enum sent durable_send(struct durable *durable, struct rill_bytes to, const struct message *message);

// ---- for who sends many ----

/* A stream may have the inbox among its subjects: then what is sent there may end views into a store. */
bool match_has_receiver_inside(const struct match *match);
/* Is one of the receivers behind? */
bool match_any_is_behind(const struct rill_core *core, const struct match *match);

/* What counts for the limits of a pull, or of flow control. */
static inline uint64_t message_size(const struct message *message)
{
    return message->subject.len + message->reply.len + message->headers.len + message->payload.len;
}
