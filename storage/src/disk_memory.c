// SPDX-License-Identifier: Apache-2.0
//
// The disk in memory. One lock around everything: what it guards takes as long as copying the bytes does.
#include "storage/disk.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "memory_node.h"

#include <pthread.h>
#include <stdlib.h>

struct memory_disk {
    struct rill_disk base;
    pthread_mutex_t mutex;
    // Guarded by `mutex`.
    struct memory_budget budget;
    struct memory_node *root;
    size_t open_files;
};

struct memory_file {
    struct rill_disk_file base;
    struct memory_node *node; // a reference
    bool is_lock;
};

static struct memory_disk *disk_lock(struct rill_disk *base)
{
    struct memory_disk *disk = (struct memory_disk *)base;
    const int status = pthread_mutex_lock(&disk->mutex);
    RILL_ASSERT(status == 0);
    return disk;
}

static enum rill_err disk_unlock(struct memory_disk *disk, enum rill_err err)
{
    const int status = pthread_mutex_unlock(&disk->mutex);
    RILL_ASSERT(status == 0);
    return err;
}

static struct memory_node *node_of(struct rill_disk_file *file)
{
    return ((struct memory_file *)file)->node;
}

static struct rill_disk_file *file_create(struct memory_disk *disk, struct memory_node *node, bool is_lock)
{
    struct memory_file *file = rill_alloc_zero(1, sizeof *file);
    *file = (struct memory_file){{&disk->base}, node, is_lock};
    node->refs++;
    disk->open_files++;
    return &file->base;
}

static enum rill_err node_make(struct memory_disk *disk, const char *path, bool is_folder,
                               struct memory_node **ret_node)
{
    const char *name;
    struct memory_node *folder = memory_node_parent(disk->root, path, &name);
    if (!folder)
        return RILL_ERR_NOT_FOUND;
    *ret_node = memory_node_create(&disk->budget, name, is_folder);
    memory_node_enter(folder, *ret_node);
    return RILL_OK;
}

static enum rill_err node_open(struct memory_disk *disk, const char *path, enum rill_disk_open how,
                               struct memory_node **ret_node)
{
    struct memory_node *node = memory_node_find(disk->root, path);
    if (!node)
        return how == RILL_DISK_CREATE || how == RILL_DISK_FILL ? node_make(disk, path, false, ret_node)
                                                                : RILL_ERR_NOT_FOUND;
    if (how == RILL_DISK_CREATE)
        return RILL_ERR_EXISTS;
    *ret_node = node;
    return node->is_folder ? RILL_ERR_IO : RILL_OK;
}

static enum rill_err memory_open(struct rill_disk *base, const char *path, enum rill_disk_open how,
                                 struct rill_disk_file **ret_file)
{
    struct memory_disk *disk = disk_lock(base);
    struct memory_node *node;
    const enum rill_err err = node_open(disk, path, how, &node);
    if (!err)
        *ret_file = file_create(disk, node, false);
    return disk_unlock(disk, err);
}

static void memory_close(struct rill_disk_file *base)
{
    struct memory_file *file = (struct memory_file *)base;
    struct memory_disk *disk = disk_lock(base->disk);
    RILL_ASSERT(disk->open_files > 0);
    disk->open_files--;
    if (file->is_lock)
        file->node->locked = false;
    memory_node_unref(file->node);
    (void)disk_unlock(disk, RILL_OK);
    free(file);
}

static enum rill_err memory_lock(struct rill_disk *base, const char *path, struct rill_disk_file **ret_lock)
{
    struct memory_disk *disk = disk_lock(base);
    struct memory_node *node = memory_node_find(disk->root, path);
    enum rill_err err = node ? RILL_OK : node_make(disk, path, false, &node);
    if (!err && node->is_folder)
        err = RILL_ERR_IO;
    if (!err && node->locked)
        err = RILL_ERR_LOCKED;
    if (!err) {
        node->locked = true;
        *ret_lock = file_create(disk, node, true);
    }
    return disk_unlock(disk, err);
}

