// SPDX-License-Identifier: Apache-2.0
#include "indexing.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "io.h"

#include <stdlib.h>

// ---- opening and closing ----

static enum rill_err source_detail(void *context, uint64_t segment, struct rill_buf *ret_detail)
{
    struct indexing *indexing = context;
    const enum rill_err err = rill_index_segment_detail(indexing->index, segment, ret_detail);
    if (err)
        indexing_fail(indexing, err, "read a segment's directory");
    return err;
}

struct directory_source indexing_source(struct indexing *indexing)
{
    return (struct directory_source){indexing, source_detail};
}

static void note_connected(void *context)
{
    struct indexing *indexing = context;
    if (indexing->store->serving)
        shared_index_connected(&indexing->store->member);
}

bool indexing_disconnect(struct indexing *indexing)
{
    if (!indexing || !indexing->index)
        return true;
    rill_index_idle(indexing->index);
    return !rill_index_is_connected(indexing->index);
}

static struct indexing *indexing_create(struct rill_store *store, const struct rill_store_options *options)
{
    struct indexing *indexing = rill_alloc_zero(1, sizeof *indexing);
    indexing->store = store;
    indexing->path = io_path(store->folder, "index.db");
    indexing->log_bytes = options->index_log_bytes ? options->index_log_bytes : INDEXING_LOG_BYTES;
    indexing->step_bytes =
        indexing->log_bytes / 2 < INDEXING_STEP_BYTES ? indexing->log_bytes / 2 : INDEXING_STEP_BYTES;
    indexing->options = (struct rill_index_options){
        .disk = store->disk,
        .path = indexing->path,
        .connected = note_connected,
        .context = indexing,
        .log_sequence = UINT64_MAX, // resume.c looks whether the log has what the index covers
        .batch_bytes = options->index_batch_bytes,
        .id_window_ns = options->id_window_ns,
    };
    memcpy(indexing->options.identity, store->identity, sizeof store->identity);
    rill_buf_init(&indexing->subjects, INDEXING_SUBJECTS_MAX);
    indexing->stale = indexing->options.takes_unread = options->index_anew;
    return indexing;
}

struct indexing *indexing_open(struct rill_store *store, const struct rill_store_options *options)
{
    struct indexing *indexing = indexing_create(store, options);
    indexing_begin(indexing, options->index_anew ? INDEXING_FROM_IDS : INDEXING_FROM_FILE);
    return indexing;
}

struct indexing *indexing_open_next(struct rill_store *store, const struct rill_store_options *options,
                                    const struct rill_index_ids *ids, bool takes_unread)
{
    struct indexing *indexing = indexing_create(store, options);
    indexing->options.ids = ids;
    indexing->options.takes_unread = takes_unread;
    indexing_begin(indexing, INDEXING_FROM_IDS);
    indexing->options.ids = NULL; // they are in the file
    return indexing;
}

static enum rill_err open_index(struct indexing *indexing, enum indexing_from from)
{
    enum rill_index_found found;
    indexing->position = (struct rill_index_position){0};
    indexing->options.keeps_ids = from == INDEXING_FROM_IDS;
    const enum rill_err err =
        rill_index_open(&indexing->options, &indexing->index, &found, &indexing->position, &indexing->why);
    if (!err)
        indexing->has_forgotten_ids |= rill_index_has_forgotten_ids(indexing->index);
    return err;
}

void indexing_begin(struct indexing *indexing, enum indexing_from from)
{
    RILL_ASSERT(!indexing->out && !indexing->block);
    rill_index_close(indexing->index);
    indexing->index = NULL;
    enum rill_err err = open_index(indexing, from);
    if (err == RILL_ERR_IO)
        err = open_index(indexing, INDEXING_FROM_IDS); // perhaps another file can be made
    indexing->failed = indexing->keeps = err != RILL_OK;
    indexing->is_void = indexing->is_removed = indexing->rotated = indexing->doubtful = false;
    indexing->fed = (struct summary){.segment = 0};
    indexing->written = (struct indexing_place){0};
    indexing->open = (struct rill_index_block){.number = indexing->position.block + 1};
    indexing->resumed_sequence = indexing->since_rotation = 0;
    indexing->stored_count = 0;
    if (err)
        return;
    indexing->store->segments.source = indexing_source(indexing);
    if (!indexing->options.batch_bytes)
        rill_index_set_batch_bytes(indexing->index, INDEXING_OPEN_BATCH_BYTES);
}

