// SPDX-License-Identifier: Apache-2.0
//
// Reading committed messages from blocks in memory, and loading blocks that are not there.
#include "store_impl.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "io.h"
#include "pack.h"

#include <inttypes.h>
#include <stdlib.h>

static bool is_stored(const struct rill_store *store, uint64_t sequence)
{
    return store->committed.messages && sequence >= store->committed.floor &&
           sequence <= store->committed.sequence;
}

/* Was it deleted, in a commit that has finished? */
static bool is_deleted(const struct block *block, uint64_t sequence)
{
    const uint64_t index = sequence - block->first_sequence;
    return block->live && index < block->count && live_is_gone(block->live, (uint32_t)index, LIVE_COMMITTED);
}

/* Does it lie between this block and the next? Then it was removed, and a rewriting has left it out (W2). */
static bool is_beyond(const struct block *block, uint64_t sequence)
{
    return sequence >= block_end(block);
}

/* How much of a block is committed. */
static uint32_t committed_len(const struct rill_store *store, const struct block *block)
{
    return block == store->committed.block ? store->committed.block_len : block->len;
}

static uint32_t committed_count(const struct rill_store *store, const struct block *block)
{
    return block == store->committed.block ? store->committed.block_messages : block->count;
}

static struct rill_store_message message_of(const struct record *record)
{
    return (struct rill_store_message){record->sequence, record->time_ns, record->subject, record->headers,
                                       record->body};
}

/* AGAIN: *ret_block must be loaded; NULL: its segment's directory must come back. */
static enum rill_err read_committed(struct rill_store *store, uint64_t sequence, struct block **ret_block,
                                    struct rill_store_message *ret)
{
    if (lost_has(&store->lost, sequence))
        return RILL_ERR_DAMAGED;
    if (!is_stored(store, sequence))
        return RILL_ERR_NOT_FOUND;
    struct block *block;
    *ret_block = NULL;
    if (block_find(&store->segments, sequence, &block))
        return RILL_ERR_AGAIN;
    if (!block || is_beyond(block, sequence) || is_deleted(block, sequence))
        return RILL_ERR_NOT_FOUND;
    *ret_block = block;
    if (!block->data)
        return RILL_ERR_AGAIN;
    const uint8_t *at;
    const enum rill_err err =
        block_message(&store->segments.cache, block, committed_len(store, block), sequence, &at);
    if (err)
        return err == RILL_ERR_NOT_FOUND ? RILL_ERR_DAMAGED : err;
    const struct record record = record_view(at);
    RILL_ASSERT(record.type == RECORD_MESSAGE && record.sequence == sequence);
    *ret = message_of(&record);
    return RILL_OK;
}

enum rill_err rill_store_read(struct rill_store *store, uint64_t sequence, struct rill_store_message *ret)
{
    struct block *block;
    shared_cache_use(&store->member);
    return read_committed(store, sequence, &block, ret);
}

bool rill_store_run_of(struct rill_store *store, uint64_t sequence, struct rill_store_run *ret)
{
    struct rill_store_message first;
    struct block *block;
    if (rill_store_read(store, sequence, &first) || block_find(&store->segments, sequence, &block))
        return false;
    RILL_ASSERT(block && block->data);
    const uint32_t count = committed_count(store, block), places = block->data->place_count;
    *ret = (struct rill_store_run){
        .store = store,
        .block = block,
        .next = sequence,
        .end = block->first_sequence + (places < count ? places : count),
    };
    return true;
}

bool rill_store_run_take(struct rill_store_run *run, struct rill_store_message *ret)
{
    const struct block *block = run->block;
    const uint32_t index = (uint32_t)(run->next - block->first_sequence);
    if (run->next >= run->end || !block->data->places[index] ||
        live_is_gone(block->live, index, LIVE_COMMITTED) ||
        (run->store->lost.count && lost_has(&run->store->lost, run->next)))
        return false;
    const struct record record = record_view(block->data->bytes + block->data->places[index] - 1);
    RILL_ASSERT(record.type == RECORD_MESSAGE && record.sequence == run->next);
    *ret = message_of(&record);
    run->next++;
    return true;
}

static struct load_job *load_create(struct rill_store *store, struct block *block, uint32_t len,
                                    uint32_t count)
{
    const uint64_t segment = block->segment->number;
    struct load_job *job = rill_alloc_zero(1, sizeof *job);
    *job = (struct load_job){
        .base = {.kind = JOB_LOAD, .disk = store->disk},
        .segment = segment,
        .files = block->segment->files,
        .swaps = block->segment->swaps,
        .path = segment_path(store->folder, segment),
        .seed = segment_seed(store->identity, segment) + block->offset,
        .offset = block->offset,
        .len = len,
        .packed_len = block->packed_len,
        .first_sequence = block->first_sequence,
        .last_sequence = block->first_sequence + count - 1,
        .data = block_take_spare(&store->segments.cache, len),
    };
    block->loading = true;
    block->segment->pins++;
    store->loads++;
    return job;
}

