// SPDX-License-Identifier: Apache-2.0
//
// E5: what takes a message's headers out of the log waits until the index has its id, and no crash forgets one.
#include "faulty_disk.h"
#include "indexing.h"
#include "sim_disk.h"
#include "store_drive.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

static struct rill_disk *sim;
static struct faulty_disk disk;
static struct rill_store *store;
static struct rill_error_text why;
static const uint8_t identity[RILL_STORE_IDENTITY_BYTES] = "identity";

enum { SEEDS = 20, SEGMENT_BYTES = 64 << 10 };

static struct rill_store_options options_of(void)
{
    return (struct rill_store_options){.disk = &disk.base,
                                       .folder = "store/$G/ORDERS",
                                       .segment_bytes = SEGMENT_BYTES,
                                       .index = true,
                                       .id_window_ns = INT64_MAX};
}

static void commit(void)
{
    cr_assert(eq(int, drive_commit(store), RILL_OK));
}

static void append(uint32_t count, struct rill_bytes headers)
{
    static const uint8_t payload[256] = "payload";
    for (uint32_t i = 0; i < count; i++) {
        struct rill_store_message message = {.subject = RILL_BYTES("s"),
                                             .headers = headers,
                                             .payload = rill_bytes_of(payload, sizeof payload)};
        cr_assert(eq(int, rill_store_append(store, &message), RILL_OK));
        if (i % 10 == 9 || i + 1 == count)
            commit();
    }
}

/* Its first message has an id. */
static void begin(uint64_t seed)
{
    sim = sim_disk_create(seed);
    faulty_disk_init(&disk, sim);
    const struct rill_store_options options = options_of();
    cr_assert(eq(int, rill_store_create(&options, identity, RILL_BYTES(""), &store, &why), RILL_OK));
    append(1, RILL_BYTES("NATS/1.0\r\nNats-Msg-Id: one\r\n\r\n"));
}

static void end(void)
{
    rill_store_close(store);
    sim_disk_destroy(sim);
}

static void open_again(void)
{
    const struct rill_store_options options = options_of();
    cr_assert(eq(int, rill_store_open(&options, NULL, &store, NULL, &why), RILL_OK), "%s", why.text);
}

static void lose_power(void)
{
    sim_disk_crash(sim);
    rill_store_close(store);
    sim_disk_restart(sim);
    open_again();
}

static void expect_known(uint64_t seed)
{
    uint64_t sequence = 0;
    cr_expect(eq(int, rill_store_seen(store, RILL_BYTES("one"), 0, &sequence), RILL_OK), "seed %lu",
              (unsigned long)seed);
    cr_expect(eq(u64, sequence, 1));
}

// A message that was overwritten leaves its id, over two losses of power: the first open makes the index anew.
Test(indexing_ids, an_id_outlives_an_erase)
{
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        begin(seed);
        cr_assert(eq(int, drive_erase(store, 1), RILL_OK));
        commit();
        cr_assert(eq(int, drive_background(store), RILL_OK));
        cr_expect(eq(u64, drive_state(store).erasing, 0));
        for (int loss = 0; loss < 2; loss++) {
            lose_power();
            expect_known(seed);
        }
        end();
    }
}

// A segment that is spent leaves the ids of its messages.
Test(indexing_ids, an_id_outlives_its_segment)
{
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct rill_store_purged purged;
        begin(seed);
        append(400, RILL_BYTES(""));
        cr_assert(eq(int, drive_purge(store, UINT64_MAX, &purged), RILL_OK));
        append(10, RILL_BYTES(""));
        cr_assert(eq(int, drive_background(store), RILL_OK));
        cr_assert(gt(u64, store->segments.segments[0]->number, 1), "none went");
        lose_power();
        expect_known(seed);
        end();
    }
}

// So does one that is made anew without them.
Test(indexing_ids, an_id_outlives_a_rewriting)
{
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        begin(seed);
        append(400, RILL_BYTES(""));
        for (uint64_t sequence = 1; sequence < 150; sequence++)
            cr_assert(eq(int, drive_delete(store, sequence), RILL_OK));
        commit();
        cr_assert(eq(int, drive_background(store), RILL_OK));
        cr_assert(gt(u32, store->segments.segments[0]->rewritten, 0));
        lose_power();
        expect_known(seed);
        end();
    }
}

