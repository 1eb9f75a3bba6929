// SPDX-License-Identifier: Apache-2.0
#include "index_internal.h"

/* The one value of a row. */
static enum rill_err append_value(sqlite3_stmt *row, struct rill_buf *buf)
{
    enum rill_err err = index_db_row(row);
    if (!err)
        err = rill_buf_append(buf, index_column_bytes(row, 0));
    if (row)
        (void)sqlite3_reset(row);
    return err;
}

enum rill_err rill_index_summary(struct rill_index *index, struct rill_buf *ret_state)
{
    enum rill_err err = index_reader(index);
    if (!err && !index->has_file)
        err = RILL_ERR_NOT_FOUND;
    err = err ? err : append_value(index_db_use(&index->db, INDEX_SUMMARY), ret_state);
    return index_failed(index, err);
}

enum rill_err rill_index_segment_detail(struct rill_index *index, uint64_t number,
                                        struct rill_buf *ret_detail)
{
    enum rill_err err = index_reader(index);
    if (!err && !index->has_file)
        err = RILL_ERR_NOT_FOUND;
    if (err)
        return err;
    sqlite3_stmt *row = index_db_use(&index->db, INDEX_DETAIL);
    index_bind(row, 1, number);
    return index_failed(index, append_value(row, ret_detail));
}

static struct rill_index_segment segment_of(sqlite3_stmt *row)
{
    return (struct rill_index_segment){
        .number = index_column(row, 0),
        .first_sequence = index_column(row, 1),
        .end_sequence = index_column(row, 2),
        .messages = index_column(row, 3),
        .bytes = index_column(row, 4),
        .live_messages = index_column(row, 5),
        .live_bytes = index_column(row, 6),
        .first_time_ns = (int64_t)index_column(row, 7),
        .last_time_ns = (int64_t)index_column(row, 8),
    };
}

enum rill_err rill_index_segments(struct rill_index *index, rill_index_segment_fn *visit, void *context)
{
    enum rill_err err = index_reader(index);
    if (err || !index->has_file)
        return err;
    sqlite3_stmt *rows = index_db_use(&index->db, INDEX_SEGMENTS);
    while (!(err = index_db_row(rows))) {
        const struct rill_index_segment segment = segment_of(rows);
        const enum rill_err said = visit(context, &segment);
        if (said) {
            (void)sqlite3_reset(rows);
            return said;
        }
    }
    if (rows)
        (void)sqlite3_reset(rows);
    return err == RILL_ERR_NOT_FOUND ? RILL_OK : index_failed(index, err);
}