static void load_ended(struct rill_store *store, struct block *block)
{
    RILL_ASSERT(block->loading && !block->data && block->segment->pins);
    block->loading = false;
    block->segment->pins--;
}

struct rill_store_job *store_load_start(struct rill_store *store, struct block *block)
{
    return &load_create(store, block, committed_len(store, block), committed_count(store, block))->base;
}

struct rill_store_job *rill_store_load_start(struct rill_store *store, uint64_t sequence)
{
    struct block *block;
    if (lost_has(&store->lost, sequence) || !is_stored(store, sequence) ||
        block_find(&store->segments, sequence, &block))
        return NULL;
    if (!block || block->data || block->loading || is_beyond(block, sequence) || is_deleted(block, sequence))
        return NULL;
    return store_load_start(store, block);
}

bool rill_store_load_range(struct rill_store *store, uint64_t sequence, uint64_t *ret_first,
                           uint64_t *ret_end)
{
    struct block *block;
    if (!is_stored(store, sequence) || block_find(&store->segments, sequence, &block) || !block)
        return false;
    *ret_first = block->first_sequence;
    *ret_end = block_end(block);
    return true;
}

/* What the file no longer has reads as zeros, and so as damage. */
static enum rill_err load_bytes(const struct load_job *job, uint8_t *bytes, size_t len)
{
    struct rill_disk_file *file;
    size_t got = 0;
    enum rill_err err = job->base.disk->ops->open(job->base.disk, job->path, RILL_DISK_READ, &file);
    if (err == RILL_OK) {
        err = io_read_all(file, bytes, len, job->offset, &got);
        job->base.disk->ops->close(file);
    }
    memset(bytes + got, 0, len - got);
    return err == RILL_ERR_NOT_FOUND ? RILL_OK : err;
}

/* A packed record that is damaged now leaves the block without messages. */
static enum rill_err load_unpacked(struct load_job *job, const uint8_t *bytes)
{
    struct record record;
    if (!record_get(bytes, job->packed_len, job->seed, &record) || record.type != RECORD_PACKED)
        return RILL_OK;
    const struct record_packed packed = record_packed_of(&record);
    if (packed.bytes != job->len)
        return RILL_OK;
    const enum rill_err err = pack_open(&packed, job->data->bytes);
    if (err)
        return err == RILL_ERR_NO_MEMORY ? err : RILL_OK;
    return block_data_index(job->data, job->len, job->first_sequence);
}

static enum rill_err load_packed(struct load_job *job)
{
    uint8_t *bytes = malloc(job->packed_len);
    if (!bytes)
        return RILL_ERR_NO_MEMORY;
    enum rill_err err = load_bytes(job, bytes, job->packed_len);
    if (!err)
        err = load_unpacked(job, bytes);
    free(bytes);
    job->data->indexed = job->len;
    return err;
}

static enum rill_err load_plain(struct load_job *job)
{
    const enum rill_err err = load_bytes(job, job->data->bytes, job->len);
    return err ? err
               : block_data_verify(job->data, job->len, job->seed, job->first_sequence, job->last_sequence);
}

void load_job_run(struct load_job *job)
{
    // Large enough to be used again for another block.
    const bool is_usual = job->len > BLOCK_BYTES / 2 && job->len <= BLOCK_BYTES;
    if (!job->data)
        job->data = block_data_create(is_usual ? BLOCK_BYTES : job->len);
    if (!job->data)
        job->base.err = RILL_ERR_NO_MEMORY;
    else
        job->base.err = job->packed_len ? load_packed(job) : load_plain(job);
}

enum rill_err store_load_block(struct rill_store *store, struct block *block)
{
    struct load_job *job = load_create(store, block, block->len, block->count);
    load_job_run(job);
    const enum rill_err err = job->base.err;
    load_ended(store, block);
    store->loads--;
    if (!err)
        block_attach(&store->segments.cache, block, job->data);
    else
        block_data_destroy(job->data);
    free(job->path);
    free(job);
    return err;
}

enum rill_err store_tell_last(struct rill_store *store, const struct rill_store_visitor *visitor)
{
    const uint64_t sequence = store->committed.sequence;
    struct block *block;
    struct rill_store_message message;
    if (!visitor->last || !sequence)
        return RILL_OK;
    enum rill_err err = read_committed(store, sequence, &block, &message);
    if (err == RILL_ERR_AGAIN) {
        err = block ? store_load_block(store, block) : RILL_ERR_IO;
        err = err ? err : read_committed(store, sequence, &block, &message);
    }
    if (err)
        return err == RILL_ERR_NO_MEMORY ? err : RILL_OK; // it was removed, or cannot be read
    return visitor->last(visitor->context, &message);
}

