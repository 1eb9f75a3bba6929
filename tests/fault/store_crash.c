// SPDX-License-Identifier: Apache-2.0
//
// Power cuts on the simulated disk, at every operation of a random story.
#include "base/assert.h"
#include "seed.h"
#include "sim_disk.h"
#include "store_drive.h"
#include "store_story.h"

#include "indexing.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

TestSuite(store_crash, .timeout = 280);

enum { STEPS = 2000, AFTERWARDS = 60, SEEDS = 1, INDEX_STRIDE = 7, SUBJECTS_BYTES_MAX = 1 << 20 };

static const char folder[] = "store/$G/ORDERS";
static const char index_file[] = "store/$G/ORDERS/index.db";
static const char index_log[] = "store/$G/ORDERS/index.db-wal";

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

static uint64_t count_all(struct rill_index *index)
{
    const struct rill_bytes pattern = RILL_BYTES(">");
    struct rill_index_filter *filter = rill_index_filter_create(index, &pattern, 1);
    uint64_t count = 0;
    enum rill_err err;
    while ((err = rill_index_count(filter, 1, &count)) == RILL_ERR_AGAIN)
        ;
    cr_assert(eq(int, err, RILL_OK));
    rill_index_filter_destroy(filter);
    return count;
}

/* The index must answer as the story does, once it has been fed. */
static void check_index(struct story *story, struct rill_store *store)
{
    struct rill_store_job *job;
    struct rill_store_state state;
    struct indexing *indexing = store->indexing;
    while ((job = rill_store_background_start(store))) {
        story->forgets_events |= store->rewrite != NULL;
        rill_store_job_run(job);
        cr_assert(eq(int, rill_store_background_finish(store, job), RILL_OK));
    }
    rill_store_state(store, &state);
    cr_assert(not(state.index_failed), "%s", indexing->why.text);
    cr_assert(eq(u64, indexing->fed.offset, store->committed.offset), "not all is fed");
    cr_assert(eq(u64, count_all(indexing->index), state.messages));
    for (uint32_t i = 0; i < 20; i++) {
        char subject[32];
        struct rill_index_subject found = {0};
        uint64_t first = 0, last = 0;
        (void)snprintf(subject, sizeof subject, "orders.%u", rill_random_below(&story->random, 1000));
        const struct rill_bytes name = rill_bytes_from_cstr(subject);
        const uint64_t count = story_live(story, name, &first, &last);
        const enum rill_err err = rill_index_subject(indexing->index, name, &found);
        cr_assert(eq(int, err, count ? RILL_OK : RILL_ERR_NOT_FOUND), "%s", subject);
        cr_assert(found.count == count && found.first_sequence == first && found.last_sequence == last, "%s",
                  subject);
    }
    for (uint64_t sequence = 1; sequence <= state.last_sequence; sequence += 7)
        cr_assert(eq(int, story_read(story, store, sequence), RILL_OK));
}

static enum rill_err put_subject(void *context, const struct rill_store_subject *subject)
{
    return rill_buf_appendf(context, RILL_PRI " %lu %lu %lu\n", RILL_ARG(subject->subject), subject->count,
                            subject->first_sequence, subject->last_sequence);
}

/* All subjects with their counts, as the index says. */
static void put_subjects(struct rill_store *store, struct rill_buf *out)
{
    enum rill_err err;
    cr_assert(eq(int, drive_background(store), RILL_OK));
    while ((err = rill_store_subjects(store, RILL_BYTES(">"), RILL_BYTES(""), SIZE_MAX, put_subject, out)) ==
           RILL_ERR_AGAIN)
        cr_assert(eq(int, drive_background(store), RILL_OK));
    cr_assert(eq(int, err, RILL_OK));
}

static uint64_t compared, had_subjects;

/* An index that is made from scratch must say the same. */
static void check_rebuilt(struct story *story, struct rill_store *store, struct rill_disk *disk)
{
    struct rill_disk *copy = sim_disk_clone(disk, 1);
    const struct rill_store_options options = story_options(story, copy, folder);
    struct rill_store *rebuilt = NULL;
    struct rill_error_text why;
    struct rill_buf kept, made;
    rill_buf_init(&kept, SUBJECTS_BYTES_MAX);
    rill_buf_init(&made, SUBJECTS_BYTES_MAX);
    put_subjects(store, &kept);
    (void)!copy->ops->unlink(copy, index_file);
    (void)!copy->ops->unlink(copy, index_log);
    cr_assert(eq(int, rill_store_open(&options, NULL, &rebuilt, NULL, &why), RILL_OK), "%s", why.text);
    put_subjects(rebuilt, &made);
    compared++;
    had_subjects += kept.len > 0; // a story may have purged all just then
    cr_assert(rill_bytes_equal(rill_buf_bytes(&kept), rill_buf_bytes(&made)));
    rill_store_close(rebuilt);
    rill_buf_fini(&kept);
    rill_buf_fini(&made);
    sim_disk_destroy(copy);
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
    if (story->with_index) {
        check_index(story, store);
        check_rebuilt(story, store, disk);
    }
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
static bool crash_once(uint64_t seed, uint64_t crash_at, bool with_index)
{
    static struct story story;
    struct rill_disk *disk = sim_disk_create(seed * 1000003 + crash_at);
    story_init(&story, seed);
    story.with_index = with_index;
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
        while (!crash_once(seed, crash_at, false))
            crash_at++;
        cr_expect(crash_at > STEPS / 4, "seed %lu: only %lu operations", (unsigned long)seed,
                  (unsigned long)crash_at);
    }
}

/* The index is as the crash has left it, or is missing, or is one of an earlier time. */
static void crash_with_index(uint64_t seed, uint64_t crash_at)
{
    static struct story story;
    struct rill_disk *disk = sim_disk_create(seed * 1000003 + crash_at);
    story_init(&story, seed);
    story.with_index = true;
    sim_disk_crash_at(disk, crash_at);
    live(&story, disk);
    if (sim_disk_is_off(disk))
        sim_disk_restart(disk);
    sim_disk_crash_at(disk, 0);
    if (crash_at % 3 == 0)
        (void)!disk->ops->unlink(disk, index_file);
    live_on(&story, disk);
    story.with_index = crash_at % 3 != 1; // a life without it: then it is behind
    live_on(&story, disk);
    story.with_index = true;
    live_on(&story, disk);
    sim_disk_destroy(disk);
}

// With an index, whenever the power goes (RILL_SEEDS=n tries more), and whatever has become of the index: what it covers and what it does not make
// up the whole, and its answers are those of the log.
Test(store_crash, an_index_survives_power_cuts)
{
    const struct seed_range seeds = seed_range(SEEDS);
    for (uint64_t seed = seeds.first; seed <= seeds.last; seed++) {
        uint64_t crash_at = 1;
        cr_log_info("seed %lu", (unsigned long)seed);
        while (!crash_once(seed, crash_at, true))
            crash_at += INDEX_STRIDE;
        for (uint64_t i = 1; i < crash_at; i += 4 * INDEX_STRIDE)
            crash_with_index(seed, i);
    }
    cr_expect(gt(u64, had_subjects, compared / 10 * 9));
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
