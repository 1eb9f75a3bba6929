// SPDX-License-Identifier: Apache-2.0
//
// A store whose index cannot be read, or is damaged, while the log is sound: an open never fails for that, every answer is
// right or an error, and the next open makes the index anew.
#include "faulty_disk.h"
#include "seed.h"
#include "sim_disk.h"
#include "store_drive.h"
#include "store_story.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

TestSuite(store_index, .timeout = 280);

enum { STEPS = 1200, MORE_STEPS = 250, SUBJECTS = 1000, WORK_MAX = 200, SEGMENTS = 14 };

static const char folder[] = "store/$G/ORDERS";
static const char index_file[] = "store/$G/ORDERS/index.db";

/* Lived once: each try goes on from a copy. */
static struct rill_disk *sample;
static struct story lived;

static struct life {
    struct story story;
    struct rill_disk *disk;
    struct faulty_disk faulty;
    struct rill_store *store;
    uint64_t number;  // of the try
    uint64_t refused; // answers that were an error
} life;

/* `caught_up`: an open goes on from the index; else it reads the whole log, as there is an erase behind what the index has. */
static void sample_make(uint64_t seed, bool caught_up)
{
    struct rill_store *store;
    sample = sim_disk_create(seed);
    story_init(&lived, seed);
    lived.with_index = true;
    const struct rill_store_options options = story_options(&lived, sample, folder);
    cr_assert(eq(int, story_create_store(&lived, &options, &store), RILL_OK));
    // More segments than stay in memory with their directories.
    for (int i = 0; i < STEPS || drive_state(store).segments < SEGMENTS; i++) {
        lived.keeps_all = i > STEPS;
        cr_assert(lived.count < STORY_RECORDS_MAX && story_step(&lived, store) == RILL_OK);
        if (lived.keeps_all && caught_up) {
            cr_assert(eq(int, story_commit(&lived, store), RILL_OK));
            cr_assert(eq(int, drive_background(store), RILL_OK));
        }
    }
    rill_store_close(store);
    lived.forgets_events = true;
    lived.keeps_all = true;
}

static void life_open(void)
{
    const struct rill_store_options options = story_options(&life.story, &life.faulty.base, folder);
    cr_assert(eq(int, story_reopen(&life.story, &options, &life.store, NULL), RILL_OK), "try %lu",
              (unsigned long)life.number);
}

static void life_begin(uint64_t number)
{
    life = (struct life){.story = lived, .disk = sim_disk_clone(sample, number), .number = number};
    faulty_disk_init(&life.faulty, life.disk);
    life.faulty.only = "index.db";
}

static void life_end(void)
{
    rill_store_close(life.store);
    sim_disk_destroy(life.disk);
}

/* Runs what is to be done in the background, which may fail. */
static void work(void)
{
    for (int i = 0; i < WORK_MAX && drive_work(life.store) != RILL_ERR_NOT_FOUND; i++)
        ;
}

static void ask_for_messages(void)
{
    const uint64_t last = drive_state(life.store).last_sequence;
    for (uint64_t sequence = 1; sequence <= last; sequence += 7) {
        const enum rill_err err = story_read(&life.story, life.store, sequence);
        cr_assert(err == RILL_OK || err == RILL_ERR_IO, "try %lu: sequence %lu: %s",
                  (unsigned long)life.number, (unsigned long)sequence, rill_err_text(err));
        life.refused += err != RILL_OK;
    }
}

static void ask_for_subject(unsigned number)
{
    char name[32];
    uint64_t first = 0, last = 0;
    struct rill_store_subject found = {0};
    (void)snprintf(name, sizeof name, "orders.%u", number);
    const uint64_t count = story_live(&life.story, rill_bytes_from_cstr(name), &first, &last);
    enum rill_err err = rill_store_subject(life.store, rill_bytes_from_cstr(name), &found);
    for (int i = 0; err == RILL_ERR_AGAIN && i < WORK_MAX; i++) {
        work();
        err = rill_store_subject(life.store, rill_bytes_from_cstr(name), &found);
    }
    life.refused += err == RILL_ERR_UNAVAILABLE;
    cr_assert(err == RILL_ERR_UNAVAILABLE || err == (count ? RILL_OK : RILL_ERR_NOT_FOUND), "try %lu: %s: %s",
              (unsigned long)life.number, name, rill_err_text(err));
    cr_assert(err || (found.count == count && found.first_sequence == first && found.last_sequence == last),
              "try %lu: %s", (unsigned long)life.number, name);
}