static enum rill_err memory_pwritev(struct rill_disk_file *file, const struct iovec *parts, int part_count,
                                    uint64_t offset, size_t *ret_written)
{
    struct memory_disk *disk = disk_lock(file->disk);
    size_t written = 0, wanted = 0;
    for (int i = 0; i < part_count && written == wanted; i++) {
        wanted += parts[i].iov_len;
        written += memory_node_write(node_of(file), parts[i].iov_base, parts[i].iov_len, offset + written);
    }
    const bool is_full = wanted && !written;
    if (!is_full)
        *ret_written = written;
    return disk_unlock(disk, is_full ? RILL_ERR_NO_SPACE : RILL_OK);
}

static enum rill_err memory_pread(struct rill_disk_file *file, void *data, size_t len, uint64_t offset,
                                  size_t *ret_read)
{
    struct memory_disk *disk = disk_lock(file->disk);
    *ret_read = memory_node_read(node_of(file), data, len, offset);
    return disk_unlock(disk, RILL_OK);
}

static enum rill_err memory_fdatasync(struct rill_disk_file *file)
{
    return RILL_OK;
}

static enum rill_err memory_fallocate(struct rill_disk_file *file, uint64_t size)
{
    struct memory_disk *disk = disk_lock(file->disk);
    struct memory_node *node = node_of(file);
    const struct memory_budget *budget = &disk->budget;
    enum rill_err err = RILL_OK;
    if (budget->bytes_max && memory_node_missing(node, size) > budget->bytes_max - budget->bytes)
        err = RILL_ERR_NO_SPACE;
    if (!err && size > node->size)
        err = memory_node_resize(node, size);
    return disk_unlock(disk, err);
}

static enum rill_err memory_truncate(struct rill_disk_file *file, uint64_t size)
{
    struct memory_disk *disk = disk_lock(file->disk);
    return disk_unlock(disk, memory_node_resize(node_of(file), size));
}

static enum rill_err memory_size(struct rill_disk_file *file, uint64_t *ret_size)
{
    struct memory_disk *disk = disk_lock(file->disk);
    *ret_size = node_of(file)->size;
    return disk_unlock(disk, RILL_OK);
}

/* Takes away what stands in the way of a renamed node, as rename(2) does. */
static enum rill_err make_way(struct memory_node *folder, const char *name, const struct memory_node *node)
{
    struct memory_node *old = memory_node_child(folder, name);
    if (!old || old == node)
        return RILL_OK;
    if (old->is_folder != node->is_folder || old->children)
        return RILL_ERR_IO;
    memory_node_leave(folder, old);
    memory_node_unref(old);
    return RILL_OK;
}

static bool is_inside(const struct memory_node *folder, const struct memory_node *node)
{
    if (folder == node)
        return true;
    for (const struct memory_node *child = node->children; child; child = child->hh.next) {
        if (is_inside(folder, child))
            return true;
    }
    return false;
}

static enum rill_err node_rename(struct memory_disk *disk, const char *from, const char *to)
{
    const char *from_name, *name;
    struct memory_node *from_folder = memory_node_parent(disk->root, from, &from_name);
    struct memory_node *folder = memory_node_parent(disk->root, to, &name);
    struct memory_node *node = from_folder ? memory_node_child(from_folder, from_name) : NULL;
    if (!node || !folder)
        return RILL_ERR_NOT_FOUND;
    if (is_inside(folder, node))
        return RILL_ERR_INVALID;
    const enum rill_err err = make_way(folder, name, node);
    if (err)
        return err;
    memory_node_leave(from_folder, node);
    memory_node_rename(node, name);
    memory_node_enter(folder, node);
    return RILL_OK;
}

static enum rill_err memory_rename(struct rill_disk *base, const char *from, const char *to)
{
    struct memory_disk *disk = disk_lock(base);
    return disk_unlock(disk, node_rename(disk, from, to));
}

static enum rill_err node_remove(struct memory_disk *disk, const char *path, bool is_folder)
{
    const char *name;
    struct memory_node *folder = memory_node_parent(disk->root, path, &name);
    struct memory_node *node = folder ? memory_node_child(folder, name) : NULL;
    if (!node)
        return RILL_ERR_NOT_FOUND;
    if (node->is_folder != is_folder || node->children)
        return RILL_ERR_IO;
    memory_node_leave(folder, node);
    memory_node_unref(node);
    return RILL_OK;
}

