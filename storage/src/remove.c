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
#include "indexing.h"

#include <string.h>

/* Within a segment that is hot; 0 when there is none. */
static uint64_t next_live_in(struct segment *segment, enum live_plane plane, uint64_t from)
{
    const struct block *first = segment_block(segment, from);
    for (size_t i = first ? first->index : 0; i < segment->block_count; i++) {
        const struct block *block = segment->blocks[i];
        if (plane == LIVE_OPEN && !block_live(block))
            continue;
        const uint64_t skip = from > block->first_sequence ? from - block->first_sequence : 0;
        if (skip >= block->count)
            continue;
        const uint32_t index = live_next(block->live, (uint32_t)skip, block->count, plane);
        if (index < block->count)
            return block->first_sequence + index;
    }
    return 0;
}

enum rill_err store_find_live(struct rill_store *store, enum live_plane plane, uint64_t from,
                              uint64_t *ret_sequence)
{
    struct segment_table *table = &store->segments;
    size_t i = segment_find(table, from);
    for (i = i == SIZE_MAX ? 0 : i; i < table->count; i++) {
        struct segment *segment = table->segments[i];
        // In a cold one both planes are the same.
        if (!segment_live(segment) && (plane == LIVE_OPEN || !segment->hot))
            continue;
        const enum rill_err err = segment_bring(table, segment);
        *ret_sequence = err ? from > segment->first_sequence ? from : segment->first_sequence
                            : next_live_in(segment, plane, from);
        if (err || *ret_sequence)
            return err;
    }
    *ret_sequence = store->open.sequence + 1;
    return RILL_OK;
}

uint64_t store_next_live(struct rill_store *store, enum live_plane plane, uint64_t from)
{
    uint64_t sequence = 0;
    (void)!store_find_live(store, plane, from, &sequence);
    return sequence;
}

void store_note_first(struct rill_store *store)
{
    struct log_mark *committed = &store->committed;
    struct segment_table *table = &store->segments;
    struct block *block;
    if (!committed->messages || block_find(table, committed->floor, &block))
        return;
    RILL_ASSERT(block);
    const uint8_t *record;
    store->noted_floor = committed->floor;
    store->first_time_ns = block->first_time_ns;
    if (committed->floor > block->first_sequence && block->data &&
        !block_message(&table->cache, block, block->len, committed->floor, &record))
        store->first_time_ns = record_view(record).time_ns;
}

static void note_removal(struct rill_store *store, const struct removal *removal)
{
    if (store->removal_count == store->removal_capacity) {
        store->removal_capacity = store->removal_capacity ? store->removal_capacity * 2 : 16;
        store->removals =
            rill_alloc_resize(store->removals, store->removal_capacity, sizeof store->removals[0]);
    }
    removal->block->segment->pins++;
    store->removals[store->removal_count++] = *removal;
}

/* Marks those of [first, last] that are live. `bytes` is the sum of their records. */
static void block_remove(struct rill_store *store, struct block *block, uint32_t first, uint32_t last,
                         uint32_t bytes)
{
    uint32_t count = 0;
    RILL_ASSERT(first <= last && last < block->count);
    for (uint32_t i = first; i <= last; i++) {
        if (live_is_gone(block->live, i, LIVE_OPEN))
            continue;
        live_remove(&block->live, i);
        count++;
    }
    block_count_gone(block, count, bytes);
    note_removal(store, &(struct removal){store->open.commit + 1, block, first, last, bytes});
}

void store_removals_commit(struct rill_store *store, uint64_t commit)
{
    size_t done = 0;
    for (; done < store->removal_count && store->removals[done].commit <= commit; done++) {
        const struct removal *removal = &store->removals[done];
        live_commit(removal->block->live, removal->first, removal->last);
        removal->block->segment->version++;
        removal->block->segment->pins--;
        store_rewrite_look(store, removal->bytes);
    }
    if (done) {
        store->removal_count -= done;
        memmove(store->removals, store->removals + done, store->removal_count * sizeof store->removals[0]);
    }
    if (store->committed.floor > 1)
        store->committed.floor = store_next_live(store, LIVE_COMMITTED, store->committed.floor);
    if (store->committed.said_floor)
        lost_cut(&store->lost, store->committed.said_floor);
    if (store->committed.floor != store->noted_floor || store->committed.messages == 1)
        store_note_first(store);
}

void store_removals_undo(struct rill_store *store)
{
    while (store->removal_count) {
        const struct removal *removal = &store->removals[--store->removal_count];
        struct block *block = removal->block;
        const uint32_t count = live_restore(block->live, removal->first, removal->last);
        block_count_back(block, count, removal->bytes);
        block->segment->pins--;
    }
}

