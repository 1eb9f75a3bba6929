// SPDX-License-Identifier: Apache-2.0
#include "stores.h"
#include "store_drive.h"

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
    cr_assert(eq(int, drive_commit(side->store), RILL_OK), "%s", side->name);
}

bool stores_load(struct stores_side *side, uint64_t sequence)
{
    const enum rill_err err = drive_load(side->store, sequence);
    cr_assert(err == RILL_OK || err == RILL_ERR_NOT_FOUND, "%s: %s", side->name, rill_err_text(err));
    return !err;
}

void stores_background(struct stores_side *side)
{
    cr_assert(eq(int, drive_background(side->store), RILL_OK), "%s", side->name);
}

enum rill_err stores_read(struct stores_side *side, uint64_t sequence, struct rill_store_message *ret)
{
    return drive_read(side->store, sequence, ret);
}

enum rill_err stores_delete(struct stores_side *side, uint64_t sequence)
{
    return drive_delete(side->store, sequence);
}

uint64_t stores_purge(struct stores_side *side, uint64_t first_kept)
{
    struct rill_store_purged purged;
    cr_assert(eq(int, drive_purge(side->store, first_kept, &purged), RILL_OK), "%s", side->name);
    return purged.messages;
}

struct rill_store_state stores_state(const struct stores_side *side)
{
    return drive_state(side->store);
}
