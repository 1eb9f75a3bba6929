// SPDX-License-Identifier: Apache-2.0
//
// A store whose segments were patched: the input is a list of patches (where, how many bytes, which bytes). Whatever
// they are, an open gives only messages that are right, and reading and appending go on.
#include "base/assert.h"
#include "sim_disk.h"
#include "store_drive.h"
#include "store_story.h"

#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char folder[] = "store/$G/ORDERS";
static struct story story;

/* Made once: a closed store of three segments or more. */
static const struct rill_disk *sound_store(void)
{
    static struct rill_disk *disk;
    if (disk)
        return disk;
    disk = sim_disk_create(1);
    story_init(&story, 1);
    const struct rill_store_options options = story_options(&story, disk, folder);
    struct rill_store *store = NULL;
    RILL_ASSERT(story_create_store(&story, &options, &store) == RILL_OK);
    for (int step = 0; step < 400; step++)
        RILL_ASSERT(story_step(&story, store) == RILL_OK);
    RILL_ASSERT(story_commit(&story, store) == RILL_OK);
    rill_store_close(store);
    return disk;
}

/* Patch: segment, offset (2 bytes), length, that many bytes, to be XORed. */
static void patch(struct rill_disk *disk, const uint8_t *data, size_t size)
{
    while (size > 4) {
        char path[64];
        size_t len = 0;
        (void)snprintf(path, sizeof path, "%s/%016x.seg", folder, 1U + data[0] % 4);
        uint8_t *bytes = sim_disk_bytes(disk, path, &len);
        const size_t at = data[1] | (size_t)data[2] << 8, count = data[3];
        data += 4;
        size -= 4;
        for (size_t i = 0; i < count && i < size && bytes && at + i < len; i++)
            bytes[at + i] ^= data[i];
        data += count < size ? count : size;
        size -= count < size ? count : size;
    }
}

static enum rill_err check(void *context, const struct rill_store_message *message)
{
    RILL_ASSERT(story_message_is_right(&story, message));
    return RILL_OK;
}

/* A delete that damage has taken is undone, so what was removed may be there again. */
static void read_one(struct rill_store *store, uint64_t sequence)
{
    struct rill_store_message message;
    const enum rill_err err = drive_read(store, sequence, &message);
    RILL_ASSERT(err || story_message_is_right(&story, &message));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rill_disk *disk = sim_disk_clone(sound_store(), 1);
    const struct rill_store_options options = {.disk = disk, .folder = folder};
    const struct rill_store_visitor visitor = {.message = check};
    struct rill_store_message message = {.payload = RILL_BYTES("more")};
    struct rill_store *store = NULL;
    struct rill_error_text why;
    patch(disk, data, size);
    if (rill_store_open(&options, &visitor, &store, NULL, &why) == RILL_OK) {
        struct rill_store_state state;
        rill_store_state(store, &state);
        for (uint64_t sequence = 1; sequence <= state.last_sequence; sequence += 5)
            read_one(store, sequence);
        RILL_ASSERT(rill_store_append(store, &message) == RILL_OK);
        rill_store_close(store);
    }
    sim_disk_destroy(disk);
    return 0;
}
