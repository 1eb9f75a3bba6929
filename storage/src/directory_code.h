// SPDX-License-Identifier: Apache-2.0
//
// A segment's directory as bytes: what a directory_source keeps. docs/STORAGE-FORMAT.md, "The index", draws them.
#pragma once

#include "directory.h"

/* What of a directory is put: the blocks up to one of them, as readers see them. */
struct directory_view {
    const struct segment *segment; // hot
    size_t block_count;
    /* Bytes that the open commit and the one in flight have removed of a block, and readers still see. May be NULL. */
    uint32_t (*pending_bytes)(const void *context, const struct block *block);
    const void *context;
};

struct directory_counts {
    uint64_t messages;
    uint64_t bytes;
    uint64_t live_messages;
    uint64_t live_bytes;
    int64_t first_time_ns;
};

/* Appends the directory, and says what it holds. NO_MEMORY, LIMIT. */
enum rill_err directory_put(const struct directory_view *view, struct rill_buf *out,
                            struct directory_counts *ret_counts) RILL_MUST_CHECK;
/* Gives a segment that has none its blocks; its numbers must be those of the bytes. DAMAGED, NO_MEMORY, and then it
   may have some of them. */
enum rill_err directory_get(struct rill_bytes bytes, struct segment *segment) RILL_MUST_CHECK;
