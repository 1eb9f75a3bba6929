// SPDX-License-Identifier: Apache-2.0
//
// Limits of a store: what an append is refused for, and what a commit removes so that nobody ever sees more
// than a limit allows. See store_limits.c.
#pragma once

#include "storage/store.h"

struct limits {
    struct rill_store_limits set;
    uint64_t load_sequence;  // whose block the next commit waits for; 0: it does not
    bool is_applying;        // what is appended now is what was reserved for
    uint64_t unreadable_end; // a block that ends here could not be loaded; 0: none
};

/* May a message of this size be appended? The errors of rill_store_append() that are about limits. */
enum rill_err limits_check(const struct rill_store *store, size_t size) RILL_MUST_CHECK;
/* Bytes that an append must leave in its commit for what the limits will append to it. */
uint64_t limits_reserve(const struct rill_store *store);
/* Appends to the open commit what the limits remove. False when a block must be loaded first. */
bool limits_apply(struct rill_store *store);
/* A load of these sequences has failed. */
void limits_load_failed(struct rill_store *store, uint64_t first_sequence, uint64_t last_sequence);
