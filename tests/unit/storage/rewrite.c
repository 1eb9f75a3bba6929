// SPDX-License-Identifier: Apache-2.0
//
// Segments that are made anew. Random ones, with crashes, faults and damage, are in tests/fault/store_rewrite.c and
// store_tool.c.
#include "storage/store.h"

#include "faulty_disk.h"
#include "indexing.h"
#include "sim_disk.h"
#include "store_drive.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <string.h>
#include <xxhash.h>

static const char folder[] = "store/$G/ORDERS";
static const char first_segment[] = "store/$G/ORDERS/0000000000000001.seg";
static const char second_segment[] = "store/$G/ORDERS/0000000000000002.seg";
static const char secret[] = "4111 1111 1111 1111";

enum { SECRET = 5 };

static struct rill_disk *disk;
static struct rill_store *store;
static struct rill_store_options options;
static struct rill_error_text why;

static void setup(void)
{
    disk = sim_disk_create(1);
    options = (struct rill_store_options){.disk = disk, .folder = folder, .segment_bytes = 64 << 10};
}

static void teardown(void)
{
    rill_store_close(store);
    sim_disk_destroy(disk);
}

TestSuite(rewrite, .init = setup, .fini = teardown);

static void create(bool compress)
{
    static const uint8_t identity[RILL_STORE_IDENTITY_BYTES] = "identity";
    options.compress = compress;
    cr_assert(eq(int, rill_store_create(&options, identity, RILL_BYTES("state"), &store, &why), RILL_OK));
}

static void commit(void)
{
    cr_assert(eq(int, drive_commit(store), RILL_OK));
}

static struct rill_store_state state(void)
{
    return drive_state(store);
}

static int payload_of(uint64_t sequence, char payload[128])
{
    return snprintf(payload, 128, "{\"order\": %lu, \"status\": \"paid\", \"card\": \"%s\"}",
                    (unsigned long)sequence, sequence == SECRET ? secret : "none");
}

/* Appends until there are so many segments. */
static void fill(uint64_t segments)
{
    while (state().segments < segments) {
        for (int i = 0; i < 20; i++) {
            char payload[128];
            struct rill_store_message message = {.subject = RILL_BYTES("orders")};
            const int len = payload_of(state().open_sequence + 1, payload);
            message.payload = rill_bytes_of(payload, (size_t)len);
            if (state().open_sequence < 2 * SECRET)
                message.headers = RILL_BYTES("NATS/1.0\r\nNats-Msg-Id: early\r\n\r\n");
            cr_assert(eq(int, rill_store_append(store, &message), RILL_OK));
        }
        commit();
    }
}

static uint64_t purge(uint64_t first_kept)
{
    struct rill_store_purged purged;
    cr_assert(eq(int, drive_purge(store, first_kept, &purged), RILL_OK));
    return purged.messages;
}

static int tidy(void)
{
    int jobs = 0;
    enum rill_err err;
    while (!(err = drive_tidy(store)))
        jobs++;
    cr_assert(eq(int, err, RILL_ERR_NOT_FOUND));
    return jobs;
}

/* Those that are divisible by `kept` live, from `from` on. */
static void expect_messages(uint64_t kept, uint64_t from)
{
    const uint64_t last = state().last_sequence;
    for (uint64_t sequence = from; sequence <= last; sequence++) {
        char payload[128];
        struct rill_store_message message;
        const enum rill_err err = drive_read(store, sequence, &message);
        cr_assert(eq(int, err, sequence % kept ? RILL_ERR_NOT_FOUND : RILL_OK), "message %lu",
                  (unsigned long)sequence);
        (void)payload_of(sequence, payload);
        cr_assert(err || rill_bytes_equal_cstr(message.payload, payload), "message %lu",
                  (unsigned long)sequence);
    }
}

