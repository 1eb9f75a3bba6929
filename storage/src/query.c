// SPDX-License-Identifier: Apache-2.0
//
// Asking for messages by their subjects and ids. What is asked of is what is committed: the index is brought up to
// that first, a few blocks at each call; while it is behind, the answer is AGAIN, and the work in the background goes on
// with it. An index that has failed makes these calls, and nothing else, unavailable until it is mended.
//
// A filter of everything needs no index: the directories know. Where one of them went with an index that failed, it says
// AGAIN, as a read does, until the mending (mend.c) has brought it back.
#include "indexing.h"

#include "base/alloc.h"
#include "proto/subject.h"

#include <stdlib.h>
#include <utlist.h>

enum {
    QUERY_BLOCKS = 8, // that one call feeds
    PURGE_MAX = 512,  // messages that one call removes
};

enum rill_err store_query_ready(struct rill_store *store)
{
    struct indexing *indexing = store->indexing;
    shared_cache_use(&store->member);
    if (!indexing || indexing->failed)
        return RILL_ERR_UNAVAILABLE;
    indexing_advance(indexing, QUERY_BLOCKS);
    if (indexing_has_all(indexing))
        return rill_index_list_some(indexing->index);
    return indexing->failed ? RILL_ERR_UNAVAILABLE : RILL_ERR_AGAIN;
}

enum rill_err store_query_result(struct rill_store *store, enum rill_err err)
{
    const bool is_answer = err == RILL_OK || err == RILL_ERR_NOT_FOUND || err == RILL_ERR_AGAIN;
    if (is_answer)
        store->indexing->troubles = 0;
    if (is_answer || err == RILL_ERR_NO_MEMORY)
        return err;
    indexing_trouble(store->indexing, err, "ask the index");
    return RILL_ERR_UNAVAILABLE;
}

static void attach(struct rill_store_filter *filter)
{
    struct rill_index *index = filter->store->indexing->index;
    if (index && !filter->filter)
        filter->filter = rill_index_filter_create(index, filter->patterns, filter->pattern_count);
}

void store_filters_attach(struct rill_store *store)
{
    struct rill_store_filter *filter;
    DL_FOREACH (store->filters, filter)
        attach(filter);
}

void store_filters_detach(struct rill_store *store)
{
    struct rill_store_filter *filter;
    DL_FOREACH (store->filters, filter) {
        rill_index_filter_destroy(filter->filter);
        filter->filter = NULL;
    }
}

struct rill_store_filter *rill_store_filter_create(struct rill_store *store,
                                                   const struct rill_bytes *patterns, size_t pattern_count)
{
    struct rill_store_filter *filter = rill_alloc_zero(1, sizeof *filter);
    filter->store = store;
    filter->takes_all = pattern_count == 0;
    for (size_t i = 0; i < pattern_count; i++)
        filter->takes_all |= rill_bytes_equal(patterns[i], RILL_BYTES(">"));
    if (filter->takes_all || !store->indexing)
        return filter;
    filter->patterns = rill_alloc_zero(pattern_count, sizeof filter->patterns[0]);
    for (; filter->pattern_count < pattern_count; filter->pattern_count++) {
        const struct rill_bytes pattern = patterns[filter->pattern_count];
        filter->patterns[filter->pattern_count] =
            rill_bytes_of((uint8_t *)rill_alloc_cstr(pattern), pattern.len);
    }
    DL_APPEND(store->filters, filter);
    attach(filter);
    return filter;
}

void rill_store_filter_destroy(struct rill_store_filter *filter)
{
    if (!filter)
        return;
    rill_index_filter_destroy(filter->filter);
    for (size_t i = 0; i < filter->pattern_count; i++)
        free((void *)(uintptr_t)filter->patterns[i].data);
    if (filter->patterns)
        DL_DELETE(filter->store->filters, filter);
    free(filter->patterns);
    free(filter);
}

static enum rill_err next_of_all(struct rill_store *store, uint64_t from, uint64_t *ret_sequence)
{
    const uint64_t floor = store->committed.floor;
    uint64_t sequence;
    if (store_find_live(store, LIVE_COMMITTED, from > floor ? from : floor, &sequence))
        return RILL_ERR_AGAIN; // when the directories are there again
    if (sequence > store->committed.sequence)
        return RILL_ERR_NOT_FOUND;
    *ret_sequence = sequence;
    return RILL_OK;
}

enum rill_err rill_store_next(struct rill_store_filter *filter, uint64_t from, uint64_t *ret_sequence)
{
    if (filter->takes_all)
        return next_of_all(filter->store, from, ret_sequence);
    const enum rill_err err = store_query_ready(filter->store);
    return err ? err : store_query_result(filter->store, rill_index_next(filter->filter, from, ret_sequence));
}

/* ---- counting everything ---- */

/* Live ones of a block from `from` on, of its first `count` messages. */
static uint64_t count_block(const struct block *block, uint32_t count, uint64_t from)
{
    uint32_t i = from > block->first_sequence ? (uint32_t)(from - block->first_sequence) : 0;
    if (!i)
        return count - live_count_to(block->live, count, LIVE_COMMITTED);
    uint64_t found = 0;
    for (; (i = live_next(block->live, i, count, LIVE_COMMITTED)) < count; i++)
        found++;
    return found;
}

