// SPDX-License-Identifier: Apache-2.0
#include "storage/store.h"

#include "sim_disk.h"
#include "store_drive.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>

TestSuite(store);

static const uint8_t identity[RILL_STORE_IDENTITY_BYTES] = "identity";
static struct rill_error_text why;

static struct rill_store_options options_on(struct rill_disk *disk)
{
    return (struct rill_store_options){.disk = disk, .folder = "store/$G/ORDERS"};
}

static struct rill_store *create(const struct rill_store_options *options)
{
    struct rill_store *store = NULL;
    cr_assert(eq(int, rill_store_create(options, identity, RILL_BYTES("first state"), &store, &why), RILL_OK),
              "%s", why.text);
    return store;
}

static struct rill_store *reopen(const struct rill_store_options *options)
{
    struct rill_store *store = NULL;
    cr_assert(eq(int, rill_store_open(options, NULL, &store, NULL, &why), RILL_OK), "%s", why.text);
    return store;
}

static uint64_t append(struct rill_store *store, const char *payload)
{
    struct rill_store_message message = {
        .time_ns = 5, .subject = RILL_BYTES("orders.new"), .payload = rill_bytes_from_cstr(payload)};
    cr_assert(eq(int, rill_store_append(store, &message), RILL_OK));
    return message.sequence;
}

static void commit(struct rill_store *store)
{
    cr_assert(eq(int, drive_commit(store), RILL_OK));
}

// A message can be read when its commit has finished, and not before.
Test(store, only_committed_messages_are_readable)
{
    struct rill_disk *disk = sim_disk_create(1);
    const struct rill_store_options options = options_on(disk);
    struct rill_store *store = create(&options);
    struct rill_store_message message;
    struct rill_store_committed committed;
    cr_expect(eq(u64, append(store, "one"), 1));
    cr_expect(eq(int, rill_store_read(store, 1, &message), RILL_ERR_NOT_FOUND));
    struct rill_store_job *job = rill_store_commit_start(store);
    rill_store_job_run(job);
    cr_expect(eq(int, rill_store_read(store, 1, &message), RILL_ERR_NOT_FOUND));
    cr_expect(eq(int, rill_store_commit_finish(store, job, &committed), RILL_OK));
    cr_expect(eq(u64, committed.last_sequence, 1));
    cr_assert(eq(int, rill_store_read(store, 1, &message), RILL_OK));
    cr_expect(rill_bytes_equal_cstr(message.payload, "one") &&
              rill_bytes_equal_cstr(message.subject, "orders.new"));
    cr_expect(eq(int, rill_store_read(store, 0, &message), RILL_ERR_NOT_FOUND));
    cr_expect(eq(int, rill_store_read(store, 2, &message), RILL_ERR_NOT_FOUND));
    rill_store_close(store);
    sim_disk_destroy(disk);
}

// While one commit is in flight the next one fills, and waits.
Test(store, the_next_commit_fills_while_one_is_in_flight)
{
    struct rill_disk *disk = sim_disk_create(1);
    const struct rill_store_options options = options_on(disk);
    struct rill_store *store = create(&options);
    struct rill_store_committed committed;
    cr_expect(rill_store_commit_start(store) == NULL, "nothing is open");
    append(store, "one");
    const uint64_t first = rill_store_open_commit(store);
    struct rill_store_job *job = rill_store_commit_start(store);
    cr_expect(eq(u64, rill_store_open_bytes(store), 0));
    append(store, "two");
    cr_expect(eq(u64, rill_store_open_commit(store), first + 1));
    cr_expect(rill_store_commit_start(store) == NULL, "one is in flight");
    rill_store_job_run(job);
    cr_expect(eq(int, rill_store_commit_finish(store, job, &committed), RILL_OK));
    cr_expect(eq(u64, committed.commit, first));
    cr_expect(eq(u64, committed.last_sequence, 1));
    commit(store);
    cr_expect(eq(u64, drive_state(store).last_sequence, 2));
    rill_store_close(store);
    sim_disk_destroy(disk);
}

