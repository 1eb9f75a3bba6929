// SPDX-License-Identifier: Apache-2.0
#include "id_set.h"

#include "base/assert.h"

#include <stdlib.h>
#include <xxhash.h>

enum { SLOTS_FIRST = 64 };

struct id_hash id_hash_of(const uint8_t *identity, size_t identity_bytes, struct rill_bytes id)
{
    const XXH128_hash_t hash = XXH3_128bits_withSeed(id.data, id.len, XXH3_64bits(identity, identity_bytes));
    return (struct id_hash){hash.high64, hash.low64};
}

int id_hash_compare(const struct id_hash *a, const struct id_hash *b)
{
    // As SQLite compares the columns: with a sign.
    if (a->high != b->high)
        return (int64_t)a->high < (int64_t)b->high ? -1 : 1;
    return a->low == b->low ? 0 : (int64_t)a->low < (int64_t)b->low ? -1 : 1;
}

void id_set_fini(struct id_set *set)
{
    free(set->entries);
    free(set->slots);
    *set = (struct id_set){0};
}

uint64_t id_set_bytes(const struct id_set *set)
{
    return (uint64_t)set->capacity * sizeof set->entries[0] +
           (uint64_t)set->slot_count * sizeof set->slots[0];
}

static uint32_t *slot_of(const struct id_set *set, const struct id_hash *hash)
{
    for (uint64_t i = hash->low;; i++) {
        uint32_t *slot = &set->slots[i & (set->slot_count - 1)];
        if (!*slot || id_hash_compare(&set->entries[*slot - 1].hash, hash) == 0)
            return slot;
    }
}

static bool rehash(struct id_set *set)
{
    const uint32_t more = set->slot_count ? set->slot_count * 2 : SLOTS_FIRST;
    uint32_t *slots = calloc(more, sizeof *slots);
    if (!slots)
        return false;
    free(set->slots);
    set->slots = slots;
    set->slot_count = more;
    for (uint32_t i = 0; i < set->count; i++)
        *slot_of(set, &set->entries[i].hash) = i + 1;
    return true;
}

static bool has_room(struct id_set *set)
{
    if (set->count >= set->slot_count / 2 && !rehash(set))
        return false;
    if (set->count < set->capacity)
        return true;
    const uint32_t more = set->capacity ? set->capacity * 2 : SLOTS_FIRST / 2;
    struct id_entry *grown = more <= UINT32_MAX / 4 ? realloc(set->entries, more * sizeof *grown) : NULL;
    if (!grown)
        return false;
    set->entries = grown;
    set->capacity = more;
    return true;
}

enum rill_err id_set_put(struct id_set *set, const struct id_entry *entry)
{
    if (!has_room(set))
        return RILL_ERR_NO_MEMORY;
    uint32_t *slot = slot_of(set, &entry->hash);
    if (!*slot)
        *slot = ++set->count;
    RILL_ASSERT(*slot == set->count || set->entries[*slot - 1].sequence <= entry->sequence);
    set->entries[*slot - 1] = *entry;
    return RILL_OK;
}

const struct id_entry *id_set_find(const struct id_set *set, const struct id_hash *hash)
{
    if (!set->count)
        return NULL;
    const uint32_t slot = *slot_of(set, hash);
    return slot ? &set->entries[slot - 1] : NULL;
}
