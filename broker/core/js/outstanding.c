// SPDX-License-Identifier: Apache-2.0
#include "outstanding.h"

#include "base/alloc.h"
#include "base/assert.h"

#include <stdlib.h>
#include <utlist.h>

enum { BUCKETS_MIN = 16 };

static uint32_t bucket_of(const struct outstanding_set *set, uint64_t sequence)
{
    // Sequences are nearly consecutive: their low bits spread best.
    return (uint32_t)sequence & (set->bucket_count - 1);
}

void outstanding_fini(struct outstanding_set *set)
{
    struct outstanding *next;
    for (struct outstanding *entry = set->first; entry; entry = next) {
        next = entry->next;
        free(entry);
    }
    for (struct outstanding *entry = set->free; entry; entry = next) {
        next = entry->bucket_next;
        free(entry);
    }
    free(set->buckets);
    *set = (struct outstanding_set){0};
}

struct outstanding *outstanding_find(const struct outstanding_set *set, uint64_t sequence)
{
    if (set->count == 0)
        return NULL;
    struct outstanding *entry = set->buckets[bucket_of(set, sequence)];
    while (entry && entry->sequence != sequence)
        entry = entry->bucket_next;
    return entry;
}

static void put_in_bucket(struct outstanding_set *set, struct outstanding *entry)
{
    struct outstanding **bucket = &set->buckets[bucket_of(set, entry->sequence)];
    entry->bucket_next = *bucket;
    *bucket = entry;
}

static void grow(struct outstanding_set *set)
{
    free(set->buckets);
    set->bucket_count = set->bucket_count ? set->bucket_count * 2 : BUCKETS_MIN;
    set->buckets = rill_alloc_zero(set->bucket_count, sizeof *set->buckets);
    for (struct outstanding *entry = set->first; entry; entry = entry->next)
        put_in_bucket(set, entry);
}

struct outstanding *outstanding_add(struct outstanding_set *set, uint64_t sequence)
{
    RILL_ASSERT(!set->first || set->first->prev->sequence < sequence);
    if (set->count == set->bucket_count)
        grow(set);
    struct outstanding *entry = set->free;
    if (entry)
        set->free = entry->bucket_next;
    else
        entry = rill_alloc_zero(1, sizeof *entry);
    *entry = (struct outstanding){.sequence = sequence};
    DL_APPEND(set->first, entry);
    put_in_bucket(set, entry);
    set->count++;
    return entry;
}

void outstanding_trim(struct outstanding_set *set)
{
    if (set->count == 0)
        outstanding_fini(set);
}

void outstanding_remove(struct outstanding_set *set, struct outstanding *entry)
{
    RILL_ASSERT(set->count > 0 && entry->state == OUTSTANDING_WAITS && !rill_deadline_armed(&entry->due));
    struct outstanding **link = &set->buckets[bucket_of(set, entry->sequence)];
    while (*link != entry)
        link = &(*link)->bucket_next;
    *link = entry->bucket_next;
    DL_DELETE(set->first, entry);
    set->count--;
    entry->bucket_next = set->free;
    set->free = entry;
}