// A commit has a maximum, which a message that is too large exceeds on its own.
Test(store, an_open_commit_has_a_maximum)
{
    struct rill_disk *disk = sim_disk_create(1);
    struct rill_store_options options = options_on(disk);
    options.commit_bytes_max = 4096;
    struct rill_store *store = create(&options);
    static const uint8_t zeros[8192];
    struct rill_store_message large = {.payload = rill_bytes_of(zeros, 4096)};
    struct rill_store_message half = {.payload = rill_bytes_of(zeros, 2048)};
    struct rill_store_message subject = {.subject = rill_bytes_of(zeros, SIZE_MAX)};
    cr_expect(eq(int, rill_store_append(store, &large), RILL_ERR_LIMIT));
    cr_expect(eq(int, rill_store_append(store, &subject), RILL_ERR_LIMIT));
    cr_expect(eq(int, rill_store_append_event(store, RILL_STORE_EVENT_STREAM_CONFIG, large.payload),
                 RILL_ERR_LIMIT));
    cr_expect(eq(int, rill_store_append(store, &half), RILL_OK));
    cr_expect(eq(int, rill_store_append(store, &half), RILL_ERR_LIMIT));
    cr_expect(eq(u64, drive_state(store).open_sequence, 1), "a refused append takes no sequence");
    commit(store);
    cr_expect(eq(int, rill_store_append(store, &half), RILL_OK));
    rill_store_close(store);
    sim_disk_destroy(disk);
}

// I1: a clock that goes back does not take the times of messages back, not even over a restart.
Test(store, times_never_go_back)
{
    struct rill_disk *disk = sim_disk_create(1);
    const struct rill_store_options options = options_on(disk);
    struct rill_store *store = create(&options);
    struct rill_store_message message = {.time_ns = 1000};
    cr_assert(eq(int, rill_store_append(store, &message), RILL_OK));
    message.time_ns = 900;
    cr_assert(eq(int, rill_store_append(store, &message), RILL_OK));
    cr_expect(eq(i64, message.time_ns, 1000));
    commit(store);
    rill_store_close(store);
    store = reopen(&options);
    message.time_ns = 800;
    cr_assert(eq(int, rill_store_append(store, &message), RILL_OK));
    cr_expect(eq(i64, message.time_ns, 1000));
    rill_store_close(store);
    sim_disk_destroy(disk);
}

// After a reopen messages come from the disk: a read says so, one load brings the whole block.
Test(store, a_block_is_loaded_once)
{
    struct rill_disk *disk = sim_disk_create(1);
    const struct rill_store_options options = options_on(disk);
    struct rill_store *store = create(&options);
    struct rill_store_message message;
    append(store, "one");
    append(store, "two");
    commit(store);
    rill_store_close(store);
    store = reopen(&options);
    cr_expect(eq(int, rill_store_read(store, 1, &message), RILL_ERR_AGAIN));
    struct rill_store_job *job = rill_store_load_start(store, 1);
    cr_expect(rill_store_load_start(store, 2) == NULL, "is being loaded");
    rill_store_job_run(job);
    cr_assert(eq(int, rill_store_load_finish(store, job), RILL_OK));
    cr_expect(rill_store_load_start(store, 2) == NULL, "is in memory");
    cr_expect(rill_store_load_start(store, 3) == NULL, "does not exist");
    cr_assert(eq(int, rill_store_read(store, 2, &message), RILL_OK));
    cr_expect(rill_bytes_equal_cstr(message.payload, "two"));
    rill_store_close(store);
    sim_disk_destroy(disk);
}

// Who reads in order learns where the block of a message ends, so that he can have the one behind it loaded in time.
Test(store, a_load_brings_a_range_of_sequences)
{
    struct rill_disk *disk = sim_disk_create(1);
    const struct rill_store_options options = options_on(disk);
    struct rill_store *store = create(&options);
    uint64_t first = 7, end = 7;
    static char payload[1000];
    memset(payload, 'x', sizeof payload - 1);
    cr_expect(not(rill_store_load_range(store, 1, &first, &end)), "nothing is stored");
    for (int i = 0; i < 300; i++)
        append(store, payload);
    cr_expect(not(rill_store_load_range(store, 1, &first, &end)), "nothing is committed");
    cr_expect(first == 7 && end == 7, "untouched");
    commit(store);
    for (uint64_t sequence = 1; sequence <= 300; sequence = end) {
        cr_assert(rill_store_load_range(store, sequence, &first, &end));
        cr_expect(eq(u64, first, sequence), "blocks follow each other");
        cr_assert(end > first && end - first < 140, "128 KiB");
    }
    cr_expect(eq(u64, end, 301u));
    cr_expect(not(rill_store_load_range(store, 301, &first, &end)), "behind the last");
    rill_store_close(store);
    sim_disk_destroy(disk);
}

