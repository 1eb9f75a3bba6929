// SPDX-License-Identifier: Apache-2.0
#include "ids_taken.h"
#include "index_old.h"

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
    uint32_t file_generation = 0, generation = 0;
    enum rill_err err = index_db_file_generation(index->disk, index->path, &file_generation);
    *ret_found = RILL_INDEX_KEPT;
    index->checkpoint_due = !err && index_db_has_log(index->disk, index->path);
    if (!err)
        err = index_db_open(&index->db, index->vfs, index->path, false, why);
    if (!err)
        err = index_reader_move(index, ret_state);
    if (!err)
        err = index_db_generation(&index->db, &generation);
    if (!err && file_generation > generation)
        err = RILL_ERR_DAMAGED;
    if (!err)
        *ret_found = judge(options, ret_state);
    if (!err && *ret_found == RILL_INDEX_KEPT)
        err = index_reader_read(index);
    if (err == RILL_ERR_NOT_FOUND || err == RILL_ERR_DAMAGED)
        *ret_found = err == RILL_ERR_NOT_FOUND ? RILL_INDEX_MISSING : RILL_INDEX_DAMAGED;
    return *ret_found == RILL_INDEX_KEPT ? err : RILL_OK;
}

/* What is there is not to be used any more, but for its ids: the next one, with these, is made now, or without any by the first
   job. */
static enum rill_err open_fresh(struct rill_index *index, const struct rill_index_options *options,
                                enum rill_index_found found, struct index_db_state *ret_state)
{
    const bool is_foreign = found == RILL_INDEX_VERSION || found == RILL_INDEX_FOREIGN;
    index_reader_close(index);
    index->era_count = index->run_count = 0;
    index->checkpoint_due = false;
    index->ids_forgotten = found == RILL_INDEX_VERSION;
    *ret_state = (struct index_db_state){0};
    enum rill_err err = options->discard ? index_old_remove(index->disk, index->path) : RILL_OK;
    if (!err && (options->discard || is_foreign))
        err = index_db_remove(index->disk, index->path);
    else if (!err)
        err = index_old_set_aside(index->disk, index->path);
    return err || options->discard ? err : ids_take(index, options);
}

/* One beside which another was set aside has not got all of its ids yet, unless it was used already. */
static enum rill_err look_for_old(struct rill_index *index, const struct index_db_state *state,
                                  enum rill_index_found *ret_found)
{
    if (*ret_found != RILL_INDEX_KEPT || !index_old_is_there(index->disk, index->path))
        return RILL_OK;
    if (state->position.block)
        return index_old_remove(index->disk, index->path);
    *ret_found = RILL_INDEX_DISCARDED;
    return RILL_OK;
}

static struct rill_index_filter_limits filter_limits(const struct rill_index_filter_limits *wanted)
{
    return (struct rill_index_filter_limits){
        .few = wanted->few ? wanted->few : FILTER_FEW,
        .subjects = wanted->subjects ? wanted->subjects : FILTER_SUBJECTS_MAX,
        .messages = wanted->messages ? wanted->messages : FILTER_HITS_MAX,
        .effort = wanted->effort ? wanted->effort : FILTER_EFFORT,
    };
}

static struct rill_index *index_create(const struct rill_index_options *options)
{
    struct rill_index *index = rill_alloc_zero(1, sizeof *index);
    index->disk = options->disk ? options->disk : rill_disk_real();
    index->path = rill_alloc_cstr(rill_bytes_from_cstr(options->path));
    index->vfs = index_vfs_create(index->disk, index->path);
    memcpy(index->identity, options->identity, sizeof index->identity);
    index->batch_bytes = options->batch_bytes ? options->batch_bytes : INDEX_BATCH_BYTES;
    index->era_postings = options->era_postings ? options->era_postings : INDEX_ERA_POSTINGS;
    index->work = options->work ? options->work : WORK_MAX;
    index->run_ids = options->run_ids ? options->run_ids : INDEX_RUN_IDS;
    index->id_window_ns = options->id_window_ns;
    index->connected = options->connected;
    index->context = options->context;
    index->filter = filter_limits(&options->filter);
    RILL_ASSERT(index->filter.few <= index->filter.subjects);
    index->active = batch_create(++index->next_serial);
    return index;
}

