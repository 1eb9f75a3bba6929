// SPDX-License-Identifier: Apache-2.0
#include "closed_conns.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

TestSuite(closed_conns);

// The newest comes first, and beyond the maximum the oldest is forgotten.
Test(closed_conns, only_the_last_ones_are_remembered_newest_first)
{
    struct closed_conns all = {0};
    for (uint64_t id = 1; id <= CLOSED_CONNS_MAX + 10; id++) {
        const struct closed_conn closed = {.id = id, .name = strdup("orders")};
        closed_conns_add(&all, &closed);
        cr_assert(eq(u64, closed_conns_at(&all, 0)->id, id));
    }
    cr_expect(eq(u32, all.count, CLOSED_CONNS_MAX));
    cr_expect(eq(u64, closed_conns_at(&all, CLOSED_CONNS_MAX - 1)->id, 11));
    closed_conns_fini(&all);
}
