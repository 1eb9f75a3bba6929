// SPDX-License-Identifier: Apache-2.0
//
// Operations of the disk that fail, and bits that flip, under the index: every answer is right or an error.
#include "faulty_disk.h"
#include "index_story.h"
#include "seed.h"
#include "sim_disk.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

TestSuite(index_faults, .timeout = 280);

enum { EVENTS = 150, ANSWERS_BYTES = 4 << 20, TRIES = 100 };

struct life {
    struct story story;
    struct rill_buf right; // answers
    struct rill_disk *below;
    struct faulty_disk disk;
    struct rill_index *index;
    struct rill_index_position position;
    enum rill_index_found found;
    uint64_t fail_at;
};

static enum rill_err open_index(struct life *life, struct rill_disk *disk, bool discard)
{
    struct rill_index_options options = story_options(disk);
    struct rill_error_text why;
    options.discard = discard;
    life->index = NULL;
    return rill_index_open(&options, &life->index, &life->found, &life->position, &why);
}

/* Tells it what it has not. A batch that could not be written waits for the next job. */
static enum rill_err feed_all(struct life *life)
{
    enum rill_err err = RILL_OK;
    for (size_t at = story_at(&life->story, &life->position);
         err != RILL_ERR_DAMAGED && at < life->story.count; at++) {
        err = story_play(&life->story, life->index, at, at + 1, true);
        cr_assert(err == RILL_OK || err == RILL_ERR_DAMAGED || err == RILL_ERR_IO || err == life->disk.err,
                  "failing call %lu: %s", life->fail_at, rill_err_text(err));
    }
    return err;
}

/* Opens and feeds it, again while the disk fails, and from the beginning where it says that it is damaged. */
static void live(struct life *life)
{
    enum rill_err err = RILL_OK;
    for (int try = 0; try < TRIES; try++) {
        err = open_index(life, &life->disk.base, err == RILL_ERR_DAMAGED);
        if (!err)
            err = feed_all(life);
        if (err != RILL_ERR_DAMAGED && life->index)
            return;
        rill_index_close(life->index);
    }
    cr_assert(false, "failing call %lu: %s", life->fail_at, rill_err_text(err));
}

/* Right answers, or one of these errors. */
static void expect_right(struct life *life, bool may_fail)
{
    struct rill_buf got;
    rill_buf_init(&got, ANSWERS_BYTES);
    const enum rill_err err = story_answers(life->index, &life->story, life->story.count, &got);
    if (!err) {
        const size_t at = story_difference(&life->right, &got);
        cr_assert(eq(sz, at, life->right.len), "failing call %lu: want %.30s, got %.30s", life->fail_at,
                  life->right.data + at, got.data + at);
        life->right.len--; // its end
    } else {
        cr_assert(may_fail && (err == RILL_ERR_IO || err == RILL_ERR_NO_SPACE || err == RILL_ERR_DAMAGED),
                  "failing call %lu: %s", life->fail_at, rill_err_text(err));
    }
    rill_buf_fini(&got);
}

static void life_begin(struct life *life, uint64_t seed)
{
    story_init(&life->story, seed, EVENTS);
    rill_buf_init(&life->right, ANSWERS_BYTES);
    story_right_answers(&life->story, life->story.count, &life->right);
}

/* True when no call failed any more. */
static bool fail_once(struct life *life, uint64_t fail_count, enum rill_err fault)
{
    life->below = rill_disk_memory_create(0);
    faulty_disk_init(&life->disk, life->below);
    cr_assert(eq(int, life->below->ops->mkdir(life->below, "store"), RILL_OK));
    life->disk.fail_at = life->fail_at;
    life->disk.fail_count = fail_count;
    life->disk.err = fault;
    life->disk.half_written = life->fail_at % 2;
    live(life);
    expect_right(life, true);
    const bool ended = !life->disk.failed;
    // With a disk that works again it is right, if it has not said that it is damaged.
    life->disk.fail_at = 0;
    uint64_t last;
    if (rill_index_last(life->index, RILL_BYTES("a"), &last) != RILL_ERR_DAMAGED)
        expect_right(life, false);
    rill_index_close(life->index);
    live(life);
    expect_right(life, false);
    rill_index_close(life->index);
    rill_disk_memory_destroy(life->below);
    return ended;
}

