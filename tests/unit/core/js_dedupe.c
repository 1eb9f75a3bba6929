// SPDX-License-Identifier: Apache-2.0
#include "dedupe.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

static struct rill_bytes id_of(uint64_t number, char text[32])
{
    return rill_bytes_of(text, (size_t)snprintf(text, 32, "id-%llu", (unsigned long long)number));
}

// Every id of the window is found with its sequence, no other one is.
Test(dedupe, finds_what_is_in_the_window)
{
    struct dedupe dedupe;
    char text[32];
    dedupe_init(&dedupe, 1, 1000);
    for (uint64_t i = 1; i <= 5000; i++)
        dedupe_add(&dedupe, id_of(i, text), i * 2, 0);
    for (uint64_t i = 1; i <= 5000; i++)
        cr_assert(eq(u64, dedupe_find(&dedupe, id_of(i, text)), i * 2));
    cr_expect(eq(u64, dedupe_find(&dedupe, id_of(5001, text)), 0));
    dedupe_fini(&dedupe);
}

// An id is forgotten when its window is over, not before; the others stay findable in the holes that it leaves.
Test(dedupe, forgets_what_is_older_than_the_window)
{
    struct dedupe dedupe;
    char text[32];
    dedupe_init(&dedupe, 2, 100);
    for (uint64_t i = 1; i <= 3000; i++) {
        dedupe_age(&dedupe, (int64_t)i);
        dedupe_add(&dedupe, id_of(i, text), i, (int64_t)i);
        cr_assert(le(u64, dedupe_count(&dedupe), 100));
        for (uint64_t old = i > 150 ? i - 150 : 1; old <= i; old++)
            cr_assert(eq(u64, dedupe_find(&dedupe, id_of(old, text)), old + 100 > i ? old : 0));
    }
    dedupe_fini(&dedupe);
}

// What was not committed is taken back, and its ids are free again.
Test(dedupe, takes_back_from_the_end)
{
    struct dedupe dedupe;
    char text[32];
    dedupe_init(&dedupe, 3, 1000);
    for (uint64_t i = 1; i <= 200; i++)
        dedupe_add(&dedupe, id_of(i, text), i, 0);
    dedupe_take_back(&dedupe, 120);
    cr_expect(eq(u64, dedupe_count(&dedupe), 120));
    for (uint64_t i = 1; i <= 200; i++)
        cr_assert(eq(u64, dedupe_find(&dedupe, id_of(i, text)), i <= 120 ? i : 0));
    dedupe_take_back(&dedupe, 0);
    cr_expect(eq(u64, dedupe_count(&dedupe), 0));
    dedupe_fini(&dedupe);
}

// One id more than there is room for takes the place of the oldest, and it is said from when on nothing is missing.
Test(dedupe, says_from_when_on_it_is_complete)
{
    struct dedupe dedupe;
    char text[32];
    dedupe_init(&dedupe, 4, INT64_MAX);
    for (uint64_t i = 1; i <= DEDUPE_ENTRIES_MAX; i++)
        dedupe_add(&dedupe, id_of(i, text), i, (int64_t)i);
    cr_expect(not(dedupe_has_room(&dedupe)));
    cr_expect(eq(i64, dedupe.complete_from_ns, INT64_MIN));
    dedupe_add(&dedupe, id_of(DEDUPE_ENTRIES_MAX + 1, text), DEDUPE_ENTRIES_MAX + 1, DEDUPE_ENTRIES_MAX + 1);
    cr_expect(eq(i64, dedupe.complete_from_ns, 2));
    cr_expect(eq(u64, dedupe_find(&dedupe, id_of(1, text)), 0));
    cr_expect(eq(u64, dedupe_find(&dedupe, id_of(2, text)), 2));
    dedupe_leave_out(&dedupe, 7);
    cr_expect(eq(i64, dedupe.complete_from_ns, 8));
    dedupe_fini(&dedupe);
}
