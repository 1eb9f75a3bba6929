// SPDX-License-Identifier: Apache-2.0
//
// The segments of a store, and of each its directory: the blocks that it is divided into, with their live maps.
//
//     segments:  [5 cold] [6 cold] [7 ──►] [8 cold] [9 ──►] [10 ──►]       ~120 bytes each
//                                   │                 │        │
//     directory:                 blocks            blocks   blocks: the tail   ~100 bytes per 128 KiB, and the maps
//
// The segment itself says what it holds in numbers. Its directory is in memory (hot) or not (cold): a source, the
// index as a rule, keeps a copy of it as of some position in the log. It is brought when somebody asks, and evicted when
// the copy says the same and nothing points into it. Without a source all segments are hot.
//
// In front of the floor nobody counts: the segment that the floor cuts through knows only by its blocks what is live.
#pragma once

#include "block.h"

#include "base/buf.h"

struct segment {
    uint64_t number;
    uint32_t format;         // version of its header; 0 when that is damaged
    uint32_t rewritten;      // how often
    bool keep;               // it is never rewritten
    bool replacing;          // a job gives its name to another file
    uint32_t files;          // how often that has ended
    uint32_t swaps;          // and how often its directory became that of the other
    uint64_t file_bytes;     // 0 for the tail, and for one whose file is still to be made
    bool made;               // the file is there
    uint64_t first_sequence; // what its first message has, or would have; that of the next one is its end
    uint64_t said_floor;     // by its first commit, when that is in no block; 0: none
    uint64_t messages;       // in it, live or not
    uint64_t bytes;          // of their records
    uint64_t gone;           // of them, removed one by one or in a block that a floor cut through
    uint64_t gone_bytes;
    int64_t first_time_ns; // of its messages; meaningless when it has none
    int64_t last_time_ns;
    uint64_t version; // raised with each change
    uint64_t stored;  // the version that the source has, or will have with the batch that is being written
    uint32_t pins;    // what points into the directory: removals that are not committed, loads
    bool hot;
    struct block **blocks; // the directory, when hot
    size_t block_count;
    size_t block_capacity;
    size_t found;                // index of the block that was asked for last
    struct segment *prev, *next; // in the table's `recent`, most recently used first
};

/* Where the directories of cold segments come from. */
struct directory_source {
    void *context;
    /* Appends what directory_put() has made. */
    enum rill_err (*detail)(void *context, uint64_t segment, struct rill_buf *ret_detail);
};

enum { DIRECTORY_HOT_MAX = 8, DIRECTORY_BYTES_MAX = 64 << 20 };

struct segment_table {
    struct segment **segments; // by number
    size_t count;
    size_t capacity;
    struct segment *recent; // those that are hot
    size_t hot_count;
    size_t hot_max;                 // 0: DIRECTORY_HOT_MAX
    struct directory_source source; // no `detail`: none
    bool failed;                    // it could not give what it should have
    struct block_cache cache;
};

void segment_table_fini(struct segment_table *table);

/* Appends a segment without blocks. */
struct segment *segment_push(struct segment_table *table, uint64_t number, uint64_t first_sequence);
/* Appends a cold one that the source has; its numbers are the caller's to fill in. */
struct segment *segment_push_cold(struct segment_table *table, uint64_t number, uint64_t first_sequence);
/* Takes segments off the end until the last one has the number `number` or a lower one, and blocks off that one until
   `block_count` are left. */
void segment_cut(struct segment_table *table, uint64_t number, size_t block_count);
/* The directory and the numbers become those of `from`, which is in no table that is used further, and is left without. What
   points into the old directory must be gone, but for loads. */
void segment_take(struct segment_table *table, struct segment *segment, struct segment *from);
/* Takes `count` off the front. */
void segment_drop(struct segment_table *table, size_t count);

/* Index of the last segment that begins at this sequence or before; SIZE_MAX when all are behind it. */
size_t segment_find(const struct segment_table *table, uint64_t sequence);
/* Index of the first segment with this number or a higher one. */
size_t segment_at(const struct segment_table *table, uint64_t number);
/* NULL when there is none. */
struct segment *segment_of(const struct segment_table *table, uint64_t number);
/* The sequence behind its last message, when segment `index` is not the last. */
uint64_t segment_end(const struct segment_table *table, size_t index);

/* Makes sure that the directory is there. IO when the source cannot give it. */
enum rill_err segment_bring(struct segment_table *table, struct segment *segment) RILL_MUST_CHECK;
/* Evicts those that were not used for the longest time and may go; the one used last and those from the number
   `keep` on stay. */
void segment_trim(struct segment_table *table, uint64_t keep);

/* Appends a block without data to the last segment, which is hot. NO_MEMORY. */
enum rill_err block_push(struct segment_table *table, uint64_t first_sequence, uint64_t offset,
                         struct block **ret_block) RILL_MUST_CHECK;
/* The last block of all, NULL when the last segment has none. */
struct block *block_last(const struct segment_table *table);
/* The block that holds this sequence; NULL when there is none that could. IO. */
enum rill_err block_find(struct segment_table *table, uint64_t sequence,
                         struct block **ret_block) RILL_MUST_CHECK;
/* The block that begins there; NULL when it is not in memory. */
struct block *block_at(const struct segment_table *table, uint64_t segment, uint64_t offset);
/* The same in a segment that is hot. */
struct block *segment_block(struct segment *segment, uint64_t sequence);

/* Notes that a message was put at the end of a block. */
void block_count_message(struct block *block, size_t size, int64_t time_ns);
/* Notes that messages of a block were removed. */
void block_count_gone(struct block *block, uint32_t count, uint32_t bytes);
/* Notes that message `index` is gone, for everybody; it takes `bytes` of the block. */
void block_lose(struct block *block, uint32_t index, uint32_t bytes);
/* Notes that the next `count` sequences were removed, and have no record: as if they stood at the end of the block. */
void block_skip(struct block *block, uint32_t count);
/* Takes such a note back. */
void block_count_back(struct block *block, uint32_t count, uint32_t bytes);

static inline uint64_t segment_live(const struct segment *segment)
{
    return segment->messages - segment->gone;
}

static inline uint64_t segment_live_bytes(const struct segment *segment)
{
    return segment->bytes - segment->gone_bytes;
}