void indexing_give_up(struct indexing *indexing)
{
    RILL_ASSERT(!indexing->out && !indexing->block);
    indexing_fail(indexing, RILL_ERR_DAMAGED, "read a segment's directory"); // if nothing else was
    rill_index_close(indexing->index);
    indexing->index = NULL;
    indexing->store->segments.source = (struct directory_source){0};
}

bool indexing_is_void(const struct indexing *indexing)
{
    return indexing->is_void || indexing->store->segments.failed;
}

void indexing_set_id_window(struct indexing *indexing, int64_t id_window_ns)
{
    indexing->options.id_window_ns = id_window_ns;
    if (indexing->index)
        rill_index_set_id_window(indexing->index, id_window_ns);
}

bool indexing_stands_at(const struct indexing *indexing, const struct summary *at)
{
    const struct rill_index_position *position = &indexing->position;
    const bool is_behind = position->segment < at->segment ||
                           (position->segment == at->segment && position->offset <= at->offset);
    return is_behind && position->sequence <= at->sequence;
}

/* The last words: after this nothing is appended, so its end is that of a commit. */
static void write_rest(struct indexing *indexing)
{
    indexing_advance(indexing, SIZE_MAX);
    const struct log_mark *committed = &indexing->store->committed;
    if (indexing->rotated)
        (void)!indexing_run_jobs(indexing);
    const bool is_all =
        indexing->block && indexing->block == committed->block && indexing->block_len == committed->block_len;
    if (indexing->failed || !is_all || indexing_has_many_erases(indexing) ||
        (indexing->since_rotation < INDEXING_CLOSE_BYTES && !indexing->stale))
        return;
    (void)!indexing_run_jobs(indexing);
    if (indexing->failed || indexing->rotated)
        return;
    indexing_seal(indexing);
    if (!indexing->failed)
        indexing_rotate(indexing);
    (void)!indexing_run_jobs(indexing);
}

void indexing_free(struct indexing *indexing)
{
    rill_index_ids_destroy(indexing->ids);
    rill_buf_fini(&indexing->subjects);
    free(indexing->stored);
    free(indexing->path);
    free(indexing);
}

void indexing_close(struct indexing *indexing)
{
    if (!indexing)
        return;
    RILL_ASSERT(!indexing->out);
    if (indexing->index && !indexing_is_void(indexing) && !indexing->doubtful)
        write_rest(indexing);
    indexing_stand_on(indexing, NULL, 0);
    rill_index_close(indexing->index);
    if (indexing_is_void(indexing))
        (void)!rill_index_set_aside(indexing->store->disk,
                                    indexing->path); // else the next open meets it again
    indexing_free(indexing);
}

// ---- while the store is opened ----

void indexing_end_block(struct indexing *indexing)
{
    if (!indexing->failed)
        indexing_seal(indexing);
}

void indexing_note_place(struct indexing *indexing, uint64_t segment, uint64_t offset, size_t size)
{
    if (!indexing->failed)
        indexing_place(indexing, segment, offset, size);
}

/* A next open, when that is erased, goes on from the batches that were written. */
static enum rill_err note_message(struct indexing *indexing, const struct record *record)
{
    if (indexing->rotated && indexing_is_full(indexing))
        indexing_make_room(indexing);
    if (indexing->failed)
        return RILL_OK;
    if (indexing_has_many_erases(indexing) && rill_index_is_large(indexing->index))
        return RILL_ERR_LIMIT;
    return indexing_feed_message(indexing, record);
}

