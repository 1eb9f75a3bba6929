// SPDX-License-Identifier: Apache-2.0
//
// Deletes, purges, and the files that they leave behind. Random ones are in the stories of tests/fault.
#include "storage/store.h"

#include "faulty_disk.h"
#include "sim_disk.h"
#include "store_drive.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

static struct rill_disk *disk;
static struct rill_store *store;
static struct rill_store_options options;
static struct rill_error_text why;

static void setup(void)
{
    static const uint8_t identity[RILL_STORE_IDENTITY_BYTES] = "identity";
    disk = sim_disk_create(1);
    options =
        (struct rill_store_options){.disk = disk, .folder = "store/$G/ORDERS", .segment_bytes = 16 << 10};
    cr_assert(eq(int, rill_store_create(&options, identity, RILL_BYTES("state"), &store, &why), RILL_OK));
}

static void teardown(void)
{
    rill_store_close(store);
    sim_disk_destroy(disk);
}

TestSuite(remove, .init = setup, .fini = teardown);

static void append(uint64_t count, size_t payload_bytes)
{
    static const uint8_t zeros[9000];
    struct rill_store_message message = {.payload = rill_bytes_of(zeros, payload_bytes)};
    for (; count; count--)
        cr_assert(eq(int, rill_store_append(store, &message), RILL_OK));
}

static void commit(void)
{
    cr_assert(eq(int, drive_commit(store), RILL_OK));
}

static void reopen(void)
{
    rill_store_close(store);
    store = NULL;
    cr_assert(eq(int, rill_store_open(&options, NULL, &store, NULL, &why), RILL_OK), "%s", why.text);
}

static struct rill_store_state state(void)
{
    return drive_state(store);
}

static enum rill_err read(uint64_t sequence)
{
    struct rill_store_message message;
    return rill_store_read(store, sequence, &message);
}

static uint64_t purge(uint64_t first_kept)
{
    struct rill_store_purged purged;
    cr_assert(eq(int, rill_store_append_purge(store, first_kept, &purged), RILL_OK));
    return purged.messages;
}

// A deleted message is served until the commit of its delete has finished, and never again.
Test(remove, a_delete_holds_from_its_commit_on)
{
    append(3, 100);
    commit();
    const uint64_t bytes = state().bytes / 3;
    cr_assert(eq(int, rill_store_append_delete(store, 2), RILL_OK));
    cr_expect(eq(int, rill_store_append_delete(store, 2), RILL_ERR_NOT_FOUND), "twice");
    cr_expect(eq(int, rill_store_append_delete(store, 4), RILL_ERR_NOT_FOUND), "never there");
    cr_expect(eq(int, read(2), RILL_OK));
    cr_expect(eq(u64, state().messages, 3));
    commit();
    for (int opened = 0; opened < 2; opened++) {
        size_t count = 0;
        const struct rill_store_range *deleted = rill_store_deleted(store, &count);
        cr_assert(eq(sz, count, 1));
        cr_expect(deleted[0].first_sequence == 2 && deleted[0].last_sequence == 2);
        cr_expect(eq(u64, state().deleted, 1));
        cr_expect(eq(int, read(2), RILL_ERR_NOT_FOUND));
        cr_expect(eq(u64, state().messages, 2));
        cr_expect(eq(u64, state().bytes, 2 * bytes));
        reopen();
    }
}

// The first sequence moves over all that is deleted in front, at once.
Test(remove, the_first_sequence_moves_over_deleted_heads)
{
    append(4, 10);
    cr_assert(eq(int, rill_store_append_delete(store, 2), RILL_OK));
    cr_assert(eq(int, rill_store_append_delete(store, 3), RILL_OK));
    commit();
    cr_expect(eq(u64, state().first_sequence, 1));
    cr_assert(eq(int, rill_store_append_delete(store, 1), RILL_OK));
    commit();
    cr_expect(eq(u64, state().first_sequence, 4));
    cr_expect(eq(u64, state().deleted, 0), "nothing is missing behind the first");
    reopen();
    cr_expect(eq(u64, state().first_sequence, 4));
}

