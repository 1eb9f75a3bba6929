// SPDX-License-Identifier: Apache-2.0
//
// What a job does: one transaction that brings the file from the end of one batch to the end of the next, or adds ids for
// which somebody waits before their batch ends; or a checkpoint of SQLite's write-ahead log. The two alternate: a checkpoint can only copy what no reader's
// transaction hides, and the reader moves on between the two. The first batch makes the file; nobody reads it yet,
// so its job does both.
#include "writer_subjects.h"

#include <stdlib.h>

static enum rill_err write_state(struct writer *writer, const struct rill_index_position *position)
{
    sqlite3_stmt *set = index_db_use(writer->db, INDEX_STATE_SET);
    index_bind(set, 1, position->block);
    index_bind(set, 2, position->segment);
    index_bind(set, 3, position->offset);
    index_bind(set, 4, position->sequence);
    index_bind(set, 5, writer->batch->first_sequence);
    return index_db_run(set);
}

static enum rill_err write_rows(struct writer *writer)
{
    enum rill_err err = writer_delete(writer);
    err = err ? err : writer_feed(writer);
    err = err ? err : writer_expiries(writer);
    err = err ? err : writer_purge(writer);
    err = err ? err : writer_summary(writer);
    return err ? err : write_state(writer, &writer->job->position);
}

static enum rill_err write_all(struct writer *writer, const struct rill_index_job *job)
{
    struct index_db_state state;
    enum rill_err err = index_db_state(writer->db, &state);
    if (!err && state.position.sequence != job->sequence)
        err = RILL_ERR_DAMAGED; // another file
    writer->ids_sequence = err ? 0 : state.ids_sequence;
    err = err ? err : index_db_raise_generation(writer->db);
    err = err ? err : writer_ids(writer);
    return err || job->ids ? err : write_rows(writer);
}

static enum rill_err write_batch(struct writer *writer, const struct rill_index_job *job)
{
    writer->ids = calloc((size_t)job->batch->subject_count + 1, sizeof writer->ids[0]);
    enum rill_err err = writer->ids ? index_db_do(writer->db, INDEX_BEGIN_WRITE) : RILL_ERR_NO_MEMORY;
    err = err ? err : write_all(writer, job);
    err = err ? err : index_db_do(writer->db, INDEX_COMMIT);
    // On an error the transaction ends with the connection.
    free(writer->ids);
    return err;
}

static enum rill_err connect_to(struct writer *writer, const struct rill_index_job *job)
{
    struct rill_error_text why;
    if (writer->db->sqlite)
        return RILL_OK;
    enum rill_err err = job->makes_file ? index_db_remove(index_vfs_disk(job->vfs), job->path) : RILL_OK;
    err = err ? err : index_db_open(writer->db, job->vfs, job->path, job->makes_file, &why);
    err = err ? err : fed_make_known(writer->db);
    return err || !job->makes_file ? err : index_db_make(writer->db, job->identity, &why);
}

/* The connection stays for the next job, but for what it has in memory: that is many pages, which the next one can read
   again. After an error nobody knows what state it is in. */
static void leave(const struct rill_index_job *job, enum rill_err err)
{
    if (job->db->sqlite)
        index_db_reset(
            job->db); // a statement that has a row would keep what it reads from being checkpointed
    if (err || job->makes_file)
        index_db_close(job->db);
    else
        (void)sqlite3_db_release_memory(job->db->sqlite);
}

void rill_index_job_run(struct rill_index_job *job)
{
    struct writer *writer = calloc(1, sizeof *writer);
    enum rill_err err = writer ? RILL_OK : RILL_ERR_NO_MEMORY;
    if (!err) {
        writer->job = job;
        writer->batch = job->batch;
        writer->db = job->db;
        rill_buf_init(&writer->buf, BLOB_BYTES_MAX);
        err = connect_to(writer, job);
        if (!err && !job->is_checkpoint)
            err = write_batch(writer, job);
        if (!err && (job->is_checkpoint || job->makes_file))
            err = index_db_do(writer->db, INDEX_CHECKPOINT);
        leave(job, err);
        rill_buf_fini(&writer->buf);
        free(writer);
    }
    job->err = err == RILL_ERR_NOT_FOUND ? RILL_ERR_DAMAGED : err; // the file went away
}

void rill_index_job_fail(struct rill_index_job *job, enum rill_err err)
{
    job->err = err;
}
