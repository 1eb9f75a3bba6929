// SPDX-License-Identifier: Apache-2.0
#include "disk_copy.h"

#include "base/alloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK_BYTES = 64 << 10, NAMES_MAX = 256, NAME_BYTES = 64, PATH_BYTES = 256 };

static enum rill_err write_all(struct rill_disk_file *out, uint8_t *data, size_t len, uint64_t offset)
{
    enum rill_err err = RILL_OK;
    for (size_t done = 0, count = 0; !err && done < len; done += count) {
        const struct iovec part = {data + done, len - done};
        err = out->disk->ops->pwritev(out, &part, 1, offset + done, &count);
    }
    return err;
}

static enum rill_err copy_bytes(struct rill_disk_file *in, struct rill_disk_file *out, uint64_t bytes,
                                uint64_t *ret_copied)
{
    uint8_t *chunk = rill_alloc_zero(1, CHUNK_BYTES);
    uint64_t offset = 0;
    size_t count = 1;
    enum rill_err err = RILL_OK;
    while (!err && count && offset < bytes) {
        const size_t want = bytes - offset < CHUNK_BYTES ? (size_t)(bytes - offset) : CHUNK_BYTES;
        err = in->disk->ops->pread(in, chunk, want, offset, &count);
        if (!err)
            err = write_all(out, chunk, count, offset);
        offset += err ? 0 : count;
    }
    free(chunk);
    *ret_copied = offset;
    return err;
}

enum rill_err disk_copy_file(struct rill_disk *disk, const char *from, const char *to, uint64_t bytes,
                             uint64_t *ret_copied)
{
    struct rill_disk_file *in = NULL, *out = NULL;
    enum rill_err err = disk->ops->open(disk, from, RILL_DISK_READ, &in);
    if (!err)
        err = disk->ops->open(disk, to, RILL_DISK_CREATE, &out);
    if (!err)
        err = copy_bytes(in, out, bytes, ret_copied);
    if (in)
        disk->ops->close(in);
    if (out)
        disk->ops->close(out);
    return err;
}

/* The names are taken first: nothing is changed in a folder while it is listed. */
struct names {
    char names[NAMES_MAX][NAME_BYTES];
    size_t count;
};

static enum rill_err note_name(void *context, const char *name, bool is_folder)
{
    struct names *names = context;
    if (is_folder || names->count == NAMES_MAX || strlen(name) >= NAME_BYTES)
        return RILL_ERR_LIMIT;
    strcpy(names->names[names->count++], name);
    return RILL_OK;
}

enum rill_err disk_copy_folder(struct rill_disk *disk, const char *from, const char *to)
{
    struct names *names = rill_alloc_zero(1, sizeof *names);
    enum rill_err err = disk->ops->mkdir(disk, to);
    if (!err)
        err = disk->ops->list(disk, from, note_name, names);
    for (size_t i = 0; !err && i < names->count; i++) {
        char from_path[PATH_BYTES], to_path[PATH_BYTES];
        uint64_t copied;
        (void)snprintf(from_path, sizeof from_path, "%s/%s", from, names->names[i]);
        (void)snprintf(to_path, sizeof to_path, "%s/%s", to, names->names[i]);
        err = disk_copy_file(disk, from_path, to_path, UINT64_MAX, &copied);
    }
    free(names);
    return err;
}

enum rill_err disk_remove_folder(struct rill_disk *disk, const char *path)
{
    struct names *names = rill_alloc_zero(1, sizeof *names);
    enum rill_err err = disk->ops->list(disk, path, note_name, names);
    for (size_t i = 0; !err && i < names->count; i++) {
        char file[PATH_BYTES];
        (void)snprintf(file, sizeof file, "%s/%s", path, names->names[i]);
        err = disk->ops->unlink(disk, file);
    }
    free(names);
    return err ? err : disk->ops->rmdir(disk, path);
}
