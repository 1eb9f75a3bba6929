// SPDX-License-Identifier: Apache-2.0
//
// What intake, worker and pipeline agree on: the stream, the durable consumer, and how to connect to the
// broker.
#pragma once

#include <nats/nats.h>
#include <stdbool.h>
#include <stdint.h>

#define SHOP_STREAM         "ORDERS"
#define SHOP_SUBJECTS       "orders.placed.>"
#define SHOP_SUBJECT_PREFIX "orders.placed."
#define SHOP_CONSUMER       "fulfilment"
#define SHOP_ACK_WAIT_NS    (1000 * INT64_C(1000000))

/* Connects, and reconnects for ever; a broker that is away for a moment is not an error. `on_reconnect` may
   be NULL. The caller gives the connection to natsConnection_Destroy(). */
natsStatus shop_connect(natsConnection **ret, const char *url, const char *name,
                        natsConnectionHandler on_reconnect, void *closure);

/* Creates the stream unless it is there. */
natsStatus shop_stream_ensure(jsCtx *js);
/* Creates the durable pull consumer; creating it again with the same configuration changes nothing. */
natsStatus shop_consumer_ensure(jsCtx *js);
/* Is nothing waiting to be delivered, and nothing delivered that is not acknowledged yet? */
natsStatus shop_is_settled(jsCtx *js, bool *ret_settled);
