// SPDX-License-Identifier: Apache-2.0
//
// What the walk of `rilld store` calls what it finds. That it finds the right records is in tests/fault/store_tool.c.
#include "walk.h"
#include "store_drive.h"

#include "le.h"
#include "salvage_log.h"
#include "sim_disk.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <xxhash.h>

TestSuite(walk);

static const char folder[] = "store/$G/ORDERS";
static const uint8_t identity[RILL_STORE_IDENTITY_BYTES] = "identity";
static struct rill_error_text why;

enum { FINDINGS_MAX = 16 };

struct seen {
    struct finding findings[FINDINGS_MAX];
    size_t count;
    uint64_t messages;
    struct walk_record last;
};

static void append(struct rill_store *store, struct rill_bytes payload)
{
    struct rill_store_message message = {.subject = RILL_BYTES("s"), .payload = payload};
    cr_assert(eq(int, rill_store_append(store, &message), RILL_OK));
    cr_assert(eq(int, drive_commit(store), RILL_OK));
}

/* Removes all below a sequence, and the segments that are spent then. */
static void purge(struct rill_store *store, uint64_t first_kept)
{
    struct rill_store_purged purged;
    cr_assert(eq(int, drive_purge(store, first_kept, &purged), RILL_OK));
    cr_assert(eq(int, drive_commit(store), RILL_OK));
    const enum rill_err err = drive_tidy(store);
    cr_assert(err == RILL_OK || err == RILL_ERR_NOT_FOUND);
}

/* Thirty messages of 1 KiB, a commit each, in three segments of 16 KiB or more. Closed. */
static struct rill_disk *make_store(void)
{
    static const uint8_t payload[1024] = "payload";
    struct rill_disk *disk = sim_disk_create(1);
    const struct rill_store_options options = {.disk = disk, .folder = folder, .segment_bytes = 16 << 10};
    struct rill_store *store;
    struct rill_store_state state;
    cr_assert(eq(int, rill_store_create(&options, identity, RILL_BYTES("state"), &store, &why), RILL_OK));
    for (int i = 0; i < 30; i++)
        append(store, rill_bytes_of(payload, sizeof payload));
    rill_store_state(store, &state);
    cr_assert(ge(u64, state.segments, 3));
    rill_store_close(store);
    return disk;
}

static enum rill_err on_record(void *context, const struct walk_record *found)
{
    struct seen *seen = context;
    seen->messages += found->record.type == RECORD_MESSAGE;
    if (found->record.type != RECORD_COMMIT)
        seen->last = *found;
    return RILL_OK;
}

static enum rill_err on_finding(void *context, const struct finding *finding)
{
    struct seen *seen = context;
    cr_assert(seen->count < FINDINGS_MAX);
    seen->findings[seen->count++] = *finding;
    return RILL_OK;
}

static struct seen look_at(struct rill_disk *disk, const char *path)
{
    struct seen seen = {0};
    const struct walk_options options = {.disk = disk, .folder = path};
    const struct walk_visitor visitor = {.context = &seen, .record = on_record, .finding = on_finding};
    struct walk_result end;
    cr_assert(eq(int, walk_stream(&options, &visitor, &end, &why), RILL_OK));
    cr_assert(eq(u64, end.last_sequence, 30));
    return seen;
}

static char *text_of(const struct finding *finding)
{
    static char text[512];
    struct rill_buf out;
    rill_buf_init(&out, sizeof text - 1);
    cr_assert(eq(int, finding_put_text(finding, &out), RILL_OK));
    (void)snprintf(text, sizeof text, RILL_PRI, RILL_ARG(rill_buf_bytes(&out)));
    rill_buf_fini(&out);
    return text;
}

/* First sequence and first commit of a segment, out of its header. */
static struct segment_header header_of(struct rill_disk *disk, uint64_t number)
{
    size_t len = 0;
    struct segment_header header;
    char *path = segment_path(folder, number);
    cr_assert(eq(int, segment_header_get(sim_disk_bytes(disk, path, &len), &header), RILL_OK));
    free(path);
    return header;
}

