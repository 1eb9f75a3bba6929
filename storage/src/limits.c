// SPDX-License-Identifier: Apache-2.0
//
// Limits on messages, bytes and age of a store.
//
// Discarding old, the happy path: appends go on without a look at the limits; when the commit starts, one purge
// at its end takes the oldest messages that are too many, of those that were there as well as of those that are
// in the commit itself. So the purge and what made it necessary become durable, and seen, together.
//
// A purge needs the block that it cuts through (how many bytes go, and for a limit of bytes, where). When that is
// not in memory the commit does not start: the owner loads it (rill_store_limits_load_start) and starts the
// commit again. When it cannot be loaded, the purge takes the whole block, which nobody could read anyway.
//
// Age works in the same way, but by the clock: rill_store_expire() appends a purge of what has become too old.
#include "limits.h"

#include "base/assert.h"
#include "base/clock.h"
#include "store_impl.h"

enum { EXPIRE_BLOCKS_MAX = 4096 }; // that one call looks at

static uint64_t excess(uint64_t value, uint64_t max)
{
    return max && value > max ? value - max : 0;
}

enum rill_err limits_check(const struct rill_store *store, size_t size)
{
    const struct rill_store_limits *set = &store->limits.set;
    if (!set->discard_new)
        return RILL_OK;
    if (set->max_messages && store->open.messages >= set->max_messages)
        return RILL_ERR_FULL_MESSAGES;
    if (excess(store->open.bytes + size, set->max_bytes))
        return RILL_ERR_FULL_BYTES;
    return RILL_OK;
}

