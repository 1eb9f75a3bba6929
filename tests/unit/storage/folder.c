// SPDX-License-Identifier: Apache-2.0
#include "folder.h"

#include "sim_disk.h"
#include "storage/store.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

TestSuite(folder);

static const uint8_t identity[RILL_STORE_IDENTITY_BYTES] = "identity";
static struct rill_error_text why;

static void make_stream(struct rill_disk *disk, const char *folder)
{
    const struct rill_store_options options = {.disk = disk, .folder = folder};
    struct rill_store *store = NULL;
    cr_assert(eq(int, rill_store_create(&options, identity, RILL_BYTES(""), &store, &why), RILL_OK), "%s",
              why.text);
    rill_store_close(store);
}

static enum rill_err note_stream(void *context, const char *account, const char *stream, const char *folder)
{
    char *text = context;
    (void)snprintf(text + strlen(text), 200 - strlen(text), "%s|%s|%s;", account, stream, folder);
    return RILL_OK;
}

// A listing names the streams of all accounts, not what is left of deleted ones, and nothing where there is
// no store.
Test(folder, a_listing_names_the_streams)
{
    struct rill_disk *disk = sim_disk_create(1);
    char text[200] = "";
    cr_expect(eq(int, rill_store_list(disk, "store", note_stream, text, &why), RILL_OK));
    cr_expect(eq(str, text, ""));
    make_stream(disk, "store/$G/ORDERS");
    make_stream(disk, "store/EU/ORDERS");
    cr_assert(eq(int, folder_make(disk, "store/$G/OLD.deleted"), RILL_OK));
    cr_expect(eq(int, rill_store_list(disk, "store", note_stream, text, &why), RILL_OK));
    cr_expect(eq(str, text, "$G|ORDERS|store/$G/ORDERS;EU|ORDERS|store/EU/ORDERS;"));
    sim_disk_destroy(disk);
}

// Deleting is for a stream that exists; afterwards it can be made anew.
Test(folder, a_deleted_stream_is_gone)
{
    struct rill_disk *disk = sim_disk_create(1);
    char text[200] = "";
    cr_expect(eq(int, rill_store_delete(disk, "store/$G/ORDERS", &why), RILL_ERR_NOT_FOUND));
    make_stream(disk, "store/$G/ORDERS");
    cr_expect(eq(int, rill_store_delete(disk, "store/$G/ORDERS", &why), RILL_OK));
    cr_expect(eq(int, rill_store_list(disk, "store", note_stream, text, &why), RILL_OK));
    cr_expect(eq(str, text, ""));
    make_stream(disk, "store/$G/ORDERS");
    sim_disk_destroy(disk);
}

/* Deletes with a power cut in operation `crash_at`. True when the delete ended before. */
static bool delete_with_crash(uint64_t crash_at)
{
    struct rill_disk *disk = sim_disk_create(crash_at);
    struct rill_store_options options = {.disk = disk, .folder = "store/$G/ORDERS"};
    struct rill_store *store = NULL;
    struct rill_store_report report = {0};
    make_stream(disk, options.folder);
    sim_disk_crash_at(disk, crash_at);
    const bool ended = rill_store_delete(disk, options.folder, &why) == RILL_OK;
    if (!ended) {
        sim_disk_restart(disk);
        const enum rill_err err = rill_store_open(&options, NULL, &store, &report, &why);
        cr_assert(err == RILL_OK || err == RILL_ERR_NOT_FOUND);
        cr_assert(eq(u64, report.lost_ranges, 0), "a stream with a hole");
        rill_store_close(err ? NULL : store);
        if (err)
            make_stream(disk, options.folder);
        cr_assert(eq(int, rill_store_delete(disk, options.folder, &why), RILL_OK));
    }
    sim_disk_destroy(disk);
    return ended;
}

// C9: a power cut while a stream is deleted leaves the whole of it or nothing, and its name can be used
// again.
Test(folder, deleting_is_all_or_nothing)
{
    uint64_t crash_at = 1;
    while (!delete_with_crash(crash_at))
        crash_at++;
    cr_expect(crash_at > 8);
}
