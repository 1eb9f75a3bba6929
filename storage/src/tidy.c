// SPDX-License-Identifier: Apache-2.0
//
// Segment files that are spent: all their messages are removed, and so are those of all segments in front (R2).
// A job unlinks them, from the front and each for good before the next, so that a crash leaves a log without its
// head and never one with a hole.
#include "store_impl.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "indexing.h"

#include <stdlib.h>

void store_enter_file(struct rill_store *store, uint64_t number, uint64_t left_bytes, uint64_t first_sequence)
{
    struct segment_table *table = &store->segments;
    struct segment *entered = segment_of(table, number);
    if (!entered)
        entered = segment_push(table, number, first_sequence);
    if (store->file_count) {
        struct segment *left = table->segments[store->file_count - 1];
        RILL_ASSERT(left->made && left->number < number);
        left->file_bytes = left_bytes;
    }
    RILL_ASSERT(table->segments[store->file_count] == entered && !entered->made);
    RILL_ASSERT(entered->first_sequence == first_sequence);
    entered->made = true;
    if (store->compress)
        store_rewrite_look(store, UINT64_MAX);
    store->file_count++;
    store->full_bytes += left_bytes;
    store->next_segment = number + 1;
}

size_t store_spent_count(const struct rill_store *store)
{
    const struct log_mark *committed = &store->committed;
    const struct segment_table *table = &store->segments;
    size_t count = 0;
    while (count + 1 < store->file_count && segment_end(table, count) <= committed->said_floor &&
           table->segments[count]->number < committed->said_segment &&
           (!store->indexing || indexing_is_past(store->indexing, table->segments[count]->number)))
        count++;
    return count;
}

/* Nobody holds them, and the ids of their messages are known without them. */
static bool may_go(struct rill_store *store, size_t count)
{
    const struct segment_table *table = &store->segments;
    return table->segments[count - 1]->number < store_pinned_from(store) &&
           (!store->indexing || indexing_holds_ids(store->indexing, segment_end(table, count - 1) - 1));
}

static struct rill_store_job *spent_start(struct rill_store *store)
{
    size_t count = store_spent_count(store);
    while (count && !may_go(store, count))
        count--;
    if (!count)
        return NULL;
    struct tidy_job *job = rill_alloc_zero(1, sizeof *job);
    *job = (struct tidy_job){
        .base = {.kind = JOB_TIDY, .disk = store->disk},
        .folder = store->folder,
        .numbers = rill_alloc_zero(count, sizeof job->numbers[0]),
        .count = count,
        .unsynced = store->folder_unsynced,
    };
    for (size_t i = 0; i < count; i++)
        job->numbers[i] = store->segments.segments[i]->number;
    job->spare = store_spare_recycle(store);
    return &job->base;
}

struct rill_store_job *rill_store_tidy_start(struct rill_store *store)
{
    if (store->tidying || store->read_only || store->mend)
        return NULL;
    struct rill_store_job *job = store_erase_start(store);
    if (!job && !store->rewrite)
        job = spent_start(store);
    if (!job)
        job = store_rewrite_start(store);
    if (!job)
        job = store_spare_start(store);
    store->tidying = job != NULL;
    if (job)
        store_sync_before(store, job);
    return job;
}

static enum rill_err sync_folder(struct tidy_job *job)
{
    const enum rill_err err = job->base.disk->ops->sync_folder(job->base.disk, job->folder);
    job->unsynced = err != RILL_OK;
    return err;
}

/* A file that is gone is removed, also when nobody knows yet whether it will come back. */
static enum rill_err unlink_segment(struct tidy_job *job, uint64_t number)
{
    char *path = segment_path(job->folder, number);
    const enum rill_err err = job->base.disk->ops->unlink(job->base.disk, path);
    free(path);
    if (err && err != RILL_ERR_NOT_FOUND)
        return err;
    job->removed++;
    return sync_folder(job);
}

/* Its file goes on as the spare. */
static enum rill_err recycle_segment(struct tidy_job *job, uint64_t number)
{
    const enum rill_err err = spare_job_take(job->spare, number);
    if (err && err != RILL_ERR_NOT_FOUND)
        return err;
    job->removed++;
    const enum rill_err sync_err = sync_folder(job);
    if (!err && !sync_err)
        spare_job_run(job->spare);
    else if (!err)
        spare_job_drop(job->spare);
    return sync_err;
}

void tidy_job_run(struct tidy_job *job)
{
    if (job->unsynced)
        job->base.err = sync_folder(job);
    for (size_t i = 0; i < job->count && !job->base.err; i++)
        job->base.err = job->spare && i + 1 == job->count ? recycle_segment(job, job->numbers[i])
                                                          : unlink_segment(job, job->numbers[i]);
}

/* A mark behind the last commit of a segment that goes: the next one has no block yet. */
static void mark_leave(struct log_mark *mark, uint64_t first_segment)
{
    if (mark->block && mark->block->segment->number < first_segment)
        mark->block = NULL;
}

static void forget_segments(struct rill_store *store, size_t count)
{
    const uint64_t first = store->segments.segments[count]->number;
    RILL_ASSERT(!store->commit.record || store->commit.block->segment->number >= first);
    for (size_t i = 0; i < store->removal_count; i++)
        RILL_ASSERT(store->removals[i].block->segment->number >= first);
    for (size_t i = 0; i < count; i++) {
        store->full_bytes -= store->segments.segments[i]->file_bytes;
        store_erase_forget(store, store->segments.segments[i]->number);
    }
    mark_leave(&store->committed, first);
    mark_leave(&store->started, first);
    mark_leave(&store->open, first);
    segment_drop(&store->segments, count);
    store->file_count -= count;
}

static enum rill_err spent_finish(struct rill_store *store, struct tidy_job *job)
{
    RILL_ASSERT(job->removed < store->file_count);
    const enum rill_err err = job->base.err;
    store->folder_unsynced = job->unsynced;
    forget_segments(store, job->removed);
    if (job->spare)
        store_spare_finish(store, job->spare);
    free(job->numbers);
    free(job);
    return err;
}

enum rill_err rill_store_tidy_finish(struct rill_store *store, struct rill_store_job *base)
{
    RILL_ASSERT(store->tidying);
    store->tidying = false;
    store_sync_settle(store, base);
    switch (base->kind) {
    case JOB_ERASE:
        return store_erase_finish(store, (struct erase_job *)base);
    case JOB_REWRITE:
        return store_rewrite_finish(store, (struct rewrite *)base);
    case JOB_SPARE:
        store_spare_finish(store, (struct spare_job *)base);
        return RILL_OK;
    default:
        RILL_ASSERT(base->kind == JOB_TIDY);
        return spent_finish(store, (struct tidy_job *)base);
    }
}
