// SPDX-License-Identifier: Apache-2.0
//
// A stream goes through a backup and a restore, and what comes out is the stream, or an error that says why not.
#include "stores.h"

#include "storage/backup.h"
#include "store_drive.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>

TestSuite(backup_conformance);

enum { BACKUP_BYTES_MAX = 32 << 20 };

/* All of it. What happens between two reads is the caller's. */
static void take_backup(struct stores_side *side, struct rill_buf *out, void (*between)(struct stores_side *))
{
    struct rill_store_snapshot *snapshot = rill_store_snapshot_create(side->store);
    struct rill_backup *backup = rill_backup_open(side->options.disk, side->options.folder, snapshot, 0);
    rill_buf_init(out, BACKUP_BYTES_MAX);
    while (!rill_backup_is_done(backup)) {
        cr_assert(eq(int, rill_backup_read(backup, out->len + 50000, out, &side->why), RILL_OK), "%s",
                  side->why.text);
        if (between)
            between(side);
    }
    rill_backup_close(backup);
    rill_store_snapshot_destroy(side->store, snapshot);
}

static void other_folder(const struct stores_side *side, char ret[160])
{
    (void)snprintf(ret, 160, "%s-2", side->options.folder);
}

/* In pieces of this size. */
static enum rill_err put_back(struct stores_side *side, struct rill_bytes bytes, size_t piece)
{
    char folder[160];
    struct rill_restore *restore;
    other_folder(side, folder);
    cr_assert(eq(int, rill_restore_open(side->options.disk, folder, &restore, &side->why), RILL_OK));
    enum rill_err err = RILL_OK;
    while (!err && bytes.len) {
        const size_t count = piece < bytes.len ? piece : bytes.len;
        err = rill_restore_write(restore, rill_bytes_of(bytes.data, count), &side->why);
        bytes = rill_bytes_from(bytes, count);
    }
    if (!err)
        err = rill_restore_finish(restore, &side->why);
    rill_restore_close(restore);
    if (!err)
        err = rill_restore_place(side->options.disk, folder, &side->why);
    cr_assert(eq(int, rill_restore_discard(side->options.disk, folder), RILL_OK));
    return err;
}

/* Opens what was restored, and closes and removes it. */
static void expect_stream(struct stores_side *side, const struct rill_store_state *wanted)
{
    char folder[160];
    struct stores_side copy = {.name = "copy", .options = side->options};
    struct rill_store_report report;
    other_folder(side, folder);
    copy.options.folder = folder;
    cr_assert(eq(int, rill_store_open(&copy.options, NULL, &copy.store, &report, &copy.why), RILL_OK), "%s",
              copy.why.text);
    const struct rill_store_state state = stores_state(&copy);
    cr_expect(eq(u64, report.lost_ranges, 0));
    cr_expect(eq(u64, report.dropped_bytes, 0));
    cr_expect(eq(u64, state.first_sequence, wanted->first_sequence));
    cr_expect(eq(u64, state.last_sequence, wanted->last_sequence));
    rill_store_close(copy.store);
    cr_assert(eq(int, rill_store_delete(copy.options.disk, folder, &copy.why), RILL_OK));
}

static void fill(struct stores_side *side)
{
    for (int i = 0; i < 6; i++) {
        stores_append_many(side, "a", 500, 100);
        stores_append_many(side, "b", 1, 60 << 10);
        stores_commit(side);
    }
}

static void check_whole(struct stores_side *side)
{
    static const size_t pieces[] = {1 << 20, 128 << 10, 1024, 7};
    struct rill_buf backup;
    fill(side);
    const struct rill_store_state wanted = stores_state(side);
    cr_expect(gt(u64, wanted.segments, 3));
    take_backup(side, &backup, NULL);
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        cr_assert(eq(int, put_back(side, rill_buf_bytes(&backup), pieces[i]), RILL_OK), "%s: %s", side->name,
                  side->why.text);
        expect_stream(side, &wanted);
    }
    rill_buf_fini(&backup);
}

// A backup of several segments is the stream again, in whatever pieces it comes.
Test(backup_conformance, what_was_backed_up_is_restored)
{
    stores_each(check_whole);
}

/* Erases messages, also one that stands across the end of a read, and adds others. */
static void disturb(struct stores_side *side)
{
    for (uint64_t sequence = 1; sequence <= 150; sequence++) {
        const enum rill_err err = drive_erase(side->store, sequence);
        cr_assert(err == RILL_OK || err == RILL_ERR_NOT_FOUND);
    }
    stores_append_many(side, "c", 10, 2000);
    stores_commit(side);
    stores_background(side);
}

