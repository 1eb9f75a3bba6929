// SPDX-License-Identifier: Apache-2.0
#include "sim_disk.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "sim_tree.h"

#include <stdlib.h>

struct sim_disk {
    struct rill_disk base;
    struct sim_tree tree;
    struct rill_random random;
    uint64_t operations;
    uint64_t crash_at; // value of `operations`; 0 for never
    uint64_t capacity;
    size_t open_files;
    bool off;
};

struct sim_file {
    struct rill_disk_file base;
    struct sim_node *node;
    bool holds_lock;
    bool fills; // opened so: what is written must be aligned
};

static struct sim_disk *disk_of(struct rill_disk *disk)
{
    return (struct sim_disk *)disk;
}

static struct sim_node *node_of(struct rill_disk_file *file)
{
    return ((struct sim_file *)file)->node;
}

/* Is the power on, for one more operation? When the crash comes in this one, it has its effect and fails. */
static bool begins(struct sim_disk *disk)
{
    if (disk->off)
        return false;
    disk->operations++;
    if (rill_random_chance(&disk->random, 1, 4))
        sim_tree_write_back(&disk->tree, &disk->random);
    return true;
}

static enum rill_err ends(struct sim_disk *disk, enum rill_err err)
{
    if (disk->crash_at && disk->operations == disk->crash_at)
        disk->off = true;
    return disk->off ? RILL_ERR_IO : err;
}

static bool crashes_now(const struct sim_disk *disk)
{
    return disk->crash_at && disk->operations == disk->crash_at;
}

static bool has_room(const struct sim_disk *disk, uint64_t more)
{
    return !disk->capacity || sim_tree_bytes(&disk->tree) + more <= disk->capacity;
}

static enum rill_err open_node(struct sim_disk *disk, const char *path, enum rill_disk_open how,
                               struct sim_node **ret_node)
{
    const char *name;
    struct sim_node *folder = sim_tree_parent(&disk->tree, path, &name);
    struct sim_node *node = folder ? sim_folder_get(&folder->now, name) : NULL;
    if (!folder || (!node && how != RILL_DISK_CREATE && how != RILL_DISK_FILL))
        return RILL_ERR_NOT_FOUND;
    if (node && how == RILL_DISK_CREATE)
        return RILL_ERR_EXISTS;
    if (node && node->is_folder)
        return RILL_ERR_IO;
    *ret_node = node ? node : sim_tree_make(&disk->tree, folder, name, false);
    return RILL_OK;
}

static struct rill_disk_file *file_create(struct sim_disk *disk, struct sim_node *node, bool holds_lock)
{
    struct sim_file *file = rill_alloc_zero(1, sizeof *file);
    *file = (struct sim_file){.base = {&disk->base}, .node = node, .holds_lock = holds_lock};
    disk->open_files++;
    return &file->base;
}

static enum rill_err sim_open(struct rill_disk *base, const char *path, enum rill_disk_open how,
                              struct rill_disk_file **ret_file)
{
    struct sim_disk *disk = disk_of(base);
    if (!begins(disk))
        return RILL_ERR_IO;
    struct sim_node *node = NULL;
    const enum rill_err err = ends(disk, open_node(disk, path, how, &node));
    if (!err) {
        *ret_file = file_create(disk, node, false);
        ((struct sim_file *)*ret_file)->fills = how == RILL_DISK_FILL;
    }
    return err;
}

static void sim_close(struct rill_disk_file *base)
{
    struct sim_file *file = (struct sim_file *)base;
    if (file->holds_lock)
        file->node->locked = false;
    disk_of(base->disk)->open_files--;
    free(file);
}

static enum rill_err sim_lock(struct rill_disk *base, const char *path, struct rill_disk_file **ret_lock)
{
    struct sim_disk *disk = disk_of(base);
    if (!begins(disk))
        return RILL_ERR_IO;
    struct sim_node *node = sim_tree_find(&disk->tree, path);
    enum rill_err err = node ? RILL_OK : open_node(disk, path, RILL_DISK_CREATE, &node);
    if (!err && node->locked)
        err = RILL_ERR_LOCKED;
    err = ends(disk, err);
    if (err)
        return err;
    node->locked = true;
    *ret_lock = file_create(disk, node, true);
    return RILL_OK;
}

/* How much of `len` bytes at `offset` the capacity allows. */
static size_t room_for(const struct sim_disk *disk, const struct sim_node *node, size_t len, uint64_t offset)
{
    while (len && offset + len > node->data.size && !has_room(disk, offset + len - node->data.size))
        len = len > SIM_SECTOR_BYTES ? len - SIM_SECTOR_BYTES : 0;
    return len;
}

static bool is_aligned(struct rill_disk_file *file, const struct iovec *part, uint64_t offset)
{
    const uint64_t bits = (uintptr_t)part->iov_base | part->iov_len | offset;
    return !((const struct sim_file *)file)->fills || bits % RILL_DISK_FILL_ALIGN == 0;
}

