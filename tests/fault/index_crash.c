// SPDX-License-Identifier: Apache-2.0
//
// Power cuts under the index on the simulated disk, at every operation of a random story.
#include "index_story.h"
#include "seed.h"
#include "sim_disk.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

TestSuite(index_crash, .timeout = 280);

enum { EVENTS = 160, SEEDS = 1, ANSWERS_BYTES = 4 << 20 };

struct life {
    struct story story;
    struct rill_disk *disk;
    struct rill_index *index;
    struct rill_index_position position;
    enum rill_index_found found;
    uint64_t seed, crash_at;
    bool is_made; // a job has finished
};

static enum rill_err open_index(struct life *life)
{
    const struct rill_index_options options = story_options(life->disk);
    struct rill_error_text why;
    return rill_index_open(&options, &life->index, &life->found, &life->position, &why);
}

/* Lives until the end of the story or of the power; how many events were told. */
static size_t live(struct life *life)
{
    size_t told = 0;
    life->index = NULL;
    enum rill_err err = open_index(life);
    life->is_made = false;
    for (; !err && told < life->story.count; told++) {
        err = story_play(&life->story, life->index, told, told + 1, true);
        life->is_made = life->is_made || (!err && life->story.events[told].kind == STORY_JOB);
    }
    cr_assert(err == RILL_OK || sim_disk_is_off(life->disk), "seed %lu, crash at %lu: failed by itself: %s",
              life->seed, life->crash_at, rill_err_text(err));
    rill_index_close(life->index);
    return told;
}

static void expect_right(struct life *life, size_t told)
{
    struct rill_buf want, got;
    rill_buf_init(&want, ANSWERS_BYTES);
    rill_buf_init(&got, ANSWERS_BYTES);
    story_right_answers(&life->story, told, &want);
    const enum rill_err err = story_answers(life->index, &life->story, told, &got);
    cr_assert(eq(int, err, RILL_OK), "seed %lu, crash at %lu", life->seed, life->crash_at);
    const size_t at = story_difference(&want, &got);
    cr_assert(eq(sz, at, want.len), "seed %lu, crash at %lu, block %lu: want %.30s, got %.30s", life->seed,
              life->crash_at, life->position.block, want.data + at, got.data + at);
    rill_buf_fini(&want);
    rill_buf_fini(&got);
}

/* Opens what is left and feeds it what it has not, up to `told`. */
static void go_on(struct life *life, size_t told, bool jobs)
{
    cr_assert(eq(int, open_index(life), RILL_OK), "seed %lu, crash at %lu", life->seed, life->crash_at);
    const size_t from = story_at(&life->story, &life->position);
    cr_assert(from <= told, "seed %lu, crash at %lu: more than it was told", life->seed, life->crash_at);
    cr_assert(eq(int, story_play(&life->story, life->index, from, told, jobs), RILL_OK));
    expect_right(life, told);
}

/* It answers as if nothing had happened, and so on to the end. */
static void live_on(struct life *life, size_t told)
{
    go_on(life, told, false);
    // One that was being made is thrown away; once it is there it is kept.
    cr_assert(life->found == RILL_INDEX_KEPT || !life->is_made, "seed %lu, crash at %lu: found %d",
              life->seed, life->crash_at, life->found);
    cr_assert(eq(int, story_play(&life->story, life->index, told, life->story.count, true), RILL_OK));
    expect_right(life, life->story.count);
    rill_index_close(life->index);
    go_on(life, life->story.count, true);
    rill_index_close(life->index);
    cr_assert(eq(int, open_index(life), RILL_OK));
    cr_expect(eq(int, life->found, RILL_INDEX_KEPT));
    expect_right(life, life->story.count);
    rill_index_close(life->index);
}

/* True when the story ended before the power did. */
static bool crash_once(struct life *life, bool is_kill)
{
    life->disk = sim_disk_create(life->seed * 1000003 + life->crash_at);
    cr_assert(eq(int, life->disk->ops->mkdir(life->disk, "store"), RILL_OK));
    cr_assert(eq(int, life->disk->ops->sync_folder(life->disk, ""), RILL_OK));
    sim_disk_crash_at(life->disk, life->crash_at);
    const size_t told = live(life);
    const bool ended = !sim_disk_is_off(life->disk);
    if (!ended) {
        if (is_kill)
            sim_disk_restart_killed(life->disk);
        else
            sim_disk_restart(life->disk);
        sim_disk_crash_at(life->disk, 0);
        live_on(life, told);
    }
    sim_disk_destroy(life->disk);
    return ended;
}

static void crash_everywhere(bool is_kill)
{
    static struct life life;
    const struct seed_range seeds = seed_range(SEEDS);
    for (life.seed = seeds.first; life.seed <= seeds.last; life.seed++) {
        story_init(&life.story, life.seed, EVENTS);
        life.crash_at = 1;
        while (!crash_once(&life, is_kill))
            life.crash_at++;
        cr_expect(life.crash_at > EVENTS / 4, "only %lu operations", life.crash_at);
    }
}

// Whenever the power goes, what is left of the index is part of what it was told, whole, or nothing.
Test(index_crash, a_power_cut_at_every_operation_leaves_a_right_index_or_none)
{
    crash_everywhere(false);
}

// So does a kill, which leaves on the disk what was written and not synced.
Test(index_crash, a_kill_at_every_operation_leaves_a_right_index_or_none)
{
    crash_everywhere(true);
}
