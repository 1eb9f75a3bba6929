// SPDX-License-Identifier: Apache-2.0
//
// `rilld store` on folders with damage at random: the walk and the store are two readers of one format, so they must
// agree; and what a salvage makes is a store with all that was sound.
#include "seed.h"
#include "sim_disk.h"
#include "store_drive.h"
#include "store_story.h"

#include "salvage.h"
#include "segment.h"
#include "tool.h"
#include "walk.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

TestSuite(store_tool, .timeout = 280);

static const char folder[] = "store/$G/ORDERS";
static const char salvaged[] = "saved/$G/ORDERS";

enum { SEQUENCES_MAX = 8192 };

enum { UNKNOWN, LIVE, REMOVED };

/* What one reader has seen of each sequence. */
struct view {
    uint8_t there[SEQUENCES_MAX]; // LIVE, REMOVED or neither
    uint64_t last_sequence;
    uint64_t messages;
    struct lost lost;
    uint64_t events;
    uint64_t damages;
    uint64_t notes;
};

static struct story story;
static struct rill_disk *sample;
static uint64_t segment_first, segment_last; // numbers of those that the sample has

static enum rill_err sample_file(void *context, const char *name, bool is_folder)
{
    const uint64_t number = segment_number_of(name, ".seg");
    if (!number)
        return RILL_OK;
    segment_first = !segment_first || number < segment_first ? number : segment_first;
    segment_last = number > segment_last ? number : segment_last;
    return RILL_OK;
}

/* Four segments, and more that were in front of them and are spent. */
static bool sample_is_ready(const struct rill_store *store)
{
    struct rill_store_state state;
    rill_store_state(store, &state);
    cr_assert(story.count < STORY_RECORDS_MAX && state.last_sequence < SEQUENCES_MAX);
    segment_first = segment_last = 0;
    cr_assert(eq(int, sample->ops->list(sample, folder, sample_file, NULL), RILL_OK));
    return state.segments >= 4 && state.messages >= 100 && segment_first > 1;
}

/* A store of which segments were made anew, and compressed when the seed is odd. */
static bool rewritten_is_ready(const struct rill_store *store)
{
    struct rill_store_state state;
    (void)sample_is_ready(store);
    rill_store_state(store, &state);
    return story.rewritten >= 3 && state.segments >= 3 && state.messages >= 60;
}

enum sample { SAMPLE_CLOSED, SAMPLE_KILLED, SAMPLE_REWRITTEN };

static void sample_make(uint64_t seed, enum sample kind)
{
    const bool closed = kind != SAMPLE_KILLED;
    struct rill_store *store;
    sample = sim_disk_create(seed);
    story_init(&story, seed);
    story.removes_often = kind == SAMPLE_REWRITTEN;
    story.compress = story.removes_often && seed % 2;
    const struct rill_store_options options = story_options(&story, sample, folder);
    cr_assert(eq(int, story_create_store(&story, &options, &store), RILL_OK));
    do
        cr_assert(eq(int, story_step(&story, store), RILL_OK));
    while (!(story.removes_often ? rewritten_is_ready : sample_is_ready)(store));
    cr_assert(eq(int, story_commit(&story, store), RILL_OK));
    (void)sample_is_ready(store);
    if (!closed)
        sim_disk_crash(sample);
    rill_store_close(store);
    if (!closed)
        sim_disk_restart_killed(sample);
}

static void random_path(struct rill_random *random, char path[64])
{
    const uint32_t count = (uint32_t)(segment_last - segment_first + 1);
    (void)snprintf(path, 64, "%s/%016lx.seg", folder,
                   (unsigned long)(segment_first + rill_random_below(random, count)));
}

static void see(struct view *view, uint64_t sequence)
{
    cr_assert(sequence < SEQUENCES_MAX && view->there[sequence] == UNKNOWN);
    view->there[sequence] = LIVE;
    view->messages++;
    view->last_sequence = sequence > view->last_sequence ? sequence : view->last_sequence;
}

