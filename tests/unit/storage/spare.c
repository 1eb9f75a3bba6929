// SPDX-License-Identifier: Apache-2.0
//
// Spares: the next segment's file, made ahead. What crashes and faults make of them is in tests/fault and tests/model, where
// every story has them.
#include "storage/shared.h"
#include "storage/store.h"

#include "faulty_disk.h"
#include "sim_disk.h"
#include "store_drive.h"

#include "base/clock.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <string.h>

static const char folder[] = "store/$G/ORDERS";
static const uint8_t identity[RILL_STORE_IDENTITY_BYTES] = "identity";

enum { SEGMENT_BYTES = 64 << 10, PAYLOAD_BYTES = 1024, A_QUARTER = 16, A_SEGMENT = 56 };

static struct rill_disk *disk;
static struct rill_store *store;
static struct rill_store_options options;
static struct rill_error_text why;
static int64_t now_ns;

static void setup(void)
{
    disk = sim_disk_create(1);
    options = (struct rill_store_options){
        .disk = disk, .folder = folder, .segment_bytes = SEGMENT_BYTES, .spares = true};
}

static void teardown(void)
{
    rill_store_close(store);
    sim_disk_destroy(disk);
}

TestSuite(spare, .init = setup, .fini = teardown);

static void create(void)
{
    cr_assert(eq(int, rill_store_create(&options, identity, RILL_BYTES("state"), &store, &why), RILL_OK));
}

/* Each message in a commit of its own, `apart_ns` after the one before. */
static void append(int count, int64_t apart_ns)
{
    static const uint8_t payload[PAYLOAD_BYTES] = {7};
    for (int i = 0; i < count; i++) {
        struct rill_store_message message = {.time_ns = now_ns += apart_ns,
                                             .subject = RILL_BYTES("orders.new"),
                                             .payload = {payload, sizeof payload}};
        cr_assert(eq(int, rill_store_append(store, &message), RILL_OK));
        cr_assert(eq(int, drive_commit(store), RILL_OK), "%s", drive_state(store).why.text);
    }
}

struct named {
    const char *suffix;
    int count;
};

static enum rill_err count_name(void *context, const char *name, bool is_folder)
{
    struct named *named = context;
    const char *at = strrchr(name, '.');
    named->count += !is_folder && at && strcmp(at, named->suffix) == 0;
    return RILL_OK;
}

static int files(const char *suffix)
{
    struct named named = {.suffix = suffix};
    cr_assert(eq(int, disk->ops->list(disk, folder, count_name, &named), RILL_OK));
    return named.count;
}

static void expect_all(uint64_t count)
{
    for (uint64_t sequence = 1; sequence <= count; sequence++) {
        struct rill_store_message message;
        cr_assert(eq(int, drive_read(store, sequence, &message), RILL_OK));
        cr_assert(eq(u64, message.sequence, sequence));
        cr_assert(eq(sz, message.payload.len, PAYLOAD_BYTES));
    }
}

// When a quarter of a segment is full, the next one's file is made, and the next segment is that file.
Test(spare, a_segment_that_fills_fast_has_the_next_ones_file_made_ahead)
{
    create();
    append(A_QUARTER / 2, 1);
    cr_assert(eq(int, drive_background(store), RILL_OK));
    cr_expect(eq(int, files(".spare"), 0), "it has just begun");
    append(A_QUARTER, 1);
    cr_assert(eq(int, drive_background(store), RILL_OK));
    cr_expect(eq(int, files(".spare"), 1));
    append(A_SEGMENT, 1);
    cr_expect(eq(int, files(".spare"), 0), "it was used");
    cr_expect(eq(int, files(".seg"), 2));
    expect_all(A_QUARTER / 2 + A_QUARTER + A_SEGMENT);
}

// A stream that takes its time, one with large commits, and one that was not asked to, make none.
Test(spare, only_small_commits_in_quick_succession_are_worth_it)
{
    create();
    append(A_SEGMENT + A_SEGMENT / 2, 2 * RILL_NS_PER_S);
    cr_assert(eq(int, drive_background(store), RILL_OK));
    cr_expect(eq(int, files(".spare"), 0));
    rill_store_close(store);
    store = NULL;

    options.folder = "store/$G/OTHER";
    options.spares = false;
    create();
    append(A_QUARTER * 2, 1);
    cr_assert(eq(int, drive_background(store), RILL_OK));
    struct named named = {.suffix = ".spare"};
    cr_assert(eq(int, disk->ops->list(disk, options.folder, count_name, &named), RILL_OK));
    cr_expect(eq(int, named.count, 0));
}

