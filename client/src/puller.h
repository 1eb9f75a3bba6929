// SPDX-License-Identifier: Apache-2.0
//
// When to ask a consumer for more: the continuous pull as a pure state machine, with the time handed in.
// Guarded by whoever owns it.
//
// There are `asked` messages that the server still owes us and `held` ones that have come and were not taken.
// When the two together fall to half of the prefetch, the difference is asked for. A request ends when it is
// used up, when its time is over, or when the server says so; its rest is not owed any more. As long as
// something is owed the server shows itself in every heartbeat; when it stays away for two of them, or the
// link is another one, everything owed is forgotten and asked for anew.
#pragma once

#include "base/bytes.h"
#include "base/clock.h"
#include "base/err.h"

struct puller_config {
    uint32_t prefetch;
    int64_t expires_ns;
    int64_t heartbeat_ns;
    int64_t retry_ns;    // after the server could not serve us
    bool ends_when_lost; // a missed heartbeat or another link is the end, DISCONNECTED
};

struct puller {
    struct puller_config config;
    uint64_t asked;
    uint64_t held;
    int64_t silent_ns;   // when the server will have been away for too long
    int64_t expires_ns;  // when the last request will surely have ended
    int64_t retry_ns;    // not before this is asked again
    enum rill_err ended; // OK while it goes on
};

void puller_init(struct puller *puller, const struct puller_config *config, int64_t now_ns);

/* How many messages to ask for now; 0 for none. They count as asked. */
uint32_t puller_ask(struct puller *puller, int64_t now_ns);
/* The request could not be sent. */
void puller_not_sent(struct puller *puller, uint32_t count, int64_t now_ns);

void puller_message(struct puller *puller, int64_t now_ns);
void puller_taken(struct puller *puller);
/* A status without a message; `left` is what Nats-Pending-Messages says of the request that ends, or -1. */
void puller_status(struct puller *puller, uint32_t code, struct rill_bytes text, int64_t left,
                   int64_t now_ns);
void puller_link_up(struct puller *puller, int64_t now_ns);
void puller_tick(struct puller *puller, int64_t now_ns);
/* When puller_tick and then puller_ask have something to do. */
int64_t puller_deadline_ns(const struct puller *puller);
