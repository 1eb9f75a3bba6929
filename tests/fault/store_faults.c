// SPDX-License-Identifier: Apache-2.0
//
// Disk calls that fail: each one, once, in every place of a story; and full disks that get space again.
#include "faulty_disk.h"
#include "seed.h"
#include "sim_disk.h"
#include "store_drive.h"
#include "store_story.h"

#include <assert.h>
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

TestSuite(store_faults, .timeout = 280);

enum { STEPS = 400 };

static const char folder[] = "store/$G/ORDERS";

static struct story story;

static bool is_read_only(const struct rill_store *store)
{
    struct rill_store_state state;
    rill_store_state(store, &state);
    return state.read_only;
}

static void reopen(struct rill_disk *disk)
{
    const struct rill_store_options options = story_options(&story, disk, folder);
    struct rill_store *store;
    enum rill_err err = story_reopen(&story, &options, &store, NULL);
    if (err == RILL_ERR_NOT_FOUND && !story.committed)
        err = story_create_store(&story, &options, &store);
    cr_assert(eq(int, err, RILL_OK));
    cr_assert(eq(int, story_commit(&story, store), RILL_OK));
    rill_store_close(store);
}

/* A store that went read-only: refuses appends and commits, touches the disk no more to write, and serves
   what it has. */
static void check_read_only(struct rill_store *store, struct faulty_disk *disk)
{
    struct rill_store_state state;
    struct rill_store_message message = {.subject = RILL_BYTES("refused")};
    story_settle(&story, store);
    rill_store_state(store, &state);
    cr_assert(state.why.text[0] != '\0', "no reason");
    cr_assert(eq(int, rill_store_append(store, &message), RILL_ERR_READ_ONLY));
    cr_assert(eq(int, rill_store_append_event(store, RILL_STORE_EVENT_CONSUMER_STATE, RILL_BYTES("x")),
                 RILL_ERR_READ_ONLY));
    const uint64_t calls = disk->calls;
    cr_assert(rill_store_commit_start(store) == NULL);
    cr_assert(eq(u64, disk->calls, calls));
    for (uint64_t sequence = 1; sequence <= state.last_sequence; sequence++)
        cr_assert(eq(int, story_read(&story, store, sequence), RILL_OK));
    disk->fail_at = disk->calls + 1; // closing writes nothing: a call would fail, and be seen
    disk->failed = 0;
    rill_store_close(store);
    cr_assert(eq(u64, disk->failed, 0), "a read-only store was written to");
}

/* Lives with failures; ends early when the store went read-only. True when it is still open. */
static bool live(struct rill_store *store)
{
    for (int step = 0; step < STEPS; step++) {
        const enum rill_err err = story_step(&story, store);
        if (err == RILL_ERR_READ_ONLY || is_read_only(store)) // or by what goes on in the background
            return false;
        if (err) // NO_SPACE, or EXISTS where the rest of a refused segment could not be removed
            story_take_back(&story);
    }
    story_settle(&story, store);
    return !is_read_only(store);
}

/* A story in which call `fail_at` fails with `err`. True when the story ended before. */
static bool fail_once(uint64_t seed, uint64_t fail_at, enum rill_err err)
{
    struct faulty_disk disk;
    struct rill_disk *below = sim_disk_create(seed);
    struct rill_store *store;
    faulty_disk_init(&disk, below);
    disk.fail_at = fail_at;
    disk.err = err;
    disk.half_written = true;
    story_init(&story, seed);
    const struct rill_store_options options = story_options(&story, &disk.base, folder);
    if (story_create_store(&story, &options, &store) == RILL_OK) {
        const bool lives = live(store);
        cr_assert(lives || disk.failed, "read-only without a failure");
        if (lives)
            rill_store_close(store);
        else
            check_read_only(store, &disk);
    }
    const bool ended = disk.calls < fail_at;
    reopen(below);
    sim_disk_destroy(below);
    return ended;
}

