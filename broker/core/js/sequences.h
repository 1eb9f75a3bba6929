// SPDX-License-Identifier: Apache-2.0
//
// A list of sequences that grows. Owned by whatever it is embedded in.
#pragma once

#include "base/alloc.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

struct sequences {
    uint64_t *items;
    size_t count;
    size_t capacity;
};

static inline void sequences_fini(struct sequences *list)
{
    free(list->items);
    *list = (struct sequences){0};
}

static inline void sequences_add(struct sequences *list, uint64_t sequence)
{
    if (list->count == list->capacity) {
        list->capacity = list->capacity ? list->capacity * 2 : 64;
        list->items = rill_alloc_resize(list->items, list->capacity, sizeof *list->items);
    }
    list->items[list->count++] = sequence;
}

/* All of `from` go to the end of `to`. */
static inline void sequences_move(struct sequences *to, struct sequences *from)
{
    for (size_t i = 0; i < from->count; i++)
        sequences_add(to, from->items[i]);
    from->count = 0;
}

static inline int sequences_compare(const void *a, const void *b)
{
    const uint64_t *first = a;
    const uint64_t *second = b;
    return (*first > *second) - (*first < *second);
}

static inline void sequences_sort(struct sequences *list)
{
    if (list->count > 1)
        qsort(list->items, list->count, sizeof *list->items, sequences_compare);
}
