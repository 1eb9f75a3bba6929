// SPDX-License-Identifier: Apache-2.0
#include "base/search.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

static const uint64_t sorted[] = {2, 3, 3, 5, 8, 13, UINT64_MAX};

enum { COUNT = sizeof sorted / sizeof sorted[0] };

static bool is_below(const void *numbers, size_t index, uint64_t key)
{
    return ((const uint64_t *)numbers)[index] < key;
}

static size_t first_from(size_t from, size_t end, uint64_t key)
{
    while (from < end && sorted[from] < key)
        from++;
    return from;
}

// It finds what looking at one after the other finds, in each part and for each key.
Test(search, finds_the_first_that_is_not_before_the_key)
{
    for (size_t from = 0; from <= COUNT; from++) {
        for (size_t end = from; end <= COUNT; end++) {
            for (uint64_t key = 0; key < 16; key++)
                cr_expect(eq(sz, rill_search(sorted, from, end, key, is_below), first_from(from, end, key)),
                          "[%zu, %zu), %lu", from, end, (unsigned long)key);
        }
    }
}

// Where everything comes before the key, it answers with the end.
Test(search, answers_with_the_end_when_there_is_none)
{
    cr_expect(eq(sz, rill_search(sorted, 0, COUNT - 1, UINT64_MAX, is_below), COUNT - 1));
    cr_expect(eq(sz, rill_search(NULL, 0, 0, 1, is_below), 0));
}