/* Payloads that are not zeros, as erased ones are. */
static void append_long(struct stores_side *side, size_t count)
{
    static char payload[10011];
    memset(payload, 'x', sizeof payload);
    for (size_t i = 0; i < count; i++) {
        struct rill_store_message message = {.subject = RILL_BYTES("a"),
                                             .payload = rill_bytes_of(payload, sizeof payload)};
        cr_assert(eq(int, rill_store_append(side->store, &message), RILL_OK));
    }
    stores_commit(side);
}

/* One segment, which is read in several pieces. */
static void check_disturbed(struct stores_side *side)
{
    struct rill_buf backup;
    side->options.segment_bytes = 16 << 20;
    stores_reopen(side, NULL);
    for (int i = 0; i < 3; i++)
        append_long(side, 100);
    const struct rill_store_state wanted = stores_state(side);
    cr_expect(eq(u64, wanted.segments, 1));
    take_backup(side, &backup, disturb);
    cr_expect(gt(u64, stores_state(side).last_sequence, wanted.last_sequence));
    cr_assert(eq(int, put_back(side, rill_buf_bytes(&backup), 100000), RILL_OK), "%s", side->why.text);
    expect_stream(side, &wanted);
    rill_buf_fini(&backup);
}

// Messages that are overwritten while it is read are there, or erased, and never damage.
Test(backup_conformance, a_backup_is_whole_whatever_is_erased_meanwhile)
{
    stores_each(check_disturbed);
}

static void check_damage(struct stores_side *side)
{
    struct rill_buf backup;
    stores_append_many(side, "a", 20, 100);
    stores_commit(side);
    take_backup(side, &backup, NULL);
    for (size_t i = 0; i < backup.len; i += 1 + i / 40) {
        backup.data[i] ^= 4;
        const enum rill_err err = put_back(side, rill_buf_bytes(&backup), 4096);
        cr_expect(err == RILL_ERR_DAMAGED || err == RILL_ERR_UNSUPPORTED, "byte %zu", i);
        backup.data[i] ^= 4;
    }
    for (size_t len = 0; len < backup.len; len += 1 + len / 40)
        cr_expect(eq(int, put_back(side, rill_bytes_of(backup.data, len), 4096), RILL_ERR_DAMAGED),
                  "the first %zu bytes", len);
    cr_assert(eq(int, rill_buf_append(&backup, RILL_BYTES("x")), RILL_OK));
    cr_expect(eq(int, put_back(side, rill_buf_bytes(&backup), 4096), RILL_ERR_DAMAGED), "one byte more");
    rill_buf_fini(&backup);
}

// A backup that was changed anywhere, cut anywhere or made longer is refused, and leaves nothing behind.
Test(backup_conformance, a_damaged_backup_is_refused)
{
    stores_each(check_damage);
}

static void check_place(struct stores_side *side)
{
    struct rill_buf backup;
    struct rill_restore *restore;
    char folder[160];
    stores_append_many(side, "a", 20, 100);
    stores_commit(side);
    const struct rill_store_state wanted = stores_state(side);
    take_backup(side, &backup, NULL);
    cr_assert(eq(int, put_back(side, rill_buf_bytes(&backup), 4096), RILL_OK));
    cr_expect(eq(int, put_back(side, rill_buf_bytes(&backup), 4096), RILL_ERR_EXISTS));
    expect_stream(side, &wanted);
    other_folder(side, folder);
    cr_assert(eq(int, rill_restore_open(side->options.disk, folder, &restore, &side->why), RILL_OK));
    cr_assert(eq(int, rill_restore_write(restore, rill_bytes_of(backup.data, 4000), &side->why), RILL_OK));
    rill_restore_close(restore);
    char *root = strdup(folder);
    *strrchr(root, '/') = 0;
    *strrchr(root, '/') = 0;
    cr_expect(eq(int, rill_restore_discard_all(side->options.disk, root), RILL_OK));
    cr_expect(eq(int, rill_restore_place(side->options.disk, folder, &side->why), RILL_ERR_NOT_FOUND));
    free(root);
    rill_buf_fini(&backup);
}

// It takes no stream's place, and what a crash leaves of it is removed.
Test(backup_conformance, a_restore_takes_no_streams_place)
{
    stores_each(check_place);
}
