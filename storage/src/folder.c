// SPDX-License-Identifier: Apache-2.0
#include "folder.h"

#include "base/alloc.h"
#include "io.h"
#include "segment.h"
#include "storage/store.h"
#include "store_lock.h"

#include <stdlib.h>

struct names {
    char **names;
    size_t count;
    const char *suffix; // only names of segment files with this suffix; NULL for all names
    bool folders;       // folders instead of files
};

static enum rill_err names_visit(void *context, const char *name, bool is_folder)
{
    struct names *names = context;
    if (is_folder != names->folders || (names->suffix && !segment_number_of(name, names->suffix)))
        return RILL_OK;
    names->names = rill_alloc_resize(names->names, names->count + 1, sizeof names->names[0]);
    names->names[names->count++] = rill_alloc_cstr(rill_bytes_from_cstr(name));
    return RILL_OK;
}

static void names_fini(struct names *names)
{
    for (size_t i = 0; i < names->count; i++)
        free(names->names[i]);
    free(names->names);
}

static enum rill_err names_unlink(struct names *names, struct rill_disk *disk, const char *folder)
{
    enum rill_err err = disk->ops->list(disk, folder, names_visit, names);
    for (size_t i = 0; !err && i < names->count; i++) {
        char *path = io_path(folder, names->names[i]);
        err = disk->ops->unlink(disk, path);
        free(path);
    }
    names_fini(names);
    return err;
}

enum rill_err folder_make_names(struct rill_disk *disk, const char *path)
{
    enum rill_err err = disk->ops->mkdir(disk, path);
    if (err != RILL_ERR_NOT_FOUND)
        return err == RILL_ERR_EXISTS ? RILL_OK : err;
    char *parent = io_parent(path);
    err = strcmp(parent, path) == 0 ? RILL_ERR_NOT_FOUND : folder_make_names(disk, parent);
    free(parent);
    return err ? err : disk->ops->mkdir(disk, path);
}

enum rill_err folder_make(struct rill_disk *disk, const char *path)
{
    // An earlier process may have made one and ended before it was synced.
    enum { LEVELS = 3 };
    enum rill_err err = folder_make_names(disk, path);
    char *parent = io_parent(path);
    for (int level = 0; !err && level < LEVELS; level++) {
        err = disk->ops->sync_folder(disk, parent);
        if (err == RILL_ERR_DENIED && level == LEVELS - 1)
            err = RILL_OK; // what is above the store may be somebody else's
        char *above = io_parent(parent);
        free(parent);
        parent = above;
    }
    free(parent);
    return err;
}

enum rill_err folder_clean(struct rill_disk *disk, const char *path)
{
    struct names being_made = {.suffix = ".new"}, spares = {.suffix = SPARE_SUFFIX};
    const enum rill_err err = names_unlink(&being_made, disk, path);
    return err ? err : names_unlink(&spares, disk, path);
}

enum rill_err folder_remove(struct rill_disk *disk, const char *path)
{
    struct names names = {0};
    enum rill_err err = names_unlink(&names, disk, path);
    if (!err)
        err = disk->ops->rmdir(disk, path);
    return err == RILL_ERR_NOT_FOUND ? RILL_OK : err;
}

char *folder_deleted_path(const char *path)
{
    static const char suffix[] = ".deleted";
    const size_t len = strlen(path);
    char *deleted = rill_alloc_zero(len + sizeof suffix, 1);
    memcpy(deleted, path, len);
    memcpy(deleted + len, suffix, sizeof suffix);
    return deleted;
}

/* With the lock held: the rename is what deletes, the rest only tidies up (C9). */
static enum rill_err delete_held(struct rill_disk *disk, const char *folder)
{
    char *deleted = folder_deleted_path(folder);
    char *parent = io_parent(folder);
    enum rill_err err = folder_remove(disk, deleted);
    if (!err)
        err = disk->ops->rename(disk, folder, deleted);
    if (!err)
        err = disk->ops->sync_folder(disk, parent);
    if (!err)
        err = folder_remove(disk, deleted);
    free(parent);
    free(deleted);
    return err;
}

enum rill_err folder_delete(struct rill_disk *disk, const char *folder,
                            const struct rill_store_shared *shared, struct rill_error_text *why)
{
    struct rill_disk_file *lock = NULL;
    enum rill_err err = store_lock_take(disk, folder, shared, &lock);
    if (!err)
        err = delete_held(disk, folder);
    if (lock)
        disk->ops->close(lock);
    if (err)
        rill_error_text_set(why, "delete %s: %s", folder, rill_err_text(err));
    return err;
}

enum rill_err rill_store_delete(struct rill_disk *disk, const char *folder, struct rill_error_text *why)
{
    return folder_delete(disk, folder, NULL, why);
}

static enum rill_err list_streams(struct rill_disk *disk, const char *account_folder, const char *account,
                                  rill_store_visit_fn *visit, void *context)
{
    struct names names = {.folders = true};
    enum rill_err err = disk->ops->list(disk, account_folder, names_visit, &names);
    for (size_t i = 0; !err && i < names.count; i++) {
        if (strchr(names.names[i], '.'))
            continue;
        char *folder = io_path(account_folder, names.names[i]);
        err = visit(context, account, names.names[i], folder);
        free(folder);
    }
    names_fini(&names);
    return err;
}

static bool ends_with(const char *name, const char *suffix)
{
    const size_t len = strlen(name), suffix_len = strlen(suffix);
    return len > suffix_len && strcmp(name + len - suffix_len, suffix) == 0;
}

static enum rill_err remove_in_account(struct rill_disk *disk, const char *account_folder, const char *suffix)
{
    struct names names = {.folders = true};
    enum rill_err err = disk->ops->list(disk, account_folder, names_visit, &names);
    for (size_t i = 0; !err && i < names.count; i++) {
        char *folder = io_path(account_folder, names.names[i]);
        if (ends_with(names.names[i], suffix))
            err = folder_remove(disk, folder);
        free(folder);
    }
    names_fini(&names);
    return err;
}

enum rill_err folder_remove_all(struct rill_disk *disk, const char *store_folder, const char *suffix)
{
    struct names names = {.folders = true};
    enum rill_err err = disk->ops->list(disk, store_folder, names_visit, &names);
    if (err == RILL_ERR_NOT_FOUND)
        err = RILL_OK;
    for (size_t i = 0; !err && i < names.count; i++) {
        char *folder = io_path(store_folder, names.names[i]);
        err = remove_in_account(disk, folder, suffix);
        free(folder);
    }
    names_fini(&names);
    return err;
}

enum rill_err rill_store_list(struct rill_disk *disk, const char *store_folder, rill_store_visit_fn *visit,
                              void *context, struct rill_error_text *why)
{
    struct names names = {.folders = true};
    enum rill_err err = disk->ops->list(disk, store_folder, names_visit, &names);
    if (err == RILL_ERR_NOT_FOUND)
        err = RILL_OK;
    for (size_t i = 0; !err && i < names.count; i++) {
        char *folder = io_path(store_folder, names.names[i]);
        if (!strchr(names.names[i], '.'))
            err = list_streams(disk, folder, names.names[i], visit, context);
        free(folder);
    }
    names_fini(&names);
    if (err)
        rill_error_text_set(why, "list streams in %s: %s", store_folder, rill_err_text(err));
    return err;
}
