// SPDX-License-Identifier: Apache-2.0
#include "storage/shared.h"
#include "storage/store.h"

#include "sim_disk.h"
#include "store_drive.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>

TestSuite(shared);

enum { STREAMS = 20, FILES_MAX = 4 };

static const uint8_t identity[RILL_STORE_IDENTITY_BYTES] = "identity";
static struct rill_error_text why;

static struct rill_store_shared *share(struct rill_disk *disk, const char *root)
{
    const struct rill_store_shared_options options = {
        .open_files_max = FILES_MAX, .disk = disk, .root = root};
    struct rill_store_shared *shared = NULL;
    cr_assert(eq(int, rill_store_shared_create(&options, &shared, &why), RILL_OK), "%s", why.text);
    return shared;
}

static size_t open_files(struct rill_store_shared *shared)
{
    struct rill_store_shared_state state;
    rill_store_shared_state(shared, &state);
    return state.open_files;
}

static struct rill_store *make(struct rill_disk *disk, struct rill_store_shared *shared, int number)
{
    char folder[64];
    struct rill_store *store = NULL;
    (void)snprintf(folder, sizeof folder, "store/$G/S%d", number);
    const struct rill_store_options options = {.disk = disk, .folder = folder, .shared = shared};
    cr_assert(eq(int, rill_store_create(&options, identity, RILL_BYTES(""), &store, &why), RILL_OK), "%s",
              why.text);
    return store;
}

static struct rill_store_job *start(struct rill_store *store)
{
    struct rill_store_message message = {.subject = RILL_BYTES("a"), .payload = RILL_BYTES("b")};
    cr_assert(eq(int, rill_store_append(store, &message), RILL_OK));
    struct rill_store_job *job = rill_store_commit_start(store);
    cr_assert(job != NULL);
    return job;
}

// However many streams there are and whether one commits after the other or all at once, no more files stay
// open than were allowed, and every commit is written.
Test(shared, open_files_are_bounded)
{
    struct rill_disk *disk = sim_disk_create(1);
    struct rill_store_shared *shared = share(disk, NULL);
    struct rill_store *stores[STREAMS];
    struct rill_store_job *jobs[STREAMS];
    for (int i = 0; i < STREAMS; i++)
        stores[i] = make(disk, shared, i);
    for (int i = 0; i < 3 * STREAMS; i++) {
        cr_expect(eq(int, drive_commit_end(stores[i % STREAMS], start(stores[i % STREAMS])), RILL_OK));
        cr_expect(open_files(shared) <= FILES_MAX);
    }
    for (int i = 0; i < STREAMS; i++)
        jobs[i] = start(stores[i]);
    cr_expect(open_files(shared) <= FILES_MAX);
    for (int i = 0; i < STREAMS; i++)
        cr_expect(eq(int, drive_commit_end(stores[i], jobs[i]), RILL_OK));
    cr_expect(eq(sz, open_files(shared), FILES_MAX));
    for (int i = 0; i < STREAMS; i++) {
        struct rill_store_state state;
        rill_store_state(stores[i], &state);
        cr_expect(eq(u64, state.messages, 4));
        rill_store_close(stores[i]);
    }
    cr_expect(eq(sz, open_files(shared), 0));
    rill_store_shared_destroy(shared);
    sim_disk_destroy(disk);
}

// The file that is closed for another one is the one that has been idle for the longest time.
Test(shared, a_busy_stream_keeps_its_file)
{
    struct rill_disk *disk = sim_disk_create(1);
    struct rill_store_shared *shared = share(disk, NULL);
    struct rill_store *busy = make(disk, shared, STREAMS);
    struct rill_store *stores[STREAMS];
    cr_expect(eq(int, drive_commit_end(busy, start(busy)), RILL_OK));
    for (int i = 0; i < STREAMS; i++) {
        stores[i] = make(disk, shared, i);
        cr_expect(eq(int, drive_commit_end(stores[i], start(stores[i])), RILL_OK));
        const uint64_t before = sim_disk_operations(disk);
        cr_expect(eq(int, drive_commit_end(busy, start(busy)), RILL_OK));
        cr_expect(eq(u64, sim_disk_operations(disk) - before, 2), "a write and a sync, no open");
    }
    for (int i = 0; i < STREAMS; i++)
        rill_store_close(stores[i]);
    rill_store_close(busy);
    rill_store_shared_destroy(shared);
    sim_disk_destroy(disk);
}

static enum rill_err try_open(struct rill_disk *disk, struct rill_store_shared *shared,
                              struct rill_store **ret_store)
{
    const struct rill_store_options options = {.disk = disk, .folder = "store/$G/S0", .shared = shared};
    return rill_store_open(&options, NULL, ret_store, NULL, &why);
}

