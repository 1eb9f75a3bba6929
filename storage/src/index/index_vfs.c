// SPDX-License-Identifier: Apache-2.0
#include "index_vfs.h"

#include "../le.h"
#include "disk_vfs.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

struct index_vfs {
    sqlite3_vfs base; // first
    char name[40];
    struct rill_disk *disk;
    sqlite3_vfs *inner;
    struct disk_vfs *disk_vfs; // NULL on the real disk
    char *folder;
    atomic_bool is_folder_changed; // since it was synced
};

/* A file of ours: SQLite allocates szOsFile bytes, ours first, the system's behind it. */
struct checked_file {
    sqlite3_file base;
    struct index_vfs *vfs;
    bool is_database;
};

static struct checked_file *checked_of(sqlite3_file *file)
{
    return (struct checked_file *)file;
}

static sqlite3_file *inner_of(sqlite3_file *file)
{
    return (sqlite3_file *)(checked_of(file) + 1);
}

static uint64_t page_checksum(const uint8_t *page, sqlite3_int64 offset)
{
    return XXH3_64bits_withSeed(page, INDEX_PAGE_BYTES - INDEX_PAGE_RESERVED, (uint64_t)offset);
}

static bool is_page(const struct checked_file *file, int len, sqlite3_int64 offset)
{
    return file->is_database && len == INDEX_PAGE_BYTES && offset % INDEX_PAGE_BYTES == 0;
}

static int checked_close(sqlite3_file *file)
{
    return inner_of(file)->pMethods->xClose(inner_of(file));
}

static bool is_empty(sqlite3_file *file)
{
    sqlite3_int64 size = 0;
    return inner_of(file)->pMethods->xFileSize(inner_of(file), &size) == SQLITE_OK && size == 0;
}

/* A read of a part of a page is SQLite's look at the header, which it reads again with its page. */
static int checked_read(sqlite3_file *file, void *data, int len, sqlite3_int64 offset)
{
    const int code = inner_of(file)->pMethods->xRead(inner_of(file), data, len, offset);
    if (!is_page(checked_of(file), len, offset))
        return code;
    // SQLite would go on with zeros: right for a file that is being made, and for no other.
    if (code == SQLITE_IOERR_SHORT_READ)
        return is_empty(file) ? code : SQLITE_IOERR_DATA;
    if (code != SQLITE_OK)
        return code;
    const uint8_t *page = data;
    const uint64_t stored = le_get_u64(page + INDEX_PAGE_BYTES - INDEX_PAGE_RESERVED);
    return stored == page_checksum(page, offset) ? SQLITE_OK : SQLITE_IOERR_DATA;
}

static int checked_write(sqlite3_file *file, const void *data, int len, sqlite3_int64 offset)
{
    if (!is_page(checked_of(file), len, offset))
        return inner_of(file)->pMethods->xWrite(inner_of(file), data, len, offset);
    uint8_t page[INDEX_PAGE_BYTES];
    memcpy(page, data, sizeof page);
    le_put_u64(page + INDEX_PAGE_BYTES - INDEX_PAGE_RESERVED, page_checksum(page, offset));
    return inner_of(file)->pMethods->xWrite(inner_of(file), page, len, offset);
}

static int checked_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    return inner_of(file)->pMethods->xTruncate(inner_of(file), size);
}

/* A write-ahead log that a checkpoint is copied from must have its name after a loss of power, and not an older
   one with that name. SQLite's file layer sees to that for the connection that made it; here another one copies. */
static int checked_sync(sqlite3_file *file, int flags)
{
    struct index_vfs *vfs = checked_of(file)->vfs;
    const int code = inner_of(file)->pMethods->xSync(inner_of(file), flags);
    if (code != SQLITE_OK || !atomic_load(&vfs->is_folder_changed))
        return code;
    if (vfs->disk->ops->sync_folder(vfs->disk, vfs->folder) != RILL_OK)
        return SQLITE_IOERR_DIR_FSYNC;
    atomic_store(&vfs->is_folder_changed, false);
    return SQLITE_OK;
}

static int checked_size(sqlite3_file *file, sqlite3_int64 *ret_size)
{
    return inner_of(file)->pMethods->xFileSize(inner_of(file), ret_size);
}

static int checked_lock(sqlite3_file *file, int lock)
{
    return inner_of(file)->pMethods->xLock(inner_of(file), lock);
}

static int checked_unlock(sqlite3_file *file, int lock)
{
    return inner_of(file)->pMethods->xUnlock(inner_of(file), lock);
}

static int checked_is_reserved(sqlite3_file *file, int *ret)
{
    return inner_of(file)->pMethods->xCheckReservedLock(inner_of(file), ret);
}

static int checked_control(sqlite3_file *file, int op, void *argument)
{
    return inner_of(file)->pMethods->xFileControl(inner_of(file), op, argument);
}

static int checked_sector_size(sqlite3_file *file)
{
    return inner_of(file)->pMethods->xSectorSize(inner_of(file));
}

static int checked_characteristics(sqlite3_file *file)
{
    return inner_of(file)->pMethods->xDeviceCharacteristics(inner_of(file));
}

static int checked_shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **ret)
{
    return inner_of(file)->pMethods->xShmMap(inner_of(file), page, size, extend, ret);
}

