// SPDX-License-Identifier: Apache-2.0
//
// The index's work that waits for the disk: writing a batch, and setting a file aside that is not to be believed.
#include "indexing.h"

#include "base/alloc.h"
#include "base/assert.h"

#include <stdlib.h>

static struct rill_store_job *job_create(struct indexing *indexing, struct rill_index_job *inner)
{
    struct index_job *job = rill_alloc_zero(1, sizeof *job);
    *job = (struct index_job){
        .base = {.kind = JOB_INDEX, .disk = indexing->store->disk}, .job = inner, .path = indexing->path};
    indexing->out = true;
    return &job->base;
}

/* While it is there a next open would believe it. */
static struct rill_store_job *remove_start(struct indexing *indexing)
{
    if (indexing->is_removed)
        return NULL;
    indexing->is_removed = true;
    return job_create(indexing, NULL);
}

struct rill_store_job *indexing_job_start(struct indexing *indexing)
{
    if (indexing->out)
        return NULL;
    if (indexing_is_void(indexing))
        return remove_start(indexing);
    struct shared_member *member = &indexing->store->member;
    if (indexing->failed || (indexing->store->serving && !shared_index_take(member)))
        return NULL;
    struct rill_index_job *inner = rill_index_job_start(indexing->index);
    if (inner)
        return job_create(indexing, inner);
    if (indexing->store->serving)
        shared_index_give(member);
    if (rill_index_trouble(indexing->index))
        indexing_trouble(indexing, rill_index_trouble(indexing->index), "open the index");
    return NULL;
}

void indexing_job_run(struct index_job *job)
{
    if (job->job)
        rill_index_job_run(job->job);
    else
        job->base.err = rill_index_set_aside(job->base.disk, job->path);
}

void indexing_job_fail(struct index_job *job)
{
    if (job->job)
        rill_index_job_fail(job->job, job->base.err);
}

/* The batch is in the file: what it has of the directories can be evicted. */
static void note_written(struct indexing *indexing)
{
    for (size_t i = 0; i < indexing->stored_count; i++) {
        struct segment *segment = segment_of(&indexing->store->segments, indexing->stored[i].number);
        if (segment)
            segment->stored = indexing->stored[i].version;
    }
    indexing->stored_count = 0;
    indexing->rotated = false;
}

enum rill_err indexing_job_finish(struct indexing *indexing, struct rill_store_job *base)
{
    struct index_job *job = (struct index_job *)base;
    RILL_ASSERT(base->kind == JOB_INDEX && indexing->out);
    const bool is_batch = job->job != NULL;
    const enum rill_err err = is_batch ? rill_index_job_finish(indexing->index, job->job) : base->err;
    free(job);
    indexing->out = false;
    if (is_batch && indexing->store->serving)
        shared_index_give(&indexing->store->member);
    if (!is_batch)
        return err; // closing tries again
    indexing->is_out_of_space = err == RILL_ERR_NO_SPACE;
    if (err && err != RILL_ERR_NO_SPACE)
        indexing_fail(indexing, err, "write the index");
    if (indexing->is_awaited)
        store_rewrite_look(indexing->store, UINT64_MAX);
    indexing->is_awaited = false;
    if (!err && indexing->rotated && !rill_index_is_waiting(indexing->index))
        note_written(indexing);
    return err;
}

enum rill_err indexing_run_jobs(struct indexing *indexing)
{
    struct rill_store_job *job;
    enum rill_err err = indexing->store->opened ? RILL_OK : store_sync_last(indexing->store);
    if (err)
        indexing_fail(indexing, RILL_ERR_IO, "sync the log");
    while (!err && (job = indexing_job_start(indexing))) {
        rill_store_job_run(job);
        err = indexing_job_finish(indexing, job);
    }
    return err;
}

void indexing_make_room(struct indexing *indexing)
{
    if (indexing_run_jobs(indexing) == RILL_ERR_NO_SPACE)
        indexing_fail(indexing, RILL_ERR_NO_SPACE, "write the index"); // nobody but the open could wait
}

void indexing_keep_up(struct indexing *indexing)
{
    if (!indexing->rotated || indexing->resumed_sequence || indexing->since_rotation < indexing->log_bytes)
        return;
    if (indexing_run_jobs(indexing) == RILL_ERR_NO_SPACE)
        indexing->since_rotation = 0; // once more later
}
