// SPDX-License-Identifier: Apache-2.0
//
// The sequences of a stream that damage has taken: sorted, disjoint ranges, at most LOST_RANGES_MAX of them.
// When there are more, the last range swallows what lies between: a stream that is damaged in so many places
// is to be salvaged.
#pragma once

#include "storage/store.h"

enum { LOST_RANGES_MAX = 4096 };

struct lost {
    struct rill_store_range *ranges;
    size_t count;
    size_t capacity;
    uint64_t messages;
};

void lost_fini(struct lost *lost);
/* Adds a range; one that touches or overlaps another grows into it. */
void lost_add(struct lost *lost, uint64_t first, uint64_t last);
/* Forgets what is below: it was purged. */
void lost_cut(struct lost *lost, uint64_t first_kept);
/* Takes one out, if it is there: somebody has deleted it. */
void lost_remove(struct lost *lost, uint64_t sequence);
/* Adds those from `first` to `last` that are not in `others`. */
void lost_add_but(struct lost *lost, uint64_t first, uint64_t last, const struct lost *others);
bool lost_has(const struct lost *lost, uint64_t sequence);
