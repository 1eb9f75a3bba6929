// SPDX-License-Identifier: Apache-2.0
#include "index_internal.h"

#include "base/alloc.h"
#include "base/assert.h"

#include <stdlib.h>

enum rill_err index_failed(struct rill_index *index, enum rill_err err)
{
    if (err == RILL_ERR_DAMAGED)
        index->damaged = true;
    return err;
}

uint64_t index_end(const struct rill_index *index)
{
    uint64_t end = index->db_last + 1;
    if (index->ready && batch_end(index->ready) > end)
        end = batch_end(index->ready);
    return batch_end(index->active) > end ? batch_end(index->active) : end;
}

/* Ends the reader's transaction and begins one that sees all that is written. */
static enum rill_err snapshot(struct rill_index *index, struct index_db_state *ret_state)
{
    index_db_reset(&index->db); // a statement that has a row would keep the transaction
    if (!sqlite3_get_autocommit(index->db.sqlite)) {
        const enum rill_err err = index_db_do(&index->db, INDEX_COMMIT);
        if (err)
            return err;
    }
    const enum rill_err err = index_db_do(&index->db, INDEX_BEGIN);
    return err ? err : index_db_state(&index->db, ret_state);
}

static enum rill_index_found judge(const struct rill_index_options *options,
                                   const struct index_db_state *state)
{
    if (state->version != INDEX_VERSION)
        return RILL_INDEX_VERSION;
    if (!state->has_identity || memcmp(state->identity, options->identity, sizeof options->identity) != 0)
        return RILL_INDEX_FOREIGN;
    return state->position.sequence > options->log_sequence ? RILL_INDEX_AHEAD : RILL_INDEX_KEPT;
}

/* Opens what is there, if it can be used. */
static enum rill_err open_kept(struct rill_index *index, const struct rill_index_options *options,
                               enum rill_index_found *ret_found, struct index_db_state *ret_state,
                               struct rill_error_text *why)
{
    const uint32_t file_generation = index_db_file_generation(index->path);
    uint32_t generation = 0;
    enum rill_err err = index_db_open(&index->db, index->path, false, why);
    *ret_found = RILL_INDEX_KEPT;
    if (!err)
        err = snapshot(index, ret_state);
    if (!err)
        err = index_db_generation(&index->db, &generation);
    if (!err && file_generation > generation)
        err = RILL_ERR_DAMAGED;
    if (err == RILL_ERR_NOT_FOUND || err == RILL_ERR_DAMAGED)
        *ret_found = err == RILL_ERR_NOT_FOUND ? RILL_INDEX_MISSING : RILL_INDEX_DAMAGED;
    else if (!err)
        *ret_found = judge(options, ret_state);
    return *ret_found == RILL_INDEX_KEPT ? err : RILL_OK;
}

static enum rill_err open_fresh(struct rill_index *index, const struct rill_index_options *options,
                                struct index_db_state *ret_state, struct rill_error_text *why)
{
    index_db_close(&index->db);
    enum rill_err err = index_db_remove(index->path);
    if (!err)
        err = index_db_open(&index->db, index->path, true, why);
    if (!err)
        err = index_db_make(&index->db, options->identity, why);
    return err ? err : snapshot(index, ret_state);
}

enum rill_err rill_index_open(const struct rill_index_options *options, struct rill_index **ret_index,
                              enum rill_index_found *ret_found, struct rill_index_position *ret_position,
                              struct rill_error_text *why)
{
    struct rill_index *index = rill_alloc_zero(1, sizeof *index);
    struct index_db_state state = {0};
    enum rill_index_found found = RILL_INDEX_DISCARDED;
    index->path = rill_alloc_cstr(rill_bytes_from_cstr(options->path));
    index->batch_bytes = options->batch_bytes ? options->batch_bytes : INDEX_BATCH_BYTES;
    enum rill_err err = options->discard ? RILL_OK : open_kept(index, options, &found, &state, why);
    if (!err && found != RILL_INDEX_KEPT)
        err = open_fresh(index, options, &state, why);
    index->active = batch_create(++index->next_serial);
    if (err) {
        rill_error_text_wrap(why, "index %s", options->path);
        rill_index_close(index);
        return err;
    }
    index->db_last = state.position.sequence;
    index->first_sequence = state.first_sequence;
    index->sealed = state.position;
    *ret_index = index;
    *ret_found = found;
    *ret_position = state.position;
    return RILL_OK;
}

void rill_index_close(struct rill_index *index)
{
    if (!index)
        return;
    RILL_ASSERT(!index->out && !index->filters);
    index_db_close(&index->db);
    batch_destroy(index->ready);
    batch_destroy(index->active);
    free(index->path);
    free(index);
}

enum rill_err rill_index_feed(struct rill_index *index, uint64_t sequence, struct rill_bytes subject)
{
    struct batch *active = index->active;
    if (index->damaged)
        return RILL_ERR_DAMAGED;
    if (index->ready && active->bytes >= index->batch_bytes)
        return RILL_ERR_LIMIT;
    RILL_ASSERT(active->message_count || sequence >= index_end(index));
    return batch_feed(active, sequence, subject);
}

