// SPDX-License-Identifier: Apache-2.0
#include "block.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "scan.h"

#include <stdlib.h>
#include <utlist.h>

struct block_data *block_data_create(size_t capacity)
{
    RILL_ASSERT(capacity < UINT32_MAX);
    struct block_data *data = calloc(1, sizeof *data);
    uint8_t *bytes = malloc(capacity ? capacity : 1);
    if (!data || !bytes) {
        free(data);
        free(bytes);
        return NULL;
    }
    data->bytes = bytes;
    data->capacity = (uint32_t)capacity;
    return data;
}

void block_data_destroy(struct block_data *data)
{
    if (!data)
        return;
    free(data->places);
    free(data->bytes);
    free(data);
}

static uint64_t data_size(const struct block_data *data)
{
    return sizeof *data + data->capacity + (uint64_t)data->place_capacity * sizeof data->places[0];
}

/* Notes the place of the message that is `index` behind the first of the block. */
static enum rill_err data_note(struct block_data *data, uint64_t index, size_t at)
{
    if (index >= data->place_capacity) {
        // Each message takes 40 bytes and more, so the table stays smaller than the block is.
        if (index > UINT32_MAX / 2)
            return RILL_ERR_NO_MEMORY;
        const uint32_t capacity = (uint32_t)(index < 128 ? 256 : index * 2);
        uint32_t *places = realloc(data->places, capacity * sizeof *places);
        if (!places)
            return RILL_ERR_NO_MEMORY;
        data->places = places;
        data->place_capacity = capacity;
    }
    while (data->place_count <= index)
        data->places[data->place_count++] = 0;
    data->places[index] = (uint32_t)at + 1;
    return RILL_OK;
}

enum rill_err block_data_verify(struct block_data *data, uint32_t len, uint64_t seed, uint64_t first,
                                uint64_t last)
{
    RILL_ASSERT(len <= data->capacity);
    struct record_scan scan = record_scan_of(data->bytes, len, seed);
    struct record_found found;
    while (record_scan_next(&scan, &found)) {
        const uint64_t sequence = found.record.sequence;
        if (found.record.type != RECORD_MESSAGE || sequence < first || sequence > last)
            continue;
        const enum rill_err err = data_note(data, sequence - first, found.at);
        if (err)
            return err;
    }
    data->indexed = len;
    return RILL_OK;
}

/* Walks the bytes that were appended, or verified, since the last time. */
static enum rill_err data_index(struct block_data *data, uint32_t len, uint64_t first)
{
    while (data->indexed < len) {
        const struct record record = record_view(data->bytes + data->indexed);
        RILL_ASSERT(record.size <= len - data->indexed);
        if (record.type == RECORD_MESSAGE) {
            RILL_ASSERT(record.sequence >= first);
            const enum rill_err err = data_note(data, record.sequence - first, data->indexed);
            if (err)
                return err;
        }
        data->indexed += (uint32_t)record.size;
    }
    return RILL_OK;
}

void block_table_fini(struct block_table *table)
{
    block_cut(table, 0, 0);
    block_data_destroy(table->spare);
    free(table->blocks);
    *table = (struct block_table){0};
}

enum rill_err block_push(struct block_table *table, uint64_t first_sequence, uint64_t segment,
                         uint64_t offset)
{
    RILL_ASSERT(offset <= UINT32_MAX);
    RILL_ASSERT(!table->count || table->blocks[table->count - 1].first_sequence <= first_sequence);
    if (table->count == table->capacity) {
        const size_t capacity = table->capacity ? table->capacity * 2 : 16;
        struct block *blocks = realloc(table->blocks, capacity * sizeof *blocks);
        if (!blocks)
            return RILL_ERR_NO_MEMORY;
        table->blocks = blocks;
        table->capacity = capacity;
    }
    table->blocks[table->count++] = (struct block){
        .first_sequence = first_sequence,
        .segment = segment,
        .offset = (uint32_t)offset,
    };
    return RILL_OK;
}

static struct block_data *data_for(struct block_table *table, size_t room)
{
    struct block_data *spare = table->spare;
    if (!spare || room > BLOCK_BYTES)
        return block_data_create(room > BLOCK_BYTES ? room : BLOCK_BYTES);
    RILL_ASSERT(spare->capacity == BLOCK_BYTES);
    table->spare = NULL;
    spare->indexed = 0;
    spare->place_count = 0;
    return spare;
}

enum rill_err block_push_open(struct block_table *table, uint64_t first_sequence, uint64_t segment,
                              uint64_t offset, size_t room)
{
    struct block_data *data = data_for(table, room);
    if (!data)
        return RILL_ERR_NO_MEMORY;
    const enum rill_err err = block_push(table, first_sequence, segment, offset);
    if (err) {
        block_data_destroy(data);
        return err;
    }
    block_attach(table, table->count - 1, data);
    return RILL_OK;
}

