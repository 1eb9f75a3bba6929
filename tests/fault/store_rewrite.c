// SPDX-License-Identifier: Apache-2.0
//
// Segments that are made anew, and packed, while a story of many deletes and erases goes on: with the power cut in every
// operation, with every call of the disk failing, and with damage in what was rewritten.
#include "faulty_disk.h"
#include "seed.h"
#include "segment.h"
#include "sim_disk.h"
#include "store_story.h"
#include "walk.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

TestSuite(store_rewrite, .timeout = 280);

static const char folder[] = "store/$G/ORDERS";

enum { STEPS = 1500, AFTERWARDS = 80 };

static struct story story;

static void begin(uint64_t seed)
{
    story_init(&story, seed);
    story.removes_often = true;
    story.compress = seed % 2;
    story.with_index = seed / 2 % 2;
}

static enum rill_err run_steps(struct rill_store *store, int steps)
{
    enum rill_err err = RILL_OK;
    for (int i = 0; !err && i < steps; i++)
        err = story_step(&story, store);
    return err;
}

static void live(struct rill_disk *disk)
{
    const struct rill_store_options options = story_options(&story, disk, folder);
    struct rill_store *store = NULL;
    enum rill_err err = story_create_store(&story, &options, &store);
    if (!err)
        err = run_steps(store, STEPS);
    cr_assert(err == RILL_OK || sim_disk_is_off(disk), "the store failed by itself: %s", rill_err_text(err));
    if (store)
        story_settle(&story, store);
    rill_store_close(store);
}

static void live_on(struct rill_disk *disk, uint64_t seed)
{
    const struct rill_store_options options = story_options(&story, disk, folder);
    struct rill_store *store = NULL;
    enum rill_err err = story_reopen(&story, &options, &store, NULL);
    if (err == RILL_ERR_NOT_FOUND && !story.committed)
        err = story_create_store(&story, &options, &store);
    cr_assert(eq(int, err, RILL_OK), "seed %lu", (unsigned long)seed);
    cr_assert(eq(int, run_steps(store, AFTERWARDS), RILL_OK));
    cr_assert(eq(int, story_commit(&story, store), RILL_OK));
    for (uint64_t sequence = 1; sequence < STORY_RECORDS_MAX; sequence++)
        if (story_read(&story, store, sequence) == RILL_ERR_NOT_FOUND)
            break;
    rill_store_close(store);
}

// C12, C13: whenever the power goes, what lives is there, what was removed is not, and the store goes on; and again after the
// next open.
Test(store_rewrite, a_power_cut_leaves_the_old_file_or_the_new_one)
{
    const struct seed_range seeds = seed_range(2);
    uint64_t rewritten = 0;
    for (uint64_t seed = seeds.first; seed <= seeds.last; seed++) {
        bool ended = false;
        cr_log_info("seed %lu", (unsigned long)seed);
        for (uint64_t crash_at = 1; !ended; crash_at++) {
            struct rill_disk *disk = sim_disk_create(seed * 1000003 + crash_at);
            begin(seed);
            sim_disk_crash_at(disk, crash_at);
            live(disk);
            ended = !sim_disk_is_off(disk);
            if (!ended)
                sim_disk_restart(disk);
            sim_disk_crash_at(disk, 0);
            live_on(disk, seed);
            live_on(disk, seed);
            sim_disk_destroy(disk);
        }
        rewritten += story.rewritten;
    }
    cr_expect(rewritten >= seeds.last - seeds.first + 1, "only %lu segments were rewritten",
              (unsigned long)rewritten);
}

/* A story in which call `fail_at` fails. True when it ended before. */
static bool fail_once(uint64_t seed, uint64_t fail_at, enum rill_err failure)
{
    struct faulty_disk disk;
    struct rill_disk *below = sim_disk_create(seed);
    struct rill_store *store = NULL;
    faulty_disk_init(&disk, below);
    disk.fail_at = fail_at;
    disk.err = failure;
    disk.half_written = true;
    begin(seed);
    const struct rill_store_options options = story_options(&story, &disk.base, folder);
    if (story_create_store(&story, &options, &store) == RILL_OK) {
        struct rill_store_state state = {0};
        for (int step = 0; step < STEPS && !state.read_only; step++) {
            const enum rill_err err = story_step(&story, store);
            if (err && err != RILL_ERR_READ_ONLY)
                story_take_back(&story);
            rill_store_state(store, &state);
        }
        story_settle(&story, store);
        rill_store_close(store);
    }
    live_on(below, seed);
    sim_disk_destroy(below);
    return disk.calls < fail_at;
}

// A call of the disk that fails, whichever, takes nothing that was committed, and brings nothing back.
Test(store_rewrite, every_call_may_fail_once)
{
    static const enum rill_err failures[] = {RILL_ERR_IO, RILL_ERR_NO_SPACE};
    const struct seed_range seeds = seed_range(2);
    for (uint64_t seed = seeds.first; seed <= seeds.last; seed++)
        for (size_t i = 0; i < 2; i++)
            for (uint64_t fail_at = 1; !fail_once(seed, fail_at, failures[i]); fail_at += 1 + seed % 3)
                ;
}

/* A store that is opened while its index is out of reach. Returns how many segments it has rewritten since. */
static uint64_t live_without_index(uint64_t seed)
{
    struct faulty_disk faulty;
    struct rill_disk *disk = sim_disk_create(seed);
    struct rill_store *store = NULL;
    begin(seed);
    story.with_index = true;
    live(disk);
    story.rewritten = 0;
    faulty_disk_init(&faulty, disk);
    faulty.only = "index.db";
    faulty.fail_at = 1;
    faulty.fail_count = UINT64_MAX;
    const struct rill_store_options options = story_options(&story, &faulty.base, folder);
    cr_assert(eq(int, story_reopen(&story, &options, &store, NULL), RILL_OK), "seed %lu",
              (unsigned long)seed);
    cr_assert(eq(int, run_steps(store, STEPS / 2), RILL_OK), "seed %lu", (unsigned long)seed);
    story_settle(&story, store);
    rill_store_close(store);
    live_on(disk, seed);
    sim_disk_destroy(disk);
    return story.rewritten;
}

// Segments are made anew without an index, too, also the one where it stood.
Test(store_rewrite, a_store_without_its_index_rewrites_segments)
{
    const struct seed_range seeds = seed_range(20);
    uint64_t rewritten = 0;
    for (uint64_t seed = seeds.first; seed <= seeds.last; seed++)
        rewritten += live_without_index(seed);
    cr_expect(rewritten > seeds.last - seeds.first, "%lu segments", (unsigned long)rewritten);
}

// Many stories, without trouble: what they read, count and replay is right, and segments were rewritten in nearly all.
Test(store_rewrite, stories_go_on_while_segments_are_rewritten)
{
    const struct seed_range seeds = seed_range(300);
    uint64_t rewritten = 0;
    for (uint64_t seed = seeds.first; seed <= seeds.last; seed++) {
        struct rill_disk *disk = sim_disk_create(seed);
        cr_log_info("seed %lu", (unsigned long)seed);
        begin(seed);
        live(disk);
        rewritten += story.rewritten;
        live_on(disk, seed);
        live_on(disk, seed);
        sim_disk_destroy(disk);
    }
    cr_expect(rewritten > seeds.last - seeds.first, "%lu were rewritten", (unsigned long)rewritten);
}
