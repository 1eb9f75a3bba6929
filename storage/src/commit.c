// SPDX-License-Identifier: Apache-2.0
//
// One commit after the other (I4). The happy path: start seals the open commit and lists its bytes, which
// stand in the tail blocks; the run writes and syncs them; finish moves the mark `committed`.
//
// Failures, and what is made of them:
//   * no room to reserve, or for a new segment: nothing was written. Refused: taken back, tried again by the
//   next commit.
//   * no space in the middle of a write: the same, but bytes may stand behind the tail. The next commit cuts
//   the file to
//     its tail and syncs that before it writes, so that no part of the failed one can ever be taken for its
//     own (I6).
//   * everything else, and every failed sync: nobody knows what is on the disk. The store is read-only for
//   good (I8).
#include "store_impl.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "indexing.h"
#include "io.h"
#include "mend.h"

#include <inttypes.h>
#include <stdlib.h>

void mark_enter(struct log_mark *mark, const struct segment_plan *plan)
{
    mark->segment = plan->header.number;
    mark->offset = segment_plan_end(plan);
    mark->commit = plan->header.first_commit;
    if (plan->floor > 1) {
        mark->said_floor = plan->floor;
        mark->said_segment = plan->header.number;
    }
}

static void open_settle(struct rill_store *store)
{
    if (store->plan)
        mark_enter(&store->open, store->plan);
    store->seed = segment_seed(store->identity, store->open.segment);
    store->commit = (struct open_commit){0};
}

void store_rollback(struct rill_store *store)
{
    RILL_ASSERT(!store->in_flight);
    const struct log_mark *committed = &store->committed;
    struct block *tail = committed->block;
    const bool in_tail = tail && tail->segment->number == committed->segment;
    store_removals_undo(store);
    store_erase_undo(store, committed->commit);
    seen_take_back(store);
    segment_cut(&store->segments, committed->segment, in_tail ? tail->index + 1 : 0);
    if (store->indexing)
        indexing_take_back(store->indexing, committed->commit);
    if (tail) {
        tail->ends_commit = false; // it is appended to
        tail->segment->messages -= tail->count - committed->block_messages;
        tail->segment->bytes -= tail->bytes - committed->block_bytes;
        tail->segment->version++;
        tail->count = committed->block_messages;
        tail->bytes = committed->block_bytes;
        block_cut(tail, committed->block_len);
    }
    store->started = store->committed;
    store->open = store->committed;
    open_settle(store);
    open_subjects_taken_back(store);
    subject_limit_look(store); // what it had removed may be there again
    store->limits.aged_sequence = store->limits.young_sequence = 0;
}

void store_fail(struct rill_store *store, const struct rill_error_text *why)
{
    if (store->read_only)
        return;
    store->read_only = true;
    store->why = *why;
}

static void job_list_parts(struct rill_store *store, struct commit_job *job)
{
    const struct block *first = store->commit.block;
    const size_t count = first->segment->block_count - first->index;
    if (job->part_capacity < count + 1) {
        job->parts = rill_alloc_resize(job->parts, count * 2 + 1, sizeof job->parts[0]);
        job->part_capacity = count * 2 + 1;
    }
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++) {
        const struct block *block = first->segment->blocks[first->index + i];
        const size_t skip = i ? 0 : (size_t)(store->commit.record - block->data->bytes);
        job->parts[i] = (struct iovec){block->data->bytes + skip, block->len - skip};
        bytes += block->len - skip;
    }
    RILL_ASSERT(bytes == store->commit.bytes);
    job->part_count = count;
}

static void commit_put_record(struct rill_store *store)
{
    const struct open_commit *commit = &store->commit;
    const struct record_commit record = {
        .number = store->open.commit + 1,
        .sequence = store->started.sequence,
        .time_ns = store->started.time_ns,
        .bytes = (uint32_t)commit->bytes,
        .record_count = commit->record_count,
        .message_count = commit->message_count,
    };
    RILL_ASSERT(record.sequence + record.message_count == store->open.sequence); // V9
    record_put_commit(commit->record, store->seed + commit->offset, &record);
    store->open.commit++;
}

