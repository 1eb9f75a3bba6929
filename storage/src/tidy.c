// SPDX-License-Identifier: Apache-2.0
//
// Segment files that are spent: all their messages are removed, and so are those of all segments in front (R2).
// A job unlinks them, from the front and each for good before the next, so that a crash leaves a log without its
// head and never one with a hole.
#include "store_impl.h"

#include "base/alloc.h"
#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

void store_enter_file(struct rill_store *store, uint64_t number, uint64_t left_bytes, uint64_t first_sequence)
{
    if (store->file_count == store->file_capacity) {
        store->file_capacity = store->file_capacity ? store->file_capacity * 2 : 8;
        store->files = rill_alloc_resize(store->files, store->file_capacity, sizeof store->files[0]);
    }
    if (store->file_count) {
        struct segment_file *left = &store->files[store->file_count - 1];
        RILL_ASSERT(left->number < number);
        left->bytes = left_bytes;
        left->end_sequence = first_sequence;
    }
    store->files[store->file_count++] = (struct segment_file){.number = number};
    store->full_bytes += left_bytes;
    store->next_segment = number + 1;
}

static size_t spent_count(const struct rill_store *store)
{
    const struct log_mark *committed = &store->committed;
    size_t count = 0;
    while (count + 1 < store->file_count && store->files[count].end_sequence <= committed->said_floor &&
           store->files[count].number < committed->said_segment)
        count++;
    return count;
}

struct rill_store_job *rill_store_tidy_start(struct rill_store *store)
{
    const size_t count = spent_count(store);
    if (store->tidying || store->read_only || !count)
        return NULL;
    struct tidy_job *job = rill_alloc_zero(1, sizeof *job);
    *job = (struct tidy_job){
        .base = {.kind = JOB_TIDY, .disk = store->disk},
        .folder = store->folder,
        .numbers = rill_alloc_zero(count, sizeof job->numbers[0]),
        .count = count,
    };
    for (size_t i = 0; i < count; i++)
        job->numbers[i] = store->files[i].number;
    store->tidying = true;
    return &job->base;
}

static enum rill_err unlink_segment(struct tidy_job *job, uint64_t number)
{
    char *path = segment_path(job->folder, number);
    enum rill_err err = job->base.disk->ops->unlink(job->base.disk, path);
    free(path);
    if (err && err != RILL_ERR_NOT_FOUND)
        return err;
    return job->base.disk->ops->sync_folder(job->base.disk, job->folder);
}

void tidy_job_run(struct tidy_job *job)
{
    for (size_t i = 0; i < job->count && !job->base.err; i++) {
        job->base.err = unlink_segment(job, job->numbers[i]);
        job->removed += !job->base.err;
    }
}

/* Forgets the blocks of segments in front of `segment`. */
static void drop_blocks(struct rill_store *store, uint64_t segment)
{
    size_t count = 0;
    while (count < store->blocks.count && store->blocks.blocks[count].segment < segment)
        count++;
    RILL_ASSERT(count <= store->committed.block_count);
    block_drop(&store->blocks, count);
    store->committed.block_count -= count;
    store->started.block_count -= count;
    store->open.block_count -= count;
    store->commit.block -= store->commit.record ? count : 0;
    for (size_t i = 0; i < store->removal_count; i++) {
        RILL_ASSERT(store->removals[i].block >= count);
        store->removals[i].block -= count;
    }
}

enum rill_err rill_store_tidy_finish(struct rill_store *store, struct rill_store_job *base)
{
    struct tidy_job *job = (struct tidy_job *)base;
    RILL_ASSERT(base->kind == JOB_TIDY && store->tidying && job->removed < store->file_count);
    const enum rill_err err = base->err;
    store->tidying = false;
    for (size_t i = 0; i < job->removed; i++)
        store->full_bytes -= store->files[i].bytes;
    store->file_count -= job->removed;
    memmove(store->files, store->files + job->removed, store->file_count * sizeof store->files[0]);
    drop_blocks(store, store->files[0].number);
    free(job->numbers);
    free(job);
    return err;
}