static void see_removed(struct view *view, uint64_t first, uint64_t last)
{
    for (uint64_t sequence = first; sequence <= last && sequence < SEQUENCES_MAX; sequence++) {
        if (view->there[sequence] != LIVE)
            continue;
        view->there[sequence] = REMOVED;
        view->messages--;
    }
}

static enum rill_err store_removed(void *context, uint64_t first, uint64_t last)
{
    see_removed(context, first, last);
    return RILL_OK;
}

static enum rill_err store_message(void *context, const struct rill_store_message *message)
{
    cr_assert(story_message_is_right(&story, message));
    see(context, message->sequence);
    return RILL_OK;
}

static enum rill_err store_event(void *context, enum rill_store_event type, struct rill_bytes bytes)
{
    ((struct view *)context)->events++;
    return RILL_OK;
}

static void note_lost(struct view *view, const struct rill_store *store)
{
    size_t count;
    const struct rill_store_range *ranges = rill_store_lost(store, &count);
    for (size_t i = 0; i < count; i++)
        lost_add(&view->lost, ranges[i].first_sequence, ranges[i].last_sequence);
}

/* What was never there and is not lost was purged. */
static void read_one(const struct view *view, struct rill_store *store, uint64_t sequence)
{
    struct rill_store_message message;
    const enum rill_err err = drive_read(store, sequence, &message);
    const enum rill_err expected = view->there[sequence] == LIVE     ? RILL_OK
                                   : lost_has(&view->lost, sequence) ? RILL_ERR_DAMAGED
                                                                     : RILL_ERR_NOT_FOUND;
    cr_assert(eq(int, err, expected), "sequence %lu", (unsigned long)sequence);
    cr_assert(err || story_message_is_right(&story, &message));
}

static enum rill_err store_view(struct rill_disk *disk, const char *path, struct view *ret_view)
{
    *ret_view = (struct view){0};
    const struct rill_store_visitor visitor = {
        .context = ret_view, .message = store_message, .event = store_event, .removed = store_removed};
    const struct rill_store_options options = {.disk = disk, .folder = path};
    struct rill_store *store;
    struct rill_store_state state;
    struct rill_error_text why;
    const enum rill_err err = rill_store_open(&options, &visitor, &store, NULL, &why);
    if (err)
        return err;
    rill_store_state(store, &state);
    ret_view->last_sequence = state.last_sequence;
    cr_assert(eq(u64, state.messages, ret_view->messages));
    note_lost(ret_view, store);
    cr_assert(eq(u64, state.lost_messages, ret_view->lost.messages));
    for (uint64_t sequence = 1; sequence <= state.last_sequence; sequence++)
        read_one(ret_view, store, sequence);
    rill_store_close(store);
    return RILL_OK;
}

static enum rill_err walk_record(void *context, const struct walk_record *found)
{
    struct view *view = context;
    const struct record *record = &found->record;
    if (record->type == RECORD_MESSAGE)
        see(view, record->sequence);
    else if (record->type == RECORD_DELETE || record->type == RECORD_ERASE) {
        see_removed(view, record_delete_of(record).sequence, record_delete_of(record).sequence);
        lost_remove(&view->lost, record_delete_of(record).sequence);
    } else if (record->type == RECORD_PURGE)
        see_removed(view, 1, record_purge_of(record) - 1);
    else if (found->known && record->type >= RILL_STORE_EVENT_STREAM_CONFIG)
        view->events++;
    return RILL_OK;
}

static enum rill_err walk_finding(void *context, const struct finding *finding)
{
    struct view *view = context;
    if (finding_is_damage(finding->kind))
        view->damages++;
    else
        view->notes++;
    finding_add_lost(finding, &view->lost);
    return RILL_OK;
}

