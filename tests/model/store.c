// SPDX-License-Identifier: Apache-2.0
//
// Stores against an array. Random appends, deletes, purges, commits that stay in flight for a while, questions of all
// kinds, work in the background, limits, and lives that end: closed, killed, or without power. Every answer is that of
// the array.
#include "seed.h"
#include "store_model.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

TestSuite(store_model, .timeout = 280);

enum { STEPS = 1500 };

static void append_some(struct model *model)
{
    for (uint32_t count = model_below(model, 20); count; count--)
        model_append(model);
}

static void read_any(struct model *model)
{
    model_read(model, model_below(model, (uint32_t)model->oracle.last[OPEN] + 3));
}

static void end_life(struct model *model)
{
    if (model_below(model, 3))
        return;
    if (model_below(model, 2))
        model_reopen(model);
    else
        model_crash(model);
}

/* How often of a thousand. */
static const struct {
    uint32_t chance;
    void (*step)(struct model *model);
} table[] = {
    {370, append_some},         {150, model_delete},    {10, model_purge},
    {10, model_purge_matching}, {8, model_expire},      {2, model_set_limits},
    {180, model_commit_step},   {40, model_query_time}, {50, model_query_filter},
    {20, model_query_subjects}, {30, model_query_seen}, {50, read_any},
    {10, model_query_deleted},  {20, model_background}, {20, end_life},
    {30, model_newest},
};

static void step(struct model *model)
{
    uint32_t what = model_below(model, 1000);
    size_t i = 0;
    for (; what >= table[i].chance; i++)
        what -= table[i].chance;
    model_arm(model);
    table[i].step(model);
    model_expect_state(model);
}

static void run(struct model *model, uint64_t seed, bool has_faults)
{
    printf("# seed %lu\n", seed);
    (void)fflush(stdout);
    model_init(model, seed, has_faults);
    for (int i = 0; i < STEPS; i++)
        step(model);
    (void)model_disarm(model);
    model_reopen(model);
    model_expect_state(model);
    for (uint64_t sequence = 0; sequence <= model->oracle.last[OPEN] + 1; sequence++)
        model_read(model, sequence);
    model_query_deleted(model);
    model_fini(model);
}

// Whatever is asked of them, on whatever disk they lie, stores answer as the array does.
Test(store_model, all_stores_answer_as_the_array_does)
{
    const struct seed_range seeds = seed_range(10);
    for (uint64_t seed = seeds.first; seed <= seeds.last; seed++) {
        struct model model;
        run(&model, seed, false);
        cr_assert(eq(int, model.unavailable > 0, !model.has_index), "seed %lu", seed);
    }
}

// On a disk that is full now and then, or fails, an operation is done or refused, and answers are right or an error: nothing
// that was committed is lost, and nothing is there that was refused.
Test(store_model, a_store_on_a_failing_disk_answers_as_the_array_does)
{
    const struct seed_range seeds = seed_range(20);
    uint64_t refused = 0, ended = 0, mended = 0;
    for (uint64_t seed = seeds.first; seed <= seeds.last; seed++) {
        struct model model;
        run(&model, seed, true);
        refused += model.refused;
        ended += model.ended;
        mended += model.mended;
        cr_assert(model.unavailable < model.asked * 2 / 3 || !model.has_index, "seed %lu: %lu of %lu", seed,
                  model.unavailable, model.asked);
    }
    cr_expect(refused >= seeds.last - seeds.first, "%lu commits were refused", refused);
    cr_expect(mended >= seeds.last - seeds.first, "%lu indexes were mended", mended);
    cr_expect(ended >= seeds.last - seeds.first, "%lu stores became read-only", ended);
}
