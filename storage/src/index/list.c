// SPDX-License-Identifier: Apache-2.0
//
// Lists of subjects: those of the file in their order, merged with those that only the batches have.
#include "index_internal.h"

#include "base/assert.h"
#include "proto/subject.h"

#include <stdlib.h>

struct listing {
    struct rill_index *index;
    struct rill_bytes pattern, prefix, after;
    struct rill_bytes *recent; // of the batches, sorted; the same may be there twice
    size_t recent_count, recent_at;
    sqlite3_stmt *rows;
    bool has_row;
};

static int compare_texts(const void *a, const void *b)
{
    return rill_bytes_compare(*(const struct rill_bytes *)a, *(const struct rill_bytes *)b);
}

static void collect(struct listing *listing, const struct batch *batch)
{
    for (uint32_t i = 0; batch && i < batch->subject_count; i++) {
        const struct rill_bytes text = batch->subjects[i].text;
        if (rill_bytes_compare(text, listing->after) > 0 && rill_subject_matches(listing->pattern, text))
            listing->recent[listing->recent_count++] = text;
    }
}

static enum rill_err step_row(struct listing *listing)
{
    enum rill_err err = listing->rows ? RILL_OK : RILL_ERR_NOT_FOUND;
    listing->has_row = false;
    while (!err && !(err = index_db_row(listing->rows))) {
        const struct rill_bytes text = index_column_bytes(listing->rows, 1);
        if (!rill_bytes_has_prefix(text, listing->prefix))
            return RILL_OK;
        listing->has_row =
            rill_bytes_compare(text, listing->after) > 0 && rill_subject_matches(listing->pattern, text);
        if (listing->has_row)
            return RILL_OK;
    }
    return err == RILL_ERR_NOT_FOUND ? RILL_OK : err;
}

static enum rill_err list_begin(struct listing *listing)
{
    const struct rill_index *index = listing->index;
    const size_t count =
        (size_t)index->active->subject_count + (index->ready ? index->ready->subject_count : 0);
    listing->recent = malloc((count + 1) * sizeof listing->recent[0]);
    if (!listing->recent)
        return RILL_ERR_NO_MEMORY;
    collect(listing, index->ready);
    collect(listing, index->active);
    qsort(listing->recent, listing->recent_count, sizeof listing->recent[0], compare_texts);
    if (!index->has_file)
        return RILL_OK;
    listing->rows = index_db_use(&listing->index->db, INDEX_SUBJECT_RANGE);
    if (!listing->rows)
        return RILL_ERR_DAMAGED;
    const bool is_later = rill_bytes_compare(listing->after, listing->prefix) > 0;
    index_bind_text(listing->rows, 1, is_later ? listing->after : listing->prefix);
    return step_row(listing);
}

static enum rill_err visit_subject(struct listing *listing, struct rill_bytes text, size_t *left,
                                   rill_index_visit_fn *visit, void *context)
{
    struct rill_index_subject subject;
    const enum rill_err err = rill_index_subject(listing->index, text, &subject);
    if (err)
        return err == RILL_ERR_NOT_FOUND ? RILL_OK : err;
    --*left;
    return visit(context, &subject);
}

static enum rill_err list_all(struct listing *listing, size_t left, rill_index_visit_fn *visit, void *context)
{
    enum rill_err err = RILL_OK;
    while (!err && left && (listing->has_row || listing->recent_at < listing->recent_count)) {
        const bool has_recent = listing->recent_at < listing->recent_count;
        const struct rill_bytes recent = has_recent ? listing->recent[listing->recent_at] : RILL_BYTES("");
        const struct rill_bytes row =
            listing->has_row ? index_column_bytes(listing->rows, 1) : RILL_BYTES("");
        const int order = !has_recent ? -1 : !listing->has_row ? 1 : rill_bytes_compare(row, recent);
        err = visit_subject(listing, order < 0 ? row : recent, &left, visit, context);
        while (order >= 0 && listing->recent_at < listing->recent_count &&
               rill_bytes_equal(listing->recent[listing->recent_at], recent))
            listing->recent_at++;
        if (!err && order <= 0)
            err = step_row(listing);
    }
    return err;
}

enum rill_err rill_index_list(struct rill_index *index, struct rill_bytes pattern, struct rill_bytes after,
                              size_t limit, rill_index_visit_fn *visit, void *context)
{
    struct listing listing = {
        .index = index, .pattern = pattern, .prefix = pattern_prefix(pattern), .after = after};
    enum rill_err err = index_reader(index);
    err = err ? err : list_begin(&listing);
    err = err ? err : list_all(&listing, limit, visit, context);
    if (listing.rows)
        (void)sqlite3_reset(listing.rows);
    free(listing.recent);
    return index_failed(index, err);
}
