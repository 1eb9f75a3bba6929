// SPDX-License-Identifier: Apache-2.0
//
// Finding a message by its time. Times never go back in a log, so whole segments and blocks are passed over by
// the time of the first message behind them; only the block that the time lies in is looked into.
#include "store_impl.h"

#include "base/clock.h"

/* What is looked for, in which plane, and not in front of which message. */
struct search {
    struct rill_store *store;
    enum live_plane plane;
    uint64_t from;
    int64_t cutoff_ns;
};

static uint32_t first_live(const struct block *block, enum live_plane plane)
{
    return live_next(block->live, 0, block->count, plane);
}

/* The first message of a block that is younger than the cutoff, or its end; with AGAIN the first there is. */
static enum rill_err cut_block(const struct search *search, struct block *block, struct store_young *ret)
{
    uint32_t i = 0;
    ret->floor = block->first_sequence + first_live(block, search->plane);
    if (!block->data)
        return RILL_ERR_AGAIN;
    for (; (i = live_next(block->live, i, block->count, search->plane)) < block->count; i++) {
        const uint8_t *record;
        const enum rill_err err = block_message(&search->store->segments.cache, block, block->len,
                                                block->first_sequence + i, &record);
        if (err && err != RILL_ERR_NOT_FOUND)
            return err;
        ret->time_ns = err ? search->cutoff_ns : record_view(record).time_ns;
        if (ret->time_ns > search->cutoff_ns)
            break;
    }
    ret->floor = block->first_sequence + i;
    return RILL_OK;
}

/* Does a message behind this segment say that all in it are too old? */
static bool is_segment_old(const struct segment_table *table, size_t at, int64_t cutoff_ns)
{
    for (size_t i = at + 1; i < table->count; i++) {
        if (table->segments[i]->messages)
            return table->segments[i]->first_time_ns <= cutoff_ns;
    }
    return false;
}

static bool is_block_old(const struct segment *segment, size_t at, int64_t cutoff_ns)
{
    for (size_t i = at + 1; i < segment->block_count; i++) {
        if (segment->blocks[i]->count)
            return segment->blocks[i]->first_time_ns <= cutoff_ns;
    }
    return false;
}

/* In a segment that may hold both. `time_ns` stays "never" when all are too old. */
static enum rill_err cut_segment(const struct search *search, struct segment *segment,
                                 struct store_young *ret)
{
    enum rill_err err = segment_bring(&search->store->segments, segment);
    const struct block *first = err ? NULL : segment_block(segment, search->from);
    for (size_t i = first ? first->index : 0; !err && i < segment->block_count; i++) {
        struct block *block = segment->blocks[i];
        if (first_live(block, search->plane) == block->count)
            continue;
        ret->time_ns = block->first_time_ns;
        if (ret->time_ns > search->cutoff_ns)
            return RILL_OK;
        if (is_block_old(segment, i, search->cutoff_ns))
            ret->floor = block_end(block);
        else
            err = cut_block(search, block, ret);
        if (!err && ret->time_ns > search->cutoff_ns)
            return RILL_OK;
        ret->time_ns = RILL_NEVER_NS;
    }
    return err;
}

enum rill_err store_find_young(struct rill_store *store, enum live_plane plane, int64_t cutoff_ns,
                               struct store_young *ret)
{
    const struct segment_table *table = &store->segments;
    const struct search search = {store, plane,
                                  plane == LIVE_OPEN ? store->open.floor : store->committed.floor, cutoff_ns};
    const size_t first = segment_find(table, search.from);
    enum rill_err err = RILL_OK;
    *ret = (struct store_young){search.from, RILL_NEVER_NS};
    for (size_t i = first == SIZE_MAX ? 0 : first; !err && ret->time_ns == RILL_NEVER_NS && i < table->count;
         i++) {
        if (is_segment_old(table, i, cutoff_ns))
            ret->floor = segment_end(table, i);
        else
            err = cut_segment(&search, table->segments[i], ret);
    }
    return err;
}

enum rill_err rill_store_at_time(struct rill_store *store, int64_t time_ns, uint64_t *ret_sequence)
{
    struct store_young young;
    if (time_ns == INT64_MIN)
        time_ns++;
    const enum rill_err err = store_find_young(store, LIVE_COMMITTED, time_ns - 1, &young);
    if (err) {
        *ret_sequence = young.floor;
        return err;
    }
    const uint64_t sequence = store_next_live(store, LIVE_COMMITTED, young.floor);
    if (sequence > store->committed.sequence)
        return RILL_ERR_NOT_FOUND;
    *ret_sequence = sequence;
    return RILL_OK;
}
