// SPDX-License-Identifier: Apache-2.0
#include "live.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>

TestSuite(live);

// A removal shows in the open plane at once, in the committed one when it is committed.
Test(live, the_planes_are_apart_until_the_commit)
{
    struct live_map *map = NULL;
    cr_expect(not(live_is_gone(map, 70, LIVE_OPEN)), "no map: nothing is gone");
    live_remove(&map, 70);
    cr_expect(live_is_gone(map, 70, LIVE_OPEN));
    cr_expect(not(live_is_gone(map, 70, LIVE_COMMITTED)));
    live_commit(map, 60, 80);
    cr_expect(live_is_gone(map, 70, LIVE_COMMITTED));
    cr_expect(not(live_is_gone(map, 69, LIVE_COMMITTED)), "was not removed");
    free(map);
}

// Taking back leaves what is committed.
Test(live, only_what_is_not_committed_is_restored)
{
    struct live_map *map = NULL;
    live_remove(&map, 3);
    live_commit(map, 3, 3);
    live_remove(&map, 4);
    cr_expect(eq(u32, live_restore(map, 0, 10), 1));
    cr_expect(live_is_gone(map, 3, LIVE_OPEN));
    cr_expect(not(live_is_gone(map, 4, LIVE_OPEN)));
    free(map);
}

// The next live message is found over words that are full, and beyond the map.
Test(live, next_skips_all_that_is_gone)
{
    struct live_map *map = NULL;
    cr_expect(eq(u32, live_next(NULL, 7, 9, LIVE_OPEN), 7));
    for (uint32_t i = 10; i < 200; i++)
        live_remove(&map, i);
    cr_expect(eq(u32, live_next(map, 5, 300, LIVE_OPEN), 5));
    cr_expect(eq(u32, live_next(map, 10, 300, LIVE_OPEN), 200));
    cr_expect(eq(u32, live_next(map, 10, 150, LIVE_OPEN), 150), "there is none");
    cr_expect(eq(u32, live_next(map, 10, 300, LIVE_COMMITTED), 10));
    free(map);
}