static void fail_everywhere(enum rill_err err)
{
    const struct seed_range seeds = seed_range(2);
    for (uint64_t seed = seeds.first; seed <= seeds.last; seed++) {
        uint64_t fail_at = 1;
        while (!fail_once(seed, fail_at, err))
            fail_at++;
        cr_expect(fail_at > 100, "seed %lu: %lu calls", (unsigned long)seed, (unsigned long)fail_at);
    }
}

// Whichever call fails: what was committed stays readable, a failed write or sync ends the writing, and the
// next open finds all that was committed.
Test(store_faults, every_call_may_fail_once)
{
    fail_everywhere(RILL_ERR_IO);
}

// A full disk refuses a commit and takes it back whole; the store goes on, and nothing of the refused one is
// found later.
Test(store_faults, a_full_disk_refuses_and_recovers)
{
    fail_everywhere(RILL_ERR_NO_SPACE);
}

// Commits refused in the middle of their write, again and again, and a power cut at any moment: never a
// message of a refused commit, never one less than was committed.
Test(store_faults, refused_commits_never_come_back)
{
    const struct seed_range seeds = seed_range(400);
    for (uint64_t seed = seeds.first; seed <= seeds.last; seed++) {
        struct faulty_disk disk;
        struct rill_disk *below = sim_disk_create(seed);
        struct rill_store *store;
        faulty_disk_init(&disk, below);
        disk.err = RILL_ERR_NO_SPACE;
        disk.half_written = true;
        story_init(&story, seed);
        if (seed % 2)
            story.payload_max =
                0; // records of a few sizes only: a refused one may stand where a later one ends
        struct rill_store_options options = story_options(&story, &disk.base, folder);
        cr_assert(eq(int, story_create_store(&story, &options, &store), RILL_OK));
        sim_disk_crash_at(below, 30 + seed % 120);
        for (int step = 0; step < STEPS; step++) {
            if (disk.calls >= disk.fail_at)
                disk.fail_at = disk.calls + 1 + rill_random_below(&story.random, 12);
            const enum rill_err err = story_step(&story, store);
            if (err == RILL_ERR_READ_ONLY)
                break;
            if (err) // NO_SPACE, or EXISTS where the rest of a refused segment could not be removed
                story_take_back(&story);
        }
        disk.fail_at = 0;
        story_settle(&story, store);
        sim_disk_crash(below);
        rill_store_close(store);
        sim_disk_restart(below);
        cr_log_info("seed %lu", (unsigned long)seed);
        reopen(below);
        sim_disk_destroy(below);
    }
}

// When the device is full, commits are refused and reading goes on; when space is back, so are the commits.
Test(store_faults, writing_resumes_when_space_is_back)
{
    struct rill_disk *disk = sim_disk_create(1);
    struct rill_store *store;
    story_init(&story, 1);
    const struct rill_store_options options = story_options(&story, disk, folder);
    cr_assert(eq(int, story_create_store(&story, &options, &store), RILL_OK));
    sim_disk_set_capacity(disk, sim_disk_used(disk) + 1000);
    int refused = 0;
    for (int step = 0; step < STEPS; step++) {
        const enum rill_err err = story_step(&story, store);
        refused += err == RILL_ERR_NO_SPACE;
        if (err) // NO_SPACE, or EXISTS where the rest of a refused segment could not be removed
            story_take_back(&story);
        cr_assert(err == RILL_OK || err == RILL_ERR_NO_SPACE);
    }
    while (story.job) // a commit that has met the full disk already
        if (story_step(&story, store))
            story_take_back(&story);
    const size_t before = story.committed;
    cr_expect(refused > 5 && before > 0);
    sim_disk_set_capacity(disk, 0);
    for (int step = 0; step < STEPS; step++)
        cr_assert(eq(int, story_step(&story, store), RILL_OK));
    cr_assert(eq(int, story_commit(&story, store), RILL_OK));
    cr_expect(story.committed > before);
    rill_store_close(store);
    reopen(disk);
    sim_disk_destroy(disk);
}

