// SPDX-License-Identifier: Apache-2.0
//
// What an open makes of folders that are not as they should be. Damage at random is in
// tests/fault/store_damage.c.
#include "storage/store.h"

#include "faulty_disk.h"
#include "segment.h"
#include "sim_disk.h"
#include "store_drive.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <xxhash.h>

TestSuite(replay);

static const char folder[] = "store/$G/ORDERS";
static const char first_segment[] = "store/$G/ORDERS/0000000000000001.seg";
static const char second_segment[] = "store/$G/ORDERS/0000000000000002.seg";
static const uint8_t identity[RILL_STORE_IDENTITY_BYTES] = "identity";
static struct rill_error_text why;

static void append(struct rill_store *store, const char *payload)
{
    struct rill_store_message message = {.payload = rill_bytes_from_cstr(payload)};
    cr_assert(eq(int, rill_store_append(store, &message), RILL_OK));
    cr_assert(eq(int, drive_commit(store), RILL_OK));
}

/* Three messages, a commit each; closed, or killed. */
static struct rill_disk *make_store(bool closed)
{
    struct rill_disk *disk = sim_disk_create(1);
    const struct rill_store_options options = {.disk = disk, .folder = folder};
    struct rill_store *store;
    cr_assert(eq(int, rill_store_create(&options, identity, RILL_BYTES("state"), &store, &why), RILL_OK));
    append(store, "one");
    append(store, "two");
    append(store, "three");
    if (!closed)
        sim_disk_crash(disk);
    rill_store_close(store);
    if (!closed)
        sim_disk_restart_killed(disk);
    return disk;
}

static uint8_t *find(struct rill_disk *disk, const char *text)
{
    size_t len = 0;
    uint8_t *bytes = sim_disk_bytes(disk, first_segment, &len);
    uint8_t *found = memmem(bytes, len, text, strlen(text));
    cr_assert(found != NULL);
    return found;
}

static struct rill_store_state open_and_close(struct rill_disk *disk, struct rill_store_report *ret_report)
{
    const struct rill_store_options options = {.disk = disk, .folder = folder};
    struct rill_store *store;
    struct rill_store_state state;
    cr_assert(eq(int, rill_store_open(&options, NULL, &store, ret_report, &why), RILL_OK), "%s", why.text);
    rill_store_state(store, &state);
    rill_store_close(store);
    return state;
}

static enum rill_err open_fails(struct rill_disk *disk)
{
    const struct rill_store_options options = {.disk = disk, .folder = folder};
    struct rill_store *store = NULL;
    const enum rill_err err = rill_store_open(&options, NULL, &store, NULL, &why);
    cr_assert(err != RILL_OK && store == NULL);
    return err;
}

// Damage in the last commit of a log without a seal looks torn: it is dropped, and said so, with number and
// sequence.
Test(replay, a_torn_last_commit_is_dropped_and_reported)
{
    struct rill_disk *disk = make_store(false);
    struct rill_store_report report;
    *find(disk, "three") ^= 1;
    const struct rill_store_state state = open_and_close(disk, &report);
    cr_expect(eq(u64, state.last_sequence, 2));
    cr_expect(eq(u64, report.dropped_commit, 4), "behind the checkpoint's and two more");
    cr_expect(eq(u64, report.dropped_sequence, 3));
    cr_expect(report.dropped_bytes > 40);
    cr_expect(eq(u64, report.lost_messages, 0));
    (void)open_and_close(disk, &report);
    cr_expect(eq(u64, report.dropped_bytes, 0), "once");
    sim_disk_destroy(disk);
}

// The same damage in front of a seal is damage: that message is lost, by name, and nothing is cut off.
Test(replay, damage_in_front_of_a_seal_is_not_a_torn_tail)
{
    struct rill_disk *disk = make_store(true);
    struct rill_store_report report;
    *find(disk, "three") ^= 1;
    const struct rill_store_state state = open_and_close(disk, &report);
    cr_expect(eq(u64, state.last_sequence, 3));
    cr_expect(eq(u64, state.messages, 2));
    cr_expect(eq(u64, state.lost_messages, 1));
    cr_expect(eq(u64, report.dropped_bytes, 0));
    sim_disk_destroy(disk);
}

/* Reopens with small segments, and appends until a second one has begun. */
static void append_second_segment(struct rill_disk *disk)
{
    const struct rill_store_options options = {.disk = disk, .folder = folder, .segment_bytes = 16 << 10};
    struct rill_store *store;
    static char payload[9000];
    memset(payload, 'x', sizeof payload - 1);
    cr_assert(eq(int, rill_store_open(&options, NULL, &store, NULL, &why), RILL_OK));
    append(store, payload);
    append(store, "another segment");
    rill_store_close(store);
}

static void make_foreign(struct rill_disk *disk, const char *path, uint64_t number)
{
    struct rill_disk_file *file;
    const struct segment_header header = {
        .identity = "another stream", .number = number, .first_sequence = 1, .first_commit = 1};
    uint8_t bytes[SEGMENT_HEADER_BYTES];
    segment_header_put(bytes, &header);
    const struct iovec part = {bytes, sizeof bytes};
    size_t written;
    cr_assert(eq(int, disk->ops->open(disk, path, RILL_DISK_CREATE, &file), RILL_OK));
    cr_assert(eq(int, disk->ops->pwritev(file, &part, 1, 0, &written), RILL_OK));
    disk->ops->close(file);
}

