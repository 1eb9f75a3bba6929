// SPDX-License-Identifier: Apache-2.0
//
// Removing: deletes and purges. The record goes into the open commit like any other; what it does is done at
// once for what comes behind it in the log (the open planes of the live maps, the counts and the floor of the
// mark `open`), and for readers when the commit has finished. Until then it stands in `removals`, from which it
// is committed or undone.
//
// A purge moves the floor. Blocks below are not touched: nothing below the floor is looked at again. In the
// block that the floor cuts through, the messages in front are marked one by one, so that what its counts say
// is live is what lies behind the floor. So are those of blocks that may yet be appended to.
#include "store_impl.h"

#include "base/alloc.h"
#include "base/assert.h"

#include <string.h>

uint64_t store_next_live(const struct rill_store *store, enum live_plane plane, uint64_t from)
{
    const struct block_table *table = &store->blocks;
    size_t i = block_find(table, table->count, from);
    for (i = i == SIZE_MAX ? 0 : i; i < table->count; i++) {
        const struct block *block = &table->blocks[i];
        if (plane == LIVE_OPEN && !block_live(block))
            continue;
        const uint64_t skip = from > block->first_sequence ? from - block->first_sequence : 0;
        if (skip >= block->count)
            continue;
        const uint32_t index = live_next(block->live, (uint32_t)skip, block->count, plane);
        if (index < block->count)
            return block->first_sequence + index;
    }
    return store->open.sequence + 1;
}

void store_note_first(struct rill_store *store)
{
    struct log_mark *committed = &store->committed;
    if (!committed->messages)
        return;
    const size_t at = block_find(&store->blocks, committed->block_count, committed->floor);
    RILL_ASSERT(at != SIZE_MAX);
    const struct block *block = &store->blocks.blocks[at];
    const uint8_t *record;
    store->first_time_ns = block->first_time_ns;
    if (committed->floor > block->first_sequence && block->data &&
        !block_message(&store->blocks, at, block->len, committed->floor, &record))
        store->first_time_ns = record_view(record).time_ns;
}

static void note_removal(struct rill_store *store, const struct removal *removal)
{
    if (store->removal_count == store->removal_capacity) {
        store->removal_capacity = store->removal_capacity ? store->removal_capacity * 2 : 16;
        store->removals =
            rill_alloc_resize(store->removals, store->removal_capacity, sizeof store->removals[0]);
    }
    store->removals[store->removal_count++] = *removal;
}

/* Marks those of [first, last] that are live. `bytes` is the sum of their records. */
static void block_remove(struct rill_store *store, size_t at, uint32_t first, uint32_t last, uint32_t bytes)
{
    struct block *block = &store->blocks.blocks[at];
    RILL_ASSERT(first <= last && last < block->count);
    for (uint32_t i = first; i <= last; i++) {
        if (live_is_gone(block->live, i, LIVE_OPEN))
            continue;
        live_remove(&block->live, i);
        block->gone++;
    }
    block->gone_bytes += bytes;
    RILL_ASSERT(block->gone <= block->count && block->gone_bytes <= block->bytes);
    note_removal(store, &(struct removal){store->open.commit + 1, at, first, last, bytes});
}

void store_removals_commit(struct rill_store *store, uint64_t commit)
{
    size_t done = 0;
    for (; done < store->removal_count && store->removals[done].commit <= commit; done++) {
        const struct removal *removal = &store->removals[done];
        live_commit(store->blocks.blocks[removal->block].live, removal->first, removal->last);
    }
    if (done) {
        store->removal_count -= done;
        memmove(store->removals, store->removals + done, store->removal_count * sizeof store->removals[0]);
    }
    if (store->committed.floor > 1)
        store->committed.floor = store_next_live(store, LIVE_COMMITTED, store->committed.floor);
    if (store->committed.said_floor)
        lost_cut(&store->lost, store->committed.said_floor);
    store_note_first(store);
}

