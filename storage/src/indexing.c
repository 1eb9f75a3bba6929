// SPDX-License-Identifier: Apache-2.0
#include "indexing.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "base/clock.h"
#include "io.h"
#include "proto/headers.h"
#include "proto/message_ttl.h"

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
    indexing->stale = options->index_anew;
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

static void seal(struct indexing *indexing)
{
    struct rill_index_block *open = &indexing->open;
    if (!open->length || indexing->failed)
        return;
    const enum rill_err err = rill_index_seal(indexing->index, open);
    if (err)
        indexing_fail(indexing, err, "seal a block");
    *open = (struct rill_index_block){.number = open->number + 1};
}

/* An erase that is pending must be found by the next open (E3): no batch ends that has not room for them all. */
static bool has_many_erases(const struct indexing *indexing)
{
    return indexing->store->erasure_count > SUMMARY_ERASES_MAX;
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
    if (indexing->failed || !is_all || has_many_erases(indexing) ||
        (indexing->since_rotation < INDEXING_CLOSE_BYTES && !indexing->stale))
        return;
    (void)!indexing_run_jobs(indexing);
    if (indexing->failed || indexing->rotated)
        return;
    seal(indexing);
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

// ---- feeding ----

static void note_place(struct indexing *indexing, uint64_t segment, uint64_t offset, size_t size)
{
    struct rill_index_block *open = &indexing->open;
    if (!open->length) {
        open->segment = segment;
        open->offset = offset;
    }
    open->length = offset + size - open->offset;
    indexing->fed.segment = segment;
    indexing->fed.offset = offset + size;
    indexing->since_rotation += size;
}

/* When the message's own time is over; 0: never. */
static int64_t expiry_of(const struct record *record)
{
    const int64_t ttl_ns = rill_message_ttl_of(record->headers);
    if (ttl_ns <= 0 || record->time_ns > RILL_NEVER_NS - ttl_ns)
        return 0;
    return record->time_ns + ttl_ns;
}

/* LIMIT: it is to be fed again later. */
static enum rill_err feed_message(struct indexing *indexing, const struct record *record)
{
    struct rill_index_block *open = &indexing->open;
    struct rill_index_message message = {
        .sequence = record->sequence,
        .time_ns = record->time_ns > indexing->fed.time_ns ? record->time_ns : indexing->fed.time_ns,
        .subject = record->subject,
    };
    if (record->headers.len) {
        (void)rill_headers_find(record->headers, RILL_BYTES("Nats-Msg-Id"), &message.id);
        message.expire_ns = expiry_of(record);
    }
    const enum rill_err err = rill_index_feed(indexing->index, &message);
    if (err)
        return err;
    if (!open->first_time_ns)
        open->first_time_ns = message.time_ns;
    open->last_time_ns = message.time_ns;
    indexing->fed.sequence = record->sequence;
    indexing->fed.time_ns = message.time_ns;
    return RILL_OK;
}

static void feed_floor(struct indexing *indexing, uint64_t floor)
{
    struct summary *fed = &indexing->fed;
    if (floor < fed->said_floor)
        return;
    fed->said_floor = floor;
    fed->said_segment = fed->segment;
    rill_index_purge_below(indexing->index, floor);
}

static void feed_purge(struct indexing *indexing, const struct record *record)
{
    const uint64_t next = indexing->fed.sequence + 1, said = record_purge_of(record);
    feed_floor(indexing, said < next ? said : next);
}

static void feed_commit(struct indexing *indexing, const struct record_commit *commit)
{
    indexing->fed.commit = commit->number;
    indexing->fed.sequence = commit->sequence;
    if (commit->time_ns > indexing->fed.time_ns)
        indexing->fed.time_ns = commit->time_ns;
}

static void feed_delete(struct indexing *indexing, uint64_t sequence, struct rill_bytes subject)
{
    const enum rill_err err = rill_index_delete(indexing->index, sequence, subject);
    if (err && err != RILL_ERR_NOT_FOUND) // it was purged
        indexing_fail(indexing, err, "delete a message");
}

/* Then one grows to the size of two. */
static bool is_full(const struct indexing *indexing)
{
    return rill_index_is_full(indexing->index) ||
           (has_many_erases(indexing) && rill_index_is_large(indexing->index));
}

static bool wants_rotation(const struct indexing *indexing)
{
    if (indexing->failed || indexing->rotated || has_many_erases(indexing))
        return false;
    return indexing->since_rotation >= indexing->log_bytes || rill_index_wants_rotation(indexing->index);
}

// ---- while the store is opened ----

void indexing_end_block(struct indexing *indexing)
{
    if (!indexing->failed)
        seal(indexing);
}

void indexing_note_place(struct indexing *indexing, uint64_t segment, uint64_t offset, size_t size)
{
    if (!indexing->failed)
        note_place(indexing, segment, offset, size);
}

/* A next open, when that is erased, goes on from the batches that were written. */
static enum rill_err note_message(struct indexing *indexing, const struct record *record)
{
    if (indexing->rotated && is_full(indexing))
        indexing_make_room(indexing);
    if (indexing->failed)
        return RILL_OK;
    if (has_many_erases(indexing) && rill_index_is_large(indexing->index))
        return RILL_ERR_LIMIT;
    return feed_message(indexing, record);
}

void indexing_note(struct indexing *indexing, const struct record *record)
{
    enum rill_err err = RILL_OK;
    if (indexing->failed)
        return;
    if (record->type == RECORD_MESSAGE)
        err = note_message(indexing, record);
    else if (record->type == RECORD_PURGE)
        feed_purge(indexing, record);
    if (err)
        indexing_fail(indexing, err, "feed a message");
}

void indexing_note_commit(struct indexing *indexing, const struct record_commit *commit)
{
    if (!indexing->failed)
        feed_commit(indexing, commit);
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
        feed_delete(indexing, sequence, record_view(at).subject);
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
    if (!wants_rotation(indexing))
        return false;
    seal(indexing);
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
        seal(indexing);
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

// ---- while it serves ----

static void feed_kept(struct indexing *indexing, const struct record *record)
{
    const uint64_t sequence = record_delete_of(record).sequence;
    feed_delete(indexing, sequence, indexing_kept_subject(indexing, sequence));
    indexing_drop_kept(indexing);
}

static struct block *block_behind(const struct indexing *indexing)
{
    const struct segment_table *table = &indexing->store->segments;
    const struct block *block = indexing->block;
    if (block && block->index + 1 < block->segment->block_count)
        return block->segment->blocks[block->index + 1];
    size_t i = segment_at(table, indexing->fed.segment);
    if (block && i < table->count && table->segments[i] == block->segment)
        i++;
    for (; i < table->count; i++) {
        if (table->segments[i]->block_count)
            return table->segments[i]->blocks[0];
    }
    return NULL;
}

static bool is_committed(const struct indexing *indexing, const struct block *block)
{
    const struct block *tail = indexing->store->committed.block;
    return tail && !block_is_before(tail, block);
}

static uint32_t committed_len(const struct indexing *indexing, const struct block *block)
{
    const struct log_mark *committed = &indexing->store->committed;
    return block == committed->block ? committed->block_len : block->len;
}

/* All of the block is fed. One that holds no message is not read again: its memory is for those that are. */
static void leave(struct indexing *indexing, struct block *block)
{
    if (block->count == 0)
        block_detach(&indexing->store->segments.cache, block);
}

static void step_on(struct indexing *indexing, struct block *next)
{
    const struct segment *segment = next->segment;
    if (indexing->block)
        leave(indexing, indexing->block);
    indexing_stand_on(indexing, next, 0);
    if (segment->number == indexing->fed.segment)
        return;
    indexing->fed.segment = segment->number;
    indexing->fed.offset = next->offset;
    if (segment->said_floor)
        feed_floor(indexing, segment->said_floor);
}

/* Moves on to the next block when all of this one is fed. False when there is nothing to feed. */
static bool find_work(struct indexing *indexing)
{
    struct block *block = indexing->block;
    if (block && indexing->block_len < committed_len(indexing, block))
        return true;
    struct block *next = block_behind(indexing);
    if (!next || !is_committed(indexing, next))
        return false;
    seal(indexing);
    if (block && block->ends_commit && wants_rotation(indexing))
        indexing_rotate(indexing);
    if (!indexing->failed)
        step_on(indexing, next);
    return !indexing->failed;
}

static enum rill_err feed(struct indexing *indexing, const struct record *record)
{
    struct record_commit commit;
    switch (record->type) {
    case RECORD_MESSAGE:
        return feed_message(indexing, record);
    case RECORD_DELETE:
    case RECORD_ERASE:
        feed_kept(indexing, record);
        break;
    case RECORD_ERASED: // meanwhile
        indexing->fed.sequence = record->sequence;
        break;
    case RECORD_PURGE:
        feed_purge(indexing, record);
        break;
    case RECORD_COMMIT:
        commit = record_commit_of(record); // its place was checked when it was written, or replayed
        feed_commit(indexing, &commit);
        break;
    default:
        break;
    }
    return RILL_OK;
}

/* False when the index has no room, or has failed. */
static bool feed_record(struct indexing *indexing, const struct record *record)
{
    const enum rill_err err = feed(indexing, record);
    if (err && err != RILL_ERR_LIMIT)
        indexing_fail(indexing, err, "feed a message");
    return !err && !indexing->failed;
}

static bool feed_block(struct indexing *indexing)
{
    struct block *block = indexing->block;
    const uint32_t end = committed_len(indexing, block);
    if (!block->data || is_full(indexing))
        return false;
    const uint32_t from = indexing->block_len;
    uint32_t at = from;
    while (at < end) {
        const struct record record = record_view(block->data->bytes + at);
        if (!feed_record(indexing, &record))
            break;
        at += (uint32_t)record.size;
    }
    if (indexing->failed)
        return false;
    indexing->block_len = at;
    if (at > from)
        note_place(indexing, block->segment->number, block->offset + (uint64_t)from, at - from);
    return at == end;
}

bool indexing_wants_step(struct indexing *indexing, uint64_t bytes)
{
    indexing->since_step += bytes;
    if (indexing->since_step < indexing->step_bytes)
        return false;
    indexing->since_step = 0;
    return indexing_keeps(indexing);
}

void indexing_advance(struct indexing *indexing, size_t blocks_max)
{
    for (; !indexing->failed && blocks_max && find_work(indexing); blocks_max--) {
        if (!feed_block(indexing))
            break;
    }
}

bool indexing_has_all(struct indexing *indexing)
{
    return !indexing->failed && !find_work(indexing) && !indexing->failed;
}

struct block *indexing_wants_block(struct indexing *indexing)
{
    const bool can = !indexing->failed && !is_full(indexing) && find_work(indexing);
    return can && !indexing->block->data ? indexing->block : NULL;
}

bool indexing_is_past(const struct indexing *indexing, uint64_t segment)
{
    return indexing->failed || segment < indexing->fed.segment;
}

bool indexing_holds_ids(struct indexing *indexing, uint64_t sequence)
{
    // Ids of what could not be read are not to be left out by the next open, so in such a life none are written early.
    if (indexing->failed || indexing->doubtful || !indexing->options.id_window_ns)
        return true;
    const bool holds = sequence <= indexing->fed.sequence && rill_index_holds_ids(indexing->index, sequence);
    indexing->is_awaited |= !holds;
    return holds || indexing->is_out_of_space;
}
