// SPDX-License-Identifier: Apache-2.0
//
// Blocks: where each run of about 128 KiB of records begins, and the memory of those that are cached.
//
//     blocks[]    first_sequence  segment  offset  len  data ──► bytes of the records, as they are in the
//     file
//        0              1            1      8192  131 k  NULL    places[]: sequence - first_sequence -> place
//        in bytes 1            512            1    139264  130 k  ──► 2           1025            2      8296
//        4 k  ──►     the tail: appends are encoded straight into it
//
// The records of one block are contiguous in one segment. Appending never moves bytes that are there, so a
// worker can write the front of the tail to the disk, and a reader look at it, while its end grows. One
// thread owns the table.
#pragma once

#include "live.h"
#include "record.h"

enum { BLOCK_BYTES = 128 * 1024 };

struct block_data {
    uint8_t *bytes;
    uint32_t capacity;
    uint32_t indexed; // bytes from the front whose messages are in `places`
    uint32_t *places; // place of message first_sequence + i, plus one; 0 where there is none
    uint32_t place_count;
    uint32_t place_capacity;
    size_t block;                   // index in the table
    struct block_data *prev, *next; // in the table's `cached`, most recently used first
};

struct block {
    uint64_t first_sequence; // of the first message that may be in it: several blocks may have the same
    uint64_t segment;
    uint32_t offset;
    uint32_t len;
    uint32_t count;          // messages in it, live or not: first_sequence and those behind it, without gaps
    uint32_t bytes;          // of their records
    uint32_t gone;           // of them, removed, as of the open commit; below the floor nobody counts
    uint32_t gone_bytes;     // of their records
    int64_t first_time_ns;   // of the first message
    struct live_map *live;   // which are removed one by one; NULL when none is
    bool loading;            // a job is under way that brings its data
    struct block_data *data; // owned by the table; NULL when not in memory
};

struct block_table {
    struct block *blocks;
    size_t count;
    size_t capacity;
    struct block_data *cached;
    struct block_data *spare; // one that was evicted, to be used again
    uint64_t cache_bytes;
    uint64_t cache_bytes_max;
};

void block_table_fini(struct block_table *table);

/* Appends a block without data. NO_MEMORY. */
enum rill_err block_push(struct block_table *table, uint64_t first_sequence, uint64_t segment,
                         uint64_t offset) RILL_MUST_CHECK;
/* Appends a block for appending to, with room for at least `room` bytes. */
enum rill_err block_push_open(struct block_table *table, uint64_t first_sequence, uint64_t segment,
                              uint64_t offset, size_t room) RILL_MUST_CHECK;
/* Takes blocks off the end until `count` are left, the last of them `last_len` bytes long. Its counts are the
   caller's to set. */
void block_cut(struct block_table *table, size_t count, uint32_t last_len);
/* Takes `count` blocks off the front: the others move up. */
void block_drop(struct block_table *table, size_t count);

/* The block that holds this sequence among the first `count`; SIZE_MAX when it is before all of them. */
size_t block_find(const struct block_table *table, size_t count, uint64_t sequence);

/* The block that begins there; SIZE_MAX when there is none. */
size_t block_at(const struct block_table *table, uint64_t segment, uint64_t offset);

static inline uint32_t block_live(const struct block *block)
{
    return block->count - block->gone;
}

static inline uint32_t block_live_bytes(const struct block *block)
{
    return block->bytes - block->gone_bytes;
}

/* Notes that a message was put at the end of a block. */
static inline void block_count_message(struct block *block, size_t size, int64_t time_ns)
{
    if (block->count++ == 0)
        block->first_time_ns = time_ns;
    block->bytes += (uint32_t)size;
}

/* Gives a block its data, and takes the ownership. */
void block_attach(struct block_table *table, size_t block, struct block_data *data);
/* Frees the least recently used data until the budget is kept; blocks from `keep` on stay. */
void block_trim(struct block_table *table, size_t keep);

/* The place of a message in a block that has data, looking at its first `len` bytes. NOT_FOUND, NO_MEMORY. */
enum rill_err block_message(struct block_table *table, size_t block, uint32_t len, uint64_t sequence,
                            const uint8_t **ret_at) RILL_MUST_CHECK;

/* NULL when memory is out. */
struct block_data *block_data_create(size_t capacity);
void block_data_destroy(struct block_data *data);
/* Checks `len` bytes that came from the disk and notes where its valid messages are, from `first` to `last`. */
enum rill_err block_data_verify(struct block_data *data, uint32_t len, uint64_t seed, uint64_t first,
                                uint64_t last) RILL_MUST_CHECK;
