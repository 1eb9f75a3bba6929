// SPDX-License-Identifier: Apache-2.0
//
// What is to be sent. Publishers append to `out`; one send at a time has `flight`; the two change places when
// it is done, so bytes are copied once. While there is no server, `out` is held back and `front` goes before
// it: first the greeting, then the subscriptions. Guarded by the connection's lock; what is in flight is left
// alone until outbox_sent or outbox_lost.
//
//     front: CONNECT, PING, SUB ...   ──┐
//     out:   PUB, SUB, UNSUB, PING ...──┴──► flight ──► the kernel
#pragma once

#include "base/buf.h"

struct outbox {
    struct rill_buf front;
    struct rill_buf out;
    struct rill_buf flight;
    size_t sent; // bytes of flight
    bool held;   // out has to wait
};

void outbox_init(struct outbox *outbox, size_t bytes_max);
void outbox_fini(struct outbox *outbox);

/* The bytes to be sent next; empty when there are none. Valid until outbox_sent or outbox_lost. */
struct rill_bytes outbox_take(struct outbox *outbox);
void outbox_sent(struct outbox *outbox, size_t bytes);

static inline size_t outbox_bytes(const struct outbox *outbox)
{
    return outbox->front.len + outbox->out.len + outbox->flight.len - outbox->sent;
}

/* The link is broken: nothing more is given out until outbox_release. */
void outbox_hold(struct outbox *outbox);
/* Is shown the reply subject of a publish that was kept; it may be empty. */
typedef void outbox_keeper(void *context, struct rill_bytes reply);
/* The link is gone, and nobody reads what was in flight any more: of what was not given to the kernel the publishes are kept, in order, up to `bytes_max`;
   all else belonged to the old link. Returns how many publishes had to be dropped. `keeper` may be NULL. */
size_t outbox_lost(struct outbox *outbox, size_t bytes_max, outbox_keeper *keeper, void *context);
/* The new link may have what was held back. */
void outbox_release(struct outbox *outbox);

/* Counts and drops everything: nobody will send it. */
size_t outbox_drop(struct outbox *outbox);
