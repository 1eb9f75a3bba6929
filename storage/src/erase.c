// SPDX-License-Identifier: Apache-2.0
//
// Secure erase. The erase in the log removes the message as a delete does, and says where its bytes are; when its commit
// is durable a job overwrites them in their place. What a crash leaves undone is found by the replay, because the log says
// it (E3). Nothing is read before it is overwritten: what the log names can only be that record, whole, torn or done.
//
// In a segment of version 2 a message may stand inside a packed record; rewrite.c makes such a segment anew.
#include "store_impl.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "indexing.h"
#include "io.h"
#include "rewrite.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

// ---- appending ----

static struct record_erase erase_of(const struct block *block, const uint8_t *message, uint64_t sequence)
{
    const bool in_place = block->segment->format == SEGMENT_VERSION && !block->packed_len;
    return (struct record_erase){
        .sequence = sequence,
        .bytes = (uint32_t)record_view(message).size,
        .segment = block->segment->number,
        .offset = in_place ? block->offset + (uint64_t)(message - block->data->bytes) : 0,
    };
}

enum rill_err rill_store_append_erase(struct rill_store *store, uint64_t sequence)
{
    const struct log_mark *open = &store->open;
    struct block *block = NULL;
    const uint8_t *message;
    uint8_t *at;
    if (sequence > store->committed.sequence)
        return RILL_ERR_NOT_FOUND; // E1
    if (store->erasure_count >= SUMMARY_ERASES_MAX)
        return RILL_ERR_LIMIT;
    enum rill_err err = store_find_message(store, sequence, &block, &message);
    if (err)
        return err;
    const struct record_erase erase = erase_of(block, message, sequence);
    err = store_removal_room(store, message, RECORD_ERASE_BYTES, &at);
    if (err)
        return err;
    record_put_erase(at, store->seed + open->offset, open->sequence, open->time_ns, &erase);
    store_record_advance(store, RECORD_ERASE_BYTES);
    store_note_delete(store, block, sequence, erase.bytes);
    store_erase_note(store, open->commit + 1, &erase);
    return RILL_OK;
}

void store_erase_note(struct rill_store *store, uint64_t commit, const struct record_erase *erase)
{
    if (store->erasure_count == store->erasure_capacity) {
        store->erasure_capacity = store->erasure_capacity ? store->erasure_capacity * 2 : 8;
        store->erasures =
            rill_alloc_resize(store->erasures, store->erasure_capacity, sizeof store->erasures[0]);
    }
    RILL_ASSERT(!store->erasure_count || store->erasures[store->erasure_count - 1].commit <= commit);
    store->erasures[store->erasure_count++] = (struct erasure){.commit = commit, .erase = *erase};
    if (!erase->offset)
        store_rewrite_look(store, UINT64_MAX);
}

void store_erase_undo(struct rill_store *store, uint64_t commit)
{
    while (store->erasure_count && store->erasures[store->erasure_count - 1].commit > commit)
        store->erasure_count--;
}

void store_erase_forget(struct rill_store *store, uint64_t segment)
{
    size_t left = 0;
    for (size_t i = 0; i < store->erasure_count; i++) {
        const struct erasure *one = &store->erasures[i];
        if (one->erase.segment != segment || one->erase.offset)
            store->erasures[left++] = *one;
    }
    store->erasure_count = left;
}

bool rill_store_erasing(const struct rill_store *store, uint64_t sequence)
{
    for (size_t i = 0; i < store->erasure_count; i++) {
        if (store->erasures[i].erase.sequence == sequence)
            return true;
    }
    return false;
}

// ---- overwriting ----

/* Is it in the segment that is being made anew, and in the new file as well? Then it waits until that is in place, which
   is made anew once more (rewrite_swap.c). Overwritten here now it would come back with the new file. */
static bool is_copied(const struct rill_store *store, const struct record_erase *erase)
{
    return store->rewrite && store->rewrite->plan.number == erase->segment &&
           !rewrite_is_dead(&store->rewrite->plan, erase->sequence);
}

/* Has the index been fed the message? If what is left of it were fed in its place, the index would never learn its id, and then
   be told of the erase of a message that it has not got. One that takes the place of a failed one is fed from its end on. */
static bool is_fed(const struct rill_store *store, uint64_t sequence)
{
    const struct indexing *indexing = store->indexing;
    if (!indexing)
        return true;
    return indexing->failed ? !indexing->ended : sequence <= indexing->fed.sequence;
}

/* Not before its id is known without it. */
static bool is_due(const struct rill_store *store, const struct erasure *erasure)
{
    const uint64_t sequence = erasure->erase.sequence;
    return erasure->commit <= store->committed.commit && !erasure->done && erasure->erase.offset &&
           !is_copied(store, &erasure->erase) && is_fed(store, sequence) &&
           (!store->indexing || indexing_holds_ids(store->indexing, sequence));
}

