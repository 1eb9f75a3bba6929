// SPDX-License-Identifier: Apache-2.0
//
// The blobs of index.db. Pure functions; docs/STORAGE-FORMAT.md, "The index", draws them.
#pragma once

#include "index_db.h"

#include "base/buf.h"

/* A posting as it is in its row. */
struct posting {
    uint64_t first, last; // of its messages when it was written
    uint64_t before;      // messages of the subject fed before it
    uint64_t fed;
    uint32_t count; // of positions: those that are not deleted
    uint64_t positions[INDEX_POSITIONS_MAX];
};

/* Reads a number; false at the end of the bytes or when it is too long. */
static inline bool code_get(struct rill_bytes *bytes, uint64_t *ret)
{
    uint64_t value = 0;
    for (unsigned shift = 0; bytes->len && shift < 64; shift += 7) {
        const uint8_t byte = bytes->data[0];
        *bytes = rill_bytes_of(bytes->data + 1, bytes->len - 1);
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80)) {
            *ret = value;
            return true;
        }
    }
    return false;
}

enum rill_err code_put(struct rill_buf *buf, uint64_t value) RILL_MUST_CHECK;

/* Appends the positions. */
enum rill_err posting_put(struct rill_buf *buf, const struct posting *posting) RILL_MUST_CHECK;
/* From a row of POSTING_AT or POSTING_BACK. DAMAGED. */
enum rill_err posting_get(sqlite3_stmt *row, struct posting *ret) RILL_MUST_CHECK;
/* Index of the first position at or after the sequence. */
uint32_t posting_at(const struct posting *posting, uint64_t sequence);

/* Goes through the messages of a block. */
struct block_walk {
    struct rill_bytes rest;
    uint64_t sequence; // of the next message
    uint64_t last;
};

/* From a row of BLOCK_AT; lives as long as the row. */
struct block_walk block_walk_of(sqlite3_stmt *row);
/* The next message that is not deleted; NOT_FOUND at the end, DAMAGED. */
static inline enum rill_err block_walk_next(struct block_walk *walk, uint64_t *ret_sequence, uint64_t *ret_id)
{
    uint64_t id, gap;
    while (walk->rest.len) {
        if (!code_get(&walk->rest, &id))
            return RILL_ERR_DAMAGED;
        if (id) {
            *ret_id = id;
            *ret_sequence = walk->sequence++;
            return *ret_sequence <= walk->last ? RILL_OK : RILL_ERR_DAMAGED;
        }
        if (!code_get(&walk->rest, &gap))
            return RILL_ERR_DAMAGED;
        walk->sequence += gap;
    }
    return RILL_ERR_NOT_FOUND;
}

/* Writes the messages of a block, in order. */
struct block_put {
    struct rill_buf *buf;
    uint64_t sequence; // behind the last one
};
enum rill_err block_put(struct block_put *put, uint64_t sequence, uint64_t id) RILL_MUST_CHECK;
