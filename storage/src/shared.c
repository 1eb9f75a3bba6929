// SPDX-License-Identifier: Apache-2.0
#include "shared.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "folder.h"
#include "io.h"
#include "store_lock.h"

#include <pthread.h>
#include <stdlib.h>
#include <utlist.h>

enum { OPEN_FILES_DEFAULT = 256, OPEN_INDEXES_DEFAULT = 64, CACHE_BYTES_DEFAULT = 64 << 20, SPARES_MAX = 16 };

struct rill_store_shared {
    // Immutable.
    uint64_t cache_bytes_max;
    size_t open_files_max;
    size_t open_indexes_max;
    char *root;
    struct rill_disk_file *lock;
    pthread_mutex_t mutex;
    // Guarded by `mutex`.
    size_t open_files;          // idle ones, and those that commits in flight have and keep
    struct shared_member *idle; // least recently used first
    size_t open_indexes;
    size_t working_indexes;
    size_t spares;
    struct shared_member *indexes; // that are connected
    uint64_t cache_bytes;
    size_t cached_count;
    struct shared_member *cached; // by `place`
    // The loop's.
    uint64_t clock; // counts uses
};

static void shared_lock(struct rill_store_shared *shared)
{
    const int status = pthread_mutex_lock(&shared->mutex);
    RILL_ASSERT(status == 0);
}

static void shared_unlock(struct rill_store_shared *shared)
{
    const int status = pthread_mutex_unlock(&shared->mutex);
    RILL_ASSERT(status == 0);
}

static enum rill_err take_root(struct rill_store_shared *shared, struct rill_disk *disk,
                               struct rill_error_text *why)
{
    char *path = io_path(shared->root, "lock");
    enum rill_err err = folder_make_names(disk, shared->root);
    if (!err)
        err = disk->ops->lock(disk, path, &shared->lock);
    free(path);
    if (err)
        rill_error_text_set(why, "take store %s: %s", shared->root, rill_err_text(err));
    return err;
}

static struct rill_store_shared *create_object(const struct rill_store_shared_options *options)
{
    struct rill_store_shared *shared = rill_alloc_zero(1, sizeof *shared);
    shared->open_files_max = options->open_files_max ? options->open_files_max : OPEN_FILES_DEFAULT;
    shared->open_indexes_max = options->open_indexes_max ? options->open_indexes_max : OPEN_INDEXES_DEFAULT;
    shared->cache_bytes_max = options->cache_bytes_max ? options->cache_bytes_max : CACHE_BYTES_DEFAULT;
    const int status = pthread_mutex_init(&shared->mutex, NULL);
    RILL_ASSERT(status == 0);
    return shared;
}

struct rill_store_shared *shared_create_alone(uint64_t cache_bytes_max)
{
    return create_object(&(struct rill_store_shared_options){.cache_bytes_max = cache_bytes_max});
}

enum rill_err rill_store_shared_create(const struct rill_store_shared_options *options,
                                       struct rill_store_shared **ret_shared, struct rill_error_text *why)
{
    struct rill_store_shared *shared = create_object(options);
    if (options->root) {
        shared->root = rill_alloc_cstr(rill_bytes_from_cstr(options->root));
        const enum rill_err err = take_root(shared, options->disk, why);
        if (err) {
            rill_store_shared_destroy(shared);
            return err;
        }
    }
    *ret_shared = shared;
    return RILL_OK;
}

void rill_store_shared_destroy(struct rill_store_shared *shared)
{
    if (!shared)
        return;
    RILL_ASSERT(!shared->open_files && !shared->idle && !shared->cached && !shared->indexes &&
                !shared->spares);
    if (shared->lock)
        shared->lock->disk->ops->close(shared->lock);
    (void)pthread_mutex_destroy(&shared->mutex);
    free(shared->root);
    free(shared);
}

void rill_store_shared_state(struct rill_store_shared *shared, struct rill_store_shared_state *ret_state)
{
    shared_lock(shared);
    *ret_state = (struct rill_store_shared_state){.open_files = shared->open_files,
                                                  .open_indexes = shared->open_indexes,
                                                  .cache_bytes = shared->cache_bytes};
    shared_unlock(shared);
}

static void idle_remove(struct rill_store_shared *shared, struct shared_member *member)
{
    RILL_ASSERT(member->is_idle && *member->file);
    DL_DELETE(shared->idle, member);
    member->is_idle = false;
}

static void idle_close(struct rill_store_shared *shared, struct shared_member *member)
{
    struct rill_disk_file *file = *member->file;
    idle_remove(shared, member);
    *member->file = NULL;
    file->disk->ops->close(file);
    RILL_ASSERT(shared->open_files > 0);
    shared->open_files--;
}

bool shared_file_take(struct shared_member *member)
{
    struct rill_store_shared *shared = member->shared;
    bool keeps = true;
    shared_lock(shared);
    if (member->is_idle) {
        idle_remove(shared, member);
    } else {
        RILL_ASSERT(!*member->file);
        if (shared->open_files >= shared->open_files_max && shared->idle)
            idle_close(shared, shared->idle);
        keeps = shared->open_files < shared->open_files_max;
        shared->open_files += keeps;
    }
    shared_unlock(shared);
    return keeps;
}

void shared_file_give(struct shared_member *member, bool kept)
{
    struct rill_store_shared *shared = member->shared;
    shared_lock(shared);
    RILL_ASSERT(!member->is_idle && (kept || !*member->file));
    if (*member->file) {
        DL_APPEND(shared->idle, member);
        member->is_idle = true;
    } else if (kept) {
        shared->open_files--; // it could not be opened
    }
    shared_unlock(shared);
}

