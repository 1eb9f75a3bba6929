// SPDX-License-Identifier: Apache-2.0
//
// What a store promises in store.h, over files and in memory.
#include "store_drive.h"
#include "stores.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

TestSuite(store_conformance);

static void check_empty(struct stores_side *side)
{
    const struct rill_store_state state = stores_state(side);
    size_t count = 1;
    cr_expect(eq(u64, state.first_sequence, 1));
    cr_expect(eq(u64, state.last_sequence, 0));
    cr_expect(eq(u64, state.messages, 0));
    cr_expect(eq(u64, state.bytes, 0));
    cr_expect(eq(u64, state.segments, 1));
    cr_expect(not(state.read_only));
    (void)rill_store_lost(side->store, &count);
    cr_expect(eq(sz, count, 0));
    (void)rill_store_deleted(side->store, &count);
    cr_expect(eq(sz, count, 0));
    cr_expect(eq(ptr, rill_store_commit_start(side->store), NULL), "nothing to commit");
    cr_expect(eq(ptr, rill_store_tidy_start(side->store), NULL), "nothing to tidy");
}

// A new store is empty, and has nothing to do.
Test(store_conformance, a_new_store_is_empty)
{
    stores_each(check_empty);
}

static void check_same(struct stores_side *side)
{
    struct rill_store_message read;
    struct rill_store_message message = {.time_ns = 70,
                                         .subject = RILL_BYTES("orders.new"),
                                         .headers = RILL_BYTES("NATS/1.0\r\nA: b\r\n\r\n"),
                                         .payload = RILL_BYTES("payload")};
    cr_assert(eq(int, rill_store_append(side->store, &message), RILL_OK));
    cr_expect(eq(int, rill_store_read(side->store, 1, &read), RILL_ERR_NOT_FOUND), "not committed");
    stores_commit(side);
    for (int i = 0; i < 2; i++) {
        cr_assert(eq(int, stores_read(side, 1, &read), RILL_OK));
        cr_expect(eq(u64, read.sequence, 1));
        cr_expect(eq(i64, read.time_ns, 70));
        cr_expect(rill_bytes_equal(read.subject, message.subject));
        cr_expect(rill_bytes_equal(read.headers, message.headers));
        cr_expect(rill_bytes_equal(read.payload, message.payload));
        stores_reopen(side, NULL);
    }
    cr_expect(eq(int, stores_read(side, 2, &read), RILL_ERR_NOT_FOUND));
    cr_expect(eq(int, stores_read(side, 0, &read), RILL_ERR_NOT_FOUND));
}

// A message is read as it was appended, once it is committed, also after the store was opened again.
Test(store_conformance, a_message_is_read_as_it_was_appended)
{
    stores_each(check_same);
}

static void check_order(struct stores_side *side)
{
    struct rill_store_message late = {.time_ns = 90, .subject = RILL_BYTES("a")};
    struct rill_store_message early = {.time_ns = 10, .subject = RILL_BYTES("a")};
    cr_assert(eq(int, rill_store_append(side->store, &late), RILL_OK));
    cr_assert(eq(int, rill_store_append(side->store, &early), RILL_OK));
    cr_expect(eq(u64, early.sequence, 2));
    cr_expect(eq(i64, early.time_ns, 90));
    stores_commit(side);
    stores_reopen(side, NULL);
    early.time_ns = 20;
    cr_assert(eq(int, rill_store_append(side->store, &early), RILL_OK));
    cr_expect(eq(u64, early.sequence, 3));
    cr_expect(eq(i64, early.time_ns, 90));
}

// Sequences count up by one and times never go back, whatever the clock says and across an open.
Test(store_conformance, sequences_and_times_only_grow)
{
    stores_each(check_order);
}

static void check_dropped(struct stores_side *side)
{
    cr_expect(eq(u64, stores_append(side, "a", 10), 1));
    stores_commit(side);
    cr_expect(eq(u64, stores_append(side, "a", 10), 2));
    cr_expect(rill_store_open_bytes(side->store) > 0);
    stores_reopen(side, NULL);
    cr_expect(eq(u64, stores_state(side).last_sequence, 1));
    cr_expect(eq(u64, rill_store_open_bytes(side->store), 0));
    cr_expect(eq(u64, stores_append(side, "a", 10), 2), "nobody was told of the first one");
}

// What was appended and not committed is gone after a close.
Test(store_conformance, what_was_not_committed_is_dropped)
{
    stores_each(check_dropped);
}

struct heard {
    char text[256];
};

static void hear(struct heard *heard, const char *what, struct rill_bytes bytes)
{
    const size_t used = strlen(heard->text);
    (void)snprintf(heard->text + used, sizeof heard->text - used, "%s %.*s;", what, (int)bytes.len,
                   (const char *)bytes.data);
}

