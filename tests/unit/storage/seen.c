// SPDX-License-Identifier: Apache-2.0
#include "indexing.h"
#include "store_drive.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

TestSuite(seen);

enum { ROUNDS = 3, IDS = 500 };

static const uint8_t identity[RILL_STORE_IDENTITY_BYTES] = "identity";

static uint64_t append(struct rill_store *store, unsigned id)
{
    char headers[64];
    (void)snprintf(headers, sizeof headers, "NATS/1.0\r\nNats-Msg-Id: %u\r\n\r\n", id);
    struct rill_store_message message = {.subject = RILL_BYTES("s"),
                                         .headers = rill_bytes_from_cstr(headers)};
    cr_assert(eq(int, rill_store_append(store, &message), RILL_OK));
    return message.sequence;
}

/* Each id is in the last of the rounds. */
static void expect_newest(struct rill_store *store, unsigned rounds)
{
    for (unsigned id = 1; id <= IDS; id++) {
        char text[16];
        uint64_t found = 0;
        (void)snprintf(text, sizeof text, "%u", id);
        cr_assert(eq(int, rill_store_seen(store, rill_bytes_from_cstr(text), 0, &found), RILL_OK));
        cr_assert(eq(u64, found, (rounds - 1) * IDS + id), "id %u", id);
    }
}

// Of several messages with one id the newest is found, however many ids there are; and when it is taken back, the one before
// it again.
Test(seen, the_newest_of_an_id_is_found)
{
    struct rill_disk *disk = rill_disk_memory_create(0);
    const struct rill_store_options options = {
        .disk = disk, .folder = "s/a/b", .index = true, .id_window_ns = INT64_MAX};
    struct rill_store *store = NULL;
    struct rill_error_text why;
    cr_assert(eq(int, rill_store_create(&options, identity, RILL_BYTES(""), &store, &why), RILL_OK));
    for (unsigned round = 1; round <= ROUNDS; round++) {
        for (unsigned id = 1; id <= IDS; id++)
            (void)append(store, id);
        expect_newest(store, round);
        if (round == 1)
            cr_assert(eq(int, drive_commit(store), RILL_OK));
    }
    rill_store_close(store); // what is open is dropped
    cr_assert(eq(int, rill_store_open(&options, NULL, &store, NULL, &why), RILL_OK));
    expect_newest(store, 1);
    rill_store_close(store);
    rill_disk_memory_destroy(disk);
}

/* With ids of a kilobyte. */
static void append_large(struct rill_store *store, unsigned id)
{
    static char headers[1100];
    const int len = snprintf(headers, sizeof headers, "NATS/1.0\r\nNats-Msg-Id: %01000u\r\n\r\n", id);
    struct rill_store_message message = {.subject = RILL_BYTES("s"),
                                         .headers = rill_bytes_of(headers, (size_t)len)};
    cr_assert(eq(int, rill_store_append(store, &message), RILL_OK));
}

// However far the index is behind, ids take no more memory than they may. Until it has caught up nobody knows of an id that
// it is new; then everybody does.
Test(seen, ids_that_wait_are_bounded)
{
    enum { MANY = 40000 };
    struct rill_disk *disk = rill_disk_memory_create(0);
    const struct rill_store_options options = {.disk = disk,
                                               .folder = "s/a/b",
                                               .index = true,
                                               .id_window_ns = INT64_MAX,
                                               .index_batch_bytes = 64 << 10,
                                               .index_log_bytes = 1 << 20};
    struct rill_store *store = NULL;
    struct rill_error_text why;
    uint64_t sequence;
    cr_assert(eq(int, rill_store_create(&options, identity, RILL_BYTES(""), &store, &why), RILL_OK));
    for (unsigned id = 1; id <= MANY; id++) {
        append_large(store, id);
        if (id % 1000 == 0)
            cr_assert(eq(int, drive_commit(store), RILL_OK));
        cr_assert(le(u64, store->seen.bytes, SEEN_BYTES_MAX));
    }
    cr_expect(gt(u64, store->seen.bytes, SEEN_BYTES_MAX / 2), "the index was not behind");
    cr_expect(eq(int, rill_store_seen(store, RILL_BYTES("new"), 0, &sequence), RILL_ERR_UNAVAILABLE));
    cr_assert(eq(int, drive_background(store), RILL_OK));
    cr_expect(eq(int, rill_store_seen(store, RILL_BYTES("new"), 0, &sequence), RILL_ERR_NOT_FOUND));
    rill_store_close(store);
    rill_disk_memory_destroy(disk);
}

// What is fed while the index is not written, and while a message waits for being overwritten, takes no more than two
// batches may.
Test(seen, what_is_fed_while_an_erase_is_pending_is_bounded)
{
    enum { MANY = 20000, BATCH_BYTES = 64 << 10 };
    struct rill_disk *disk = rill_disk_memory_create(0);
    const struct rill_store_options options = {
        .disk = disk, .folder = "s/a/b", .index = true, .index_batch_bytes = BATCH_BYTES};
    struct rill_store *store = NULL;
    struct rill_error_text why;
    struct rill_store_subject found;
    cr_assert(eq(int, rill_store_create(&options, identity, RILL_BYTES(""), &store, &why), RILL_OK));
    (void)append(store, 1);
    cr_assert(eq(int, drive_commit(store), RILL_OK));
    cr_assert(eq(int, drive_erase(store, 1), RILL_OK));
    for (unsigned i = 1; i <= MANY; i++) {
        (void)append(store, i);
        if (i % 500 == 0)
            cr_assert(eq(int, drive_commit(store), RILL_OK));
        cr_assert(lt(u64, rill_index_batch_bytes(store->indexing->index), 5 * BATCH_BYTES));
    }
    cr_expect(eq(int, rill_store_subject(store, RILL_BYTES("s"), &found), RILL_ERR_AGAIN));
    cr_assert(eq(int, drive_background(store), RILL_OK));
    cr_expect(eq(int, rill_store_subject(store, RILL_BYTES("s"), &found), RILL_OK));
    cr_expect(eq(u64, found.count, MANY));
    rill_store_close(store);
    rill_disk_memory_destroy(disk);
}
