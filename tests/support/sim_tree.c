// SPDX-License-Identifier: Apache-2.0
#include "sim_tree.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "sim_disk.h"

#include <stdlib.h>

static char *copy_name(const char *name)
{
    return rill_alloc_cstr(rill_bytes_from_cstr(name));
}

static struct sim_node *node_create(struct sim_tree *tree, bool is_folder)
{
    struct sim_node *node = rill_alloc_zero(1, sizeof *node);
    node->is_folder = is_folder;
    node->next = tree->all;
    tree->all = node;
    return node;
}

static void folder_fini(struct sim_folder *folder)
{
    for (size_t i = 0; i < folder->count; i++)
        free(folder->entries[i].name);
    free(folder->entries);
    *folder = (struct sim_folder){0};
}

static void change_fini(struct sim_change *change)
{
    free(change->name);
    free(change->from_name);
}

void sim_tree_init(struct sim_tree *tree)
{
    *tree = (struct sim_tree){0};
    tree->root = node_create(tree, true);
}

void sim_tree_fini(struct sim_tree *tree)
{
    for (size_t i = 0; i < tree->journal_count; i++)
        change_fini(&tree->journal[i]);
    free(tree->journal);
    while (tree->all) {
        struct sim_node *node = tree->all;
        tree->all = node->next;
        folder_fini(&node->now);
        folder_fini(&node->synced);
        free(node->data.bytes);
        free(node->kept.bytes);
        free(node->dirty);
        free(node);
    }
}

struct sim_node *sim_folder_get(const struct sim_folder *folder, const char *name)
{
    for (size_t i = 0; i < folder->count; i++)
        if (strcmp(folder->entries[i].name, name) == 0)
            return folder->entries[i].node;
    return NULL;
}

/* Gives a name to a node, or takes it away with a NULL node. */
static void folder_set(struct sim_folder *folder, const char *name, struct sim_node *node)
{
    size_t at = 0;
    while (at < folder->count && strcmp(folder->entries[at].name, name) != 0)
        at++;
    if (at < folder->count && node) {
        folder->entries[at].node = node;
    } else if (at < folder->count) {
        free(folder->entries[at].name);
        folder->entries[at] = folder->entries[--folder->count];
    } else if (node) {
        folder->entries = rill_alloc_resize(folder->entries, folder->count + 1, sizeof folder->entries[0]);
        folder->entries[folder->count++] = (struct sim_entry){copy_name(name), node};
    }
}

struct sim_node *sim_tree_parent(const struct sim_tree *tree, const char *path, const char **ret_name)
{
    struct sim_node *folder = tree->root;
    const char *slash;
    while (*path == '/')
        path++;
    while (folder && (slash = strchr(path, '/'))) {
        char name[256];
        RILL_ASSERT((size_t)(slash - path) < sizeof name);
        memcpy(name, path, (size_t)(slash - path));
        name[slash - path] = '\0';
        folder = sim_folder_get(&folder->now, name);
        path = slash + 1;
    }
    *ret_name = path;
    return folder && folder->is_folder ? folder : NULL;
}

struct sim_node *sim_tree_find(const struct sim_tree *tree, const char *path)
{
    const char *name;
    struct sim_node *folder = sim_tree_parent(tree, path, &name);
    if (folder && (*name == '\0' || strcmp(name, ".") == 0))
        return folder;
    return folder ? sim_folder_get(&folder->now, name) : NULL;
}

static void journal_add(struct sim_tree *tree, struct sim_change change)
{
    tree->journal = rill_alloc_resize(tree->journal, tree->journal_count + 1, sizeof tree->journal[0]);
    tree->journal[tree->journal_count++] = change;
}

struct sim_node *sim_tree_make(struct sim_tree *tree, struct sim_node *folder, const char *name,
                               bool is_folder)
{
    struct sim_node *node = node_create(tree, is_folder);
    folder_set(&folder->now, name, node);
    journal_add(tree, (struct sim_change){.folder = folder, .name = copy_name(name), .node = node});
    return node;
}

void sim_tree_remove(struct sim_tree *tree, struct sim_node *folder, const char *name)
{
    folder_set(&folder->now, name, NULL);
    journal_add(tree, (struct sim_change){.folder = folder, .name = copy_name(name)});
}

void sim_tree_rename(struct sim_tree *tree, struct sim_node *from_folder, const char *from_name,
                     struct sim_node *folder, const char *name)
{
    struct sim_node *node = sim_folder_get(&from_folder->now, from_name);
    const struct sim_change change = {folder, copy_name(name), node, from_folder, copy_name(from_name)};
    folder_set(&from_folder->now, from_name, NULL);
    folder_set(&folder->now, name, node);
    journal_add(tree, change);
}

static void change_apply(const struct sim_change *change)
{
    if (change->from_folder)
        folder_set(&change->from_folder->synced, change->from_name, NULL);
    folder_set(&change->folder->synced, change->name, change->node);
}

void sim_tree_sync_folder(struct sim_tree *tree, struct sim_node *folder)
{
    size_t kept = 0;
    for (size_t i = 0; i < tree->journal_count; i++) {
        struct sim_change *change = &tree->journal[i];
        if (change->folder != folder && change->from_folder != folder) {
            tree->journal[kept++] = *change;
            continue;
        }
        change_apply(change);
        change_fini(change);
    }
    tree->journal_count = kept;
}