void rill_index_rotate(struct rill_index *index)
{
    if (index->ready || !batch_is_sealed(index->active))
        return;
    index->ready = index->active;
    index->ready->first_sequence = index->first_sequence;
    index->ready_position = index->sealed;
    index->active = batch_create(++index->next_serial);
}

enum rill_err rill_index_seal(struct rill_index *index, const struct rill_index_block *block)
{
    RILL_ASSERT(block->number > index->sealed.block);
    const enum rill_err err = batch_seal(index->active, block);
    if (err)
        return err;
    const uint64_t end = batch_end(index->active);
    index->sealed.block = block->number;
    index->sealed.segment = block->segment;
    index->sealed.offset = block->offset + block->length;
    if (end)
        index->sealed.sequence = end - 1;
    if (index->active->bytes >= index->batch_bytes)
        rill_index_rotate(index);
    return RILL_OK;
}

static bool is_deleted_older(const struct rill_index *index, uint64_t sequence, struct rill_bytes subject)
{
    return (index->ready && batch_has_deleted(batch_find(index->ready, subject), sequence)) ||
           batch_has_deleted(batch_find(index->active, subject), sequence);
}

enum rill_err rill_index_delete(struct rill_index *index, uint64_t sequence, struct rill_bytes subject)
{
    struct batch *active = index->active;
    if (sequence < index->first_sequence)
        return RILL_OK;
    if (active->message_count && sequence >= active->base) {
        if (!batch_remove(active, sequence, subject))
            return RILL_ERR_NOT_FOUND;
    } else if (is_deleted_older(index, sequence, subject)) {
        return RILL_ERR_NOT_FOUND;
    } else {
        const enum rill_err err = batch_delete_older(active, sequence, subject);
        if (err)
            return err;
    }
    filters_deleted(index, sequence, subject);
    return RILL_OK;
}

void rill_index_purge_below(struct rill_index *index, uint64_t sequence)
{
    if (sequence <= index->first_sequence)
        return;
    filters_purge(index, sequence);
    index->first_sequence = sequence;
}

uint64_t rill_index_batch_bytes(const struct rill_index *index)
{
    return index->active->bytes + (index->ready ? index->ready->bytes : 0);
}

struct rill_index_job *rill_index_job_start(struct rill_index *index)
{
    if (index->out || index->damaged || (!index->ready && !index->checkpoint_due))
        return NULL;
    struct rill_index_job *job = rill_alloc_zero(1, sizeof *job);
    *job = (struct rill_index_job){
        .is_checkpoint = index->checkpoint_due,
        .path = index->path,
        .batch = index->ready,
        .sequence = index->db_last,
        .position = index->ready_position,
    };
    index->out = job;
    return job;
}

/* The batch is in the file now. */
static void written(struct rill_index *index, const struct rill_index_job *job)
{
    batch_destroy(index->ready);
    index->ready = NULL;
    index->db_last = job->position.sequence;
    index->checkpoint_due = true;
    filters_forget(index);
    if (index->active->bytes >= index->batch_bytes)
        rill_index_rotate(index);
}

enum rill_err rill_index_job_finish(struct rill_index *index, struct rill_index_job *job)
{
    RILL_ASSERT(job == index->out);
    struct index_db_state state;
    enum rill_err err = job->err;
    index->out = NULL;
    if (!err && snapshot(index, &state))
        err = RILL_ERR_DAMAGED; // written, and not to be seen
    const uint64_t last = job->is_checkpoint ? index->db_last : job->position.sequence;
    if (!err && state.position.sequence != last)
        err = RILL_ERR_DAMAGED; // the file was replaced
    if (job->is_checkpoint)
        index->checkpoint_due = false;
    else if (!err)
        written(index, job);
    free(job);
    return index_failed(index, err);
}

enum rill_err rill_index_at_time(struct rill_index *index, int64_t time_ns,
                                 struct rill_store_range *ret_range)
{
    if (index->damaged)
        return RILL_ERR_DAMAGED;
    sqlite3_stmt *row = index_db_use(&index->db, INDEX_BLOCK_TIME);
    if (row)
        (void)sqlite3_bind_int64(row, 1, time_ns);
    index_bind(row, 2, index->first_sequence);
    const enum rill_err err = index_db_row(row);
    if (!err)
        *ret_range = (struct rill_store_range){index_column(row, 0), index_column(row, 1)};
    if (!err && ret_range->first_sequence < index->first_sequence)
        ret_range->first_sequence = index->first_sequence;
    if (err != RILL_ERR_NOT_FOUND)
        return index_failed(index, err);
    const struct batch *batches[] = {index->ready, index->active};
    for (int i = 0; i < 2; i++) {
        const struct batch *batch = batches[i];
        for (uint32_t b = 0, start = 0; batch && b < batch->block_count;
             start = batch->blocks[b++].message_end) {
            const uint32_t end = batch->blocks[b].message_end;
            if (start == end || batch->blocks[b].place.last_time_ns < time_ns ||
                batch->base + batch->messages[end - 1].offset < index->first_sequence)
                continue;
            *ret_range = (struct rill_store_range){batch->base + batch->messages[start].offset,
                                                   batch->base + batch->messages[end - 1].offset};
            return RILL_OK;
        }
    }
    return RILL_ERR_NOT_FOUND;
}
