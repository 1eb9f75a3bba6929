// SPDX-License-Identifier: Apache-2.0
//
// First deliveries that are spread over time, as rate_limit_bps or replay_policy original ask for. Owned by its consumer;
// loop thread only.
#pragma once

#include "durable.h"

struct pace {
    int64_t at_ns;            // nothing goes out before this; 0: at once
    int64_t replayed_wall_ns; // replay original: time of the message delivered last; 0: none
    int64_t replayed_at_ns;   // and when it was
};

/* As the settings of the consumer say: there is one, or none, afterwards; one that was there goes on. */
void pace_set(struct durable *durable);
/* NULL is fine. */
void pace_stop(struct durable *durable);

/* Is it too early for this message? */
bool pace_is_early(struct durable *durable, const struct rill_store_message *stored);
/* A message of this time and size went out for the first time. */
void pace_keep(struct durable *durable, int64_t time_ns, uint64_t bytes);

/* When the next one may go out; RILL_NEVER_NS: now. */
int64_t pace_next_deadline_ns(const struct durable *durable);
