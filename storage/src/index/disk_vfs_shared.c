// SPDX-License-Identifier: Apache-2.0
#include "disk_vfs_shared.h"

#include "base/assert.h"

#include <stdlib.h>

static void begin(struct vfs_shared *shared)
{
    const int status = pthread_mutex_lock(&shared->mutex);
    RILL_ASSERT(status == 0);
}

static int end(struct vfs_shared *shared, int code)
{
    const int status = pthread_mutex_unlock(&shared->mutex);
    RILL_ASSERT(status == 0);
    return code;
}

void vfs_shared_init(struct vfs_shared *shared)
{
    *shared = (struct vfs_shared){.mutex = PTHREAD_MUTEX_INITIALIZER};
}

void vfs_shared_fini(struct vfs_shared *shared)
{
    RILL_ASSERT(!shared->readers && !shared->mapped && !shared->pages);
    (void)pthread_mutex_destroy(&shared->mutex);
}

static bool is_others(const struct vfs_holder *holder, const struct vfs_holder *me)
{
    return holder && holder != me;
}

static bool may_lock(struct vfs_shared *shared, struct vfs_holder *holder, int level)
{
    if (level == SQLITE_LOCK_SHARED)
        return !is_others(shared->pending, holder) && !is_others(shared->exclusive, holder);
    if (level == SQLITE_LOCK_RESERVED)
        return !is_others(shared->reserved, holder);
    if (is_others(shared->pending, holder) || is_others(shared->reserved, holder))
        return false;
    shared->pending = holder; // keeps new readers out until those that are there have gone
    holder->level = SQLITE_LOCK_PENDING;
    return level < SQLITE_LOCK_EXCLUSIVE || shared->readers == 1;
}

int vfs_lock(struct vfs_shared *shared, struct vfs_holder *holder, int level)
{
    begin(shared);
    if (level <= holder->level)
        return end(shared, SQLITE_OK);
    RILL_ASSERT(level == SQLITE_LOCK_SHARED || holder->level >= SQLITE_LOCK_SHARED);
    if (!may_lock(shared, holder, level))
        return end(shared, SQLITE_BUSY);
    if (level == SQLITE_LOCK_SHARED)
        shared->readers++;
    else if (level == SQLITE_LOCK_RESERVED)
        shared->reserved = holder;
    else if (level == SQLITE_LOCK_EXCLUSIVE)
        shared->exclusive = holder;
    holder->level = level;
    return end(shared, SQLITE_OK);
}

static void let_go(const struct vfs_holder **place, const struct vfs_holder *holder)
{
    if (*place == holder)
        *place = NULL;
}

void vfs_unlock(struct vfs_shared *shared, struct vfs_holder *holder, int level)
{
    begin(shared);
    if (level < holder->level) {
        let_go(&shared->reserved, holder);
        let_go(&shared->pending, holder);
        let_go(&shared->exclusive, holder);
        if (level == SQLITE_LOCK_NONE)
            shared->readers--;
        holder->level = level;
    }
    (void)end(shared, SQLITE_OK);
}

bool vfs_is_reserved(struct vfs_shared *shared)
{
    begin(shared);
    return end(shared, shared->reserved || shared->pending || shared->exclusive) != 0;
}

static bool make_pages(struct vfs_shared *shared, size_t count, size_t bytes)
{
    void **pages = realloc(shared->pages, count * sizeof *pages);
    if (!pages)
        return false;
    shared->pages = pages;
    while (shared->page_count < count) {
        if (!(pages[shared->page_count] = calloc(1, bytes)))
            return false;
        shared->page_count++;
    }
    return true;
}

int vfs_map(struct vfs_shared *shared, struct vfs_holder *holder, int page, int bytes, bool make,
            void volatile **ret)
{
    begin(shared);
    if (!holder->is_mapped)
        shared->mapped++;
    holder->is_mapped = true;
    *ret = NULL;
    if (make && (size_t)page >= shared->page_count && !make_pages(shared, (size_t)page + 1, (size_t)bytes))
        return end(shared, SQLITE_NOMEM);
    if ((size_t)page < shared->page_count)
        *ret = shared->pages[page];
    return end(shared, SQLITE_OK);
}

static void slot_let_go(struct vfs_shared *shared, struct vfs_holder *holder, int slot)
{
    if (holder->exclusive_slots >> slot & 1)
        shared->slots[slot] = 0;
    else if (holder->shared_slots >> slot & 1)
        shared->slots[slot]--;
    holder->exclusive_slots &= ~(1u << slot);
    holder->shared_slots &= ~(1u << slot);
}

void vfs_unmap(struct vfs_shared *shared, struct vfs_holder *holder)
{
    begin(shared);
    for (int slot = 0; slot < SQLITE_SHM_NLOCK; slot++)
        slot_let_go(shared, holder, slot);
    if (holder->is_mapped && --shared->mapped == 0) {
        for (size_t i = 0; i < shared->page_count; i++)
            free(shared->pages[i]);
        free(shared->pages);
        shared->pages = NULL;
        shared->page_count = 0;
    }
    holder->is_mapped = false;
    (void)end(shared, SQLITE_OK);
}

static bool may_have_slot(const struct vfs_shared *shared, const struct vfs_holder *holder, int slot,
                          bool is_exclusive)
{
    if (holder->exclusive_slots >> slot & 1)
        return true;
    const int mine = holder->shared_slots >> slot & 1;
    return is_exclusive ? shared->slots[slot] == mine : shared->slots[slot] >= 0;
}

static void slot_take(struct vfs_shared *shared, struct vfs_holder *holder, int slot, bool is_exclusive)
{
    slot_let_go(shared, holder, slot);
    if (is_exclusive)
        holder->exclusive_slots |= 1u << slot;
    else
        holder->shared_slots |= 1u << slot;
    shared->slots[slot] = is_exclusive ? -1 : shared->slots[slot] + 1;
}

int vfs_slots_lock(struct vfs_shared *shared, struct vfs_holder *holder, int slot, int count, int flags)
{
    const bool is_exclusive = (flags & SQLITE_SHM_EXCLUSIVE) != 0;
    RILL_ASSERT(slot >= 0 && count > 0 && slot + count <= SQLITE_SHM_NLOCK);
    begin(shared);
    for (int i = slot; i < slot + count; i++) {
        if ((flags & SQLITE_SHM_LOCK) && !may_have_slot(shared, holder, i, is_exclusive))
            return end(shared, SQLITE_BUSY);
    }
    for (int i = slot; i < slot + count; i++) {
        if (flags & SQLITE_SHM_LOCK)
            slot_take(shared, holder, i, is_exclusive);
        else
            slot_let_go(shared, holder, i);
    }
    return end(shared, SQLITE_OK);
}

void vfs_barrier(struct vfs_shared *shared)
{
    begin(shared);
    (void)end(shared, SQLITE_OK);
}
