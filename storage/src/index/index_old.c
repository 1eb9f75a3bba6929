// SPDX-License-Identifier: Apache-2.0
#include "index_old.h"

#include "base/alloc.h"
#include "index_db.h"

#include <stdlib.h>

static char *with_suffix(const char *path, const char *suffix)
{
    const size_t len = strlen(path), more = strlen(suffix) + 1;
    char *name = rill_alloc_zero(len + more, 1);
    memcpy(name, path, len);
    memcpy(name + len, suffix, more);
    return name;
}

char *index_old_path(const char *path)
{
    return with_suffix(path, "-old");
}

static bool is_there(struct rill_disk *disk, const char *path, const char *suffix)
{
    struct rill_disk_file *file;
    char *name = with_suffix(path, suffix);
    const enum rill_err err = disk->ops->open(disk, name, RILL_DISK_READ, &file);
    if (!err)
        disk->ops->close(file);
    free(name);
    return err != RILL_ERR_NOT_FOUND;
}

bool index_old_is_there(struct rill_disk *disk, const char *path)
{
    return is_there(disk, path, "-old");
}

/* Fine when it is not there. */
static enum rill_err set_one_aside(struct rill_disk *disk, const char *path, const char *from, const char *to)
{
    char *old = with_suffix(path, from), *new = with_suffix(path, to);
    enum rill_err err = disk->ops->rename(disk, old, new);
    free(old);
    free(new);
    if (err)
        return err == RILL_ERR_NOT_FOUND ? RILL_OK : err;
    return index_db_sync_folder(disk, path);
}

enum rill_err index_old_set_aside(struct rill_disk *disk, const char *path)
{
    enum rill_err err = RILL_OK;
    if (index_old_is_there(disk, path) || !is_there(disk, path, ""))
        return index_db_remove(disk, path);
    err = set_one_aside(disk, path, "-wal", "-old-wal");
    err = err ? err : set_one_aside(disk, path, "", "-old");
    return err ? err : index_db_remove(disk, path); // what else SQLite keeps
}

enum rill_err index_old_settle(struct rill_disk *disk, const char *path)
{
    if (!is_there(disk, path, "-old-wal") || index_old_is_there(disk, path))
        return RILL_OK;
    return set_one_aside(disk, path, "", "-old");
}

enum rill_err index_old_remove(struct rill_disk *disk, const char *path)
{
    char *log = with_suffix(path, "-old-wal"), *old = index_old_path(path);
    enum rill_err err = disk->ops->unlink(disk, log);
    if (!err)
        err = index_db_sync_folder(disk, path);
    if (!err || err == RILL_ERR_NOT_FOUND)
        err = index_db_remove(disk, old);
    free(log);
    free(old);
    return err;
}
