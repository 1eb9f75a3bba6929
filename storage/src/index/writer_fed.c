// SPDX-License-Identifier: Apache-2.0
#include "writer_subjects.h"

enum { DENSE = 8 }; // rows that are passed over in the time that a statement of its own takes

void fed_posting(const struct fed_list *list, const struct fed_subject *fed, uint32_t from,
                 struct posting *ret)
{
    const struct batch *batch = list->writer->batch;
    const uint32_t *offsets = fed_offsets(list, fed);
    ret->before = fed->before + from;
    for (ret->count = 0; ret->count < INDEX_POSITIONS_MAX && from + ret->count < fed->messages; ret->count++)
        ret->positions[ret->count] = batch->base + offsets[from + ret->count];
    ret->first = ret->positions[0];
    ret->last = ret->positions[ret->count - 1];
}

static struct fed_subject *find(struct fed_list *list, uint64_t id)
{
    while (list->at < list->count && list->subjects[list->at].id < id)
        list->at++;
    const bool is_there = list->at < list->count && list->subjects[list->at].id == id;
    return is_there ? &list->subjects[list->at] : NULL;
}

static void tell_positions(struct fed_list *list, const struct fed_subject *fed, sqlite3_context *ret)
{
    struct posting posting; // large: what is not used is not cleared
    struct rill_buf *buf = &list->writer->buf;
    fed_posting(list, fed, 0, &posting);
    buf->len = 0;
    if (posting_put(buf, &posting))
        sqlite3_result_error_nomem(ret);
    else
        sqlite3_result_blob(ret, buf->data, (int)buf->len, SQLITE_TRANSIENT);
}

static uint64_t position_of(const struct fed_list *list, const struct fed_subject *fed, uint32_t at)
{
    return list->writer->batch->base + fed_offsets(list, fed)[at];
}

static uint64_t number_of(const struct fed_list *list, const struct fed_subject *fed, enum fed_what what)
{
    const uint32_t posted = fed->messages < INDEX_POSITIONS_MAX ? fed->messages : INDEX_POSITIONS_MAX;
    switch (what) {
    case FED_LAST:
        return position_of(list, fed, posted - 1);
    case FED_FIRST:
        return position_of(list, fed, 0);
    case FED_BEFORE:
        return fed->before;
    case FED_POSTED:
        return posted;
    default:
        return fed->messages;
    }
}

static void rill_fed(sqlite3_context *context, int count, sqlite3_value **values)
{
    const struct index_db *db = sqlite3_user_data(context);
    const enum fed_what what = (enum fed_what)sqlite3_value_int(values[0]);
    struct fed_subject *fed =
        count >= 2 && db->fed ? find(db->fed, (uint64_t)sqlite3_value_int64(values[1])) : NULL;
    if (fed && count == 3)
        fed->before = (uint64_t)sqlite3_value_int64(values[2]);
    if (!fed)
        sqlite3_result_int(context, 0);
    else if (what == FED_POSITIONS)
        tell_positions(db->fed, fed, context);
    else
        sqlite3_result_int64(context, (sqlite3_int64)number_of(db->fed, fed, what));
}

enum rill_err fed_make_known(struct index_db *db)
{
    return index_db_err(sqlite3_create_function(db->sqlite, "rill_fed", -1, SQLITE_UTF8 | SQLITE_DIRECTONLY,
                                                db, rill_fed, NULL, NULL));
}

static uint64_t last_id(const struct fed_list *list)
{
    return list->subjects[list->count - 1].id;
}

bool fed_is_dense(const struct fed_list *list)
{
    return list->count && (last_id(list) - list->subjects[0].id) / DENSE < list->count;
}

enum rill_err fed_run(struct fed_list *list, enum index_statement which, uint64_t third)
{
    struct index_db *db = list->writer->db;
    sqlite3_stmt *all = index_db_use(db, which);
    index_bind(all, 1, list->subjects[0].id);
    index_bind(all, 2, last_id(list));
    index_bind_hash(all, 3, third);
    list->at = 0;
    db->fed = list;
    const enum rill_err err = index_db_run(all);
    db->fed = NULL;
    return err;
}
