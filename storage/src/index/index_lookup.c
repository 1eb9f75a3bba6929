// SPDX-License-Identifier: Apache-2.0
#include "index_internal.h"

#include "base/assert.h"
#include "base/search.h"
#include "proto/subject.h"

#include <stdlib.h>

struct rill_bytes pattern_prefix(struct rill_bytes pattern)
{
    struct rill_bytes rest = pattern;
    while (rest.data) {
        const struct rill_bytes token = rill_subject_next_token(&rest);
        if (token.len == 1 && (token.data[0] == '*' || token.data[0] == '>'))
            return rill_bytes_of(pattern.data, (size_t)(token.data - pattern.data));
    }
    return pattern;
}

static enum rill_err subject_row_get(sqlite3_stmt *row, struct subject_row *ret)
{
    const enum rill_err err = index_db_row(row);
    if (!err)
        *ret = (struct subject_row){.id = index_column(row, 0),
                                    .fed = index_column(row, 1),
                                    .deleted = index_column(row, 2),
                                    .live = index_column(row, 3),
                                    .eras = index_column(row, 4)};
    return err;
}

enum rill_err lookup_subject(struct rill_index *index, struct rill_bytes subject, struct subject_row *ret)
{
    if (!index->has_file)
        return RILL_ERR_NOT_FOUND;
    sqlite3_stmt *row = index_db_use(&index->db, INDEX_SUBJECT_ID);
    index_bind_text(row, 1, subject);
    return subject_row_get(row, ret);
}

enum rill_err lookup_subject_id(struct rill_index *index, uint64_t id, struct subject_row *ret)
{
    sqlite3_stmt *row = index_db_use(&index->db, INDEX_SUBJECT_TEXT);
    index_bind(row, 1, id);
    return subject_row_get(row, ret);
}

static bool has_overlay(const struct rill_index *index)
{
    return index->active->deleted_count || (index->ready && index->ready->deleted_count);
}

struct overlay overlay_of(const struct rill_index *index, struct rill_bytes subject)
{
    if (!has_overlay(index))
        return (struct overlay){0};
    return (struct overlay){.ready = index->ready ? batch_find(index->ready, subject) : NULL,
                            .active = batch_find(index->active, subject)};
}

bool overlay_has(const struct overlay *overlay, uint64_t sequence)
{
    return batch_has_deleted(overlay->ready, sequence) || batch_has_deleted(overlay->active, sequence);
}

enum rill_err overlay_of_id(struct rill_index *index, uint64_t id, struct overlay *ret)
{
    *ret = (struct overlay){0};
    if (!has_overlay(index))
        return RILL_OK;
    sqlite3_stmt *row = index_db_use(&index->db, INDEX_SUBJECT_TEXT);
    index_bind(row, 1, id);
    const enum rill_err err = index_db_row(row);
    if (!err)
        *ret = overlay_of(index, index_column_bytes(row, 5));
    return err == RILL_ERR_NOT_FOUND ? RILL_OK : err;
}

enum rill_err lookup_db_deleted(struct rill_index *index, uint64_t id, uint64_t sequence, bool *ret)
{
    struct overlay overlay;
    const enum rill_err err = overlay_of_id(index, id, &overlay);
    *ret = !err && overlay_has(&overlay, sequence);
    return err;
}

static bool ends_before(const void *eras, size_t at, uint64_t sequence)
{
    return ((const struct index_era *)eras)[at].last < sequence;
}

/* Index of the first era that ends at or after the sequence. */
static size_t era_at(const struct rill_index *index, uint64_t sequence)
{
    return rill_search(index->eras, 0, index->era_count, sequence, ends_before);
}

static bool is_in_era(uint64_t eras, uint64_t era)
{
    return eras >> era % INDEX_ERA_BITS & 1;
}

static enum rill_err posting_of(struct rill_index *index, enum index_statement which, uint64_t era,
                                uint64_t id, uint64_t sequence, struct posting *ret)
{
    sqlite3_stmt *row = index_db_use(&index->db, which);
    index_bind(row, 1, era);
    index_bind(row, 2, id);
    index_bind(row, 3, sequence);
    const enum rill_err err = index_db_row(row);
    return err ? err : posting_get(row, ret);
}

