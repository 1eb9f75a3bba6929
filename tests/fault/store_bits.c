// SPDX-License-Identifier: Apache-2.0
//
// Single bits that flip in a small store of all kinds of files: segments, the index, and its write-ahead log. Whichever it is,
// the store opens, and every answer is right or an error. With RILL_LONG=1 it is every bit of every byte, with RILL_LONG=n every n-th;
// else some hundred of each file. It begins with another one in each run (RILL_SEED=n repeats it).
#include "seed.h"
#include "sim_disk.h"
#include "store_drive.h"
#include "store_story.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

TestSuite(store_bits, .timeout = 5000);

#define FOLDER "store/$G/ORDERS"

enum { STEPS = 520, FLIPS_INDEX = 500, FLIPS_SEGMENT = 150, ASKED = 4, PATH_BYTES = 64 };

static struct story story, after; // as it was, and a copy that goes on
static struct rill_disk *sound;
static uint64_t opened, unavailable, lost; // in all flips of a test

static bool has_index_log(void)
{
    size_t len = 0;
    return sim_disk_bytes(sound, FOLDER "/index.db-wal", &len) && len > 0;
}

/* Lives on, with all work in the background, or up to the moment when the index has a write-ahead log. */
static void live(struct rill_store *store, int steps, bool to_log)
{
    enum rill_err err = RILL_OK;
    for (; steps; steps--)
        cr_assert(eq(int, story_step(&story, store), RILL_OK));
    cr_assert(eq(int, story_commit(&story, store), RILL_OK));
    while (!err && !(to_log && has_index_log()))
        err = drive_work(store);
    cr_assert(err == RILL_OK || err == RILL_ERR_NOT_FOUND);
}

static void sample_make(bool keeps_all, bool is_killed)
{
    struct rill_store *store;
    sound = sim_disk_create(1);
    opened = unavailable = lost = 0;
    story_init(&story, 1);
    story.with_index = true;
    story.keeps_all = keeps_all;
    const struct rill_store_options options = story_options(&story, sound, FOLDER);
    cr_assert(eq(int, story_create_store(&story, &options, &store), RILL_OK));
    story.forgets_events = true; // what goes on in the background may rewrite segments
    live(store, STEPS, false);
    for (int more = 0; is_killed && more < 5 * STEPS && !has_index_log(); more += STEPS / 10)
        live(store, STEPS / 10, true);
    if (is_killed)
        sim_disk_crash(sound);
    rill_store_close(store);
    if (is_killed)
        sim_disk_restart_killed(sound);
}

/* What the index says of a subject: perhaps without what damage has taken of the log, perhaps still with it. */
static void ask_subject(struct rill_store *store, struct rill_bytes subject)
{
    struct rill_store_subject found = {0};
    uint64_t first = 0, last = 0;
    const uint64_t count = story_live(&after, subject, &first, &last);
    enum rill_err err;
    while ((err = rill_store_subject(store, subject, &found)) == RILL_ERR_AGAIN)
        (void)!drive_work(store);
    unavailable += err == RILL_ERR_UNAVAILABLE;
    if (err == RILL_ERR_UNAVAILABLE)
        return;
    const uint64_t missing = drive_state(store).lost_messages;
    cr_assert(err == RILL_OK || err == RILL_ERR_NOT_FOUND, "%s", rill_err_text(err));
    cr_assert(found.count <= count && found.count + missing >= count, "%lu, not %lu", found.count, count);
    cr_assert(missing || (found.first_sequence == first && found.last_sequence == last));
}

static void ask_filter(struct rill_store *store)
{
    const struct rill_bytes pattern = RILL_BYTES("orders.*");
    struct rill_store_filter *filter = rill_store_filter_create(store, &pattern, 1);
    uint64_t count = 0;
    enum rill_err err;
    while ((err = rill_store_count(filter, 0, &count)) == RILL_ERR_AGAIN)
        (void)!drive_work(store);
    rill_store_filter_destroy(filter);
    const struct rill_store_state state = drive_state(store);
    unavailable += err == RILL_ERR_UNAVAILABLE;
    cr_assert(err == RILL_OK || err == RILL_ERR_UNAVAILABLE, "%s", rill_err_text(err));
    cr_assert(err || (count >= state.messages && count <= state.messages + state.lost_messages),
              "%lu, not %lu", count, state.messages);
}

