// SPDX-License-Identifier: Apache-2.0
//
// Damage on disk: flipped bits, zeroed, moved and missing pieces. Whatever happens to the bytes, an answer is
// right or an error; and what is lost is what was hit, and is reported.
#include "base/assert.h"
#include "seed.h"
#include "sim_disk.h"
#include "store_drive.h"
#include "store_story.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

TestSuite(store_damage, .timeout = 280);

static const char folder[] = "store/$G/ORDERS";

enum { SEGMENTS_MAX = 8 };

/* A store in three segments or more, closed. */
struct sample {
    struct story story;
    struct rill_disk *disk;
    uint64_t last_sequence;
    uint64_t events;
    char paths[SEGMENTS_MAX][64];
    size_t segment_count;
};

static struct sample sample;

static void sample_make(uint64_t seed)
{
    struct rill_store *store;
    struct rill_store_state state;
    sample = (struct sample){.disk = sim_disk_create(seed)};
    story_init(&sample.story, seed);
    sample.story.keeps_all = true; // damage in a removal undoes it
    const struct rill_store_options options = story_options(&sample.story, sample.disk, folder);
    cr_assert(eq(int, story_create_store(&sample.story, &options, &store), RILL_OK));
    do {
        cr_assert(eq(int, story_step(&sample.story, store), RILL_OK));
        rill_store_state(store, &state);
    } while (state.segments < 3 || state.messages < 100);
    cr_assert(eq(int, story_commit(&sample.story, store), RILL_OK));
    rill_store_state(store, &state);
    rill_store_close(store);
    sample.last_sequence = state.last_sequence;
    sample.events = sample.story.committed - state.messages;
    sample.segment_count = state.segments;
    cr_assert(sample.segment_count <= SEGMENTS_MAX);
    for (size_t i = 0; i < sample.segment_count; i++)
        (void)snprintf(sample.paths[i], sizeof sample.paths[i], "%s/%016zx.seg", folder, i + 1);
}

/* What a replay says, held against the story. */
struct audit {
    uint64_t last; // sequence delivered or reported
    uint64_t messages;
    uint64_t events;
    uint64_t lost;
    uint64_t head; // messages in front of the first that was told of, until their loss is told
};

/* What is missing in front of the first segment is told last. */
static void audit_begin(struct audit *audit, uint64_t first)
{
    if (audit->last)
        return;
    audit->head = audit->last = first - 1;
}

static enum rill_err audit_message(void *context, const struct rill_store_message *message)
{
    struct audit *audit = context;
    cr_assert(story_message_is_right(&sample.story, message), "message %lu is wrong",
              (unsigned long)message->sequence);
    audit_begin(audit, message->sequence);
    cr_assert(eq(u64, message->sequence, audit->last + 1), "neither delivered nor reported");
    audit->last = message->sequence;
    audit->messages++;
    return RILL_OK;
}

static enum rill_err audit_event(void *context, enum rill_store_event type, struct rill_bytes bytes)
{
    ((struct audit *)context)->events++;
    return RILL_OK;
}

static enum rill_err audit_lost(void *context, uint64_t first, uint64_t last)
{
    struct audit *audit = context;
    if (first > last)
        return RILL_OK;
    audit->lost += last - first + 1;
    if (audit->head && first == 1) {
        cr_assert(eq(u64, last, audit->head));
        audit->head = 0;
        return RILL_OK;
    }
    audit_begin(audit, first);
    cr_assert(eq(u64, first, audit->last + 1), "a loss out of order");
    audit->last = last;
    return RILL_OK;
}

static bool is_lost(const struct rill_store *store, uint64_t sequence)
{
    size_t count;
    const struct rill_store_range *ranges = rill_store_lost(store, &count);
    for (size_t i = 0; i < count; i++)
        if (ranges[i].first_sequence <= sequence && sequence <= ranges[i].last_sequence)
            return true;
    return false;
}

/* Reads every message: each is right, or damaged and reported as lost. */
static void read_all(struct rill_store *store, uint64_t last)
{
    for (uint64_t sequence = 1; sequence <= last; sequence++) {
        const enum rill_err err = story_read(&sample.story, store, sequence);
        cr_assert(err == (is_lost(store, sequence) ? RILL_ERR_DAMAGED : RILL_OK), "message %lu: %s",
                  (unsigned long)sequence, rill_err_text(err));
    }
}

