// SPDX-License-Identifier: Apache-2.0
//
// The pinned client of a priority group: of all that pull, one alone gets messages, until it is silent for too long or
// somebody unpins it. Owned by its consumer; loop thread only.
//
// The first pull that waits is pinned and hears its id with each message, in the header Nats-Pin-Id; it shows the id in the
// pulls that follow. While it has pulls waiting it stays; without any, the time since its last pull counts.
#pragma once

#include "durable.h"

enum { PIN_ID_CHARS = 22 };

struct pin {
    uint64_t number; // 0: nobody is pinned; the pulls of the pinned client carry it
    uint64_t number_last;
    char id[PIN_ID_CHARS + 1];
    int64_t since_wall_ns;
    int64_t active_ns;
};

/* The consumer has the policy. */
void pin_start(struct durable *durable);
/* NULL is fine. */
void pin_stop(struct durable *durable);

/* Is this the id of who is pinned? Then it has shown that it is there. */
bool pin_check(struct durable *durable, struct rill_bytes id);
/* Pins the first pull that waits, when nobody is pinned. */
void pin_choose(struct durable *durable);
/* Nobody is pinned any more; pulls that named the pin are told. `reason` is admin or timeout. */
void pin_release(struct durable *durable, const char *reason);

/* RILL_NEVER_NS: none is due. */
int64_t pin_next_deadline_ns(const struct durable *durable);
/* Releases a client that is silent. */
void pin_serve_due(struct durable *durable);
