// SPDX-License-Identifier: Apache-2.0
#include "look.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

enum { NS = 1000 };

static struct look look;

static void setup(void)
{
    look_init(&look, NS);
    look.is_possible = true; // also where there is one processor only
}

TestSuite(look, .init = setup);

// Work that comes close behind work is looked for; what let one sleep for longer is not.
Test(look, begins_after_a_short_sleep)
{
    look_slept(&look, 2 * NS + 1);
    cr_expect(not(look.is_on));
    look_slept(&look, 2 * NS);
    cr_expect(look.is_on);
}

// Where there is one processor, looking would only keep others from what is looked for.
Test(look, never_begins_on_a_single_processor)
{
    look.is_possible = false;
    look_slept(&look, 1);
    cr_expect(not(look.is_on));
}

// The more often it was in vain, the more short sleeps pass before the next one.
Test(look, in_vain_becomes_rare)
{
    for (uint32_t vain = 1; vain <= 4 * LOOK_BACKOFF_MAX; vain *= 2) {
        look_in_vain(&look);
        cr_expect(not(look.is_on));
        cr_expect(eq(u32, look.debt, vain < LOOK_BACKOFF_MAX ? vain : LOOK_BACKOFF_MAX));
    }
    for (int sleeps = 0; sleeps < LOOK_BACKOFF_MAX; sleeps++) {
        look_slept(&look, 1);
        cr_expect(not(look.is_on));
    }
    look_slept(&look, 1);
    cr_expect(look.is_on);
}

// One that found something says that looking pays: what was in vain before is forgotten.
Test(look, that_found_pays_the_debt)
{
    for (int vain = 0; vain < 5; vain++)
        look_in_vain(&look);
    look_found(&look);
    look_in_vain(&look);
    cr_expect(eq(u32, look.debt, 1));
}
