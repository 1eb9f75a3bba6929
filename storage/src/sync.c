// SPDX-License-Identifier: Apache-2.0
//
// Durability after the fact, for stores whose commits are only written (options: syncs_later). What is not durable is the end
// of the tail's file and nothing else: a segment is synced before the next one is made (commit.c). So a sync of the tail
// makes everything durable that was committed when the work was begun.
//
// Work in the background overwrites, removes or copies on the strength of what is committed, and the index says that the log
// has it. That must be true after a power cut, too, so each such job syncs the tail before it does anything (I10).
//
// A sync that fails is not tried again (I8): the store is read-only then, and nothing more is done in the background.
#include "store_impl.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "indexing.h"

#include <stdlib.h>

enum tail_sync store_sync_file(struct rill_disk *disk, const char *path, enum rill_err *ret_err)
{
    struct rill_disk_file *file;
    *ret_err = disk->ops->open(disk, path, RILL_DISK_WRITE, &file);
    if (*ret_err == RILL_ERR_IO)
        return TAIL_FAILED;
    if (*ret_err)
        return TAIL_UNREACHED;
    *ret_err = disk->ops->fdatasync(file);
    disk->ops->close(file);
    return *ret_err ? TAIL_FAILED : TAIL_SYNCED;
}

bool rill_store_is_synced(const struct rill_store *store)
{
    RILL_ASSERT(store->synced <= store->committed.commit);
    return store->synced == store->committed.commit;
}

// ---- before other work ----

void store_sync_before(struct rill_store *store, struct rill_store_job *job)
{
    RILL_ASSERT(!job->tail);
    job->tail_sync = TAIL_SYNCED;
    if (rill_store_is_synced(store))
        return;
    job->tail = segment_path(store->folder, store->committed.segment);
    job->tail_commit = store->committed.commit;
}

bool job_sync_tail(struct rill_store_job *job)
{
    if (!job->tail)
        return true;
    enum rill_err err;
    job->tail_sync = store_sync_file(job->disk, job->tail, &err);
    if (err == RILL_ERR_NOT_FOUND)
        job->tail_sync = TAIL_SYNCED; // since the work was begun it was left, which syncs it, and was spent
    if (job->tail_sync == TAIL_SYNCED)
        return true;
    job->err = err;
    rill_error_text_set(&job->why, "sync %s: %s", job->tail, rill_err_text(err));
    return false;
}

void store_sync_settle(struct rill_store *store, struct rill_store_job *job)
{
    if (job->tail_sync == TAIL_FAILED)
        store_fail(store, &job->why);
    else if (job->tail_sync == TAIL_SYNCED && job->tail && job->tail_commit > store->synced)
        store->synced = job->tail_commit;
    free(job->tail);
    job->tail = NULL;
}

// ---- by itself ----

struct rill_store_job *rill_store_sync_start(struct rill_store *store)
{
    if (store->syncing || store->read_only || rill_store_is_synced(store))
        return NULL;
    struct rill_store_job *job = rill_alloc_zero(1, sizeof *job);
    *job = (struct rill_store_job){.kind = JOB_SYNC, .disk = store->disk};
    store_sync_before(store, job);
    store->syncing = true;
    return job;
}

enum rill_err rill_store_sync_finish(struct rill_store *store, struct rill_store_job *job)
{
    RILL_ASSERT(job->kind == JOB_SYNC && store->syncing);
    const enum rill_err err = job->tail_sync == TAIL_FAILED ? RILL_ERR_READ_ONLY : job->err;
    store->syncing = false;
    store_sync_settle(store, job);
    free(job);
    return err;
}

void store_sync_now(struct rill_store *store)
{
    struct rill_store_job *job = rill_store_sync_start(store);
    if (!job)
        return;
    rill_store_job_run(job);
    (void)!rill_store_sync_finish(store, job); // the store says it
}

enum rill_err store_sync_last(struct rill_store *store)
{
    const struct segment_table *table = &store->segments;
    if (!table->count)
        return RILL_OK;
    char *path = segment_path(store->folder, table->segments[table->count - 1]->number);
    enum rill_err err;
    (void)store_sync_file(store->disk, path, &err);
    free(path);
    return err;
}
