// SPDX-License-Identifier: Apache-2.0
//
// Counting: how many match in [counted_from, counted_to) is kept with the filter, and moved to what is asked. A count
// begins with one or two lookups for each subject that matches, a census; or with the list of messages, where there is one
// (filter_hits.c); or, where too many subjects match or few messages are asked for, it walks. What comes and what is
// passed later is walked.
//
// A census of many subjects takes several calls. The file does not change between them, or it begins anew; a message that is
// deleted meanwhile is taken out when its subject was counted already.
#include "index_internal.h"

#include "base/assert.h"

enum {
    WALK_PER_LOOKUP = 400, // messages that are walked as fast as one subject is looked up
    RESTARTS_MAX = 3,      // of a census, which might never end
};

static enum rill_err match_count(struct rill_index *index, uint64_t id, uint64_t from, uint64_t *ret_count)
{
    struct subject_row row;
    struct overlay overlay;
    enum rill_err err = lookup_subject_id(index, id, &row);
    if (err == RILL_ERR_NOT_FOUND) {
        *ret_count = 0;
        return RILL_OK;
    }
    err = err ? err : overlay_of_id(index, id, &overlay);
    return err ? err : lookup_db_count(index, &row, &overlay, from, ret_count);
}

void census_forget(struct rill_index_filter *filter)
{
    struct filter_census *census = &filter->census;
    census->restarts += census->is_under_way;
    census->is_under_way = false;
}

void census_deleted(struct rill_index_filter *filter, uint64_t sequence, struct rill_bytes subject)
{
    struct filter_census *census = &filter->census;
    struct rill_index *index = filter->index;
    struct subject_row row;
    if (!census->is_under_way || sequence < census->from || sequence > index->db_last ||
        !rill_index_filter_matches(filter, subject))
        return;
    if (!index->db.sqlite || lookup_subject(index, subject, &row) != RILL_OK)
        census_forget(filter);
    else if (census->at == filter->match_count || row.id < filter->matches[census->at].id)
        census->count--;
}

static enum rill_err census_take(struct rill_index_filter *filter, uint64_t from)
{
    struct filter_census *census = &filter->census;
    enum rill_err err = RILL_OK;
    if (!census->is_under_way || census->from != from)
        *census = (struct filter_census){
            .is_under_way = true, .from = from, .restarts = census->restarts + census->is_under_way};
    while (!err && census->at < filter->match_count) {
        uint64_t count = 0;
        err = match_count(filter->index, filter->matches[census->at].id, from, &count);
        census->count += count;
        census->at += !err;
        if (!err && (filter->work -= WORK_LOOKUP) <= 0 && census->at < filter->match_count)
            err = RILL_ERR_AGAIN;
    }
    if (err)
        return err;
    filter->counted = census->count;
    *census = (struct filter_census){.is_under_way = false};
    return RILL_OK;
}

/* What lookups can say of the messages from `from` on: of the file, and of the batches behind it. */
static enum rill_err count_file(struct rill_index_filter *filter, uint64_t from)
{
    const struct rill_index *index = filter->index;
    enum rill_err err = RILL_OK;
    filter->counted = 0;
    filter->counted_from = from;
    filter->counted_to = index->db_last + 1 > from ? index->db_last + 1 : from;
    if (from > index->db_last)
        return RILL_OK;
    err = filter_walks(filter) ? hits_count(filter, from, &filter->counted) : RILL_ERR_LIMIT;
    if (err != RILL_ERR_LIMIT)
        return err;
    // The list that there was has become too long, and not all subjects are known: the next call walks.
    return filter->many ? RILL_ERR_AGAIN : census_take(filter, from);
}

/* False when the batch has too many subjects that match. */
static bool count_batch(struct rill_index_filter *filter, const struct batch *batch,
                        const struct filter_local *local)
{
    if (local->many)
        return false;
    for (uint32_t i = 0; i < local->count; i++)
        filter->counted += lookup_batch_count(filter->index, batch, &batch->subjects[local->subjects[i]],
                                              filter->counted_from);
    if (batch_end(batch) > filter->counted_to)
        filter->counted_to = batch_end(batch);
    return true;
}