static enum rill_err hear_message(void *context, const struct rill_store_message *message)
{
    hear(context, "message", message->subject);
    return RILL_OK;
}

static enum rill_err hear_event(void *context, enum rill_store_event type, struct rill_bytes bytes)
{
    hear(context, type == RILL_STORE_EVENT_CONSUMER_STATE ? "state" : "other", bytes);
    return RILL_OK;
}

static enum rill_err hear_checkpoint(void *context, struct rill_bytes bytes)
{
    hear(context, "checkpoint", bytes);
    return RILL_OK;
}

static enum rill_err hear_removed(void *context, uint64_t first, uint64_t last)
{
    hear(context, "removed", rill_bytes_of(first == last ? "one" : "many", first == last ? 3 : 4));
    return RILL_OK;
}

static void check_replay(struct stores_side *side)
{
    struct heard heard = {0};
    const struct rill_store_visitor visitor = {.context = &heard,
                                               .message = hear_message,
                                               .event = hear_event,
                                               .checkpoint = hear_checkpoint,
                                               .removed = hear_removed};
    (void)stores_append(side, "a", 1);
    cr_assert(eq(int, rill_store_append_event(side->store, RILL_STORE_EVENT_CONSUMER_STATE, RILL_BYTES("x")),
                 RILL_OK));
    (void)stores_append(side, "b", 1);
    cr_expect(eq(int, stores_delete(side, 2), RILL_OK));
    stores_commit(side);
    stores_reopen(side, &visitor);
    cr_expect(eq(str, heard.text, (char *)"checkpoint at first;message a;state x;message b;removed one;"));
}

// The replay tells everything that was committed, in the order in which it was appended.
Test(store_conformance, the_replay_tells_everything_in_order)
{
    stores_each(check_replay);
}

static void check_delete(struct stores_side *side)
{
    struct rill_store_message message;
    size_t count = 0;
    stores_append_many(side, "a", 5, 10);
    stores_commit(side);
    cr_expect(eq(int, stores_delete(side, 3), RILL_OK));
    cr_expect(eq(int, stores_delete(side, 3), RILL_ERR_NOT_FOUND), "appended already");
    cr_expect(eq(int, stores_delete(side, 6), RILL_ERR_NOT_FOUND));
    cr_expect(eq(int, stores_read(side, 3, &message), RILL_OK), "until the commit");
    stores_commit(side);
    for (int i = 0; i < 2; i++) {
        const struct rill_store_range *ranges = rill_store_deleted(side->store, &count);
        cr_assert(eq(sz, count, 1));
        cr_expect(ranges[0].first_sequence == 3 && ranges[0].last_sequence == 3);
        cr_expect(eq(int, stores_read(side, 3, &message), RILL_ERR_NOT_FOUND));
        cr_expect(eq(u64, stores_state(side).messages, 4));
        cr_expect(eq(u64, stores_state(side).deleted, 1));
        stores_reopen(side, NULL);
    }
}

// A deleted message is gone from the commit on; the others stay.
Test(store_conformance, a_deleted_message_is_gone)
{
    stores_each(check_delete);
}

/* Every message that can be read, run by run, is the one that a read gives. How many there are. */
static unsigned check_runs(struct stores_side *side, uint64_t last)
{
    unsigned count = 0;
    for (uint64_t sequence = 1; sequence <= last; sequence++) {
        struct rill_store_message one, of_run;
        struct rill_store_run run;
        const bool readable = stores_read(side, sequence, &one) == RILL_OK;
        cr_assert(eq(int, rill_store_run_of(side->store, sequence, &run), readable));
        for (; readable && rill_store_run_take(&run, &of_run); sequence++, count++) {
            cr_assert(eq(int, stores_read(side, sequence, &one), RILL_OK));
            cr_expect(eq(u64, of_run.sequence, sequence));
            cr_expect(rill_bytes_equal(of_run.subject, one.subject));
            cr_expect(rill_bytes_equal(of_run.payload, one.payload));
        }
    }
    return count;
}

static void check_run(struct stores_side *side)
{
    stores_append_many(side, "a", 12, 10);
    stores_commit(side);
    cr_expect(eq(int, stores_delete(side, 3), RILL_OK));
    cr_expect(eq(int, stores_delete(side, 8), RILL_OK));
    cr_expect(eq(u32, check_runs(side, 13), 12), "until the commit");
    stores_append_many(side, "a", 2, 10);
    stores_commit(side);
    stores_append_many(side, "a", 2, 10);
    for (int i = 0; i < 2; i++) {
        cr_expect(eq(u32, check_runs(side, 16), 12), "the last two are not committed");
        stores_reopen(side, NULL);
    }
}

// Reading a run gives what reading each message gives, and ends where one is not there.
Test(store_conformance, a_run_is_what_reads_give)
{
    stores_each(check_run);
}

