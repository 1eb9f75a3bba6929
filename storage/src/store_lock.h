// SPDX-License-Identifier: Apache-2.0
//
// Who owns a stream's folder: whoever holds the folder's own lock, or that of the store's folder two levels
// above, which stands for all streams below it. Each side takes its own lock first and then looks whether
// somebody holds the other one, so of two that come at once at most one goes on.
#pragma once

#include "shared.h"

/* Takes the folder. *ret_lock is NULL when the lock that `shared` holds stands for it. LOCKED. `shared` may be NULL. */
enum rill_err store_lock_take(struct rill_disk *disk, const char *folder,
                              const struct rill_store_shared *shared,
                              struct rill_disk_file **ret_lock) RILL_MUST_CHECK;
/* The store's folder of a stream's folder, on the heap. */
char *store_lock_root(const char *folder);