static enum rill_err count_segment(struct rill_store *store, struct segment *segment, uint64_t from,
                                   uint64_t *count)
{
    const struct log_mark *committed = &store->committed;
    const enum rill_err err = segment_bring(&store->segments, segment);
    for (size_t i = 0; !err && i < segment->block_count; i++) {
        const struct block *block = segment->blocks[i];
        const bool is_tail = block == committed->block;
        if (block_end(block) > from)
            *count += count_block(block, is_tail ? committed->block_messages : block->count, from);
        if (is_tail)
            break;
    }
    return err;
}

/* The numbers of a segment are those behind everything appended; where nothing is appended that is not committed they are
   those for readers, too. */
static enum rill_err count_of_all(struct rill_store *store, uint64_t from, uint64_t *ret_count)
{
    const struct segment_table *table = &store->segments;
    const struct log_mark *committed = &store->committed;
    uint64_t count = 0;
    if (from <= committed->floor) {
        *ret_count = committed->messages;
        return RILL_OK;
    }
    // The segment of the mark has no block while nothing is committed in it.
    const struct segment *tail = committed->block ? committed->block->segment : NULL;
    const uint64_t last = tail ? tail->number : committed->segment - 1;
    const size_t first = segment_find(table, from);
    enum rill_err err = RILL_OK;
    for (size_t i = first == SIZE_MAX ? 0 : first; !err && i < table->count; i++) {
        struct segment *segment = table->segments[i];
        if (segment->number > last)
            break;
        if (segment->first_sequence >= from && !segment->pins && segment != tail)
            count += segment_live(segment);
        else
            err = count_segment(store, segment, from, &count);
    }
    if (err)
        return RILL_ERR_AGAIN; // as next_of_all()
    *ret_count = count;
    return RILL_OK;
}

enum rill_err rill_store_count(struct rill_store_filter *filter, uint64_t from, uint64_t *ret_count)
{
    if (filter->takes_all)
        return count_of_all(filter->store, from, ret_count);
    const enum rill_err err = store_query_ready(filter->store);
    return err ? err : store_query_result(filter->store, rill_index_count(filter->filter, from, ret_count));
}

/* ---- by subject ---- */

enum rill_err rill_store_subject(struct rill_store *store, struct rill_bytes subject,
                                 struct rill_store_subject *ret)
{
    struct rill_index_subject found;
    enum rill_err err = store_query_ready(store);
    if (!err)
        err = store_query_result(store, rill_index_subject(store->indexing->index, subject, &found));
    if (!err)
        *ret = (struct rill_store_subject){found.subject, found.count, found.first_sequence,
                                           found.last_sequence};
    return err;
}

struct listing {
    rill_store_subject_fn *visit;
    void *context;
    enum rill_err ended; // by the visitor
};

static enum rill_err visit_subject(void *context, const struct rill_index_subject *found)
{
    struct listing *listing = context;
    const struct rill_store_subject subject = {found->subject, found->count, found->first_sequence,
                                               found->last_sequence};
    listing->ended = listing->visit(listing->context, &subject);
    return listing->ended;
}

enum rill_err rill_store_subjects(struct rill_store *store, struct rill_bytes pattern,
                                  struct rill_bytes after, size_t limit, rill_store_subject_fn *visit,
                                  void *context)
{
    struct listing listing = {visit, context, RILL_OK};
    const enum rill_err err = store_query_ready(store);
    if (err)
        return err;
    const enum rill_err found =
        rill_index_list(store->indexing->index, pattern, after, limit, visit_subject, &listing);
    return listing.ended ? listing.ended : store_query_result(store, found);
}

enum rill_err rill_store_subjects_until(struct rill_store *store, struct rill_bytes pattern, uint64_t until,
                                        struct rill_bytes after, size_t limit, rill_store_subject_fn *visit,
                                        void *context)
{
    struct listing listing = {visit, context, RILL_OK};
    const uint64_t end = until < UINT64_MAX ? until + 1 : UINT64_MAX;
    const enum rill_err err = store_query_ready(store);
    if (err)
        return err;
    const enum rill_err found =
        rill_index_list_before(store->indexing->index, pattern, after, end, limit, visit_subject, &listing);
    return listing.ended ? listing.ended : store_query_result(store, found);
}

/* ---- removing what matches ---- */

/* How many of those that match are to go: all but the newest `keep`. */
static enum rill_err purge_begin(struct rill_store_filter *filter, uint64_t keep,
                                 struct rill_store_purging *purging)
{
    uint64_t count = 0;
    const enum rill_err err = rill_store_count(filter, 0, &count);
    if (err)
        return err;
    purging->left = count > keep ? count - keep : 0;
    purging->next_sequence = 1;
    return RILL_OK;
}

enum rill_err rill_store_append_purge_matching(struct rill_store_filter *filter, uint64_t first_kept,
                                               uint64_t keep, struct rill_store_purging *purging)
{
    enum rill_err err = RILL_OK;
    purging->load_sequence = 0;
    if (!purging->next_sequence)
        err = purge_begin(filter, keep, purging);
    for (int i = 0; !err && i < PURGE_MAX; i++) {
        uint64_t sequence = 0;
        if (!purging->left)
            return RILL_OK;
        err = rill_store_next(filter, purging->next_sequence, &sequence);
        if (err == RILL_ERR_NOT_FOUND || (!err && sequence >= first_kept))
            return RILL_OK;
        if (!err)
            err = store_purge_one(filter->store, sequence, purging);
        purging->left -= !err;
    }
    return err ? err : RILL_ERR_AGAIN;
}
