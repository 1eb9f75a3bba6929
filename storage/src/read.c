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
    return store->committed.messages && sequence >= store->first_sequence &&
           sequence <= store->committed.sequence;
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

/* The last sequence that a block may have: what lies between two blocks may be a gap of any size. */
static uint64_t last_sequence_of(const struct rill_store *store, size_t block)
{
    const struct block *this = &store->blocks.blocks[block];
    const bool is_last = block + 1 == store->committed.block_count;
    const uint64_t last = is_last ? store->committed.sequence : this[1].first_sequence - 1;
    const uint64_t most = committed_len(store, block) / RECORD_MESSAGE_BYTES;
    return last - this->first_sequence > most && last >= this->first_sequence ? this->first_sequence + most
                                                                              : last;
}

struct rill_store_job *rill_store_load_start(struct rill_store *store, uint64_t sequence)
{
    if (lost_has(&store->lost, sequence) || !is_stored(store, sequence))
        return NULL;
    const size_t index = block_find(&store->blocks, store->committed.block_count, sequence);
    struct block *block = index == SIZE_MAX ? NULL : &store->blocks.blocks[index];
    if (!block || block->data || block->loading)
        return NULL;
    struct load_job *job = rill_alloc_zero(1, sizeof *job);
    *job = (struct load_job){
        .base = {.kind = JOB_LOAD, .disk = store->disk},
        .block = index,
        .path = segment_path(store->folder, block->segment),
        .seed = segment_seed(store->identity, block->segment) + block->offset,
        .offset = block->offset,
        .len = committed_len(store, index),
        .first_sequence = block->first_sequence,
        .last_sequence = last_sequence_of(store, index),
    };
    block->loading = true;
    store->loads++;
    return &job->base;
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

/* Messages that the replay has seen and the load has not are lost now. */
static void note_losses(struct rill_store *store, const struct load_job *job)
{
    for (uint64_t sequence = job->first_sequence; sequence <= job->last_sequence; sequence++) {
        const uint64_t index = sequence - job->first_sequence;
        if (index < job->data->place_count && job->data->places[index])
            continue;
        if (is_stored(store, sequence) && !lost_has(&store->lost, sequence)) {
            lost_add(&store->lost, sequence, sequence);
            store->lost_later++;
        }
    }
}

enum rill_err rill_store_load_finish(struct rill_store *store, struct rill_store_job *base)
{
    struct load_job *job = (struct load_job *)base;
    RILL_ASSERT(base->kind == JOB_LOAD && store->loads > 0);
    struct block *block = &store->blocks.blocks[job->block];
    RILL_ASSERT(block->loading && !block->data);
    block->loading = false;
    store->loads--;
    const enum rill_err err = base->err;
    if (!err) {
        note_losses(store, job);
        block_attach(&store->blocks, job->block, job->data);
        block_trim(&store->blocks, store->committed.block_count - 1);
    } else {
        block_data_destroy(job->data);
    }
    free(job->path);
    free(job);
    return err;
}

const struct rill_store_range *rill_store_lost(const struct rill_store *store, size_t *ret_count)
{
    *ret_count = store->lost.count;
    return store->lost.ranges;
}
