// SPDX-License-Identifier: Apache-2.0
//
// How a batch gets from memory into the file: active, ready, out with a job, finished.
#include "index_internal.h"

#include "base/alloc.h"
#include "base/assert.h"

#include <stdlib.h>

bool rill_index_wants_rotation(const struct rill_index *index)
{
    return !index->ready && batch_bytes(index->active) >= index->batch_bytes;
}

bool rill_index_is_full(const struct rill_index *index)
{
    return index->ready && batch_bytes(index->active) >= index->batch_bytes;
}

bool rill_index_is_large(const struct rill_index *index)
{
    return rill_index_batch_bytes(index) / 2 >= index->batch_bytes;
}

bool rill_index_is_waiting(const struct rill_index *index)
{
    return index->ready != NULL;
}

enum rill_err rill_index_rotate(struct rill_index *index, const struct rill_index_summary *summary)
{
    RILL_ASSERT(batch_is_sealed(index->active));
    if (index->ready)
        return RILL_ERR_LIMIT;
    const enum rill_err err = summary ? batch_set_summary(index->active, summary) : RILL_OK;
    if (err)
        return err;
    index->ready = index->active;
    index->ready->first_sequence = index->first_sequence;
    index->ready->id_window_ns = index->id_window_ns;
    index->ready_position = index->sealed;
    index->ids_ready = index->ids_last;
    index->active = batch_create(++index->next_serial);
    return RILL_OK;
}

bool rill_index_holds_ids(struct rill_index *index, uint64_t sequence)
{
    const bool holds = sequence <= index->ids_safe || index->ids_last <= index->ids_safe;
    index->ids_wanted |= !holds;
    return holds;
}

uint64_t rill_index_ids_end(const struct rill_index *index)
{
    return index->ids_last > index->ids_end ? index->ids_last : index->ids_end;
}

/* As a batch without anything else. NULL when there is no memory for it: a later job tries again. */
static struct batch *copy_ids(const struct rill_index *index)
{
    const struct batch *active = index->active;
    struct batch *copy = batch_create(0);
    copy->last_time_ns = active->last_time_ns;
    copy->id_window_ns = index->id_window_ns;
    for (uint32_t i = 0; i < active->ids.count; i++) {
        const struct id_entry *entry = &active->ids.entries[i];
        if (entry->sequence <= index->ids_written || id_set_put(&copy->ids, entry) == RILL_OK)
            continue;
        batch_destroy(copy);
        return NULL;
    }
    return copy;
}

static bool has_work(const struct rill_index *index)
{
    return index->checkpoint_due || index->ready || index->ids_wanted;
}

struct rill_index_job *rill_index_job_start(struct rill_index *index)
{
    if (index->out || !has_work(index) || index_reader(index) != RILL_OK)
        return NULL;
    struct batch *ids = index->checkpoint_due || index->ready ? NULL : copy_ids(index);
    if (!index->checkpoint_due && !index->ready && !ids)
        return NULL;
    struct rill_index_job *job = rill_alloc_zero(1, sizeof *job);
    *job = (struct rill_index_job){
        .is_checkpoint = index->checkpoint_due,
        .makes_file = !index->has_file,
        .vfs = index->vfs,
        .path = index->path,
        .db = &index->writer,
        .ids = ids,
        .ids_sequence = ids ? index->ids_last : index->ids_ready,
        .batch = ids ? ids : index->ready,
        .era_postings = index->era_postings,
        .run_ids = index->run_ids,
        .sequence = index->db_last,
        .position = index->ready_position,
    };
    memcpy(job->identity, index->identity, sizeof job->identity);
    index->out = job;
    return job;
}

/* The batch is in the file now. */
static void batch_written(struct rill_index *index, const struct rill_index_job *job)
{
    batch_destroy(index->ready);
    index->ready = NULL;
    index->db_last = job->position.sequence;
    filters_forget(index);
}

/* A transaction that has ended is synced, and so are those before it. */
static void written(struct rill_index *index, const struct rill_index_job *job)
{
    if (!job->ids)
        batch_written(index, job);
    index->has_file = true;
    index->checkpoint_due = !job->makes_file; // which ends with one
    index->ids_written = index->ids_safe = job->ids_sequence;
    index->ids_wanted = false;
}

/* The reader sees what the job has done, and the job has done what it should. */
static enum rill_err follow(struct rill_index *index, const struct rill_index_job *job)
{
    struct index_db_state state;
    const uint64_t last = job->is_checkpoint || job->ids ? index->db_last : job->position.sequence;
    if (!index->db.sqlite)
        return RILL_OK; // it will be connected when it is needed
    enum rill_err err = index_reader_move(index, &state);
    err = err ? err : index_reader_read(index);
    return !err && state.position.sequence == last ? RILL_OK : RILL_ERR_DAMAGED;
}

enum rill_err rill_index_job_finish(struct rill_index *index, struct rill_index_job *job)
{
    RILL_ASSERT(job == index->out);
    enum rill_err err = job->err;
    index->out = NULL;
    if (err == RILL_ERR_IO && job->is_checkpoint)
        err = RILL_ERR_DAMAGED; // perhaps a sync that failed; trying it again might not
    err = err ? err : follow(index, job);
    if (!err && job->is_checkpoint)
        index->checkpoint_due = false;
    else if (!err)
        written(index, job);
    batch_destroy(job->ids);
    free(job);
    return index_failed(index, err);
}