static void reopen(struct rill_store_report *ret_report)
{
    rill_store_close(store);
    store = NULL;
    cr_assert(eq(int, rill_store_open(&options, NULL, &store, ret_report, &why), RILL_OK), "%s", why.text);
}

static void kill_and_open(void)
{
    sim_disk_crash(disk);
    rill_store_close(store);
    sim_disk_restart_killed(disk);
    cr_assert(eq(int, rill_store_open(&options, NULL, &store, NULL, &why), RILL_OK), "%s", why.text);
}

static uint8_t *first_bytes(size_t *ret_len)
{
    return sim_disk_bytes(disk, first_segment, ret_len);
}

// W1: a segment that is mostly dead is made anew, and nothing else changes, now and when it is opened again.
Test(rewrite, a_mostly_dead_segment_becomes_small)
{
    struct rill_store_report report;
    create(false);
    fill(3);
    const uint64_t last = state().last_sequence;
    for (uint64_t sequence = 1; sequence <= last; sequence++)
        if (sequence % 4)
            cr_assert(eq(int, drive_delete(store, sequence), RILL_OK));
    commit();
    const struct rill_store_state before = state();
    cr_expect(tidy() >= 4, "two segments, two jobs each");
    const struct rill_store_state after = state();
    cr_expect(after.disk_bytes < before.disk_bytes - (64 << 10), "%lu bytes",
              (unsigned long)after.disk_bytes);
    cr_expect(eq(u64, after.messages, before.messages));
    cr_expect(eq(u64, after.bytes, before.bytes));
    cr_expect(eq(u64, after.deleted, before.deleted));
    expect_messages(4, 1);
    reopen(&report);
    cr_expect(eq(u64, report.lost_ranges, 0));
    cr_expect(eq(u64, state().messages, before.messages));
    cr_expect(eq(u64, state().bytes, before.bytes));
    cr_expect(eq(u64, state().deleted, before.deleted));
    expect_messages(4, 1);
    cr_expect(eq(int, tidy(), 0), "they are small now");
}

// With `compress`, segments that another one follows are packed, once.
Test(rewrite, segments_are_compressed)
{
    struct rill_store_report report;
    create(true);
    fill(4);
    const uint64_t before = state().disk_bytes;
    cr_expect(eq(int, tidy(), 6), "three segments, two jobs each");
    cr_expect(state().disk_bytes < before / 2, "%lu bytes", (unsigned long)state().disk_bytes);
    size_t len;
    cr_expect(eq(int, first_bytes(&len)[8], SEGMENT_VERSION_PACKED));
    expect_messages(1, 1);
    reopen(&report);
    cr_expect(eq(u64, report.lost_ranges, 0));
    expect_messages(1, 1);
    cr_expect(eq(int, tidy(), 0), "once");
}

// A message that stands in a packed record is erased by making its segment anew.
Test(rewrite, a_packed_message_is_erased)
{
    struct rill_store_message message;
    create(true);
    fill(2);
    cr_expect(eq(int, tidy(), 2));
    cr_assert(eq(int, drive_erase(store, SECRET), RILL_OK));
    commit();
    cr_assert(rill_store_erasing(store, SECRET));
    reopen(NULL); // without having done it
    cr_assert(rill_store_erasing(store, SECRET));
    cr_expect(eq(int, tidy(), 2));
    cr_expect(not(rill_store_erasing(store, SECRET)));
    expect_messages(1, SECRET + 1);
    reopen(NULL);
    cr_expect(not(rill_store_erasing(store, SECRET)));
    cr_expect(eq(int, drive_read(store, SECRET, &message), RILL_ERR_NOT_FOUND));
    cr_expect(eq(int, drive_read(store, SECRET - 1, &message), RILL_OK));
    cr_expect(eq(int, tidy(), 0));
}

