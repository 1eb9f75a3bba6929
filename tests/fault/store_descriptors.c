// SPDX-License-Identifier: Apache-2.0
//
// Many streams with indexes, few file descriptors: on the real disk, with the process's limit lowered.
#include "store_drive.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

TestSuite(store_descriptors, .timeout = 3000);

enum { ROUNDS = 3, SUBJECTS = 5 };

static const uint8_t identity[RILL_STORE_IDENTITY_BYTES] = "identity";

static struct crowd {
    char root[64];
    size_t count;
    struct rill_store **stores;
    struct rill_store_shared *shared;
    size_t limit; // of descriptors
} crowd;

static struct rill_error_text why;

static void folder_of(size_t number, char folder[128])
{
    (void)snprintf(folder, 128, "%s/A/S%zu", crowd.root, number);
}

/* A batch of the index ends with each commit. */
static struct rill_store_options options_of(const char *folder)
{
    return (struct rill_store_options){.disk = rill_disk_real(),
                                       .folder = folder,
                                       .shared = crowd.shared,
                                       .segment_bytes = 16 << 10,
                                       .index = true,
                                       .index_log_bytes = 1};
}

static struct rill_store *make(size_t number)
{
    char folder[128];
    struct rill_store *store;
    folder_of(number, folder);
    const struct rill_store_options options = options_of(folder);
    cr_assert(eq(int, rill_store_create(&options, identity, RILL_BYTES(""), &store, &why), RILL_OK), "%s",
              why.text);
    return store;
}

static struct rill_store *open_again(size_t number)
{
    char folder[128];
    struct rill_store *store;
    folder_of(number, folder);
    const struct rill_store_options options = options_of(folder);
    cr_assert(eq(int, rill_store_open(&options, NULL, &store, NULL, &why), RILL_OK), "%s", why.text);
    return store;
}

static size_t open_descriptors(void)
{
    size_t count = 0;
    DIR *folder = opendir("/proc/self/fd");
    cr_assert(folder != NULL);
    while (readdir(folder))
        count++;
    (void)closedir(folder);
    return count - 3; // ".", "..", and that of the listing
}

static void publish(struct rill_store *store)
{
    for (int i = 0; i < SUBJECTS; i++) {
        char subject[16];
        (void)snprintf(subject, sizeof subject, "s.%d", i);
        struct rill_store_message message = {.subject = rill_bytes_from_cstr(subject),
                                             .payload = RILL_BYTES("p")};
        cr_assert(eq(int, rill_store_append(store, &message), RILL_OK));
    }
    cr_assert(eq(int, drive_commit(store), RILL_OK));
    cr_assert(eq(int, drive_background(store), RILL_OK));
}

static void expect_answer(struct rill_store *store)
{
    struct rill_store_subject found;
    cr_assert(eq(int, rill_store_subject(store, RILL_BYTES("s.3"), &found), RILL_OK));
    cr_assert(eq(u64, found.count, ROUNDS));
    cr_assert(not(drive_state(store).index_failed), "%s", drive_state(store).index_why.text);
}

static void crowd_make(const char *where, size_t count, size_t descriptors,
                       struct rill_store_shared_options options)
{
    struct rlimit limit;
    crowd = (struct crowd){.count = count, .limit = descriptors};
    (void)snprintf(crowd.root, sizeof crowd.root, "%s/rill-descriptors-XXXXXX", where);
    cr_assert(mkdtemp(crowd.root) != NULL);
    options.disk = rill_disk_real();
    options.root = crowd.root; // one lock for all
    crowd.stores = calloc(count, sizeof crowd.stores[0]);
    cr_assert(eq(int, getrlimit(RLIMIT_NOFILE, &limit), 0));
    limit.rlim_cur = descriptors;
    cr_assert(eq(int, setrlimit(RLIMIT_NOFILE, &limit), 0));
    cr_assert(eq(int, rill_store_shared_create(&options, &crowd.shared, &why), RILL_OK));
    for (size_t i = 0; i < count; i++)
        crowd.stores[i] = make(i);
}

static void crowd_ask(void)
{
    struct rill_store_shared_state state;
    for (size_t i = 0; i < crowd.count; i++)
        expect_answer(crowd.stores[i]);
    rill_store_shared_state(crowd.shared, &state);
    cr_expect(gt(sz, state.open_indexes, 0));
    cr_expect(gt(sz, open_descriptors(), state.open_files));
    cr_expect(lt(sz, open_descriptors(), crowd.limit));
}

static void crowd_close(void)
{
    for (size_t i = 0; i < crowd.count; i++)
        rill_store_close(crowd.stores[i]);
}

static void crowd_delete(void)
{
    char path[128];
    crowd_close();
    rill_store_shared_destroy(crowd.shared);
    for (size_t i = 0; i < crowd.count; i++) {
        folder_of(i, path);
        cr_assert(eq(int, rill_store_delete(rill_disk_real(), path, &why), RILL_OK), "%s", why.text);
    }
    (void)snprintf(path, sizeof path, "%s/A", crowd.root);
    (void)rmdir(path);
    (void)snprintf(path, sizeof path, "%s/lock", crowd.root);
    (void)unlink(path);
    (void)rmdir(crowd.root);
    free(crowd.stores);
}

/* All of them publish in turns, are asked, are opened again and asked. */
static void live(void)
{
    for (int round = 0; round < ROUNDS; round++) {
        for (size_t i = 0; i < crowd.count; i++)
            publish(crowd.stores[i]);
    }
    crowd_ask();
    crowd_close();
    for (size_t i = 0; i < crowd.count; i++)
        crowd.stores[i] = open_again(i);
    crowd_ask();
}

// Some hundred streams with their indexes work with a tenth of the descriptors that they would take.
Test(store_descriptors, many_indexes_need_few_descriptors)
{
    const char *memory = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp"; // where a sync costs nothing
    crowd_make(memory, 300, 128,
               (struct rill_store_shared_options){.open_files_max = 32, .open_indexes_max = 12});
    live();
    crowd_delete();
}

// Ten thousand streams work with the usual limit of 1024, as they are. Takes long: with RILL_LONG only.
Test(store_descriptors, ten_thousand_indexes_need_a_thousand_descriptors)
{
    if (!getenv("RILL_LONG"))
        cr_skip_test("ten thousand streams take some minutes: RILL_LONG=1");
    crowd_make("/tmp", 10000, 1024, (struct rill_store_shared_options){.cache_bytes_max = 0});
    live();
    crowd_delete();
}
