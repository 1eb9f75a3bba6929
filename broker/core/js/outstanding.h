// SPDX-License-Identifier: Apache-2.0
//
// The messages that a consumer has delivered and not seen the end of: found by sequence, and in the order of their
// sequences. About 100 bytes each, bounded by the consumer's max_ack_pending. Owned by its consumer.
#pragma once

#include "base/deadline.h"

#include <stdint.h>

/* The picture is in consumer.h. */
enum outstanding_state {
    OUTSTANDING_WAITS,    // for its end, until `due`
    OUTSTANDING_READY,    // to be delivered again
    OUTSTANDING_GIVEN_UP, // to be buried
    OUTSTANDING_PARKED,   // for its subject's turn; never delivered
};

struct consumer_key;

struct outstanding {
    uint64_t sequence;
    uint64_t consumer_seq;    // of its first delivery
    uint32_t delivered;       // how often
    uint8_t state;            // enum outstanding_state
    bool terminated;          // given up because somebody said so
    bool told;                // that it is given up
    bool buried;              // the log says, or is about to say, that it is done
    int64_t delivered_at_ns;  // the last time; 0 after a restart
    struct rill_deadline due; // armed only while it waits

    struct outstanding *next; // by sequence
    struct outstanding *prev;
    struct outstanding *queue_next; // among the ready, the given up, or the parked ones of its key
    struct outstanding *queue_prev;
    struct outstanding *unkeyed_next; // see consumer_keys.h
    struct consumer_key *key;
    struct outstanding *bucket_next; // also the list of free ones
};

struct outstanding_set {
    struct outstanding *first; // by sequence; prev of the first is the last
    struct outstanding *free;

    struct outstanding **buckets;
    uint32_t bucket_count; // 0 or a power of two
    uint32_t count;
};

void outstanding_fini(struct outstanding_set *set);

/* NULL when there is none. */
struct outstanding *outstanding_find(const struct outstanding_set *set, uint64_t sequence);
/* A new one, zero but for its sequence, which is larger than all in the set. */
struct outstanding *outstanding_add(struct outstanding_set *set, uint64_t sequence);
/* Gives back what an empty set keeps for later. Harmless when it is not empty. */
void outstanding_trim(struct outstanding_set *set);
/* It waits, and its deadline is not armed. */
void outstanding_remove(struct outstanding_set *set, struct outstanding *entry);
