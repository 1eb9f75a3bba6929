// SPDX-License-Identifier: Apache-2.0
#include "histogram.h"

#include "base/random.h"
#include "seed.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>

TestSuite(tool_histogram);

enum { VALUES = 2000 };

static int compare(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static void fill(struct histogram *histogram, struct rill_random *random, uint64_t values[VALUES])
{
    for (size_t i = 0; i < VALUES; i++) {
        values[i] = rill_random_next(random) >> rill_random_below(random, 64);
        histogram_add(histogram, values[i]);
    }
    qsort(values, VALUES, sizeof values[0], compare);
}

// Of any values, a quantile is the sorted list's to within one part in thirty-two, and never below it.
Test(tool_histogram, quantiles_are_those_of_the_sorted_values)
{
    static uint64_t values[VALUES];
    const struct seed_range seeds = seed_range(50);
    for (uint64_t seed = seeds.first; seed <= seeds.last; seed++) {
        struct rill_random random = {seed};
        struct histogram *histogram = calloc(1, sizeof *histogram);
        fill(histogram, &random, values);
        for (unsigned percent = 0; percent < 100; percent++) {
            const uint64_t exact = values[VALUES * percent / 100];
            const uint64_t got = histogram_quantile(histogram, percent / 100.0);
            cr_assert(got >= exact && got - exact <= exact / 32 + 1, "seed %lu, %u %%: %lu, not %lu",
                      (unsigned long)seed, percent, (unsigned long)got, (unsigned long)exact);
        }
        cr_expect(histogram->min_ns == values[0] && histogram->max_ns == values[VALUES - 1]);
        free(histogram);
    }
}

// Two that are merged are one that has seen both.
Test(tool_histogram, merging_is_adding_everything)
{
    static struct histogram a, b, both;
    for (uint64_t i = 1; i < 1000; i++) {
        histogram_add(i % 3 ? &a : &b, i * i);
        histogram_add(&both, i * i);
    }
    histogram_merge(&a, &b);
    cr_expect(memcmp(&a, &both, sizeof a) == 0);
    const struct histogram empty = {0};
    histogram_merge(&a, &empty);
    cr_expect(memcmp(&a, &both, sizeof a) == 0);
}

// The extremes have buckets.
Test(tool_histogram, extremes_are_kept)
{
    static struct histogram histogram;
    histogram_add(&histogram, 0);
    histogram_add(&histogram, UINT64_MAX);
    cr_expect(eq(u64, histogram_quantile(&histogram, 0), 0));
    cr_expect(eq(u64, histogram_quantile(&histogram, 1), UINT64_MAX));
}