static bool is_removed_by(const struct rill_store *store, const struct block *block, uint32_t index,
                          uint64_t commit)
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
static void note_loss(struct rill_store *store, struct block *block, uint64_t sequence)
{
    const uint32_t index = (uint32_t)(sequence - block->first_sequence);
    const bool removed = live_is_gone(block->live, index, LIVE_OPEN);
    lost_add(&store->lost, sequence, sequence);
    store->committed.messages--;
    if (sequence >= store->started.floor &&
        !(removed && is_removed_by(store, block, index, store->started.commit)))
        store->started.messages--;
    if (sequence >= store->open.floor && !removed)
        store->open.messages--;
    if (!removed) {
        live_remove(&block->live, index);
        block_count_gone(block, 1, 0);
    }
    live_commit(block->live, index, index);
    open_subjects_recount(store);
}

/* Messages that the replay has seen and the load has not are lost now. */
static void note_losses(struct rill_store *store, const struct load_job *job, struct block *block)
{
    for (uint64_t sequence = job->first_sequence; sequence <= job->last_sequence; sequence++) {
        const uint64_t index = sequence - job->first_sequence;
        if (index < job->data->place_count && job->data->places[index])
            continue;
        if (is_stored(store, sequence) && !is_deleted(block, sequence))
            note_loss(store, block, sequence);
    }
    store->committed.floor = store_next_live(store, LIVE_COMMITTED, store->committed.floor);
    store->started.floor = store_next_live(store, LIVE_COMMITTED, store->started.floor);
    store->open.floor = store_next_live(store, LIVE_OPEN, store->open.floor);
}

/* The block that was loaded; NULL when it is there no longer. */
static struct block *block_of(const struct rill_store *store, const struct load_job *job)
{
    const struct segment *segment = segment_of(&store->segments, job->segment);
    return segment && segment->swaps == job->swaps ? block_at(&store->segments, job->segment, job->offset)
                                                   : NULL;
}

/* May it have read a file that has taken the place of the segment's meanwhile? */
static bool is_doubtful(const struct block *block, const struct load_job *job)
{
    return block->segment->replacing || block->segment->files != job->files;
}

static void take_loaded(struct rill_store *store, const struct load_job *job, struct block *block)
{
    block_attach(&store->segments.cache, block, job->data);
    note_losses(store, job, block);
    store_erase_loaded(store, block);
    store_cache_trim(store);
    store_note_first(store);
    (void)!segment_bring(&store->segments, block->segment); // it was used last
}

enum rill_err rill_store_load_finish(struct rill_store *store, struct rill_store_job *base)
{
    struct load_job *job = (struct load_job *)base;
    RILL_ASSERT(base->kind == JOB_LOAD && store->loads > 0);
    struct block *block = block_of(store, job);
    store->loads--;
    if (block)
        load_ended(store, block);
    const enum rill_err err = base->err;
    if (!err && block && !is_doubtful(block, job))
        take_loaded(store, job, block);
    else
        block_data_destroy(job->data); // or its segment is gone, and nobody misses it
    if (err)
        limits_load_failed(store, job->first_sequence, job->last_sequence);
    segment_trim(&store->segments, store->committed.segment);
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

/* Those from `first` on in front of `end` are in no block. */
static void note_left_out(struct rill_store *store, uint64_t first, uint64_t end)
{
    const struct log_mark *committed = &store->committed;
    first = first < committed->floor ? committed->floor : first;
    end = end > committed->sequence ? committed->sequence + 1 : end;
    if (committed->messages && first < end)
        lost_add_but(&store->deleted, first, end - 1, &store->lost);
}

/* Deletes are in segments where not all messages live, or are there: one that is half overwritten is in no block (E4). What is
   below the floor need not be looked at. */
static void note_deleted_in(struct rill_store *store, struct segment *segment, uint64_t end)
{
    uint64_t next = segment->first_sequence;
    const bool is_whole = !segment->gone && segment->messages == end - next;
    if (is_whole || segment_bring(&store->segments, segment))
        return;
    for (size_t i = 0; i < segment->block_count; i++) {
        const struct block *block = segment->blocks[i];
        note_left_out(store, next, block->first_sequence);
        note_deleted(store, block);
        next = block_end(block);
    }
    note_left_out(store, next, end);
    segment_trim(&store->segments, store->committed.segment);
}

const struct rill_store_range *rill_store_deleted(struct rill_store *store, size_t *ret_count)
{
    struct segment_table *table = &store->segments;
    store->deleted.count = 0;
    for (size_t i = 0; i < table->count; i++) {
        const bool is_last = i + 1 == table->count;
        note_deleted_in(store, table->segments[i],
                        is_last ? store->open.sequence + 1 : segment_end(table, i));
    }
    *ret_count = store->deleted.count;
    return store->deleted.ranges;
}

const struct rill_store_range *rill_store_lost(const struct rill_store *store, size_t *ret_count)
{
    *ret_count = store->lost.count;
    return store->lost.ranges;
}