static void expect_between(const struct finding *finding, const struct segment_header *first,
                           const struct segment_header *next)
{
    cr_expect(eq(u64, finding->first_sequence, first->first_sequence));
    cr_expect(eq(u64, finding->last_sequence, next->first_sequence - 1));
    cr_expect(eq(u64, finding->first_commit, first->first_commit));
    cr_expect(eq(u64, finding->last_commit, next->first_commit - 1));
}

// A missing segment is named with the commits and sequences that went with it, wherever it stood.
Test(walk, a_missing_segment_is_named)
{
    for (uint64_t number = 1; number <= 2; number++) {
        struct rill_disk *disk = make_store();
        const struct segment_header gone = header_of(disk, number), next = header_of(disk, number + 1);
        char *path = segment_path(folder, number);
        cr_assert(eq(int, disk->ops->unlink(disk, path), RILL_OK));
        free(path);
        const struct seen seen = look_at(disk, folder);
        cr_assert(eq(sz, seen.count, 1));
        cr_expect(eq(int, seen.findings[0].kind, FINDING_MISSING));
        expect_between(&seen.findings[0], &gone, &next);
        cr_expect(strstr(text_of(&seen.findings[0]),
                         number == 1 ? "missing, segment 1" : "missing, segment 2") != NULL);
        sim_disk_destroy(disk);
    }
}

// Segments in front that a purge has emptied are missing for good reason (R2). When the next one is missing as well, what
// the purge had left of it is lost.
Test(walk, a_head_that_was_purged_is_no_damage)
{
    struct rill_disk *disk = make_store();
    const struct rill_store_options options = {.disk = disk, .folder = folder};
    const struct segment_header second = header_of(disk, 2), third = header_of(disk, 3);
    struct rill_store *store;
    struct rill_disk_file *file;
    cr_assert(eq(int, rill_store_open(&options, NULL, &store, NULL, &why), RILL_OK));
    purge(store, second.first_sequence + 1);
    rill_store_close(store);
    char *first_path = segment_path(folder, 1), *path = segment_path(folder, 2);
    cr_assert(eq(int, disk->ops->open(disk, first_path, RILL_DISK_READ, &file), RILL_ERR_NOT_FOUND));
    cr_expect(eq(sz, look_at(disk, folder).count, 0));
    cr_assert(eq(int, disk->ops->unlink(disk, path), RILL_OK));
    const struct seen seen = look_at(disk, folder);
    cr_assert(eq(sz, seen.count, 1));
    cr_expect(eq(int, seen.findings[0].kind, FINDING_MISSING));
    cr_expect(eq(u64, seen.findings[0].first_sequence, second.first_sequence + 1));
    cr_expect(eq(u64, seen.findings[0].last_sequence, third.first_sequence - 1));
    free(first_path);
    free(path);
    sim_disk_destroy(disk);
}

// A segment in the middle that was cut to its headers is the one that is told of, not the next.
Test(walk, a_cut_segment_is_named)
{
    struct rill_disk *disk = make_store();
    struct rill_disk_file *file;
    const struct segment_header cut = header_of(disk, 2), next = header_of(disk, 3);
    char *path = segment_path(folder, 2);
    cr_assert(eq(int, disk->ops->open(disk, path, RILL_DISK_WRITE, &file), RILL_OK));
    cr_assert(eq(int, disk->ops->truncate(file, SEGMENT_FIRST_OFFSET), RILL_OK));
    disk->ops->close(file);
    free(path);
    const struct seen seen = look_at(disk, folder);
    cr_assert(eq(sz, seen.count, 1));
    cr_expect(eq(int, seen.findings[0].kind, FINDING_DAMAGED));
    cr_expect(eq(u64, seen.findings[0].segment, 2));
    expect_between(&seen.findings[0], &cut, &next);
    sim_disk_destroy(disk);
}