static void fail_everywhere(uint64_t fail_count, enum rill_err fault)
{
    static struct life life;
    const struct seed_range seeds = seed_range(1);
    for (uint64_t seed = seeds.first; seed <= seeds.last; seed++) {
        life_begin(&life, seed);
        life.fail_at = 1;
        while (!fail_once(&life, fail_count, fault))
            life.fail_at++;
        cr_expect(life.fail_at > EVENTS, "only %lu calls", life.fail_at);
        rill_buf_fini(&life.right);
    }
}

// Whichever call of the disk fails, answers are right or an error, and the index goes on or is built again.
Test(index_faults, a_failing_call_makes_no_answer_wrong)
{
    fail_everywhere(1, RILL_ERR_IO);
}

// A disk that is full for a while costs nothing but the batches that wait.
Test(index_faults, a_full_disk_makes_no_answer_wrong)
{
    fail_everywhere(40, RILL_ERR_NO_SPACE);
}

static void flip_one(struct life *life, struct rill_disk *from, const char *path, size_t at, int bit)
{
    size_t len;
    struct rill_disk *disk = sim_disk_clone(from, at);
    uint8_t *bytes = sim_disk_bytes(disk, path, &len);
    cr_assert(bytes && at < len);
    bytes[at] ^= (uint8_t)(1 << bit);
    life->fail_at = at;
    cr_assert(eq(int, open_index(life, disk, false), RILL_OK));
    const enum rill_err err = story_play(&life->story, life->index, story_at(&life->story, &life->position),
                                         life->story.count, false);
    cr_assert(err == RILL_OK || err == RILL_ERR_DAMAGED, "byte %zu: %s", at, rill_err_text(err));
    expect_right(life, true);
    rill_index_close(life->index);
    sim_disk_destroy(disk);
}

/* The first bytes of pages matter most: all of those, and of the rest as many as there is time for. */
static void flip_everywhere(struct life *life, struct rill_disk *disk, const char *path, size_t step)
{
    size_t len = 0;
    (void)sim_disk_bytes(disk, path, &len);
    cr_assert(len > 0, "%s is empty", path);
    const struct seed_range seeds = seed_range(1);
    for (uint64_t seed = seeds.first; seed <= seeds.last && seed <= 8; seed++) {
        for (size_t at = seed % step; at < len; at += at % 4096 < 64 ? 1 : step)
            flip_one(life, disk, path, at, (int)((at / step + seed) % 8));
    }
}

/* An index of which the last batch is in the write-ahead log only. */
static struct rill_disk *make_index(struct life *life, uint64_t seed)
{
    struct rill_disk *disk = sim_disk_create(seed);
    cr_assert(eq(int, disk->ops->mkdir(disk, "store"), RILL_OK));
    life_begin(life, seed);
    cr_assert(eq(int, open_index(life, disk, false), RILL_OK));
    const size_t half = life->story.count / 2;
    cr_assert(eq(int, story_play(&life->story, life->index, 0, half, true), RILL_OK));
    cr_assert(eq(int, story_play(&life->story, life->index, half, life->story.count, false), RILL_OK));
    cr_assert(eq(int, rill_index_rotate(life->index, NULL), RILL_OK));
    struct rill_index_job *job = rill_index_job_start(life->index);
    rill_index_job_run(job);
    cr_assert(eq(int, rill_index_job_finish(life->index, job), RILL_OK));
    struct rill_disk *copy = sim_disk_clone(disk, seed);
    rill_index_close(life->index);
    sim_disk_destroy(disk);
    return copy;
}

// Whichever bit of the file flips, answers are right, or it says that it is damaged.
Test(index_faults, a_flipped_bit_of_the_file_makes_no_answer_wrong)
{
    static struct life life;
    struct rill_disk *disk = make_index(&life, 1);
    flip_everywhere(&life, disk, "store/index.db", 16);
    sim_disk_destroy(disk);
    rill_buf_fini(&life.right);
}

// So with the write-ahead log.
Test(index_faults, a_flipped_bit_of_the_log_makes_no_answer_wrong)
{
    static struct life life;
    struct rill_disk *disk = make_index(&life, 2);
    flip_everywhere(&life, disk, "store/index.db-wal", 16);
    sim_disk_destroy(disk);
    rill_buf_fini(&life.right);
}