// Nothing is overwritten before the index has the id; it is asked for it.
Test(indexing_ids, an_erase_waits_for_its_id)
{
    begin(1);
    cr_assert(eq(int, drive_erase(store, 1), RILL_OK));
    commit();
    cr_expect(eq(int, drive_tidy(store), RILL_ERR_NOT_FOUND));
    cr_expect(rill_store_erasing(store, 1));
    cr_assert(eq(int, drive_work(store), RILL_OK));
    cr_expect(eq(int, drive_tidy(store), RILL_OK));
    cr_expect(not(rill_store_erasing(store, 1)));
    end();
}

/* The index stays behind. */
static void commit_unfed(void)
{
    struct rill_store_committed committed;
    struct rill_store_job *job = drive_commit_start(store);
    cr_assert(job != NULL);
    rill_store_job_run(job);
    cr_assert(eq(int, rill_store_commit_finish(store, job, &committed), RILL_OK));
}

static void append_unfed(uint32_t count, struct rill_bytes headers)
{
    static const uint8_t payload[4000];
    for (uint32_t i = 0; i < count; i++) {
        struct rill_store_message message = {.subject = RILL_BYTES("s"),
                                             .headers = headers,
                                             .payload = rill_bytes_of(payload, sizeof payload)};
        cr_assert(eq(int, rill_store_append(store, &message), RILL_OK));
        commit_unfed();
    }
}

static uint64_t count_all(void)
{
    const struct rill_bytes pattern = RILL_BYTES("s");
    struct rill_store_filter *filter = rill_store_filter_create(store, &pattern, 1);
    uint64_t count = 0;
    enum rill_err err;
    while ((err = rill_store_count(filter, 0, &count)) == RILL_ERR_AGAIN)
        cr_assert(eq(int, drive_work(store), RILL_OK));
    cr_assert(eq(int, err, RILL_OK));
    rill_store_filter_destroy(filter);
    return count;
}

// An index that is behind gets a message that is erased meanwhile, though its block must be loaded for that: else it would
// not know the id, and have one too few when it is told of the erase.
Test(indexing_ids, an_index_that_is_behind_misses_no_erased_message)
{
    uint64_t sequence = 0;
    begin(1);
    append_unfed(1, RILL_BYTES("NATS/1.0\r\nNats-Msg-Id: two\r\n\r\n"));
    append_unfed(40, RILL_BYTES(""));
    cr_assert(eq(int, drive_erase(store, 2), RILL_OK));
    commit_unfed();
    cr_assert(lt(u64, store->indexing->fed.sequence, 2), "it is not behind");
    block_detach(&store->segments.cache, segment_block(store->segments.segments[0], 1));
    cr_assert(eq(int, drive_load(store, 1), RILL_OK));
    cr_expect(eq(u64, count_all(), 41));
    cr_expect(eq(int, rill_index_seen(store->indexing->index, RILL_BYTES("two"), 0, &sequence), RILL_OK));
    cr_expect(eq(u64, sequence, 2));
    end();
}

// A message without an id is overwritten at once.
Test(indexing_ids, an_erase_without_an_id_waits_for_nothing)
{
    begin(1);
    cr_assert(eq(int, drive_erase(store, 1), RILL_OK));
    commit();
    cr_assert(eq(int, drive_background(store), RILL_OK));
    append(1, RILL_BYTES(""));
    cr_assert(eq(int, drive_erase(store, 2), RILL_OK));
    commit();
    cr_expect(eq(int, drive_tidy(store), RILL_OK));
    end();
}

/* The next work in the background writes the index, and fails. */
static void fail_index(enum rill_err err)
{
    disk.only = "index.db";
    disk.err = err;
    disk.fail_at = disk.calls + 1;
    disk.fail_count = UINT64_MAX / 2;
    cr_assert(ne(int, drive_work(store), RILL_OK));
    disk.fail_at = 0;
}

// Where there is no room for the index, or it has failed, nothing waits for it.
Test(indexing_ids, nothing_waits_for_an_index_that_cannot_be_written)
{
    static const enum rill_err errs[] = {RILL_ERR_NO_SPACE, RILL_ERR_IO};
    for (size_t i = 0; i < sizeof errs / sizeof errs[0]; i++) {
        begin(1);
        cr_assert(eq(int, drive_erase(store, 1), RILL_OK));
        commit();
        fail_index(errs[i]);
        cr_expect(eq(int, drive_tidy(store), RILL_OK), "%s", rill_err_text(errs[i]));
        cr_expect(eq(u64, drive_state(store).erasing, 0));
        end();
    }
}

/* Its first message, with its id, is in no segment any more. */
static void begin_with_gone(uint64_t seed)
{
    struct rill_store_purged purged;
    begin(seed);
    append(400, RILL_BYTES(""));
    cr_assert(eq(int, drive_purge(store, UINT64_MAX, &purged), RILL_OK));
    append(10, RILL_BYTES(""));
    cr_assert(eq(int, drive_background(store), RILL_OK));
    cr_assert(gt(u64, store->segments.segments[0]->number, 1), "none went");
}