void store_removals_undo(struct rill_store *store)
{
    while (store->removal_count) {
        const struct removal *removal = &store->removals[--store->removal_count];
        struct block *block = &store->blocks.blocks[removal->block];
        block->gone -= live_restore(block->live, removal->first, removal->last);
        block->gone_bytes -= removal->bytes;
    }
}

/* Where a message stands that an append could name, as the open commit sees it. */
static enum rill_err find_message(struct rill_store *store, uint64_t sequence, size_t *ret_block,
                                  uint32_t *ret_bytes)
{
    if (sequence < store->open.floor || sequence > store->open.sequence)
        return RILL_ERR_NOT_FOUND;
    if (lost_has(&store->lost, sequence))
        return RILL_ERR_DAMAGED;
    const size_t at = block_find(&store->blocks, store->blocks.count, sequence);
    if (at == SIZE_MAX)
        return RILL_ERR_DAMAGED;
    const struct block *block = &store->blocks.blocks[at];
    if (live_is_gone(block->live, (uint32_t)(sequence - block->first_sequence), LIVE_OPEN))
        return RILL_ERR_NOT_FOUND;
    if (!block->data)
        return RILL_ERR_AGAIN;
    const uint8_t *record;
    const enum rill_err err = block_message(&store->blocks, at, block->len, sequence, &record);
    if (err)
        return err == RILL_ERR_NOT_FOUND ? RILL_ERR_DAMAGED : err;
    *ret_block = at;
    *ret_bytes = (uint32_t)record_view(record).size;
    return RILL_OK;
}

enum rill_err rill_store_append_delete(struct rill_store *store, uint64_t sequence)
{
    struct log_mark *open = &store->open;
    struct record_delete removal = {.sequence = sequence};
    size_t block = 0;
    uint8_t *at;
    enum rill_err err = find_message(store, sequence, &block, &removal.bytes);
    if (!err)
        err = store_record_room(store, RECORD_DELETE_BYTES, &at);
    if (err)
        return err;
    record_put_delete(at, store->seed + open->offset, open->sequence, open->time_ns, &removal);
    store_record_advance(store, RECORD_DELETE_BYTES);
    const uint32_t index = (uint32_t)(sequence - store->blocks.blocks[block].first_sequence);
    block_remove(store, block, index, index, removal.bytes);
    open->messages--;
    open->bytes -= removal.bytes;
    if (sequence == open->floor)
        open->floor = store_next_live(store, LIVE_OPEN, sequence);
    return RILL_OK;
}

/* What a purge takes, before it is appended. */
struct purge {
    uint64_t floor; // what it makes the floor
    uint64_t messages;
    uint64_t bytes;
    size_t first_block; // of those with messages that go
    size_t end_block;
    uint32_t cut_bytes; // of the messages that go, in the last of them when some stay in it
};

/* The live messages in front of `floor` in the block that it cuts through. */
static enum rill_err purge_count_cut(struct rill_store *store, size_t at, struct purge *purge)
{
    const struct block *block = &store->blocks.blocks[at];
    const uint32_t end = (uint32_t)(purge->floor - block->first_sequence);
    if (!block->data)
        return RILL_ERR_AGAIN;
    for (uint32_t i = 0; (i = live_next(block->live, i, end, LIVE_OPEN)) < end; i++) {
        const uint8_t *record;
        const enum rill_err err =
            block_message(&store->blocks, at, block->len, block->first_sequence + i, &record);
        if (err)
            return err == RILL_ERR_NOT_FOUND ? RILL_ERR_DAMAGED : err;
        purge->cut_bytes += (uint32_t)record_view(record).size;
        purge->messages++;
    }
    purge->bytes += purge->cut_bytes;
    return RILL_OK;
}

static bool ends_below(const struct block *block, uint64_t floor)
{
    return block->first_sequence + block->count <= floor;
}