// The cache keeps to its budget, beside the tail, however much is written and read.
Test(store, the_cache_keeps_to_its_budget)
{
    struct rill_disk *disk = sim_disk_create(1);
    struct rill_store_options options = options_on(disk);
    options.cache_bytes_max = 300 << 10;
    struct rill_store *store = create(&options);
    static char payload[1000];
    memset(payload, 'x', sizeof payload - 1);
    struct rill_store_message message;
    for (int i = 0; i < 2000; i++) {
        append(store, payload);
        if (i % 50 == 49)
            commit(store);
    }
    for (uint64_t sequence = 1; sequence <= 2000; sequence += 7) {
        cr_assert(eq(int, drive_read(store, sequence, &message), RILL_OK));
        cr_assert(eq(u64, message.sequence, sequence));
        cr_assert(drive_state(store).cache_bytes < options.cache_bytes_max + (150 << 10));
    }
    rill_store_close(store);
    sim_disk_destroy(disk);
}

struct heard {
    char text[256];
};

static void hear(struct heard *heard, const char *what, struct rill_bytes bytes)
{
    const size_t used = strlen(heard->text);
    (void)snprintf(heard->text + used, sizeof heard->text - used, "%s" RILL_PRI ";", what, RILL_ARG(bytes));
}

static enum rill_err hear_message(void *context, const struct rill_store_message *message)
{
    hear(context, "", message->payload);
    return RILL_OK;
}

static enum rill_err hear_event(void *context, enum rill_store_event type, struct rill_bytes bytes)
{
    hear(context, type == RILL_STORE_EVENT_CONSUMER_CREATED ? "created " : "state ", bytes);
    return RILL_OK;
}

static enum rill_err hear_checkpoint(void *context, struct rill_bytes bytes)
{
    hear(context, "checkpoint ", bytes);
    return RILL_OK;
}

// Replay tells messages, events and the checkpoint in the order in which they were appended.
Test(store, replay_is_in_the_order_of_the_log)
{
    struct rill_disk *disk = sim_disk_create(1);
    const struct rill_store_options options = options_on(disk);
    struct heard heard = {""};
    const struct rill_store_visitor visitor = {
        .context = &heard, .message = hear_message, .event = hear_event, .checkpoint = hear_checkpoint};
    struct rill_store_report report;
    struct rill_store *store = create(&options);
    append(store, "one");
    cr_assert(
        eq(int, rill_store_append_event(store, RILL_STORE_EVENT_CONSUMER_CREATED, RILL_BYTES("w")), RILL_OK));
    append(store, "two");
    commit(store);
    cr_assert(
        eq(int, rill_store_append_event(store, RILL_STORE_EVENT_CONSUMER_STATE, RILL_BYTES("2")), RILL_OK));
    commit(store);
    append(store, "not committed");
    rill_store_close(store);
    cr_assert(eq(int, rill_store_open(&options, &visitor, &store, &report, &why), RILL_OK));
    cr_expect(eq(str, heard.text, "checkpoint first state;one;created w;two;state 2;"));
    cr_expect(eq(u64, report.messages, 2));
    cr_expect(eq(u64, report.events, 2));
    cr_expect(eq(u64, report.segments, 1));
    cr_expect(eq(u64, append(store, "three"), 3));
    rill_store_close(store);
    sim_disk_destroy(disk);
}

static enum rill_err checkpoint_now(void *context, struct rill_buf *out)
{
    return rill_buf_appendf(out, "after %lu", (unsigned long)*(uint64_t *)context);
}