static enum rill_err sim_pwritev(struct rill_disk_file *file, const struct iovec *parts, int part_count,
                                 uint64_t offset, size_t *ret_written)
{
    struct sim_disk *disk = disk_of(file->disk);
    if (!begins(disk))
        return RILL_ERR_IO;
    size_t written = 0;
    bool full = false;
    for (int i = 0; i < part_count && !full; i++) {
        if (!is_aligned(file, &parts[i], offset + written))
            return ends(disk, RILL_ERR_IO);
        const size_t len = room_for(disk, node_of(file), parts[i].iov_len, offset + written);
        sim_node_write(node_of(file), parts[i].iov_base, len, offset + written);
        full = len < parts[i].iov_len;
        written += len;
    }
    const enum rill_err err = ends(disk, full && !written ? RILL_ERR_NO_SPACE : RILL_OK);
    if (!err)
        *ret_written = written;
    return err;
}

static enum rill_err sim_pread(struct rill_disk_file *file, void *data, size_t len, uint64_t offset,
                               size_t *ret_read)
{
    struct sim_disk *disk = disk_of(file->disk);
    if (!begins(disk))
        return RILL_ERR_IO;
    const struct sim_content *content = &node_of(file)->data;
    const uint64_t left = offset < content->size ? content->size - offset : 0;
    const size_t count = left < len ? (size_t)left : len;
    const uint64_t kept = offset < content->len ? content->len - offset : 0;
    const size_t filled = kept < count ? (size_t)kept : count;
    if (filled)
        memcpy(data, content->bytes + offset, filled);
    memset((uint8_t *)data + filled, 0, count - filled);
    *ret_read = count;
    return ends(disk, RILL_OK);
}

static enum rill_err sim_fdatasync(struct rill_disk_file *file)
{
    struct sim_disk *disk = disk_of(file->disk);
    if (!begins(disk))
        return RILL_ERR_IO;
    if (!crashes_now(disk))
        sim_node_sync(node_of(file));
    return ends(disk, RILL_OK);
}

static enum rill_err sim_fallocate(struct rill_disk_file *file, uint64_t size)
{
    struct sim_disk *disk = disk_of(file->disk);
    struct sim_node *node = node_of(file);
    if (!begins(disk))
        return RILL_ERR_IO;
    if (size > node->data.size && !has_room(disk, size - node->data.size))
        return ends(disk, RILL_ERR_NO_SPACE);
    if (size > node->data.size)
        sim_node_resize(node, size);
    return ends(disk, RILL_OK);
}

static enum rill_err sim_truncate(struct rill_disk_file *file, uint64_t size)
{
    struct sim_disk *disk = disk_of(file->disk);
    if (!begins(disk))
        return RILL_ERR_IO;
    sim_node_resize(node_of(file), size);
    return ends(disk, RILL_OK);
}

static enum rill_err sim_size(struct rill_disk_file *file, uint64_t *ret_size)
{
    struct sim_disk *disk = disk_of(file->disk);
    if (!begins(disk))
        return RILL_ERR_IO;
    *ret_size = node_of(file)->data.size;
    return ends(disk, RILL_OK);
}

static enum rill_err sim_rename(struct rill_disk *base, const char *from, const char *to)
{
    struct sim_disk *disk = disk_of(base);
    if (!begins(disk))
        return RILL_ERR_IO;
    const char *from_name, *name;
    struct sim_node *from_folder = sim_tree_parent(&disk->tree, from, &from_name);
    struct sim_node *folder = sim_tree_parent(&disk->tree, to, &name);
    if (!from_folder || !folder || !sim_folder_get(&from_folder->now, from_name))
        return ends(disk, RILL_ERR_NOT_FOUND);
    sim_tree_rename(&disk->tree, from_folder, from_name, folder, name);
    return ends(disk, RILL_OK);
}

static enum rill_err remove_node(struct sim_disk *disk, const char *path, bool is_folder)
{
    const char *name;
    struct sim_node *folder = sim_tree_parent(&disk->tree, path, &name);
    const struct sim_node *node = folder ? sim_folder_get(&folder->now, name) : NULL;
    if (!node)
        return RILL_ERR_NOT_FOUND;
    if (node->is_folder != is_folder || node->now.count)
        return RILL_ERR_IO;
    sim_tree_remove(&disk->tree, folder, name);
    return RILL_OK;
}

static enum rill_err sim_unlink(struct rill_disk *base, const char *path)
{
    struct sim_disk *disk = disk_of(base);
    return begins(disk) ? ends(disk, remove_node(disk, path, false)) : RILL_ERR_IO;
}

static enum rill_err sim_rmdir(struct rill_disk *base, const char *path)
{
    struct sim_disk *disk = disk_of(base);
    return begins(disk) ? ends(disk, remove_node(disk, path, true)) : RILL_ERR_IO;
}