static bool checkpoint_take(struct rill_store *store)
{
    if (!store->checkpoint_fn)
        return true;
    struct rill_buf taken;
    rill_buf_init(&taken, CHECKPOINT_BYTES_MAX);
    if (store->checkpoint_fn(store->checkpoint_context, &taken)) {
        rill_buf_fini(&taken);
        return false;
    }
    rill_buf_fini(&store->checkpoint);
    store->checkpoint = taken;
    return true;
}

/* The state of the broker is that of `started` now, so this is where the next segment's checkpoint comes from
   (I2). */
static void plan_next_segment(struct rill_store *store)
{
    RILL_ASSERT(!store->plan && !store->commit.record);
    // The segment of `started` may be one that is still to be made, by the commit that is starting.
    const uint64_t segment = store->started.segment + 1;
    struct segment_header header = {
        .number = segment > store->next_segment ? segment : store->next_segment,
        .first_sequence = store->started.sequence + 1,
        .first_commit = store->started.commit + 1,
    };
    RILL_ASSERT(header.number > store->started.segment);
    memcpy(header.identity, store->identity, sizeof header.identity);
    if (checkpoint_take(store))
        store->plan = segment_plan_create(&header, store->started.time_ns,
                                          store_sayable_floor(store, store->started.floor),
                                          rill_buf_bytes(&store->checkpoint));
}

struct rill_store_job *store_commit_start(struct rill_store *store, bool is_seal)
{
    if (store->in_flight || store->read_only || !store->commit.record ||
        (!store->commit.record_count && !is_seal))
        return NULL;
    struct commit_job *job = &store->job;
    RILL_ASSERT(!job->plan && !(store->dirty && store->plan));
    if (!is_seal)
        store_say_floor(store);
    commit_put_record(store);
    job_list_parts(store, job);
    job->base.err = RILL_OK;
    job->plan = store->plan;
    job->spare = job->plan ? store_spare_take(store) : 0;
    job->segment = store->open.segment;
    job->offset = store->commit.offset;
    job->bytes = store->commit.bytes;
    job->left = job->plan && !rill_store_is_synced(store) ? store->committed.segment : 0;
    job->syncs = !store->syncs_later || is_seal;
    job->cut = store->dirty;
    job->made = false;
    job->keeps_file = false;
    store->plan = NULL;
    store->started = store->open;
    store->in_flight = true;
    store->sealed = is_seal;
    store->commit = (struct open_commit){0};
    if (store->started.offset >= store->segment_bytes && !is_seal)
        plan_next_segment(store);
    if (store->indexing && indexing_wants_step(store->indexing, job->bytes))
        store->ends_block = true;
    open_settle(store);
    return &job->base;
}

struct rill_store_job *rill_store_commit_start(struct rill_store *store)
{
    if (store->in_flight || store->read_only || !limits_apply(store))
        return NULL;
    struct rill_store_job *job = store_commit_start(store, false);
    if (job)
        store->job.keeps_file = shared_file_take(&store->member);
    return job;
}

/* A full disk refuses, everything else fails. */
static enum segment_outcome job_failed(struct commit_job *job, const char *what, enum rill_err err)
{
    job->base.err = err;
    rill_error_text_set(&job->base.why, "%s at %" PRIu64 ": %s", what, job->offset, rill_err_text(err));
    return err == RILL_ERR_NO_SPACE ? SEGMENT_REFUSED : SEGMENT_FAILED;
}

/* Of all segments but the last everything is durable. */
static enum segment_outcome job_leave_segment(struct commit_job *job)
{
    if (!job->left)
        return SEGMENT_MADE;
    char *path = segment_path(job->folder, job->left);
    enum rill_err err;
    const enum tail_sync sync = store_sync_file(job->base.disk, path, &err);
    free(path);
    if (sync == TAIL_SYNCED)
        return SEGMENT_MADE;
    (void)job_failed(job, "sync the segment before", err);
    return sync == TAIL_FAILED ? SEGMENT_FAILED : SEGMENT_REFUSED;
}