/* The block of a message that is live behind everything appended. NOT_FOUND, DAMAGED, IO. */
static enum rill_err find_live(struct rill_store *store, uint64_t sequence, struct block **ret_block)
{
    if (sequence < store->open.floor || sequence > store->open.sequence)
        return RILL_ERR_NOT_FOUND;
    if (lost_has(&store->lost, sequence))
        return RILL_ERR_DAMAGED;
    struct block *block;
    const enum rill_err err = block_find(&store->segments, sequence, &block);
    if (err || !block)
        return err ? err : RILL_ERR_NOT_FOUND;
    const uint64_t index = sequence - block->first_sequence;
    if (index >= block->count || live_is_gone(block->live, (uint32_t)index, LIVE_OPEN))
        return RILL_ERR_NOT_FOUND;
    *ret_block = block;
    return RILL_OK;
}

bool store_is_live(struct rill_store *store, uint64_t sequence)
{
    struct block *block;
    const enum rill_err err = find_live(store, sequence, &block);
    return err == RILL_OK || err == RILL_ERR_IO; // then nobody knows, and nothing is taken for removed
}

enum rill_err store_find_message(struct rill_store *store, uint64_t sequence, struct block **ret_block,
                                 const uint8_t **ret_at)
{
    struct block *block;
    enum rill_err err = find_live(store, sequence, &block);
    if (err)
        return err;
    if (!block->data)
        return RILL_ERR_AGAIN;
    err = block_message(&store->segments.cache, block, block->len, sequence, ret_at);
    if (err)
        return err == RILL_ERR_NOT_FOUND ? RILL_ERR_DAMAGED : err;
    *ret_block = block;
    return RILL_OK;
}

void store_note_delete(struct rill_store *store, struct block *block, uint64_t sequence, uint32_t bytes)
{
    struct log_mark *open = &store->open;
    const uint32_t index = (uint32_t)(sequence - block->first_sequence);
    block_remove(store, block, index, index, bytes);
    open->messages--;
    open->bytes -= bytes;
    if (sequence == open->floor)
        open->floor = store_next_live(store, LIVE_OPEN, sequence);
}

enum rill_err store_removal_room(struct rill_store *store, const uint8_t *message, size_t size,
                                 uint8_t **ret_at)
{
    const struct record record = record_view(message);
    const uint64_t commit = store->open.commit + 1;
    // Now: the room may take that of the message.
    if (store->indexing)
        indexing_keep_subject(store->indexing, commit, record.sequence, record.subject);
    open_subjects_removed(store, commit, record.sequence, record.subject);
    const enum rill_err err = store_record_room(store, size, ret_at);
    if (err && store->indexing)
        indexing_forget_subject(store->indexing);
    if (err)
        open_subjects_not_removed(store);
    return err;
}

enum rill_err rill_store_append_delete(struct rill_store *store, uint64_t sequence)
{
    const struct log_mark *open = &store->open;
    struct record_delete removal = {.sequence = sequence};
    struct block *block = NULL;
    const uint8_t *message;
    uint8_t *at;
    enum rill_err err = store_find_message(store, sequence, &block, &message);
    if (err)
        return err;
    removal.bytes = (uint32_t)record_view(message).size;
    err = store_removal_room(store, message, RECORD_DELETE_BYTES, &at);
    if (err)
        return err;
    record_put_delete(at, store->seed + open->offset, open->sequence, open->time_ns, &removal);
    store_record_advance(store, RECORD_DELETE_BYTES);
    store_note_delete(store, block, sequence, removal.bytes);
    return RILL_OK;
}

/* What a purge takes, before it is appended. */
struct purge {
    uint64_t floor; // what it makes the floor
    uint64_t messages;
    uint64_t bytes;
    struct block *cut;  // the block in which some messages go and some stay; NULL when there is none
    uint32_t cut_bytes; // of those that go in it
    uint64_t cut_first; // the first of them: what nobody knows to be live may be refused by a load
};

/* The live messages in front of the floor in the block that it cuts through. */
static enum rill_err plan_cut(struct rill_store *store, struct block *block, struct purge *purge)
{
    const uint32_t end = (uint32_t)(purge->floor - block->first_sequence);
    const uint32_t first = live_next(block->live, 0, end, LIVE_OPEN);
    if (first == end)
        return RILL_OK; // and a caller that needs one block in memory never needs two
    purge->cut = block;
    purge->cut_first = block->first_sequence + first;
    if (!block->data)
        return RILL_ERR_AGAIN;
    for (uint32_t i = 0; (i = live_next(block->live, i, end, LIVE_OPEN)) < end; i++) {
        const uint8_t *record;
        const enum rill_err err =
            block_message(&store->segments.cache, block, block->len, block->first_sequence + i, &record);
        if (err)
            return err == RILL_ERR_NOT_FOUND ? RILL_ERR_DAMAGED : err;
        purge->cut_bytes += (uint32_t)record_view(record).size;
        purge->messages++;
    }
    purge->bytes += purge->cut_bytes;
    return RILL_OK;
}

