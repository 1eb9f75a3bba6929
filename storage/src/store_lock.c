// SPDX-License-Identifier: Apache-2.0
#include "store_lock.h"

#include "base/alloc.h"
#include "io.h"

#include <stdlib.h>

char *store_lock_root(const char *folder)
{
    char *account = io_parent(folder);
    char *root = io_parent(account);
    free(account);
    return root;
}

/* LOCKED when somebody holds the lock at `path`; a file that is not there nobody holds, and it is not made. */
static enum rill_err look_at(struct rill_disk *disk, const char *path)
{
    struct rill_disk_file *file;
    enum rill_err err = disk->ops->open(disk, path, RILL_DISK_READ, &file);
    if (err)
        return err == RILL_ERR_NOT_FOUND ? RILL_OK : err;
    disk->ops->close(file);
    err = disk->ops->lock(disk, path, &file);
    if (!err)
        disk->ops->close(file);
    return err;
}

static enum rill_err look_at_root(struct rill_disk *disk, const char *folder)
{
    char *root = store_lock_root(folder);
    char *path = io_path(root, "lock");
    const enum rill_err err = look_at(disk, path);
    free(path);
    free(root);
    return err;
}

enum rill_err store_lock_take(struct rill_disk *disk, const char *folder,
                              const struct rill_store_shared *shared, struct rill_disk_file **ret_lock)
{
    char *path = io_path(folder, "lock");
    struct rill_disk_file *lock = NULL;
    enum rill_err err;
    if (shared_has_root_of(shared, folder)) {
        err = look_at(disk, path);
    } else {
        err = disk->ops->lock(disk, path, &lock);
        if (!err)
            err = look_at_root(disk, folder);
    }
    free(path);
    if (err && lock)
        disk->ops->close(lock);
    else if (!err)
        *ret_lock = lock;
    return err;
}
