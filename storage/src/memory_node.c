// SPDX-License-Identifier: Apache-2.0
#include "memory_node.h"

#include "base/alloc.h"
#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

struct memory_node *memory_node_create(struct memory_budget *budget, const char *name, bool is_folder)
{
    struct memory_node *node = rill_alloc_zero(1, sizeof *node);
    node->name = rill_alloc_cstr(rill_bytes_from_cstr(name));
    node->is_folder = is_folder;
    node->budget = budget;
    node->refs = 1;
    return node;
}

static void chunk_drop(struct memory_node *node, size_t index)
{
    if (!node->chunks[index])
        return;
    free(node->chunks[index]);
    node->chunks[index] = NULL;
    RILL_ASSERT(node->budget->bytes >= MEMORY_CHUNK_BYTES);
    node->budget->bytes -= MEMORY_CHUNK_BYTES;
}

static void node_destroy(struct memory_node *node)
{
    struct memory_node *child, *next;
    HASH_ITER (hh, node->children, child, next) {
        memory_node_leave(node, child);
        memory_node_unref(child);
    }
    for (size_t i = 0; i < node->chunk_count; i++)
        chunk_drop(node, i);
    free(node->chunks);
    free(node->name);
    free(node);
}

void memory_node_unref(struct memory_node *node)
{
    RILL_ASSERT(node->refs > 0);
    if (--node->refs == 0)
        node_destroy(node);
}

struct memory_node *memory_node_child(const struct memory_node *folder, const char *name)
{
    struct memory_node *node = NULL;
    HASH_FIND_STR(folder->children, name, node);
    return node;
}

void memory_node_enter(struct memory_node *folder, struct memory_node *node)
{
    RILL_ASSERT(folder->is_folder && !memory_node_child(folder, node->name));
    HASH_ADD_KEYPTR(hh, folder->children, node->name, strlen(node->name), node);
}

void memory_node_leave(struct memory_node *folder, struct memory_node *node)
{
    HASH_DEL(folder->children, node);
}

void memory_node_rename(struct memory_node *node, const char *name)
{
    char *copy = rill_alloc_cstr(rill_bytes_from_cstr(name));
    free(node->name);
    node->name = copy;
}

static const char *path_skip(const char *path)
{
    while (path[0] == '/' || (path[0] == '.' && (path[1] == '/' || !path[1])))
        path++;
    return path;
}

static struct memory_node *child_named(const struct memory_node *folder, const char *name, size_t len)
{
    struct memory_node *node = NULL;
    HASH_FIND(hh, folder->children, name, len, node);
    return node;
}

struct memory_node *memory_node_find(struct memory_node *root, const char *path)
{
    struct memory_node *node = root;
    for (path = path_skip(path); node && *path; path = path_skip(path)) {
        const size_t len = strcspn(path, "/");
        node = node->is_folder ? child_named(node, path, len) : NULL;
        path += len;
    }
    return node;
}

struct memory_node *memory_node_parent(struct memory_node *root, const char *path, const char **ret_name)
{
    struct memory_node *node = root;
    for (path = path_skip(path); node && strchr(path, '/'); path = path_skip(path)) {
        const size_t len = strcspn(path, "/");
        node = child_named(node, path, len);
        node = node && node->is_folder ? node : NULL;
        path += len;
    }
    *ret_name = path;
    return *path ? node : NULL;
}

static size_t chunks_for(uint64_t size)
{
    return (size_t)(size / MEMORY_CHUNK_BYTES + (size % MEMORY_CHUNK_BYTES != 0));
}

static bool list_grow(struct memory_node *node, uint64_t size)
{
    const size_t count = chunks_for(size);
    if (size > INT64_MAX || count > SIZE_MAX / sizeof *node->chunks)
        return false;
    if (count <= node->chunk_count)
        return true;
    uint8_t **chunks = realloc(node->chunks, count * sizeof *chunks);
    if (!chunks)
        return false;
    memset(chunks + node->chunk_count, 0, (count - node->chunk_count) * sizeof *chunks);
    node->chunks = chunks;
    node->chunk_count = count;
    return true;
}

/* The chunk, made when it is not there; NULL when there is no room. */
static uint8_t *chunk_get(struct memory_node *node, size_t index)
{
    struct memory_budget *budget = node->budget;
    if (node->chunks[index])
        return node->chunks[index];
    if (budget->bytes_max && MEMORY_CHUNK_BYTES > budget->bytes_max - budget->bytes)
        return NULL;
    node->chunks[index] = calloc(1, MEMORY_CHUNK_BYTES);
    if (node->chunks[index])
        budget->bytes += MEMORY_CHUNK_BYTES;
    RILL_ASSERT(!budget->bytes_max || budget->bytes <= budget->bytes_max);
    return node->chunks[index];
}

/* Bytes from `offset` to the end of its chunk, `len` at most. */
static size_t chunk_part(uint64_t offset, size_t len)
{
    const size_t left = MEMORY_CHUNK_BYTES - (size_t)(offset % MEMORY_CHUNK_BYTES);
    return len < left ? len : left;
}

size_t memory_node_write(struct memory_node *node, const uint8_t *bytes, size_t len, uint64_t offset)
{
    size_t done = 0;
    if (len > INT64_MAX - offset || !list_grow(node, offset + len))
        return 0;
    while (done < len) {
        const uint64_t at = offset + done;
        const size_t part = chunk_part(at, len - done);
        uint8_t *chunk = chunk_get(node, (size_t)(at / MEMORY_CHUNK_BYTES));
        if (!chunk)
            break;
        memcpy(chunk + at % MEMORY_CHUNK_BYTES, bytes + done, part);
        done += part;
    }
    if (done && offset + done > node->size)
        node->size = offset + done;
    return done;
}

size_t memory_node_read(const struct memory_node *node, uint8_t *bytes, size_t len, uint64_t offset)
{
    const uint64_t left = offset < node->size ? node->size - offset : 0;
    const size_t count = left < len ? (size_t)left : len;
    for (size_t done = 0; done < count;) {
        const uint64_t at = offset + done;
        const size_t part = chunk_part(at, count - done);
        const uint8_t *chunk = node->chunks[at / MEMORY_CHUNK_BYTES];
        if (chunk)
            memcpy(bytes + done, chunk + at % MEMORY_CHUNK_BYTES, part);
        else
            memset(bytes + done, 0, part);
        done += part;
    }
    return count;
}

static void cut(struct memory_node *node, uint64_t size)
{
    const size_t keep = chunks_for(size);
    for (size_t i = keep; i < node->chunk_count; i++)
        chunk_drop(node, i);
    const size_t used = (size_t)(size % MEMORY_CHUNK_BYTES);
    if (used && node->chunks[keep - 1])
        memset(node->chunks[keep - 1] + used, 0, MEMORY_CHUNK_BYTES - used);
}

enum rill_err memory_node_resize(struct memory_node *node, uint64_t size)
{
    if (size < node->size)
        cut(node, size);
    else if (!list_grow(node, size))
        return RILL_ERR_NO_SPACE;
    node->size = size;
    return RILL_OK;
}

uint64_t memory_node_missing(const struct memory_node *node, uint64_t size)
{
    uint64_t missing = chunks_for(size);
    for (size_t i = 0; i < node->chunk_count && i < chunks_for(size); i++)
        missing -= node->chunks[i] != NULL;
    return missing * MEMORY_CHUNK_BYTES;
}