// What an open has shown is in front of a seal from then on: later damage to it is never taken for a torn tail.
Test(replay, what_was_shown_is_never_dropped_as_torn)
{
    struct rill_disk *disk = make_store(false);
    const struct rill_store_options options = {.disk = disk, .folder = folder};
    struct rill_store *store;
    struct rill_store_report report;
    cr_assert(eq(int, rill_store_open(&options, NULL, &store, NULL, &why), RILL_OK));
    sim_disk_crash(disk);
    rill_store_close(store);
    sim_disk_restart(disk);
    *find(disk, "three") ^= 1;
    cr_expect(eq(u64, open_and_close(disk, &report).last_sequence, 3));
    cr_expect(eq(u64, report.lost_messages, 1));
    cr_expect(eq(u64, report.dropped_bytes, 0));
    sim_disk_destroy(disk);
}

// A segment of another stream is ignored and counted, and its name is not taken for a new one.
Test(replay, a_foreign_segment_is_ignored)
{
    static const char foreign[] = "store/$G/ORDERS/0000000000000003.seg";
    struct rill_disk *disk = make_store(true);
    struct rill_store_report report;
    size_t len;
    append_second_segment(disk);
    make_foreign(disk, foreign, 3);
    cr_expect(eq(u64, open_and_close(disk, &report).last_sequence, 5));
    cr_expect(eq(u64, report.foreign_files, 1));
    append_second_segment(disk);
    cr_expect(eq(u64, open_and_close(disk, &report).last_sequence, 7));
    cr_expect(eq(u64, report.foreign_files, 1));
    cr_expect(eq(u64, report.lost_ranges, 0));
    cr_expect(eq(u64, report.segments, 3));
    (void)sim_disk_bytes(disk, foreign, &len);
    cr_expect(eq(sz, len, SEGMENT_HEADER_BYTES));
    sim_disk_destroy(disk);
}

// With as many segments of one stream as of another nobody knows whose the folder is, and nothing is touched.
Test(replay, a_folder_of_two_streams_is_refused)
{
    struct rill_disk *disk = make_store(true);
    make_foreign(disk, "store/$G/ORDERS/0000000000000002.seg", 2);
    cr_expect(eq(int, open_fails(disk), RILL_ERR_DAMAGED));
    sim_disk_destroy(disk);
}

// V2: a newer format is not touched.
Test(replay, a_newer_version_is_refused)
{
    struct rill_disk *disk = make_store(true);
    size_t len;
    uint8_t *bytes = sim_disk_bytes(disk, first_segment, &len);
    bytes[8] = SEGMENT_VERSION_PACKED + 1;
    const uint64_t checksum = XXH3_64bits_withSeed(bytes, 56, 0);
    memcpy(bytes + 56, &checksum, sizeof checksum);
    cr_expect(eq(int, open_fails(disk), RILL_ERR_UNSUPPORTED));
    sim_disk_destroy(disk);
}

// A folder without segments, or none, has no stream.
Test(replay, a_folder_without_segments_is_no_stream)
{
    struct rill_disk *disk = sim_disk_create(1);
    cr_expect(eq(int, open_fails(disk), RILL_ERR_NOT_FOUND));
    for (const char *path = "store\0store/$G\0store/$G/ORDERS\0"; *path; path += strlen(path) + 1)
        cr_assert(eq(int, disk->ops->mkdir(disk, path), RILL_OK));
    cr_expect(eq(int, open_fails(disk), RILL_ERR_NOT_FOUND));
    sim_disk_destroy(disk);
}

// A last segment without a valid header is understood by the others, and gets a new header.
Test(replay, a_last_segment_gets_its_header_back)
{
    struct rill_disk *disk = make_store(true);
    struct rill_store_report report;
    size_t len;
    append_second_segment(disk);
    uint8_t *bytes = sim_disk_bytes(disk, "store/$G/ORDERS/0000000000000002.seg", &len);
    cr_assert(bytes != NULL);
    memset(bytes, 0, SEGMENT_FIRST_OFFSET);
    cr_expect(eq(u64, open_and_close(disk, &report).last_sequence, 5));
    cr_expect(eq(u64, report.lost_messages, 0));
    struct segment_header header;
    cr_expect(eq(
        int, segment_header_get(sim_disk_bytes(disk, "store/$G/ORDERS/0000000000000002.seg", &len), &header),
        RILL_OK));
    sim_disk_destroy(disk);
}

static enum rill_err refuse(void *context, const struct rill_store_message *message)
{
    return message->sequence == 2 ? RILL_ERR_DENIED : RILL_OK;
}

