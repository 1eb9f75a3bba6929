// SPDX-License-Identifier: Apache-2.0
//
// Secure erase: what is erased is gone from the disk and from memory, whatever comes between. Random erases, with crashes
// and faults, are in the stories of tests/fault.
#include "storage/store.h"

#include "record.h"
#include "sim_disk.h"
#include "store_drive.h"
#include "walk.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

static const char folder[] = "store/$G/ORDERS";
static const char segment[] = "store/$G/ORDERS/0000000000000001.seg";
static const char secret[] = "4111 1111 1111 1111, and a name, a street and a city";

static struct rill_disk *disk;
static struct rill_store *store;
static struct rill_store_options options;
static struct rill_error_text why;

static void append(const char *payload)
{
    struct rill_store_message message = {.subject = RILL_BYTES("orders"),
                                         .payload = rill_bytes_from_cstr(payload)};
    cr_assert(eq(int, rill_store_append(store, &message), RILL_OK));
}

static void commit(void)
{
    cr_assert(eq(int, drive_commit(store), RILL_OK));
}

/* Three messages; the second is secret. */
static void setup(void)
{
    static const uint8_t identity[RILL_STORE_IDENTITY_BYTES] = "identity";
    disk = sim_disk_create(1);
    options = (struct rill_store_options){.disk = disk, .folder = folder};
    cr_assert(eq(int, rill_store_create(&options, identity, RILL_BYTES("state"), &store, &why), RILL_OK));
    append("before");
    append(secret);
    append("after");
    commit();
}

static void teardown(void)
{
    rill_store_close(store);
    sim_disk_destroy(disk);
}

TestSuite(erase, .init = setup, .fini = teardown);

static void reopen(void)
{
    rill_store_close(store);
    store = NULL;
    cr_assert(eq(int, rill_store_open(&options, NULL, &store, NULL, &why), RILL_OK), "%s", why.text);
}

static bool tidy(void)
{
    const enum rill_err err = drive_tidy(store);
    cr_assert(err == RILL_OK || err == RILL_ERR_NOT_FOUND, "%s", rill_err_text(err));
    return !err;
}

static bool is_on_disk(const char *text)
{
    size_t len;
    const uint8_t *bytes = sim_disk_bytes(disk, segment, &len);
    return memmem(bytes, len, text, strlen(text)) != NULL;
}

static void erase_secret(void)
{
    cr_assert(eq(int, drive_erase(store, 2), RILL_OK));
    commit();
}

static enum rill_err count_finding(void *context, const struct finding *finding)
{
    int *counts = context; // damages, and messages that are being erased
    counts[0] += finding_is_damage(finding->kind);
    counts[1] += finding->kind == FINDING_ERASING;
    return RILL_OK;
}

static void expect_findings(int damages, int erasing)
{
    int counts[2] = {0, 0};
    const struct walk_options walk = {.disk = disk, .folder = folder, .live = true};
    const struct walk_visitor visitor = {.context = counts, .finding = count_finding};
    struct walk_result end;
    cr_assert(eq(int, walk_stream(&walk, &visitor, &end, &why), RILL_OK));
    cr_expect(eq(int, counts[0], damages), "damages");
    cr_expect(eq(int, counts[1], erasing), "erasing");
}

// The message is gone for readers with the commit, and its bytes with the job; its neighbours stay, and nothing is lost.
Test(erase, an_erased_message_leaves_no_byte)
{
    struct rill_store_message message;
    struct rill_store_state state;
    erase_secret();
    cr_expect(eq(int, drive_read(store, 2, &message), RILL_ERR_NOT_FOUND));
    cr_expect(rill_store_erasing(store, 2));
    cr_expect(is_on_disk(secret), "the job was not run");
    cr_assert(tidy());
    cr_expect(not(is_on_disk(secret)));
    cr_expect(not(rill_store_erasing(store, 2)));
    cr_expect(not(tidy()), "there is nothing left to do");
    expect_findings(0, 0);
    reopen();
    rill_store_state(store, &state);
    cr_expect(eq(u64, state.messages, 2));
    cr_expect(eq(u64, state.lost_messages, 0));
    cr_expect(eq(u64, state.deleted, 1));
    cr_expect(eq(int, drive_read(store, 2, &message), RILL_ERR_NOT_FOUND));
    cr_expect(eq(int, drive_read(store, 3, &message), RILL_OK));
    cr_expect(rill_bytes_equal_cstr(message.payload, "after"));
    cr_expect(not(tidy()), "it is done for good");
}

// E1: a message that nobody has seen yet cannot be erased, nor can one twice.
Test(erase, only_committed_messages_are_erased)
{
    append("not yet");
    cr_expect(eq(int, rill_store_append_erase(store, 4), RILL_ERR_NOT_FOUND));
    cr_expect(eq(int, rill_store_append_erase(store, 2), RILL_OK));
    cr_expect(eq(int, rill_store_append_erase(store, 2), RILL_ERR_NOT_FOUND));
    cr_expect(eq(int, rill_store_append_delete(store, 2), RILL_ERR_NOT_FOUND));
    cr_expect(not(tidy()), "its commit is not durable");
}

// E3: an erase that was committed and not done is found by the next open.
Test(erase, a_kill_does_not_save_an_erased_message)
{
    erase_secret();
    reopen();
    cr_expect(rill_store_erasing(store, 2));
    cr_expect(is_on_disk(secret));
    cr_assert(tidy());
    cr_expect(not(is_on_disk(secret)));
}

// E4: half an overwrite is no damage, and the other half follows.
Test(erase, a_torn_overwrite_is_completed)
{
    struct rill_store_report report;
    size_t len;
    erase_secret();
    rill_store_close(store);
    uint8_t *bytes = sim_disk_bytes(disk, segment, &len);
    uint8_t *at = memmem(bytes, len, secret, strlen(secret));
    memset(at, 0, 20);
    expect_findings(0, 1);
    cr_assert(eq(int, rill_store_open(&options, NULL, &store, &report, &why), RILL_OK));
    cr_expect(eq(u64, report.lost_messages, 0));
    const struct rill_store_range *deleted = rill_store_deleted(store, &len);
    cr_assert(eq(sz, len, 1));
    cr_expect(eq(u64, deleted->first_sequence, 2));
    cr_expect(is_on_disk(secret + 20));
    cr_assert(tidy());
    cr_expect(not(is_on_disk(secret + 20)));
    expect_findings(0, 0);
    reopen();
    cr_expect(not(tidy()));
}

// A block that is loaded while its bytes are overwritten brings none of them into memory.
Test(erase, a_load_in_flight_brings_nothing_back)
{
    struct rill_store_message message;
    erase_secret();
    reopen();
    struct rill_store_job *load_job = rill_store_load_start(store, 1);
    rill_store_job_run(load_job);
    cr_assert(tidy());
    cr_expect(rill_store_erasing(store, 2), "it is in the load's memory");
    cr_assert(eq(int, rill_store_load_finish(store, load_job), RILL_OK));
    cr_expect(not(rill_store_erasing(store, 2)));
    cr_assert(eq(int, rill_store_read(store, 1, &message), RILL_OK));
    const size_t size = record_align(36 + strlen("orders") + strlen("before"));
    const uint8_t *next =
        message.payload.data - 36 - strlen("orders") + size; // where the second record stands
    cr_expect(eq(int, next[12], RECORD_ERASED));
    cr_expect(memmem(next, 64 + strlen(secret), secret, strlen(secret)) == NULL);
}
