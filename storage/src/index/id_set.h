// SPDX-License-Identifier: Apache-2.0
//
// The message ids of a batch. An id is known by 128 bits of XXH3 over its text, seeded with the stream's identity:
// two texts that share them do not happen by chance (one in 10^20 for a window of a billion ids), and who wants to
// make two that do would have to know the identity. So neither memory nor file grow with the length of ids.
#pragma once

#include "base/bytes.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct id_hash {
    uint64_t high, low;
};

struct id_entry {
    struct id_hash hash;
    uint64_t sequence; // of the newest message with this id
    int64_t time_ns;
};

struct id_set {
    struct id_entry *entries; // in the order of their first message
    uint32_t count, capacity;
    uint32_t *slots; // hash table of indexes in entries[] + 1
    uint32_t slot_count;
};

struct id_hash id_hash_of(const uint8_t *identity, size_t identity_bytes, struct rill_bytes id);
int id_hash_compare(const struct id_hash *a, const struct id_hash *b);

void id_set_fini(struct id_set *set);
uint64_t id_set_bytes(const struct id_set *set);
/* Takes the place of an older one with this hash. NO_MEMORY: nothing happened. */
enum rill_err id_set_put(struct id_set *set, const struct id_entry *entry) RILL_MUST_CHECK;
/* NULL when it is not there; lives until the next put. */
const struct id_entry *id_set_find(const struct id_set *set, const struct id_hash *hash);