/* The first posting that ends at or after the sequence. */
static enum rill_err posting_from(struct rill_index *index, uint64_t id, uint64_t eras, uint64_t sequence,
                                  struct posting *ret)
{
    enum rill_err err = RILL_ERR_NOT_FOUND;
    for (size_t i = era_at(index, sequence); err == RILL_ERR_NOT_FOUND && i < index->era_count; i++) {
        if (is_in_era(eras, index->eras[i].era))
            err = posting_of(index, INDEX_POSTING_AT, index->eras[i].era, id, sequence, ret);
    }
    return err;
}

/* The last posting that ends before the sequence. */
static enum rill_err posting_before(struct rill_index *index, const struct subject_row *row,
                                    uint64_t sequence, struct posting *ret)
{
    enum rill_err err = RILL_ERR_NOT_FOUND;
    size_t i = era_at(index, sequence);
    for (i += i < index->era_count; err == RILL_ERR_NOT_FOUND && i > 0; i--) {
        if (is_in_era(row->eras, index->eras[i - 1].era))
            err = posting_of(index, INDEX_POSTING_BACK, index->eras[i - 1].era, row->id, sequence, ret);
    }
    return err;
}

enum rill_err lookup_db_next(struct rill_index *index, uint64_t id, uint64_t eras,
                             const struct overlay *overlay, uint64_t from, uint64_t *ret_sequence)
{
    struct posting posting;
    enum rill_err err;
    while (!(err = posting_from(index, id, eras, from, &posting))) {
        for (uint32_t i = posting_at(&posting, from); i < posting.count; i++) {
            if (overlay_has(overlay, posting.positions[i]))
                continue;
            *ret_sequence = posting.positions[i];
            return RILL_OK;
        }
        from = posting.last + 1;
    }
    return err;
}

enum rill_err lookup_db_list(struct rill_index *index, const struct subject_row *row,
                             const struct overlay *overlay, uint64_t *list, uint32_t capacity,
                             uint32_t *count)
{
    struct posting posting;
    enum rill_err err;
    uint64_t from = index->first_sequence;
    while (!(err = posting_from(index, row->id, row->eras, from, &posting))) {
        for (uint32_t i = posting_at(&posting, from); i < posting.count; i++) {
            if (overlay_has(overlay, posting.positions[i]))
                continue;
            if (*count == capacity)
                return RILL_ERR_LIMIT;
            list[(*count)++] = posting.positions[i];
        }
        from = posting.last + 1;
    }
    return err == RILL_ERR_NOT_FOUND ? RILL_OK : err;
}

/* The last of its positions below `end` that is not deleted. */
static bool posting_last(const struct posting *posting, const struct overlay *overlay, uint64_t end,
                         uint64_t *ret_sequence)
{
    for (uint32_t i = posting_at(posting, end); i > 0; i--) {
        if (overlay_has(overlay, posting->positions[i - 1]))
            continue;
        *ret_sequence = posting->positions[i - 1];
        return true;
    }
    return false;
}

enum rill_err lookup_db_last(struct rill_index *index, const struct subject_row *row,
                             const struct overlay *overlay, uint64_t end, uint64_t *ret_sequence)
{
    struct posting posting;
    enum rill_err err =
        end > index->db_last ? RILL_ERR_NOT_FOUND : posting_from(index, row->id, row->eras, end, &posting);
    if (err && err != RILL_ERR_NOT_FOUND)
        return err;
    if (!err && posting_last(&posting, overlay, end, ret_sequence))
        return RILL_OK;
    for (uint64_t before = end; !(err = posting_before(index, row, before, &posting));
         before = posting.last) {
        if (posting_last(&posting, overlay, end, ret_sequence))
            return RILL_OK;
    }
    return err;
}

/* Those of the file that ready and active have deleted. */
static uint64_t overlay_count(const struct rill_index *index, const struct overlay *overlay, uint64_t from)
{
    const uint64_t end = index->db_last + 1;
    if (from >= end)
        return 0;
    return batch_deleted_from(overlay->ready, from) - batch_deleted_from(overlay->ready, end) +
           batch_deleted_from(overlay->active, from) - batch_deleted_from(overlay->active, end);
}

