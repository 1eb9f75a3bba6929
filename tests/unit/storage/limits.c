// SPDX-License-Identifier: Apache-2.0
#include "storage/store.h"

#include "faulty_disk.h"
#include "store_drive.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

TestSuite(limits);

enum { PAYLOAD = 1000, RECORD = 1040, PER_COMMIT = 50 };

static const uint8_t identity[RILL_STORE_IDENTITY_BYTES] = "identity";
static struct rill_error_text why;

static struct rill_store *make(struct rill_disk *disk, struct rill_store_limits limits)
{
    const struct rill_store_options options = {
        .disk = disk, .folder = "s/a/b", .limits = limits, .cache_bytes_max = 1, .commit_bytes_max = 1 << 20};
    struct rill_store *store = NULL;
    cr_assert(eq(int, rill_store_create(&options, identity, RILL_BYTES(""), &store, &why), RILL_OK), "%s",
              why.text);
    return store;
}

static enum rill_err append(struct rill_store *store, int64_t time_ns)
{
    static const uint8_t payload[PAYLOAD];
    struct rill_store_message message = {
        .time_ns = time_ns, .subject = RILL_BYTES("s"), .payload = {payload, PAYLOAD}};
    return rill_store_append(store, &message);
}

static void append_many(struct rill_store *store, int count)
{
    for (int i = 0; i < count; i++)
        cr_assert(eq(int, append(store, 0), RILL_OK));
}

static void commit(struct rill_store *store)
{
    cr_assert(eq(int, drive_commit(store), RILL_OK));
}

// However far the commits and what is in memory lie apart, after each commit exactly the newest are there.
Test(limits, the_oldest_go_with_the_commit_that_is_too_many)
{
    struct rill_disk *disk = rill_disk_memory_create(0);
    struct rill_store *store = make(disk, (struct rill_store_limits){.max_messages = 1001});
    for (uint64_t last = PER_COMMIT; last <= 5000; last += PER_COMMIT) {
        append_many(store, PER_COMMIT);
        cr_expect(drive_state(store).messages <= 1001);
        commit(store);
        cr_expect(eq(u64, drive_state(store).messages, last < 1001 ? last : 1001));
        cr_expect(eq(u64, drive_state(store).first_sequence, last < 1001 ? 1 : last - 1000));
    }
    rill_store_close(store);
    rill_disk_memory_destroy(disk);
}

// The limit on bytes keeps as many of the newest as fit, and not one less.
Test(limits, as_many_stay_as_the_bytes_allow)
{
    struct rill_disk *disk = rill_disk_memory_create(0);
    struct rill_store *store = make(disk, (struct rill_store_limits){.max_bytes = 333 * RECORD + 1});
    for (int i = 0; i < 40; i++) {
        append_many(store, PER_COMMIT);
        commit(store);
        cr_expect(drive_state(store).bytes <= 333 * RECORD);
    }
    cr_expect(eq(u64, drive_state(store).messages, 333));
    rill_store_close(store);
    rill_disk_memory_destroy(disk);
}

// A store that discards what is new refuses it, says at which limit, and takes it when there is room again.
Test(limits, what_is_new_is_refused)
{
    struct rill_disk *disk = rill_disk_memory_create(0);
    struct rill_store_limits limits = {.max_messages = 3, .discard_new = true};
    struct rill_store *store = make(disk, limits);
    append_many(store, 3);
    cr_expect(eq(int, append(store, 0), RILL_ERR_FULL_MESSAGES));
    cr_expect(eq(int, rill_store_append_delete(store, 2), RILL_OK));
    cr_expect(eq(int, append(store, 0), RILL_OK));
    commit(store);
    limits = (struct rill_store_limits){.max_bytes = 4 * RECORD, .discard_new = true};
    rill_store_set_limits(store, &limits);
    cr_expect(eq(int, append(store, 0), RILL_OK));
    cr_expect(eq(int, append(store, 0), RILL_ERR_FULL_BYTES));
    commit(store);
    cr_expect(eq(u64, drive_state(store).messages, 4));
    rill_store_close(store);
    rill_disk_memory_destroy(disk);
}

