// SPDX-License-Identifier: Apache-2.0
//
// One small segment file, a part of which has any bytes: the input replaces what is there, or is XORed to it. It is walked, as
// verify does, and opened; and what an open has left is opened again, with nothing more to drop.
#include "base/assert.h"
#include "sim_disk.h"
#include "store_drive.h"
#include "walk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char folder[] = "store/A/S", path[] = "store/A/S/0000000000000001.seg";

static void append(struct rill_store *store, const char *payload)
{
    struct rill_store_message message = {.subject = RILL_BYTES("s"),
                                         .payload = rill_bytes_from_cstr(payload)};
    RILL_ASSERT(rill_store_append(store, &message) == RILL_OK);
}

/* A checkpoint, three messages, an event, a delete, an erase and a purge, in two commits; killed, so without a seal. */
static struct rill_disk *sound_store(void)
{
    static struct rill_disk *disk;
    static const uint8_t identity[RILL_STORE_IDENTITY_BYTES] = "recovery";
    struct rill_store_options options = {.folder = folder, .segment_bytes = 12 << 10};
    struct rill_store *store = NULL;
    struct rill_store_purged purged;
    struct rill_error_text why;
    if (disk)
        return disk;
    disk = options.disk = sim_disk_create(1);
    RILL_ASSERT(!rill_store_create(&options, identity, RILL_BYTES("a checkpoint"), &store, &why));
    append(store, "one");
    append(store, "two");
    append(store, "three");
    RILL_ASSERT(!rill_store_append_event(store, RILL_STORE_EVENT_CONSUMER_STATE, RILL_BYTES("event")));
    RILL_ASSERT(!drive_commit(store) && !drive_delete(store, 2) && !drive_erase(store, 3));
    append(store, "four");
    RILL_ASSERT(!drive_purge(store, 2, &purged) && !drive_commit(store));
    sim_disk_crash(disk);
    rill_store_close(store);
    sim_disk_restart_killed(disk);
    return disk;
}

/* How, where (two bytes, in the part that is written), and what. */
static void damage(struct rill_disk *disk, const uint8_t *data, size_t size)
{
    size_t len = 0;
    uint8_t *bytes = sim_disk_bytes(disk, path, &len);
    const size_t at = data[1] | (size_t)data[2] << 8;
    for (size_t i = 3; i < size && at + i - 3 < len; i++)
        bytes[at + i - 3] = data[0] % 2 ? data[i] : bytes[at + i - 3] ^ data[i];
}

static void walk(struct rill_disk *disk)
{
    const struct walk_options options = {.disk = disk, .folder = folder};
    const struct walk_visitor visitor = {0};
    struct walk_result result;
    struct rill_error_text why;
    (void)!walk_stream(&options, &visitor, &result, &why);
}

/* True when it could be opened. */
static bool open_once(struct rill_disk *disk, struct rill_store_report *ret_report)
{
    const struct rill_store_options options = {.disk = disk, .folder = folder, .index = true};
    struct rill_store *store = NULL;
    struct rill_error_text why;
    if (rill_store_open(&options, NULL, &store, ret_report, &why) != RILL_OK)
        return false;
    const struct rill_store_state state = drive_state(store);
    for (uint64_t sequence = 1; sequence <= state.last_sequence && sequence < 16; sequence++) {
        struct rill_store_message message;
        (void)!drive_read(store, sequence, &message);
    }
    (void)!drive_background(store);
    rill_store_close(store);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rill_store_report report;
    if (size < 4)
        return 0;
    struct rill_disk *disk = sim_disk_clone(sound_store(), 1);
    damage(disk, data, size);
    walk(disk);
    if (open_once(disk, &report)) {
        RILL_ASSERT(open_once(disk, &report));
        RILL_ASSERT(report.dropped_bytes == 0);
        walk(disk);
    }
    sim_disk_destroy(disk);
    return 0;
}
