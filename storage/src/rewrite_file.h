// SPDX-License-Identifier: Apache-2.0
//
// Writes a segment anew, without what is dead in it, and packed if so wished: bytes of one file into bytes of another.
// docs/STORAGE-FORMAT.md, "Rewritten segments". Blocking, on any thread, knows nothing of a store. Whatever in the old
// file is not sound ends it with DAMAGED (W3), for what is copied then would hide what is missing.
//
//     old:  first commit │ commit 5 │ commit 6 │ commit 7 │ ... zeros
//     new:  first commit │ merged: 5 to 7, what lives in them │ merged: ...
#pragma once

#include "segment.h"

struct rewrite_plan {
    struct rill_disk *disk;
    const char *path;     // of the old file
    const char *new_path; // a file there is overwritten
    uint8_t identity[RILL_STORE_IDENTITY_BYTES];
    uint64_t number;
    bool pack;
    uint64_t first_sequence; // the segment's, and what follows its last message
    uint64_t end_sequence;
    uint64_t floor;      // messages below are dead
    uint64_t said_floor; // what a durable purge says: deletes of what is below need not be kept
    bool keeps_erases;   // also those: one is pending, and the next open is to find it (E3)
    uint64_t *dead;      // a bit for each sequence from the first on
};

static inline bool rewrite_is_dead(const struct rewrite_plan *plan, uint64_t sequence)
{
    const uint64_t index = sequence - plan->first_sequence;
    return sequence < plan->floor || (plan->dead[index / 64] >> index % 64 & 1);
}

struct rewrite_written {
    uint64_t bytes; // of the new file
    uint64_t messages;
    uint64_t last_commit;
    uint32_t rewritten; // as its header says
};

/* Leaves a complete and synced file at plan->new_path, or none. DAMAGED, NO_SPACE, NO_MEMORY, IO. */
enum rill_err rewrite_file(const struct rewrite_plan *plan, struct rewrite_written *ret) RILL_MUST_CHECK;
