// SPDX-License-Identifier: Apache-2.0
//
// Reading committed messages from blocks in memory, and loading blocks that are not there.
#include "store_impl.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "io.h"

#include <inttypes.h>
#include <stdlib.h>

static bool is_stored(const struct rill_store *store, uint64_t sequence)
{
    return store->committed.messages && sequence >= store->committed.floor &&
           sequence <= store->committed.sequence;
}

/* Was it deleted, in a commit that has finished? */
static bool is_deleted(const struct rill_store *store, size_t block, uint64_t sequence)
{
    const struct block *this = &store->blocks.blocks[block];
    const uint64_t index = sequence - this->first_sequence;
    return this->live && index < this->count && live_is_gone(this->live, (uint32_t)index, LIVE_COMMITTED);
}

/* How much of a block is committed. */
static uint32_t committed_len(const struct rill_store *store, size_t block)
{
    RILL_ASSERT(block < store->committed.block_count);
    return block + 1 == store->committed.block_count ? store->committed.block_len
                                                     : store->blocks.blocks[block].len;
}

enum rill_err rill_store_read(struct rill_store *store, uint64_t sequence, struct rill_store_message *ret)
{
    if (lost_has(&store->lost, sequence))
        return RILL_ERR_DAMAGED;
    if (!is_stored(store, sequence))
        return RILL_ERR_NOT_FOUND;
    const size_t block = block_find(&store->blocks, store->committed.block_count, sequence);
    if (block == SIZE_MAX)
        return RILL_ERR_DAMAGED;
    if (is_deleted(store, block, sequence))
        return RILL_ERR_NOT_FOUND;
    if (!store->blocks.blocks[block].data)
        return RILL_ERR_AGAIN;
    const uint8_t *at;
    const enum rill_err err =
        block_message(&store->blocks, block, committed_len(store, block), sequence, &at);
    if (err)
        return err == RILL_ERR_NOT_FOUND ? RILL_ERR_DAMAGED : err;
    const struct record record = record_view(at);
    RILL_ASSERT(record.type == RECORD_MESSAGE && record.sequence == sequence);
    *ret = (struct rill_store_message){record.sequence, record.time_ns, record.subject, record.headers,
                                       record.body};
    return RILL_OK;
}

static uint32_t committed_count(const struct rill_store *store, size_t block)
{
    return block + 1 == store->committed.block_count ? store->committed.block_messages
                                                     : store->blocks.blocks[block].count;
}

static struct load_job *load_create(struct rill_store *store, size_t index, uint32_t len, uint32_t count)
{
    struct block *block = &store->blocks.blocks[index];
    struct load_job *job = rill_alloc_zero(1, sizeof *job);
    *job = (struct load_job){
        .base = {.kind = JOB_LOAD, .disk = store->disk},
        .segment = block->segment,
        .path = segment_path(store->folder, block->segment),
        .seed = segment_seed(store->identity, block->segment) + block->offset,
        .offset = block->offset,
        .len = len,
        .first_sequence = block->first_sequence,
        .last_sequence = block->first_sequence + count - 1,
    };
    block->loading = true;
    store->loads++;
    return job;
}

struct rill_store_job *rill_store_load_start(struct rill_store *store, uint64_t sequence)
{
    if (lost_has(&store->lost, sequence) || !is_stored(store, sequence))
        return NULL;
    const size_t index = block_find(&store->blocks, store->committed.block_count, sequence);
    struct block *block = index == SIZE_MAX ? NULL : &store->blocks.blocks[index];
    if (!block || block->data || block->loading || is_deleted(store, index, sequence))
        return NULL;
    return &load_create(store, index, committed_len(store, index), committed_count(store, index))->base;
}

/* What the file no longer has reads as zeros, and so as damage. */
static enum rill_err load_bytes(struct load_job *job)
{
    struct rill_disk_file *file;
    size_t got = 0;
    enum rill_err err = job->base.disk->ops->open(job->base.disk, job->path, RILL_DISK_READ, &file);
    if (err == RILL_OK) {
        err = io_read_all(file, job->data->bytes, job->len, job->offset, &got);
        job->base.disk->ops->close(file);
    }
    memset(job->data->bytes + got, 0, job->len - got);
    return err == RILL_ERR_NOT_FOUND ? RILL_OK : err;
}

