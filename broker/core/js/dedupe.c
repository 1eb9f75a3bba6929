// SPDX-License-Identifier: Apache-2.0
#include "dedupe.h"

#include "base/alloc.h"
#include "base/assert.h"

#include <stdlib.h>
#include <xxhash.h>

enum { CAPACITY_MIN = 64 };

void dedupe_init(struct dedupe *dedupe, uint64_t seed, int64_t window_ns)
{
    *dedupe = (struct dedupe){.seed = seed, .window_ns = window_ns, .complete_from_ns = INT64_MIN};
}

void dedupe_fini(struct dedupe *dedupe)
{
    free(dedupe->ring);
    free(dedupe->table);
    *dedupe = (struct dedupe){0};
}

static uint32_t table_mask(const struct dedupe *dedupe)
{
    return dedupe->capacity * 2 - 1;
}

static struct dedupe_entry *entry_at(const struct dedupe *dedupe, uint64_t number)
{
    return &dedupe->ring[number & (dedupe->capacity - 1)];
}

static XXH128_hash_t hash_of(const struct dedupe *dedupe, struct rill_bytes id)
{
    return XXH3_128bits_withSeed(id.data, id.len, dedupe->seed);
}

/* Where the hash is in the table, or the empty place where it would be. */
static uint32_t probe(const struct dedupe *dedupe, uint64_t low, uint64_t high)
{
    uint32_t slot = (uint32_t)low & table_mask(dedupe);
    for (; dedupe->table[slot]; slot = (slot + 1) & table_mask(dedupe)) {
        const struct dedupe_entry *entry = &dedupe->ring[dedupe->table[slot] - 1];
        if (entry->hash_low == low && entry->hash_high == high)
            break;
    }
    return slot;
}

static void table_put(struct dedupe *dedupe, uint64_t number)
{
    const struct dedupe_entry *entry = entry_at(dedupe, number);
    const uint32_t slot = probe(dedupe, entry->hash_low, entry->hash_high);
    dedupe->table[slot] = (uint32_t)(number & (dedupe->capacity - 1)) + 1;
}

/* Closes the gap: entries behind it that were pushed past it move up. */
static void table_remove(struct dedupe *dedupe, const struct dedupe_entry *entry)
{
    const uint32_t mask = table_mask(dedupe);
    uint32_t gap = probe(dedupe, entry->hash_low, entry->hash_high);
    RILL_ASSERT(dedupe->table[gap]);
    for (uint32_t slot = (gap + 1) & mask; dedupe->table[slot]; slot = (slot + 1) & mask) {
        const uint32_t home = (uint32_t)dedupe->ring[dedupe->table[slot] - 1].hash_low & mask;
        if (((slot - home) & mask) >= ((slot - gap) & mask)) {
            dedupe->table[gap] = dedupe->table[slot];
            gap = slot;
        }
    }
    dedupe->table[gap] = 0;
}

static void grow(struct dedupe *dedupe)
{
    const struct dedupe old = *dedupe;
    dedupe->capacity = old.capacity ? old.capacity * 2 : CAPACITY_MIN;
    dedupe->ring = rill_alloc_zero(dedupe->capacity, sizeof *dedupe->ring);
    dedupe->table = rill_alloc_zero((size_t)dedupe->capacity * 2, sizeof *dedupe->table);
    for (uint64_t number = old.first; number < old.end; number++) {
        *entry_at(dedupe, number) = *entry_at(&old, number);
        table_put(dedupe, number);
    }
    free(old.ring);
    free(old.table);
}

void dedupe_leave_out(struct dedupe *dedupe, int64_t time_ns)
{
    if (dedupe->complete_from_ns <= time_ns)
        dedupe->complete_from_ns = time_ns + 1;
}

static void drop_oldest(struct dedupe *dedupe)
{
    const struct dedupe_entry *oldest = entry_at(dedupe, dedupe->first);
    dedupe_leave_out(dedupe, oldest->time_ns);
    table_remove(dedupe, oldest);
    dedupe->first++;
}

void dedupe_age(struct dedupe *dedupe, int64_t now_ns)
{
    while (dedupe->first < dedupe->end &&
           now_ns - entry_at(dedupe, dedupe->first)->time_ns >= dedupe->window_ns)
        drop_oldest(dedupe);
}

uint64_t dedupe_find(const struct dedupe *dedupe, struct rill_bytes id)
{
    if (dedupe_count(dedupe) == 0)
        return 0;
    const XXH128_hash_t hash = hash_of(dedupe, id);
    const uint32_t place = dedupe->table[probe(dedupe, hash.low64, hash.high64)];
    return place ? dedupe->ring[place - 1].sequence : 0;
}

bool dedupe_has_room(const struct dedupe *dedupe)
{
    return dedupe_count(dedupe) < DEDUPE_ENTRIES_MAX;
}

void dedupe_add(struct dedupe *dedupe, struct rill_bytes id, uint64_t sequence, int64_t time_ns)
{
    if (!dedupe_has_room(dedupe))
        drop_oldest(dedupe);
    if (dedupe_count(dedupe) == dedupe->capacity)
        grow(dedupe);
    const XXH128_hash_t hash = hash_of(dedupe, id);
    *entry_at(dedupe, dedupe->end) = (struct dedupe_entry){
        .hash_low = hash.low64, .hash_high = hash.high64, .sequence = sequence, .time_ns = time_ns};
    table_put(dedupe, dedupe->end++);
}

void dedupe_take_back(struct dedupe *dedupe, uint64_t last_sequence)
{
    while (dedupe->first < dedupe->end) {
        const struct dedupe_entry *newest = entry_at(dedupe, dedupe->end - 1);
        if (newest->sequence <= last_sequence)
            return;
        table_remove(dedupe, newest);
        dedupe->end--;
    }
}
