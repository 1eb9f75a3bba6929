// SPDX-License-Identifier: Apache-2.0
//
// Limits on messages and bytes of a store; that on the messages of one subject is in subject_limit.c.
//
// Discarding old, the happy path: appends go on without a look at the limits; when the commit starts, one purge
// at its end takes the oldest messages that are too many, of those that were there as well as of those that are
// in the commit itself. So the purge and what made it necessary become durable, and seen, together.
//
// A purge needs the block that it cuts through (how many bytes go, and for a limit of bytes, where). When that is
// not in memory the commit does not start: the owner loads it (rill_store_limits_load_start) and starts the
// commit again. When it cannot be loaded, the purge takes the whole block, which nobody could read anyway.
//
// Age works by the clock: see expire.c.
#include "store_limits.h"

#include "base/assert.h"
#include "store_impl.h"

static uint64_t excess(uint64_t value, uint64_t max)
{
    return max && value > max ? value - max : 0;
}

enum rill_err limits_check(struct rill_store *store, struct rill_bytes subject, size_t size)
{
    const struct rill_store_limits *set = &store->limits.set;
    const bool is_full = set->discard_new && set->max_messages && store->open.messages >= set->max_messages;
    bool is_subject_full = false;
    enum rill_err err = RILL_OK;
    if (set->discard_new_per_subject || is_full)
        err = subject_limit_is_full(store, subject, &is_subject_full);
    if (err && (set->discard_new_per_subject || err != RILL_ERR_UNAVAILABLE))
        return err;
    if (is_subject_full && set->discard_new_per_subject)
        return RILL_ERR_FULL_SUBJECT;
    if (is_full && !is_subject_full)
        return RILL_ERR_FULL_MESSAGES;
    if (set->discard_new && excess(store->open.bytes + size, set->max_bytes))
        return RILL_ERR_FULL_BYTES;
    return RILL_OK;
}

uint64_t limits_reserve(const struct rill_store *store)
{
    const struct rill_store_limits *set = &store->limits.set;
    if (store->limits.is_applying)
        return 0;
    return (set->max_messages || set->max_bytes ? RECORD_PURGE_BYTES : 0) + subject_limit_reserve(store);
}

/* The messages and bytes that are still to go, while walking from the oldest on. */
struct removing {
    uint64_t messages;
    uint64_t bytes;
};

static void removing_take(struct removing *left, uint64_t messages, uint64_t bytes)
{
    left->messages -= messages < left->messages ? messages : left->messages;
    left->bytes -= bytes < left->bytes ? bytes : left->bytes;
}

static uint64_t first_live(const struct block *block)
{
    return block->first_sequence + live_next(block->live, 0, block->count, LIVE_OPEN);
}

/* The first message that stays, or with AGAIN the first there is, in a block of which some go. */
static enum rill_err cut_block(struct rill_store *store, struct block *block, struct removing *left,
                               uint64_t *ret_floor)
{
    uint32_t i = 0;
    *ret_floor = first_live(block);
    if (!block->data)
        return RILL_ERR_AGAIN;
    while ((left->messages || left->bytes) &&
           (i = live_next(block->live, i, block->count, LIVE_OPEN)) < block->count) {
        const uint8_t *record;
        const enum rill_err err =
            block_message(&store->segments.cache, block, block->len, block->first_sequence + i, &record);
        if (err && err != RILL_ERR_NOT_FOUND)
            return err;
        removing_take(left, 1, err ? 0 : record_view(record).size);
        *ret_floor = block->first_sequence + ++i;
    }
    return RILL_OK;
}

static enum rill_err cut_segment(struct rill_store *store, struct segment *segment, struct removing *left,
                                 uint64_t *ret_floor)
{
    const enum rill_err err = segment_bring(&store->segments, segment);
    if (err)
        return err;
    const struct block *first = segment_block(segment, store->open.floor);
    for (size_t i = first ? first->index : 0; (left->messages || left->bytes) && i < segment->block_count;
         i++) {
        struct block *block = segment->blocks[i];
        if (left->messages < block_live(block) && left->bytes < block_live_bytes(block) &&
            block_end(block) != store->limits.unreadable_end)
            return cut_block(store, block, left, ret_floor);
        removing_take(left, block_live(block), block_live_bytes(block));
        *ret_floor = block_end(block);
    }
    return RILL_OK;
}