static void job_take(struct rill_store *store, struct erase_job *job, uint64_t segment)
{
    job->erases = rill_alloc_zero(store->erasure_count, sizeof job->erases[0]);
    for (size_t i = 0; i < store->erasure_count; i++) {
        struct erasure *one = &store->erasures[i];
        if (!is_due(store, one) || one->erase.segment != segment)
            continue;
        one->taken = true;
        job->erases[job->count++] = one->erase;
    }
}

struct rill_store_job *store_erase_start(struct rill_store *store)
{
    size_t first = 0;
    while (first < store->erasure_count && !is_due(store, &store->erasures[first]))
        first++;
    if (first == store->erasure_count)
        return NULL;
    const uint64_t segment = store->erasures[first].erase.segment;
    struct erase_job *job = rill_alloc_zero(1, sizeof *job);
    job->base = (struct rill_store_job){.kind = JOB_ERASE, .disk = store->disk};
    job->path = segment_path(store->folder, segment);
    job->seed = segment_seed(store->identity, segment);
    job_take(store, job, segment);
    return &job->base;
}

static enum rill_err overwrite(struct rill_disk_file *file, uint64_t seed, const struct record_erase *erase)
{
    uint8_t *bytes = malloc(erase->bytes);
    if (!bytes)
        return RILL_ERR_NO_MEMORY;
    record_put_erased(bytes, seed + erase->offset, erase->sequence, erase->bytes);
    struct iovec part = {bytes, erase->bytes};
    const enum rill_err err = io_write_all(file, &part, 1, erase->offset);
    free(bytes);
    return err;
}

/* What the file no longer has is not there to be erased. */
static enum rill_err overwrite_all(const struct erase_job *job, struct rill_disk_file *file)
{
    uint64_t size;
    enum rill_err err = file->disk->ops->size(file, &size);
    for (size_t i = 0; !err && i < job->count; i++) {
        const struct record_erase *erase = &job->erases[i];
        if (erase->offset <= size && erase->bytes <= size - erase->offset)
            err = overwrite(file, job->seed, erase);
    }
    return err ? err : file->disk->ops->fdatasync(file);
}

void erase_job_run(struct erase_job *job)
{
    struct rill_disk_file *file;
    enum rill_err err = job->base.disk->ops->open(job->base.disk, job->path, RILL_DISK_WRITE, &file);
    if (!err) {
        err = overwrite_all(job, file);
        job->base.disk->ops->close(file);
    }
    job->base.err = err == RILL_ERR_NOT_FOUND ? RILL_OK : err;
    if (job->base.err)
        rill_error_text_set(&job->base.why, "erase in %s: %s", job->path, rill_err_text(job->base.err));
}

// ---- and in memory ----

/* Where the bytes of the message are in the memory of its block; NULL when they are not. */
static uint8_t *memory_of(const struct block *block, const struct record_erase *erase)
{
    if (!block->data || block->packed_len || block->segment->number != erase->segment ||
        erase->offset < block->offset)
        return NULL;
    const uint64_t place = erase->offset - block->offset;
    return place < block->len && erase->bytes <= block->len - place ? block->data->bytes + place : NULL;
}

static void wipe(const struct rill_store *store, const struct block *block, const struct record_erase *erase)
{
    uint8_t *at = memory_of(block, erase);
    if (at)
        record_put_erased(at, segment_seed(store->identity, erase->segment) + erase->offset, erase->sequence,
                          erase->bytes);
}

void store_erase_loaded(struct rill_store *store, const struct block *block)
{
    size_t left = 0;
    for (size_t i = 0; i < store->erasure_count; i++) {
        const struct erasure erasure = store->erasures[i];
        const uint64_t sequence = erasure.erase.sequence;
        const bool is_here = sequence >= block->first_sequence && sequence < block_end(block);
        if (is_here && erasure.commit <= store->committed.commit && is_fed(store, sequence))
            wipe(store, block, &erasure.erase);
        if (!is_here || !erasure.done)
            store->erasures[left++] = erasure;
    }
    store->erasure_count = left;
}

/* Done, unless a load of its block is under way that may bring what was there before. */
static bool settle(struct rill_store *store, const struct record_erase *erase)
{
    struct segment *segment = segment_of(&store->segments, erase->segment);
    const struct block *block = segment && segment->hot ? segment_block(segment, erase->sequence) : NULL;
    if (!block)
        return true;
    wipe(store, block, erase);
    return !block->loading;
}

static void forget_taken(struct rill_store *store, bool done)
{
    size_t left = 0;
    for (size_t i = 0; i < store->erasure_count; i++) {
        struct erasure erasure = store->erasures[i];
        if (erasure.taken && done) {
            erasure.done = true;
            if (settle(store, &erasure.erase))
                continue;
        }
        erasure.taken = false;
        store->erasures[left++] = erasure;
    }
    store->erasure_count = left;
}

enum rill_err store_erase_finish(struct rill_store *store, struct erase_job *job)
{
    const enum rill_err err = job->base.err;
    forget_taken(store, err == RILL_OK);
    if (err && err != RILL_ERR_NO_SPACE && err != RILL_ERR_NO_MEMORY)
        store_fail(store, &job->base.why); // I8
    free(job->erases);
    free(job->path);
    free(job);
    return err;
}
