// SPDX-License-Identifier: Apache-2.0
//
// Writing what a backup holds. Nothing of it is believed before its checksum was looked at, and no name in it makes a path:
// segments are known by their numbers.
#include "backup_format.h"
#include "base/alloc.h"
#include "base/assert.h"
#include "folder.h"
#include "io.h"
#include "le.h"
#include "segment.h"
#include "storage/backup.h"

#include <inttypes.h>
#include <stdlib.h>

#define SUFFIX ".restoring"

struct rill_restore {
    struct rill_disk *disk;
    char *folder;         // where it is written
    struct rill_buf rest; // a header or block that is not whole yet
    struct backup_header header;
    bool begun;
    bool ended;
    uint64_t number; // of the block read last
    uint64_t files;
    uint64_t bytes;
    struct rill_disk_file *file; // the one that is written; NULL: none
    uint64_t offset;
};

char *rill_restore_path(const char *folder)
{
    const size_t len = strlen(folder);
    char *path = rill_alloc_zero(len + sizeof SUFFIX, 1);
    memcpy(path, folder, len);
    memcpy(path + len, SUFFIX, sizeof SUFFIX);
    return path;
}

enum rill_err rill_restore_open(struct rill_disk *disk, const char *folder, struct rill_restore **ret_restore,
                                struct rill_error_text *why)
{
    char *path = rill_restore_path(folder);
    enum rill_err err = folder_remove(disk, path);
    if (!err)
        err = folder_make(disk, path);
    if (err) {
        rill_error_text_set(why, "make %s: %s", path, rill_err_text(err));
        free(path);
        return err;
    }
    struct rill_restore *restore = rill_alloc_zero(1, sizeof *restore);
    restore->disk = disk;
    restore->folder = path;
    rill_buf_init(&restore->rest, RILL_BACKUP_BLOCK_BYTES_MAX);
    *ret_restore = restore;
    return RILL_OK;
}

void rill_restore_close(struct rill_restore *restore)
{
    if (!restore)
        return;
    if (restore->file)
        restore->disk->ops->close(restore->file);
    rill_buf_fini(&restore->rest);
    free(restore->folder);
    free(restore);
}

static enum rill_err damaged(struct rill_error_text *why, uint64_t number, const char *what)
{
    rill_error_text_set(why, "block %" PRIu64 " of the backup: %s", number, what);
    return RILL_ERR_DAMAGED;
}

// ---- files ----

static enum rill_err end_file(struct rill_restore *restore)
{
    if (!restore->file)
        return RILL_OK;
    const enum rill_err err = restore->disk->ops->fdatasync(restore->file);
    restore->disk->ops->close(restore->file);
    restore->file = NULL;
    return err;
}

static enum rill_err begin_file(struct rill_restore *restore, struct rill_bytes payload,
                                struct rill_error_text *why)
{
    enum rill_err err = end_file(restore);
    const uint64_t number = payload.len == 8 ? le_get_u64(payload.data) : 0;
    if (!number)
        return damaged(why, restore->number, "a segment without a number");
    char *path = segment_path(restore->folder, number);
    if (!err)
        err = restore->disk->ops->open(restore->disk, path, RILL_DISK_CREATE, &restore->file);
    if (err)
        rill_error_text_set(why, "%s: %s", path, rill_err_text(err));
    free(path);
    restore->offset = 0;
    restore->files++;
    return err == RILL_ERR_EXISTS ? RILL_ERR_DAMAGED : err;
}

static enum rill_err put_data(struct rill_restore *restore, struct rill_bytes payload,
                              struct rill_error_text *why)
{
    if (!restore->file)
        return damaged(why, restore->number, "data without a segment");
    struct iovec part = {(void *)(uintptr_t)payload.data, payload.len};
    const enum rill_err err = io_write_all(restore->file, &part, 1, restore->offset);
    if (err)
        rill_error_text_set(why, "write %s: %s", restore->folder, rill_err_text(err));
    restore->offset += payload.len;
    restore->bytes += payload.len;
    return err;
}

static enum rill_err put_end(struct rill_restore *restore, struct rill_bytes payload,
                             struct rill_error_text *why)
{
    if (payload.len != 16 || le_get_u64(payload.data) != restore->files ||
        le_get_u64(payload.data + 8) != restore->bytes || !restore->files)
        return damaged(why, restore->number, "its totals are others");
    const enum rill_err err = end_file(restore);
    if (err)
        rill_error_text_set(why, "sync %s: %s", restore->folder, rill_err_text(err));
    restore->ended = !err;
    return err;
}

// ---- blocks ----

static enum rill_err take_block(struct rill_restore *restore, uint32_t kind, struct rill_bytes payload,
                                struct rill_error_text *why)
{
    switch (kind) {
    case BACKUP_FILE:
        return begin_file(restore, payload, why);
    case BACKUP_DATA:
        return put_data(restore, payload, why);
    case BACKUP_END:
        return put_end(restore, payload, why);
    default:
        return damaged(why, restore->number, "of a kind that nobody knows");
    }
}

