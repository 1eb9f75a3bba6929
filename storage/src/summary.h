// SPDX-License-Identifier: Apache-2.0
//
// What of a store's state holds at a position in its log, as bytes: the index keeps it beside the directories
// (directory_code.h), and an open goes on from there. docs/STORAGE-FORMAT.md, "The index", draws it.
#pragma once

#include "lost.h"

#include "base/buf.h"

/* The end of a commit, and what the log in front of it says. */
struct summary {
    uint64_t segment;
    uint64_t offset;
    uint64_t sequence;
    int64_t time_ns;
    uint64_t commit;
    uint64_t said_floor;
    uint64_t said_segment;
};

/* Appends both. NO_MEMORY, LIMIT. */
enum rill_err summary_put(const struct summary *summary, const struct lost *lost,
                          struct rill_buf *out) RILL_MUST_CHECK;
/* *ret_lost must be empty; it may have ranges after an error, too. DAMAGED. */
enum rill_err summary_get(struct rill_bytes bytes, struct summary *ret,
                          struct lost *ret_lost) RILL_MUST_CHECK;
