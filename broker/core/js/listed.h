// SPDX-License-Identifier: Apache-2.0
//
// The list of a consumer with last_per_subject (start.h), read in order: what it begins with, and how much of that is still
// in the stream. The bytes are in the consumer's settings. Owned by its source; loop thread only.
//
// What leaves the stream leaves the list, too: it is looked through again when something has. A long one is not looked
// through more often than every LISTED_LOOK_NS, so what has just left it may be counted for so long.
#pragma once

#include "storage/store.h"

enum { LISTED_SHORT = 1024 };

#define LISTED_LOOK_NS (100 * RILL_NS_PER_MS)

struct listed {
    struct rill_bytes bytes; // as start_pack wrote them; borrowed

    // where it is read
    size_t at;         // in the bytes, behind `sequence`
    uint64_t previous; // the one before it; 0: there is none
    uint64_t sequence; // 0: it begins

    // what was counted
    uint64_t count;
    uint64_t counted_from; // 0: nothing
    uint64_t gone;         // messages that had left the stream by then
    int64_t counted_ns;
};

/* The first one at or behind `from` that is in the stream. False: none. */
bool listed_next(struct listed *listed, struct rill_store_filter *everything, uint64_t from,
                 uint64_t *ret_sequence);
/* How many there are from the cursor on. `gone` messages have left the stream. */
uint64_t listed_count(struct listed *listed, struct rill_store_filter *everything, uint64_t cursor,
                      uint64_t gone, int64_t now_ns);
/* Is this one in it? It may be gone. */
bool listed_has(const struct listed *listed, uint64_t sequence);
