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
};

/* For one store. */
struct rill_store_shared *shared_create_alone(void);

/* A commit is about to run. False when the file is to be closed at the end of the run, for there are too many. */
bool shared_file_take(struct shared_member *member);
/* The commit has finished. `kept` is what taking said. */
void shared_file_give(struct shared_member *member, bool kept);
/* The store is the caller's alone from now on. */
void shared_leave(struct shared_member *member);

/* Do the locks of the root stand for that of this folder? */
bool shared_has_root_of(const struct rill_store_shared *shared, const char *folder);
