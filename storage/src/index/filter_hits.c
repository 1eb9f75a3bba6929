// SPDX-License-Identifier: Apache-2.0
//
// A filter of many subjects and few messages: walking from one to the next takes longer than the questions are worth. When
// so much was walked to so few, all of them in the file are looked up once, subject by subject, and listed; then an answer
// is a search in that list. What comes into the file later is walked once, what is deleted leaves the list, what is purged
// lies in front of what is asked for. When they are too many for the list, the filter goes on walking.
#include "index_internal.h"

#include "base/search.h"

#include <stdlib.h>

enum { EFFORT_PER_ARRIVAL = 1000 }; // in units of work: above that it is worth it

void hits_fini(struct rill_index_filter *filter)
{
    free(filter->hits.sequences);
    filter->hits = (struct filter_hits){0};
}

void hits_forget(struct rill_index_filter *filter)
{
    struct filter_hits *hits = &filter->hits;
    if (!hits->is_listed)
        hits->at = hits->count = 0;
}

static enum rill_err give_up(struct rill_index_filter *filter)
{
    hits_fini(filter);
    filter->hits.is_over = true;
    return RILL_ERR_LIMIT;
}

static bool is_below(const void *sequences, size_t index, uint64_t sequence)
{
    return ((const uint64_t *)sequences)[index] < sequence;
}

static uint32_t hit_at(const struct filter_hits *hits, uint64_t sequence)
{
    return (uint32_t)rill_search(hits->sequences, 0, hits->count, sequence, is_below);
}

void hits_deleted(struct rill_index_filter *filter, uint64_t sequence)
{
    struct filter_hits *hits = &filter->hits;
    uint32_t at = hits->is_listed ? hit_at(hits, sequence) : 0;
    while (!hits->is_listed && at < hits->count && hits->sequences[at] != sequence)
        at++; // not sorted yet
    if (at == hits->count || hits->sequences[at] != sequence)
        return;
    hits->count--;
    memmove(&hits->sequences[at], &hits->sequences[at + 1], (hits->count - at) * sizeof hits->sequences[0]);
}

static int compare_sequences(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static enum rill_err list_subject(struct rill_index_filter *filter, uint64_t id)
{
    struct filter_hits *hits = &filter->hits;
    struct subject_row row;
    struct overlay overlay;
    enum rill_err err = lookup_subject_id(filter->index, id, &row);
    if (err)
        return err == RILL_ERR_NOT_FOUND ? RILL_OK : err;
    if (row.live > filter->index->filter.messages - hits->count)
        return RILL_ERR_LIMIT;
    err = overlay_of_id(filter->index, id, &overlay);
    filter->work -= WORK_LOOKUP * 2;
    return err ? err
               : lookup_db_list(filter->index, &row, &overlay, hits->sequences,
                                filter->index->filter.messages, &hits->count);
}

static enum rill_err list_subjects(struct rill_index_filter *filter)
{
    struct filter_hits *hits = &filter->hits;
    enum rill_err err = filter_prepare_all(filter);
    if (!err && filter->many)
        err = RILL_ERR_LIMIT;
    if (!err && !hits->sequences)
        hits->sequences = malloc(filter->index->filter.messages * sizeof hits->sequences[0]);
    if (!err && !hits->sequences)
        err = RILL_ERR_LIMIT; // then without
    while (!err && hits->at < filter->match_count) {
        err = list_subject(filter, filter->matches[hits->at].id);
        hits->at += !err;
        if (!err && filter->work <= 0)
            err = RILL_ERR_AGAIN;
    }
    if (err)
        return err;
    if (hits->count)
        qsort(hits->sequences, hits->count, sizeof hits->sequences[0], compare_sequences);
    hits->is_listed = true;
    hits->to = filter->index->db_last;
    return RILL_OK;
}

static enum rill_err list_one(struct rill_index_filter *filter, uint64_t sequence)
{
    struct filter_hits *hits = &filter->hits;
    if (hits->count == filter->index->filter.messages) {
        const uint32_t purged = hit_at(hits, filter->index->first_sequence);
        hits->count -= purged;
        memmove(hits->sequences, hits->sequences + purged, hits->count * sizeof hits->sequences[0]);
    }
    if (hits->count == filter->index->filter.messages)
        return RILL_ERR_LIMIT;
    hits->sequences[hits->count++] = sequence;
    hits->to = sequence;
    return RILL_OK;
}

/* What came into the file since. */
static enum rill_err list_newer(struct rill_index_filter *filter)
{
    struct filter_hits *hits = &filter->hits;
    const struct rill_index *index = filter->index;
    enum rill_err err = RILL_OK;
    while (!err && hits->to < index->db_last) {
        uint64_t sequence = 0;
        const uint64_t from = hits->to < index->first_sequence ? index->first_sequence : hits->to + 1;
        err = walk_next(filter, from, index->db_last + 1, &sequence);
        if (!err)
            err = list_one(filter, sequence);
        else if (err == RILL_ERR_NOT_FOUND)
            hits->to = index->db_last, err = RILL_OK;
    }
    return err;
}

/* LIMIT: there is no list. */
static enum rill_err hits_list(struct rill_index_filter *filter)
{
    enum rill_err err = filter->hits.is_over ? RILL_ERR_LIMIT : RILL_OK;
    if (!err && !filter->hits.is_listed)
        err = list_subjects(filter);
    err = err ? err : list_newer(filter);
    return err == RILL_ERR_LIMIT ? give_up(filter) : err;
}

enum rill_err hits_count(struct rill_index_filter *filter, uint64_t from, uint64_t *ret_count)
{
    const enum rill_err err = hits_list(filter);
    if (!err)
        *ret_count = filter->hits.count - hit_at(&filter->hits, from);
    return err;
}

static bool is_worth_it(const struct rill_index_filter *filter)
{
    const struct filter_hits *hits = &filter->hits;
    return hits->is_listed || (!hits->is_over && hits->effort >= filter->index->filter.effort &&
                               hits->effort / EFFORT_PER_ARRIVAL > hits->arrivals);
}

static enum rill_err walk(struct rill_index_filter *filter, uint64_t from, uint64_t *ret_sequence)
{
    const int64_t work = filter->work;
    const enum rill_err err = walk_next(filter, from, filter->index->db_last + 1, ret_sequence);
    filter->hits.effort += (uint64_t)(work - filter->work);
    filter->hits.arrivals += !err;
    return err;
}

enum rill_err hits_next(struct rill_index_filter *filter, uint64_t from, uint64_t *ret_sequence)
{
    const struct filter_hits *hits = &filter->hits;
    const enum rill_err err = is_worth_it(filter) ? hits_list(filter) : RILL_ERR_LIMIT;
    if (err)
        return err == RILL_ERR_LIMIT ? walk(filter, from, ret_sequence) : err;
    const uint32_t at = hit_at(hits, from);
    if (at == hits->count)
        return RILL_ERR_NOT_FOUND;
    *ret_sequence = hits->sequences[at];
    return RILL_OK;
}