static void make_index_fail(void)
{
    append_unfed(1, RILL_BYTES("NATS/1.0\r\nNats-Msg-Id: two\r\n\r\n"));
    store->indexing->stale = true;
    indexing_fail(store->indexing, RILL_ERR_IO, "test");
}

// An index that is made in the place of one that has failed has the ids of messages that the log has no longer: those of the
// file, and those that the other one had in memory only.
Test(indexing_ids, an_id_outlives_an_index_that_has_failed)
{
    uint64_t sequence = 0;
    begin_with_gone(1);
    append(1, RILL_BYTES("NATS/1.0\r\nNats-Msg-Id: three\r\n\r\n"));
    struct rill_store_purged purged;
    append(400, RILL_BYTES(""));
    make_index_fail();
    cr_assert(eq(int, drive_purge(store, UINT64_MAX, &purged), RILL_OK));
    append(10, RILL_BYTES(""));
    cr_assert(eq(int, drive_background(store), RILL_OK)); // nothing waits for an index that has failed
    cr_assert(eq(int, drive_mending(store), RILL_OK));
    cr_assert(not(drive_state(store).index_failed));
    cr_expect(not(drive_state(store).ids_forgotten));
    expect_known(1);
    cr_expect(eq(int, rill_store_seen(store, RILL_BYTES("three"), 0, &sequence), RILL_OK));
    cr_expect(eq(u64, sequence, 412));
    cr_expect(eq(int, rill_store_seen(store, RILL_BYTES("two"), 0, &sequence), RILL_OK));
    cr_expect(eq(u64, sequence, 813));
    lose_power();
    expect_known(1);
    cr_expect(eq(int, rill_store_seen(store, RILL_BYTES("three"), 0, &sequence), RILL_OK));
    end();
}

// While an index has failed, ids of later messages are known, and of others nobody says that they are new.
Test(indexing_ids, without_an_index_no_id_is_called_new)
{
    uint64_t sequence = 0;
    begin_with_gone(1);
    make_index_fail();
    append_unfed(1, RILL_BYTES("NATS/1.0\r\nNats-Msg-Id: later\r\n\r\n"));
    cr_expect(eq(int, rill_store_seen(store, RILL_BYTES("later"), 0, &sequence), RILL_OK));
    cr_expect(eq(u64, sequence, 413));
    cr_expect(eq(int, rill_store_seen(store, RILL_BYTES("one"), 0, &sequence), RILL_ERR_UNAVAILABLE));
    end();
}

/* The power goes in the middle of the n-th operation of mending. False when it was through before. */
static bool lose_power_in_mending(uint64_t n)
{
    begin_with_gone(n);
    make_index_fail();
    sim_disk_crash_at(sim, n);
    (void)!drive_mending(store);
    const bool is_off = sim_disk_is_off(sim);
    lose_power();
    cr_expect(not(drive_state(store).ids_forgotten), "operation %lu", (unsigned long)n);
    expect_known(n);
    end();
    return is_off;
}

// Whenever the power goes while another index is made, no id is forgotten.
Test(indexing_ids, an_id_outlives_a_loss_of_power_in_mending)
{
    uint64_t n = 1;
    while (lose_power_in_mending(n))
        n += 1 + n / 8;
    cr_expect(gt(u64, n, 30), "only %lu operations", (unsigned long)n);
}

/* The n-th call on the index fails while it is mended; then the disk works again. False when there was no such call. */
static bool fail_in_mending(uint64_t n)
{
    begin_with_gone(n);
    make_index_fail();
    disk.only = "index.db";
    disk.err = RILL_ERR_IO;
    disk.fail_at = disk.calls + n;
    disk.fail_count = 1;
    (void)!drive_mending(store);
    disk.fail_at = 0;
    const bool failed = disk.failed > 0;
    for (int tries = 0; tries < 3 && drive_state(store).index_failed; tries++)
        (void)!drive_mending(store);
    cr_expect(not(drive_state(store).index_failed), "call %lu", (unsigned long)n);
    cr_expect(not(drive_state(store).ids_forgotten), "call %lu", (unsigned long)n);
    expect_known(n);
    end();
    return failed;
}

// Whichever call on the disk fails once while another index is made, the next try forgets no id.
Test(indexing_ids, an_id_outlives_a_failing_call_in_mending)
{
    uint64_t n = 1;
    while (fail_in_mending(n))
        n++;
    cr_expect(gt(u64, n, 20), "only %lu calls", (unsigned long)n);
}

