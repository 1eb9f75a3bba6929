// SPDX-License-Identifier: Apache-2.0
//
// Lists of subjects: those of the file in their order, merged with those that only the batches have; of all, or only of
// those with many messages, or as they were at a sequence.
#include "index_internal.h"

#include "base/alloc.h"
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
    uint64_t end;           // only the last message in front of it is asked for; 0: all is
    uint64_t above;         // only those with more messages
    struct rill_buf *reach; // the last subject that was looked at; NULL: nobody wants to know
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

static uint64_t batch_live(const struct batch *batch, struct rill_bytes text)
{
    const struct batch_subject *subject = batch ? batch_find(batch, text) : NULL;
    return subject ? subject->end - subject->start : 0;
}

/* It cannot have more than so many messages. */
static bool is_small(const struct listing *listing, struct rill_bytes text, uint64_t in_row)
{
    const struct rill_index *index = listing->index;
    return in_row + batch_live(index->ready, text) + batch_live(index->active, text) <= listing->above;
}

static enum rill_err visit_last(struct listing *listing, struct rill_bytes text, rill_index_visit_fn *visit,
                                void *context)
{
    struct rill_index_subject subject = {.subject = text};
    const enum rill_err err =
        rill_index_last_before(listing->index, text, listing->end, &subject.last_sequence);
    return err && err != RILL_ERR_NOT_FOUND ? err : visit(context, &subject);
}

static enum rill_err visit_subject(struct listing *listing, struct rill_bytes text, uint64_t in_row,
                                   size_t *left, rill_index_visit_fn *visit, void *context)
{
    struct rill_index_subject subject;
    if (listing->end) {
        --*left;
        return visit_last(listing, text, visit, context);
    }
    if (listing->reach) {
        --*left;
        listing->reach->len = 0;
        const enum rill_err err = rill_buf_append(listing->reach, text);
        if (err || is_small(listing, text, in_row))
            return err;
    }
    const enum rill_err err = rill_index_subject(listing->index, text, &subject);
    if (err)
        return err == RILL_ERR_NOT_FOUND ? RILL_OK : err;
    if (subject.count <= listing->above)
        return RILL_OK;
    *left -= !listing->reach;
    return visit(context, &subject);
}

static enum rill_err list_some(struct listing *listing, size_t left, rill_index_visit_fn *visit,
                               void *context)
{
    enum rill_err err = RILL_OK;
    while (!err && left && (listing->has_row || listing->recent_at < listing->recent_count)) {
        const bool has_recent = listing->recent_at < listing->recent_count;
        const struct rill_bytes recent = has_recent ? listing->recent[listing->recent_at] : RILL_BYTES("");
        const struct rill_bytes row =
            listing->has_row ? index_column_bytes(listing->rows, 1) : RILL_BYTES("");
        const int order = !has_recent ? -1 : !listing->has_row ? 1 : rill_bytes_compare(row, recent);
        const uint64_t in_row = order <= 0 ? index_column(listing->rows, 2) : 0;
        err = visit_subject(listing, order < 0 ? row : recent, in_row, &left, visit, context);
        while (order >= 0 && listing->recent_at < listing->recent_count &&
               rill_bytes_equal(listing->recent[listing->recent_at], recent))
            listing->recent_at++;
        if (!err && order <= 0)
            err = step_row(listing);
    }
    return err;
}

static enum rill_err list(struct listing *listing, size_t limit, rill_index_visit_fn *visit, void *context)
{
    enum rill_err err = index_lists(listing->index);
    err = err ? err : list_begin(listing);
    err = err ? err : list_some(listing, limit, visit, context);
    if (listing->reach && !err && !listing->has_row && listing->recent_at == listing->recent_count)
        listing->reach->len = 0;
    if (listing->rows)
        (void)sqlite3_reset(listing->rows);
    free(listing->recent);
    return index_failed(listing->index, err);
}

enum rill_err rill_index_list(struct rill_index *index, struct rill_bytes pattern, struct rill_bytes after,
                              size_t limit, rill_index_visit_fn *visit, void *context)
{
    struct listing listing = {
        .index = index, .pattern = pattern, .prefix = pattern_prefix(pattern), .after = after};
    return list(&listing, limit, visit, context);
}

enum rill_err rill_index_list_before(struct rill_index *index, struct rill_bytes pattern,
                                     struct rill_bytes after, uint64_t end, size_t limit,
                                     rill_index_visit_fn *visit, void *context)
{
    struct listing listing = {
        .index = index, .pattern = pattern, .prefix = pattern_prefix(pattern), .after = after, .end = end};
    RILL_ASSERT(end > 0);
    return list(&listing, limit, visit, context);
}

enum rill_err rill_index_crowded(struct rill_index *index, struct rill_buf *after, uint64_t above,
                                 size_t limit, rill_index_visit_fn *visit, void *context)
{
    char *copy = rill_alloc_cstr(rill_buf_bytes(after));
    struct listing listing = {
        .index = index,
        .pattern = RILL_BYTES(">"),
        .after = rill_bytes_of(copy, after->len),
        .above = above,
        .reach = after,
    };
    const enum rill_err err = list(&listing, limit, visit, context);
    free(copy);
    return err;
}