static enum rill_err purge_plan(struct rill_store *store, uint64_t first_kept, struct purge *purge)
{
    const struct block_table *table = &store->blocks;
    *purge = (struct purge){.floor = store_next_live(store, LIVE_OPEN, first_kept)};
    const size_t first = block_find(table, table->count, store->open.floor);
    purge->first_block = purge->end_block = first == SIZE_MAX ? 0 : first;
    for (size_t i = purge->first_block; i < table->count && table->blocks[i].first_sequence < purge->floor;
         i++) {
        purge->end_block = i + 1;
        if (!ends_below(&table->blocks[i], purge->floor))
            return purge_count_cut(store, i, purge);
        purge->messages += block_live(&table->blocks[i]);
        purge->bytes += block_live_bytes(&table->blocks[i]);
    }
    return RILL_OK;
}

static void purge_apply(struct rill_store *store, const struct purge *purge)
{
    struct log_mark *open = &store->open;
    for (size_t i = purge->first_block; i < purge->end_block; i++) {
        const struct block *block = &store->blocks.blocks[i];
        const uint64_t front = purge->floor - block->first_sequence;
        if (front < block->count)
            block_remove(store, i, 0, (uint32_t)front - 1, purge->cut_bytes);
        else if (i + 1 >= store->committed.block_count && block->count)
            block_remove(store, i, 0, block->count - 1, block_live_bytes(block));
    }
    RILL_ASSERT(purge->messages <= open->messages && purge->bytes <= open->bytes);
    open->messages -= purge->messages;
    open->bytes -= purge->bytes;
    open->floor = purge->floor;
}

static enum rill_err append_floor(struct rill_store *store, uint64_t floor)
{
    struct log_mark *open = &store->open;
    uint8_t *at;
    const enum rill_err err = store_record_room(store, RECORD_PURGE_BYTES, &at);
    if (err)
        return err;
    record_put_purge(at, store->seed + open->offset, open->sequence, open->time_ns, floor);
    store_record_advance(store, RECORD_PURGE_BYTES);
    open->said_floor = floor;
    open->said_segment = open->segment;
    return RILL_OK;
}

enum rill_err rill_store_append_purge(struct rill_store *store, uint64_t first_kept,
                                      struct rill_store_purged *ret)
{
    struct purge purge;
    *ret = (struct rill_store_purged){0};
    if (first_kept > store->open.sequence)
        first_kept = store->open.sequence + 1;
    if (first_kept <= store->open.floor)
        return store->read_only ? RILL_ERR_READ_ONLY : RILL_OK;
    enum rill_err err = purge_plan(store, first_kept, &purge);
    ret->load_sequence = purge.floor;
    if (!err)
        err = append_floor(store, first_kept);
    if (err)
        return err;
    purge_apply(store, &purge);
    ret->messages = purge.messages;
    return RILL_OK;
}

/* The sequence of the n-th live message from the end of a block. */
static uint64_t newest_in(const struct block *block, uint64_t count)
{
    uint32_t index = block->count;
    while (count) {
        RILL_ASSERT(index > 0);
        index--;
        count -= !live_is_gone(block->live, index, LIVE_OPEN);
    }
    return block->first_sequence + index;
}

uint64_t rill_store_newest(const struct rill_store *store, uint64_t count)
{
    if (count >= store->open.messages)
        return store->open.floor;
    if (!count)
        return store->open.sequence + 1;
    size_t i = store->blocks.count - 1;
    for (; count > block_live(&store->blocks.blocks[i]); i--)
        count -= block_live(&store->blocks.blocks[i]);
    return newest_in(&store->blocks.blocks[i], count);
}

uint64_t store_sayable_floor(const struct rill_store *store, uint64_t floor)
{
    const struct lost *lost = &store->lost;
    const uint64_t said = store->started.said_floor;
    if (lost->count && lost->ranges[0].first_sequence < floor)
        floor = lost->ranges[0].first_sequence;
    return floor > said ? floor : said;
}

void store_say_floor(struct rill_store *store)
{
    const struct segment_file *first = &store->files[0];
    const struct log_mark *open = &store->open;
    const uint64_t floor = store_sayable_floor(store, open->floor);
    if (store->file_count < 2 || first->end_sequence > floor || floor < open->said_floor)
        return;
    if (open->said_floor >= first->end_sequence && open->said_segment > first->number)
        return;
    // Without room in this commit the next one says it.
    (void)!append_floor(store, floor);
}
