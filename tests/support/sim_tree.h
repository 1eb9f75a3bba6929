// SPDX-License-Identifier: Apache-2.0
//
// The files and folders of a simulated disk, each in two versions: as it is now, and as it was synced.
// Changes of folders wait in a journal until one of the folders that they touch is synced.
#pragma once

#include "base/random.h"
#include "storage/disk.h"

struct sim_node;

struct sim_entry {
    char *name;
    struct sim_node *node;
};

struct sim_folder {
    struct sim_entry *entries;
    size_t count;
};

struct sim_content {
    uint8_t *bytes; // those from `len` to `size` are zeros
    size_t len;
    uint64_t size;
};

struct sim_node {
    bool is_folder;
    bool locked;
    struct sim_folder now, synced; // of a folder
    struct sim_content data, kept; // of a file: now, and synced
    uint8_t *dirty;                // a flag per sector of `data` that may differ from `kept`
    size_t dirty_count;
    struct sim_node *next; // in the list of all
};

/* A name that was given to a node, or taken away (node is NULL). A rename is one change of two names. */
struct sim_change {
    struct sim_node *folder;
    char *name;
    struct sim_node *node;
    struct sim_node *from_folder; // NULL unless it is a rename
    char *from_name;
};

struct sim_tree {
    struct sim_node *root;
    struct sim_node *all;
    struct sim_change *journal;
    size_t journal_count;
};

void sim_tree_init(struct sim_tree *tree);
void sim_tree_fini(struct sim_tree *tree);

/* NULL when there is none. */
struct sim_node *sim_tree_find(const struct sim_tree *tree, const char *path);
/* The folder that holds `path` and the name in it; NULL when there is no such folder. */
struct sim_node *sim_tree_parent(const struct sim_tree *tree, const char *path, const char **ret_name);
struct sim_node *sim_folder_get(const struct sim_folder *folder, const char *name);

struct sim_node *sim_tree_make(struct sim_tree *tree, struct sim_node *folder, const char *name,
                               bool is_folder);
void sim_tree_remove(struct sim_tree *tree, struct sim_node *folder, const char *name);
void sim_tree_rename(struct sim_tree *tree, struct sim_node *from_folder, const char *from_name,
                     struct sim_node *folder, const char *name);
void sim_tree_sync_folder(struct sim_tree *tree, struct sim_node *folder);

void sim_node_write(struct sim_node *node, const uint8_t *bytes, size_t len, uint64_t offset);
void sim_node_resize(struct sim_node *node, uint64_t size);
void sim_node_sync(struct sim_node *node);

/* The kernel writes some of the sectors back that nobody has synced yet: later changes no longer undo them. */
void sim_tree_write_back(struct sim_tree *tree, struct rill_random *random);
/* Draws what survives of everything that is not synced. */
void sim_tree_crash(struct sim_tree *tree, struct rill_random *random);
/* Bytes of all files that have a name. */
uint64_t sim_tree_bytes(const struct sim_tree *tree);
/* The files and folders under `from` as they are now, synced, under `to`. */
void sim_tree_copy(struct sim_tree *tree, struct sim_node *to, const struct sim_node *from);
