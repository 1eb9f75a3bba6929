// SPDX-License-Identifier: Apache-2.0
#include "index_internal.h"

/* Finds out what a match does not know. */
static enum rill_err match_renew(struct rill_index *index, struct filter_match *match, uint64_t from)
{
    struct subject_row row = {0};
    struct overlay overlay;
    uint64_t next = UINT64_MAX;
    enum rill_err err = match->knows_eras ? RILL_OK : lookup_subject_id(index, match->id, &row);
    if (!match->knows_eras && (!err || err == RILL_ERR_NOT_FOUND)) {
        match->eras = err ? 0 : row.eras; // nothing of a subject that is gone
        match->knows_eras = true;
    }
    if (!err)
        err = overlay_of_id(index, match->id, &overlay);
    if (!err)
        err = lookup_db_next(index, match->id, match->eras, &overlay, from, &next);
    if (err && err != RILL_ERR_NOT_FOUND)
        return err;
    match->from = from;
    match->next = next;
    return RILL_OK;
}

static enum rill_err db_next(struct rill_index_filter *filter, uint64_t from, uint64_t *ret_sequence)
{
    uint64_t found = UINT64_MAX;
    for (uint32_t i = 0; i < filter->match_count; i++) {
        struct filter_match *match = &filter->matches[i];
        if (match->from > from || match->next < from) {
            enum rill_err err = match_renew(filter->index, match, from);
            if (!err && (filter->work -= WORK_LOOKUP) <= 0)
                err = RILL_ERR_AGAIN;
            if (err)
                return err;
        }
        found = match->next < found ? match->next : found;
    }
    *ret_sequence = found;
    return found == UINT64_MAX ? RILL_ERR_NOT_FOUND : RILL_OK;
}

static enum rill_err batch_next(struct rill_index_filter *filter, const struct batch *batch, uint64_t from,
                                uint64_t *ret_sequence)
{
    const struct filter_local *local;
    if (!batch || from >= batch_end(batch))
        return RILL_ERR_NOT_FOUND;
    const enum rill_err err = filter_local_of(filter, batch, &local);
    if (err)
        return err;
    if (local->many)
        return walk_next(filter, from > batch->base ? from : batch->base, batch_end(batch), ret_sequence);
    uint64_t found = UINT64_MAX, next;
    for (uint32_t i = 0; i < local->count; i++) {
        const struct batch_subject *subject = &batch->subjects[local->subjects[i]];
        if (lookup_batch_next(filter->index, batch, subject, from, &next) && next < found)
            found = next;
    }
    *ret_sequence = found;
    return found == UINT64_MAX ? RILL_ERR_NOT_FOUND : RILL_OK;
}

enum rill_err rill_index_next(struct rill_index_filter *filter, uint64_t from, uint64_t *ret_sequence)
{
    struct rill_index *index = filter->index;
    uint64_t found = 0;
    filter->work = index->work;
    from = from > index->first_sequence ? from : index->first_sequence;
    enum rill_err err = index_lists(index);
    err = err ? err : filter_prepare(filter);
    if (!err && from <= index->db_last)
        err = filter_walks(filter) ? hits_next(filter, from, &found) : db_next(filter, from, &found);
    else if (!err)
        err = RILL_ERR_NOT_FOUND;
    if (err == RILL_ERR_NOT_FOUND)
        err = batch_next(filter, index->ready, from, &found);
    if (err == RILL_ERR_NOT_FOUND)
        err = batch_next(filter, index->active, from, &found);
    if (!err)
        *ret_sequence = found;
    return index_failed(index, err);
}
