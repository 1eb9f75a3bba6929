// SPDX-License-Identifier: Apache-2.0
#include "index_internal.h"

#include "base/assert.h"
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

enum rill_err lookup_id(struct rill_index *index, struct rill_bytes subject, uint64_t *ret_id)
{
    sqlite3_stmt *row = index_db_use(&index->db, INDEX_SUBJECT_ID);
    index_bind_text(row, 1, subject);
    const enum rill_err err = index_db_row(row);
    if (!err)
        *ret_id = index_column(row, 0);
    return err;
}

/* What ready and active have deleted of one subject of the file. */
struct overlay {
    const struct batch_subject *ready, *active;
};

static bool has_overlay(const struct rill_index *index)
{
    return index->active->deleted_count || (index->ready && index->ready->deleted_count);
}

static struct overlay overlay_of(const struct rill_index *index, struct rill_bytes subject)
{
    return (struct overlay){.ready = index->ready ? batch_find(index->ready, subject) : NULL,
                            .active = batch_find(index->active, subject)};
}

static bool overlay_has(const struct overlay *overlay, uint64_t sequence)
{
    return batch_has_deleted(overlay->ready, sequence) || batch_has_deleted(overlay->active, sequence);
}

static enum rill_err overlay_of_id(struct rill_index *index, uint64_t id, struct overlay *ret)
{
    *ret = (struct overlay){0};
    if (!has_overlay(index))
        return RILL_OK;
    sqlite3_stmt *row = index_db_use(&index->db, INDEX_SUBJECT_TEXT);
    index_bind(row, 1, id);
    const enum rill_err err = index_db_row(row);
    if (!err)
        *ret = overlay_of(index, index_column_bytes(row, 0));
    return err == RILL_ERR_NOT_FOUND ? RILL_OK : err;
}

enum rill_err lookup_db_deleted(struct rill_index *index, uint64_t id, uint64_t sequence, bool *ret)
{
    struct overlay overlay;
    const enum rill_err err = overlay_of_id(index, id, &overlay);
    *ret = !err && overlay_has(&overlay, sequence);
    return err;
}

static enum rill_err posting_of(struct rill_index *index, enum index_statement which, uint64_t id,
                                uint64_t sequence, struct posting *ret)
{
    sqlite3_stmt *row = index_db_use(&index->db, which);
    index_bind(row, 1, id);
    index_bind(row, 2, sequence);
    const enum rill_err err = index_db_row(row);
    return err ? err : posting_get(row, ret);
}

enum rill_err lookup_db_next(struct rill_index *index, uint64_t id, uint64_t from, uint64_t *ret_sequence)
{
    struct overlay overlay;
    struct posting posting;
    enum rill_err err = overlay_of_id(index, id, &overlay);
    while (!err && !(err = posting_of(index, INDEX_POSTING_AT, id, from, &posting))) {
        for (uint32_t i = posting_at(&posting, from); i < posting.count; i++) {
            if (overlay_has(&overlay, posting.positions[i]))
                continue;
            *ret_sequence = posting.positions[i];
            return RILL_OK;
        }
        from = posting.last + 1;
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

/* Positions in the rows behind this one. */
static enum rill_err count_behind(struct rill_index *index, uint64_t id, uint64_t last, uint64_t *ret_count)
{
    sqlite3_stmt *row = index_db_use(&index->db, INDEX_POSTING_LIVE);
    index_bind(row, 1, id);
    index_bind(row, 2, last);
    const enum rill_err err = index_db_row(row);
    if (!err)
        *ret_count = index_column(row, 0);
    return err;
}

enum rill_err lookup_db_count(struct rill_index *index, uint64_t id, uint64_t from, uint64_t *ret_count)
{
    struct posting posting;
    uint64_t behind = 0;
    sqlite3_stmt *row = index_db_use(&index->db, INDEX_SUBJECT_TEXT);
    index_bind(row, 1, id);
    enum rill_err err = index_db_row(row);
    const uint64_t fed = err ? 0 : index_column(row, 1), deleted = err ? 0 : index_column(row, 2);
    const struct overlay overlay =
        err || !has_overlay(index) ? (struct overlay){0} : overlay_of(index, index_column_bytes(row, 0));
    err = err ? err : posting_of(index, INDEX_POSTING_AT, id, from, &posting);
    *ret_count = 0;
    if (err)
        return err == RILL_ERR_NOT_FOUND ? RILL_OK : err;
    if (!deleted)
        behind = fed - posting.before - posting.fed;
    else
        err = count_behind(index, id, posting.last, &behind);
    *ret_count = posting.count - posting_at(&posting, from) + behind - overlay_count(index, &overlay, from);
    return err;
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

uint64_t lookup_batch_count(const struct rill_index *index, const struct batch *batch,
                            const struct batch_subject *subject, uint64_t from)
{
    if (!batch->message_count)
        return 0;
    const struct batch_subject *cover = cover_of(index, batch, subject);
    const uint64_t lowest = from > batch->base ? from : batch->base;
    return subject->end - batch_offset_at(batch, subject, from) - batch_deleted_from(cover, lowest);
}

static bool batch_last(const struct rill_index *index, const struct batch *batch, struct rill_bytes text,
                       uint64_t *ret_sequence)
{
    const struct batch_subject *subject = batch ? batch_find(batch, text) : NULL;
    const struct batch_subject *cover = subject ? cover_of(index, batch, subject) : NULL;
    for (uint32_t i = subject ? subject->end : 0; subject && i > subject->start; i--) {
        *ret_sequence = batch->base + batch_offsets(subject)[i - 1];
        if (!batch_has_deleted(cover, *ret_sequence))
            return true;
    }
    return false;
}

static enum rill_err db_last(struct rill_index *index, struct rill_bytes subject, uint64_t *ret_sequence)
{
    const struct overlay overlay = overlay_of(index, subject);
    struct posting posting;
    uint64_t id, end = INT64_MAX;
    enum rill_err err = lookup_id(index, subject, &id);
    while (!err && !(err = posting_of(index, INDEX_POSTING_BACK, id, end, &posting))) {
        for (uint32_t i = posting.count; i > 0; i--) {
            *ret_sequence = posting.positions[i - 1];
            if (!overlay_has(&overlay, *ret_sequence))
                return RILL_OK;
        }
        end = posting.last;
    }
    return err;
}

enum rill_err rill_index_last(struct rill_index *index, struct rill_bytes subject, uint64_t *ret_sequence)
{
    uint64_t sequence;
    if (index->damaged)
        return RILL_ERR_DAMAGED;
    if (!batch_last(index, index->active, subject, &sequence) &&
        !batch_last(index, index->ready, subject, &sequence)) {
        const enum rill_err err = db_last(index, subject, &sequence);
        if (err)
            return index_failed(index, err);
    }
    if (sequence < index->first_sequence)
        return RILL_ERR_NOT_FOUND;
    *ret_sequence = sequence;
    return RILL_OK;
}
