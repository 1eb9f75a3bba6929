// SPDX-License-Identifier: Apache-2.0
#include "live_set.h"

#include "base/random.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

TestSuite(live_set);

enum { SEQUENCES = 20000 };

static uint64_t count_of(const bool *there)
{
    uint64_t count = 0;
    for (size_t i = 0; i < SEQUENCES; i++)
        count += there[i];
    return count;
}

// Adding in order, removing anywhere, cutting from the front, gaps between: the count is that of a plain array.
Test(live_set, counts_as_an_array_does)
{
    static bool there[SEQUENCES];
    struct rill_random random = {5};
    struct live_set *set = live_set_create();
    for (uint64_t sequence = 1; sequence < SEQUENCES; sequence += 1 + rill_random_below(&random, 9)) {
        live_set_add(set, sequence);
        there[sequence] = true;
        const uint64_t other = rill_random_below(&random, (uint32_t)sequence + 10);
        live_set_remove(set, other);
        there[other % SEQUENCES] &= other >= SEQUENCES;
        if (rill_random_chance(&random, 1, 500)) {
            live_set_cut(set, other);
            memset(there, 0, other);
        }
        cr_assert(eq(u64, live_set_count(set), count_of(there)), "at %lu", (unsigned long)sequence);
    }
    live_set_cut(set, UINT64_MAX);
    cr_expect(eq(u64, live_set_count(set), 0));
    live_set_destroy(set);
}