void load_job_run(struct load_job *job)
{
    job->data = block_data_create(job->len);
    enum rill_err err = job->data ? load_bytes(job) : RILL_ERR_NO_MEMORY;
    if (!err)
        err = block_data_verify(job->data, job->len, job->seed, job->first_sequence, job->last_sequence);
    job->base.err = err;
}

enum rill_err store_load_block(struct rill_store *store, size_t index)
{
    struct block *block = &store->blocks.blocks[index];
    struct load_job *job = load_create(store, index, block->len, block->count);
    load_job_run(job);
    const enum rill_err err = job->base.err;
    block->loading = false;
    store->loads--;
    if (!err)
        block_attach(&store->blocks, index, job->data);
    else
        block_data_destroy(job->data);
    free(job->path);
    free(job);
    return err;
}

static bool is_removed_by(const struct rill_store *store, size_t block, uint32_t index, uint64_t commit)
{
    for (size_t i = 0; i < store->removal_count; i++) {
        const struct removal *removal = &store->removals[i];
        if (removal->commit <= commit && removal->block == block && removal->first <= index &&
            index <= removal->last)
            return true;
    }
    return false;
}

/* A message that cannot be read no longer counts; the bytes of its record do, as long as the block is there. */
static void note_loss(struct rill_store *store, size_t at, uint64_t sequence)
{
    struct block *block = &store->blocks.blocks[at];
    const uint32_t index = (uint32_t)(sequence - block->first_sequence);
    const bool removed = live_is_gone(block->live, index, LIVE_OPEN);
    lost_add(&store->lost, sequence, sequence);
    store->committed.messages--;
    if (sequence >= store->started.floor &&
        !(removed && is_removed_by(store, at, index, store->started.commit)))
        store->started.messages--;
    if (sequence >= store->open.floor && !removed)
        store->open.messages--;
    if (!removed) {
        live_remove(&block->live, index);
        block->gone++;
    }
    live_commit(block->live, index, index);
}

/* Messages that the replay has seen and the load has not are lost now. */
static void note_losses(struct rill_store *store, const struct load_job *job, size_t at)
{
    for (uint64_t sequence = job->first_sequence; sequence <= job->last_sequence; sequence++) {
        const uint64_t index = sequence - job->first_sequence;
        if (index < job->data->place_count && job->data->places[index])
            continue;
        if (is_stored(store, sequence) && !is_deleted(store, at, sequence))
            note_loss(store, at, sequence);
    }
    store->committed.floor = store_next_live(store, LIVE_COMMITTED, store->committed.floor);
    store->started.floor = store_next_live(store, LIVE_COMMITTED, store->started.floor);
    store->open.floor = store_next_live(store, LIVE_OPEN, store->open.floor);
}

enum rill_err rill_store_load_finish(struct rill_store *store, struct rill_store_job *base)
{
    struct load_job *job = (struct load_job *)base;
    RILL_ASSERT(base->kind == JOB_LOAD && store->loads > 0);
    const size_t at = block_at(&store->blocks, job->segment, job->offset);
    struct block *block = at == SIZE_MAX ? NULL : &store->blocks.blocks[at];
    RILL_ASSERT(!block || (block->loading && !block->data));
    store->loads--;
    if (block)
        block->loading = false;
    const enum rill_err err = base->err;
    if (!err && block) {
        note_losses(store, job, at);
        block_attach(&store->blocks, at, job->data);
        block_trim(&store->blocks, store->committed.block_count - 1);
        store_note_first(store);
    } else {
        block_data_destroy(job->data); // or its segment is gone, and nobody misses it
    }
    free(job->path);
    free(job);
    return err;
}

static void note_deleted(struct rill_store *store, const struct block *block)
{
    for (uint32_t i = 0; block->live && i < block->count; i++) {
        const uint64_t sequence = block->first_sequence + i;
        if (live_is_gone(block->live, i, LIVE_COMMITTED) && is_stored(store, sequence) &&
            !lost_has(&store->lost, sequence))
            lost_add(&store->deleted, sequence, sequence);
    }
}

const struct rill_store_range *rill_store_deleted(struct rill_store *store, size_t *ret_count)
{
    store->deleted.count = 0;
    for (size_t i = 0; i < store->committed.block_count; i++)
        note_deleted(store, &store->blocks.blocks[i]);
    *ret_count = store->deleted.count;
    return store->deleted.ranges;
}

const struct rill_store_range *rill_store_lost(const struct rill_store *store, size_t *ret_count)
{
    *ret_count = store->lost.count;
    return store->lost.ranges;
}