enum rill_err rill_index_open(const struct rill_index_options *options, struct rill_index **ret_index,
                              enum rill_index_found *ret_found, struct rill_index_position *ret_position,
                              struct rill_error_text *why)
{
    struct rill_index *index = index_create(options);
    struct index_db_state state = {0};
    enum rill_index_found found = RILL_INDEX_DISCARDED;
    *why = (struct rill_error_text){""};
    enum rill_err err = index->vfs ? RILL_OK : RILL_ERR_NO_MEMORY;
    if (!err)
        err = index_old_settle(index->disk, index->path);
    if (!err && !options->discard && !options->keeps_ids)
        err = open_kept(index, options, &found, &state, why);
    if (!err)
        err = look_for_old(index, &state, &found);
    if (!err && found != RILL_INDEX_KEPT)
        err = open_fresh(index, options, found, &state);
    if (err) {
        rill_error_text_wrap(why, "index %s: %s", options->path, rill_err_text(err));
        rill_index_close(index);
        return err;
    }
    if (found == RILL_INDEX_KEPT) {
        index->has_file = true;
        index->ids_last = index->ids_written = state.ids_sequence;
        index->ids_safe = index->checkpoint_due ? 0 : state.ids_sequence;
    }
    index->db_last = state.position.sequence;
    index->first_sequence = state.first_sequence;
    index->sealed = state.position;
    *ret_index = index;
    *ret_found = found;
    *ret_position = state.position;
    return RILL_OK;
}

enum rill_err rill_index_set_aside(struct rill_disk *disk, const char *path)
{
    return index_old_set_aside(disk, path);
}

bool rill_index_has_forgotten_ids(const struct rill_index *index)
{
    return index->ids_forgotten;
}

enum rill_err rill_index_trouble(const struct rill_index *index)
{
    return index->damaged ? RILL_ERR_DAMAGED : index->trouble;
}

void rill_index_close(struct rill_index *index)
{
    if (!index)
        return;
    RILL_ASSERT(!index->out && !index->filters);
    index_reader_close(index);
    index_vfs_destroy(index->vfs);
    batch_destroy(index->ready);
    batch_destroy(index->active);
    free(index->eras);
    free(index->runs);
    free(index->path);
    free(index);
}

void rill_index_set_batch_bytes(struct rill_index *index, uint64_t batch_bytes)
{
    index->batch_bytes = batch_bytes ? batch_bytes : INDEX_BATCH_BYTES;
}

void rill_index_set_id_window(struct rill_index *index, int64_t id_window_ns)
{
    index->id_window_ns = id_window_ns;
}

enum rill_err rill_index_feed(struct rill_index *index, const struct rill_index_message *message)
{
    struct batch *active = index->active;
    if (index->damaged)
        return RILL_ERR_DAMAGED;
    if (index->ready && batch_bytes(active) / 2 >= index->batch_bytes)
        return RILL_ERR_LIMIT;
    RILL_ASSERT(active->message_count || message->sequence >= index_end(index));
    const bool has_id = message->id.len && index->id_window_ns && message->sequence > index->ids_written;
    const struct id_hash id =
        has_id ? id_hash_of(index->identity, sizeof index->identity, message->id) : (struct id_hash){0};
    const enum rill_err err = batch_feed(active, message, has_id ? &id : NULL);
    if (!err && has_id)
        index->ids_last = message->sequence;
    return err;
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
    return batch_bytes(index->active) + (index->ready ? batch_bytes(index->ready) : 0);
}