// A sound record of a type that this version does not know is shown as such, and its neighbours are there.
Test(walk, an_unknown_type_is_shown_as_such)
{
    struct rill_disk *disk = make_store();
    const struct seen before = look_at(disk, folder);
    size_t len = 0;
    char *path = segment_path(folder, before.last.segment);
    uint8_t *at = sim_disk_bytes(disk, path, &len) + before.last.offset;
    const uint64_t seed = segment_seed(identity, before.last.segment) + before.last.offset;
    at[12] = 99;
    le_put_u64(at, XXH3_64bits_withSeed(at + 8, before.last.record.size - 8, seed));
    const struct seen seen = look_at(disk, folder);
    cr_assert(ge(sz, seen.count, 1));
    cr_expect(eq(int, seen.findings[0].kind, FINDING_UNKNOWN));
    cr_expect(eq(u64, seen.findings[0].offset, before.last.offset));
    cr_expect(eq(u64, seen.messages, 29));
    cr_expect(seen.last.record.type == 99 && !seen.last.known);
    free(path);
    sim_disk_destroy(disk);
}

/* A message of a new log. */
static void add(struct salvage_log *log, uint64_t sequence)
{
    const struct rill_store_message message = {
        .sequence = sequence, .subject = RILL_BYTES("s"), .payload = RILL_BYTES("p")};
    const struct record record = {.type = RECORD_MESSAGE,
                                  .sequence = sequence,
                                  .size = record_message_size(&message),
                                  .subject = message.subject,
                                  .body = message.payload};
    cr_assert(eq(int, salvage_log_add(log, &record), RILL_OK));
}

static void expect_gap(const struct finding *finding, uint64_t first, uint64_t last)
{
    cr_expect(eq(int, finding->kind, FINDING_GAP));
    cr_expect(finding_is_damage(finding->kind) == false);
    cr_expect(eq(u64, finding->first_sequence, first));
    cr_expect(eq(u64, finding->last_sequence, last));
}

// Gaps that are declared (I9), in front, in the middle and at the end, are notes with their sequences; the store calls
// them lost and goes on behind them.
Test(walk, declared_gaps_are_no_damage)
{
    struct rill_disk *disk = sim_disk_create(1);
    struct salvage_log *log;
    cr_assert(eq(int, salvage_log_create(disk, folder, false, RILL_BYTES("state"), &log, &why), RILL_OK));
    add(log, 3);
    add(log, 4);
    add(log, 20);
    cr_assert(eq(int, salvage_log_finish(log, 30), RILL_OK));
    salvage_log_destroy(log);
    const struct seen seen = look_at(disk, folder);
    cr_assert(eq(sz, seen.count, 3));
    expect_gap(&seen.findings[0], 1, 2);
    expect_gap(&seen.findings[1], 5, 19);
    expect_gap(&seen.findings[2], 21, 30);
    const struct rill_store_options options = {.disk = disk, .folder = folder};
    struct rill_store *store;
    size_t count;
    struct rill_store_state state;
    cr_assert(eq(int, rill_store_open(&options, NULL, &store, NULL, &why), RILL_OK));
    const struct rill_store_range *lost = rill_store_lost(store, &count);
    cr_assert(eq(sz, count, 3));
    cr_expect(lost[1].first_sequence == 5 && lost[1].last_sequence == 19);
    append(store, RILL_BYTES("after"));
    rill_store_state(store, &state);
    cr_expect(state.last_sequence == 31 && state.messages == 4);
    rill_store_close(store);
    sim_disk_destroy(disk);
}