static enum rill_err plan_blocks(struct rill_store *store, struct segment *segment, struct purge *purge)
{
    enum rill_err err = segment_bring(&store->segments, segment);
    if (err)
        return err;
    const struct block *first = segment_block(segment, store->open.floor);
    for (size_t i = first ? first->index : 0; !err && i < segment->block_count; i++) {
        struct block *block = segment->blocks[i];
        if (block->first_sequence >= purge->floor)
            break;
        if (block_end(block) > purge->floor) {
            err = plan_cut(store, block, purge);
            continue;
        }
        purge->messages += block_live(block);
        purge->bytes += block_live_bytes(block);
    }
    return err;
}

static enum rill_err purge_plan(struct rill_store *store, uint64_t first_kept, struct purge *purge)
{
    const struct segment_table *table = &store->segments;
    const uint64_t before = store->open.floor;
    enum rill_err err = RILL_OK;
    *purge = (struct purge){.floor = store_next_live(store, LIVE_OPEN, first_kept)};
    const size_t first = segment_find(table, before);
    for (size_t i = first == SIZE_MAX ? 0 : first; !err && i < table->count; i++) {
        struct segment *segment = table->segments[i];
        if (segment->first_sequence >= purge->floor)
            break;
        if (segment->first_sequence < before || i + 1 == table->count ||
            segment_end(table, i) > purge->floor) {
            err = plan_blocks(store, segment, purge);
            continue;
        }
        purge->messages += segment_live(segment);
        purge->bytes += segment_live_bytes(segment);
    }
    return err;
}

/* Marks all that is live of a block that may yet be appended to. */
static void remove_whole(struct rill_store *store, struct block *block, uint64_t floor)
{
    if (block_live(block) && block_end(block) <= floor)
        block_remove(store, block, 0, block->count - 1, block_live_bytes(block));
}

static void purge_apply(struct rill_store *store, const struct purge *purge)
{
    struct log_mark *open = &store->open;
    const struct block *tail = store->committed.block;
    const struct segment_table *table = &store->segments;
    if (purge->cut)
        block_remove(store, purge->cut, 0, (uint32_t)(purge->floor - purge->cut->first_sequence) - 1,
                     purge->cut_bytes);
    for (size_t i = table->count; i > 0; i--) {
        const struct segment *segment = table->segments[i - 1];
        if (tail ? segment->number < tail->segment->number : segment->number < store->committed.segment)
            break;
        const bool has_tail = tail && segment == tail->segment;
        for (size_t j = has_tail ? tail->index : 0; j < segment->block_count; j++)
            remove_whole(store, segment->blocks[j], purge->floor);
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
    ret->load_sequence = purge.cut_first;
    if (!err)
        err = append_floor(store, first_kept);
    if (err)
        return err;
    purge_apply(store, &purge);
    open_subjects_recount(store);
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

uint64_t rill_store_newest(struct rill_store *store, uint64_t count)
{
    struct segment_table *table = &store->segments;
    if (count >= store->open.messages)
        return store->open.floor;
    if (!count)
        return store->open.sequence + 1;
    size_t i = table->count;
    for (; i > 1 && count > segment_live(table->segments[i - 1]); i--)
        count -= segment_live(table->segments[i - 1]);
    const struct segment *segment = table->segments[i - 1];
    if (segment_bring(table, table->segments[i - 1]))
        return store->open.floor; // nobody knows, so all of them stay
    size_t j = segment->block_count - 1;
    for (; count > block_live(segment->blocks[j]); j--)
        count -= block_live(segment->blocks[j]);
    return newest_in(segment->blocks[j], count);
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
    const struct log_mark *open = &store->open;
    const uint64_t floor = store_sayable_floor(store, open->floor);
    if (store->file_count < 2)
        return;
    const uint64_t end = segment_end(&store->segments, 0);
    if (end > floor || floor < open->said_floor)
        return;
    if (open->said_floor >= end && open->said_segment > store->segments.segments[0]->number)
        return;
    // Without room in this commit the next one says it.
    (void)!append_floor(store, floor);
}