// E3: an erase that is pending stays in the log, also when a purge takes its message and the segment with the erase is made anew.
Test(rewrite, an_erase_that_is_pending_is_kept)
{
    options.index = true; // which has to know the ids before anything is overwritten
    options.id_window_ns = INT64_MAX;
    create(true);
    fill(2);
    cr_assert(eq(int, drive_erase(store, SECRET), RILL_OK));
    fill(3);
    cr_assert(eq(u64, purge(SECRET + 1), SECRET - 1));
    commit();
    cr_expect(eq(int, tidy(), 2), "the segment with the erase");
    kill_and_open();
    cr_expect(rill_store_erasing(store, SECRET));
    cr_assert(eq(int, drive_background(store), RILL_OK));
    size_t len;
    const uint8_t *bytes = first_bytes(&len);
    cr_expect(memmem(bytes, len, secret, sizeof secret - 1) == NULL);
    expect_messages(1, SECRET + 1);
}

// E3: a segment in which a record could not be overwritten whole is not made anew, which would take it for damage, before that is
// done, though it has to wait for the index.
Test(rewrite, a_segment_that_is_half_overwritten_waits)
{
    static struct faulty_disk faulty; // until the store is closed
    faulty_disk_init(&faulty, disk);
    faulty.only = first_segment;
    options.disk = &faulty.base;
    options.index = true;
    options.id_window_ns = INT64_MAX;
    create(true);
    fill(2);
    cr_assert(eq(int, drive_erase(store, SECRET), RILL_OK));
    commit();
    store->indexing->is_out_of_space = true; // so nothing waits for it
    faulty.fail_at = faulty.calls + 3;       // the write, behind the opening and the size
    faulty.err = RILL_ERR_NO_SPACE;
    faulty.half_written = true;
    cr_expect(eq(int, drive_tidy(store), RILL_ERR_NO_SPACE));
    kill_and_open();
    rill_store_catch_up(store);
    cr_expect(eq(int, tidy(), 0));
    cr_assert(eq(int, drive_background(store), RILL_OK));
    cr_expect(not(rill_store_erasing(store, SECRET)));
    size_t len;
    cr_expect(eq(int, first_bytes(&len)[8], SEGMENT_VERSION_PACKED));
}

// A message that is erased while its segment is being made anew does not come back with the new file.
Test(rewrite, what_is_erased_meanwhile_does_not_come_back)
{
    size_t len;
    create(false);
    fill(3);
    const uint64_t last = state().last_sequence;
    for (uint64_t sequence = 1; sequence <= last; sequence++)
        if (sequence % SECRET)
            cr_assert(eq(int, drive_delete(store, sequence), RILL_OK));
    commit();
    cr_assert(eq(int, drive_tidy(store), RILL_OK)); // the new file is there, and not in its place
    cr_assert(eq(int, drive_erase(store, SECRET), RILL_OK));
    commit();
    (void)tidy();
    cr_expect(not(rill_store_erasing(store, SECRET)));
    const uint8_t *bytes = first_bytes(&len);
    cr_expect(memmem(bytes, len, secret, sizeof secret - 1) == NULL);
    cr_expect(eq(int, bytes[8], SEGMENT_VERSION_REWRITTEN));
}

// W3: what is damaged stays as it is.
Test(rewrite, a_damaged_segment_is_left_alone)
{
    struct rill_store_report report;
    size_t len;
    create(false);
    fill(2);
    rill_store_close(store);
    first_bytes(&len)[20000] ^= 1;
    options.compress = true;
    cr_assert(eq(int, rill_store_open(&options, NULL, &store, &report, &why), RILL_OK));
    cr_assert(eq(u64, report.lost_messages, 1));
    cr_expect(eq(int, tidy(), 0));
    cr_expect(eq(int, first_bytes(&len)[8], SEGMENT_VERSION));
}

