// SPDX-License-Identifier: Apache-2.0
//
// The durable path through the wire, on a disk that loses power. durable_world.h says what is promised.
// RILL_SIM_LOG=1 shows the broker's log; seeds are chosen as seed.h says.
#include "durable_world.h"
#include "seed.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <inttypes.h>
#include <stdlib.h>

enum { SEEDS = 300, SEEDS_LONG = 10000, CRASHES_MAX = 5, OPERATIONS_BETWEEN_MAX = 80 };

static uint64_t operations_of_a_calm_life(uint64_t seed)
{
    struct world world;
    world_create(&world, seed, true);
    cr_assert(world_live(&world));
    cr_assert(eq(str, world.failure, ""));
    const uint64_t operations = sim_disk_operations(world.disk);
    world_destroy(&world);
    return operations;
}

static void crash_once_at(uint64_t seed, uint64_t operation, bool only_killed)
{
    struct world world;
    world_create(&world, seed, true);
    sim_disk_crash_at(world.disk, operation);
    while (!world_live(&world))
        world_crash_and_restart(&world, only_killed);
    cr_assert(eq(str, world.failure, ""), "seed %" PRIu64 ", crash at operation %" PRIu64 "%s", seed,
              operation, only_killed ? ", killed" : "");
    cr_assert(eq(u64, world.crashes, 1));
    world_destroy(&world);
}

// Wherever the power goes in a life, what was promised is kept.
Test(durable, survives_a_crash_at_every_operation_of_the_disk)
{
    const uint64_t seed = seed_range(1).first;
    const uint64_t operations = operations_of_a_calm_life(seed);
    cr_log_info("%" PRIu64 " operations", operations);
    cr_assert(gt(u64, operations, 50));
    // The last ones belong to the graceful end, when nobody is there any more.
    for (uint64_t operation = 1; operation <= operations; operation++) {
        crash_once_at(seed, operation, false);
        crash_once_at(seed, operation, true);
    }
}

static void plan_crash(struct world *world)
{
    const uint64_t operation = 1 + rill_random_below(&world->random, OPERATIONS_BETWEEN_MAX);
    sim_disk_crash_at(world->disk, world->crashes < CRASHES_MAX ? operation : 0);
}

struct totals {
    uint64_t crashes;
    uint64_t redeliveries;
    uint64_t refusals;
    uint64_t full_times;
};

static void live_with_crashes(uint64_t seed, struct totals *totals)
{
    struct world world;
    world_create(&world, seed, false);
    plan_crash(&world);
    while (!world_live(&world)) {
        world_crash_and_restart(&world, rill_random_chance(&world.random, 1, 3));
        plan_crash(&world);
    }
    cr_assert(eq(str, world.failure, ""), "RILL_SEED=%" PRIu64, seed);
    totals->crashes += world.crashes;
    totals->redeliveries += world.redeliveries;
    totals->refusals += world.refusals;
    totals->full_times += world.full_times;
    world_destroy(&world);
}

// Several crashes in one life, with bytes cut and jobs brought back at random.
Test(durable, survives_random_crashes_in_random_schedules)
{
    const struct seed_range seeds = seed_range_long(SEEDS, SEEDS_LONG);
    const uint64_t count = seeds.last - seeds.first + 1;
    struct totals totals = {0};
    for (uint64_t seed = seeds.first; seed <= seeds.last; seed++)
        live_with_crashes(seed, &totals);
    cr_log_info("%" PRIu64 " seeds: %" PRIu64 " crashes, %" PRIu64 " times full, %" PRIu64
                " publishes refused, %" PRIu64 " redeliveries",
                count, totals.crashes, totals.full_times, totals.refusals, totals.redeliveries);
    // The worlds do what they are made for.
    cr_expect(count < SEEDS || totals.crashes > count);
    cr_expect(count < SEEDS || totals.redeliveries > count);
    cr_expect(count < SEEDS || totals.refusals > 0);
}
