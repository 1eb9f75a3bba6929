// SPDX-License-Identifier: Apache-2.0
//
// Which messages of a block were removed one by one: two bits for each, made when the first one goes. "Open"
// is how it stands behind everything appended, "committed" how it stands for readers. A message that is removed
// in the committed plane is so in the open one.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum live_plane { LIVE_OPEN, LIVE_COMMITTED };

struct live_map {
    uint32_t words;  // of each plane
    uint64_t bits[]; // word i of the open plane, word i of the committed one, and so on
};

static inline bool live_is_gone(const struct live_map *map, uint32_t index, enum live_plane plane)
{
    return map && index / 64 < map->words && (map->bits[index / 64 * 2 + plane] >> index % 64 & 1);
}

/* Marks a message as removed in the open plane. */
void live_remove(struct live_map **map, uint32_t index);
/* The removals in the open plane from `first` to `last` hold for readers too. */
void live_commit(struct live_map *map, uint32_t first, uint32_t last);
/* Takes back those from `first` to `last` that are not committed. Returns how many. */
uint32_t live_restore(struct live_map *map, uint32_t first, uint32_t last);
/* How many are removed. */
uint32_t live_count(const struct live_map *map, enum live_plane plane);
/* How many of the first `count` are removed. */
uint32_t live_count_to(const struct live_map *map, uint32_t count, enum live_plane plane);
/* The first message from `index` on that is not removed; `count` when there is none. */
uint32_t live_next(const struct live_map *map, uint32_t index, uint32_t count, enum live_plane plane);