// W3: a segment begins where its header says. So what is lost at the end of the one in front of it is not lost in it, and it is
// made anew.
Test(rewrite, what_is_lost_in_front_of_a_segment_does_not_keep_it)
{
    struct rill_store_report report;
    size_t len;
    create(false);
    fill(3);
    rill_store_close(store);
    uint8_t *bytes = first_bytes(&len);
    memset(bytes + len - 2000, 0, 2000); // the end of the log there
    options.compress = true;
    cr_assert(eq(int, rill_store_open(&options, NULL, &store, &report, &why), RILL_OK));
    cr_assert(gt(u64, report.lost_messages, 1));
    cr_expect(eq(int, tidy(), 2), "the second segment");
    cr_expect(eq(int, first_bytes(&len)[8], SEGMENT_VERSION));
    cr_expect(eq(int, sim_disk_bytes(disk, second_segment, &len)[8], SEGMENT_VERSION_PACKED));
}

// Damage that nobody has met yet ends the rewriting, not the segment.
Test(rewrite, damage_is_found_before_it_is_copied)
{
    size_t len;
    create(true);
    fill(2);
    first_bytes(&len)[20000] ^= 1;
    cr_expect(eq(int, drive_tidy(store), RILL_ERR_DAMAGED));
    cr_expect(eq(int, tidy(), 0), "it is not tried again");
    cr_expect(eq(int, first_bytes(&len)[8], SEGMENT_VERSION));
}

// What stands in the way of the new file, and cannot be removed, is what is wrong with the disk; the next try removes it.
Test(rewrite, a_new_file_that_was_left_behind_is_removed_or_that_is_what_failed)
{
    static const char new_file[] = "store/$G/ORDERS/0000000000000001.new";
    static struct faulty_disk faulty; // until the store is closed
    struct rill_disk_file *file;
    faulty_disk_init(&faulty, disk);
    faulty.only = ".new";
    options.disk = &faulty.base;
    create(true);
    fill(2);
    cr_assert(eq(int, disk->ops->open(disk, new_file, RILL_DISK_CREATE, &file), RILL_OK));
    disk->ops->close(file);
    faulty.err = RILL_ERR_IO;
    faulty.fail_at = faulty.calls + 1;
    faulty.fail_count = 1;
    cr_expect(eq(int, drive_tidy(store), RILL_ERR_IO));
    fill(3);
    cr_expect(ge(int, tidy(), 2));
    expect_messages(1, 1);
}

// A load that began before the file was replaced is thrown away when it ends, and the next one is right.
Test(rewrite, a_load_across_the_replacement_is_not_trusted)
{
    struct rill_store_message message;
    create(false);
    fill(3);
    options.compress = true;
    reopen(NULL);
    struct rill_store_job *load_job = rill_store_load_start(store, 7);
    cr_assert(load_job != NULL);
    cr_assert(tidy() >= 2);
    rill_store_job_run(load_job);
    cr_assert(eq(int, rill_store_load_finish(store, load_job), RILL_OK));
    cr_expect(eq(int, rill_store_read(store, 7, &message), RILL_ERR_AGAIN));
    cr_expect(eq(u64, state().lost_messages, 0));
    expect_messages(1, 1);
}

// An open with an index goes on from where the index stands, also when what it covers was rewritten; and not when the index
// knows only what was there before.
Test(rewrite, an_index_knows_what_was_rewritten)
{
    struct rill_store_report report;
    options.index = true;
    create(true);
    fill(6);
    for (int i = 0; i < 3; i++) { // what is fed may be rewritten, and what was rewritten is told to the index
        cr_assert(eq(int, drive_background(store), RILL_OK));
        if (i == 1)
            cr_expect(state().disk_bytes < 4 * (64 << 10), "%lu bytes", (unsigned long)state().disk_bytes);
        const uint64_t messages = state().messages;
        reopen(&report);
        cr_expect(eq(u64, state().messages, messages));
        cr_expect(report.messages < messages / 4, "open %d: %lu of %lu messages were read", i,
                  (unsigned long)report.messages, (unsigned long)messages);
        expect_messages(1, 1);
    }
}
