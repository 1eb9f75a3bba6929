// SPDX-License-Identifier: Apache-2.0
#include "writer_subjects.h"

#include "base/assert.h"

#include <stdlib.h>

enum { STEPS_MAX = 4 }; // rows that are passed over rather than sought

/* Rows in their order, from which those that are wanted are taken, in the same order. */
struct rows {
    sqlite3_stmt *rows;
    bool has_row;
};

static enum rill_err rows_step(struct rows *rows)
{
    const enum rill_err err = index_db_row(rows->rows);
    rows->has_row = !err;
    return err == RILL_ERR_NOT_FOUND ? RILL_OK : err;
}

static const struct batch_subject *subject_of(const struct writer *writer, const struct fed_subject *fed)
{
    return &writer->batch->subjects[fed->subject];
}

static uint32_t messages_of(const struct writer *writer, const struct fed_subject *fed)
{
    const struct batch_subject *subject = subject_of(writer, fed);
    return subject->end - subject->start;
}

// ---- by their text ----

static int compare_texts(const void *a, const void *b, void *context)
{
    const struct writer *writer = context;
    return rill_bytes_compare(subject_of(writer, a)->text, subject_of(writer, b)->text);
}

static int row_against(const struct rows *rows, struct rill_bytes text)
{
    return rows->has_row ? rill_bytes_compare(index_column_bytes(rows->rows, 1), text) : 1;
}

static enum rill_err seek_text(struct writer *writer, struct rows *rows, struct rill_bytes text)
{
    rows->rows = index_db_use(writer->db, INDEX_SUBJECT_IDS);
    index_bind_text(rows->rows, 1, text);
    return rows_step(rows);
}

static enum rill_err find_id(struct writer *writer, struct rows *rows, struct fed_subject *fed)
{
    const struct rill_bytes text = subject_of(writer, fed)->text;
    enum rill_err err = rows->rows ? RILL_OK : seek_text(writer, rows, text);
    for (int i = 0; !err && i < STEPS_MAX && row_against(rows, text) < 0; i++)
        err = rows_step(rows);
    if (!err && row_against(rows, text) < 0)
        err = seek_text(writer, rows, text);
    if (!err && row_against(rows, text) == 0)
        fed->id = index_column(rows->rows, 0);
    return err;
}

static enum rill_err find_ids(struct writer *writer, struct fed_list *list)
{
    struct rows rows = {0};
    enum rill_err err = RILL_OK;
    for (uint32_t i = 0; !err && i < list->count; i++)
        err = find_id(writer, &rows, &list->subjects[i]);
    if (rows.rows)
        (void)sqlite3_reset(rows.rows);
    return err;
}

// ---- by their id ----

static int compare_ids(const void *a, const void *b)
{
    const uint64_t x = ((const struct fed_subject *)a)->id, y = ((const struct fed_subject *)b)->id;
    return (x > y) - (x < y);
}

static enum rill_err seek_id(struct writer *writer, struct rows *rows, uint64_t id)
{
    rows->rows = index_db_use(writer->db, INDEX_SUBJECT_FED);
    index_bind(rows->rows, 1, id);
    return rows_step(rows);
}

static enum rill_err find_before(struct writer *writer, struct rows *rows, struct fed_subject *fed)
{
    enum rill_err err = rows->rows ? RILL_OK : seek_id(writer, rows, fed->id);
    for (int i = 0; !err && i < STEPS_MAX && rows->has_row && index_column(rows->rows, 0) < fed->id; i++)
        err = rows_step(rows);
    if (!err && rows->has_row && index_column(rows->rows, 0) < fed->id)
        err = seek_id(writer, rows, fed->id);
    if (!err && (!rows->has_row || index_column(rows->rows, 0) != fed->id))
        err = RILL_ERR_DAMAGED; // its text has led to it
    if (!err)
        fed->before = index_column(rows->rows, 1);
    return err;
}

static enum rill_err find_befores(struct writer *writer, struct fed_list *list)
{
    struct rows rows = {0};
    enum rill_err err = RILL_OK;
    for (uint32_t i = 0; !err && i < list->count; i++) {
        if (list->subjects[i].id)
            err = find_before(writer, &rows, &list->subjects[i]);
    }
    if (rows.rows)
        (void)sqlite3_reset(rows.rows);
    return err;
}

// ---- changing ----

static uint64_t era_bit(const struct writer *writer)
{
    return UINT64_C(1) << writer->era.era % INDEX_ERA_BITS;
}

static enum rill_err add(struct writer *writer, struct fed_subject *fed)
{
    sqlite3_stmt *add = index_db_use(writer->db, INDEX_SUBJECT_ADD);
    index_bind_text(add, 1, subject_of(writer, fed)->text);
    index_bind(add, 2, messages_of(writer, fed));
    index_bind(add, 3, era_bit(writer));
    const enum rill_err err = index_db_run(add);
    fed->id = (uint64_t)sqlite3_last_insert_rowid(writer->db->sqlite);
    return err;
}

static enum rill_err raise(struct writer *writer, const struct fed_subject *fed)
{
    sqlite3_stmt *more = index_db_use(writer->db, INDEX_SUBJECT_MORE);
    index_bind(more, 1, fed->id);
    index_bind(more, 2, messages_of(writer, fed));
    index_bind(more, 3, era_bit(writer));
    return index_db_run(more);
}

/* Those that are there stand behind the new ones, which come in the order of their text. */
static enum rill_err count_all(struct writer *writer, struct fed_list *list)
{
    enum rill_err err = RILL_OK;
    for (uint32_t i = 0; !err && i < list->count; i++) {
        struct fed_subject *fed = &list->subjects[i];
        err = fed->id ? raise(writer, fed) : add(writer, fed);
        writer->ids[fed->subject] = fed->id;
    }
    return err;
}

static enum rill_err list_create(const struct batch *batch, struct fed_list *ret)
{
    ret->count = 0;
    ret->subjects = malloc(((size_t)batch->subject_count + 1) * sizeof ret->subjects[0]);
    for (uint32_t i = 0; ret->subjects && i < batch->subject_count; i++) {
        if (batch->subjects[i].end > batch->subjects[i].start)
            ret->subjects[ret->count++] = (struct fed_subject){.subject = i};
    }
    return ret->subjects ? RILL_OK : RILL_ERR_NO_MEMORY;
}

enum rill_err writer_subjects(struct writer *writer, struct fed_list *ret)
{
    enum rill_err err = list_create(writer->batch, ret);
    if (err)
        return err;
    qsort_r(ret->subjects, ret->count, sizeof ret->subjects[0], compare_texts, writer);
    err = find_ids(writer, ret);
    qsort(ret->subjects, ret->count, sizeof ret->subjects[0], compare_ids);
    err = err ? err : find_befores(writer, ret);
    err = err ? err : count_all(writer, ret);
    qsort(ret->subjects, ret->count, sizeof ret->subjects[0], compare_ids);
    return err;
}