static size_t floor_segment(const struct rill_store *store)
{
    const size_t at = segment_find(&store->segments, store->open.floor);
    return at == SIZE_MAX ? 0 : at;
}

/* What the first message is to be when the limits on messages and bytes are kept. AGAIN, IO. */
static enum rill_err wanted_floor(struct rill_store *store, uint64_t *ret_floor)
{
    const struct rill_store_limits *set = &store->limits.set;
    const struct segment_table *table = &store->segments;
    struct removing left = {excess(store->open.messages, set->max_messages),
                            excess(store->open.bytes, set->max_bytes)};
    enum rill_err err = RILL_OK;
    *ret_floor = store->open.floor;
    for (size_t i = floor_segment(store); !err && (left.messages || left.bytes) && i < table->count; i++) {
        struct segment *segment = table->segments[i];
        const bool all_go =
            segment_live(segment) <= left.messages || segment_live_bytes(segment) <= left.bytes;
        // The numbers of the segment that the floor cuts through are too high, and the last one has no end.
        if (!all_go || segment->first_sequence < store->open.floor || i + 1 == table->count) {
            err = cut_segment(store, segment, &left, ret_floor);
            continue;
        }
        removing_take(&left, segment_live(segment), segment_live_bytes(segment));
        *ret_floor = segment_end(table, i);
    }
    return err;
}

static enum rill_err apply_floor(struct rill_store *store)
{
    struct rill_store_purged purged;
    uint64_t floor;
    enum rill_err err = wanted_floor(store, &floor);
    purged.load_sequence = floor;
    if (!err && floor > store->open.floor)
        err = rill_store_append_purge(store, floor, &purged);
    if (err == RILL_ERR_AGAIN)
        store->limits.load_sequence = purged.load_sequence;
    return err;
}

bool limits_apply(struct rill_store *store)
{
    store->limits.load_sequence = 0;
    store->limits.is_applying = true;
    enum rill_err err = subject_limit_apply(store);
    if (err != RILL_ERR_AGAIN)
        err = apply_floor(store);
    store->limits.is_applying = false;
    // Any other error leaves the removal to a later commit.
    return err != RILL_ERR_AGAIN;
}

void limits_load_failed(struct rill_store *store, uint64_t first_sequence, uint64_t last_sequence)
{
    const uint64_t wanted = store->limits.load_sequence;
    if (wanted && first_sequence <= wanted && wanted <= last_sequence)
        store->limits.unreadable_end = last_sequence + 1;
    subject_limit_load_failed(store, first_sequence, last_sequence);
}

struct rill_store_job *rill_store_limits_load_start(struct rill_store *store)
{
    uint64_t floor;
    struct rill_store_job *job = subject_limit_load_start(store);
    if (job)
        return job;
    // While a commit is in flight nothing was tried yet for the next one.
    if (!store->limits.load_sequence && wanted_floor(store, &floor) == RILL_ERR_AGAIN)
        store->limits.load_sequence = floor;
    return store->limits.load_sequence ? rill_store_load_start(store, store->limits.load_sequence) : NULL;
}

void rill_store_set_limits(struct rill_store *store, const struct rill_store_limits *limits)
{
    const uint64_t before = store->limits.set.max_messages_per_subject;
    const uint64_t max = limits->max_messages_per_subject;
    store->limits.set = *limits;
    store->limits.aged_sequence = 0; // what was kept for ever may not be any more
    if (max != before && (!before || max < before))
        subject_limit_look(store);
}

void rill_store_set_compress(struct rill_store *store, bool compress)
{
    store->compress = compress;
    store_rewrite_look(store, UINT64_MAX);
}
