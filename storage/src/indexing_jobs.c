// SPDX-License-Identifier: Apache-2.0
//
// The index's work that waits for the disk: writing a batch, and removing a file that is not to be believed.
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

/* A file that cannot be opened may be open to nobody; memory and descriptors come back. */
static bool is_lasting(enum rill_err err)
{
    return err == RILL_ERR_DAMAGED || err == RILL_ERR_IO || err == RILL_ERR_DENIED;
}

struct rill_store_job *indexing_job_start(struct indexing *indexing)
{
    if (indexing->out)
        return NULL;
    if (indexing_is_void(indexing))
        return remove_start(indexing);
    struct rill_index_job *inner = indexing->failed ? NULL : rill_index_job_start(indexing->index);
    if (inner)
        return job_create(indexing, inner);
    if (!indexing->failed && is_lasting(rill_index_trouble(indexing->index)))
        indexing_fail(indexing, rill_index_trouble(indexing->index), "open the index");
    return NULL;
}

void indexing_job_run(struct index_job *job)
{
    if (job->job)
        rill_index_job_run(job->job);
    else
        job->base.err = rill_index_remove(job->base.disk, job->path);
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
    if (!is_batch)
        return err; // closing tries again
    if (err && err != RILL_ERR_NO_SPACE)
        indexing_fail(indexing, err, "write the index");
    if (!err && indexing->rotated && !rill_index_is_waiting(indexing->index))
        note_written(indexing);
    return err;
}