// A delete needs the record's size: where the block is not in memory it says so.
Test(remove, a_delete_may_need_its_block)
{
    append(2, 10);
    commit();
    reopen();
    cr_expect(eq(int, rill_store_append_delete(store, 1), RILL_ERR_AGAIN));
    cr_assert(eq(int, drive_load(store, 1), RILL_OK));
    cr_expect(eq(int, rill_store_append_delete(store, 1), RILL_OK));
}

// A purge takes what is below, in one record; sequences go on behind a stream that is empty.
Test(remove, sequences_are_never_used_again)
{
    append(5, 10);
    cr_expect(eq(u64, purge(3), 2));
    cr_expect(eq(u64, purge(2), 0), "nothing is there");
    cr_expect(eq(u64, purge(rill_store_newest(store, 1)), 2));
    commit();
    cr_expect(eq(u64, state().first_sequence, 5));
    cr_expect(eq(u64, purge(UINT64_MAX), 1));
    commit();
    reopen();
    cr_expect(eq(u64, state().messages, 0));
    cr_expect(eq(u64, state().bytes, 0));
    cr_expect(eq(u64, state().first_sequence, 6));
    append(1, 10);
    cr_expect(eq(u64, state().open_sequence, 6));
}

// R2: files go when nothing in them is live, and the log is whole without them.
Test(remove, spent_segments_are_removed)
{
    for (int i = 0; i < 8; i++) {
        append(1, 9000);
        commit();
    }
    cr_assert(eq(u64, state().segments, 8));
    cr_expect(rill_store_tidy_start(store) == NULL, "all is live");
    cr_expect(eq(u64, purge(5), 4));
    cr_expect(rill_store_tidy_start(store) == NULL, "not committed");
    commit();
    struct rill_store_job *job = rill_store_tidy_start(store);
    cr_assert(job != NULL);
    cr_expect(rill_store_tidy_start(store) == NULL, "under way");
    rill_store_job_run(job);
    cr_assert(eq(int, rill_store_tidy_finish(store, job), RILL_OK));
    cr_expect(eq(u64, state().segments, 5), "with the one that the purge's commit began");
    cr_expect(eq(int, read(5), RILL_OK));
    reopen();
    cr_expect(eq(u64, state().lost_messages, 0));
    cr_expect(eq(u64, state().messages, 4));
    cr_expect(eq(u64, state().first_sequence, 5));
}

// R2: a file that was removed counts no more, also when the folder could not be synced then; and no other one goes before that
// was done.
Test(remove, a_folder_that_could_not_be_synced_is_synced_before_the_next_segment_goes)
{
    static struct faulty_disk faulty; // until the store is closed
    faulty_disk_init(&faulty, disk);
    options.disk = &faulty.base;
    for (int i = 0; i < 8; i++) {
        append(1, 9000);
        commit();
    }
    reopen();
    cr_expect(eq(u64, purge(5), 4));
    commit();
    const uint64_t segments = state().segments, calls = faulty.calls;
    faulty.fail_at = calls + 2; // behind the first unlink
    faulty.fail_count = 2;
    cr_expect(eq(int, drive_tidy(store), RILL_ERR_IO));
    cr_expect(eq(int, drive_tidy(store), RILL_ERR_IO));
    cr_expect(eq(u64, faulty.calls, calls + 3), "it unlinked another one");
    cr_expect(eq(u64, state().segments, segments - 1));
    cr_expect(eq(int, drive_tidy(store), RILL_OK));
    cr_expect(eq(u64, state().segments, segments - 4));
    reopen();
    cr_expect(eq(u64, state().lost_messages, 0));
    cr_expect(eq(u64, state().messages, 4));
}
