// SPDX-License-Identifier: Apache-2.0
//
// The inside of what stores share. A store joins when the loop first commits on it and leaves when it is
// closed; between the two all calls are the loop's, so its idle tail file may be closed on behalf of another
// store. The mutex is there because opening and closing happen on other threads.
#pragma once

#include "storage/shared.h"

#include <stdbool.h>

/* Embedded in a store. Guarded by the mutex of `shared`. */
struct shared_member {
    struct rill_store_shared *shared;
    struct rill_disk_file **file; // the store's tail file; NULL in there when it is not open
    bool is_idle;                 // the file is open and no commit is in flight: it is in the list
    struct shared_member *prev;   // of those that are idle, the least recently used first
    struct shared_member *next;
    // Of its index:
    /* Disconnects it, if no job needs it. Says whether it is. */
    bool (*disconnect)(struct shared_member *member);
    bool is_connected;                             // it is in the list
    bool is_working;                               // a job of it is out
    struct shared_member *prev_index, *next_index; // of those that are connected
    // Of the cache:
    /* Frees one block's data if it can; the one used last only when others ask. Says what is left. */
    uint64_t (*evict)(struct shared_member *member, bool is_asking);
    uint64_t cache_bytes;                // as it was noted last
    uint64_t used;                       // the loop's: when it was read or added to the last time
    uint64_t place;                      // `used`, as it was when it got its place in the list
    bool is_cached;                      // it is in the list
    struct shared_member *older, *newer; // of those with data in memory
};

/* For one store. */
struct rill_store_shared *shared_create_alone(uint64_t cache_bytes_max);

/* A commit is about to run. False when the file is to be closed at the end of the run, for there are too many. */
bool shared_file_take(struct shared_member *member);
/* The commit has finished. `kept` is what taking said. */
void shared_file_give(struct shared_member *member, bool kept);
/* The index was connected by the loop. Disconnects another one, that of the store used the longest time ago, when there are
   too many. */
void shared_index_connected(struct shared_member *member);
/* A job of the index is about to go out, or came back. False when that is too many: half of those that may be connected. */
bool shared_index_take(struct shared_member *member);
void shared_index_give(struct shared_member *member);
/* The store is about to make a spare segment. False when there are enough. */
bool shared_spare_take(struct rill_store_shared *shared);
void shared_spare_give(struct rill_store_shared *shared);
/* The store was read. The loop's. */
void shared_cache_use(struct shared_member *member);
/* The store has so much in memory now. Makes room, at other stores or at this one, when that is too much. */
void shared_cache_note(struct shared_member *member, uint64_t bytes);
/* The store is the caller's alone from now on. */
void shared_leave(struct shared_member *member);

/* Do the locks of the root stand for that of this folder? */
bool shared_has_root_of(const struct rill_store_shared *shared, const char *folder);