static enum segment_outcome job_make_segment(struct commit_job *job)
{
    struct rill_disk_file *file;
    const uint64_t end = segment_plan_end(job->plan);
    const uint64_t wanted = job->spare ? SPARE_BYTES_MAX : RESERVE_BYTES_FIRST; // a spare has all of it
    const uint64_t reserve = job->segment_bytes < wanted ? job->segment_bytes : wanted;
    const enum segment_outcome outcome = segment_make(job->base.disk, job->folder, job->plan, job->spare,
                                                      reserve, &file, &job->base.err, &job->base.why);
    if (outcome != SEGMENT_MADE)
        return outcome;
    RILL_ASSERT(job->offset == end);
    commit_job_close_file(job);
    job->file = file;
    job->left_bytes = job->reserved;
    job->reserved = reserve > end ? reserve : end;
    job->made = true;
    job->cut = false;
    return SEGMENT_MADE;
}

void commit_job_close_file(struct commit_job *job)
{
    if (job->file)
        job->base.disk->ops->close(job->file);
    job->file = NULL;
}

/* Without the file nothing is written; but a tail that is gone or cannot be read has no future. */
static enum segment_outcome job_open(struct commit_job *job)
{
    char *path = segment_path(job->folder, job->segment);
    const enum rill_err err = job->base.disk->ops->open(job->base.disk, path, RILL_DISK_WRITE, &job->file);
    free(path);
    if (!err)
        return SEGMENT_MADE;
    (void)job_failed(job, "open the segment for a commit", err);
    return err == RILL_ERR_IO || err == RILL_ERR_NOT_FOUND ? SEGMENT_FAILED : SEGMENT_REFUSED;
}

static enum segment_outcome job_cut(struct commit_job *job)
{
    enum rill_err err = job->base.disk->ops->truncate(job->file, job->offset);
    if (!err)
        err = job->base.disk->ops->fdatasync(job->file);
    if (err) {
        (void)job_failed(job, "cut the log", err);
        return SEGMENT_FAILED;
    }
    job->reserved = job->offset;
    return SEGMENT_MADE;
}

static uint64_t reserve_wanted(const struct commit_job *job, uint64_t end)
{
    uint64_t wanted = job->reserved * 2;
    if (wanted > job->segment_bytes)
        wanted = job->segment_bytes;
    return wanted > end ? wanted : end;
}

/* Room is reserved before anything is written, so that a full disk shows when nothing is to be taken back. */
static enum segment_outcome job_reserve(struct commit_job *job)
{
    const uint64_t end = job->offset + job->bytes;
    if (end <= job->reserved)
        return SEGMENT_MADE;
    uint64_t wanted = reserve_wanted(job, end);
    enum rill_err err = job->base.disk->ops->fallocate(job->file, wanted);
    if (err == RILL_ERR_NO_SPACE && wanted > end) {
        wanted = end;
        err = job->base.disk->ops->fallocate(job->file, wanted);
    }
    if (err == RILL_ERR_UNSUPPORTED)
        wanted = end;
    else if (err)
        return job_failed(job, "reserve room for a commit", err);
    job->reserved = wanted;
    return SEGMENT_MADE;
}

/* Zeros to the end of the page, over the zeros that are there: of a page that is written in part the kernel would have to
   read the rest first. */
static void job_pad(struct commit_job *job)
{
    static const uint8_t zeros[DISK_PAGE_BYTES];
    const uint64_t end = job->offset + job->bytes,
                   page_end = (end + DISK_PAGE_BYTES - 1) / DISK_PAGE_BYTES * DISK_PAGE_BYTES;
    if (page_end > end && page_end <= job->reserved)
        job->parts[job->part_count++] = (struct iovec){(void *)(uintptr_t)zeros, page_end - end};
}

static enum segment_outcome job_write(struct commit_job *job)
{
    job_pad(job);
    enum rill_err err = io_write_all(job->file, job->parts, job->part_count, job->offset);
    if (err) {
        job->cut = true;
        return job_failed(job, "write a commit", err);
    }
    if (job->syncs)
        err = job->base.disk->ops->fdatasync(job->file);
    if (err) {
        (void)job_failed(job, "sync a commit", err);
        return SEGMENT_FAILED; // whatever the code is: a sync is never tried again
    }
    return SEGMENT_MADE;
}

