// SPDX-License-Identifier: Apache-2.0
#include "disk_vfs.h"

#include "base/assert.h"
#include "disk_vfs_shared.h"

#include <stdlib.h>
#include <string.h>

enum { PATH_BYTES_MAX = 4096 };

struct disk_vfs {
    sqlite3_vfs base;
    struct rill_disk *disk;
    struct vfs_shared shared;
};

struct disk_file {
    sqlite3_file base; // first
    struct disk_vfs *vfs;
    struct rill_disk_file *file;
    struct vfs_holder holder;
};

static struct disk_file *file_of(sqlite3_file *file)
{
    return (struct disk_file *)file;
}

static struct rill_disk *disk_of(sqlite3_vfs *vfs)
{
    return ((struct disk_vfs *)vfs)->disk;
}

/* `otherwise` for what has no code of its own. */
static int code_of(enum rill_err err, int otherwise)
{
    switch (err) {
    case RILL_OK:
        return SQLITE_OK;
    case RILL_ERR_NO_SPACE:
        return SQLITE_FULL;
    case RILL_ERR_NO_MEMORY:
        return SQLITE_NOMEM;
    case RILL_ERR_DENIED:
        return SQLITE_PERM;
    default:
        return otherwise;
    }
}

static int file_close(sqlite3_file *base)
{
    struct disk_file *file = file_of(base);
    vfs_unmap(&file->vfs->shared, &file->holder);
    vfs_unlock(&file->vfs->shared, &file->holder, SQLITE_LOCK_NONE);
    file->vfs->disk->ops->close(file->file);
    return SQLITE_OK;
}

static int file_read(sqlite3_file *base, void *data, int len, sqlite3_int64 offset)
{
    struct disk_file *file = file_of(base);
    uint8_t *at = data;
    size_t left = (size_t)len, got = 0;
    enum rill_err err = RILL_OK;
    for (; !err && left; at += got, left -= got, offset += (sqlite3_int64)got) {
        err = file->vfs->disk->ops->pread(file->file, at, left, (uint64_t)offset, &got);
        if (!err && !got) {
            memset(at, 0, left); // as SQLite wants it
            return SQLITE_IOERR_SHORT_READ;
        }
    }
    return code_of(err, SQLITE_IOERR_READ);
}

static int file_write(sqlite3_file *base, const void *data, int len, sqlite3_int64 offset)
{
    struct disk_file *file = file_of(base);
    struct iovec part = {(void *)(uintptr_t)data, (size_t)len};
    size_t written = 0;
    enum rill_err err = RILL_OK;
    while (!err && part.iov_len) {
        err = file->vfs->disk->ops->pwritev(file->file, &part, 1, (uint64_t)offset, &written);
        if (err)
            break;
        part.iov_base = (uint8_t *)part.iov_base + written;
        part.iov_len -= written;
        offset += (sqlite3_int64)written;
    }
    return code_of(err, SQLITE_IOERR_WRITE);
}

static int file_truncate(sqlite3_file *base, sqlite3_int64 size)
{
    struct disk_file *file = file_of(base);
    return code_of(file->vfs->disk->ops->truncate(file->file, (uint64_t)size), SQLITE_IOERR_TRUNCATE);
}

static int file_sync(sqlite3_file *base, int flags)
{
    (void)flags;
    struct disk_file *file = file_of(base);
    return code_of(file->vfs->disk->ops->fdatasync(file->file), SQLITE_IOERR_FSYNC);
}

static int file_size(sqlite3_file *base, sqlite3_int64 *ret_size)
{
    struct disk_file *file = file_of(base);
    uint64_t size = 0;
    const enum rill_err err = file->vfs->disk->ops->size(file->file, &size);
    *ret_size = (sqlite3_int64)size;
    return code_of(err, SQLITE_IOERR_FSTAT);
}

static int file_lock(sqlite3_file *base, int level)
{
    return vfs_lock(&file_of(base)->vfs->shared, &file_of(base)->holder, level);
}

static int file_unlock(sqlite3_file *base, int level)
{
    vfs_unlock(&file_of(base)->vfs->shared, &file_of(base)->holder, level);
    return SQLITE_OK;
}

static int file_is_reserved(sqlite3_file *base, int *ret)
{
    *ret = vfs_is_reserved(&file_of(base)->vfs->shared);
    return SQLITE_OK;
}

static int file_control(sqlite3_file *base, int op, void *argument)
{
    (void)base, (void)op, (void)argument;
    return SQLITE_NOTFOUND;
}

static int file_sector_size(sqlite3_file *base)
{
    (void)base;
    return 512;
}