// Disks that transfer a few bytes at a time change nothing.
Test(store_faults, short_transfers_are_completed)
{
    struct faulty_disk disk;
    struct rill_disk *below = sim_disk_create(1);
    struct rill_store *store;
    faulty_disk_init(&disk, below);
    disk.write_max = 61;
    story_init(&story, 5);
    const struct rill_store_options options = story_options(&story, &disk.base, folder);
    cr_assert(eq(int, story_create_store(&story, &options, &store), RILL_OK));
    cr_assert(live(store));
    cr_assert(eq(int, story_commit(&story, store), RILL_OK));
    rill_store_close(store);
    reopen(&disk.base);
    cr_expect(story.reads > 10);
    sim_disk_destroy(below);
}

// Records of 64 bytes behind a checkpoint of 48: they lie in sectors without crossing them, so that whole sectors of one
// commit fit into another.
enum { REFUSED = 60, LATER = 24 };

#define CHECKPOINT "a checkpoint of forty-eight bytes, to be aligned"
static const char refused[] = "refused, this one here!!";
static const char later[] = "the later one, accepted.";
static_assert(sizeof CHECKPOINT == 48 + 1 && sizeof refused == 24 + 1 && sizeof later == 24 + 1, "sizes");

/* Appends messages that are all of one size, and commits them. */
static enum rill_err commit_same(struct rill_store *store, const char *payload, int count)
{
    for (int i = 0; i < count; i++) {
        struct rill_store_message message = {.payload = rill_bytes_from_cstr(payload)};
        cr_assert(eq(int, rill_store_append(store, &message), RILL_OK));
    }
    return drive_commit(store);
}

static enum rill_err expect_later(void *context, const struct rill_store_message *message)
{
    int *count = context;
    ++*count;
    return rill_bytes_equal_cstr(message->payload, later) ? RILL_OK : RILL_ERR_INVALID;
}

/* A refused commit, then one with records of the same sizes in the same place, in which the power goes. */
static void refuse_then_crash(uint64_t seed)
{
    static const uint8_t identity[RILL_STORE_IDENTITY_BYTES] = "same sizes";
    struct faulty_disk disk;
    struct rill_disk *below = sim_disk_create(seed);
    struct rill_store *store;
    struct rill_error_text why;
    int count = 0;
    faulty_disk_init(&disk, below);
    const struct rill_store_options options = {.disk = &disk.base, .folder = folder};
    cr_assert(eq(int, rill_store_create(&options, identity, RILL_BYTES(CHECKPOINT), &store, &why), RILL_OK));
    disk.err = RILL_ERR_NO_SPACE;
    disk.half_written = true;
    disk.fail_at = disk.calls + 1;
    cr_assert(eq(int, commit_same(store, refused, REFUSED), RILL_ERR_NO_SPACE));
    sim_disk_crash_at(below, 1 + seed % 5);
    const enum rill_err err = commit_same(store, later, LATER);
    sim_disk_crash(below);
    rill_store_close(store);
    sim_disk_restart(below);
    const struct rill_store_visitor visitor = {.context = &count, .message = expect_later};
    cr_assert(eq(int, rill_store_open(&options, &visitor, &store, NULL, &why), RILL_OK), "seed %lu",
              (unsigned long)seed);
    cr_assert(count == LATER || (count == 0 && err), "seed %lu: %d messages", (unsigned long)seed, count);
    rill_store_close(store);
    sim_disk_destroy(below);
}

// I6: what a refused commit has left on the disk never completes a later one that stands in its place.
Test(store_faults, a_refused_commit_never_completes_a_later_one)
{
    const struct seed_range seeds = seed_range(2000);
    for (uint64_t seed = seeds.first; seed <= seeds.last; seed++)
        refuse_then_crash(seed);
}
