// SPDX-License-Identifier: Apache-2.0
//
// Binary search in anything that is sorted by a number. Pure; the compiler puts the comparison in place.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Does what stands at this index come before the key? For all up to some index it does, and for none behind. */
typedef bool rill_is_before_fn(const void *sorted, size_t index, uint64_t key);

/* The first index in [from, end) where it does not; `end` when there is none. */
static inline size_t rill_search(const void *sorted, size_t from, size_t end, uint64_t key,
                                 rill_is_before_fn *is_before)
{
    while (from < end) {
        const size_t middle = from + (end - from) / 2;
        if (is_before(sorted, middle, key))
            from = middle + 1;
        else
            end = middle;
    }
    return from;
}
