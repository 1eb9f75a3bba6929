// SPDX-License-Identifier: Apache-2.0
//
// The messages that a consumer has delivered and not seen the end of: found by sequence, and in the order of their
// sequences. About 100 bytes each, bounded by the consumer's max_ack_pending. Owned by its consumer.
#pragma once

#include "base/deadline.h"

#include <stdint.h>

struct outstanding {
    uint64_t sequence;
    uint64_t consumer_seq;    // of its first delivery
    uint32_t delivered;       // how often
    bool ready;               // its ack wait is over: waits in the consumer's queue to be delivered again
    struct rill_deadline due; // end of its ack wait; not armed while ready

    struct outstanding *next; // by sequence
    struct outstanding *prev;
    struct outstanding *ready_next;
    struct outstanding *ready_prev;
    struct outstanding *bucket_next; // also the list of free ones
};

struct outstanding_set {
    struct outstanding *first; // by sequence; prev of the first is the last
    uint32_t count;

    struct outstanding **buckets;
    uint32_t bucket_count; // 0 or a power of two
    struct outstanding *free;
};

void outstanding_fini(struct outstanding_set *set);

/* NULL when there is none. */
struct outstanding *outstanding_find(const struct outstanding_set *set, uint64_t sequence);
/* A new one, zero but for its sequence, which is larger than all in the set. */
struct outstanding *outstanding_add(struct outstanding_set *set, uint64_t sequence);
/* Its deadline is not armed and it is not ready. */
void outstanding_remove(struct outstanding_set *set, struct outstanding *entry);