static void fill(struct rill_store *store)
{
    static const uint8_t payload[8000];
    for (int i = 0; i < 100; i++) {
        struct rill_store_message message = {.subject = RILL_BYTES("a"),
                                             .payload = {payload, sizeof payload}};
        cr_assert(eq(int, rill_store_append(store, &message), RILL_OK));
        if (i % 10 == 9)
            cr_assert(eq(int, drive_commit(store), RILL_OK));
    }
}

/* Returns how many blocks were loaded. */
static int read_all(struct rill_store *store)
{
    struct rill_store_message message;
    int loads = 0;
    for (uint64_t sequence = 1; sequence <= 100; sequence++) {
        enum rill_err err;
        while ((err = rill_store_read(store, sequence, &message)) == RILL_ERR_AGAIN) {
            cr_assert(eq(int, drive_load(store, sequence), RILL_OK));
            loads++;
        }
        cr_assert(eq(int, err, RILL_OK));
    }
    return loads;
}

static uint64_t cache_bytes(struct rill_store_shared *shared)
{
    struct rill_store_shared_state state;
    rill_store_shared_state(shared, &state);
    return state.cache_bytes;
}

// All streams together keep no more of their logs in memory than was allowed, tails of idle ones included, and who
// reads the same again and again keeps it while others come and go.
Test(shared, the_memory_of_all_is_bounded)
{
    const struct rill_store_shared_options options = {.cache_bytes_max = 4 << 20};
    struct rill_disk *disk = sim_disk_create(1);
    struct rill_store_shared *shared = NULL;
    struct rill_store *stores[STREAMS];
    cr_assert(eq(int, rill_store_shared_create(&options, &shared, &why), RILL_OK));
    for (int i = 0; i < STREAMS; i++) {
        stores[i] = make(disk, shared, i);
        fill(stores[i]);
        cr_expect(cache_bytes(shared) <= options.cache_bytes_max + (1 << 20));
    }
    (void)read_all(stores[0]);
    for (int i = 1; i < STREAMS; i++) {
        cr_expect(eq(int, read_all(stores[0]), 0), "stream %d: it is in memory still", i);
        cr_expect(read_all(stores[i]) > 0);
        cr_expect(cache_bytes(shared) <= options.cache_bytes_max + (1 << 18));
    }
    for (int i = 0; i < STREAMS; i++)
        rill_store_close(stores[i]);
    cr_expect(eq(u64, cache_bytes(shared), 0));
    rill_store_shared_destroy(shared);
    sim_disk_destroy(disk);
}

// The lock of the root stands for those of the streams in it: with it taken nobody else opens or deletes one.
Test(shared, the_lock_of_the_root_keeps_others_out)
{
    struct rill_disk *disk = sim_disk_create(1);
    struct rill_store_shared *shared = share(disk, "store");
    struct rill_store_shared *second = NULL;
    const struct rill_store_shared_options options = {.disk = disk, .root = "store"};
    struct rill_store *store = make(disk, shared, 0), *other = NULL;
    cr_expect(eq(int, rill_store_shared_create(&options, &second, &why), RILL_ERR_LOCKED));
    rill_store_close(store);
    cr_expect(eq(int, try_open(disk, NULL, &other), RILL_ERR_LOCKED));
    cr_expect(eq(int, rill_store_delete(disk, "store/$G/S0", &why), RILL_ERR_LOCKED));
    cr_expect(eq(int, rill_store_shared_delete(shared, disk, "store/$G/S0", &why), RILL_OK));
    cr_expect(eq(int, try_open(disk, shared, &other), RILL_ERR_NOT_FOUND));
    rill_store_shared_destroy(shared);
    cr_assert(eq(int, rill_store_shared_create(&options, &second, &why), RILL_OK), "free again");
    rill_store_shared_destroy(second);
    sim_disk_destroy(disk);
}

// A stream that somebody has opened by itself is not opened by whoever takes the root afterwards.
Test(shared, the_lock_of_a_stream_keeps_the_root_out)
{
    struct rill_disk *disk = sim_disk_create(1);
    struct rill_store *store = make(disk, NULL, 0), *other = NULL;
    struct rill_store_shared *shared = share(disk, "store");
    cr_expect(eq(int, try_open(disk, shared, &other), RILL_ERR_LOCKED));
    cr_expect(eq(int, rill_store_shared_delete(shared, disk, "store/$G/S0", &why), RILL_ERR_LOCKED));
    rill_store_close(store);
    cr_assert(eq(int, try_open(disk, shared, &other), RILL_OK));
    rill_store_close(other);
    rill_store_shared_destroy(shared);
    sim_disk_destroy(disk);
}