/* A write never harms bytes beside it. */
static int file_characteristics(sqlite3_file *base)
{
    (void)base;
    return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

static int file_shm_map(sqlite3_file *base, int page, int bytes, int extend, void volatile **ret)
{
    return vfs_map(&file_of(base)->vfs->shared, &file_of(base)->holder, page, bytes, extend != 0, ret);
}

static int file_shm_lock(sqlite3_file *base, int slot, int count, int flags)
{
    return vfs_slots_lock(&file_of(base)->vfs->shared, &file_of(base)->holder, slot, count, flags);
}

static void file_shm_barrier(sqlite3_file *base)
{
    vfs_barrier(&file_of(base)->vfs->shared);
}

static int file_shm_unmap(sqlite3_file *base, int is_last)
{
    (void)is_last; // it goes with its last user
    vfs_unmap(&file_of(base)->vfs->shared, &file_of(base)->holder);
    return SQLITE_OK;
}

static const sqlite3_io_methods file_methods = {
    .iVersion = 2,
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = file_lock,
    .xUnlock = file_unlock,
    .xCheckReservedLock = file_is_reserved,
    .xFileControl = file_control,
    .xSectorSize = file_sector_size,
    .xDeviceCharacteristics = file_characteristics,
    .xShmMap = file_shm_map,
    .xShmLock = file_shm_lock,
    .xShmBarrier = file_shm_barrier,
    .xShmUnmap = file_shm_unmap,
};

static int vfs_open(sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *base, int flags, int *ret_flags)
{
    struct rill_disk *disk = disk_of(vfs);
    struct disk_file *file = file_of(base);
    *file = (struct disk_file){.vfs = (struct disk_vfs *)vfs};
    if (!name)
        return SQLITE_CANTOPEN; // temporary files are in memory
    const bool writes = (flags & SQLITE_OPEN_READWRITE) != 0;
    enum rill_err err = disk->ops->open(disk, name, writes ? RILL_DISK_WRITE : RILL_DISK_READ, &file->file);
    if (err == RILL_ERR_NOT_FOUND && (flags & SQLITE_OPEN_CREATE))
        err = disk->ops->open(disk, name, RILL_DISK_CREATE, &file->file);
    if (err)
        return code_of(err, SQLITE_CANTOPEN);
    file->base.pMethods = &file_methods;
    if (ret_flags)
        *ret_flags = flags;
    return SQLITE_OK;
}

/* Whether a name that was removed comes back after a loss of power is index_vfs.c's to care for. */
static int vfs_delete(sqlite3_vfs *vfs, const char *name, int sync)
{
    (void)sync;
    struct rill_disk *disk = disk_of(vfs);
    const enum rill_err err = disk->ops->unlink(disk, name);
    return err == RILL_ERR_NOT_FOUND ? SQLITE_IOERR_DELETE_NOENT : code_of(err, SQLITE_IOERR_DELETE);
}

/* SQLite takes an empty file for none. */
static int vfs_access(sqlite3_vfs *vfs, const char *name, int flags, int *ret)
{
    (void)flags;
    struct rill_disk *disk = disk_of(vfs);
    struct rill_disk_file *file;
    uint64_t size = 0;
    enum rill_err err = disk->ops->open(disk, name, RILL_DISK_READ, &file);
    if (!err) {
        err = disk->ops->size(file, &size);
        disk->ops->close(file);
    }
    *ret = size > 0;
    return err == RILL_ERR_NOT_FOUND ? SQLITE_OK : code_of(err, SQLITE_IOERR_ACCESS);
}

static int vfs_full_path(sqlite3_vfs *vfs, const char *name, int bytes, char *ret)
{
    (void)vfs;
    if (strlen(name) >= (size_t)bytes)
        return SQLITE_CANTOPEN;
    memcpy(ret, name, strlen(name) + 1);
    return SQLITE_OK;
}

struct disk_vfs *disk_vfs_create(struct rill_disk *disk, const sqlite3_vfs *system)
{
    struct disk_vfs *vfs = calloc(1, sizeof *vfs);
    if (!vfs)
        return NULL;
    vfs->base = *system; // time, sleep and randomness are the system's
    vfs->base.szOsFile = (int)sizeof(struct disk_file);
    vfs->base.mxPathname = PATH_BYTES_MAX;
    vfs->base.pNext = NULL;
    vfs->base.zName = "rill-disk";
    vfs->base.xOpen = vfs_open;
    vfs->base.xDelete = vfs_delete;
    vfs->base.xAccess = vfs_access;
    vfs->base.xFullPathname = vfs_full_path;
    vfs->disk = disk;
    vfs_shared_init(&vfs->shared);
    return vfs;
}

void disk_vfs_destroy(struct disk_vfs *vfs)
{
    if (!vfs)
        return;
    vfs_shared_fini(&vfs->shared);
    free(vfs);
}

sqlite3_vfs *disk_vfs_base(struct disk_vfs *vfs)
{
    return &vfs->base;
}
