// SPDX-License-Identifier: Apache-2.0
#include "index_internal.h"

#include "base/alloc.h"
#include "proto/subject.h"

#include <stdlib.h>
#include <utlist.h>

struct rill_index_filter *rill_index_filter_create(struct rill_index *index,
                                                   const struct rill_bytes *patterns, size_t pattern_count)
{
    struct rill_index_filter *filter = rill_alloc_zero(1, sizeof *filter);
    filter->index = index;
    rill_buf_init(&filter->prepared_to, FILTER_SUBJECT_BYTES_MAX);
    filter->patterns = rill_alloc_zero(pattern_count, sizeof filter->patterns[0]);
    for (; filter->pattern_count < pattern_count; filter->pattern_count++) {
        const struct rill_bytes pattern = patterns[filter->pattern_count];
        filter->patterns[filter->pattern_count] =
            rill_bytes_of((uint8_t *)rill_alloc_cstr(pattern), pattern.len);
    }
    DL_APPEND(index->filters, filter);
    return filter;
}

void rill_index_filter_destroy(struct rill_index_filter *filter)
{
    if (!filter)
        return;
    DL_DELETE(filter->index->filters, filter);
    for (size_t i = 0; i < filter->pattern_count; i++)
        free((void *)(uintptr_t)filter->patterns[i].data);
    free(filter->patterns);
    rill_buf_fini(&filter->prepared_to);
    free(filter->matches);
    hits_fini(filter);
    for (int i = 0; i < 2; i++)
        free(filter->locals[i].subjects);
    for (int i = 0; i < 3; i++)
        free(filter->known[i].bits);
    free(filter);
}

void *filter_list_room(void *list, uint32_t count, size_t size)
{
    const bool is_full = (count & (count - 1)) == 0;
    return is_full ? rill_alloc_resize(list, count ? (size_t)count * 2 : 1, size) : list;
}

bool rill_index_filter_matches(const struct rill_index_filter *filter, struct rill_bytes subject)
{
    for (size_t i = 0; i < filter->pattern_count; i++) {
        if (rill_subject_matches(filter->patterns[i], subject))
            return true;
    }
    return false;
}

void filters_forget(struct rill_index *index)
{
    struct rill_index_filter *filter;
    DL_FOREACH (index->filters, filter) {
        filter->prepared = false;
        census_forget(filter);
        hits_forget(filter);
        if (filter_walks(filter))
            continue;
        for (uint32_t i = 0; i < filter->match_count; i++) {
            filter->matches[i].from = UINT64_MAX;
            filter->matches[i].knows_eras = false;
        }
    }
}

void filters_deleted(struct rill_index *index, uint64_t sequence, struct rill_bytes subject)
{
    struct rill_index_filter *filter;
    DL_FOREACH (index->filters, filter) {
        for (uint32_t i = 0; !filter_walks(filter) && i < filter->match_count; i++) {
            if (filter->matches[i].next == sequence)
                filter->matches[i].from = UINT64_MAX;
        }
        hits_deleted(filter, sequence);
        census_deleted(filter, sequence, subject);
        if (filter->is_counted && sequence >= filter->counted_from && sequence < filter->counted_to &&
            rill_index_filter_matches(filter, subject))
            filter->counted--;
    }
}

void filters_purge(struct rill_index *index, uint64_t first_sequence)
{
    struct rill_index_filter *filter;
    int64_t work = index->work;
    DL_FOREACH (index->filters, filter) {
        if (!filter->is_counted || filter->counted_from >= first_sequence)
            continue;
        filter->work = work;
        // A filter that fails here, or takes too long, counts from the beginning the next time.
        if (first_sequence > filter->counted_to || (index->has_file && !index->db.sqlite) ||
            filter_prepare(filter) != RILL_OK || counted_pass(filter, first_sequence) != RILL_OK)
            filter->is_counted = false;
        work = filter->work;
    }
}
