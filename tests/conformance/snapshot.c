// SPDX-License-Identifier: Apache-2.0
//
// A snapshot, copied while the stream goes on, is the stream as it was.
#include "disk_copy.h"
#include "store_drive.h"
#include "stores.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

TestSuite(snapshot_conformance);

static void copy(const struct stores_side *side, const struct rill_store_snapshot *snapshot,
                 const char *folder)
{
    struct rill_disk *disk = side->options.disk;
    char from[160], to[160];
    uint64_t copied = 0;
    cr_assert(eq(int, disk->ops->mkdir(disk, folder), RILL_OK));
    for (size_t i = 0; i < snapshot->file_count; i++) {
        const struct rill_store_snapshot_file *file = &snapshot->files[i];
        (void)snprintf(from, sizeof from, "%s/%s", side->options.folder, file->name);
        (void)snprintf(to, sizeof to, "%s/%s", folder, file->name);
        cr_assert(eq(int, disk_copy_file(disk, from, to, file->bytes, &copied), RILL_OK), "%s", from);
        cr_assert(eq(u64, copied, file->bytes), "%s is as long as was said", from);
    }
}

/* Opens the copy and compares it with what the stream was. */
static void expect_copy(struct stores_side *side, const char *folder, const struct rill_store_state *wanted)
{
    struct stores_side copy = {.name = "copy", .options = side->options};
    struct rill_store_report report;
    struct rill_store_message message;
    copy.options.folder = folder;
    cr_assert(eq(int, rill_store_open(&copy.options, NULL, &copy.store, &report, &copy.why), RILL_OK), "%s",
              copy.why.text);
    const struct rill_store_state state = stores_state(&copy);
    cr_expect(eq(u64, report.lost_ranges, 0));
    cr_expect(eq(u64, report.dropped_bytes, 0));
    cr_expect(eq(u64, state.messages, wanted->messages));
    cr_expect(eq(u64, state.bytes, wanted->bytes));
    cr_expect(eq(u64, state.first_sequence, wanted->first_sequence));
    cr_expect(eq(u64, state.last_sequence, wanted->last_sequence));
    for (uint64_t sequence = state.first_sequence; sequence <= state.last_sequence; sequence += 13)
        cr_expect(
            eq(int, stores_read(&copy, sequence, &message), sequence == 555 ? RILL_ERR_NOT_FOUND : RILL_OK));
    rill_store_close(copy.store);
    cr_expect(eq(int, rill_store_delete(copy.options.disk, folder, &copy.why), RILL_OK));
}

static void tidy(struct stores_side *side)
{
    const enum rill_err err = drive_tidy(side->store);
    cr_assert(err == RILL_OK || err == RILL_ERR_NOT_FOUND);
}

static void fill(struct stores_side *side)
{
    for (int i = 0; i < 40; i++) {
        stores_append_many(side, "a", 20, 1000);
        stores_commit(side);
    }
}

static void check_snapshot(struct stores_side *side)
{
    char folder[128];
    (void)snprintf(folder, sizeof folder, "%s2", side->options.folder);
    fill(side);
    cr_expect(eq(int, stores_delete(side, 555), RILL_OK));
    (void)stores_purge(side, 100);
    stores_commit(side);
    tidy(side);
    (void)stores_append(side, "a", 1); // open, and so not in it
    const struct rill_store_state wanted = stores_state(side);
    struct rill_store_snapshot *snapshot = rill_store_snapshot_create(side->store);
    cr_expect(eq(u64, snapshot->last_sequence, 800));
    cr_expect(snapshot->file_count > 3);
    fill(side);
    (void)stores_purge(side, UINT64_MAX);
    stores_commit(side);
    fill(side);
    cr_expect(eq(ptr, rill_store_tidy_start(side->store), NULL), "its files are held");
    copy(side, snapshot, folder);
    rill_store_snapshot_destroy(side->store, snapshot);
    expect_copy(side, folder, &wanted);
    const uint64_t segments = stores_state(side).segments;
    tidy(side);
    cr_expect(stores_state(side).segments < segments, "and let go");
}

// What happens after a snapshot was taken, purges included, does not show in its copy.
Test(snapshot_conformance, a_copy_is_the_stream_as_it_was)
{
    stores_each(check_snapshot);
}
