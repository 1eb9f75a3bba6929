// SPDX-License-Identifier: Apache-2.0
//
// Which subjects match: of the file, looked at by their text first and later by their ids as new ones come; of a
// batch, in the order in which it got them. When they are not few a filter walks, and those behind are only looked at when
// it counts; up to a limit they are listed. Each step here can end with AGAIN and goes on where it was.
#include "index_internal.h"

#include "base/search.h"
#include "proto/subject.h"

static bool has_lower_id(const void *matches, size_t index, uint64_t id)
{
    return ((const struct filter_match *)matches)[index].id < id;
}

static uint32_t match_place(const struct rill_index_filter *filter, uint64_t id)
{
    return (uint32_t)rill_search(filter->matches, 0, filter->match_count, id, has_lower_id);
}

bool filter_has_match(const struct rill_index_filter *filter, uint64_t id)
{
    const uint32_t at = match_place(filter, id);
    return at < filter->match_count && filter->matches[at].id == id;
}

/* One of the subjects of the file matches; perhaps it is known already. */
static void match_add(struct rill_index_filter *filter, uint64_t id)
{
    const uint32_t at = match_place(filter, id);
    if (at < filter->match_count && filter->matches[at].id == id)
        return;
    if (filter->match_count == filter->index->filter.subjects) {
        filter->many = true;
        return;
    }
    filter->matches = filter_list_room(filter->matches, filter->match_count, sizeof filter->matches[0]);
    memmove(&filter->matches[at + 1], &filter->matches[at],
            (filter->match_count - at) * sizeof filter->matches[0]);
    filter->matches[at] = (struct filter_match){.id = id, .from = 1};
    filter->match_count++;
}

static enum rill_err prepare_literal(struct rill_index_filter *filter, struct rill_bytes subject)
{
    struct subject_row row;
    const enum rill_err err = lookup_subject(filter->index, subject, &row);
    if (!err)
        match_add(filter, row.id);
    return err == RILL_ERR_NOT_FOUND ? RILL_OK : err;
}

/* Where the next look at the subjects begins. */
static enum rill_err remember(struct rill_index_filter *filter, struct rill_bytes subject)
{
    filter->prepared_to.len = 0;
    const enum rill_err err = rill_buf_append(&filter->prepared_to, subject);
    return err ? err : RILL_ERR_AGAIN;
}

/* Does nobody want to know of more? */
static bool is_enough(const struct rill_index_filter *filter)
{
    return filter->many || (filter->few_suffice && filter_walks(filter));
}

static enum rill_err prepare_pattern(struct rill_index_filter *filter, struct rill_bytes pattern)
{
    const struct rill_bytes prefix = pattern_prefix(pattern);
    if (prefix.len == pattern.len)
        return prepare_literal(filter, pattern);
    sqlite3_stmt *rows = index_db_use(&filter->index->db, INDEX_SUBJECT_RANGE);
    const struct rill_bytes to = rill_buf_bytes(&filter->prepared_to);
    enum rill_err err = RILL_OK;
    index_bind_text(rows, 1, to.len ? to : prefix);
    while (!err && !is_enough(filter) && !(err = index_db_row(rows))) {
        const struct rill_bytes subject = index_column_bytes(rows, 1);
        if (!rill_bytes_has_prefix(subject, prefix))
            break;
        if (rill_subject_matches(pattern, subject))
            match_add(filter, index_column(rows, 0));
        const bool is_over = (filter->work -= WORK_ROW) <= 0;
        if ((is_over || is_enough(filter)) && !rill_bytes_equal(subject, to))
            err = remember(filter, subject); // and look at it once more
    }
    if (rows)
        (void)sqlite3_reset(rows);
    return err == RILL_ERR_NOT_FOUND ? RILL_OK : err;
}

static enum rill_err last_id(struct rill_index *index, uint64_t *ret_id)
{
    sqlite3_stmt *row = index_db_use(&index->db, INDEX_SUBJECT_LAST_ID);
    const enum rill_err err = index_db_row(row);
    if (!err)
        *ret_id = index_column(row, 0);
    if (row)
        (void)sqlite3_reset(row);
    return err;
}

/* Subjects that come meanwhile have higher ids, and are looked at afterwards. */
static enum rill_err prepare_first(struct rill_index_filter *filter)
{
    enum rill_err err = RILL_OK;
    if (!filter->has_begun)
        err = last_id(filter->index, &filter->checked_id);
    filter->has_begun = !err;
    while (!err && !is_enough(filter) && filter->patterns_prepared < filter->pattern_count) {
        err = prepare_pattern(filter, filter->patterns[filter->patterns_prepared]);
        filter->patterns_prepared += !err;
        if (!err)
            filter->prepared_to.len = 0;
    }
    return err;
}

/* Looks at the subjects that came since. */
static enum rill_err prepare_newer(struct rill_index_filter *filter)
{
    sqlite3_stmt *rows = index_db_use(&filter->index->db, INDEX_SUBJECT_NEWER);
    enum rill_err err = RILL_OK;
    index_bind(rows, 1, filter->checked_id);
    while (!err && !is_enough(filter) && !(err = index_db_row(rows))) {
        filter->checked_id = index_column(rows, 0);
        if (rill_index_filter_matches(filter, index_column_bytes(rows, 1)))
            match_add(filter, filter->checked_id);
        err = (filter->work -= WORK_ROW) <= 0 ? RILL_ERR_AGAIN : RILL_OK;
    }
    if (rows)
        (void)sqlite3_reset(rows);
    return err == RILL_ERR_NOT_FOUND ? RILL_OK : err;
}

static enum rill_err prepare(struct rill_index_filter *filter, bool few_suffice)
{
    filter->few_suffice = few_suffice;
    if (filter->prepared || is_enough(filter) || !filter->index->has_file)
        return RILL_OK;
    enum rill_err err = prepare_first(filter);
    if (!err && !is_enough(filter))
        err = prepare_newer(filter);
    if (is_enough(filter))
        return err == RILL_ERR_AGAIN ? RILL_OK : err;
    filter->prepared = !err;
    return err;
}

enum rill_err filter_prepare(struct rill_index_filter *filter)
{
    return prepare(filter, true);
}

enum rill_err filter_prepare_all(struct rill_index_filter *filter)
{
    return prepare(filter, false);
}

static void local_add(struct filter_local *local, uint32_t subject, uint32_t limit)
{
    if (local->count == limit) {
        local->many = true;
        return;
    }
    local->subjects = filter_list_room(local->subjects, local->count, sizeof local->subjects[0]);
    local->subjects[local->count++] = subject;
}

enum rill_err filter_local_of(struct rill_index_filter *filter, const struct batch *batch,
                              const struct filter_local **ret_local)
{
    struct filter_local *local = &filter->locals[batch->serial % 2];
    if (local->serial != batch->serial) {
        local->serial = batch->serial;
        local->checked = local->count = 0;
        local->many = false;
    }
    while (!local->many && local->checked < batch->subject_count) {
        const uint32_t subject = local->checked++;
        if (rill_index_filter_matches(filter, batch->subjects[subject].text))
            local_add(local, subject, filter->index->filter.few);
        if ((filter->work -= WORK_MATCH) <= 0)
            return RILL_ERR_AGAIN;
    }
    *ret_local = local;
    return RILL_OK;
}
