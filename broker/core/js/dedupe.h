// SPDX-License-Identifier: Apache-2.0
//
// The newest message ids of a stream: which sequence an id was given. An id is kept as its 128-bit hash (XXH3 with a secret
// seed), about 40 bytes a message. What does not fit in here, or was not told by a recovery, only the index of the store
// knows (rill_store_seen); `complete_from_ns` says from when on there is no need to ask it. Owned by the stream; loop thread
// only, or the job that recovers it.
//
//      ring    [ oldest | ... | newest ]   in the order of the sequences: age from the front, take back from the end
//      table   hash -> place in the ring   open addressing, linear probing
#pragma once

#include "base/bytes.h"

/* 40 MiB at most. */
enum { DEDUPE_ENTRIES_MAX = 1 << 20 };

struct dedupe_entry {
    uint64_t hash_low;
    uint64_t hash_high;
    uint64_t sequence;
    int64_t time_ns; // of the message
};

struct dedupe {
    uint64_t seed;
    int64_t window_ns;
    int64_t complete_from_ns;  // ids of messages of this time and later are all here
    struct dedupe_entry *ring; // capacity is a power of two; entry n is at n modulo capacity
    uint32_t capacity;
    uint64_t first;  // number of the oldest entry
    uint64_t end;    // behind the newest
    uint32_t *table; // twice the capacity: place in the ring plus one, 0 is empty
};

void dedupe_init(struct dedupe *dedupe, uint64_t seed, int64_t window_ns);
void dedupe_fini(struct dedupe *dedupe);

/* Forgets what is older than the window. */
void dedupe_age(struct dedupe *dedupe, int64_t now_ns);
/* The sequence that a message with this id has, 0 when there is none in the window. */
uint64_t dedupe_find(const struct dedupe *dedupe, struct rill_bytes id);
/* False when one more id makes it forget the oldest. */
bool dedupe_has_room(const struct dedupe *dedupe);
/* The id is not in it, and sequence and time are not less than the last ones. */
void dedupe_add(struct dedupe *dedupe, struct rill_bytes id, uint64_t sequence, int64_t time_ns);
/* An id of this time was not added. */
void dedupe_leave_out(struct dedupe *dedupe, int64_t time_ns);
/* Takes back what is above the sequence. */
void dedupe_take_back(struct dedupe *dedupe, uint64_t last_sequence);

static inline uint64_t dedupe_count(const struct dedupe *dedupe)
{
    return dedupe->end - dedupe->first;
}
