// SPDX-License-Identifier: Apache-2.0
//
// What of a store's state holds at a position in its log, as bytes: the index keeps it beside the directories
// (directory_code.h), and an open goes on from there. docs/STORAGE-FORMAT.md, "The index", draws it.
#pragma once

#include "directory.h"
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

/* An erase in front of the position that is pending (E3). */
struct summary_erase {
    uint64_t commit; // that holds it
    struct record_erase erase;
};

enum { SUMMARY_ERASES_MAX = 8192 };

/* In the order of their commits. */
struct summary_erases {
    struct summary_erase *list; // owned
    size_t count;
};

/* Appends these, and how often each segment of the table was rewritten. NO_MEMORY, LIMIT. */
enum rill_err summary_put(const struct summary *summary, const struct lost *lost,
                          const struct summary_erases *erases, const struct segment_table *table,
                          struct rill_buf *out) RILL_MUST_CHECK;
/* *ret_lost and *ret_erases must be empty; they may have something after an error, too. *ret_rest is for
   summary_take_rewritten(). DAMAGED. */
enum rill_err summary_get(struct rill_bytes bytes, struct summary *ret, struct lost *ret_lost,
                          struct summary_erases *ret_erases, struct rill_bytes *ret_rest) RILL_MUST_CHECK;
/* The next segment that was rewritten, and how often. False at the end, or where this is none. */
bool summary_take_rewritten(struct rill_bytes *rest, uint64_t *ret_number, uint64_t *ret_times);
