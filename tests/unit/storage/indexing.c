// SPDX-License-Identifier: Apache-2.0
//
// A store with an index: what an open reads, what is in memory, and that nobody notices.
#include "indexing.h"

#include "io.h"
#include "sim_disk.h"
#include "store_drive.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

TestSuite(indexing, .timeout = 120);

static const char folder[] = "store/$G/ORDERS";
static const uint8_t identity[RILL_STORE_IDENTITY_BYTES] = "identity";

static struct rill_store_options options_of(struct rill_disk *disk)
{
    return drive_indexed_options(disk, folder, 96 << 10);
}

static struct rill_store *create_as(const struct rill_store_options *options)
{
    struct rill_store *store;
    struct rill_error_text why;
    cr_assert(eq(int, rill_store_create(options, identity, RILL_BYTES("state"), &store, &why), RILL_OK), "%s",
              why.text);
    return store;
}

static struct rill_store *create(struct rill_disk *disk)
{
    const struct rill_store_options options = options_of(disk);
    return create_as(&options);
}

static struct rill_store *reopen(struct rill_disk *disk, struct rill_store_report *report)
{
    const struct rill_store_options options = options_of(disk);
    struct rill_store *store;
    struct rill_error_text why;
    cr_assert(eq(int, rill_store_open(&options, NULL, &store, report, &why), RILL_OK), "%s", why.text);
    return store;
}

static void background(struct rill_store *store)
{
    cr_assert(eq(int, drive_background(store), RILL_OK));
}

static void commit(struct rill_store *store)
{
    cr_assert(eq(int, drive_commit(store), RILL_OK));
}

static void append(struct rill_store *store, uint32_t count, bool in_background)
{
    static const uint8_t payload[256] = "payload";
    for (uint32_t i = 0; i < count; i++) {
        char subject[32];
        const uint64_t sequence = drive_state(store).open_sequence + 1;
        const int len = snprintf(subject, sizeof subject, "s.%lu", (unsigned long)sequence % 10);
        struct rill_store_message message = {.subject = rill_bytes_of(subject, (size_t)len),
                                             .payload = rill_bytes_of(payload, sizeof payload)};
        cr_assert(eq(int, rill_store_append(store, &message), RILL_OK));
        if (i % 10 != 9)
            continue;
        commit(store);
        if (in_background)
            background(store);
    }
}

static void append_some(struct rill_store *store, uint32_t count)
{
    append(store, count, true);
}

static enum rill_err read_one(struct rill_store *store, uint64_t sequence)
{
    struct rill_store_message message;
    const enum rill_err err = drive_read(store, sequence, &message);
    cr_assert(err || message.sequence == sequence);
    return err;
}

static uint64_t count_of(struct rill_store *store, const char *subject)
{
    struct rill_index_subject found = {0};
    cr_assert(not(store->indexing->failed), "%s", store->indexing->why.text);
    const enum rill_err err =
        rill_index_subject(store->indexing->index, rill_bytes_from_cstr(subject), &found);
    return err ? 0 : found.count;
}

static void kill_store(struct rill_disk *disk, struct rill_store *store)
{
    sim_disk_crash(disk);
    rill_store_close(store);
    sim_disk_restart_killed(disk);
}

// What an open replays does not grow with what is stored, and the index answers for all of it.
Test(indexing, an_open_reads_what_the_index_does_not_have)
{
    uint64_t before = 0;
    for (uint32_t count = 4000; count <= 16000; count *= 4) {
        struct rill_disk *disk = sim_disk_create(1);
        struct rill_store *store = create(disk);
        struct rill_store_report report;
        struct rill_store_state state;
        append_some(store, count);
        kill_store(disk, store);
        store = reopen(disk, &report);
        rill_store_state(store, &state);
        cr_expect(eq(u64, state.messages, count));
        cr_expect(lt(u64, report.bytes_read, 320 << 10));
        cr_expect(eq(u64, count_of(store, "s.3"), count / 10));
        cr_expect(le(sz, store->segments.hot_count, DIRECTORY_HOT_MAX));
        for (uint64_t sequence = 1; sequence <= count; sequence += 97)
            cr_assert(eq(int, read_one(store, sequence), RILL_OK));
        cr_expect(le(sz, store->segments.hot_count, DIRECTORY_HOT_MAX + 1));
        cr_expect(before == 0 || report.messages <= before + 400, "%lu and %lu", (unsigned long)before,
                  (unsigned long)report.messages);
        before = report.messages;
        rill_store_close(store);
        sim_disk_destroy(disk);
    }
}

/* A store of 6,000 messages, opened with an index that had a third of them. */
static struct rill_store *open_behind(struct rill_disk *disk, struct rill_store_report *ret_report)
{
    struct rill_store *store = create(disk);
    append_some(store, 2000);
    append(store, 4000, false);
    kill_store(disk, store);
    return reopen(disk, ret_report);
}