// Whichever page of the index is damaged: an open knows the id, or says that it may have forgotten some.
Test(indexing_ids, an_id_of_a_damaged_index_is_known_or_said_to_be_forgotten)
{
    enum { PAGE_BYTES = 4096 };
    size_t forgotten = 0, len = SIZE_MAX;
    for (size_t page = 0; page * PAGE_BYTES < len; page++) {
        uint64_t sequence = 0;
        begin_with_gone(1);
        store->indexing->stale = true;
        rill_store_close(store);
        uint8_t *bytes = sim_disk_bytes(sim, "store/$G/ORDERS/index.db", &len);
        cr_assert(bytes != NULL);
        bytes[page * PAGE_BYTES + 2000] ^= 1;
        open_again();
        enum rill_err err = rill_store_seen(store, RILL_BYTES("one"), 0, &sequence);
        if (err == RILL_ERR_UNAVAILABLE) {
            cr_assert(eq(int, drive_mending(store), RILL_OK));
            err = rill_store_seen(store, RILL_BYTES("one"), 0, &sequence);
        }
        cr_expect(err == RILL_OK || drive_state(store).ids_forgotten, "page %zu", page);
        forgotten += err != RILL_OK;
        end();
    }
    cr_expect(lt(sz, forgotten, 4), "of %zu pages",
              len / PAGE_BYTES); // the first page, the tables', and that of the ids
}

// An index that is made anew because somebody wants it has the ids of the old one.
Test(indexing_ids, an_id_outlives_an_index_that_is_made_anew)
{
    begin_with_gone(1);
    rill_store_close(store);
    struct rill_store_options options = options_of();
    options.index_anew = true;
    cr_assert(eq(int, rill_store_open(&options, NULL, &store, NULL, &why), RILL_OK));
    expect_known(1);
    lose_power();
    expect_known(1);
    end();
}

// An index that has failed is mended though an erase waits: for a rewriting, which may need a directory that comes with the
// mending, or in a store that is read-only, which overwrites nothing any more.
Test(indexing_ids, an_erase_that_cannot_be_done_does_not_keep_an_index_from_being_mended)
{
    for (int is_read_only = 0; is_read_only < 2; is_read_only++) {
        begin(1);
        cr_assert(eq(int, drive_erase(store, 1), RILL_OK));
        commit();
        fail_index(RILL_ERR_IO);
        cr_assert(drive_state(store).index_failed);
        if (is_read_only)
            store_fail(store, &why);
        else
            store->erasures[0].erase.offset = 0; // as in a segment that was rewritten
        cr_assert(eq(int, drive_mending(store), RILL_OK));
        cr_expect(not(drive_state(store).index_failed), "read-only: %d", is_read_only);
        cr_expect(eq(u64, drive_state(store).erasing, 1));
        end();
    }
}

// E3: an erase in front of where an open goes on is told by the index, and done.
Test(indexing_ids, an_erase_in_front_of_the_position_is_done_by_the_next_life)
{
    begin(1);
    append(100, RILL_BYTES(""));
    cr_assert(eq(int, drive_erase(store, 50), RILL_OK));
    commit();
    store->indexing->stale = true; // a batch at the end
    rill_store_close(store);
    open_again();
    cr_expect(gt(u64, store->indexing->resumed_sequence, 50), "it began anew");
    cr_expect(rill_store_erasing(store, 50));
    cr_assert(eq(int, drive_background(store), RILL_OK));
    cr_expect(eq(u64, drive_state(store).erasing, 0));
    lose_power();
    cr_expect(eq(u64, drive_state(store).lost_messages, 0));
    cr_expect(eq(u64, drive_state(store).deleted, 1));
    end();
}

// Where so many messages wait for being overwritten, another erase is refused.
Test(indexing_ids, erases_that_wait_are_bounded)
{
    begin(1);
    append(SUMMARY_ERASES_MAX + 1, RILL_BYTES(""));
    for (uint64_t sequence = 1; sequence <= SUMMARY_ERASES_MAX; sequence++) {
        cr_assert(eq(int, drive_erase(store, sequence), RILL_OK));
        if (sequence % 1000 == 0)
            commit();
    }
    commit();
    cr_expect(eq(int, drive_erase(store, SUMMARY_ERASES_MAX + 1), RILL_ERR_LIMIT));
    cr_assert(eq(int, drive_background(store), RILL_OK));
    cr_expect(eq(int, drive_erase(store, SUMMARY_ERASES_MAX + 1), RILL_OK));
    end();
}
