// SPDX-License-Identifier: Apache-2.0
#include "base/deadline.h"

#include "base/random.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

TestSuite(deadline);

enum { DEADLINES = 500, STEPS = 20000 };

static int64_t earliest_of(const struct rill_deadline *all, int count)
{
    int64_t earliest = RILL_NEVER_NS;
    for (int i = 0; i < count; i++)
        if (rill_deadline_armed(&all[i]) && all[i].at_ns < earliest)
            earliest = all[i].at_ns;
    return earliest;
}

// Under random arming, moving and cancelling, the next deadline is always the earliest of all that are armed.
Test(deadline, the_next_one_is_always_the_earliest)
{
    static struct rill_deadline all[DEADLINES];
    struct rill_deadlines heap = {0};
    struct rill_random random = {.state = 7};
    for (int step = 0; step < STEPS; step++) {
        struct rill_deadline *one = &all[rill_random_below(&random, DEADLINES)];
        if (rill_random_chance(&random, 1, 3))
            rill_deadline_cancel(&heap, one);
        else
            rill_deadline_set(&heap, one, (int64_t)rill_random_below(&random, 1000));
        cr_assert(eq(i64, rill_deadlines_next_ns(&heap), earliest_of(all, DEADLINES)), "step %d", step);
    }
    rill_deadlines_fini(&heap);
}

// Due deadlines come out in their order, and none that is not due.
Test(deadline, only_due_ones_are_taken_in_order)
{
    struct rill_deadline a = {.kind = 1}, b = {.kind = 2}, c = {.kind = 3};
    struct rill_deadlines heap = {0};
    rill_deadline_set(&heap, &b, 20);
    rill_deadline_set(&heap, &c, 30);
    rill_deadline_set(&heap, &a, 10);
    cr_expect(rill_deadlines_take_due(&heap, 9) == NULL);
    cr_expect(rill_deadlines_take_due(&heap, 25) == &a);
    cr_expect(rill_deadlines_take_due(&heap, 25) == &b);
    cr_expect(rill_deadlines_take_due(&heap, 25) == NULL);
    cr_expect(rill_deadline_armed(&c) && !rill_deadline_armed(&a));
    rill_deadlines_fini(&heap);
}