static void check_purge(struct stores_side *side)
{
    stores_append_many(side, "a", 10, 10);
    stores_commit(side);
    cr_expect(eq(int, stores_delete(side, 2), RILL_OK));
    cr_expect(eq(u64, stores_purge(side, 5), 3));
    cr_expect(eq(u64, stores_purge(side, 5), 0), "nothing is left to purge");
    cr_expect(eq(u64, rill_store_newest(side->store, 2), 9));
    stores_commit(side);
    stores_reopen(side, NULL);
    cr_expect(eq(u64, stores_state(side).first_sequence, 5));
    cr_expect(eq(u64, stores_state(side).messages, 6));
    cr_expect(eq(u64, stores_state(side).deleted, 0), "in front of the first nothing counts as deleted");
    cr_expect(eq(u64, stores_purge(side, UINT64_MAX), 6));
    stores_commit(side);
    cr_expect(eq(u64, stores_state(side).first_sequence, 11));
    cr_expect(eq(u64, stores_state(side).last_sequence, 10));
    cr_expect(eq(u64, stores_state(side).bytes, 0));
    cr_expect(eq(u64, stores_append(side, "a", 1), 11));
}

// A purge takes all below a sequence; an emptied stream goes on counting where it was.
Test(store_conformance, a_purge_takes_what_is_below)
{
    stores_each(check_purge);
}

static void check_tidy(struct stores_side *side)
{
    for (int i = 0; i < 40; i++) {
        stores_append_many(side, "a", 10, 1000);
        stores_commit(side);
    }
    const struct rill_store_state full = stores_state(side);
    cr_expect(full.segments > 3);
    cr_expect(eq(u64, stores_purge(side, UINT64_MAX), 400));
    stores_commit(side);
    (void)stores_append(side, "a", 1);
    stores_commit(side);
    cr_assert(eq(int, drive_tidy(side->store), RILL_OK));
    cr_expect(stores_state(side).segments < 3);
    cr_expect(stores_state(side).disk_bytes < full.disk_bytes);
    stores_reopen(side, NULL);
    cr_expect(eq(u64, stores_state(side).messages, 1));
}

// Segments in which nothing lives are removed.
Test(store_conformance, dead_segments_are_removed)
{
    stores_each(check_tidy);
}

static void check_cache(struct stores_side *side)
{
    enum { COUNT = 600, BYTES = 4000 };
    struct rill_store_message message;
    for (int i = 0; i < COUNT / 10; i++) {
        stores_append_many(side, "a", 10, BYTES);
        stores_commit(side);
    }
    for (uint64_t sequence = 1; sequence <= COUNT; sequence += 7) {
        cr_assert(eq(int, stores_read(side, sequence, &message), RILL_OK));
        cr_expect(eq(u64, message.sequence, sequence));
        cr_expect(eq(sz, message.payload.len, BYTES));
    }
    cr_expect(stores_state(side).cache_bytes < COUNT * BYTES / 2, "not all of it is in memory");
    cr_expect(eq(int, rill_store_read(side->store, 1, &message), RILL_ERR_AGAIN));
    cr_expect(stores_load(side, 1));
    cr_expect(not(stores_load(side, 1)), "it is there");
    cr_expect(eq(int, rill_store_read(side->store, 1, &message), RILL_OK));
}

// What is not in memory is loaded when it is asked for.
Test(store_conformance, what_is_not_in_memory_is_loaded)
{
    stores_each(check_cache);
}

static void check_limit(struct stores_side *side)
{
    struct rill_store *own = side->store, *store = NULL;
    struct rill_store_options options = side->options;
    static uint8_t payload[8192];
    struct rill_store_message message = {.subject = RILL_BYTES("a"), .payload = {payload, sizeof payload}};
    rill_store_close(own);
    options.commit_bytes_max = 4096;
    cr_assert(eq(int, rill_store_open(&options, NULL, &store, NULL, &side->why), RILL_OK));
    cr_expect(eq(int, rill_store_append(store, &message), RILL_ERR_LIMIT), "larger than any commit");
    message.payload.len = 3000;
    cr_expect(eq(int, rill_store_append(store, &message), RILL_OK));
    cr_expect(eq(int, rill_store_append(store, &message), RILL_ERR_LIMIT), "no room in this one");
    side->store = store;
    stores_commit(side);
    cr_expect(eq(int, rill_store_append(store, &message), RILL_OK));
}

// A commit has a maximum, and what does not fit into it is refused and changes nothing.
Test(store_conformance, a_commit_has_a_maximum)
{
    stores_each(check_limit);
}

static enum rill_err expect_orders(void *context, const char *account, const char *stream, const char *folder)
{
    int *count = context;
    cr_expect(eq(str, (char *)(uintptr_t)account, (char *)"A"));
    cr_expect(eq(str, (char *)(uintptr_t)stream, (char *)"ORDERS"));
    *count += 1;
    return RILL_OK;
}