void commit_job_run(struct commit_job *job)
{
    job->outcome = job_leave_segment(job);
    if (job->outcome == SEGMENT_MADE)
        job->outcome = job->plan ? job_make_segment(job) : job->file ? SEGMENT_MADE : job_open(job);
    if (job->outcome == SEGMENT_MADE && job->cut) {
        job->outcome = job_cut(job);
        job->cut = job->outcome != SEGMENT_MADE;
    }
    if (job->outcome == SEGMENT_MADE)
        job->outcome = job_reserve(job);
    if (job->outcome == SEGMENT_MADE)
        job->outcome = job_write(job);
    if (!job->keeps_file)
        commit_job_close_file(job);
}

/* What a commit that failed leaves: the segment that it made, or the plan of it for the next one. */
static void finish_failed(struct rill_store *store, struct commit_job *job)
{
    segment_plan_destroy(store->plan); // its checkpoint stands for a commit that has not happened
    store->plan = NULL;
    if (job->made) {
        mark_enter(&store->committed, job->plan);
        store->synced = store->committed.commit; // with the segment before, and its own checkpoint
        segment_plan_destroy(job->plan);
    } else {
        store->plan = job->plan;
    }
    job->plan = NULL;
    if (job->outcome == SEGMENT_FAILED)
        store_fail(store, &job->base.why);
    store_rollback(store);
}

static void enter_planned(struct rill_store *store, const struct commit_job *job)
{
    const struct segment_plan *plan = job->plan;
    store_enter_file(store, plan->header.number, job->left_bytes, plan->header.first_sequence);
    segment_of(&store->segments, plan->header.number)->said_floor = plan->floor > 1 ? plan->floor : 0;
}

enum rill_err rill_store_commit_finish(struct rill_store *store, struct rill_store_job *base,
                                       struct rill_store_committed *ret)
{
    struct commit_job *job = &store->job;
    RILL_ASSERT(base == &job->base && store->in_flight);
    RILL_ASSERT(store->started.sequence >= store->committed.sequence);
    store->in_flight = false;
    store->dirty = job->cut;
    store->tail_bytes = job->reserved;
    shared_file_give(&store->member, job->keeps_file);
    if (job->made)
        enter_planned(store, job);
    if (job->outcome == SEGMENT_MADE) {
        if (job->made)
            store->synced = store->committed.commit;
        store->committed = store->started;
        if (job->syncs)
            store->synced = store->committed.commit;
        store_removals_commit(store, store->committed.commit);
        segment_plan_destroy(job->plan);
        job->plan = NULL;
        open_subjects_committed(store);
        store_spare_look(store);
    } else {
        finish_failed(store, job);
    }
    segment_trim(&store->segments, store->committed.segment);
    *ret = (struct rill_store_committed){store->committed.commit, store->committed.sequence};
    return job->outcome == SEGMENT_FAILED ? RILL_ERR_READ_ONLY : job->base.err;
}

void rill_store_catch_up(struct rill_store *store)
{
    if (store->indexing)
        indexing_advance(store->indexing, INDEXING_BLOCKS_MAX);
}

enum rill_err store_seal(struct rill_store *store)
{
    enum rill_err err = store_commit_open(store);
    if (err)
        return err;
    struct rill_store_job *job = store_commit_start(store, true);
    RILL_ASSERT(job);
    rill_store_job_run(job);
    struct rill_store_committed committed;
    err = rill_store_commit_finish(store, job, &committed);
    store->sealed = err == RILL_OK;
    return err == RILL_ERR_NO_SPACE ? RILL_OK : err;
}

void rill_store_job_run(struct rill_store_job *job)
{
    if (!job_sync_tail(job)) {
        if (job->kind == JOB_INDEX)
            indexing_job_fail((struct index_job *)job);
        return;
    }
    if (job->kind == JOB_COMMIT)
        commit_job_run((struct commit_job *)job);
    else if (job->kind == JOB_TIDY)
        tidy_job_run((struct tidy_job *)job);
    else if (job->kind == JOB_INDEX)
        indexing_job_run((struct index_job *)job);
    else if (job->kind == JOB_SPARE)
        spare_job_run((struct spare_job *)job);
    else if (job->kind == JOB_ERASE)
        erase_job_run((struct erase_job *)job);
    else if (job->kind == JOB_REWRITE)
        rewrite_job_run((struct rewrite *)job);
    else if (job->kind == JOB_MEND)
        mend_job_run((struct mend *)job);
    else if (job->kind == JOB_LOAD)
        load_job_run((struct load_job *)job);
}