static enum rill_err walk_view(struct rill_disk *disk, const char *path, struct view *ret_view)
{
    *ret_view = (struct view){0};
    const struct walk_options options = {.disk = disk, .folder = path};
    const struct walk_visitor visitor = {.context = ret_view, .record = walk_record, .finding = walk_finding};
    struct walk_result end;
    struct rill_error_text why;
    const enum rill_err err = walk_stream(&options, &visitor, &end, &why);
    if (err)
        return err;
    ret_view->last_sequence = end.last_sequence;
    lost_cut(&ret_view->lost, end.floor);
    return RILL_OK;
}

static void forget(struct view *view)
{
    lost_fini(&view->lost);
}

static void expect_same(const struct view *a, const struct view *b, uint64_t seed)
{
    cr_expect(eq(u64, a->messages, b->messages), "seed %lu: messages", (unsigned long)seed);
    cr_expect(eq(u64, a->last_sequence, b->last_sequence), "seed %lu: last sequence", (unsigned long)seed);
    cr_expect(eq(u64, a->lost.messages, b->lost.messages), "seed %lu: lost", (unsigned long)seed);
    cr_expect(eq(u64, a->events, b->events), "seed %lu: events", (unsigned long)seed);
    cr_assert(memcmp(a->there, b->there, sizeof a->there) == 0, "seed %lu: other messages",
              (unsigned long)seed);
}

/* What is removed is as good as what was never there. */
static void forget_removed(struct view *view)
{
    for (size_t i = 0; i < SEQUENCES_MAX; i++)
        view->there[i] = view->there[i] == LIVE ? LIVE : UNKNOWN;
}

static void damage_bytes(struct rill_disk *disk, struct rill_random *random, const char *path)
{
    size_t len = 0;
    uint8_t *bytes = sim_disk_bytes(disk, path, &len);
    const size_t at = rill_random_below(random, (uint32_t)len), room = len - at;
    const size_t count = 1 + rill_random_below(random, rill_random_chance(random, 1, 2) ? 3000 : 1);
    const uint8_t value = rill_random_chance(random, 1, 2) ? 0 : (uint8_t)rill_random_next(random);
    memset(bytes + at, value, count < room ? count : room);
}

static void damage_file(struct rill_disk *disk, struct rill_random *random, const char *path)
{
    struct rill_disk_file *file;
    char other[64];
    random_path(random, other);
    const uint32_t kind = rill_random_below(random, 3);
    enum rill_err err = kind == 0   ? disk->ops->unlink(disk, path)
                        : kind == 1 ? disk->ops->rename(disk, path, other)
                                    : disk->ops->open(disk, path, RILL_DISK_WRITE, &file);
    if (kind == 2) {
        err = disk->ops->truncate(file, rill_random_below(random, 16 << 10));
        disk->ops->close(file);
    }
    cr_assert(eq(int, err, RILL_OK));
}

static struct rill_disk *damaged_disk(uint64_t seed)
{
    struct rill_random random = {seed};
    struct rill_disk *disk = sim_disk_clone(sample, seed);
    char path[64];
    const uint32_t times = 1 + rill_random_below(&random, 3);
    random_path(&random, path);
    for (uint32_t i = 0; i < times; i++)
        damage_bytes(disk, &random, path);
    random_path(&random, path);
    if (rill_random_chance(&random, 1, 4))
        damage_file(disk, &random, path);
    return disk;
}

// A sound store has nothing to tell of, and the walk sees what the store sees.
Test(store_tool, a_sound_store_is_sound)
{
    struct view seen, walked;
    sample_make(1, SAMPLE_CLOSED);
    cr_assert(eq(int, walk_view(sample, folder, &walked), RILL_OK));
    cr_expect(eq(u64, walked.damages + walked.notes, 0));
    cr_assert(eq(int, store_view(sample, folder, &seen), RILL_OK));
    expect_same(&seen, &walked, 1);
    forget(&seen);
    forget(&walked);
    sim_disk_destroy(sample);
}

