// SPDX-License-Identifier: Apache-2.0
#include "directory.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "base/search.h"
#include "directory_code.h"
#include "segment.h"

#include <stdlib.h>
#include <utlist.h>

static void block_destroy(struct segment_table *table, struct block *block)
{
    RILL_ASSERT(!block->loading);
    block_detach(&table->cache, block);
    free(block->live);
    free(block);
}

static void blocks_free(struct segment_table *table, struct segment *segment)
{
    for (size_t i = 0; i < segment->block_count; i++)
        block_destroy(table, segment->blocks[i]);
    free(segment->blocks);
    segment->blocks = NULL;
    segment->block_count = segment->block_capacity = 0;
}

static void warm(struct segment_table *table, struct segment *segment)
{
    segment->hot = true;
    DL_PREPEND(table->recent, segment);
    table->hot_count++;
}

static void cool(struct segment_table *table, struct segment *segment)
{
    if (!segment->hot)
        return;
    blocks_free(table, segment);
    DL_DELETE(table->recent, segment);
    table->hot_count--;
    segment->hot = false;
}

static void segment_destroy(struct segment_table *table, struct segment *segment)
{
    cool(table, segment);
    free(segment);
}

void segment_table_fini(struct segment_table *table)
{
    for (size_t i = 0; i < table->count; i++)
        segment_destroy(table, table->segments[i]);
    free(table->segments);
    block_cache_fini(&table->cache);
    *table = (struct segment_table){0};
}

struct segment *segment_push_cold(struct segment_table *table, uint64_t number, uint64_t first_sequence)
{
    if (table->count == table->capacity) {
        table->capacity = table->capacity ? table->capacity * 2 : 8;
        table->segments = rill_alloc_resize(table->segments, table->capacity, sizeof(struct segment *));
    }
    RILL_ASSERT(!table->count || (table->segments[table->count - 1]->number < number &&
                                  table->segments[table->count - 1]->first_sequence <= first_sequence));
    struct segment *segment = rill_alloc_zero(1, sizeof *segment);
    segment->number = number;
    segment->first_sequence = first_sequence;
    table->segments[table->count++] = segment;
    return segment;
}

struct segment *segment_push(struct segment_table *table, uint64_t number, uint64_t first_sequence)
{
    struct segment *segment = segment_push_cold(table, number, first_sequence);
    segment->version = 1;
    segment->format = SEGMENT_VERSION;
    warm(table, segment);
    return segment;
}

static void segment_pop_block(struct segment_table *table, struct segment *segment)
{
    struct block *last = segment->blocks[--segment->block_count];
    segment->messages -= last->count;
    segment->bytes -= last->bytes;
    segment->gone -= last->gone;
    segment->gone_bytes -= last->gone_bytes;
    block_destroy(table, last);
}

void segment_cut(struct segment_table *table, uint64_t number, size_t block_count)
{
    while (table->count && table->segments[table->count - 1]->number > number)
        segment_destroy(table, table->segments[--table->count]);
    struct segment *last = table->count ? table->segments[table->count - 1] : NULL;
    if (!last || last->number != number)
        return;
    RILL_ASSERT(last->hot);
    while (last->block_count > block_count)
        segment_pop_block(table, last);
}

/* What is loaded will find no block. */
static void forget_loads(struct segment *segment)
{
    for (size_t i = 0; i < segment->block_count; i++)
        segment->blocks[i]->loading = false;
}

static void take_blocks(struct segment *segment, struct segment *from)
{
    segment->blocks = from->blocks;
    segment->block_count = from->block_count;
    segment->block_capacity = from->block_capacity;
    for (size_t i = 0; i < segment->block_count; i++)
        segment->blocks[i]->segment = segment;
    from->blocks = NULL;
    from->block_count = from->block_capacity = 0;
}

static void take_numbers(struct segment *segment, const struct segment *from)
{
    segment->messages = from->messages;
    segment->bytes = from->bytes;
    segment->gone = from->gone;
    segment->gone_bytes = from->gone_bytes;
    segment->first_time_ns = from->first_time_ns;
    segment->last_time_ns = from->last_time_ns;
}