// I2: each segment begins with the state after all that is in front of it, so that the last one can be
// understood alone.
Test(store, a_segment_begins_with_a_checkpoint)
{
    struct rill_disk *disk = sim_disk_create(1);
    uint64_t last = 0;
    struct rill_store_options options = options_on(disk);
    struct heard heard = {""};
    const struct rill_store_visitor visitor = {
        .context = &heard, .message = hear_message, .event = hear_event, .checkpoint = hear_checkpoint};
    options.segment_bytes = 16 << 10;
    options.checkpoint = checkpoint_now;
    options.checkpoint_context = &last;
    struct rill_store *store = create(&options);
    static char payload[9000];
    memset(payload, 'x', sizeof payload - 1);
    for (int i = 0; i < 3; i++) {
        last = append(store, payload);
        commit(store);
    }
    last = append(store, "end");
    commit(store);
    cr_expect(eq(u64, drive_state(store).segments, 4));
    rill_store_close(store);
    for (int number = 1; number <= 3; number++) {
        char path[64];
        (void)snprintf(path, sizeof path, "%s/%016x.seg", options.folder, (unsigned)number);
        cr_assert(eq(int, disk->ops->unlink(disk, path), RILL_OK));
    }
    struct rill_store_report report;
    cr_assert(eq(int, rill_store_open(&options, &visitor, &store, &report, &why), RILL_OK), "%s", why.text);
    cr_expect(eq(str, heard.text, "checkpoint after 3;end;"));
    cr_expect(eq(u64, report.lost_messages, 3));
    cr_expect(eq(u64, drive_state(store).first_sequence, 4));
    struct rill_store_message message;
    cr_expect(eq(int, rill_store_read(store, 2, &message), RILL_ERR_DAMAGED));
    rill_store_close(store);
    sim_disk_destroy(disk);
}

// One owner at a time, on the real disk and on the simulated one.
Test(store, a_second_opener_is_refused)
{
    char root[] = "/tmp/rill-store-XXXXXX", folder[128];
    cr_assert(mkdtemp(root) != NULL);
    (void)snprintf(folder, sizeof folder, "%s/A/S", root);
    struct rill_store_options options = {.disk = rill_disk_real(), .folder = folder};
    struct rill_store *store = create(&options), *second = NULL;
    cr_expect(eq(int, rill_store_open(&options, NULL, &second, NULL, &why), RILL_ERR_LOCKED));
    cr_expect(eq(int, rill_store_create(&options, identity, RILL_BYTES(""), &second, &why), RILL_ERR_LOCKED));
    cr_expect(eq(int, rill_store_delete(options.disk, folder, &why), RILL_ERR_LOCKED));
    append(store, "one");
    commit(store);
    rill_store_close(store);
    cr_expect(eq(int, rill_store_create(&options, identity, RILL_BYTES(""), &second, &why), RILL_ERR_EXISTS));
    store = reopen(&options);
    cr_expect(eq(u64, drive_state(store).messages, 1));
    rill_store_close(store);
    cr_expect(eq(int, rill_store_delete(options.disk, folder, &why), RILL_OK));
    (void)snprintf(folder, sizeof folder, "%s/A", root);
    cr_expect(eq(int, options.disk->ops->rmdir(options.disk, folder), RILL_OK));
    cr_expect(eq(int, options.disk->ops->rmdir(options.disk, root), RILL_OK));
}

// The numbers of the state are those of what is committed, and the same after a reopen.
Test(store, the_state_survives_a_reopen)
{
    struct rill_disk *disk = sim_disk_create(1);
    const struct rill_store_options options = options_on(disk);
    struct rill_store *store = create(&options);
    cr_expect(eq(u64, drive_state(store).first_sequence, 1));
    cr_expect(eq(u64, drive_state(store).last_sequence, 0));
    append(store, "one");
    append(store, "two");
    commit(store);
    append(store, "three");
    const struct rill_store_state before = drive_state(store);
    cr_expect(eq(u64, before.messages, 2));
    cr_expect(eq(u64, before.last_sequence, 2));
    cr_expect(eq(u64, before.open_sequence, 3));
    cr_expect(before.disk_bytes >= 1 << 20);
    rill_store_close(store);
    store = reopen(&options);
    const struct rill_store_state after = drive_state(store);
    cr_expect(eq(u64, after.messages, before.messages));
    cr_expect(eq(u64, after.bytes, before.bytes));
    cr_expect(eq(u64, after.first_sequence, 1));
    cr_expect(eq(u64, after.open_sequence, 2));
    cr_expect(eq(i64, after.first_time_ns, 5));
    cr_expect(eq(i64, after.last_time_ns, 5));
    cr_expect(not(after.read_only));
    rill_store_close(store);
    sim_disk_destroy(disk);
}
