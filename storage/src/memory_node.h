// SPDX-License-Identifier: Apache-2.0
//
// The files and folders of the disk in memory. A file's bytes lie in chunks of one size; a chunk that was
// never written is not there and reads as zeros. A node lives as long as it has a name or is open. Nothing
// here locks: the disk does.
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <uthash.h>

enum { MEMORY_CHUNK_BYTES = 16 * 1024 };

/* What all files of a disk share. */
struct memory_budget {
    uint64_t bytes_max; // of chunks; 0 for no limit
    uint64_t bytes;
};

struct memory_node {
    char *name;
    bool is_folder;
    bool locked;                  // somebody holds the lock that it stands for
    unsigned refs;                // its name, and each open file
    struct memory_node *children; // of a folder, by name
    struct memory_budget *budget;
    uint8_t **chunks; // NULL where nothing was written
    size_t chunk_count;
    uint64_t size;
    UT_hash_handle hh; // in the parent's `children`
};

struct memory_node *memory_node_create(struct memory_budget *budget, const char *name, bool is_folder);
void memory_node_unref(struct memory_node *node);

struct memory_node *memory_node_child(const struct memory_node *folder, const char *name);
/* Takes the node's name for the folder. */
void memory_node_enter(struct memory_node *folder, struct memory_node *node);
/* Takes the child out of the folder; its name's reference is the caller's. */
void memory_node_leave(struct memory_node *folder, struct memory_node *node);
void memory_node_rename(struct memory_node *node, const char *name);

/* The node of a path, NULL when there is none. Empty parts and "." are passed over. */
struct memory_node *memory_node_find(struct memory_node *root, const char *path);
/* The folder that would hold the path's last part, which goes to *ret_name; NULL when it is not there. */
struct memory_node *memory_node_parent(struct memory_node *root, const char *path, const char **ret_name);

/* Writes as much as there is room for; returns how much. */
size_t memory_node_write(struct memory_node *node, const uint8_t *bytes, size_t len, uint64_t offset);
size_t memory_node_read(const struct memory_node *node, uint8_t *bytes, size_t len, uint64_t offset);
/* Longer: with zeros. NO_SPACE when the list of chunks itself finds no memory. */
enum rill_err memory_node_resize(struct memory_node *node, uint64_t size) RILL_MUST_CHECK;
/* Bytes of chunks that are still to be made so that everything below `size` is there. */
uint64_t memory_node_missing(const struct memory_node *node, uint64_t size);