static void ask_message(struct rill_store *store, uint64_t sequence)
{
    struct rill_store_message message;
    char subject[32];
    const enum rill_err err = drive_read(store, sequence, &message);
    const struct rill_store_state state = drive_state(store);
    cr_assert(err == RILL_OK || err == RILL_ERR_NOT_FOUND ||
                  (err == RILL_ERR_DAMAGED && state.lost_messages) ||
                  (err == RILL_ERR_IO && state.index_failed),
              "message %lu: %s", sequence, rill_err_text(err));
    if (err)
        return;
    cr_assert(story_message_is_right(&after, &message), "message %lu is wrong", sequence);
    (void)snprintf(subject, sizeof subject, RILL_PRI, RILL_ARG(message.subject));
    ask_subject(store, rill_bytes_from_cstr(subject));
}

/* Some of all that can be asked; what is drawn from the place of the flip. */
static void ask(struct rill_store *store, uint64_t seed)
{
    struct rill_random random = {seed};
    const uint64_t last = drive_state(store).last_sequence;
    for (int i = 0; i < ASKED; i++)
        ask_message(store, 1 + rill_random_below(&random, (uint32_t)last));
    ask_filter(store);
    lost += drive_state(store).lost_messages;
}

/* The log is sound: everything else must be, too. */
static void open_sound(const struct rill_store_options *options, uint64_t seed)
{
    struct rill_store *store = NULL;
    cr_assert(eq(int, story_reopen(&after, options, &store, NULL), RILL_OK));
    cr_assert(eq(u64, after.committed, story.committed));
    ask(store, seed);
    rill_store_close(store);
}

/* One record of the log is not. */
static void open_damaged(const struct rill_store_options *options, uint64_t seed)
{
    struct rill_store *store = NULL;
    struct rill_error_text why;
    cr_assert(eq(int, rill_store_open(options, NULL, &store, NULL, &why), RILL_OK), "%s", why.text);
    cr_assert(drive_state(store).lost_messages <= 1);
    ask(store, seed);
    rill_store_close(store);
}

static void flip(const char *path, uint64_t bit,
                 void (*open)(const struct rill_store_options *options, uint64_t seed))
{
    struct rill_disk *disk = sim_disk_clone(sound, 1);
    size_t len;
    memcpy(&after, &story, sizeof after);
    const struct rill_store_options options = story_options(&after, disk, FOLDER);
    sim_disk_bytes(disk, path, &len)[bit / 8] ^= (uint8_t)(1 << bit % 8);
    cr_log_info("%s, bit %lu", path, bit);
    open(&options, bit);
    opened++;
    sim_disk_destroy(disk);
}

/* Nothing happens when there is no such file. How many bytes it has. */
static size_t flip_file(const char *path, uint64_t flips,
                        void (*open)(const struct rill_store_options *options, uint64_t seed))
{
    size_t len = 0;
    const uint64_t seed = seed_any();
    struct rill_random random = {seed};
    if (!sim_disk_bytes(sound, path, &len) || !len)
        return 0;
    const uint64_t stride = seed_stride(len * 8 / flips + 1);
    printf("# %s: %zu bytes, every %lu. bit, seed %lu\n", path, len, stride, seed);
    (void)fflush(stdout);
    for (uint64_t bit = rill_random_below(&random, (uint32_t)stride); bit < len * 8; bit += stride)
        flip(path, bit, open);
    return len;
}

static void sample_end(void)
{
    sim_disk_destroy(sound);
}

// A flipped bit in the index of a store that was closed costs the index, not the store.
Test(store_bits, the_index_of_a_closed_store, .fini = sample_end)
{
    sample_make(false, false);
    cr_assert(flip_file(FOLDER "/index.db", FLIPS_INDEX, open_sound) > 0);
    cr_expect(unavailable < opened, "%lu of %lu", unavailable, opened);
}

// So it is with the index and its write-ahead log as a kill has left them.
Test(store_bits, the_index_and_its_log_after_a_kill, .fini = sample_end)
{
    sample_make(false, true);
    cr_assert(flip_file(FOLDER "/index.db", FLIPS_INDEX, open_sound) > 0);
    cr_assert(flip_file(FOLDER "/index.db-wal", FLIPS_INDEX, open_sound) > 0);
    cr_expect(unavailable < opened, "%lu of %lu", unavailable, opened);
}

// A flipped bit in a segment takes one message at most, and the index beside it does not make another one of it.
Test(store_bits, the_segments_of_a_store_with_an_index, .fini = sample_end)
{
    size_t segments = 0;
    char path[PATH_BYTES];
    sample_make(true, false);
    do {
        segments++;
        (void)snprintf(path, sizeof path, FOLDER "/%016zx.seg", segments);
    } while (flip_file(path, FLIPS_SEGMENT, open_damaged) > 0);
    cr_expect(segments > 3, "%zu segments", segments - 1);
    cr_expect(lost > 0, "nothing was ever hit");
}