static void index_remove(struct rill_store_shared *shared, struct shared_member *member)
{
    if (!member->is_connected)
        return;
    DL_DELETE2(shared->indexes, member, prev_index, next_index);
    member->is_connected = false;
    shared->open_indexes--;
}

static struct shared_member *least_used_index(const struct rill_store_shared *shared)
{
    struct shared_member *member, *found = NULL;
    DL_FOREACH2(shared->indexes, member, next_index)
    {
        if (!member->is_working && (!found || member->used < found->used))
            found = member;
    }
    return found;
}

/* The list has so few that it need not be in order. */
void shared_index_connected(struct shared_member *member)
{
    struct rill_store_shared *shared = member->shared;
    shared_cache_use(member);
    shared_lock(shared);
    while (!member->is_connected && shared->open_indexes >= shared->open_indexes_max) {
        struct shared_member *least = least_used_index(shared);
        if (!least || !least->disconnect(least))
            break;
        index_remove(shared, least);
    }
    if (!member->is_connected) {
        DL_APPEND2(shared->indexes, member, prev_index, next_index);
        member->is_connected = true;
        shared->open_indexes++;
    }
    shared_unlock(shared);
}

bool shared_index_take(struct shared_member *member)
{
    struct rill_store_shared *shared = member->shared;
    shared_lock(shared);
    RILL_ASSERT(!member->is_working);
    member->is_working = shared->working_indexes < (shared->open_indexes_max + 1) / 2;
    shared->working_indexes += member->is_working;
    shared_unlock(shared);
    return member->is_working;
}

void shared_index_give(struct shared_member *member)
{
    struct rill_store_shared *shared = member->shared;
    shared_lock(shared);
    RILL_ASSERT(member->is_working && shared->working_indexes > 0);
    member->is_working = false;
    shared->working_indexes--;
    shared_unlock(shared);
}

bool shared_spare_take(struct rill_store_shared *shared)
{
    shared_lock(shared);
    const bool may = shared->spares < SPARES_MAX;
    shared->spares += may;
    shared_unlock(shared);
    return may;
}

void shared_spare_give(struct rill_store_shared *shared)
{
    shared_lock(shared);
    RILL_ASSERT(shared->spares > 0);
    shared->spares--;
    shared_unlock(shared);
}

static void cached_set(struct rill_store_shared *shared, struct shared_member *member, uint64_t bytes)
{
    shared->cache_bytes = shared->cache_bytes - member->cache_bytes + bytes;
    member->cache_bytes = bytes;
}

static void cached_remove(struct rill_store_shared *shared, struct shared_member *member)
{
    if (!member->is_cached)
        return;
    DL_DELETE2(shared->cached, member, older, newer);
    shared->cached_count--;
    member->is_cached = false;
}

/* Puts it in its place, which is the last one as a rule. */
static void cached_place(struct rill_store_shared *shared, struct shared_member *member)
{
    cached_remove(shared, member);
    struct shared_member *before = shared->cached ? shared->cached->older : NULL;
    while (before && before->place > member->used)
        before = before == shared->cached ? NULL : before->older;
    if (before)
        DL_APPEND_ELEM2(shared->cached, before, member, older, newer);
    else
        DL_PREPEND2(shared->cached, member, older, newer);
    member->place = member->used;
    member->is_cached = true;
    shared->cached_count++;
}

/* Asks the one that was used the longest time ago, then the next. Who was used meanwhile gets its place first; who has
   nothing to give now goes to the end of the line. */
static void cached_make_room(struct rill_store_shared *shared, const struct shared_member *asking)
{
    size_t tries = 2 * shared->cached_count;
    while (shared->cache_bytes > shared->cache_bytes_max && shared->cached && tries) {
        struct shared_member *member = shared->cached;
        const uint64_t before = member->cache_bytes;
        if (member->used == member->place) {
            cached_set(shared, member, member->evict(member, member == asking));
            member->used = member->cache_bytes < before ? member->used : shared->clock;
        }
        if (!member->cache_bytes)
            cached_remove(shared, member);
        if (member->cache_bytes < before)
            continue;
        cached_place(shared, member);
        tries--;
    }
}

void shared_cache_use(struct shared_member *member)
{
    member->used = ++member->shared->clock;
}

void shared_cache_note(struct shared_member *member, uint64_t bytes)
{
    struct rill_store_shared *shared = member->shared;
    shared_cache_use(member);
    shared_lock(shared);
    cached_set(shared, member, bytes);
    cached_place(shared, member);
    cached_make_room(shared, member);
    shared_unlock(shared);
}

void shared_leave(struct shared_member *member)
{
    struct rill_store_shared *shared = member->shared;
    shared_lock(shared);
    RILL_ASSERT(!member->is_working);
    if (member->is_idle)
        idle_close(shared, member);
    index_remove(shared, member);
    cached_remove(shared, member);
    cached_set(shared, member, 0);
    shared_unlock(shared);
}

bool shared_has_root_of(const struct rill_store_shared *shared, const char *folder)
{
    if (!shared || !shared->root)
        return false;
    char *root = store_lock_root(folder);
    const bool is_mine = strcmp(root, shared->root) == 0;
    free(root);
    return is_mine;
}

enum rill_err rill_store_shared_delete(struct rill_store_shared *shared, struct rill_disk *disk,
                                       const char *folder, struct rill_error_text *why)
{
    return folder_delete(disk, folder, shared, why);
}