void segment_take(struct segment_table *table, struct segment *segment, struct segment *from)
{
    RILL_ASSERT(segment->hot && from->hot && segment->number == from->number);
    forget_loads(segment);
    blocks_free(table, segment);
    take_blocks(segment, from);
    take_numbers(segment, from);
    segment->pins = from->pins;
    segment->version++;
    segment->swaps++;
}

void segment_drop(struct segment_table *table, size_t count)
{
    RILL_ASSERT(count <= table->count);
    if (!count)
        return;
    for (size_t i = 0; i < count; i++) {
        struct segment *segment = table->segments[i];
        forget_loads(segment);
        segment_destroy(table, segment);
    }
    table->count -= count;
    memmove(table->segments, table->segments + count, table->count * sizeof table->segments[0]);
}

static bool begins_at_or_before(const void *segments, size_t index, uint64_t sequence)
{
    return ((struct segment *const *)segments)[index]->first_sequence <= sequence;
}

static bool has_lower_number(const void *segments, size_t index, uint64_t number)
{
    return ((struct segment *const *)segments)[index]->number < number;
}

size_t segment_find(const struct segment_table *table, uint64_t sequence)
{
    return rill_search(table->segments, 0, table->count, sequence, begins_at_or_before) - 1;
}

size_t segment_at(const struct segment_table *table, uint64_t number)
{
    return rill_search(table->segments, 0, table->count, number, has_lower_number);
}

struct segment *segment_of(const struct segment_table *table, uint64_t number)
{
    const size_t at = segment_at(table, number);
    return at < table->count && table->segments[at]->number == number ? table->segments[at] : NULL;
}

uint64_t segment_end(const struct segment_table *table, size_t index)
{
    RILL_ASSERT(index + 1 < table->count);
    return table->segments[index + 1]->first_sequence;
}

// ---- hot and cold ----

static enum rill_err fetch(struct segment_table *table, struct segment *segment)
{
    struct rill_buf detail;
    rill_buf_init(&detail, DIRECTORY_BYTES_MAX);
    enum rill_err err = table->source.detail
                            ? table->source.detail(table->source.context, segment->number, &detail)
                            : RILL_ERR_NOT_FOUND;
    if (!err)
        err = directory_get(rill_buf_bytes(&detail), segment);
    rill_buf_fini(&detail);
    return err;
}

enum rill_err segment_bring(struct segment_table *table, struct segment *segment)
{
    if (segment->hot) {
        if (table->recent != segment) {
            DL_DELETE(table->recent, segment);
            DL_PREPEND(table->recent, segment);
        }
        return RILL_OK;
    }
    if (fetch(table, segment)) {
        blocks_free(table, segment);
        table->failed = true; // what it says cannot be trusted any more
        return RILL_ERR_IO;
    }
    warm(table, segment);
    return RILL_OK;
}

void segment_trim(struct segment_table *table, uint64_t keep)
{
    const size_t most = table->hot_max ? table->hot_max : DIRECTORY_HOT_MAX;
    struct segment *oldest = table->recent ? table->recent->prev : NULL;
    while (oldest && oldest != table->recent && table->hot_count > most && table->source.detail) {
        struct segment *newer = oldest->prev;
        const bool same = oldest->version == oldest->stored;
        if (same && !oldest->pins && oldest->number < keep)
            cool(table, oldest);
        oldest = newer;
    }
}

// ---- blocks ----

enum rill_err block_push(struct segment_table *table, uint64_t first_sequence, uint64_t offset,
                         struct block **ret_block)
{
    RILL_ASSERT(table->count && offset <= UINT32_MAX);
    struct segment *segment = table->segments[table->count - 1];
    RILL_ASSERT(segment->hot && segment->first_sequence <= first_sequence);
    if (segment->block_count == segment->block_capacity) {
        const size_t capacity = segment->block_capacity ? segment->block_capacity * 2 : 4;
        struct block **blocks = realloc(segment->blocks, capacity * sizeof *blocks);
        if (!blocks)
            return RILL_ERR_NO_MEMORY;
        segment->blocks = blocks;
        segment->block_capacity = capacity;
    }
    struct block *block = calloc(1, sizeof *block);
    if (!block)
        return RILL_ERR_NO_MEMORY;
    *block = (struct block){
        .first_sequence = first_sequence,
        .segment = segment,
        .index = (uint32_t)segment->block_count,
        .offset = (uint32_t)offset,
    };
    segment->blocks[segment->block_count++] = block;
    segment->version++;
    *ret_block = block;
    return RILL_OK;
}