static enum rill_err sim_mkdir(struct rill_disk *base, const char *path)
{
    struct sim_disk *disk = disk_of(base);
    if (!begins(disk))
        return RILL_ERR_IO;
    const char *name;
    struct sim_node *folder = sim_tree_parent(&disk->tree, path, &name);
    if (!folder)
        return ends(disk, RILL_ERR_NOT_FOUND);
    if (sim_tree_find(&disk->tree, path))
        return ends(disk, RILL_ERR_EXISTS);
    (void)sim_tree_make(&disk->tree, folder, name, true);
    return ends(disk, RILL_OK);
}

static enum rill_err sim_list(struct rill_disk *base, const char *path, rill_disk_visit_fn *visit,
                              void *context)
{
    struct sim_disk *disk = disk_of(base);
    if (!begins(disk))
        return RILL_ERR_IO;
    const struct sim_node *folder = sim_tree_find(&disk->tree, path);
    enum rill_err err = folder && folder->is_folder ? RILL_OK : RILL_ERR_NOT_FOUND;
    for (size_t i = 0; !err && i < folder->now.count; i++)
        err = visit(context, folder->now.entries[i].name, folder->now.entries[i].node->is_folder);
    return ends(disk, err);
}

static enum rill_err sim_sync_folder(struct rill_disk *base, const char *path)
{
    struct sim_disk *disk = disk_of(base);
    if (!begins(disk))
        return RILL_ERR_IO;
    struct sim_node *folder = sim_tree_find(&disk->tree, path);
    if (!folder)
        return ends(disk, RILL_ERR_NOT_FOUND);
    if (!crashes_now(disk))
        sim_tree_sync_folder(&disk->tree, folder);
    return ends(disk, RILL_OK);
}

struct rill_disk *sim_disk_create(uint64_t seed)
{
    static const struct rill_disk_ops ops = {
        .open = sim_open,
        .close = sim_close,
        .lock = sim_lock,
        .pwritev = sim_pwritev,
        .pread = sim_pread,
        .fdatasync = sim_fdatasync,
        .fallocate = sim_fallocate,
        .truncate = sim_truncate,
        .size = sim_size,
        .rename = sim_rename,
        .unlink = sim_unlink,
        .mkdir = sim_mkdir,
        .rmdir = sim_rmdir,
        .list = sim_list,
        .sync_folder = sim_sync_folder,
    };
    struct sim_disk *disk = rill_alloc_zero(1, sizeof *disk);
    disk->base.ops = &ops;
    disk->random.state = seed;
    sim_tree_init(&disk->tree);
    return &disk->base;
}

void sim_disk_destroy(struct rill_disk *disk)
{
    if (!disk)
        return;
    RILL_ASSERT(disk_of(disk)->open_files == 0);
    sim_tree_fini(&disk_of(disk)->tree);
    free(disk);
}

uint64_t sim_disk_operations(const struct rill_disk *disk)
{
    return ((const struct sim_disk *)disk)->operations;
}

void sim_disk_crash_at(struct rill_disk *disk, uint64_t operation)
{
    disk_of(disk)->crash_at = operation ? disk_of(disk)->operations + operation : 0;
}

void sim_disk_crash(struct rill_disk *disk)
{
    disk_of(disk)->off = true;
}

bool sim_disk_is_off(const struct rill_disk *disk)
{
    return ((const struct sim_disk *)disk)->off;
}

void sim_disk_restart(struct rill_disk *base)
{
    struct sim_disk *disk = disk_of(base);
    RILL_ASSERT(disk->open_files == 0);
    sim_tree_crash(&disk->tree, &disk->random);
    disk->off = false;
    disk->crash_at = 0;
}

void sim_disk_restart_killed(struct rill_disk *base)
{
    struct sim_disk *disk = disk_of(base);
    RILL_ASSERT(disk->open_files == 0);
    disk->off = false;
    disk->crash_at = 0;
}

void sim_disk_set_capacity(struct rill_disk *disk, uint64_t bytes)
{
    disk_of(disk)->capacity = bytes;
}

uint64_t sim_disk_used(const struct rill_disk *disk)
{
    return sim_tree_bytes(&((const struct sim_disk *)disk)->tree);
}

uint8_t *sim_disk_bytes(struct rill_disk *disk, const char *path, size_t *ret_len)
{
    struct sim_node *node = sim_tree_find(&disk_of(disk)->tree, path);
    if (!node || node->is_folder)
        return NULL;
    *ret_len = node->data.len;
    return node->data.bytes;
}

struct rill_disk *sim_disk_clone(const struct rill_disk *disk, uint64_t seed)
{
    struct rill_disk *copy = sim_disk_create(seed);
    sim_tree_copy(&disk_of(copy)->tree, disk_of(copy)->tree.root, ((const struct sim_disk *)disk)->tree.root);
    return copy;
}