/* The store must still take a message and find it again. */
static void append_one(struct rill_store *store)
{
    struct rill_store_message message = {.subject = RILL_BYTES("after"), .payload = RILL_BYTES("damage")},
                              read;
    cr_assert(eq(int, rill_store_append(store, &message), RILL_OK));
    cr_assert(eq(int, drive_commit(store), RILL_OK));
    cr_assert(eq(int, rill_store_read(store, message.sequence, &read), RILL_OK));
    cr_expect(rill_bytes_equal(read.payload, message.payload));
}

/* Opens, checks every answer, appends. Returns what the replay said. */
static enum rill_err audit_disk(struct rill_disk *disk, struct audit *ret_audit,
                                struct rill_store_report *ret_report)
{
    struct audit audit = {0};
    const struct rill_store_visitor visitor = {
        .context = &audit, .message = audit_message, .event = audit_event, .lost = audit_lost};
    const struct rill_store_options options = {.disk = disk, .folder = folder, .segment_bytes = 16 << 10};
    struct rill_store *store;
    struct rill_error_text why;
    const enum rill_err err = rill_store_open(&options, &visitor, &store, ret_report, &why);
    if (err)
        return err;
    struct rill_store_state state;
    rill_store_state(store, &state);
    cr_assert(eq(u64, audit.head, 0), "the head is neither there nor lost");
    if (state.last_sequence != audit.last && audit.last == 0)
        audit.last = state.last_sequence; // all was in front of the first segment
    cr_assert(eq(u64, state.last_sequence, audit.last));
    cr_assert(eq(u64, state.lost_messages, audit.lost));
    read_all(store, audit.last);
    append_one(store);
    rill_store_close(store);
    *ret_audit = audit;
    return RILL_OK;
}

static void reopen(struct rill_disk *disk)
{
    const struct rill_store_options options = {.disk = disk, .folder = folder};
    struct rill_store *store;
    struct rill_store_report report;
    struct rill_error_text why;
    cr_assert(eq(int, rill_store_open(&options, NULL, &store, &report, &why), RILL_OK));
    cr_assert(eq(u64, report.dropped_bytes, 0));
    rill_store_close(store);
}

static void flip_and_audit(const char *path, size_t at, uint8_t bits)
{
    struct audit audit;
    struct rill_store_report report;
    size_t len;
    struct rill_disk *disk = sim_disk_clone(sample.disk, 1);
    sim_disk_bytes(disk, path, &len)[at] ^= bits;
    cr_assert(eq(int, audit_disk(disk, &audit, &report), RILL_OK), "%s, byte %zu", path, at);
    cr_assert(eq(u64, audit.last, sample.last_sequence), "%s, byte %zu: the end is gone", path, at);
    const uint64_t lost = audit.lost + sample.events - audit.events;
    cr_assert(lost <= 1, "%s, byte %zu: %lu records are gone", path, at, (unsigned long)lost);
    cr_assert(lost == 0 || report.lost_ranges > 0, "%s, byte %zu: lost without a word", path, at);
    if (at % 16 == 0)
        reopen(disk);
    sim_disk_destroy(disk);
}

// Any flipped byte of a closed store takes at most the one record that it hits, and that is reported with its
// sequence.
Test(store_damage, a_flipped_byte_takes_one_record_at_most)
{
    const struct seed_range seeds = seed_range(1);
    for (uint64_t seed = seeds.first; seed <= seeds.last; seed++) {
        sample_make(seed);
        for (size_t i = 0; i < sample.segment_count; i++) {
            size_t len = 0;
            (void)sim_disk_bytes(sample.disk, sample.paths[i], &len);
            for (size_t at = 0; at < len; at++)
                flip_and_audit(sample.paths[i], at, (uint8_t)(1 << (at + seed) % 8));
        }
        sim_disk_destroy(sample.disk);
    }
}

