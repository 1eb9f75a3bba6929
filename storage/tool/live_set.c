// SPDX-License-Identifier: Apache-2.0
#include "live_set.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "base/search.h"

#include <stdlib.h>

enum { CHUNK_SEQUENCES = 4096, CHUNK_WORDS = CHUNK_SEQUENCES / 64 };

struct chunk {
    uint64_t number; // sequence / CHUNK_SEQUENCES
    uint32_t count;
    uint64_t words[CHUNK_WORDS];
};

struct live_set {
    struct chunk *chunks; // in order
    size_t first;         // those before it are empty
    size_t chunk_count;
    size_t chunk_capacity;
    uint64_t count;
};

struct live_set *live_set_create(void)
{
    return rill_alloc_zero(1, sizeof(struct live_set));
}

void live_set_destroy(struct live_set *set)
{
    if (!set)
        return;
    free(set->chunks);
    free(set);
}

static struct chunk *last_chunk(struct live_set *set, uint64_t number)
{
    if (set->chunk_count && set->chunks[set->chunk_count - 1].number == number)
        return &set->chunks[set->chunk_count - 1];
    RILL_ASSERT(!set->chunk_count || set->chunks[set->chunk_count - 1].number < number);
    if (set->chunk_count == set->chunk_capacity) {
        set->chunk_capacity = set->chunk_capacity ? set->chunk_capacity * 2 : 16;
        set->chunks = rill_alloc_resize(set->chunks, set->chunk_capacity, sizeof set->chunks[0]);
    }
    set->chunks[set->chunk_count] = (struct chunk){.number = number};
    return &set->chunks[set->chunk_count++];
}

void live_set_add(struct live_set *set, uint64_t sequence)
{
    struct chunk *chunk = last_chunk(set, sequence / CHUNK_SEQUENCES);
    const uint64_t bit = sequence % CHUNK_SEQUENCES;
    RILL_ASSERT(!(chunk->words[bit / 64] >> bit % 64)); // ascending
    chunk->words[bit / 64] |= UINT64_C(1) << bit % 64;
    chunk->count++;
    set->count++;
}

static bool has_lower_number(const void *chunks, size_t index, uint64_t number)
{
    return ((const struct chunk *)chunks)[index].number < number;
}

/* The first chunk with this number or a higher one. */
static size_t find_chunk(const struct live_set *set, uint64_t number)
{
    return rill_search(set->chunks, set->first, set->chunk_count, number, has_lower_number);
}

static void chunk_remove(struct live_set *set, struct chunk *chunk, uint64_t bit)
{
    const uint64_t mask = UINT64_C(1) << bit % 64;
    const uint32_t there = (chunk->words[bit / 64] & mask) != 0;
    chunk->words[bit / 64] &= ~mask;
    chunk->count -= there;
    set->count -= there;
}

void live_set_remove(struct live_set *set, uint64_t sequence)
{
    const uint64_t number = sequence / CHUNK_SEQUENCES;
    const size_t at = find_chunk(set, number);
    if (at < set->chunk_count && set->chunks[at].number == number)
        chunk_remove(set, &set->chunks[at], sequence % CHUNK_SEQUENCES);
}

void live_set_cut(struct live_set *set, uint64_t first_kept)
{
    const uint64_t number = first_kept / CHUNK_SEQUENCES;
    const size_t at = find_chunk(set, number);
    for (; set->first < at; set->first++)
        set->count -= set->chunks[set->first].count;
    if (at == set->chunk_count || set->chunks[at].number != number)
        return;
    for (uint64_t bit = 0; bit < first_kept % CHUNK_SEQUENCES; bit++)
        chunk_remove(set, &set->chunks[at], bit);
}

uint64_t live_set_count(const struct live_set *set)
{
    return set->count;
}