static int checked_shm_lock(sqlite3_file *file, int offset, int count, int flags)
{
    return inner_of(file)->pMethods->xShmLock(inner_of(file), offset, count, flags);
}

static void checked_shm_barrier(sqlite3_file *file)
{
    inner_of(file)->pMethods->xShmBarrier(inner_of(file));
}

static int checked_shm_unmap(sqlite3_file *file, int delete)
{
    return inner_of(file)->pMethods->xShmUnmap(inner_of(file), delete);
}

/* Version 2: no memory maps of the file, whose pages would escape the check. */
static const sqlite3_io_methods checked_methods = {
    .iVersion = 2,
    .xClose = checked_close,
    .xRead = checked_read,
    .xWrite = checked_write,
    .xTruncate = checked_truncate,
    .xSync = checked_sync,
    .xFileSize = checked_size,
    .xLock = checked_lock,
    .xUnlock = checked_unlock,
    .xCheckReservedLock = checked_is_reserved,
    .xFileControl = checked_control,
    .xSectorSize = checked_sector_size,
    .xDeviceCharacteristics = checked_characteristics,
    .xShmMap = checked_shm_map,
    .xShmLock = checked_shm_lock,
    .xShmBarrier = checked_shm_barrier,
    .xShmUnmap = checked_shm_unmap,
};

static int checked_open(sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *file, int flags,
                        int *ret_flags)
{
    sqlite3_vfs *inner = ((struct index_vfs *)vfs)->inner;
    file->pMethods = NULL;
    checked_of(file)->is_database = (flags & SQLITE_OPEN_MAIN_DB) != 0;
    inner_of(file)->pMethods = NULL;
    const int code = inner->xOpen(inner, name, inner_of(file), flags, ret_flags);
    if (!inner_of(file)->pMethods)
        return code;
    file->pMethods = &checked_methods;
    checked_of(file)->vfs = (struct index_vfs *)vfs;
    if (is_empty(file))
        atomic_store(&checked_of(file)->vfs->is_folder_changed, true); // perhaps it is new
    return code;
}

static int checked_delete(sqlite3_vfs *vfs, const char *name, int sync)
{
    sqlite3_vfs *inner = ((struct index_vfs *)vfs)->inner;
    return inner->xDelete(inner, name, sync);
}

static int checked_access(sqlite3_vfs *vfs, const char *name, int flags, int *ret)
{
    sqlite3_vfs *inner = ((struct index_vfs *)vfs)->inner;
    return inner->xAccess(inner, name, flags, ret);
}

static int checked_full_path(sqlite3_vfs *vfs, const char *name, int bytes, char *ret)
{
    sqlite3_vfs *inner = ((struct index_vfs *)vfs)->inner;
    return inner->xFullPathname(inner, name, bytes, ret);
}

static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? strndup(path, (size_t)(slash - path)) : strdup(".");
}

struct index_vfs *index_vfs_create(struct rill_disk *disk, const char *path)
{
    sqlite3_vfs *system = sqlite3_vfs_find("unix");
    struct index_vfs *vfs = system ? calloc(1, sizeof *vfs) : NULL;
    if (!vfs)
        return NULL;
    vfs->folder = folder_of(path);
    if (disk != rill_disk_real())
        vfs->disk_vfs = disk_vfs_create(disk, system);
    if (!vfs->folder || (disk != rill_disk_real() && !vfs->disk_vfs)) {
        index_vfs_destroy(vfs);
        return NULL;
    }
    vfs->disk = disk;
    vfs->is_folder_changed = true; // by whoever had it before, perhaps
    vfs->inner = vfs->disk_vfs ? disk_vfs_base(vfs->disk_vfs) : system;
    vfs->base = *vfs->inner; // time, sleep and randomness
    vfs->base.szOsFile = vfs->inner->szOsFile + (int)sizeof(struct checked_file);
    vfs->base.pNext = NULL;
    vfs->base.zName = vfs->name;
    vfs->base.xOpen = checked_open;
    vfs->base.xDelete = checked_delete;
    vfs->base.xAccess = checked_access;
    vfs->base.xFullPathname = checked_full_path;
    (void)snprintf(vfs->name, sizeof vfs->name, "rill-%p", (void *)vfs);
    return vfs;
}

void index_vfs_destroy(struct index_vfs *vfs)
{
    if (!vfs)
        return;
    disk_vfs_destroy(vfs->disk_vfs);
    free(vfs->folder);
    free(vfs);
}

struct rill_disk *index_vfs_disk(const struct index_vfs *vfs)
{
    return vfs->disk;
}

/* SQLite finds a layer by its name and keeps the pointer. So it is in SQLite's list, which is of the whole process,
   only while a connection opens: thousands of indexes do not make that list long. Two threads that connect to one
   index at once are not foreseen: a job connects while its index does not. */
int index_vfs_connect(struct index_vfs *vfs, const char *path, int flags, sqlite3 **ret_sqlite)
{
    int code = sqlite3_vfs_register(&vfs->base, 0);
    if (code == SQLITE_OK)
        code = sqlite3_open_v2(path, ret_sqlite, flags, vfs->name);
    (void)sqlite3_vfs_unregister(&vfs->base);
    return code;
}