/* Messages in the postings of a subject that end above `last` and below `end`. */
static enum rill_err sum_live(struct rill_index *index, const struct subject_row *row, uint64_t last,
                              uint64_t end, uint64_t *ret_count)
{
    uint64_t sum = 0;
    enum rill_err err = RILL_OK;
    for (size_t i = era_at(index, last + 1); !err && i < index->era_count && index->eras[i].first < end;
         i++) {
        if (!is_in_era(row->eras, index->eras[i].era))
            continue;
        sqlite3_stmt *live = index_db_use(&index->db, INDEX_POSTING_LIVE);
        index_bind(live, 1, index->eras[i].era);
        index_bind(live, 2, row->id);
        index_bind(live, 3, last);
        index_bind(live, 4, end);
        err = index_db_row(live);
        sum += err ? 0 : index_column(live, 0);
    }
    *ret_count = sum;
    return err;
}

/* Messages in the postings behind this one. Without deletes that is a subtraction; else the shorter side of the
   postings is added up. */
static enum rill_err count_behind(struct rill_index *index, const struct subject_row *row,
                                  const struct posting *posting, uint64_t *ret_count)
{
    uint64_t in_front = 0;
    if (!row->deleted) {
        *ret_count = row->fed - posting->before - posting->fed;
        return RILL_OK;
    }
    if (posting->last - index->first_sequence > index->db_last - posting->last)
        return sum_live(index, row, posting->last, INT64_MAX, ret_count);
    const enum rill_err err = sum_live(index, row, 0, posting->last, &in_front);
    if (!err && row->live < in_front + posting->count)
        return RILL_ERR_DAMAGED;
    *ret_count = row->live - in_front - posting->count;
    return err;
}

enum rill_err lookup_db_count(struct rill_index *index, const struct subject_row *row,
                              const struct overlay *overlay, uint64_t from, uint64_t *ret_count)
{
    struct posting posting;
    uint64_t behind = 0;
    enum rill_err err = posting_from(index, row->id, row->eras, from, &posting);
    if (!err)
        err = count_behind(index, row, &posting, &behind);
    if (err && err != RILL_ERR_NOT_FOUND)
        return err;
    *ret_count =
        err ? 0 : posting.count - posting_at(&posting, from) + behind - overlay_count(index, overlay, from);
    return RILL_OK;
}

/* Deletes of a batch's own messages are not in it any more; those of ready may be in active. */
static const struct batch_subject *cover_of(const struct rill_index *index, const struct batch *batch,
                                            const struct batch_subject *subject)
{
    return batch == index->active || !index->active->deleted_count ? NULL
                                                                   : batch_find(index->active, subject->text);
}

bool lookup_batch_next(const struct rill_index *index, const struct batch *batch,
                       const struct batch_subject *subject, uint64_t from, uint64_t *ret_sequence)
{
    const struct batch_subject *cover = cover_of(index, batch, subject);
    for (uint32_t i = batch_offset_at(batch, subject, from); i < subject->end; i++) {
        const uint64_t sequence = batch->base + batch_offsets(subject)[i];
        if (batch_has_deleted(cover, sequence))
            continue;
        *ret_sequence = sequence;
        return true;
    }
    return false;
}

bool lookup_batch_last(const struct rill_index *index, const struct batch *batch,
                       const struct batch_subject *subject, uint64_t end, uint64_t *ret_sequence)
{
    const struct batch_subject *cover = cover_of(index, batch, subject);
    for (uint32_t i = batch_offset_at(batch, subject, end); i > subject->start; i--) {
        const uint64_t sequence = batch->base + batch_offsets(subject)[i - 1];
        if (batch_has_deleted(cover, sequence))
            continue;
        *ret_sequence = sequence;
        return true;
    }
    return false;
}

uint64_t lookup_batch_count(const struct rill_index *index, const struct batch *batch,
                            const struct batch_subject *subject, uint64_t from)
{
    if (!batch->message_count)
        return 0;
    const struct batch_subject *cover = cover_of(index, batch, subject);
    const uint64_t lowest = from > batch->base ? from : batch->base;
    return subject->end - batch_offset_at(batch, subject, from) - batch_deleted_from(cover, lowest);
}