// A byte that goes bad while the store is open is found when its block is loaded, and takes one message at
// most.
Test(store_damage, a_byte_that_goes_bad_later_is_found_by_the_load)
{
    sample_make(2);
    uint64_t hits = 0;
    for (size_t at = 8192 + 3; at < 16 << 10; at += 97) {
        struct rill_disk *disk = sim_disk_clone(sample.disk, 1);
        const struct rill_store_options options = {.disk = disk, .folder = folder};
        struct rill_store *store;
        struct rill_error_text why;
        size_t len;
        cr_assert(eq(int, rill_store_open(&options, NULL, &store, NULL, &why), RILL_OK));
        sim_disk_bytes(disk, sample.paths[0], &len)[at] ^= 0x40;
        for (uint64_t sequence = 1; sequence <= sample.last_sequence; sequence++) {
            const enum rill_err err = story_read(&sample.story, store, sequence);
            cr_assert(err == RILL_OK || err == RILL_ERR_DAMAGED);
        }
        struct rill_store_state state;
        rill_store_state(store, &state);
        cr_assert(state.lost_messages <= 1);
        hits += state.lost_messages;
        rill_store_close(store);
        sim_disk_destroy(disk);
    }
    cr_expect(hits > 10);
    sim_disk_destroy(sample.disk);
}

static void damage_zero(struct rill_disk *disk, struct rill_random *random, const char *path)
{
    size_t len;
    uint8_t *bytes = sim_disk_bytes(disk, path, &len);
    const size_t from = rill_random_below(random, (uint32_t)len);
    const size_t count = rill_random_below(random, 3000);
    memset(bytes + from, rill_random_chance(random, 1, 2) ? 0 : 0x5A,
           count < len - from ? count : len - from);
}

/* Copies a piece of one segment over a piece of another, or of the same: what stood there is valid elsewhere. */
static void damage_move(struct rill_disk *disk, struct rill_random *random, const char *path)
{
    size_t len, from_len;
    const char *from_path = sample.paths[rill_random_below(random, (uint32_t)sample.segment_count)];
    uint8_t *bytes = sim_disk_bytes(disk, path, &len);
    const uint8_t *from = sim_disk_bytes(disk, from_path, &from_len);
    const size_t count = 8 * (1 + rill_random_below(random, 400));
    const size_t at = 8 * rill_random_below(random, (uint32_t)(len - count) / 8);
    memmove(bytes + at, from + 8 * rill_random_below(random, (uint32_t)(from_len - count) / 8), count);
}

static void damage_file(struct rill_disk *disk, struct rill_random *random, const char *path)
{
    struct rill_disk_file *file;
    const char *other = sample.paths[rill_random_below(random, (uint32_t)sample.segment_count)];
    enum rill_err err = RILL_OK;
    switch (rill_random_below(random, 3)) {
    case 0:
        err = disk->ops->unlink(disk, path);
        break;
    case 1:
        err = disk->ops->rename(disk, path, other);
        break;
    default:
        err = disk->ops->open(disk, path, RILL_DISK_WRITE, &file);
        cr_assert(eq(int, err, RILL_OK));
        err = disk->ops->truncate(file, rill_random_below(random, 16 << 10));
        disk->ops->close(file);
    }
    cr_assert(eq(int, err, RILL_OK));
}

static void damage(struct rill_disk *disk, struct rill_random *random)
{
    const uint32_t kind = rill_random_below(random, 5);
    const char *path = sample.paths[rill_random_below(random, (uint32_t)sample.segment_count)];
    if (kind < 2)
        damage_zero(disk, random, path);
    else if (kind < 4)
        damage_move(disk, random, path);
    else
        damage_file(disk, random, path);
}

// However badly the files are hurt: every message that is delivered is right, in its place, and the others up
// to the last one are reported; and the store takes new messages.
Test(store_damage, every_answer_is_right_or_an_error)
{
    const struct seed_range seeds = seed_range(3000);
    uint64_t opened = 0;
    sample_make(3);
    for (uint64_t seed = seeds.first; seed <= seeds.last; seed++) {
        struct rill_random random = {seed};
        struct audit audit;
        struct rill_store_report report;
        struct rill_disk *disk = sim_disk_clone(sample.disk, seed);
        cr_log_info("seed %lu", (unsigned long)seed);
        damage(disk, &random);
        const enum rill_err err = audit_disk(disk, &audit, &report);
        cr_assert(err == RILL_OK || err == RILL_ERR_DAMAGED, "seed %lu: %s", (unsigned long)seed,
                  rill_err_text(err));
        opened += err == RILL_OK;
        if (err == RILL_OK)
            reopen(disk);
        sim_disk_destroy(disk);
    }
    cr_expect(opened == seeds.last - seeds.first + 1 || opened > 2000, "%lu opened", (unsigned long)opened);
    sim_disk_destroy(sample.disk);
}
