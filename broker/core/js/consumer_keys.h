// SPDX-License-Identifier: Apache-2.0
//
// Order by subject: of each subject at most so many messages are outstanding, the others wait for their turn, in their order,
// while other subjects go on. A part of the consumer's state machine; only a consumer that was made with the limit has keys.
//
//      key "orders.7"   out 1    outstanding 12
//                       parked   15, 21             passed by the cursor, never delivered
//
// The log knows which sequences are parked, not their subjects: after a restart whoever delivers reads the messages and says
// them again, in the order of consumer_next_unkeyed.
#pragma once

#include "consumer.h"

#include <uthash.h>

struct consumer_key {
    UT_hash_handle by_subject;
    uint32_t out;               // delivered or about to be, and not done
    struct outstanding *parked; // in the order of their sequences
    size_t subject_len;
    uint8_t subject[];
};

/* The key of the subject; NULL when the consumer has none. It lives until consumer_key_release, or as long as it is used. */
struct consumer_key *consumer_key_take(struct consumer *consumer, struct rill_bytes subject);
/* Frees it when nothing uses it. NULL is fine. */
void consumer_key_release(struct consumer *consumer, struct consumer_key *key);
bool consumer_key_is_full(const struct consumer *consumer, const struct consumer_key *key);

/* The message at the cursor waits for its subject's turn. */
void consumer_park(struct consumer *consumer, struct consumer_key *key);

/* After a restart: the next one whose subject is to be said; NULL: no more. */
const struct outstanding *consumer_next_unkeyed(const struct consumer *consumer);
/* The subject of that one. */
void consumer_set_key(struct consumer *consumer, struct rill_bytes subject);

// ---- for the state machine ----

/* It is delivered for the first time. */
void consumer_key_enter(struct consumer_key *key, struct outstanding *entry);
/* It is done; `was_parked` when it never had its turn. Returns the parked one whose turn it is now; NULL: none. */
struct outstanding *consumer_key_leave(struct consumer *consumer, struct outstanding *entry, bool was_parked);
/* All that is outstanding after a replay is without its key. */
void consumer_keys_forget(struct consumer *consumer);