// However a folder is hurt: the walk gives the messages and events that the store gives, and calls lost what it does.
static void agree(uint64_t story_seed, enum sample kind)
{
    const struct seed_range seeds = seed_range(2000);
    sample_make(story_seed, kind);
    for (uint64_t seed = seeds.first; seed <= seeds.last; seed++) {
        static struct view seen, walked;
        struct rill_disk *disk = damaged_disk(seed);
        const enum rill_err walk_err = walk_view(disk, folder, &walked);
        const enum rill_err err = store_view(disk, folder, &seen);
        cr_assert(eq(int, walk_err, err), "seed %lu", (unsigned long)seed);
        if (!err)
            expect_same(&seen, &walked, seed);
        cr_assert(err || walked.damages || !walked.lost.messages, "seed %lu: lost without damage",
                  (unsigned long)seed);
        forget(&seen);
        forget(&walked);
        sim_disk_destroy(disk);
    }
    sim_disk_destroy(sample);
}

Test(store_tool, the_walk_and_the_store_agree_about_damage)
{
    agree(7, SAMPLE_CLOSED);
}

Test(store_tool, the_walk_and_the_store_agree_about_damage_after_a_kill)
{
    agree(7, SAMPLE_KILLED);
}

Test(store_tool, the_walk_and_the_store_agree_about_damage_in_rewritten_segments)
{
    agree(8, SAMPLE_REWRITTEN);
}

Test(store_tool, the_walk_and_the_store_agree_about_damage_in_compressed_segments)
{
    agree(9, SAMPLE_REWRITTEN);
}

static int salvage(struct rill_disk *disk)
{
    FILE *nowhere = fopen("/dev/null", "we");
    cr_assert(nowhere != NULL);
    const struct request request = {
        .disk = disk, .folder = folder, .target = salvaged, .out = nowhere, .err = nowhere};
    const int status = salvage_stream(&request, folder);
    (void)fclose(nowhere);
    return status;
}

// A salvaged store opens, has every message and event that was sound, with its sequence, ends at the same sequence, and
// tells of the lost ones; and to the walk it is sound.
static void save(uint64_t story_seed, enum sample kind)
{
    const struct seed_range seeds = seed_range(1000);
    uint64_t saved = 0;
    sample_make(story_seed, kind);
    for (uint64_t seed = seeds.first; seed <= seeds.last; seed++) {
        static struct view old, new, walked;
        struct rill_disk *disk = damaged_disk(seed);
        const enum rill_err err = walk_view(disk, folder, &old);
        const int status = salvage(disk);
        cr_assert(err == RILL_OK || status == TOOL_FAILED);
        if (status != TOOL_FAILED) {
            cr_assert(eq(int, status, old.damages ? TOOL_DAMAGE : TOOL_SOUND));
            cr_assert(eq(int, walk_view(disk, salvaged, &walked), RILL_OK));
            cr_assert(eq(u64, walked.damages, 0), "seed %lu", (unsigned long)seed);
            cr_assert(eq(int, store_view(disk, salvaged, &new), RILL_OK));
            forget_removed(&old); // a salvage leaves behind what was to be erased
            forget_removed(&new);
            expect_same(&old, &new, seed);
            cr_assert(eq(int, salvage(disk), TOOL_FAILED), "it overwrites");
            saved++;
            forget(&walked);
            forget(&new);
        }
        forget(&old);
        sim_disk_destroy(disk);
    }
    cr_expect(saved > (seeds.last - seeds.first + 1) / 2, "%lu were saved", (unsigned long)saved);
    sim_disk_destroy(sample);
}

Test(store_tool, a_salvaged_store_has_all_that_was_sound)
{
    save(9, SAMPLE_CLOSED);
}

Test(store_tool, a_salvaged_store_has_all_that_was_sound_of_compressed_segments)
{
    save(9, SAMPLE_REWRITTEN);
}