// An open waits for no batch to be written, however far the index was behind: the background does that.
Test(indexing, an_open_leaves_batches_to_the_background)
{
    struct rill_disk *disk = sim_disk_create(1);
    struct rill_store_report report;
    struct rill_store *store = open_behind(disk, &report);
    cr_expect(ge(u64, report.messages, 4000));
    cr_expect(store->indexing->rotated, "no batch waits");
    cr_expect(eq(u64, count_of(store, "s.3"), 600));
    append_some(store, 1000);
    cr_expect(eq(u64, count_of(store, "s.3"), 700));
    kill_store(disk, store);
    store = reopen(disk, &report);
    cr_expect(lt(u64, report.messages, 1000), "the background has written it");
    cr_expect(eq(u64, count_of(store, "s.3"), 700));
    rill_store_close(store);
    sim_disk_destroy(disk);
}

// What waits to be written is written when the store is closed, even if little of the log is behind it.
Test(indexing, closing_writes_the_batch_that_waits)
{
    struct rill_disk *disk = sim_disk_create(1);
    struct rill_store_report report;
    struct rill_store *store = open_behind(disk, &report);
    const uint64_t before = report.messages;
    rill_store_close(store);
    store = reopen(disk, &report);
    cr_expect(lt(u64, report.messages, before));
    cr_expect(eq(u64, count_of(store, "s.3"), 600));
    rill_store_close(store);
    sim_disk_destroy(disk);
}

// Deletes and purges of segments whose directories were put away hold, for the index too, before and after an open.
Test(indexing, removals_in_cold_segments_hold)
{
    struct rill_disk *disk = sim_disk_create(1);
    struct rill_store *store = create(disk);
    struct rill_store_report report;
    struct rill_store_state state;
    struct rill_store_purged purged;
    append_some(store, 8000);
    for (uint64_t sequence = 3; sequence < 8000; sequence += 10 * 41) {
        cr_assert(eq(int, read_one(store, sequence), RILL_OK));
        cr_assert(eq(int, rill_store_append_delete(store, sequence), RILL_OK));
        commit(store);
    }
    background(store);
    cr_expect(eq(u64, count_of(store, "s.3"), 800 - 20));
    kill_store(disk, store);
    store = reopen(disk, &report);
    rill_store_state(store, &state);
    cr_expect(eq(u64, state.messages, 8000 - 20));
    cr_expect(eq(u64, count_of(store, "s.3"), 800 - 20));
    for (uint64_t sequence = 3; sequence < 8000; sequence += 10 * 41)
        cr_expect(eq(int, read_one(store, sequence), RILL_ERR_NOT_FOUND));
    cr_assert(eq(int, read_one(store, 4001), RILL_OK));
    cr_assert(eq(int, rill_store_append_purge(store, 4001, &purged), RILL_OK));
    cr_expect(eq(u64, purged.messages, 4000 - 10));
    commit(store);
    append_some(store, 1000);
    rill_store_state(store, &state);
    cr_expect(eq(u64, state.messages, 5000 - 10));
    rill_store_close(store);
    store = reopen(disk, &report);
    rill_store_state(store, &state);
    cr_expect(eq(u64, state.messages, 5000 - 10));
    cr_expect(eq(u64, state.first_sequence, 4001));
    cr_expect(eq(u64, report.lost_ranges, 0));
    cr_expect(eq(u64, count_of(store, "s.3"), 500 - 10));
    rill_store_close(store);
    sim_disk_destroy(disk);
}

/* A source of directories that fails once. */
struct failing_source {
    struct directory_source below;
    bool has_failed;
};

static enum rill_err fail_once(void *context, uint64_t segment, struct rill_buf *ret_detail)
{
    struct failing_source *source = context;
    if (source->has_failed)
        return source->below.detail(source->below.context, segment, ret_detail);
    source->has_failed = true;
    return RILL_ERR_IO;
}

// What a purge wants to have loaded can be, also when a directory could not be read the first time, so that nobody knew which
// message would be the first one left.
Test(indexing, a_purge_wants_only_what_can_be_loaded)
{
    struct rill_disk *disk = sim_disk_create(1);
    struct rill_store *store = create(disk);
    struct rill_store_purged purged;
    append_some(store, 6000);
    for (uint64_t sequence = 2000; sequence < 2010; sequence++)
        cr_assert(eq(int, drive_delete(store, sequence), RILL_OK));
    append_some(store, 2000); // so that the next open has nothing to do with the deletes
    rill_store_close(store);
    store = reopen(disk, NULL);
    struct failing_source source = {.below = store->segments.source};
    store->segments.source = (struct directory_source){&source, fail_once};
    cr_assert(eq(int, rill_store_append_purge(store, 2000, &purged), RILL_ERR_AGAIN));
    cr_expect(source.has_failed);
    cr_expect(lt(u64, purged.load_sequence, 2000));
    cr_assert(eq(int, drive_purge(store, 2000, &purged), RILL_OK));
    cr_expect(eq(u64, purged.messages, 1999));
    store->segments.source = source.below;
    rill_store_close(store);
    sim_disk_destroy(disk);
}