// A visitor that fails ends the open with its own code, and the lock is free again.
Test(replay, a_visitor_can_refuse)
{
    struct rill_disk *disk = make_store(true);
    const struct rill_store_options options = {.disk = disk, .folder = folder};
    const struct rill_store_visitor visitor = {.message = refuse};
    struct rill_store *store;
    struct rill_store_report report;
    cr_expect(eq(int, rill_store_open(&options, &visitor, &store, NULL, &why), RILL_ERR_DENIED));
    cr_expect(eq(u64, open_and_close(disk, &report).messages, 3));
    sim_disk_destroy(disk);
}

// A disk that cannot read the tail leaves the store read-only, and nothing is cut off: it may be readable
// tomorrow.
Test(replay, what_cannot_be_read_is_not_cut_off)
{
    struct rill_disk *below = make_store(false);
    const uint64_t used = sim_disk_used(below);
    for (uint64_t at = 1; at < 20; at++) {
        struct faulty_disk disk;
        struct rill_store *store;
        struct rill_store_state state;
        faulty_disk_init(&disk, below);
        disk.fail_at = at;
        disk.fail_count = 3;
        const struct rill_store_options options = {.disk = &disk.base, .folder = folder};
        if (rill_store_open(&options, NULL, &store, NULL, &why))
            continue;
        rill_store_state(store, &state);
        cr_expect(state.read_only || state.last_sequence == 3, "call %lu", (unsigned long)at);
        rill_store_close(store);
        cr_expect(eq(u64, sim_disk_used(below), used), "call %lu", (unsigned long)at);
    }
    struct rill_store_report report;
    cr_expect(eq(u64, open_and_close(below, &report).last_sequence, 3));
    sim_disk_destroy(below);
}

/* The last of two segments, with three messages in the first and two more in the second. */
static void expect_all_five(struct rill_disk *disk)
{
    struct rill_store_report report;
    for (int opened = 0; opened < 3; opened++) {
        const struct rill_store_state state = open_and_close(disk, &report);
        cr_expect(eq(u64, state.messages, 5), "open %d", opened);
        cr_expect(eq(u64, state.lost_messages, 0), "open %d", opened);
    }
}

// A last segment without a valid header gets one that says where it began: the next open finds all that it holds, too.
Test(replay, a_new_header_says_where_the_segment_began)
{
    struct rill_disk *disk = make_store(true);
    size_t len = 0;
    append_second_segment(disk);
    uint8_t *bytes = sim_disk_bytes(disk, second_segment, &len);
    bytes[40] ^= 1;
    bytes[SEGMENT_COPY_OFFSET + 40] ^= 1;
    expect_all_five(disk);
    sim_disk_destroy(disk);
}

/* What is read of a file fails, and what is written, after so many calls. */
static void open_with_failure(struct rill_disk *below, uint64_t fail_at)
{
    struct faulty_disk disk;
    struct rill_store *store = NULL;
    faulty_disk_init(&disk, below);
    disk.err = RILL_ERR_IO;
    disk.fail_at = fail_at;
    disk.fail_count = 2; // as the header and its copy
    const struct rill_store_options options = {.disk = &disk.base, .folder = folder};
    if (rill_store_open(&options, NULL, &store, NULL, &why) == RILL_OK)
        rill_store_close(store);
}

// What the disk could not read once is not taken for damage that is to be mended: it is all there when it can be read.
Test(replay, what_could_not_be_read_is_left_as_it_is)
{
    struct rill_disk *sound = make_store(true);
    append_second_segment(sound);
    for (uint64_t fail_at = 1; fail_at < 40; fail_at++) {
        struct rill_disk *disk = sim_disk_clone(sound, fail_at);
        open_with_failure(disk, fail_at);
        expect_all_five(disk);
        sim_disk_destroy(disk);
    }
    sim_disk_destroy(sound);
}

// A message whose payload ends with zeros is served where no commit record is left to say how far the log goes, and its
// sequence is not given again.
Test(replay, a_sound_record_may_end_with_zeros)
{
    static const uint8_t zeros[64];
    struct rill_disk *disk = sim_disk_create(1);
    const struct rill_store_options options = {.disk = disk, .folder = folder};
    struct rill_store *store;
    size_t len = 0;
    cr_assert(eq(int, rill_store_create(&options, identity, RILL_BYTES("state"), &store, &why), RILL_OK));
    struct rill_store_message message = {.subject = RILL_BYTES("a"),
                                         .payload = rill_bytes_of(zeros, sizeof zeros)};
    cr_assert(eq(int, rill_store_append(store, &message), RILL_OK));
    cr_assert(eq(int, drive_commit(store), RILL_OK));
    sim_disk_crash(disk);
    rill_store_close(store);
    sim_disk_restart_killed(disk);
    uint8_t *bytes = sim_disk_bytes(disk, first_segment, &len);
    size_t at = SEGMENT_FIRST_OFFSET + RECORD_COMMIT_BYTES;
    at += record_view(bytes + at).size; // behind the checkpoint
    bytes[SEGMENT_FIRST_OFFSET] ^= 1;
    bytes[at] ^= 1; // the commit record of the message
    const struct rill_store_state state = open_and_close(disk, NULL);
    cr_expect(eq(u64, state.messages, 1));
    cr_expect(eq(u64, state.last_sequence, 1));
    sim_disk_destroy(disk);
}
