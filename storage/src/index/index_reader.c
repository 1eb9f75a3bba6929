// SPDX-License-Identifier: Apache-2.0
//
// The reader: the connection of the index's own thread, and what it remembers of the file as its transaction
// sees it. The transaction stays open from one finished job to the next. It is connected when a query or a job
// needs it: while a job is out it must be, for a later one might see what the job has written. The writer, which jobs
// hand on to each other, goes when the reader goes, and before it.
#include "index_internal.h"

#include "base/assert.h"

#include <stdlib.h>

enum { LISTED_MAX = 65536 }; // messages of a batch that one call lists: about as long as other calls may take

/* Room for one more of `count` in an array that doubles from 8. */
static void *list_grow(void *list, size_t count, size_t size)
{
    const bool is_full = count == 0 || (count >= 8 && !(count & (count - 1)));
    return is_full ? realloc(list, (count ? count * 2 : 8) * size) : list;
}

static enum rill_err read_eras(struct rill_index *index)
{
    sqlite3_stmt *rows = index_db_use(&index->db, INDEX_ERAS);
    enum rill_err err;
    for (index->era_count = 0; !(err = index_db_row(rows)); index->era_count++) {
        struct index_era *eras = list_grow(index->eras, index->era_count, sizeof *eras);
        if (!eras)
            return RILL_ERR_NO_MEMORY;
        index->eras = eras;
        eras[index->era_count] = (struct index_era){index_column(rows, 0), index_column(rows, 1),
                                                    index_column(rows, 2), index_column(rows, 3)};
    }
    return err == RILL_ERR_NOT_FOUND ? RILL_OK : err;
}

static enum rill_err read_runs(struct rill_index *index)
{
    sqlite3_stmt *rows = index_db_use(&index->db, INDEX_RUNS);
    enum rill_err err;
    for (index->run_count = 0; !(err = index_db_row(rows)); index->run_count++) {
        struct index_run *runs = list_grow(index->runs, index->run_count, sizeof *runs);
        if (!runs)
            return RILL_ERR_NO_MEMORY;
        index->runs = runs;
        runs[index->run_count] = (struct index_run){index_column(rows, 0), (int64_t)index_column(rows, 1),
                                                    (int64_t)index_column(rows, 2), index_column(rows, 3)};
    }
    return err == RILL_ERR_NOT_FOUND ? RILL_OK : err;
}

enum rill_err index_reader_move(struct rill_index *index, struct index_db_state *ret_state)
{
    enum rill_err err = RILL_OK;
    index_db_reset(&index->db); // a statement that has a row would keep the transaction
    if (!sqlite3_get_autocommit(index->db.sqlite))
        err = index_db_do(&index->db, INDEX_COMMIT);
    err = err ? err : index_db_do(&index->db, INDEX_BEGIN);
    return err ? err : index_db_state(&index->db, ret_state);
}

enum rill_err index_reader_read(struct rill_index *index)
{
    const enum rill_err err = read_eras(index);
    index->expired_to = (struct rill_index_expiry){INT64_MIN, 0};
    return err ? err : read_runs(index);
}

void index_reader_close(struct rill_index *index)
{
    RILL_ASSERT(!index->out);
    index_db_close(&index->writer);
    index_db_close(&index->db);
}

enum rill_err index_reader(struct rill_index *index)
{
    struct index_db_state state;
    struct rill_error_text why;
    if (index->damaged)
        return RILL_ERR_DAMAGED;
    if (!index->has_file || index->db.sqlite)
        return RILL_OK;
    RILL_ASSERT(!index->out);
    enum rill_err err = index_db_open(&index->db, index->vfs, index->path, false, &why);
    err = err ? err : index_reader_move(index, &state);
    err = err ? err : index_reader_read(index);
    if (err == RILL_ERR_NOT_FOUND || (!err && state.position.sequence != index->db_last))
        err = RILL_ERR_DAMAGED; // the file was taken away, or replaced
    if (err)
        index_reader_close(index);
    else if (index->connected)
        index->connected(index->context);
    index->trouble = err;
    return index_failed(index, err);
}

enum rill_err index_lists(struct rill_index *index)
{
    enum rill_err err = index_reader(index);
    if (!err && index->ready)
        err = batch_list(index->ready, UINT32_MAX);
    return err ? err : batch_list(index->active, UINT32_MAX);
}

enum rill_err rill_index_list_some(struct rill_index *index)
{
    enum rill_err err = index->ready ? batch_list(index->ready, LISTED_MAX) : RILL_OK;
    return err ? err : batch_list(index->active, LISTED_MAX);
}

void rill_index_idle(struct rill_index *index)
{
    if (index->out || !index->db.sqlite)
        return;
    // The last connection to leave, the reader, would copy what a job has written into the file, and wait for the disk.
    if (index->checkpoint_due)
        (void)sqlite3_db_config(index->db.sqlite, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    index_reader_close(index);
}

bool rill_index_is_connected(const struct rill_index *index)
{
    return index->db.sqlite != NULL;
}
