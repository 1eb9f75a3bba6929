// SPDX-License-Identifier: Apache-2.0
#include "block.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "directory.h"
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
enum rill_err block_data_index(struct block_data *data, uint32_t len, uint64_t first)
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

static void drop_spares(struct block_cache *cache)
{
    while (cache->spares) {
        struct block_data *spare = cache->spares;
        cache->spares = spare->next;
        block_data_destroy(spare);
    }
    cache->spare_count = 0;
}

void block_cache_fini(struct block_cache *cache)
{
    RILL_ASSERT(!cache->recent);
    drop_spares(cache);
    *cache = (struct block_cache){0};
}

struct block_data *block_take_spare(struct block_cache *cache, size_t len)
{
    struct block_data *spare = cache->spares;
    if (!spare || len > BLOCK_BYTES || len <= BLOCK_BYTES / 2)
        return NULL;
    RILL_ASSERT(spare->capacity == BLOCK_BYTES && cache->spare_count > 0);
    cache->spares = spare->next;
    cache->spare_count--;
    spare->indexed = 0;
    spare->place_count = 0;
    return spare;
}

static struct block_data *data_for(struct block_cache *cache, size_t room)
{
    const size_t capacity = room > BLOCK_BYTES ? room : BLOCK_BYTES;
    struct block_data *spare = block_take_spare(cache, capacity);
    return spare ? spare : block_data_create(capacity);
}

void block_attach(struct block_cache *cache, struct block *block, struct block_data *data)
{
    RILL_ASSERT(!block->data);
    data->block = block;
    block->data = data;
    cache->bytes += data_size(data);
    DL_PREPEND(cache->recent, data);
}

enum rill_err block_attach_room(struct block_cache *cache, struct block *block, size_t room)
{
    struct block_data *data = data_for(cache, room);
    if (!data)
        return RILL_ERR_NO_MEMORY;
    block_attach(cache, block, data);
    return RILL_OK;
}

/* Memory of the usual size is kept: in a steady flow each new block takes that of one it drives out. */
static void data_retire(struct block_cache *cache, struct block_data *data)
{
    if (cache->spare_count == BLOCK_SPARES_MAX || data->capacity != BLOCK_BYTES) {
        block_data_destroy(data);
        return;
    }
    data->next = cache->spares;
    cache->spares = data;
    cache->spare_count++;
}

void block_detach(struct block_cache *cache, struct block *block)
{
    struct block_data *data = block->data;
    if (!data)
        return;
    DL_DELETE(cache->recent, data);
    cache->bytes -= data_size(data);
    block->data = NULL;
    if (!cache->recent)
        drop_spares(cache); // nobody asks a store without blocks for its memory
    data_retire(cache, data);
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

void block_cut(struct block *block, uint32_t len)
{
    RILL_ASSERT(len <= block->len);
    block->len = len;
    if (block->data)
        data_unindex(block->data, len);
}

bool block_is_before(const struct block *block, const struct block *other)
{
    if (block->segment->number != other->segment->number)
        return block->segment->number < other->segment->number;
    return block->index < other->index;
}

void block_trim(struct block_cache *cache, const struct block *keep)
{
    struct block_data *oldest =
        cache->recent ? cache->recent->prev : NULL; // utlist: the head's prev is the last
    while (oldest && oldest != cache->recent && cache->bytes > cache->bytes_max) {
        struct block_data *newer = oldest->prev;
        if (keep && block_is_before(oldest->block, keep))
            block_detach(cache, oldest->block);
        oldest = newer;
    }
}

void block_evict(struct block_cache *cache, const struct block *keep, bool keeps_recent)
{
    struct block_data *data = cache->recent ? cache->recent->prev : NULL;
    while (data && keep && !block_is_before(data->block, keep))
        data = data == cache->recent ? NULL : data->prev;
    if (!data || (keeps_recent && data == cache->recent))
        return;
    block_detach(cache, data->block);
    if (!keeps_recent)
        drop_spares(cache); // this store may never need them again
}

static void data_touch(struct block_cache *cache, struct block_data *data)
{
    if (cache->recent == data)
        return;
    DL_DELETE(cache->recent, data);
    DL_PREPEND(cache->recent, data);
}

enum rill_err block_message(struct block_cache *cache, struct block *block, uint32_t len, uint64_t sequence,
                            const uint8_t **ret_at)
{
    struct block_data *data = block->data;
    RILL_ASSERT(data && sequence >= block->first_sequence && len <= block->len);
    data_touch(cache, data);
    const uint64_t before = data_size(data);
    const enum rill_err err = block_data_index(data, len, block->first_sequence);
    cache->bytes += data_size(data) - before;
    if (err)
        return err;
    const uint64_t index = sequence - block->first_sequence;
    if (index >= data->place_count || !data->places[index])
        return RILL_ERR_NOT_FOUND;
    *ret_at = data->bytes + data->places[index] - 1;
    return RILL_OK;
}