// A limit that is set while the store runs holds from the next commit on, though nothing was appended.
Test(limits, a_new_limit_needs_no_append)
{
    struct rill_disk *disk = rill_disk_memory_create(0);
    struct rill_store *store = make(disk, (struct rill_store_limits){0});
    append_many(store, 600);
    commit(store);
    cr_expect(eq(int, drive_commit(store), RILL_ERR_NOT_FOUND));
    rill_store_set_limits(store, &(struct rill_store_limits){.max_messages = 7});
    commit(store);
    cr_expect(eq(u64, drive_state(store).messages, 7));
    cr_expect(eq(u64, drive_state(store).first_sequence, 594));
    cr_expect(eq(int, drive_commit(store), RILL_ERR_NOT_FOUND));
    rill_store_close(store);
    rill_disk_memory_destroy(disk);
}

// What is as old as the limit or older expires, the store says when to come back, and coming early is harmless.
Test(limits, the_old_expire)
{
    struct rill_disk *disk = rill_disk_memory_create(0);
    struct rill_store *store = make(disk, (struct rill_store_limits){.max_age_ns = 100});
    struct rill_store_expired expired;
    cr_expect(eq(int, rill_store_expire(store, 1000, NULL, NULL, &expired), RILL_OK));
    cr_expect(eq(i64, expired.next_ns, INT64_MAX));
    for (int i = 0; i < 5; i++)
        cr_assert(eq(int, append(store, 1000 + i), RILL_OK));
    commit(store);
    cr_expect(eq(int, rill_store_expire(store, 1099, NULL, NULL, &expired), RILL_OK));
    cr_expect(eq(u64, expired.messages, 0));
    cr_expect(eq(i64, expired.next_ns, 1100));
    cr_expect(eq(int, rill_store_expire(store, 1102, NULL, NULL, &expired), RILL_OK));
    cr_expect(eq(u64, expired.messages, 3));
    cr_expect(eq(i64, expired.next_ns, 1103));
    commit(store);
    cr_expect(eq(u64, drive_state(store).first_sequence, 4));
    cr_expect(eq(int, rill_store_expire(store, 9999, NULL, NULL, &expired), RILL_OK));
    cr_expect(eq(u64, expired.messages, 2));
    cr_expect(eq(i64, expired.next_ns, INT64_MAX));
    rill_store_close(store);
    rill_disk_memory_destroy(disk);
}

// A block in front that cannot be read does not keep the stream from going on: it goes as a whole.
Test(limits, what_cannot_be_read_stops_nothing)
{
    struct rill_disk *below = rill_disk_memory_create(0);
    struct faulty_disk disk;
    faulty_disk_init(&disk, below);
    struct rill_store *store = make(&disk.base, (struct rill_store_limits){.max_messages = 1000});
    for (int i = 0; i < 20; i++) {
        append_many(store, PER_COMMIT);
        commit(store);
    }
    append_many(store, PER_COMMIT);
    cr_assert(eq(ptr, rill_store_commit_start(store), NULL), "the first block is not in memory");
    struct rill_store_job *load = rill_store_limits_load_start(store);
    cr_assert(load != NULL);
    disk.fail_at = disk.calls + 1;
    disk.fail_count = 1;
    disk.err = RILL_ERR_IO;
    rill_store_job_run(load);
    cr_expect(eq(int, rill_store_load_finish(store, load), RILL_ERR_IO));
    commit(store);
    cr_expect(not(drive_state(store).read_only));
    cr_expect(drive_state(store).messages < 1000 && drive_state(store).messages > 800);
    cr_expect(eq(u64, drive_state(store).last_sequence, 1050));
    rill_store_close(store);
    rill_disk_memory_destroy(below);
}