static void data_detach(struct block_table *table, struct block_data *data)
{
    DL_DELETE(table->cached, data);
    table->blocks[data->block].data = NULL;
    table->cache_bytes -= data_size(data);
}

/* Memory of the usual size is kept once: in a steady flow each new block takes that of one it drives out. */
static void data_retire(struct block_table *table, struct block_data *data)
{
    if (table->spare || data->capacity != BLOCK_BYTES)
        block_data_destroy(data);
    else
        table->spare = data;
}

/* Forgets the places at and behind `len`. */
static void data_unindex(struct block_data *data, uint32_t len)
{
    if (data->indexed <= len)
        return;
    data->indexed = len;
    while (data->place_count &&
           (!data->places[data->place_count - 1] || data->places[data->place_count - 1] - 1 >= len))
        data->place_count--;
}

void block_cut(struct block_table *table, size_t count, uint32_t last_len)
{
    RILL_ASSERT(count <= table->count);
    while (table->count > count) {
        struct block *last = &table->blocks[table->count - 1];
        struct block_data *data = last->data;
        RILL_ASSERT(!last->loading);
        if (data) {
            data_detach(table, data);
            data_retire(table, data);
        }
        free(last->live);
        table->count--;
    }
    if (count) {
        struct block *last = &table->blocks[count - 1];
        RILL_ASSERT(last_len <= last->len);
        last->len = last_len;
        if (last->data)
            data_unindex(last->data, last_len);
    }
}

void block_drop(struct block_table *table, size_t count)
{
    RILL_ASSERT(count <= table->count);
    for (size_t i = 0; i < count; i++) {
        struct block_data *data = table->blocks[i].data;
        free(table->blocks[i].live);
        if (data) {
            data_detach(table, data);
            data_retire(table, data);
        }
    }
    if (count)
        memmove(table->blocks, table->blocks + count, (table->count - count) * sizeof table->blocks[0]);
    table->count -= count;
    struct block_data *data;
    DL_FOREACH (table->cached, data)
        data->block -= count;
}

size_t block_at(const struct block_table *table, uint64_t segment, uint64_t offset)
{
    size_t low = 0, high = table->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const struct block *block = &table->blocks[middle];
        if (block->segment < segment || (block->segment == segment && block->offset < offset))
            low = middle + 1;
        else
            high = middle;
    }
    const bool found =
        low < table->count && table->blocks[low].segment == segment && table->blocks[low].offset == offset;
    return found ? low : SIZE_MAX;
}

size_t block_find(const struct block_table *table, size_t count, uint64_t sequence)
{
    RILL_ASSERT(count <= table->count);
    size_t low = 0, high = count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (table->blocks[middle].first_sequence <= sequence)
            low = middle + 1;
        else
            high = middle;
    }
    return low - 1;
}

void block_attach(struct block_table *table, size_t block, struct block_data *data)
{
    RILL_ASSERT(block < table->count && !table->blocks[block].data);
    data->block = block;
    table->blocks[block].data = data;
    table->cache_bytes += data_size(data);
    DL_PREPEND(table->cached, data);
}

void block_trim(struct block_table *table, size_t keep)
{
    struct block_data *oldest =
        table->cached ? table->cached->prev : NULL; // utlist: the head's prev is the last
    while (oldest && oldest != table->cached && table->cache_bytes > table->cache_bytes_max) {
        struct block_data *newer = oldest->prev;
        if (oldest->block < keep) {
            data_detach(table, oldest);
            data_retire(table, oldest);
        }
        oldest = newer;
    }
}

static void data_touch(struct block_table *table, struct block_data *data)
{
    if (table->cached == data)
        return;
    DL_DELETE(table->cached, data);
    DL_PREPEND(table->cached, data);
}

enum rill_err block_message(struct block_table *table, size_t block, uint32_t len, uint64_t sequence,
                            const uint8_t **ret_at)
{
    struct block_data *data = table->blocks[block].data;
    const uint64_t first = table->blocks[block].first_sequence;
    RILL_ASSERT(data && sequence >= first && len <= table->blocks[block].len);
    data_touch(table, data);
    const uint64_t before = data_size(data);
    const enum rill_err err = data_index(data, len, first);
    table->cache_bytes += data_size(data) - before;
    if (err)
        return err;
    const uint64_t index = sequence - first;
    if (index >= data->place_count || !data->places[index])
        return RILL_ERR_NOT_FOUND;
    *ret_at = data->bytes + data->places[index] - 1;
    return RILL_OK;
}