static enum rill_err memory_unlink(struct rill_disk *base, const char *path)
{
    struct memory_disk *disk = disk_lock(base);
    return disk_unlock(disk, node_remove(disk, path, false));
}

static enum rill_err memory_rmdir(struct rill_disk *base, const char *path)
{
    struct memory_disk *disk = disk_lock(base);
    return disk_unlock(disk, node_remove(disk, path, true));
}

static enum rill_err memory_mkdir(struct rill_disk *base, const char *path)
{
    struct memory_disk *disk = disk_lock(base);
    struct memory_node *node;
    const bool exists = memory_node_find(disk->root, path) != NULL;
    return disk_unlock(disk, exists ? RILL_ERR_EXISTS : node_make(disk, path, true, &node));
}

/* The names are copied first: the visitor may call the disk. */
static enum rill_err list_names(struct memory_disk *disk, const char *path, struct memory_node ***ret_nodes,
                                size_t *ret_count)
{
    const struct memory_node *folder = memory_node_find(disk->root, path);
    if (!folder)
        return RILL_ERR_NOT_FOUND;
    if (!folder->is_folder)
        return RILL_ERR_IO;
    const size_t count = HASH_COUNT(folder->children);
    *ret_nodes = rill_alloc_zero(count + 1, sizeof **ret_nodes);
    *ret_count = 0;
    for (struct memory_node *child = folder->children; child; child = child->hh.next)
        (*ret_nodes)[(*ret_count)++] = memory_node_create(&disk->budget, child->name, child->is_folder);
    return RILL_OK;
}

static enum rill_err memory_list(struct rill_disk *base, const char *path, rill_disk_visit_fn *visit,
                                 void *context)
{
    struct memory_disk *disk = disk_lock(base);
    struct memory_node **nodes = NULL;
    size_t count = 0;
    enum rill_err err = disk_unlock(disk, list_names(disk, path, &nodes, &count));
    for (size_t i = 0; i < count; i++) {
        if (!err)
            err = visit(context, nodes[i]->name, nodes[i]->is_folder);
        memory_node_unref(nodes[i]);
    }
    free(nodes);
    return err;
}

static enum rill_err memory_sync_folder(struct rill_disk *base, const char *path)
{
    struct memory_disk *disk = disk_lock(base);
    const struct memory_node *node = memory_node_find(disk->root, path);
    return disk_unlock(disk, node ? RILL_OK : RILL_ERR_NOT_FOUND);
}

struct rill_disk *rill_disk_memory_create(uint64_t bytes_max)
{
    static const struct rill_disk_ops ops = {
        .open = memory_open,
        .close = memory_close,
        .lock = memory_lock,
        .pwritev = memory_pwritev,
        .pread = memory_pread,
        .fdatasync = memory_fdatasync,
        .fallocate = memory_fallocate,
        .truncate = memory_truncate,
        .size = memory_size,
        .rename = memory_rename,
        .unlink = memory_unlink,
        .mkdir = memory_mkdir,
        .rmdir = memory_rmdir,
        .list = memory_list,
        .sync_folder = memory_sync_folder,
    };
    struct memory_disk *disk = rill_alloc_zero(1, sizeof *disk);
    disk->base.ops = &ops;
    disk->budget.bytes_max = bytes_max;
    disk->root = memory_node_create(&disk->budget, "", true);
    const int status = pthread_mutex_init(&disk->mutex, NULL);
    RILL_ASSERT(status == 0);
    return &disk->base;
}

void rill_disk_memory_destroy(struct rill_disk *base)
{
    struct memory_disk *disk = (struct memory_disk *)base;
    if (!disk)
        return;
    RILL_ASSERT(disk->open_files == 0);
    memory_node_unref(disk->root);
    RILL_ASSERT(disk->budget.bytes == 0);
    (void)pthread_mutex_destroy(&disk->mutex);
    free(disk);
}

uint64_t rill_disk_memory_used(struct rill_disk *base)
{
    struct memory_disk *disk = disk_lock(base);
    const uint64_t bytes = disk->budget.bytes;
    (void)disk_unlock(disk, RILL_OK);
    return bytes;
}
