// SPDX-License-Identifier: Apache-2.0
//
// Limits of a store: what an append is refused for, and what a commit removes so that nobody ever sees more
// than a limit allows. See store_limits.c.
#pragma once

#include "subject_limit.h"

enum { LIMITS_LOADS_MAX = 16 }; // that one commit waits for at a time

struct limits {
    struct rill_store_limits set;
    uint64_t load_sequence;  // whose block the next commit waits for; 0: it does not
    bool is_applying;        // what is appended now is what was reserved for
    uint64_t unreadable_end; // a block that ends here could not be loaded; 0: none
    uint64_t aged_sequence;  // in front of it all that max_age takes is gone
    uint64_t young_sequence; // a message that was too young; 0: none is known
    int64_t young_time_ns;   // its time
    // Of one subject:
    uint64_t wanted[LIMITS_LOADS_MAX]; // whose blocks the next commit waits for
    size_t wanted_count;
    bool load_failed;          // of one of them: the next commit goes without what is not in memory
    size_t deletes;            // that it makes besides those that room is reserved for, so far
    bool is_looking;           // through all subjects
    struct rill_buf looked_to; // the last one that was looked at; empty: begin with the first
};

/* May a message of this subject and size be appended? The errors of rill_store_append() that are about limits. */
enum rill_err limits_check(struct rill_store *store, struct rill_bytes subject, size_t size) RILL_MUST_CHECK;
/* Bytes that an append must leave in its commit for what the limits will append to it. */
uint64_t limits_reserve(const struct rill_store *store);
/* Appends to the open commit what the limits remove. False when a block must be loaded, or the index catch up first. */
bool limits_apply(struct rill_store *store);
/* A load of these sequences has failed. */
void limits_load_failed(struct rill_store *store, uint64_t first_sequence, uint64_t last_sequence);
