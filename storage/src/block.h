// SPDX-License-Identifier: Apache-2.0
//
// Blocks: what is known of each run of about 128 KiB of records, and the memory of those that are cached.
//
//     block  first_sequence  segment  offset  len    data ──► bytes of the records, as they are in the file
//       0          1            1      8192  131 k   NULL     places[]: sequence - first_sequence -> place
//       1        512            1    139264  130 k   ──►      in bytes
//       2       1025            2      8296    4 k   ──►      the tail: appends are encoded straight into it
//
// The records of one block are contiguous in one segment. Appending never moves bytes that are there, so a
// worker can write the front of the tail to the disk, and a reader look at it, while its end grows. A block stays
// where it is in memory as long as it is there; directory.h says which blocks are.
#pragma once

#include "live.h"
#include "record.h"

enum {
    BLOCK_BYTES = 128 * 1024,
    BLOCK_SPARES_MAX = 3,
    BLOCK_SKIP_MAX = 4096, // as many sequences without a message begin another block
};

struct segment;

struct block_data {
    uint8_t *bytes;
    uint32_t capacity;
    uint32_t indexed; // bytes from the front whose messages are in `places`
    uint32_t *places; // place of message first_sequence + i, plus one; 0 where there is none
    uint32_t place_count;
    uint32_t place_capacity;
    struct block *block;            // whose it is
    struct block_data *prev, *next; // in the cache's `recent`, most recently used first
};

struct block {
    uint64_t first_sequence; // of the first message that may be in it: several blocks may have the same
    struct segment *segment;
    uint32_t index; // in the segment's directory
    uint32_t offset;
    uint32_t len;            // in memory
    uint32_t packed_len;     // in the file, when it is a packed record; else 0, and it is `len` there
    uint32_t count;          // messages in it, live or not: first_sequence and those behind it, without gaps
    uint32_t bytes;          // of their records
    uint32_t gone;           // of them, removed, as of the open commit; below the floor nobody counts
    uint32_t gone_bytes;     // of their records
    int64_t first_time_ns;   // of the first message
    struct live_map *live;   // which are removed one by one; NULL when none is
    bool ends_commit;        // it is complete, and a commit ends with it
    bool loading;            // a job is under way that brings its data
    struct block_data *data; // owned by the block; NULL when not in memory
};

/* The data of all blocks of a store together. */
struct block_cache {
    struct block_data *recent;
    struct block_data *spares; // some that were evicted, to be used again; by `next`
    uint32_t spare_count;
    uint64_t bytes;
    uint64_t bytes_max;
};

/* Is it in front of the other in the log? */
bool block_is_before(const struct block *block, const struct block *other);

void block_cache_fini(struct block_cache *cache);

static inline uint32_t block_live(const struct block *block)
{
    return block->count - block->gone;
}

static inline uint32_t block_live_bytes(const struct block *block)
{
    return block->bytes - block->gone_bytes;
}

/* The sequence behind its last message. */
static inline uint64_t block_end(const struct block *block)
{
    return block->first_sequence + block->count;
}

/* Gives a block its data, and takes the ownership. */
void block_attach(struct block_cache *cache, struct block *block, struct block_data *data);
/* Gives a block data with room for at least `room` bytes. NO_MEMORY. */
enum rill_err block_attach_room(struct block_cache *cache, struct block *block, size_t room) RILL_MUST_CHECK;
/* Takes the data from a block, if it has any. */
void block_detach(struct block_cache *cache, struct block *block);
/* Forgets what is at and behind `len`. The counts are the caller's to set. */
void block_cut(struct block *block, uint32_t len);
/* Frees the least recently used data, but not the one used last, until the budget is kept; `keep`, which may be NULL, and the blocks behind it
   stay. */
void block_trim(struct block_cache *cache, const struct block *keep);

/* Frees the least recently used data of a block in front of `keep`, or of any when that is NULL, perhaps not that
   used last. */
void block_evict(struct block_cache *cache, const struct block *keep, bool keeps_recent);

/* The place of a message in a block that has data, looking at its first `len` bytes. NOT_FOUND, NO_MEMORY. */
enum rill_err block_message(struct block_cache *cache, struct block *block, uint32_t len, uint64_t sequence,
                            const uint8_t **ret_at) RILL_MUST_CHECK;

/* Memory for `len` bytes that will come from the disk, of a block that was evicted: to touch new memory costs as much as reading
   does. NULL when there is none that fits. */
struct block_data *block_take_spare(struct block_cache *cache, size_t len);

/* NULL when memory is out. */
struct block_data *block_data_create(size_t capacity);
void block_data_destroy(struct block_data *data);
/* Notes where the messages are in bytes that came out of a packed record. */
enum rill_err block_data_index(struct block_data *data, uint32_t len, uint64_t first) RILL_MUST_CHECK;
/* Checks `len` bytes that came from the disk and notes where its valid messages are, from `first` to `last`. */
enum rill_err block_data_verify(struct block_data *data, uint32_t len, uint64_t seed, uint64_t first,
                                uint64_t last) RILL_MUST_CHECK;