/* Right answers, or errors. */
static void ask(void)
{
    const uint64_t refused = life.refused;
    ask_for_messages();
    for (unsigned i = 0; i < SUBJECTS; i += 150)
        ask_for_subject(i);
    // What could not be opened once or twice may be opened the next time.
    cr_assert(life.refused <= refused + 2 || drive_state(life.store).index_failed,
              "try %lu: it does not say so", (unsigned long)life.number);
}

/* With a disk that works again the store makes another index while it serves. */
static void expect_mended_now(void)
{
    life.faulty.fail_at = 0;
    cr_assert(eq(int, drive_mending(life.store), RILL_OK), "try %lu", (unsigned long)life.number);
    life.refused = 0;
    ask();
    const struct rill_store_state state = drive_state(life.store);
    cr_assert(life.refused == 0 && !state.index_failed, "try %lu: %s", (unsigned long)life.number,
              state.index_why.text);
    story_check_state(&life.story, life.store);
}

/* And goes on with it. */
static void live_on(void)
{
    for (int i = 0; i < MORE_STEPS / 4; i++)
        cr_assert(eq(int, story_step(&life.story, life.store), RILL_OK));
    story_settle(&life.story, life.store);
    work();
    life.refused = 0;
    ask();
    cr_assert(eq(u64, life.refused, 0), "try %lu", (unsigned long)life.number);
}

/* With a disk that works again the next open makes all good. */
static void expect_mended(void)
{
    life.faulty.fail_at = 0;
    rill_store_close(life.store);
    life_open();
    work();
    life.refused = 0;
    ask();
    const struct rill_store_state state = drive_state(life.store);
    cr_assert(life.refused == 0 && state.index_why.text[0] == '\0', "try %lu: %s", (unsigned long)life.number,
              state.index_why.text);
}

static uint64_t without_index; // opens that have ended so

/* The n-th call on the index fails while the store is opened. True when there was no such call. */
static bool fail_open(uint64_t n, uint64_t fail_count)
{
    const bool mends = n % 2;
    life_begin(n);
    life.faulty.fail_at = n;
    life.faulty.fail_count = fail_count;
    life_open();
    const bool ended = !life.faulty.failed;
    without_index += drive_state(life.store).index_failed;
    life.faulty.fail_at = 0;
    ask();
    if (mends) {
        expect_mended_now();
        live_on();
    }
    expect_mended();
    life_end();
    return ended;
}

static void fail_opens(uint64_t fail_count, bool caught_up)
{
    const uint64_t stride = caught_up ? 1 : 11;
    const struct seed_range seeds = seed_range(1);
    for (uint64_t seed = seeds.first; seed <= seeds.last; seed++) {
        uint64_t n = 1;
        sample_make(seed, caught_up);
        without_index = 0;
        while (!fail_open(n, fail_count))
            n += stride;
        cr_expect(gt(u64, n, caught_up ? 15 : 100), "only %lu calls", (unsigned long)n);
        cr_expect(fail_count > 1 || without_index < n / stride / 4 + 1, "%lu opens of %lu had no index",
                  (unsigned long)without_index, (unsigned long)(n / stride));
        sim_disk_destroy(sample);
    }
}

// Whichever call on the index fails while a store is opened: it opens, with another index.
Test(store_index, a_failing_call_does_not_fail_an_open)
{
    fail_opens(1, true);
}

// So when it is just being made.
Test(store_index, a_failing_call_does_not_fail_an_open_that_makes_the_index)
{
    fail_opens(1, false);
}

// When all calls fail from there on, it opens without an index.
Test(store_index, an_index_out_of_reach_does_not_fail_an_open)
{
    fail_opens(UINT64_MAX, true);
    fail_opens(UINT64_MAX, false);
}

/* The n-th call on the index fails while the store serves. True when there was no such call. */
static bool fail_service(uint64_t n, uint64_t fail_count)
{
    life_begin(n);
    life_open();
    life.faulty.calls = 0;
    life.faulty.fail_at = n;
    life.faulty.fail_count = fail_count;
    for (int i = 0; i < MORE_STEPS; i++)
        cr_assert(eq(int, story_step(&life.story, life.store), RILL_OK));
    story_settle(&life.story, life.store);
    work();
    ask();
    const bool ended = !life.faulty.failed;
    if (n % 2) {
        expect_mended_now();
        live_on();
    }
    expect_mended();
    life_end();
    return ended;
}

