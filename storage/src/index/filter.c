// SPDX-License-Identifier: Apache-2.0
#include "index_internal.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "proto/subject.h"

#include <stdlib.h>
#include <utlist.h>

struct rill_index_filter *rill_index_filter_create(struct rill_index *index,
                                                   const struct rill_bytes *patterns, size_t pattern_count)
{
    struct rill_index_filter *filter = rill_alloc_zero(1, sizeof *filter);
    filter->index = index;
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
    for (int i = 0; i < 3; i++)
        free(filter->known[i].bits);
    free(filter);
}

bool filter_matches(const struct rill_index_filter *filter, struct rill_bytes subject)
{
    for (size_t i = 0; i < filter->pattern_count; i++) {
        if (rill_subject_matches(filter->patterns[i], subject))
            return true;
    }
    return false;
}

/* One of the subjects of the file matches. */
static void match_add(struct rill_index_filter *filter, uint64_t id)
{
    for (uint32_t i = 0; i < filter->match_count; i++) {
        if (filter->matches[i].id == id)
            return;
    }
    if (filter->match_count == FILTER_SUBJECTS_MAX)
        filter->many = true;
    else
        filter->matches[filter->match_count++] = (struct filter_match){.id = id, .from = 1};
}

static enum rill_err prepare_pattern(struct rill_index_filter *filter, struct rill_bytes pattern)
{
    const struct rill_bytes prefix = pattern_prefix(pattern);
    if (prefix.len == pattern.len) {
        struct subject_row row;
        const enum rill_err err = lookup_subject(filter->index, pattern, &row);
        if (!err)
            match_add(filter, row.id);
        return err == RILL_ERR_NOT_FOUND ? RILL_OK : err;
    }
    sqlite3_stmt *rows = index_db_use(&filter->index->db, INDEX_SUBJECT_RANGE);
    enum rill_err err = RILL_OK;
    index_bind_text(rows, 1, prefix);
    while (!filter->many && !(err = index_db_row(rows))) {
        const struct rill_bytes subject = index_column_bytes(rows, 1);
        if (!rill_bytes_has_prefix(subject, prefix))
            break;
        if (rill_subject_matches(pattern, subject))
            match_add(filter, index_column(rows, 0));
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

static enum rill_err prepare_first(struct rill_index_filter *filter)
{
    enum rill_err err = RILL_OK;
    filter->match_count = 0;
    for (size_t i = 0; !err && !filter->many && i < filter->pattern_count; i++)
        err = prepare_pattern(filter, filter->patterns[i]);
    return err ? err : last_id(filter->index, &filter->checked_id);
}

/* Looks at the subjects that came since. */
static enum rill_err prepare_newer(struct rill_index_filter *filter)
{
    sqlite3_stmt *rows = index_db_use(&filter->index->db, INDEX_SUBJECT_NEWER);
    enum rill_err err = RILL_OK;
    index_bind(rows, 1, filter->checked_id);
    while (!filter->many && !(err = index_db_row(rows))) {
        filter->checked_id = index_column(rows, 0);
        if (filter_matches(filter, index_column_bytes(rows, 1)))
            match_add(filter, filter->checked_id);
    }
    if (rows)
        (void)sqlite3_reset(rows);
    return err == RILL_ERR_NOT_FOUND ? RILL_OK : err;
}

static enum rill_err prepare(struct rill_index_filter *filter)
{
    if (filter->prepared || filter->many || !filter->index->has_file)
        return RILL_OK;
    const enum rill_err err = filter->checked_id ? prepare_newer(filter) : prepare_first(filter);
    filter->prepared = !err;
    return err;
}

/* The subjects of a batch that match, brought up to date. */
static const struct filter_local *local_of(struct rill_index_filter *filter, const struct batch *batch)
{
    struct filter_local *local = &filter->locals[batch->serial % 2];
    if (local->serial != batch->serial) {
        local->serial = batch->serial;
        local->checked = local->count = 0;
        local->many = false;
    }
    for (; !local->many && local->checked < batch->subject_count; local->checked++) {
        if (!filter_matches(filter, batch->subjects[local->checked].text))
            continue;
        if (local->count == FILTER_SUBJECTS_MAX)
            local->many = true;
        else
            local->subjects[local->count++] = local->checked;
    }
    return local;
}

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
            const enum rill_err err = match_renew(filter->index, match, from);
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
    if (!batch || from >= batch_end(batch))
        return RILL_ERR_NOT_FOUND;
    const struct filter_local *local = local_of(filter, batch);
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
    from = from > index->first_sequence ? from : index->first_sequence;
    enum rill_err err = index_reader(index);
    err = err ? err : prepare(filter);
    if (!err && from <= index->db_last)
        err = filter->many ? walk_next(filter, from, index->db_last + 1, &found)
                           : db_next(filter, from, &found);
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

static enum rill_err batch_count(struct rill_index_filter *filter, const struct batch *batch, uint64_t from,
                                 uint64_t *total)
{
    if (!batch || from >= batch_end(batch))
        return RILL_OK;
    const struct filter_local *local = local_of(filter, batch);
    for (uint32_t i = 0; !local->many && i < local->count; i++)
        *total += lookup_batch_count(filter->index, batch, &batch->subjects[local->subjects[i]], from);
    uint64_t count = 0;
    const enum rill_err err =
        local->many ? walk_count(filter, from > batch->base ? from : batch->base, batch_end(batch), &count)
                    : RILL_OK;
    *total += count;
    return err;
}

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

static enum rill_err count_few(struct rill_index_filter *filter, uint64_t from, uint64_t *ret_count)
{
    struct rill_index *index = filter->index;
    uint64_t total = 0, count = 0;
    enum rill_err err = RILL_OK;
    for (uint32_t i = 0; !err && from <= index->db_last && i < filter->match_count; i++) {
        err = match_count(index, filter->matches[i].id, from, &count);
        total += err ? 0 : count;
    }
    err = err ? err : batch_count(filter, index->ready, from, &total);
    err = err ? err : batch_count(filter, index->active, from, &total);
    if (!err)
        *ret_count = total;
    return err;
}

/* Moves what was counted to [from, to); the ranges must touch. */
static enum rill_err counted_move(struct rill_index_filter *filter, uint64_t from, uint64_t to)
{
    uint64_t passed = 0, came = 0;
    enum rill_err err = walk_count(filter, filter->counted_from, from, &passed);
    err = err ? err : walk_count(filter, filter->counted_to, to, &came);
    if (err)
        return err;
    RILL_ASSERT(filter->counted >= passed);
    filter->counted += came - passed;
    filter->counted_from = from;
    filter->counted_to = to;
    return RILL_OK;
}

static enum rill_err count_many(struct rill_index_filter *filter, uint64_t from, uint64_t *ret_count)
{
    const uint64_t to = index_end(filter->index);
    if (!filter->is_counted || from < filter->counted_from || from > filter->counted_to) {
        filter->counted_from = filter->counted_to = from;
        filter->counted = 0;
    }
    filter->is_counted = false;
    const enum rill_err err = counted_move(filter, from, to > from ? to : from);
    filter->is_counted = !err;
    if (!err)
        *ret_count = filter->counted;
    return err;
}

enum rill_err rill_index_count(struct rill_index_filter *filter, uint64_t from, uint64_t *ret_count)
{
    struct rill_index *index = filter->index;
    from = from > index->first_sequence ? from : index->first_sequence;
    enum rill_err err = index_reader(index);
    err = err ? err : prepare(filter);
    if (!err)
        err = filter->many ? count_many(filter, from, ret_count) : count_few(filter, from, ret_count);
    return index_failed(index, err);
}

void filters_forget(struct rill_index *index)
{
    struct rill_index_filter *filter;
    DL_FOREACH (index->filters, filter) {
        filter->prepared = false;
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
        for (uint32_t i = 0; i < filter->match_count; i++) {
            if (filter->matches[i].next == sequence)
                filter->matches[i].from = UINT64_MAX;
        }
        if (filter->is_counted && sequence >= filter->counted_from && sequence < filter->counted_to &&
            filter_matches(filter, subject))
            filter->counted--;
    }
}

void filters_purge(struct rill_index *index, uint64_t first_sequence)
{
    struct rill_index_filter *filter;
    DL_FOREACH (index->filters, filter) {
        if (!filter->is_counted || filter->counted_from >= first_sequence)
            continue;
        // A filter that fails here counts from the beginning, and is told then what is wrong.
        if (first_sequence > filter->counted_to ||
            counted_move(filter, first_sequence, filter->counted_to) != RILL_OK)
            filter->is_counted = false;
    }
}