static enum rill_err count_lookups(struct rill_index_filter *filter, uint64_t from)
{
    const struct batch *batches[] = {filter->index->ready, filter->index->active};
    const struct filter_local *locals[2] = {NULL, NULL};
    enum rill_err err = RILL_OK;
    for (int i = 0; !err && i < 2; i++) {
        if (batches[i] && batches[i]->message_count)
            err = filter_local_of(filter, batches[i], &locals[i]);
    }
    err = err ? err : count_file(filter, from);
    for (int i = 0; !err && i < 2; i++) {
        if (locals[i] && !count_batch(filter, batches[i], locals[i]))
            break;
    }
    filter->is_counted = !err;
    return err;
}

enum rill_err counted_pass(struct rill_index_filter *filter, uint64_t from)
{
    uint64_t passed = 0, reached = filter->counted_from;
    const enum rill_err err = walk_count(filter, filter->counted_from, from, &passed, &reached);
    if (err && err != RILL_ERR_AGAIN)
        return err;
    RILL_ASSERT(filter->counted >= passed);
    filter->counted -= passed;
    filter->counted_from = reached;
    return err;
}

static enum rill_err counted_reach(struct rill_index_filter *filter, uint64_t to)
{
    uint64_t came = 0, reached = filter->counted_to;
    const enum rill_err err = walk_count(filter, filter->counted_to, to, &came, &reached);
    if (err && err != RILL_ERR_AGAIN)
        return err;
    filter->counted += came;
    filter->counted_to = reached;
    return err;
}

/* Is what was counted of no use, or the way from there longer than a new count? */
static bool begins_anew(const struct rill_index_filter *filter, uint64_t from, uint64_t to)
{
    if (!filter->is_counted || from < filter->counted_from || from > filter->counted_to)
        return true;
    if (filter->goes_on && from == filter->goes_on_from)
        return false;
    if (filter->hits.is_listed)
        return true;
    return !filter->many && (from - filter->counted_from) + (to - filter->counted_to) >
                                (uint64_t)WALK_PER_LOOKUP * filter->match_count;
}

/* Is walking all there is the shorter way, or the only one? */
static bool begins_with_walk(const struct rill_index_filter *filter, uint64_t from, uint64_t to)
{
    if (filter->hits.is_listed)
        return false;
    return filter->many || filter->census.restarts > RESTARTS_MAX ||
           (filter_walks(filter) && to - from < (uint64_t)WALK_PER_LOOKUP * filter->match_count);
}

static enum rill_err count_from(struct rill_index_filter *filter, uint64_t from)
{
    const uint64_t end = index_end(filter->index), to = end > from ? end : from;
    enum rill_err err = RILL_OK;
    if (begins_anew(filter, from, to)) {
        filter->is_counted = begins_with_walk(filter, from, to);
        filter->counted_from = filter->counted_to = from;
        filter->counted = 0;
        err = filter->is_counted ? RILL_OK : count_lookups(filter, from);
    }
    err = err ? err : counted_pass(filter, from);
    return err ? err : counted_reach(filter, to);
}

enum rill_err rill_index_count(struct rill_index_filter *filter, uint64_t from, uint64_t *ret_count)
{
    struct rill_index *index = filter->index;
    filter->work = index->work;
    from = from > index->first_sequence ? from : index->first_sequence;
    enum rill_err err = index_lists(index);
    err = err ? err : filter_prepare_all(filter);
    err = err ? err : count_from(filter, from);
    filter->goes_on = err == RILL_ERR_AGAIN;
    filter->goes_on_from = from;
    if (!err) {
        filter->census.restarts = 0;
        *ret_count = filter->counted;
    }
    return index_failed(index, err);
}
