// SPDX-License-Identifier: Apache-2.0
#include "lost.h"

#include "base/random.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

TestSuite(lost);

enum { SEQUENCES = 400 };

static void check(const struct lost *lost, const bool *expected)
{
    uint64_t count = 0;
    for (uint64_t sequence = 1; sequence < SEQUENCES; sequence++) {
        cr_assert(eq(int, lost_has(lost, sequence), expected[sequence]), "sequence %lu",
                  (unsigned long)sequence);
        count += expected[sequence];
    }
    cr_assert(eq(u64, lost->messages, count));
    for (size_t i = 1; i < lost->count; i++)
        cr_assert(lost->ranges[i - 1].last_sequence + 1 < lost->ranges[i].first_sequence,
                  "ranges that touch");
}

// Ranges added in any order are what a set of sequences would be, sorted and with gaps between them.
Test(lost, ranges_are_a_set)
{
    for (uint64_t seed = 1; seed <= 50; seed++) {
        struct rill_random random = {seed};
        struct lost lost = {0};
        bool expected[SEQUENCES] = {0};
        for (int step = 0; step < 60; step++) {
            const uint64_t first = 1 + rill_random_below(&random, SEQUENCES - 20);
            const uint64_t last = first + rill_random_below(&random, 10);
            lost_add(&lost, first, last);
            for (uint64_t sequence = first; sequence <= last; sequence++)
                expected[sequence] = true;
            check(&lost, expected);
        }
        lost_fini(&lost);
    }
}

// The list has a limit; what comes above it makes ranges wider, and nothing lost is ever forgotten.
Test(lost, more_ranges_than_the_limit_grow_together)
{
    struct lost lost = {0};
    for (uint64_t i = 1; i <= LOST_RANGES_MAX + 100; i++)
        lost_add(&lost, i * 10, i * 10 + 1);
    cr_expect(eq(sz, lost.count, LOST_RANGES_MAX));
    for (uint64_t i = 1; i <= LOST_RANGES_MAX + 100; i++)
        cr_assert(lost_has(&lost, i * 10));
    cr_expect(not(lost_has(&lost, 15)));
    lost_fini(&lost);
}
