// SPDX-License-Identifier: Apache-2.0
//
// Power cuts on the simulated disk, at every operation of a random story.
#include "base/assert.h"
#include "seed.h"
#include "sim_disk.h"
#include "store_story.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

TestSuite(store_crash, .timeout = 280);

enum { STEPS = 2000, AFTERWARDS = 60, SEEDS = 1 };

static const char folder[] = "store/$G/ORDERS";

static enum rill_err run_steps(struct story *story, struct rill_store *store, int steps)
{
    enum rill_err err = RILL_OK;
    for (int i = 0; !err && i < steps; i++)
        err = story_step(story, store);
    return err;
}

/* Makes a store and lives in it until the end of the story or of the power. */
static void live(struct story *story, struct rill_disk *disk)
{
    const struct rill_store_options options = story_options(story, disk, folder);
    struct rill_store *store = NULL;
    enum rill_err err = story_create_store(story, &options, &store);
    if (!err)
        err = run_steps(story, store, STEPS);
    cr_assert(err == RILL_OK || sim_disk_is_off(disk), "the store failed by itself: %s", rill_err_text(err));
    if (store)
        story_settle(story, store);
    rill_store_close(store);
}

/* What a crash left must open and be right, or there must never have been a store that anybody was told of. */
static void live_on(struct story *story, struct rill_disk *disk)
{
    const struct rill_store_options options = story_options(story, disk, folder);
    struct rill_store *store = NULL;
    enum rill_err err = story_reopen(story, &options, &store, NULL);
    if (err == RILL_ERR_NOT_FOUND && !story->committed) {
        err = story_create_store(story, &options, &store);
        cr_assert(eq(int, err, RILL_OK), "what was half made cannot be made again");
    }
    cr_assert(eq(int, err, RILL_OK));
    cr_assert(eq(int, run_steps(story, store, AFTERWARDS), RILL_OK));
    cr_assert(eq(int, story_commit(story, store), RILL_OK));
    rill_store_close(store);
}

/* `torn` when the last owner had no chance to close. */
static void reopen_and_close(struct story *story, struct rill_disk *disk, bool torn)
{
    const struct rill_store_options options = story_options(story, disk, folder);
    struct rill_store *store = NULL;
    struct rill_store_report report;
    cr_assert(eq(int, story_reopen(story, &options, &store, &report), RILL_OK));
    cr_expect(torn || report.dropped_bytes == 0, "a closed store has no torn tail");
    rill_store_close(store);
}

/* A story with a power cut in operation `crash_at`. True when it ended before. */
static bool crash_once(uint64_t seed, uint64_t crash_at)
{
    static struct story story;
    struct rill_disk *disk = sim_disk_create(seed * 1000003 + crash_at);
    story_init(&story, seed);
    sim_disk_crash_at(disk, crash_at);
    live(&story, disk);
    const bool ended = !sim_disk_is_off(disk);
    if (!ended) {
        sim_disk_restart(disk);
        live_on(&story, disk);
        reopen_and_close(&story, disk, false);
    }
    sim_disk_destroy(disk);
    return ended;
}

// Whenever the power goes, everything committed is there and equal, in order, and nothing else but perhaps
// the whole of the commit that was in flight; and the store goes on from there.
Test(store_crash, what_was_committed_survives_a_power_cut_at_every_operation)
{
    const struct seed_range seeds = seed_range(SEEDS);
    for (uint64_t seed = seeds.first; seed <= seeds.last; seed++) {
        uint64_t crash_at = 1;
        cr_log_info("seed %lu", (unsigned long)seed);
        while (!crash_once(seed, crash_at))
            crash_at++;
        cr_expect(crash_at > STEPS / 4, "seed %lu: only %lu operations", (unsigned long)seed,
                  (unsigned long)crash_at);
    }
}

/* Crashes while it opens what the crash before has left, a few times over. */
static void crash_in_recovery(uint64_t seed, uint64_t crash_at)
{
    static struct story story;
    struct rill_disk *disk = sim_disk_create(seed + crash_at);
    story_init(&story, seed);
    sim_disk_crash_at(disk, 120 + seed % 50);
    live(&story, disk);
    for (int again = 0; again < 4; again++) {
        if (sim_disk_is_off(disk))
            sim_disk_restart(disk);
        sim_disk_crash_at(disk, crash_at);
        const struct rill_store_options options = story_options(&story, disk, folder);
        struct rill_store *store = NULL;
        const enum rill_err err = story_reopen(&story, &options, &store, NULL);
        cr_assert(err == RILL_OK || sim_disk_is_off(disk), "seed %lu, crash at %lu: %s", (unsigned long)seed,
                  (unsigned long)crash_at, rill_err_text(err));
        rill_store_close(store);
    }
    if (sim_disk_is_off(disk))
        sim_disk_restart(disk);
    sim_disk_crash_at(disk, 0);
    reopen_and_close(&story, disk, true);
    sim_disk_destroy(disk);
}

// A power cut during the recovery, and in the one after that, loses nothing either.
Test(store_crash, recovery_may_be_cut_off_again_and_again)
{
    const struct seed_range seeds = seed_range(40);
    for (uint64_t seed = seeds.first; seed <= seeds.last; seed++)
        for (uint64_t crash_at = 1; crash_at < 24; crash_at++)
            crash_in_recovery(seed, crash_at);
}

// What an open has shown after a kill stays, though the power goes right after it.
Test(store_crash, what_a_recovery_has_shown_is_durable)
{
    static struct story story;
    for (uint64_t seed = 1; seed <= 30; seed++) {
        struct rill_disk *disk = sim_disk_create(seed);
        story_init(&story, seed);
        sim_disk_crash_at(disk, 20 + seed * 3);
        live(&story, disk);
        cr_assert(sim_disk_is_off(disk));
        sim_disk_restart_killed(disk);
        const struct rill_store_options options = story_options(&story, disk, folder);
        struct rill_store *store = NULL;
        cr_assert(eq(int, story_reopen(&story, &options, &store, NULL), RILL_OK), "seed %lu",
                  (unsigned long)seed);
        sim_disk_crash(disk);
        rill_store_close(store);
        sim_disk_restart(disk);
        reopen_and_close(&story, disk, false);
        sim_disk_destroy(disk);
    }
}