static enum rill_err take_header(struct rill_restore *restore, struct rill_error_text *why)
{
    if (!backup_header_get(restore->rest.data, &restore->header)) {
        rill_error_text_set(why, "this is no backup of a stream that Rill has made");
        return RILL_ERR_DAMAGED;
    }
    if (restore->header.version != BACKUP_VERSION) {
        rill_error_text_set(why, "a backup of version %u, which is newer than this Rill",
                            restore->header.version);
        return RILL_ERR_UNSUPPORTED;
    }
    restore->begun = true;
    return RILL_OK;
}

/* How many bytes what stands at the front has, as far as can be told; 0: it cannot be. */
static size_t front_bytes(const struct rill_restore *restore)
{
    if (!restore->begun)
        return BACKUP_HEADER_BYTES;
    if (restore->rest.len < BACKUP_HEAD_BYTES)
        return BACKUP_HEAD_BYTES;
    const uint32_t length = le_get_u32(restore->rest.data + 4);
    return length <= RILL_BACKUP_BLOCK_BYTES_MAX - BACKUP_HEAD_BYTES ? BACKUP_HEAD_BYTES + length : 0;
}

/* What stands at the front is whole. */
static enum rill_err take_front(struct rill_restore *restore, struct rill_error_text *why)
{
    const uint8_t *at = restore->rest.data;
    if (!restore->begun)
        return take_header(restore, why);
    restore->number++;
    const struct rill_bytes payload = rill_bytes_from(rill_buf_bytes(&restore->rest), BACKUP_HEAD_BYTES);
    const uint32_t kind = le_get_u32(at);
    if (backup_checksum(restore->number, (enum backup_kind)kind, payload) != le_get_u64(at + 8))
        return damaged(why, restore->number, "its checksum is wrong");
    return take_block(restore, kind, payload, why);
}

static enum rill_err take_some(struct rill_restore *restore, struct rill_bytes *bytes,
                               struct rill_error_text *why)
{
    const size_t wanted = front_bytes(restore);
    if (restore->ended)
        return damaged(why, restore->number, "there is more behind the end");
    if (!wanted)
        return damaged(why, restore->number + 1, "too long");
    const size_t missing = wanted - restore->rest.len;
    const size_t count = missing < bytes->len ? missing : bytes->len;
    const enum rill_err err = rill_buf_append(&restore->rest, rill_bytes_of(bytes->data, count));
    if (err)
        return err;
    *bytes = rill_bytes_from(*bytes, count);
    if (restore->rest.len < wanted || front_bytes(restore) != wanted)
        return RILL_OK;
    const enum rill_err taken = take_front(restore, why);
    restore->rest.len = 0;
    return taken;
}

enum rill_err rill_restore_write(struct rill_restore *restore, struct rill_bytes bytes,
                                 struct rill_error_text *why)
{
    enum rill_err err = RILL_OK;
    while (!err && bytes.len)
        err = take_some(restore, &bytes, why);
    return err;
}

enum rill_err rill_restore_finish(struct rill_restore *restore, struct rill_error_text *why)
{
    if (!restore->ended) {
        rill_error_text_set(why, "the backup ends too early");
        return RILL_ERR_DAMAGED;
    }
    const enum rill_err err = restore->disk->ops->sync_folder(restore->disk, restore->folder);
    if (err)
        rill_error_text_set(why, "sync %s: %s", restore->folder, rill_err_text(err));
    return err;
}

uint32_t rill_restore_flags(const struct rill_restore *restore)
{
    return restore->header.flags;
}

// ---- into its place ----

static enum rill_err exists_if_segment(void *context, const char *name, bool is_folder)
{
    return !is_folder && segment_number_of(name, ".seg") ? RILL_ERR_EXISTS : RILL_OK;
}

/* A folder without a segment is one that was never finished. */
static enum rill_err make_way(struct rill_disk *disk, const char *folder)
{
    const enum rill_err err = disk->ops->list(disk, folder, exists_if_segment, NULL);
    if (err)
        return err == RILL_ERR_NOT_FOUND ? RILL_OK : err;
    return folder_remove(disk, folder);
}

enum rill_err rill_restore_place(struct rill_disk *disk, const char *folder, struct rill_error_text *why)
{
    char *from = rill_restore_path(folder);
    char *parent = io_parent(folder);
    enum rill_err err = make_way(disk, folder);
    if (!err)
        err = disk->ops->rename(disk, from, folder);
    if (!err)
        err = disk->ops->sync_folder(disk, parent);
    if (err)
        rill_error_text_set(why, "put %s in its place: %s", folder, rill_err_text(err));
    free(parent);
    free(from);
    return err;
}

enum rill_err rill_restore_discard(struct rill_disk *disk, const char *folder)
{
    char *path = rill_restore_path(folder);
    const enum rill_err err = folder_remove(disk, path);
    free(path);
    return err;
}

enum rill_err rill_restore_discard_all(struct rill_disk *disk, const char *store_folder)
{
    return folder_remove_all(disk, store_folder, SUFFIX);
}
