// SPDX-License-Identifier: Apache-2.0
//
// The newest message that a filter matches. Where few subjects match, it is looked up for each; where many do, the
// messages are walked from the end on backwards, one window after the other, and what was in vain is remembered: new
// messages only come behind it.
#include "index_internal.h"

enum { WINDOW = 2048 }; // messages: less than one call may walk

static enum rill_err match_newest(struct rill_index *index, uint64_t id, uint64_t end, uint64_t *newest)
{
    struct subject_row row;
    struct overlay overlay;
    uint64_t sequence;
    enum rill_err err = lookup_subject_id(index, id, &row);
    err = err ? err : overlay_of_id(index, id, &overlay);
    err = err ? err : lookup_db_last(index, &row, &overlay, end < INT64_MAX ? end : INT64_MAX, &sequence);
    if (!err && sequence > *newest)
        *newest = sequence;
    return err == RILL_ERR_NOT_FOUND ? RILL_OK : err;
}

static enum rill_err newest_of_file(struct rill_index_filter *filter, uint64_t end, uint64_t *newest)
{
    enum rill_err err = RILL_OK;
    for (uint32_t i = 0; !err && i < filter->match_count; i++)
        err = match_newest(filter->index, filter->matches[i].id, end, newest);
    return err;
}

static void newest_of_batch(const struct rill_index_filter *filter, const struct batch *batch,
                            const struct filter_local *local, uint64_t end, uint64_t *newest)
{
    for (uint32_t i = 0; batch && i < local->count; i++) {
        uint64_t sequence;
        if (lookup_batch_last(filter->index, batch, &batch->subjects[local->subjects[i]], end, &sequence) &&
            sequence > *newest)
            *newest = sequence;
    }
}

/* The last match in [found, end), where `found` is one. */
static enum rill_err walk_last(struct rill_index_filter *filter, uint64_t found, uint64_t end,
                               uint64_t *ret_sequence)
{
    while (found + 1 < end) {
        const uint64_t middle = found + 1 + (end - found - 1) / 2;
        uint64_t sequence;
        const enum rill_err err = walk_next(filter, middle, end, &sequence);
        if (err && err != RILL_ERR_NOT_FOUND)
            return err;
        if (err)
            end = middle;
        else
            found = sequence;
    }
    *ret_sequence = found;
    return RILL_OK;
}

static enum rill_err walk_back(struct rill_index_filter *filter, uint64_t end, uint64_t *ret_sequence)
{
    const uint64_t low = filter->index->first_sequence;
    enum rill_err err = RILL_ERR_NOT_FOUND;
    uint64_t found;
    if (!filter->vain_to || filter->vain_to > end)
        filter->vain_from = filter->vain_to = end;
    if (filter->vain_to < end) {
        err = walk_next(filter, filter->vain_to, end, &found);
        if (!err)
            return walk_last(filter, found, end, ret_sequence);
        if (err == RILL_ERR_NOT_FOUND)
            filter->vain_to = end;
    }
    while (err == RILL_ERR_NOT_FOUND && filter->vain_from > low) {
        const uint64_t from = filter->vain_from - low > WINDOW ? filter->vain_from - WINDOW : low;
        err = walk_next(filter, from, filter->vain_from, &found);
        if (!err)
            return walk_last(filter, found, filter->vain_from, ret_sequence);
        if (err == RILL_ERR_NOT_FOUND)
            filter->vain_from = from;
    }
    return err;
}

static enum rill_err find_newest(struct rill_index_filter *filter, uint64_t end, uint64_t *ret_sequence)
{
    struct rill_index *index = filter->index;
    const struct filter_local *ready = NULL, *active = NULL;
    uint64_t newest = 0;
    enum rill_err err = index->ready ? filter_local_of(filter, index->ready, &ready) : RILL_OK;
    err = err ? err : filter_local_of(filter, index->active, &active);
    if (!err && (filter_walks(filter) || active->many || (ready && ready->many)))
        return walk_back(filter, end < index_end(index) ? end : index_end(index), ret_sequence);
    if (err)
        return err;
    newest_of_batch(filter, index->ready, ready, end, &newest);
    newest_of_batch(filter, index->active, active, end, &newest);
    err = newest_of_file(filter, end, &newest);
    if (!err && (!newest || newest < index->first_sequence))
        err = RILL_ERR_NOT_FOUND;
    if (!err)
        *ret_sequence = newest;
    return err;
}

enum rill_err rill_index_newest(struct rill_index_filter *filter, uint64_t end, uint64_t *ret_sequence)
{
    struct rill_index *index = filter->index;
    filter->work = index->work;
    enum rill_err err = index_lists(index);
    err = err ? err : filter_prepare(filter);
    err = err ? err : find_newest(filter, end, ret_sequence);
    return index_failed(index, err);
}
