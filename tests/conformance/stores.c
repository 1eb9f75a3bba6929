// SPDX-License-Identifier: Apache-2.0
#include "stores.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { SEGMENT_BYTES = 64 << 10, CACHE_BYTES = 256 << 10 };

static const uint8_t identity[RILL_STORE_IDENTITY_BYTES] = "identity";

static void run(struct stores_side *side, struct rill_disk *disk, const char *root,
                void (*check)(struct stores_side *side))
{
    char folder[96], account[64];
    (void)snprintf(account, sizeof account, "%.40s/A", root);
    (void)snprintf(folder, sizeof folder, "%s/ORDERS", account);
    side->options = (struct rill_store_options){
        .disk = disk, .folder = folder, .segment_bytes = SEGMENT_BYTES, .cache_bytes_max = CACHE_BYTES};
    cr_assert(
        eq(int, rill_store_create(&side->options, identity, RILL_BYTES("at first"), &side->store, &side->why),
           RILL_OK),
        "%s: %s", side->name, side->why.text);
    check(side);
    rill_store_close(side->store);
    cr_expect(eq(int, rill_store_delete(disk, folder, &side->why), RILL_OK), "%s", side->name);
    cr_expect(eq(int, disk->ops->rmdir(disk, account), RILL_OK), "%s", side->name);
}

void stores_each(void (*check)(struct stores_side *side))
{
    struct stores_side file = {.name = "file"}, memory = {.name = "memory"};
    struct rill_disk *disk = rill_disk_memory_create(0);
    char root[] = "/tmp/rill-conformance-XXXXXX";
    cr_assert(mkdtemp(root) != NULL);
    run(&file, rill_disk_real(), root, check);
    run(&memory, disk, "store", check);
    cr_expect(eq(int, rmdir(root), 0));
    rill_disk_memory_destroy(disk);
}

void stores_reopen(struct stores_side *side, const struct rill_store_visitor *visitor)
{
    rill_store_close(side->store);
    side->store = NULL;
    cr_assert(eq(int, rill_store_open(&side->options, visitor, &side->store, NULL, &side->why), RILL_OK),
              "%s: %s", side->name, side->why.text);
}

uint64_t stores_append(struct stores_side *side, const char *subject, size_t payload_bytes)
{
    static uint8_t payload[64 << 10];
    cr_assert(payload_bytes <= sizeof payload);
    struct rill_store_message message = {.subject = rill_bytes_from_cstr(subject),
                                         .payload = rill_bytes_of(payload, payload_bytes)};
    cr_assert(eq(int, rill_store_append(side->store, &message), RILL_OK), "%s", side->name);
    return message.sequence;
}

void stores_append_many(struct stores_side *side, const char *subject, size_t count, size_t payload_bytes)
{
    for (size_t i = 0; i < count; i++)
        (void)stores_append(side, subject, payload_bytes);
}

void stores_commit(struct stores_side *side)
{
    struct rill_store_committed committed;
    struct rill_store_job *job = rill_store_commit_start(side->store);
    cr_assert(job != NULL, "%s", side->name);
    rill_store_job_run(job);
    cr_assert(eq(int, rill_store_commit_finish(side->store, job, &committed), RILL_OK), "%s", side->name);
}

bool stores_load(struct stores_side *side, uint64_t sequence)
{
    struct rill_store_job *job = rill_store_load_start(side->store, sequence);
    if (!job)
        return false;
    rill_store_job_run(job);
    cr_assert(eq(int, rill_store_load_finish(side->store, job), RILL_OK), "%s", side->name);
    return true;
}

void stores_background(struct stores_side *side)
{
    struct rill_store_job *job;
    while ((job = rill_store_background_start(side->store))) {
        rill_store_job_run(job);
        cr_assert(eq(int, rill_store_background_finish(side->store, job), RILL_OK), "%s", side->name);
    }
}

enum rill_err stores_read(struct stores_side *side, uint64_t sequence, struct rill_store_message *ret)
{
    enum rill_err err;
    while ((err = rill_store_read(side->store, sequence, ret)) == RILL_ERR_AGAIN)
        cr_assert(stores_load(side, sequence), "%s: sequence %lu", side->name, (unsigned long)sequence);
    return err;
}

enum rill_err stores_delete(struct stores_side *side, uint64_t sequence)
{
    enum rill_err err;
    while ((err = rill_store_append_delete(side->store, sequence)) == RILL_ERR_AGAIN)
        cr_assert(stores_load(side, sequence), "%s: sequence %lu", side->name, (unsigned long)sequence);
    return err;
}

uint64_t stores_purge(struct stores_side *side, uint64_t first_kept)
{
    struct rill_store_purged purged;
    enum rill_err err;
    while ((err = rill_store_append_purge(side->store, first_kept, &purged)) == RILL_ERR_AGAIN)
        cr_assert(stores_load(side, purged.load_sequence), "%s", side->name);
    cr_assert(eq(int, err, RILL_OK), "%s", side->name);
    return purged.messages;
}

struct rill_store_state stores_state(const struct stores_side *side)
{
    struct rill_store_state state;
    rill_store_state(side->store, &state);
    return state;
}