static void check_folder(struct stores_side *side)
{
    struct rill_store *second = NULL;
    const uint8_t identity[RILL_STORE_IDENTITY_BYTES] = {1};
    const struct rill_store_options *options = &side->options;
    char root[96];
    int count = 0;
    (void)snprintf(root, sizeof root, "%s", options->folder);
    root[strlen(root) - strlen("/A/ORDERS")] = '\0';
    cr_expect(eq(int, rill_store_open(options, NULL, &second, NULL, &side->why), RILL_ERR_LOCKED));
    cr_expect(eq(int, rill_store_delete(options->disk, options->folder, &side->why), RILL_ERR_LOCKED));
    cr_expect(eq(int, rill_store_list(options->disk, root, expect_orders, &count, &side->why), RILL_OK));
    cr_expect(eq(int, count, 1));
    rill_store_close(side->store);
    cr_expect(
        eq(int, rill_store_create(options, identity, RILL_BYTES(""), &second, &side->why), RILL_ERR_EXISTS));
    cr_expect(eq(int, rill_store_delete(options->disk, options->folder, &side->why), RILL_OK));
    cr_expect(eq(int, rill_store_open(options, NULL, &second, NULL, &side->why), RILL_ERR_NOT_FOUND));
    cr_assert(
        eq(int, rill_store_create(options, identity, RILL_BYTES(""), &side->store, &side->why), RILL_OK));
}

// A stream's folder has one owner; it is listed; it can be deleted when nobody has it open, and made again.
Test(store_conformance, a_folder_has_one_owner)
{
    stores_each(check_folder);
}

static void check_truncate(struct stores_side *side)
{
    struct rill_store_purging purging = {0};
    enum rill_err err;
    for (int i = 0; i < 40; i++) {
        stores_append_many(side, "a", 50, 1000);
        stores_commit(side);
    }
    while ((err = rill_store_append_truncate(side->store, 777, &purging)) == RILL_ERR_AGAIN) {
        if (purging.load_sequence)
            cr_assert(stores_load(side, purging.load_sequence));
    }
    cr_expect(eq(int, err, RILL_OK));
    cr_expect(eq(u64, purging.messages, 2000 - 777));
    stores_commit(side);
    stores_reopen(side, NULL);
    cr_expect(eq(u64, stores_state(side).messages, 777));
    cr_expect(eq(u64, stores_state(side).last_sequence, 2000));
    cr_expect(eq(u64, stores_append(side, "a", 1), 2001));
}

// A truncated stream has nothing above, and gives no number a second time.
Test(store_conformance, truncating_takes_what_is_above)
{
    stores_each(check_truncate);
}

static enum rill_err append_with_id(struct stores_side *side, const char *id, int64_t time_ns)
{
    char headers[64];
    (void)snprintf(headers, sizeof headers, "NATS/1.0\r\nNats-Msg-Id: %s\r\n\r\n", id);
    struct rill_store_message message = {
        .time_ns = time_ns, .subject = RILL_BYTES("a"), .headers = rill_bytes_from_cstr(headers)};
    return rill_store_append(side->store, &message);
}

static void expect_seen(struct stores_side *side, const char *id, int64_t since_ns, uint64_t wanted)
{
    uint64_t sequence = 0;
    const enum rill_err err = rill_store_seen(side->store, rill_bytes_from_cstr(id), since_ns, &sequence);
    cr_expect(eq(int, err, wanted ? RILL_OK : RILL_ERR_NOT_FOUND), "%s: %s", side->name, id);
    cr_expect(eq(u64, sequence, wanted), "%s: %s", side->name, id);
}

static void check_seen(struct stores_side *side)
{
    side->options.index = true;
    side->options.id_window_ns = 1000;
    stores_reopen(side, NULL);
    cr_assert(eq(int, append_with_id(side, "one", 10), RILL_OK));
    expect_seen(side, "one", 0, 1);
    expect_seen(side, "two", 0, 0);
    stores_commit(side);
    cr_assert(eq(int, append_with_id(side, "two", 20), RILL_OK));
    cr_assert(eq(int, stores_delete(side, 1), RILL_OK));
    stores_commit(side);
    cr_assert(eq(int, append_with_id(side, "lost", 30), RILL_OK));
    for (int i = 0; i < 2; i++) {
        stores_background(side);
        expect_seen(side, "one", 0, 1);
        expect_seen(side, "one", 11, 0);
        expect_seen(side, "two", 20, 2);
        expect_seen(side, "lost", 0, i ? 0 : 3);
        stores_reopen(side, NULL);
    }
}

// An id is known from the moment its message was appended, and stays known when that is deleted, and after an open; that of
// a message that was never committed is not.
Test(store_conformance, an_id_is_known_from_its_append_on)
{
    stores_each(check_seen);
}
