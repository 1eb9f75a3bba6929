// SPDX-License-Identifier: Apache-2.0
#include "writer_subjects.h"

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

// ---- by their text ----

static int compare_texts(const void *a, const void *b, void *context)
{
    const struct fed_subject *x = a, *y = b;
    if (x->key[0] != y->key[0])
        return x->key[0] < y->key[0] ? -1 : 1;
    if (x->key[1] != y->key[1])
        return x->key[1] < y->key[1] ? -1 : 1;
    const struct writer *writer = context;
    return rill_bytes_compare(subject_of(writer, x)->text, subject_of(writer, y)->text);
}

static size_t common_prefix(const struct writer *writer, const struct fed_list *list)
{
    const struct rill_bytes first =
        list->count ? subject_of(writer, &list->subjects[0])->text : RILL_BYTES("");
    size_t len = first.len;
    for (uint32_t i = 1; i < list->count; i++) {
        const struct rill_bytes text = subject_of(writer, &list->subjects[i])->text;
        size_t same = 0;
        while (same < len && same < text.len && text.data[same] == first.data[same])
            same++;
        len = same;
    }
    return len;
}

/* Eight bytes of the text; zeros stand for those behind its end. */
static uint64_t key_at(struct rill_bytes text, size_t at)
{
    uint64_t key = 0;
    for (size_t i = at; i < at + sizeof key; i++)
        key = key << 8 | (i < text.len ? text.data[i] : 0u);
    return key;
}

static void sort_by_text(struct writer *writer, struct fed_list *list)
{
    const size_t skip = common_prefix(writer, list);
    for (uint32_t i = 0; i < list->count; i++) {
        struct fed_subject *fed = &list->subjects[i];
        fed->key[0] = key_at(subject_of(writer, fed)->text, skip);
        fed->key[1] = key_at(subject_of(writer, fed)->text, skip + sizeof fed->key[0]);
    }
    qsort_r(list->subjects, list->count, sizeof list->subjects[0], compare_texts, writer);
    for (uint32_t i = 0; i < list->count; i++)
        list->subjects[i].id = list->subjects[i].before = 0;
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

// ---- changing, by their id ----

static int compare_ids(const void *a, const void *b)
{
    const uint64_t x = ((const struct fed_subject *)a)->id, y = ((const struct fed_subject *)b)->id;
    return (x > y) - (x < y);
}

static uint64_t era_bit(const struct writer *writer)
{
    return UINT64_C(1) << writer->era.era % INDEX_ERA_BITS;
}

static enum rill_err add(struct fed_list *list, struct fed_subject *fed)
{
    struct writer *writer = list->writer;
    sqlite3_stmt *add = index_db_use(writer->db, INDEX_SUBJECT_ADD);
    index_bind_text(add, 1, subject_of(writer, fed)->text);
    index_bind(add, 2, fed->messages);
    index_bind(add, 3, era_bit(writer));
    const enum rill_err err = index_db_run(add);
    fed->id = (uint64_t)sqlite3_last_insert_rowid(writer->db->sqlite);
    return err;
}

static enum rill_err raise(const struct fed_list *list, struct fed_subject *fed)
{
    sqlite3_stmt *more = index_db_use(list->writer->db, INDEX_SUBJECT_MORE);
    index_bind(more, 1, fed->id);
    index_bind(more, 2, fed->messages);
    index_bind(more, 3, era_bit(list->writer));
    const enum rill_err err = index_db_row(more);
    if (!err)
        fed->before = index_column(more, 0) - fed->messages;
    if (more)
        (void)sqlite3_reset(more);
    return err == RILL_ERR_NOT_FOUND ? RILL_ERR_DAMAGED : err; // its text has led to it
}

/* rill_fed() sets what was fed before. */
static enum rill_err raise_all(struct fed_list *known)
{
    struct writer *writer = known->writer;
    const enum rill_err err = fed_run(known, INDEX_SUBJECT_MORE_ALL, era_bit(writer));
    const bool are_all = err || sqlite3_changes(writer->db->sqlite) == (int)known->count;
    return are_all ? err : RILL_ERR_DAMAGED; // as above
}

/* Those that are there stand behind the new ones. */
static enum rill_err count_all(struct fed_list *list)
{
    struct fed_list known = *list;
    while (known.count && !known.subjects[0].id)
        known.subjects++, known.count--;
    const bool is_dense = fed_is_dense(&known);
    enum rill_err err = is_dense ? raise_all(&known) : RILL_OK;
    for (uint32_t i = 0; !err && i < list->count; i++) {
        struct fed_subject *fed = &list->subjects[i];
        if (!fed->id)
            err = add(list, fed);
        else if (!is_dense)
            err = raise(list, fed);
        list->writer->ids[fed->subject] = fed->id;
    }
    return err;
}

void fed_list_fini(struct fed_list *list)
{
    free(list->subjects);
    free(list->ends);
    free(list->offsets);
}

/* The lists of the batch are its owner's, who may be making them: these are the job's own. */
static void list_offsets(const struct batch *batch, struct fed_list *list)
{
    uint32_t *ends = list->ends, end = 0;
    for (uint32_t i = 0; i < batch->message_count; i++) {
        if (batch_is_live(batch, i))
            ends[batch->messages[i].subject]++;
    }
    for (uint32_t i = 0; i < batch->subject_count; i++) {
        const uint32_t messages = ends[i];
        if (messages)
            list->subjects[list->count++] = (struct fed_subject){.subject = i, .messages = messages};
        ends[i] = end;
        end += messages;
    }
    for (uint32_t i = 0; i < batch->message_count; i++) {
        if (batch_is_live(batch, i))
            list->offsets[ends[batch->messages[i].subject]++] = batch->messages[i].offset;
    }
}

static enum rill_err list_create(struct writer *writer, struct fed_list *ret)
{
    const struct batch *batch = writer->batch;
    *ret = (struct fed_list){.writer = writer};
    ret->subjects = malloc(((size_t)batch->subject_count + 1) * sizeof ret->subjects[0]);
    ret->ends = calloc((size_t)batch->subject_count + 1, sizeof ret->ends[0]);
    ret->offsets = malloc(((size_t)batch->message_count + 1) * sizeof ret->offsets[0]);
    if (!ret->subjects || !ret->ends || !ret->offsets)
        return RILL_ERR_NO_MEMORY;
    list_offsets(batch, ret);
    return RILL_OK;
}

enum rill_err writer_subjects(struct writer *writer, struct fed_list *ret)
{
    enum rill_err err = list_create(writer, ret);
    if (err)
        return err;
    sort_by_text(writer, ret);
    err = find_ids(writer, ret);
    qsort(ret->subjects, ret->count, sizeof ret->subjects[0], compare_ids);
    err = err ? err : count_all(ret);
    qsort(ret->subjects, ret->count, sizeof ret->subjects[0], compare_ids);
    return err;
}