static void fail_services(uint64_t fail_count)
{
    const struct seed_range seeds = seed_range(1);
    for (uint64_t seed = seeds.first; seed <= seeds.last; seed++) {
        uint64_t n = 1;
        sample_make(seed, true);
        while (!fail_service(n, fail_count))
            n++;
        cr_expect(gt(u64, n, 25), "only %lu calls", (unsigned long)n);
        sim_disk_destroy(sample);
    }
}

// Whichever call on the index fails while a store serves: answers are right or errors, it says so, and the next open
// mends it.
Test(store_index, a_failing_call_makes_no_answer_wrong)
{
    fail_services(1);
}

Test(store_index, an_index_out_of_reach_makes_no_answer_wrong)
{
    fail_services(UINT64_MAX);
}

/* A disk that is full for the index, from an open on. */
static void open_full(void)
{
    life_begin(1);
    life.faulty.err = RILL_ERR_NO_SPACE;
    life.faulty.fail_at = 1;
    life.faulty.fail_count = UINT64_MAX;
    life_open();
    cr_assert(drive_state(life.store).index_failed);
}

// A store that was opened on a full disk serves its messages, tries again when it is told to, says that it has none, and has one
// when there is room.
Test(store_index, an_index_comes_when_there_is_room)
{
    sample_make(1, true);
    open_full();
    for (int i = 0; i < 3; i++) {
        cr_assert(eq(int, drive_mending(life.store), RILL_ERR_UNAVAILABLE));
        cr_assert(drive_state(life.store).index_failed);
        life.refused = 0;
        ask_for_messages();
        cr_assert(eq(u64, life.refused, 0), "messages need no index");
    }
    expect_mended_now();
    live_on();
    expect_mended();
    life_end();
    sim_disk_destroy(sample);
}

// An index that fails under a store takes the directories of most segments with it: they come back from the log, also when no
// other index can be made, and removals hold.
Test(store_index, messages_are_read_without_an_index)
{
    sample_make(1, true);
    life_begin(1);
    life_open();
    life.faulty.fail_at = life.faulty.calls + 1;
    life.faulty.fail_count = UINT64_MAX;
    for (int i = 0; i < 5; i++) // what could not be opened once or twice may be opened the next time
        ask_for_subject(1);
    cr_assert(drive_state(life.store).index_failed);
    life.refused = 0;
    ask_for_messages();
    cr_assert(eq(u64, life.refused, 0), "messages need no index");
    story_check_state(&life.story, life.store);
    expect_mended_now();
    live_on();
    expect_mended();
    life_end();
    sim_disk_destroy(sample);
}

static void flip(size_t at, unsigned bit)
{
    size_t len = 0;
    uint8_t *bytes = sim_disk_bytes(life.disk, index_file, &len);
    cr_assert(bytes && at < len);
    bytes[at] ^= (uint8_t)(1u << bit);
}

static size_t index_bytes(void)
{
    size_t len = 0;
    (void)sim_disk_bytes(sample, index_file, &len);
    return len;
}

// A bit that has flipped is found when the store is opened, or when it matters; and then it is mended.
Test(store_index, a_flipped_bit_makes_no_answer_wrong)
{
    uint64_t refused = 0;
    const struct seed_range seeds = seed_range(1);
    for (uint64_t seed = seeds.first; seed <= seeds.last; seed++) {
        sample_make(seed, true);
        const size_t len = index_bytes();
        for (size_t at = seed % 8; at < len; at += 1500 + at % 7) {
            life_begin(at);
            flip(at, (unsigned)(at % 8));
            life_open();
            ask();
            refused += life.refused;
            expect_mended();
            life_end();
        }
        sim_disk_destroy(sample);
    }
    cr_expect(gt(u64, refused, 0), "no flip was met by a question");
}

// So it is when the bit flips under a store that is open.
Test(store_index, a_bit_that_flips_later_makes_no_answer_wrong)
{
    const struct seed_range seeds = seed_range(1);
    for (uint64_t seed = seeds.first; seed <= seeds.last; seed++) {
        sample_make(seed, true);
        const size_t len = index_bytes();
        for (size_t at = seed % 8; at < len; at += 2500 + at % 7) {
            life_begin(at);
            life_open();
            flip(at, (unsigned)(at % 8));
            ask();
            if (at % 3)
                expect_mended_now();
            expect_mended();
            life_end();
        }
        sim_disk_destroy(sample);
    }
}
