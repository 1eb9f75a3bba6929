// SPDX-License-Identifier: Apache-2.0
#include "lost.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "base/search.h"

#include <stdlib.h>

void lost_fini(struct lost *lost)
{
    free(lost->ranges);
    *lost = (struct lost){0};
}

static bool ends_before(const void *ranges, size_t index, uint64_t sequence)
{
    return ((const struct rill_store_range *)ranges)[index].last_sequence < sequence;
}

/* The first range that ends at `sequence` or behind it. */
static size_t lost_find(const struct lost *lost, uint64_t sequence)
{
    return rill_search(lost->ranges, 0, lost->count, sequence, ends_before);
}

bool lost_has(const struct lost *lost, uint64_t sequence)
{
    const size_t at = lost_find(lost, sequence);
    return at < lost->count && lost->ranges[at].first_sequence <= sequence;
}

static uint64_t range_size(const struct rill_store_range *range)
{
    return range->last_sequence - range->first_sequence + 1;
}

static void lost_insert(struct lost *lost, size_t at, struct rill_store_range range)
{
    if (lost->count == lost->capacity) {
        lost->capacity = lost->capacity ? lost->capacity * 2 : 8;
        lost->ranges = rill_alloc_resize(lost->ranges, lost->capacity, sizeof lost->ranges[0]);
    }
    memmove(lost->ranges + at + 1, lost->ranges + at, (lost->count - at) * sizeof lost->ranges[0]);
    lost->ranges[at] = range;
    lost->count++;
}

/* Takes ranges [from, to) out and gives what covers them and `range`. */
static struct rill_store_range lost_take(struct lost *lost, size_t from, size_t to,
                                         struct rill_store_range range)
{
    for (size_t i = from; i < to; i++) {
        const struct rill_store_range *one = &lost->ranges[i];
        lost->messages -= range_size(one);
        if (one->first_sequence < range.first_sequence)
            range.first_sequence = one->first_sequence;
        if (one->last_sequence > range.last_sequence)
            range.last_sequence = one->last_sequence;
    }
    if (to < lost->count)
        memmove(lost->ranges + from, lost->ranges + to, (lost->count - to) * sizeof lost->ranges[0]);
    lost->count -= to - from;
    return range;
}

void lost_cut(struct lost *lost, uint64_t first_kept)
{
    size_t gone = 0;
    while (gone < lost->count && lost->ranges[gone].last_sequence < first_kept)
        lost->messages -= range_size(&lost->ranges[gone++]);
    if (gone) {
        memmove(lost->ranges, lost->ranges + gone, (lost->count - gone) * sizeof lost->ranges[0]);
        lost->count -= gone;
    }
    if (lost->count && lost->ranges[0].first_sequence < first_kept) {
        lost->messages -= first_kept - lost->ranges[0].first_sequence;
        lost->ranges[0].first_sequence = first_kept;
    }
}

void lost_remove(struct lost *lost, uint64_t sequence)
{
    const size_t at = lost_find(lost, sequence);
    if (!lost_has(lost, sequence))
        return;
    struct rill_store_range *range = &lost->ranges[at];
    const struct rill_store_range behind = {sequence + 1, range->last_sequence};
    const bool is_front = range->first_sequence == sequence, is_end = range->last_sequence == sequence;
    if (!is_front && !is_end && lost->count == LOST_RANGES_MAX)
        return; // it is told with too many then
    lost->messages--;
    if (is_front && is_end) {
        memmove(range, range + 1, (lost->count - at - 1) * sizeof *range);
        lost->count--;
    } else if (is_front) {
        range->first_sequence++;
    } else {
        range->last_sequence = sequence - 1;
        if (!is_end)
            lost_insert(lost, at + 1, behind);
    }
}

void lost_add(struct lost *lost, uint64_t first, uint64_t last)
{
    RILL_ASSERT(first > 0 && first <= last);
    const size_t from = lost_find(lost, first - 1);
    size_t to = from;
    while (to < lost->count && (last == UINT64_MAX || lost->ranges[to].first_sequence <= last + 1))
        to++;
    struct rill_store_range range = lost_take(lost, from, to, (struct rill_store_range){first, last});
    size_t at = from;
    if (lost->count == LOST_RANGES_MAX) {
        at = from < lost->count ? from : lost->count - 1;
        range = lost_take(lost, at, at + 1, range);
    }
    lost->messages += range_size(&range);
    lost_insert(lost, at, range);
    RILL_ASSERT(lost->count <= LOST_RANGES_MAX);
}

void lost_add_but(struct lost *lost, uint64_t first, uint64_t last, const struct lost *others)
{
    for (size_t at = lost_find(others, first); first <= last; at++) {
        const bool more = at < others->count && others->ranges[at].first_sequence <= last;
        const uint64_t end = more ? others->ranges[at].first_sequence : last + 1;
        if (end > first)
            lost_add(lost, first, end - 1);
        first = more ? others->ranges[at].last_sequence + 1 : last + 1;
    }
}
