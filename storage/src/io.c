// SPDX-License-Identifier: Apache-2.0
#include "io.h"

#include "base/alloc.h"
#include "base/assert.h"

enum { IO_PARTS_MAX = 512 }; // of one call; Linux takes 1024

static void parts_advance(struct iovec **parts, size_t *part_count, size_t written)
{
    while (*part_count && written >= (*parts)->iov_len) {
        written -= (*parts)->iov_len;
        (*parts)++;
        (*part_count)--;
    }
    if (!written)
        return;
    RILL_ASSERT(*part_count > 0);
    (*parts)->iov_base = (uint8_t *)(*parts)->iov_base + written;
    (*parts)->iov_len -= written;
}

enum rill_err io_write_all(struct rill_disk_file *file, struct iovec *parts, size_t part_count,
                           uint64_t offset)
{
    parts_advance(&parts, &part_count, 0);
    while (part_count) {
        const int count = part_count < IO_PARTS_MAX ? (int)part_count : IO_PARTS_MAX;
        size_t written = 0;
        const enum rill_err err = file->disk->ops->pwritev(file, parts, count, offset, &written);
        if (err)
            return err;
        if (!written)
            return RILL_ERR_IO;
        offset += written;
        parts_advance(&parts, &part_count, written);
    }
    return RILL_OK;
}

enum rill_err io_read_all(struct rill_disk_file *file, void *data, size_t len, uint64_t offset,
                          size_t *ret_read)
{
    size_t have = 0;
    while (have < len) {
        size_t got = 0;
        const enum rill_err err =
            file->disk->ops->pread(file, (uint8_t *)data + have, len - have, offset + have, &got);
        if (err)
            return err;
        RILL_ASSERT(got <= len - have);
        if (!got)
            break;
        have += got;
    }
    *ret_read = have;
    return RILL_OK;
}

enum rill_err io_create(struct rill_disk *disk, const char *path, struct rill_disk_file **ret_file)
{
    const enum rill_err err = disk->ops->unlink(disk, path);
    return err && err != RILL_ERR_NOT_FOUND ? err : disk->ops->open(disk, path, RILL_DISK_CREATE, ret_file);
}

char *io_path(const char *folder, const char *name)
{
    const size_t folder_len = strlen(folder), name_len = strlen(name);
    char *path = rill_alloc_zero(folder_len + name_len + 2, 1);
    memcpy(path, folder, folder_len);
    path[folder_len] = '/';
    memcpy(path + folder_len + 1, name, name_len);
    return path;
}

char *io_parent(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return rill_alloc_cstr(RILL_BYTES("."));
    return rill_alloc_cstr(slash == path ? RILL_BYTES("/") : rill_bytes_of(path, (size_t)(slash - path)));
}
