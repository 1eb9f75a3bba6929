// SPDX-License-Identifier: Apache-2.0
//
// A segment takes over the directory of the file that has taken the place of its own. What happened to its messages since the
// new file was written is done to them there, in the order in which it happened:
//
//   * deletes that readers see: gone in both planes;
//   * removals that are not committed: each again, for the blocks in which its messages are now;
//   * the three floors: what lies in front of one in the block that it cuts through is marked (remove.c), and the blocks are cut
//     elsewhere now.
#include "rewrite.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "base/search.h"
#include "indexing.h"

#include <stdlib.h>

struct swap {
    struct rill_store *store;
    const struct rewrite *rewrite;
    const struct segment *old;
    struct segment *new;
    struct removal *removals; // all of the store's, those of the segment anew
    size_t removal_count;
    size_t removal_capacity;
};

static bool has_lower_index(const void *kept, size_t at, uint64_t index)
{
    return ((const struct rewrite_kept *)kept)[at].index < index;
}

static uint32_t size_of(const struct rewrite *rewrite, uint64_t sequence)
{
    const uint64_t index = sequence - rewrite->plan.first_sequence;
    const size_t at = rill_search(rewrite->kept, 0, rewrite->kept_count, index, has_lower_index);
    RILL_ASSERT(at < rewrite->kept_count && rewrite->kept[at].index == index);
    return rewrite->kept[at].size;
}

/* Where a message is in the new directory, if it is there and not gone. */
static struct block *find_live(const struct swap *swap, uint64_t sequence, uint32_t *ret_index)
{
    struct block *block = segment_block(swap->new, sequence);
    if (!block || sequence >= block_end(block))
        return NULL;
    *ret_index = (uint32_t)(sequence - block->first_sequence);
    return live_is_gone(block->live, *ret_index, LIVE_OPEN) ? NULL : block;
}

static void lose(const struct swap *swap, uint64_t sequence)
{
    uint32_t index;
    struct block *block = find_live(swap, sequence, &index);
    if (block)
        block_lose(block, index, size_of(swap->rewrite, sequence));
}

static void take_deletes(const struct swap *swap)
{
    for (size_t i = 0; i < swap->old->block_count; i++) {
        const struct block *block = swap->old->blocks[i];
        for (uint32_t j = 0; block->live && j < block->count; j++) {
            if (live_is_gone(block->live, j, LIVE_COMMITTED) &&
                !rewrite_is_dead(&swap->rewrite->plan, block->first_sequence + j))
                lose(swap, block->first_sequence + j);
        }
    }
}

// ---- removals that are not committed ----

static void push_removal(struct swap *swap, const struct removal *removal)
{
    if (swap->removal_count == swap->removal_capacity) {
        swap->removal_capacity = swap->removal_capacity ? swap->removal_capacity * 2 : 16;
        swap->removals = rill_alloc_resize(swap->removals, swap->removal_capacity, sizeof swap->removals[0]);
    }
    swap->removals[swap->removal_count++] = *removal;
}

/* Removes one, as a part of the last removal when that is not one of the first `before`: what lies between two of one range is
   gone as well. */
static void remove_one(struct swap *swap, size_t before, uint64_t commit, uint64_t sequence)
{
    uint32_t index;
    struct block *block = find_live(swap, sequence, &index);
    if (!block)
        return;
    struct removal *last = swap->removal_count > before ? &swap->removals[swap->removal_count - 1] : NULL;
    const uint32_t size = size_of(swap->rewrite, sequence);
    live_remove(&block->live, index);
    block_count_gone(block, 1, size);
    if (last && last->block == block) {
        last->last = index;
        last->bytes += size;
        return;
    }
    push_removal(swap, &(struct removal){commit, block, index, index, size});
    block->segment->pins++;
}

static void remove_range(struct swap *swap, uint64_t commit, uint64_t first, uint64_t last)
{
    const size_t before = swap->removal_count;
    for (uint64_t sequence = first; sequence <= last; sequence++)
        remove_one(swap, before, commit, sequence);
}

/* What lies in front of a floor in the block that it cuts through. */
static void remove_front(struct swap *swap, uint64_t commit, uint64_t floor)
{
    const struct block *block = segment_block(swap->new, floor);
    if (block && block->first_sequence < floor)
        remove_range(swap, commit, block->first_sequence,
                     (floor < block_end(block) ? floor : block_end(block)) - 1);
}

static void lose_front(const struct swap *swap, uint64_t floor)
{
    const struct block *block = segment_block(swap->new, floor);
    for (uint64_t sequence = block ? block->first_sequence : floor;
         sequence < floor && sequence < block_end(block); sequence++)
        lose(swap, sequence);
}

/* Those of commits up to `commit`, from `from` on. Returns where the others begin. */
static size_t take_removals(struct swap *swap, size_t from, uint64_t commit)
{
    const struct rill_store *store = swap->store;
    for (; from < store->removal_count && store->removals[from].commit <= commit; from++) {
        const struct removal *removal = &store->removals[from];
        const uint64_t first = removal->block->first_sequence;
        if (removal->block->segment == swap->old)
            remove_range(swap, removal->commit, first + removal->first, first + removal->last);
        else
            push_removal(swap, removal);
    }
    return from;
}

static void take_all_removals(struct swap *swap)
{
    struct rill_store *store = swap->store;
    const size_t open = take_removals(swap, 0, store->started.commit);
    remove_front(swap, store->started.commit, store->started.floor);
    (void)take_removals(swap, open, UINT64_MAX);
    remove_front(swap, store->open.commit + 1, store->open.floor);
    free(store->removals);
    store->removals = swap->removals;
    store->removal_count = swap->removal_count;
    store->removal_capacity = swap->removal_capacity;
}

// ---- erases ----

/* Those that were dead when the file was written are done. The others are to be done by another rewriting. */
static void settle_erasures(const struct swap *swap)
{
    struct rill_store *store = swap->store;
    size_t left = 0;
    for (size_t i = 0; i < store->erasure_count; i++) {
        struct erasure erasure = store->erasures[i];
        if (erasure.erase.segment == swap->old->number) {
            if (rewrite_is_dead(&swap->rewrite->plan, erasure.erase.sequence))
                continue;
            erasure.erase.offset = 0;
            store->rewrite_look = true;
        }
        store->erasures[left++] = erasure;
    }
    store->erasure_count = left;
}

void rewrite_swap(struct rill_store *store, struct segment *segment, struct rewrite *rewrite)
{
    RILL_ASSERT(rewrite->directory.count == 1);
    struct swap swap = {
        .store = store, .rewrite = rewrite, .old = segment, .new = rewrite->directory.segments[0]};
    take_deletes(&swap);
    lose_front(&swap, store->committed.floor);
    take_all_removals(&swap);
    settle_erasures(&swap);
    for (size_t i = 0; i < store->removal_count; i++)
        RILL_ASSERT(store->removals[i].block->segment != segment);
    RILL_ASSERT(!store->indexing || !store->indexing->block || store->indexing->block->segment != segment);
    segment_take(&store->segments, segment, swap.new);
    segment->rewritten = rewrite->written.rewritten;
    segment->format = rewrite->plan.pack ? SEGMENT_VERSION_PACKED : SEGMENT_VERSION_REWRITTEN;
}