// A salvage that does not come to its end leaves nothing behind.
Test(walk, an_unfinished_salvage_leaves_nothing)
{
    struct rill_disk *disk = sim_disk_create(1);
    struct salvage_log *log;
    struct rill_disk_file *file;
    cr_assert(eq(int, salvage_log_create(disk, folder, false, RILL_BYTES("state"), &log, &why), RILL_OK));
    add(log, 1);
    salvage_log_destroy(log);
    cr_expect(eq(int,
                 disk->ops->open(disk, "store/$G/ORDERS.part/0000000000000001.seg", RILL_DISK_READ, &file),
                 RILL_ERR_NOT_FOUND));
    cr_expect(eq(int, salvage_log_create(disk, folder, false, RILL_BYTES("state"), &log, &why), RILL_OK),
              "%s", why.text);
    salvage_log_destroy(log);
    sim_disk_destroy(disk);
}

// Of a last segment that was cut to its header, behind a missing one, the header still counts: the sequences in front
// of it are lost, and none is given out a second time.
Test(walk, a_sequence_is_not_given_out_again_after_a_loss)
{
    struct rill_disk *disk = make_store();
    const struct rill_store_options options = {.disk = disk, .folder = folder};
    struct rill_store *store;
    struct rill_store_state state;
    struct rill_disk_file *file;
    cr_assert(eq(int, rill_store_open(&options, NULL, &store, NULL, &why), RILL_OK));
    rill_store_state(store, &state);
    rill_store_close(store);
    const struct segment_header last = header_of(disk, state.segments);
    char *missing = segment_path(folder, state.segments - 1), *cut = segment_path(folder, state.segments);
    cr_assert(eq(int, disk->ops->unlink(disk, missing), RILL_OK));
    cr_assert(eq(int, disk->ops->open(disk, cut, RILL_DISK_WRITE, &file), RILL_OK));
    cr_assert(eq(int, disk->ops->truncate(file, SEGMENT_FIRST_OFFSET), RILL_OK));
    disk->ops->close(file);
    cr_assert(eq(int, rill_store_open(&options, NULL, &store, NULL, &why), RILL_OK));
    rill_store_state(store, &state);
    cr_expect(eq(u64, state.last_sequence, last.first_sequence - 1));
    cr_expect(eq(u64, state.messages + state.lost_messages, state.last_sequence));
    rill_store_close(store);
    free(missing);
    free(cut);
    sim_disk_destroy(disk);
}

// Of commits that damage has taken in front of a torn one, the torn one's record still says how far they went: none of
// their sequences is given out again.
Test(walk, what_a_torn_commit_says_of_those_before_it_counts)
{
    struct rill_disk *disk = make_store();
    const struct rill_store_options options = {.disk = disk, .folder = folder};
    struct rill_store *store;
    struct rill_store_state state;
    cr_assert(eq(int, rill_store_open(&options, NULL, &store, NULL, &why), RILL_OK));
    for (int i = 0; i < 3; i++)
        append(store, RILL_BYTES("more"));
    sim_disk_crash(disk);
    rill_store_close(store);
    sim_disk_restart_killed(disk);
    struct seen seen = {0};
    const struct walk_options walk_options = {.disk = disk, .folder = folder};
    const struct walk_visitor visitor = {.context = &seen, .record = on_record, .finding = on_finding};
    struct walk_result end;
    cr_assert(eq(int, walk_stream(&walk_options, &visitor, &end, &why), RILL_OK));
    size_t len = 0;
    char *path = segment_path(folder, seen.last.segment);
    uint8_t *bytes = sim_disk_bytes(disk, path, &len);
    const size_t commit_size = RECORD_COMMIT_BYTES + seen.last.record.size;
    bytes[seen.last.offset + 40] ^= 1; // the last message; its commit record stays
    memset(bytes + seen.last.offset + seen.last.record.size - 2 * commit_size, 0, commit_size);
    cr_assert(eq(int, rill_store_open(&options, NULL, &store, NULL, &why), RILL_OK));
    rill_store_state(store, &state);
    cr_expect(eq(u64, state.last_sequence, 32));
    cr_expect(eq(u64, state.lost_messages, 1));
    rill_store_close(store);
    free(path);
    sim_disk_destroy(disk);
}
