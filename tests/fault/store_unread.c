// SPDX-License-Identifier: Apache-2.0
//
// A disk that cannot read some of the log while a store is opened, and can later. What was not read is missing as long as that
// store lives, and it says so; but it is not lost, and nothing that the store writes may say that it is.
#include "faulty_disk.h"
#include "sim_disk.h"
#include "store_drive.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <string.h>

TestSuite(store_unread, .timeout = 280);

enum { MESSAGES = 1500, MORE = 300, SUBJECTS = 10, DELETED_EVERY = 13, PAYLOAD_BYTES = 300 };

static const char folder[] = "store/$G/ORDERS";

static struct rill_disk *sample;
static struct faulty_disk faulty;

static struct rill_store_options options_of(struct rill_disk *disk)
{
    return drive_indexed_options(disk, folder, 48 << 10);
}

static void append(struct rill_store *store, uint32_t count)
{
    uint8_t payload[PAYLOAD_BYTES];
    for (; count; count--) {
        char subject[16];
        const uint64_t sequence = drive_state(store).open_sequence + 1;
        (void)snprintf(subject, sizeof subject, "s.%lu", (unsigned long)(sequence % SUBJECTS));
        memset(payload, (int)(sequence % 251), sizeof payload);
        struct rill_store_message message = {.subject = rill_bytes_from_cstr(subject),
                                             .payload = rill_bytes_of(payload, sizeof payload)};
        cr_assert(eq(int, rill_store_append(store, &message), RILL_OK));
        if (sequence % DELETED_EVERY == 0)
            cr_assert(eq(int, drive_delete(store, sequence - 5), RILL_OK));
        if (count % 10 != 1)
            continue;
        cr_assert(eq(int, drive_commit(store), RILL_OK));
        cr_assert(eq(int, drive_background(store), RILL_OK));
    }
}

static bool is_deleted(uint64_t sequence, uint64_t last)
{
    return (sequence + 5) % DELETED_EVERY == 0 && sequence + 5 <= last;
}

static void sample_make(void)
{
    static const uint8_t identity[RILL_STORE_IDENTITY_BYTES] = "identity";
    struct rill_store *store;
    struct rill_error_text why;
    sample = sim_disk_create(1);
    const struct rill_store_options options = options_of(sample);
    cr_assert(eq(int, rill_store_create(&options, identity, RILL_BYTES(""), &store, &why), RILL_OK));
    append(store, MESSAGES);
    rill_store_close(store);
}

static void sample_end(void)
{
    sim_disk_destroy(sample);
}

/* What is there is right; what is not was not read, or is deleted. */
static uint64_t read_all(struct rill_store *store)
{
    const uint64_t last = drive_state(store).last_sequence;
    uint64_t missing = 0;
    for (uint64_t sequence = 1; sequence <= last; sequence++) {
        struct rill_store_message message;
        const enum rill_err err = drive_read(store, sequence, &message);
        missing += err == RILL_ERR_DAMAGED;
        cr_assert(err == RILL_OK || err == RILL_ERR_DAMAGED ||
                      (err == RILL_ERR_NOT_FOUND && is_deleted(sequence, last)),
                  "%lu: %s", (unsigned long)sequence, rill_err_text(err));
        cr_assert(err || (message.sequence == sequence && message.payload.len == PAYLOAD_BYTES &&
                          message.payload.data[0] == sequence % 251));
    }
    return missing;
}

static void expect_subjects(struct rill_store *store)
{
    const uint64_t last = drive_state(store).last_sequence;
    uint64_t counts[SUBJECTS] = {0};
    for (uint64_t sequence = 1; sequence <= last; sequence++)
        counts[sequence % SUBJECTS] += !is_deleted(sequence, last);
    for (unsigned i = 0; i < SUBJECTS; i++) {
        char subject[16];
        struct rill_store_subject found;
        (void)snprintf(subject, sizeof subject, "s.%u", i);
        cr_assert(eq(int, rill_store_subject(store, rill_bytes_from_cstr(subject), &found), RILL_OK));
        cr_assert(eq(u64, found.count, counts[i]), "%s", subject);
    }
}

/* With a disk that reads again all of it is there. */
static void expect_all(struct rill_disk *disk, uint64_t number)
{
    struct rill_store *store;
    struct rill_error_text why;
    const struct rill_store_options options = options_of(disk);
    cr_assert(eq(int, rill_store_open(&options, NULL, &store, NULL, &why), RILL_OK), "%s", why.text);
    cr_assert(eq(int, drive_background(store), RILL_OK), "call %lu", (unsigned long)number);
    cr_assert(eq(u64, drive_state(store).lost_messages, 0), "call %lu", (unsigned long)number);
    cr_assert(eq(u64, read_all(store), 0), "call %lu", (unsigned long)number);
    expect_subjects(store);
    rill_store_close(store);
}

static uint64_t missing; // in all lives that began with such an open

/* A whole life, with batches of the index. */
static void live(struct rill_store *store)
{
    missing += read_all(store);
    if (!drive_state(store).read_only)
        append(store, MORE);
    (void)read_all(store);
    rill_store_close(store);
}

/* Calls on segments fail from the n-th on while a store without an index is opened. True when there was no such call. */
static bool fail_open(uint64_t n, uint64_t fail_count)
{
    struct rill_disk *disk = sim_disk_clone(sample, n);
    struct rill_store *store;
    struct rill_error_text why;
    char path[64];
    (void)snprintf(path, sizeof path, "%s/index.db", folder);
    cr_assert(eq(int, disk->ops->unlink(disk, path), RILL_OK));
    faulty_disk_init(&faulty, disk);
    faulty.only = ".seg";
    faulty.fail_at = n;
    faulty.fail_count = fail_count;
    const struct rill_store_options options = options_of(&faulty.base);
    const enum rill_err err = rill_store_open(&options, NULL, &store, NULL, &why);
    const bool ended = !faulty.failed;
    faulty.fail_at = 0;
    cr_assert(err == RILL_OK || err == RILL_ERR_IO, "call %lu: %s", (unsigned long)n, why.text);
    if (!err)
        live(store);
    expect_all(disk, n);
    sim_disk_destroy(disk);
    return ended;
}

static void fail_opens(uint64_t fail_count)
{
    uint64_t n = 1;
    missing = 0;
    while (!fail_open(n, fail_count))
        n++;
    cr_expect(gt(u64, n, 40), "only %lu calls", (unsigned long)n);
    cr_expect(gt(u64, missing, 0), "everything was read");
}

// A few pages, or a header, that cannot be read at an open are there again at the next one.
Test(store_unread, what_was_not_read_is_not_lost, .init = sample_make, .fini = sample_end)
{
    fail_opens(3);
}

// So is a whole segment.
Test(store_unread, a_segment_that_was_not_read_is_not_lost, .init = sample_make, .fini = sample_end)
{
    fail_opens(20);
}
