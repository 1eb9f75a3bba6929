// SPDX-License-Identifier: Apache-2.0
#include "closed_conns.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

TestSuite(closed_conns);

// The newest comes first, and beyond the maximum the oldest is forgotten.
Test(closed_conns, only_the_last_ones_are_remembered_newest_first)
{
    enum { MAX = 100 };
    struct closed_conns all = {.count_max = MAX};
    for (uint64_t id = 1; id <= MAX + 10; id++) {
        const struct closed_conn closed = {.id = id, .name = strdup("orders")};
        closed_conns_add(&all, &closed);
        cr_assert(eq(u64, closed_conns_at(&all, 0)->id, id));
    }
    cr_expect(eq(u32, all.count, MAX));
    cr_expect(eq(u64, closed_conns_at(&all, MAX - 1)->id, 11));
    closed_conns_fini(&all);
}

// With a smaller maximum the newest stay; with none nothing is remembered.
Test(closed_conns, a_smaller_maximum_keeps_the_newest)
{
    struct closed_conns all = {.count_max = 10};
    for (uint64_t id = 1; id <= 25; id++) {
        const struct closed_conn closed = {.id = id, .name = strdup("orders")};
        closed_conns_add(&all, &closed);
    }
    closed_conns_set_max(&all, 3);
    cr_expect(eq(u32, all.count, 3));
    cr_expect(eq(u64, closed_conns_at(&all, 0)->id, 25));
    cr_expect(eq(u64, closed_conns_at(&all, 2)->id, 23));
    closed_conns_set_max(&all, 0);
    const struct closed_conn closed = {.id = 26, .name = strdup("orders")};
    closed_conns_add(&all, &closed);
    cr_expect(eq(u32, all.count, 0));
    closed_conns_fini(&all);
}
