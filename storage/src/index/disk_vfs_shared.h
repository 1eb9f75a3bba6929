// SPDX-License-Identifier: Apache-2.0
//
// What the connections to one database share: SQLite's five levels of file lock, the eight slots of locks of its
// write-ahead log, and the memory in which it keeps an index of that log. SQLite's documentation of its file
// layer says what each means ("sqlite3_io_methods", "Flags for the xShmLock VFS method").
#pragma once

#include <pthread.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>

/* One open file. */
struct vfs_holder {
    int level; // SQLITE_LOCK_...
    bool is_mapped;
    unsigned shared_slots, exclusive_slots; // a bit each
};

struct vfs_shared {
    pthread_mutex_t mutex;
    // Guarded by `mutex`.
    size_t readers;                    // with a level of SHARED at least
    const struct vfs_holder *reserved; // and of each of these at most one
    const struct vfs_holder *pending;
    const struct vfs_holder *exclusive;
    int slots[SQLITE_SHM_NLOCK]; // how many share it; -1: one has it alone
    size_t mapped;               // holders
    void **pages;
    size_t page_count;
};

void vfs_shared_init(struct vfs_shared *shared);
/* Nobody holds anything. */
void vfs_shared_fini(struct vfs_shared *shared);

/* OK or BUSY. */
int vfs_lock(struct vfs_shared *shared, struct vfs_holder *holder, int level);
void vfs_unlock(struct vfs_shared *shared, struct vfs_holder *holder, int level);
bool vfs_is_reserved(struct vfs_shared *shared);

/* OK, NOMEM; *ret is NULL for a page that is not there and is not to be made. */
int vfs_map(struct vfs_shared *shared, struct vfs_holder *holder, int page, int bytes, bool make,
            void volatile **ret);
/* Lets go of the slots, too. The memory goes with the last one. */
void vfs_unmap(struct vfs_shared *shared, struct vfs_holder *holder);
/* OK or BUSY. */
int vfs_slots_lock(struct vfs_shared *shared, struct vfs_holder *holder, int slot, int count, int flags);
void vfs_barrier(struct vfs_shared *shared);
