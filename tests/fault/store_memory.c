// SPDX-License-Identifier: Apache-2.0
//
// Memory that runs out, at every allocation whose size comes from data. Small objects go through rill_alloc,
// which does not fail; everything else does, here, once. Linked with --wrap for malloc, calloc, realloc and
// rill_alloc.
#include "base/alloc.h"
#include "seed.h"
#include "sim_disk.h"
#include "store_story.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <sqlite3.h>
#include <stdlib.h>

TestSuite(store_memory, .timeout = 280);

static const char folder[] = "store/$G/ORDERS";

enum { STEPS = 250, STEPS_INDEX = 600 };

static struct story story;
static uint64_t allocations;
static uint64_t fail_at; // 0: none

static bool exempt; // inside rill_alloc

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__real_rill_alloc_zero(size_t count, size_t size);
void *__real_rill_alloc_resize(void *memory, size_t count, size_t size);
char *__real_rill_alloc_cstr(struct rill_bytes bytes);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
void *__wrap_rill_alloc_zero(size_t count, size_t size);
void *__wrap_rill_alloc_resize(void *memory, size_t count, size_t size);
char *__wrap_rill_alloc_cstr(struct rill_bytes bytes);

static bool fails(void)
{
    return !exempt && ++allocations == fail_at;
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
    return fails() ? NULL : __real_realloc(memory, size);
}

void *__wrap_rill_alloc_zero(size_t count, size_t size)
{
    exempt = true;
    void *zeros = __real_rill_alloc_zero(count, size);
    exempt = false;
    return zeros;
}

void *__wrap_rill_alloc_resize(void *memory, size_t count, size_t size)
{
    exempt = true;
    void *resized = __real_rill_alloc_resize(memory, count, size);
    exempt = false;
    return resized;
}

char *__wrap_rill_alloc_cstr(struct rill_bytes bytes)
{
    exempt = true;
    char *text = __real_rill_alloc_cstr(bytes);
    exempt = false;
    return text;
}

/* Those of SQLite, of which there are many. */
static sqlite3_mem_methods sqlite_memory;

static void *sqlite_malloc(int bytes)
{
    return fails() ? NULL : sqlite_memory.xMalloc(bytes);
}

static void *sqlite_realloc(void *memory, int bytes)
{
    return fails() ? NULL : sqlite_memory.xRealloc(memory, bytes);
}

static void wrap_sqlite(void)
{
    cr_assert(eq(int, sqlite3_config(SQLITE_CONFIG_GETMALLOC, &sqlite_memory), SQLITE_OK));
    sqlite3_mem_methods wrapped = sqlite_memory;
    wrapped.xMalloc = sqlite_malloc;
    wrapped.xRealloc = sqlite_realloc;
    cr_assert(eq(int, sqlite3_config(SQLITE_CONFIG_MALLOC, &wrapped), SQLITE_OK));
}

static struct rill_store *create(const struct rill_store_options *options)
{
    struct rill_store *store;
    enum rill_err err = story_create_store(&story, options, &store);
    if (err == RILL_ERR_NO_MEMORY)
        err = story_create_store(&story, options, &store);
    cr_assert(eq(int, err, RILL_OK));
    return store;
}

static struct rill_store *reopen(const struct rill_store_options *options)
{
    struct rill_store *store;
    enum rill_err err = story_reopen(&story, options, &store, NULL);
    if (err == RILL_ERR_NO_MEMORY)
        err = story_reopen(&story, options, &store, NULL);
    cr_assert(eq(int, err, RILL_OK), "allocation %lu", (unsigned long)fail_at);
    return store;
}

static void live(struct rill_store *store)
{
    const int steps = story.with_index ? STEPS_INDEX : STEPS;
    for (int step = 0; step < steps; step++) {
        const enum rill_err err = story_step(&story, store);
        cr_assert(err == RILL_OK || err == RILL_ERR_NO_MEMORY, "allocation %lu: %s", (unsigned long)fail_at,
                  rill_err_text(err));
    }
    cr_assert(eq(int, story_commit(&story, store), RILL_OK));
    rill_store_close(store);
}

/* True when the story had fewer allocations. */
static bool fail_once(uint64_t at, bool with_index)
{
    struct rill_disk *disk = sim_disk_create(1);
    story_init(&story, 11);
    story.with_index = story.removes_often = story.compress = with_index;
    const struct rill_store_options options = story_options(&story, disk, folder);
    allocations = 0;
    fail_at = at;
    live(create(&options));
    live(reopen(&options));
    const bool ended = allocations < at;
    fail_at = 0;
    rill_store_close(reopen(&options));
    sim_disk_destroy(disk);
    return ended;
}

// Whichever allocation fails, the one operation is refused and may be tried again; nothing that was committed
// is lost, and nothing is there that was refused.
Test(store_memory, every_allocation_may_fail)
{
    uint64_t at = 1;
    while (!fail_once(at, false))
        at++;
    cr_expect(at > 30, "%lu allocations", (unsigned long)at);
}

// So it is with an index, and with segments that are made anew; an index that is out of memory says so and is mended, or goes on.
Test(store_memory, every_allocation_under_an_index_may_fail)
{
    uint64_t at = 1;
    while (!fail_once(at, true))
        at++;
    cr_expect(at > 300, "%lu allocations", (unsigned long)at);
    cr_expect(story.rewritten > 0, "no segment was made anew");
}

// And those of SQLite, here and there.
Test(store_memory, an_index_without_memory_for_sqlite_costs_no_message)
{
    const uint64_t stride = seed_stride(101);
    uint64_t at = 1;
    wrap_sqlite();
    while (!fail_once(at, true))
        at += stride;
    cr_expect(at > 3000, "%lu allocations", (unsigned long)at);
}