// The file of a segment whose messages are all gone goes on as the spare, without a byte of them.
Test(spare, the_file_of_a_spent_segment_becomes_the_spare)
{
    struct rill_store_purged purged;
    create();
    append(A_SEGMENT * 2 + A_QUARTER * 2, 1);
    cr_assert(eq(int, files(".seg"), 3));
    cr_assert(eq(int, drive_purge(store, A_SEGMENT + 1, &purged), RILL_OK));
    append(1, 1);
    cr_assert(eq(int, drive_background(store), RILL_OK));
    cr_assert(eq(int, files(".seg"), 2));
    cr_assert(eq(int, files(".spare"), 1));
    append(A_SEGMENT, 1);
    cr_assert(eq(int, files(".spare"), 0));
    rill_store_close(store);
    struct rill_store_report report;
    cr_assert(eq(int, rill_store_open(&options, NULL, &store, &report, &why), RILL_OK));
    cr_expect(eq(u64, report.dropped_bytes, 0));
    cr_expect(eq(u64, report.lost_messages, 0));
    cr_expect(eq(u64, drive_state(store).last_sequence, A_SEGMENT * 3 + A_QUARTER * 2 + 1));
}

// A spare means nothing: closing removes it, and what an earlier process has left is removed by the next open.
Test(spare, none_is_left_behind)
{
    struct rill_disk_file *left;
    create();
    append(A_QUARTER * 2, 1);
    cr_assert(eq(int, drive_background(store), RILL_OK));
    cr_assert(eq(int, files(".spare"), 1));
    rill_store_close(store);
    cr_expect(eq(int, files(".spare"), 0));
    cr_assert(eq(int,
                 disk->ops->open(disk, "store/$G/ORDERS/0000000000000002.spare", RILL_DISK_CREATE, &left),
                 RILL_OK));
    disk->ops->close(left);
    cr_assert(eq(int, rill_store_open(&options, NULL, &store, NULL, &why), RILL_OK));
    cr_expect(eq(int, files(".spare"), 0));
    expect_all(A_QUARTER * 2);
}

// Many streams that fill fast at once do not take the disk for what may never be written: together they have sixteen.
Test(spare, all_stores_together_have_a_bounded_number)
{
    enum { STORES = 20, SPARES_MAX = 16 };
    struct rill_store *stores[STORES];
    struct rill_store_shared *shared;
    int spares = 0;
    const struct rill_store_shared_options shared_options = {.disk = disk};
    cr_assert(eq(int, rill_store_shared_create(&shared_options, &shared, &why), RILL_OK));
    options.shared = shared;
    for (int i = 0; i < STORES; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "store/$G/S%d", i);
        options.folder = name;
        create();
        append(A_QUARTER * 2, 1);
        cr_assert(eq(int, drive_background(store), RILL_OK));
        struct named named = {.suffix = ".spare"};
        cr_assert(eq(int, disk->ops->list(disk, name, count_name, &named), RILL_OK));
        spares += named.count;
        stores[i] = store;
        store = NULL;
    }
    cr_expect(eq(int, spares, SPARES_MAX));
    for (int i = 0; i < STORES; i++)
        rill_store_close(stores[i]);
    rill_store_shared_destroy(shared);
}

// Whatever fails while a spare is made or used: the stream goes on with all of its messages, unless the failure was one of
// its own commits.
Test(spare, a_spare_that_cannot_be_made_is_not_missed)
{
    uint64_t failed = 0;
    for (uint64_t fail_at = 1; fail_at < 12; fail_at++) {
        struct faulty_disk faulty;
        faulty_disk_init(&faulty, disk);
        faulty.only = ".spare";
        char name[32];
        (void)snprintf(name, sizeof name, "store/$G/F%lu", (unsigned long)fail_at);
        options.disk = &faulty.base;
        options.folder = name;
        create();
        append(A_QUARTER * 2, 1);
        faulty.fail_at = fail_at;
        faulty.fail_count = 1;
        faulty.calls = 0;
        faulty.err = RILL_ERR_IO;
        cr_assert(eq(int, drive_background(store), RILL_OK));
        append(A_SEGMENT * 2, 1);
        expect_all(A_QUARTER * 2 + A_SEGMENT * 2);
        rill_store_close(store);
        store = NULL;
        failed += faulty.failed;
    }
    cr_expect(ge(u64, failed, 6), "%lu", (unsigned long)failed);
}