void indexing_note(struct indexing *indexing, const struct record *record)
{
    enum rill_err err = RILL_OK;
    if (indexing->failed)
        return;
    if (record->type == RECORD_MESSAGE)
        err = note_message(indexing, record);
    else if (record->type == RECORD_PURGE)
        indexing_feed_purge(indexing, record);
    if (err)
        indexing_fail(indexing, err, "feed a message");
}

void indexing_note_commit(struct indexing *indexing, const struct record_commit *commit)
{
    if (!indexing->failed)
        indexing_feed_commit(indexing, commit);
}

/* Made from a log in which a rewriting had left the message out already, the index has never heard of it. (One that has
   must be fed a removal before the rewriting begins: store_rewrite_start.) */
static bool never_had(const struct block *block, uint64_t sequence)
{
    return block->segment->rewritten &&
           live_is_gone(block->live, (uint32_t)(sequence - block->first_sequence), LIVE_OPEN);
}

void indexing_note_delete(struct indexing *indexing, struct block *block, uint64_t sequence)
{
    struct rill_store *store = indexing->store;
    const uint8_t *at;
    if (indexing->failed)
        return;
    enum rill_err err = block->data ? RILL_OK : store_load_block(store, block);
    if (!err)
        err = block_message(&store->segments.cache, block, block->len, sequence, &at);
    if (!err)
        indexing_feed_delete(indexing, sequence, record_view(at).subject);
    else if (err == RILL_ERR_NOT_FOUND && sequence <= indexing->resumed_sequence &&
             !never_had(block, sequence))
        indexing_fail(indexing, RILL_ERR_DAMAGED, "find the subject of a message that is erased now");
    else if (err != RILL_ERR_NOT_FOUND) // else it was not fed
        indexing_fail(indexing, err, "read a deleted message");
    if (block == block_last(&store->segments))
        block_detach(&store->segments.cache, block); // it still grows, and its data does not
    else
        block_trim(&store->segments.cache, block_last(&store->segments));
}

bool indexing_note_end(struct indexing *indexing, const struct log_mark *at, uint64_t offset)
{
    struct summary *fed = &indexing->fed;
    if (!indexing->failed)
        indexing_keep_up(indexing);
    if (!indexing_wants_rotation(indexing))
        return false;
    indexing_seal(indexing);
    fed->segment = at->segment;
    fed->offset = offset;
    fed->sequence = at->sequence;
    fed->commit = at->commit;
    indexing_stand_on(indexing, block_last(&indexing->store->segments), 0);
    if (!indexing->failed)
        indexing_rotate(indexing);
    indexing_stand_on(indexing, NULL, 0);
    segment_trim(&indexing->store->segments, at->segment);
    block_trim(&indexing->store->segments.cache, block_last(&indexing->store->segments));
    return true;
}

void indexing_doubt(struct indexing *indexing)
{
    indexing->doubtful = true;
}

void indexing_settle(struct indexing *indexing)
{
    const struct log_mark *committed = &indexing->store->committed;
    if (indexing->index)
        rill_index_set_batch_bytes(indexing->index, indexing->options.batch_bytes);
    if (indexing->failed)
        return; // nothing is fed, and no segment is kept as it is for that
    indexing_stand_on(indexing, committed->block, committed->block_len);
    if (committed->segment != indexing->fed.segment)
        indexing_seal(indexing);
    indexing->fed.segment = committed->segment;
    indexing->fed.offset = committed->offset;
    indexing->fed.sequence = committed->sequence;
    indexing->fed.commit = committed->commit;
    // Of what the log has not got, something else would be taken for a duplicate.
    const enum rill_err err =
        indexing->failed ? RILL_OK : rill_index_drop_ids_behind(indexing->index, committed->sequence);
    if (err)
        indexing_fail(indexing, err, "forget the ids of messages that the log has not got");
}
