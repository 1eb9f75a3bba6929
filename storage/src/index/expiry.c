// SPDX-License-Identifier: Apache-2.0
#include "expiry.h"

#include "base/assert.h"

#include <stdlib.h>

enum { CAPACITY_FIRST = 16 };

static bool is_earlier(const struct expiry *a, const struct expiry *b)
{
    return a->expire_ns != b->expire_ns ? a->expire_ns < b->expire_ns : a->message < b->message;
}

static bool grow(void **array, uint32_t count, uint32_t *capacity, size_t size)
{
    if (count < *capacity)
        return true;
    const uint32_t more = *capacity ? *capacity * 2 : CAPACITY_FIRST;
    void *grown = more <= UINT32_MAX / 4 ? realloc(*array, more * size) : NULL;
    if (!grown)
        return false;
    *array = grown;
    *capacity = more;
    return true;
}

enum rill_err expiry_add(struct expiry_list *list, const struct expiry *expiry)
{
    if (!grow((void **)&list->listed, list->listed_count, &list->listed_capacity, sizeof *list->listed) ||
        !grow((void **)&list->heap, list->heap_count, &list->heap_capacity, sizeof *list->heap))
        return RILL_ERR_NO_MEMORY;
    list->listed[list->listed_count++] = *expiry;
    uint32_t at = list->heap_count++;
    for (; at > 0 && is_earlier(expiry, &list->heap[(at - 1) / 2]); at = (at - 1) / 2)
        list->heap[at] = list->heap[(at - 1) / 2];
    list->heap[at] = *expiry;
    return RILL_OK;
}

void expiry_fini(struct expiry_list *list)
{
    free(list->listed);
    free(list->heap);
    *list = (struct expiry_list){0};
}

uint64_t expiry_bytes(const struct expiry_list *list)
{
    return ((uint64_t)list->listed_capacity + list->heap_capacity) * sizeof(struct expiry);
}

void expiry_pop(struct expiry_list *list)
{
    RILL_ASSERT(list->heap_count > 0);
    const struct expiry last = list->heap[--list->heap_count];
    uint32_t at = 0;
    for (uint32_t child; (child = 2 * at + 1) < list->heap_count; at = child) {
        if (child + 1 < list->heap_count && is_earlier(&list->heap[child + 1], &list->heap[child]))
            child++;
        if (!is_earlier(&list->heap[child], &last))
            break;
        list->heap[at] = list->heap[child];
    }
    list->heap[at] = last;
}

void expiry_walk_init(struct expiry_walk *walk, const struct expiry_list *list)
{
    *walk = (struct expiry_walk){.list = list};
}

void expiry_walk_fini(struct expiry_walk *walk)
{
    free(walk->places);
}

/* Before the first step nothing is allocated, and the next one is the top of the heap. */
bool expiry_walk_top(const struct expiry_walk *walk, struct expiry *ret)
{
    if (walk->places ? !walk->count : !walk->list->heap_count)
        return false;
    *ret = walk->list->heap[walk->places ? walk->places[0] : 0];
    return true;
}

static bool place_is_earlier(const struct expiry_walk *walk, uint32_t a, uint32_t b)
{
    return is_earlier(&walk->list->heap[a], &walk->list->heap[b]);
}

static void place_add(struct expiry_walk *walk, uint32_t place)
{
    if (place >= walk->list->heap_count)
        return;
    uint32_t at = walk->count++;
    for (; at > 0 && place_is_earlier(walk, place, walk->places[(at - 1) / 2]); at = (at - 1) / 2)
        walk->places[at] = walk->places[(at - 1) / 2];
    walk->places[at] = place;
}

static uint32_t place_pop(struct expiry_walk *walk)
{
    const uint32_t top = walk->places[0], last = walk->places[--walk->count];
    uint32_t at = 0;
    for (uint32_t child; (child = 2 * at + 1) < walk->count; at = child) {
        if (child + 1 < walk->count && place_is_earlier(walk, walk->places[child + 1], walk->places[child]))
            child++;
        if (!place_is_earlier(walk, walk->places[child], last))
            break;
        walk->places[at] = walk->places[child];
    }
    walk->places[at] = last;
    return top;
}

enum rill_err expiry_walk_step(struct expiry_walk *walk)
{
    const bool is_first = !walk->places;
    // Takes one out and puts two in: room for one more is needed, and for one that the pop has not left yet.
    if (!grow((void **)&walk->places, walk->count + 1, &walk->capacity, sizeof *walk->places))
        return RILL_ERR_NO_MEMORY;
    RILL_ASSERT(is_first || walk->count > 0);
    const uint32_t top = is_first ? 0 : place_pop(walk);
    place_add(walk, 2 * top + 1);
    place_add(walk, 2 * top + 2);
    return RILL_OK;
}
