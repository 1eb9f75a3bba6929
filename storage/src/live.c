// SPDX-License-Identifier: Apache-2.0
#include "live.h"

#include "base/alloc.h"
#include "base/assert.h"

#include <string.h>

static void map_grow(struct live_map **map, uint32_t words)
{
    const uint32_t have = *map ? (*map)->words : 0;
    if (words <= have)
        return;
    struct live_map *grown =
        rill_alloc_resize(*map, 1, sizeof *grown + (size_t)words * 2 * sizeof grown->bits[0]);
    memset(grown->bits + (size_t)have * 2, 0, (size_t)(words - have) * 2 * sizeof grown->bits[0]);
    grown->words = words;
    *map = grown;
}

void live_remove(struct live_map **map, uint32_t index)
{
    map_grow(map, index / 64 + 1);
    (*map)->bits[index / 64 * 2 + LIVE_OPEN] |= UINT64_C(1) << index % 64;
}

void live_commit(struct live_map *map, uint32_t first, uint32_t last)
{
    RILL_ASSERT(map && first <= last && last / 64 < map->words);
    for (uint32_t i = first; i <= last; i++)
        map->bits[i / 64 * 2 + LIVE_COMMITTED] |= map->bits[i / 64 * 2 + LIVE_OPEN] & UINT64_C(1) << i % 64;
}

uint32_t live_restore(struct live_map *map, uint32_t first, uint32_t last)
{
    RILL_ASSERT(map && first <= last && last / 64 < map->words);
    uint32_t restored = 0;
    for (uint32_t i = first; i <= last; i++) {
        if (!live_is_gone(map, i, LIVE_OPEN) || live_is_gone(map, i, LIVE_COMMITTED))
            continue;
        map->bits[i / 64 * 2 + LIVE_OPEN] &= ~(UINT64_C(1) << i % 64);
        restored++;
    }
    return restored;
}

uint32_t live_next(const struct live_map *map, uint32_t index, uint32_t count, enum live_plane plane)
{
    while (index < count && map && index / 64 < map->words) {
        const uint64_t left = ~map->bits[index / 64 * 2 + plane] >> index % 64;
        if (left) {
            index += (uint32_t)__builtin_ctzll(left);
            break;
        }
        index = (index / 64 + 1) * 64;
    }
    return index < count ? index : count;
}

uint32_t live_count(const struct live_map *map, enum live_plane plane)
{
    uint32_t count = 0;
    for (uint32_t i = 0; map && i < map->words; i++)
        count += (uint32_t)__builtin_popcountll(map->bits[i * 2 + plane]);
    return count;
}

uint32_t live_count_to(const struct live_map *map, uint32_t count, enum live_plane plane)
{
    uint32_t gone = 0;
    for (uint32_t i = 0; map && i < map->words && i * 64 < count; i++) {
        const uint64_t mask = count - i * 64 < 64 ? (UINT64_C(1) << (count - i * 64)) - 1 : UINT64_MAX;
        gone += (uint32_t)__builtin_popcountll(map->bits[i * 2 + plane] & mask);
    }
    return gone;
}