struct block *block_last(const struct segment_table *table)
{
    const struct segment *last = table->count ? table->segments[table->count - 1] : NULL;
    return last && last->block_count ? last->blocks[last->block_count - 1] : NULL;
}

static bool block_begins_at_or_before(const void *blocks, size_t index, uint64_t sequence)
{
    return ((struct block *const *)blocks)[index]->first_sequence <= sequence;
}

/* Is this the last one that begins at the sequence or before? Who reads in order asks for the same block again. */
static bool is_found_at(const struct segment *segment, size_t index, uint64_t sequence)
{
    return index < segment->block_count && segment->blocks[index]->first_sequence <= sequence &&
           (index + 1 == segment->block_count || segment->blocks[index + 1]->first_sequence > sequence);
}

struct block *segment_block(struct segment *segment, uint64_t sequence)
{
    RILL_ASSERT(segment->hot);
    if (is_found_at(segment, segment->found, sequence))
        return segment->blocks[segment->found];
    const size_t behind =
        rill_search(segment->blocks, 0, segment->block_count, sequence, block_begins_at_or_before);
    segment->found = behind ? behind - 1 : 0;
    return behind ? segment->blocks[behind - 1] : NULL;
}

enum rill_err block_find(struct segment_table *table, uint64_t sequence, struct block **ret_block)
{
    const size_t at = segment_find(table, sequence);
    *ret_block = NULL;
    if (at == SIZE_MAX)
        return RILL_OK;
    const enum rill_err err = segment_bring(table, table->segments[at]);
    if (!err)
        *ret_block = segment_block(table->segments[at], sequence);
    return err;
}

struct block *block_at(const struct segment_table *table, uint64_t number, uint64_t offset)
{
    const struct segment *segment = segment_of(table, number);
    for (size_t i = 0; segment && i < segment->block_count; i++) {
        if (segment->blocks[i]->offset == offset)
            return segment->blocks[i];
    }
    return NULL;
}

void block_count_message(struct block *block, size_t size, int64_t time_ns)
{
    struct segment *segment = block->segment;
    if (block->count++ == 0)
        block->first_time_ns = time_ns;
    block->bytes += (uint32_t)size;
    if (segment->messages++ == 0)
        segment->first_time_ns = time_ns;
    segment->last_time_ns = time_ns;
    segment->bytes += size;
    segment->version++;
}

void block_count_gone(struct block *block, uint32_t count, uint32_t bytes)
{
    struct segment *segment = block->segment;
    block->gone += count;
    block->gone_bytes += bytes;
    segment->gone += count;
    segment->gone_bytes += bytes;
    segment->version++;
    RILL_ASSERT(block->gone <= block->count && block->gone_bytes <= block->bytes);
}

void block_lose(struct block *block, uint32_t index, uint32_t bytes)
{
    RILL_ASSERT(index < block->count && !live_is_gone(block->live, index, LIVE_OPEN));
    live_remove(&block->live, index);
    live_commit(block->live, index, index);
    // A record that is valid says what was true; what no store has written must not break the counts.
    const uint32_t left = block_live_bytes(block);
    block_count_gone(block, 1, bytes < left ? bytes : left);
}

void block_skip(struct block *block, uint32_t count)
{
    for (; count; count--) {
        block->count++;
        block->segment->messages++;
        block_lose(block, block->count - 1, 0);
    }
}

void block_count_back(struct block *block, uint32_t count, uint32_t bytes)
{
    struct segment *segment = block->segment;
    RILL_ASSERT(block->gone >= count && block->gone_bytes >= bytes);
    block->gone -= count;
    block->gone_bytes -= bytes;
    segment->gone -= count;
    segment->gone_bytes -= bytes;
    segment->version++;
}
