// SPDX-License-Identifier: Apache-2.0
#include "faulty_disk.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

struct faulty_file {
    struct rill_disk_file base;
    struct rill_disk_file *below;
    bool may_fail;
};

static struct faulty_disk *disk_of(struct rill_disk *disk)
{
    return (struct faulty_disk *)disk;
}

static struct rill_disk_file *below_of(struct rill_disk_file *file)
{
    return ((struct faulty_file *)file)->below;
}

static bool may_fail(const struct faulty_disk *disk, const char *path)
{
    return !disk->only || strstr(path, disk->only);
}

static bool fails_now(struct faulty_disk *disk)
{
    disk->calls++;
    const bool now =
        disk->fail_at && disk->calls >= disk->fail_at && disk->calls - disk->fail_at < disk->fail_count;
    disk->failed += now;
    return now;
}

static bool fails(struct faulty_disk *disk, const char *path)
{
    return may_fail(disk, path) && fails_now(disk);
}

static bool file_fails(struct rill_disk_file *file)
{
    return ((struct faulty_file *)file)->may_fail && fails_now(disk_of(file->disk));
}

static enum rill_err file_wrap(struct rill_disk *disk, const char *path, struct rill_disk_file *below,
                               struct rill_disk_file **ret_file)
{
    struct faulty_file *file = rill_alloc_zero(1, sizeof *file);
    *file = (struct faulty_file){{disk}, below, may_fail(disk_of(disk), path)};
    *ret_file = &file->base;
    return RILL_OK;
}

static enum rill_err faulty_open(struct rill_disk *base, const char *path, enum rill_disk_open how,
                                 struct rill_disk_file **ret_file)
{
    struct faulty_disk *disk = disk_of(base);
    struct rill_disk_file *below = NULL;
    if (fails(disk, path))
        return disk->err;
    const enum rill_err err = disk->below->ops->open(disk->below, path, how, &below);
    return err ? err : file_wrap(base, path, below, ret_file);
}

static void faulty_close(struct rill_disk_file *file)
{
    struct rill_disk_file *below = below_of(file);
    below->disk->ops->close(below);
    free(file);
}

static enum rill_err faulty_lock(struct rill_disk *base, const char *path, struct rill_disk_file **ret_lock)
{
    struct faulty_disk *disk = disk_of(base);
    struct rill_disk_file *below = NULL;
    if (fails(disk, path))
        return disk->err;
    const enum rill_err err = disk->below->ops->lock(disk->below, path, &below);
    return err ? err : file_wrap(base, path, below, ret_lock);
}

static enum rill_err write_some(struct rill_disk_file *below, const struct iovec *part, size_t len,
                                uint64_t offset, size_t *ret_written)
{
    const struct iovec shortened = {part->iov_base, len < part->iov_len ? len : part->iov_len};
    return below->disk->ops->pwritev(below, &shortened, 1, offset, ret_written);
}

static enum rill_err faulty_pwritev(struct rill_disk_file *file, const struct iovec *parts, int part_count,
                                    uint64_t offset, size_t *ret_written)
{
    struct faulty_disk *disk = disk_of(file->disk);
    struct rill_disk_file *below = below_of(file);
    if (file_fails(file)) {
        size_t written;
        if (disk->half_written)
            (void)!write_some(below, &parts[0], parts[0].iov_len / 2 + 1, offset, &written);
        return disk->err;
    }
    if (disk->write_max)
        return write_some(below, &parts[0], disk->write_max, offset, ret_written);
    return below->disk->ops->pwritev(below, parts, part_count, offset, ret_written);
}

static enum rill_err faulty_pread(struct rill_disk_file *file, void *data, size_t len, uint64_t offset,
                                  size_t *ret_read)
{
    struct faulty_disk *disk = disk_of(file->disk);
    struct rill_disk_file *below = below_of(file);
    if (file_fails(file))
        return disk->err;
    if (disk->write_max && len > disk->write_max)
        len = disk->write_max;
    return below->disk->ops->pread(below, data, len, offset, ret_read);
}

static enum rill_err faulty_fdatasync(struct rill_disk_file *file)
{
    struct rill_disk_file *below = below_of(file);
    disk_of(file->disk)->syncs += ((struct faulty_file *)file)->may_fail;
    return file_fails(file) ? disk_of(file->disk)->err : below->disk->ops->fdatasync(below);
}

static enum rill_err faulty_fallocate(struct rill_disk_file *file, uint64_t size)
{
    struct rill_disk_file *below = below_of(file);
    return file_fails(file) ? disk_of(file->disk)->err : below->disk->ops->fallocate(below, size);
}

static enum rill_err faulty_truncate(struct rill_disk_file *file, uint64_t size)
{
    struct rill_disk_file *below = below_of(file);
    return file_fails(file) ? disk_of(file->disk)->err : below->disk->ops->truncate(below, size);
}

static enum rill_err faulty_size(struct rill_disk_file *file, uint64_t *ret_size)
{
    struct rill_disk_file *below = below_of(file);
    return file_fails(file) ? disk_of(file->disk)->err : below->disk->ops->size(below, ret_size);
}

static enum rill_err faulty_rename(struct rill_disk *base, const char *from, const char *to)
{
    struct faulty_disk *disk = disk_of(base);
    return fails(disk, from) ? disk->err : disk->below->ops->rename(disk->below, from, to);
}

static enum rill_err faulty_unlink(struct rill_disk *base, const char *path)
{
    struct faulty_disk *disk = disk_of(base);
    return fails(disk, path) ? disk->err : disk->below->ops->unlink(disk->below, path);
}

static enum rill_err faulty_mkdir(struct rill_disk *base, const char *path)
{
    struct faulty_disk *disk = disk_of(base);
    return fails(disk, path) ? disk->err : disk->below->ops->mkdir(disk->below, path);
}

static enum rill_err faulty_rmdir(struct rill_disk *base, const char *path)
{
    struct faulty_disk *disk = disk_of(base);
    return fails(disk, path) ? disk->err : disk->below->ops->rmdir(disk->below, path);
}

static enum rill_err faulty_list(struct rill_disk *base, const char *path, rill_disk_visit_fn *visit,
                                 void *context)
{
    struct faulty_disk *disk = disk_of(base);
    return fails(disk, path) ? disk->err : disk->below->ops->list(disk->below, path, visit, context);
}

static enum rill_err faulty_sync_folder(struct rill_disk *base, const char *path)
{
    struct faulty_disk *disk = disk_of(base);
    return fails(disk, path) ? disk->err : disk->below->ops->sync_folder(disk->below, path);
}

void faulty_disk_init(struct faulty_disk *disk, struct rill_disk *below)
{
    static const struct rill_disk_ops ops = {
        .open = faulty_open,
        .close = faulty_close,
        .lock = faulty_lock,
        .pwritev = faulty_pwritev,
        .pread = faulty_pread,
        .fdatasync = faulty_fdatasync,
        .fallocate = faulty_fallocate,
        .truncate = faulty_truncate,
        .size = faulty_size,
        .rename = faulty_rename,
        .unlink = faulty_unlink,
        .mkdir = faulty_mkdir,
        .rmdir = faulty_rmdir,
        .list = faulty_list,
        .sync_folder = faulty_sync_folder,
    };
    *disk = (struct faulty_disk){.base = {&ops}, .below = below, .fail_count = 1, .err = RILL_ERR_IO};
}