uint64_t limits_reserve(const struct rill_store *store)
{
    const struct limits *limits = &store->limits;
    return !limits->is_applying && (limits->set.max_messages || limits->set.max_bytes) ? RECORD_PURGE_BYTES
                                                                                       : 0;
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

/* The first message that stays, or with AGAIN the first there is, in a block of which some go. AGAIN. */
static enum rill_err cut_block(struct rill_store *store, size_t at, struct removing *left,
                               uint64_t *ret_floor)
{
    const struct block *block = &store->blocks.blocks[at];
    uint32_t i = 0;
    *ret_floor = first_live(block);
    if (!block->data)
        return RILL_ERR_AGAIN;
    while ((left->messages || left->bytes) &&
           (i = live_next(block->live, i, block->count, LIVE_OPEN)) < block->count) {
        const uint8_t *record;
        const enum rill_err err =
            block_message(&store->blocks, at, block->len, block->first_sequence + i, &record);
        if (err && err != RILL_ERR_NOT_FOUND)
            return err;
        removing_take(left, 1, err ? 0 : record_view(record).size);
        *ret_floor = block->first_sequence + ++i;
    }
    return RILL_OK;
}

static size_t floor_block(const struct rill_store *store)
{
    const size_t at = block_find(&store->blocks, store->blocks.count, store->open.floor);
    return at == SIZE_MAX ? 0 : at;
}

/* What the first message is to be when the limits on messages and bytes are kept. AGAIN. */
static enum rill_err wanted_floor(struct rill_store *store, uint64_t *ret_floor)
{
    const struct rill_store_limits *set = &store->limits.set;
    const struct block_table *table = &store->blocks;
    struct removing left = {excess(store->open.messages, set->max_messages),
                            excess(store->open.bytes, set->max_bytes)};
    *ret_floor = store->open.floor;
    for (size_t i = floor_block(store); (left.messages || left.bytes) && i < table->count; i++) {
        const struct block *block = &table->blocks[i];
        const uint64_t end = block->first_sequence + block->count;
        if (left.messages < block_live(block) && left.bytes < block_live_bytes(block) &&
            end != store->limits.unreadable_end)
            return cut_block(store, i, &left, ret_floor);
        removing_take(&left, block_live(block), block_live_bytes(block));
        *ret_floor = end;
    }
    return RILL_OK;
}

bool limits_apply(struct rill_store *store)
{
    struct rill_store_purged purged;
    uint64_t floor;
    store->limits.load_sequence = 0;
    enum rill_err err = wanted_floor(store, &floor);
    purged.load_sequence = floor;
    store->limits.is_applying = true;
    if (!err && floor > store->open.floor)
        err = rill_store_append_purge(store, floor, &purged);
    store->limits.is_applying = false;
    if (err == RILL_ERR_AGAIN)
        store->limits.load_sequence = purged.load_sequence;
    // Any other error leaves the removal to a later commit.
    return err != RILL_ERR_AGAIN;
}

void limits_load_failed(struct rill_store *store, uint64_t first_sequence, uint64_t last_sequence)
{
    const uint64_t wanted = store->limits.load_sequence;
    if (wanted && first_sequence <= wanted && wanted <= last_sequence)
        store->limits.unreadable_end = last_sequence + 1;
}

struct rill_store_job *rill_store_limits_load_start(struct rill_store *store)
{
    uint64_t floor;
    // While a commit is in flight nothing was tried yet for the next one.
    if (!store->limits.load_sequence && wanted_floor(store, &floor) == RILL_ERR_AGAIN)
        store->limits.load_sequence = floor;
    return store->limits.load_sequence ? rill_store_load_start(store, store->limits.load_sequence) : NULL;
}

void rill_store_set_limits(struct rill_store *store, const struct rill_store_limits *limits)
{
    store->limits.set = *limits;
}

// ---- age ----

/* The first message of a block that is younger than `cutoff_ns`, or its end; with AGAIN the first there is. */
static enum rill_err cut_block_at_time(struct rill_store *store, size_t at, int64_t cutoff_ns,
                                       uint64_t *ret_floor, int64_t *ret_time_ns)
{
    const struct block *block = &store->blocks.blocks[at];
    *ret_floor = first_live(block);
    if (!block->data)
        return RILL_ERR_AGAIN;
    uint32_t i = 0;
    for (; (i = live_next(block->live, i, block->count, LIVE_OPEN)) < block->count; i++) {
        const uint8_t *record;
        const enum rill_err err =
            block_message(&store->blocks, at, block->len, block->first_sequence + i, &record);
        if (err && err != RILL_ERR_NOT_FOUND)
            return err;
        *ret_time_ns = err ? cutoff_ns : record_view(record).time_ns;
        if (*ret_time_ns > cutoff_ns)
            break;
    }
    *ret_floor = block->first_sequence + i;
    return RILL_OK;
}

/* Is the first message behind this block too old, and so all that are in it? */
static bool is_all_old(const struct block_table *table, size_t at, int64_t cutoff_ns)
{
    for (size_t i = at + 1; i < table->count; i++) {
        if (table->blocks[i].count)
            return table->blocks[i].first_time_ns <= cutoff_ns;
    }
    return false;
}

/* Up to where messages are too old, and the time of the first one that is not; RILL_NEVER_NS when there is none. AGAIN. */
static enum rill_err old_floor(struct rill_store *store, int64_t cutoff_ns, uint64_t *ret_floor,
                               int64_t *ret_time_ns)
{
    const struct block_table *table = &store->blocks;
    const size_t first = floor_block(store);
    *ret_floor = store->open.floor;
    *ret_time_ns = RILL_NEVER_NS;
    for (size_t i = first; i < table->count; i++) {
        const struct block *block = &table->blocks[i];
        if (!block_live(block))
            continue;
        *ret_time_ns = block->first_time_ns;
        if (block->first_time_ns > cutoff_ns || i - first >= EXPIRE_BLOCKS_MAX)
            return RILL_OK;
        if (is_all_old(table, i, cutoff_ns)) {
            *ret_floor = block->first_sequence + block->count;
            *ret_time_ns = RILL_NEVER_NS;
            continue;
        }
        const enum rill_err err = cut_block_at_time(store, i, cutoff_ns, ret_floor, ret_time_ns);
        if (err || *ret_time_ns > cutoff_ns)
            return err;
        *ret_time_ns = RILL_NEVER_NS;
    }
    return RILL_OK;
}

enum rill_err rill_store_expire(struct rill_store *store, int64_t now_ns, struct rill_store_expired *ret)
{
    const int64_t age_ns = store->limits.set.max_age_ns;
    struct rill_store_purged purged = {0};
    uint64_t floor;
    int64_t time_ns;
    *ret = (struct rill_store_expired){.next_ns = RILL_NEVER_NS};
    if (age_ns <= 0)
        return RILL_OK;
    enum rill_err err = old_floor(store, now_ns - age_ns, &floor, &time_ns);
    purged.load_sequence = floor;
    if (!err && floor > store->open.floor)
        err = rill_store_append_purge(store, floor, &purged);
    if (err) {
        ret->load_sequence = purged.load_sequence;
        return err;
    }
    ret->messages = purged.messages;
    ret->next_ns = time_ns < RILL_NEVER_NS - age_ns ? time_ns + age_ns : RILL_NEVER_NS;
    return RILL_OK;
}