// Without its file the index is made again from the log.
Test(indexing, a_missing_file_is_made_again)
{
    struct rill_disk *disk = sim_disk_create(1);
    struct rill_store *store = create(disk);
    struct rill_store_report report;
    append_some(store, 4000);
    rill_store_close(store);
    cr_assert(eq(int, disk->ops->unlink(disk, "store/$G/ORDERS/index.db"), RILL_OK));
    store = reopen(disk, &report);
    cr_expect(eq(u64, report.messages, 4000));
    cr_expect(eq(u64, count_of(store, "s.3"), 400));
    kill_store(disk, store);
    store = reopen(disk, &report);
    cr_expect(lt(u64, report.messages, 1000), "the replay has written it");
    cr_expect(eq(u64, count_of(store, "s.3"), 400));
    rill_store_close(store);
    sim_disk_destroy(disk);
}

/* Puts the index of another disk in the place of what is there. */
static void take_index(struct rill_disk *disk, struct rill_disk *from)
{
    static const char path[] = "store/$G/ORDERS/index.db";
    struct rill_disk_file *file;
    size_t len;
    struct iovec part = {.iov_base = sim_disk_bytes(from, path, &len)};
    part.iov_len = len;
    cr_assert(part.iov_base != NULL);
    cr_assert(eq(int, io_create(disk, path, &file), RILL_OK));
    cr_assert(eq(int, io_write_all(file, &part, 1, 0), RILL_OK));
    disk->ops->close(file);
}

// An index that has more than the log, because an older copy of that took its place, is not believed: it is made again.
Test(indexing, an_index_ahead_of_the_log_is_made_again)
{
    struct rill_disk *disk = sim_disk_create(1);
    struct rill_store *store = create(disk);
    struct rill_store_report report;
    append_some(store, 4000);
    rill_store_close(store);
    struct rill_disk *before = sim_disk_clone(disk, 1);
    store = reopen(disk, NULL);
    append_some(store, 4000);
    rill_store_close(store);
    take_index(before, disk);
    store = reopen(before, &report);
    cr_expect(eq(u64, report.messages, 4000));
    cr_expect(eq(u64, report.lost_ranges, 0));
    cr_expect(eq(u64, drive_state(store).last_sequence, 4000));
    append_some(store, 1000);
    cr_expect(eq(u64, count_of(store, "s.3"), 500));
    rill_store_close(store);
    sim_disk_destroy(before);
    sim_disk_destroy(disk);
}

struct told {
    uint64_t messages;
    uint64_t last;
};

static enum rill_err tell_message(void *context, const struct rill_store_message *message)
{
    ((struct told *)context)->messages++;
    return RILL_OK;
}

static enum rill_err tell_last(void *context, const struct rill_store_message *message)
{
    ((struct told *)context)->last = message->sequence;
    return RILL_OK;
}

// Where the index spares an open all messages, it is told of the last one still.
Test(indexing, an_open_that_is_told_of_no_message_is_told_of_the_last)
{
    struct rill_disk *disk = sim_disk_create(1);
    struct rill_store *store = create(disk);
    struct told told = {0};
    const struct rill_store_visitor visitor = {.context = &told, .message = tell_message, .last = tell_last};
    struct rill_store_options options = options_of(disk);
    struct rill_error_text why;
    append_some(store, 1000);
    rill_store_close(store);
    options.index_anew = true; // one that covers all there is, when the store is closed
    options.index_log_bytes = 0;
    cr_assert(eq(int, rill_store_open(&options, &visitor, &store, NULL, &why), RILL_OK));
    cr_expect(told.messages == 1000 && told.last == 0);
    rill_store_close(store);
    told.messages = 0;
    options.index_anew = false;
    cr_assert(eq(int, rill_store_open(&options, &visitor, &store, NULL, &why), RILL_OK));
    cr_expect(eq(u64, told.messages, 0));
    cr_expect(eq(u64, told.last, 1000));
    rill_store_close(store);
    sim_disk_destroy(disk);
}

// Blocks that hold only events are not kept in memory once the index is behind them: nobody reads a message there.
Test(indexing, events_take_no_room_from_messages)
{
    static const uint8_t event[512] = "event";
    struct rill_disk *disk = sim_disk_create(1);
    struct rill_store_options options = options_of(disk);
    options.cache_bytes_max = 64 << 20;
    struct rill_store *store = create_as(&options);
    for (uint32_t i = 0; i < 4000; i++) {
        cr_assert(eq(int,
                     rill_store_append_event(store, RILL_STORE_EVENT_CONSUMER_STATE,
                                             rill_bytes_of(event, sizeof event)),
                     RILL_OK));
        if (i % 10 == 9)
            commit(store);
    }
    cr_expect(le(u64, store->segments.cache.bytes, 2 * (BLOCK_BYTES + 4096)));
    const uint64_t before = store->segments.cache.bytes;
    append_some(store, 4000);
    cr_expect(gt(u64, store->segments.cache.bytes, before + (4000 * 256))); // those of messages stay
    rill_store_close(store);
    sim_disk_destroy(disk);
}
