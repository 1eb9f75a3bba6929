// SPDX-License-Identifier: Apache-2.0
//
// What the durable laws with libnats share: a connection with its JetStream context, and pulls of one message.
#pragma once

#include "check.h"

struct shop {
    natsConnection *connection;
    jsCtx *js;
};

/* The body of a law, over a connection of its own. */
bool shop_over(bool (*body)(struct shop *));

/* Fetches exactly one message and checks its payload; acknowledges it, and waits for the answer, when asked to. */
bool shop_fetch(natsSubscription *sub, const char *text, bool acknowledge);
bool shop_fetch_nothing(natsSubscription *sub);

/* Until the client is connected again a request has no answer. */
bool shop_await(struct shop *shop, const char *stream);