static void content_room(struct sim_content *content, size_t len)
{
    if (len <= content->len)
        return;
    content->bytes = rill_alloc_resize(content->bytes, len, 1);
    memset(content->bytes + content->len, 0, len - content->len);
    content->len = len;
}

static void node_mark_dirty(struct sim_node *node, uint64_t from, uint64_t to)
{
    const size_t end = (size_t)((to + SIM_SECTOR_BYTES - 1) / SIM_SECTOR_BYTES);
    if (end > node->dirty_count) {
        node->dirty = rill_alloc_resize(node->dirty, end, 1);
        memset(node->dirty + node->dirty_count, 0, end - node->dirty_count);
        node->dirty_count = end;
    }
    for (size_t sector = (size_t)(from / SIM_SECTOR_BYTES); sector < end; sector++)
        node->dirty[sector] = 1;
}

void sim_node_write(struct sim_node *node, const uint8_t *bytes, size_t len, uint64_t offset)
{
    const uint64_t end = offset + len;
    if (!len)
        return;
    content_room(&node->data, (size_t)end);
    memcpy(node->data.bytes + offset, bytes, len);
    if (end > node->data.size)
        node->data.size = end;
    node_mark_dirty(node, offset, end);
}

void sim_node_resize(struct sim_node *node, uint64_t size)
{
    struct sim_content *data = &node->data;
    if (size < data->len) {
        node_mark_dirty(node, size, data->len);
        memset(data->bytes + size, 0, data->len - (size_t)size);
    }
    data->size = size;
}

static void sector_keep(struct sim_node *node, size_t sector)
{
    const size_t from = sector * SIM_SECTOR_BYTES;
    if (from >= node->data.len)
        return;
    const size_t left = node->data.len - from;
    const size_t len = left < SIM_SECTOR_BYTES ? left : SIM_SECTOR_BYTES;
    content_room(&node->kept, from + len);
    memcpy(node->kept.bytes + from, node->data.bytes + from, len);
}

void sim_node_sync(struct sim_node *node)
{
    // All room at once: sector by sector a file of megabytes would be copied for each of them.
    if (node->dirty_count)
        content_room(&node->kept, node->data.len);
    for (size_t sector = 0; sector < node->dirty_count; sector++)
        if (node->dirty[sector])
            sector_keep(node, sector);
    node->kept.size = node->data.size;
    free(node->dirty);
    node->dirty = NULL;
    node->dirty_count = 0;
}

void sim_tree_write_back(struct sim_tree *tree, struct rill_random *random)
{
    for (struct sim_node *node = tree->all; node; node = node->next) {
        if (node->dirty_count && rill_random_chance(random, 1, 2))
            node->kept.size = node->data.size;
        for (size_t sector = 0; sector < node->dirty_count; sector++) {
            if (!node->dirty[sector] || !rill_random_chance(random, 1, 4))
                continue;
            sector_keep(node, sector);
            node->dirty[sector] = 0;
        }
    }
}

/* Each sector that was not synced is drawn on its own: the new one, or the one that was there. So is the
   size. */
static void file_crash(struct sim_node *node, struct rill_random *random)
{
    for (size_t sector = 0; sector < node->dirty_count; sector++)
        if (node->dirty[sector])
            node->dirty[sector] = (uint8_t)rill_random_chance(random, 1, 2);
    const uint64_t size = rill_random_chance(random, 1, 2) ? node->data.size : node->kept.size;
    sim_node_sync(node);
    free(node->data.bytes);
    node->data = (struct sim_content){0};
    if (size < node->kept.len)
        memset(node->kept.bytes + size, 0, node->kept.len - (size_t)size);
    node->kept.size = size;
    content_room(&node->data, node->kept.len);
    if (node->kept.len)
        memcpy(node->data.bytes, node->kept.bytes, node->kept.len);
    node->data.size = size;
    node->locked = false;
}

static void folder_crash(struct sim_node *node)
{
    folder_fini(&node->now);
    for (size_t i = 0; i < node->synced.count; i++)
        folder_set(&node->now, node->synced.entries[i].name, node->synced.entries[i].node);
}

void sim_tree_crash(struct sim_tree *tree, struct rill_random *random)
{
    for (size_t i = 0; i < tree->journal_count; i++) {
        if (rill_random_chance(random, 1, 2))
            change_apply(&tree->journal[i]);
        change_fini(&tree->journal[i]);
    }
    tree->journal_count = 0;
    for (struct sim_node *node = tree->all; node; node = node->next) {
        if (node->is_folder)
            folder_crash(node);
        else
            file_crash(node, random);
    }
}

static uint64_t folder_bytes(const struct sim_node *folder)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < folder->now.count; i++) {
        const struct sim_node *node = folder->now.entries[i].node;
        bytes += node->is_folder ? folder_bytes(node) : node->data.size;
    }
    return bytes;
}

uint64_t sim_tree_bytes(const struct sim_tree *tree)
{
    return folder_bytes(tree->root);
}

void sim_tree_copy(struct sim_tree *tree, struct sim_node *to, const struct sim_node *from)
{
    for (size_t i = 0; i < from->now.count; i++) {
        const struct sim_node *old = from->now.entries[i].node;
        struct sim_node *node = sim_tree_make(tree, to, from->now.entries[i].name, old->is_folder);
        if (old->is_folder)
            sim_tree_copy(tree, node, old);
        else if (old->data.len)
            sim_node_write(node, old->data.bytes, old->data.len, 0);
        sim_node_resize(node, old->data.size);
        sim_node_sync(node);
    }
    sim_tree_sync_folder(tree, to);
}
