// SPDX-License-Identifier: Apache-2.0
//
// Feeding the index: what the records of the log say to it, and how far it is. Messages go to it in runs, which costs the
// appending thread half of what each by itself would.
#include "indexing.h"

#include "base/clock.h"
#include "proto/headers.h"
#include "proto/message_ttl.h"

enum { AHEAD = 8 }; // records

void indexing_seal(struct indexing *indexing)
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
bool indexing_has_many_erases(const struct indexing *indexing)
{
    return indexing->store->erasure_count > SUMMARY_ERASES_MAX;
}

// ---- what the log says ----

void indexing_place(struct indexing *indexing, uint64_t segment, uint64_t offset, size_t size)
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

static struct rill_index_message message_of(const struct record *record, int64_t after_ns)
{
    struct rill_index_message message = {
        .sequence = record->sequence,
        .time_ns = record->time_ns > after_ns ? record->time_ns : after_ns,
        .subject = record->subject,
    };
    if (record->headers.len) {
        (void)rill_headers_find(record->headers, RILL_BYTES("Nats-Msg-Id"), &message.id);
        message.expire_ns = expiry_of(record);
    }
    return message;
}

static enum rill_err feed_messages(struct indexing *indexing, const struct rill_index_message *messages,
                                   size_t count, size_t *ret_fed)
{
    struct rill_index_block *open = &indexing->open;
    const enum rill_err err = rill_index_feed_run(indexing->index, messages, count, ret_fed);
    if (!*ret_fed)
        return err;
    const struct rill_index_message *last = &messages[*ret_fed - 1];
    if (!open->first_time_ns)
        open->first_time_ns = messages[0].time_ns;
    open->last_time_ns = last->time_ns;
    indexing->fed.sequence = last->sequence;
    indexing->fed.time_ns = last->time_ns;
    return err;
}

enum rill_err indexing_feed_message(struct indexing *indexing, const struct record *record)
{
    const struct rill_index_message message = message_of(record, indexing->fed.time_ns);
    size_t fed;
    return feed_messages(indexing, &message, 1, &fed);
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

void indexing_feed_purge(struct indexing *indexing, const struct record *record)
{
    const uint64_t next = indexing->fed.sequence + 1, said = record_purge_of(record);
    feed_floor(indexing, said < next ? said : next);
}

void indexing_feed_commit(struct indexing *indexing, const struct record_commit *commit)
{
    indexing->fed.commit = commit->number;
    indexing->fed.sequence = commit->sequence;
    if (commit->time_ns > indexing->fed.time_ns)
        indexing->fed.time_ns = commit->time_ns;
}

void indexing_feed_delete(struct indexing *indexing, uint64_t sequence, struct rill_bytes subject)
{
    const enum rill_err err = rill_index_delete(indexing->index, sequence, subject);
    if (err && err != RILL_ERR_NOT_FOUND) // it was purged
        indexing_fail(indexing, err, "delete a message");
}

/* Then one grows to the size of two. */
bool indexing_is_full(const struct indexing *indexing)
{
    return rill_index_is_full(indexing->index) ||
           (indexing_has_many_erases(indexing) && rill_index_is_large(indexing->index));
}

bool indexing_wants_rotation(const struct indexing *indexing)
{
    if (indexing->failed || indexing->rotated || indexing_has_many_erases(indexing))
        return false;
    const unsigned times = rill_index_is_sparse(indexing->index) ? INDEXING_SPARSE_TIMES : 1;
    return indexing->since_rotation >= indexing->log_bytes * times ||
           rill_index_wants_rotation(indexing->index);
}

// ---- while it serves ----

static void feed_kept(struct indexing *indexing, const struct record *record)
{
    const uint64_t sequence = record_delete_of(record).sequence;
    indexing_feed_delete(indexing, sequence, indexing_kept_subject(indexing, sequence));
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
    indexing_seal(indexing);
    if (block && block->ends_commit && indexing_wants_rotation(indexing))
        indexing_rotate(indexing);
    if (!indexing->failed)
        step_on(indexing, next);
    return !indexing->failed;
}

static void feed_other(struct indexing *indexing, const struct record *record)
{
    struct record_commit commit;
    switch (record->type) {
    case RECORD_DELETE:
    case RECORD_ERASE:
        feed_kept(indexing, record);
        break;
    case RECORD_ERASED: // meanwhile
        indexing->fed.sequence = record->sequence;
        break;
    case RECORD_PURGE:
        indexing_feed_purge(indexing, record);
        break;
    case RECORD_COMMIT:
        commit = record_commit_of(record); // its place was checked when it was written, or replayed
        indexing_feed_commit(indexing, &commit);
        break;
    default:
        break;
    }
}

/* Messages of a block that stand one behind the other. */
struct run {
    struct rill_index_message messages[RILL_INDEX_RUN_MAX];
    uint32_t ends[RILL_INDEX_RUN_MAX];
    size_t count;
};

static void take_run(const struct indexing *indexing, uint32_t at, uint32_t end, struct run *ret)
{
    const uint8_t *bytes = indexing->block->data->bytes;
    int64_t time_ns = indexing->fed.time_ns;
    for (ret->count = 0; at < end && ret->count < RILL_INDEX_RUN_MAX; ret->count++) {
        const struct record record = record_view(bytes + at);
        if (record.type != RECORD_MESSAGE)
            break;
        // Where one will be that is needed soon, if all are as long; what was appended has left the nearest cache.
        __builtin_prefetch(bytes + at + record.size * AHEAD);
        __builtin_prefetch(bytes + at + record.size * AHEAD + RECORD_MESSAGE_BYTES);
        at += (uint32_t)record.size;
        ret->messages[ret->count] = message_of(&record, time_ns);
        ret->ends[ret->count] = at;
        time_ns = ret->messages[ret->count].time_ns;
    }
}

/* A run of messages, or another record, from *at on. False when the index has no room, or has failed. */
static bool feed_some(struct indexing *indexing, uint32_t *at, uint32_t end)
{
    struct run run; // large: what is not used is not cleared
    take_run(indexing, *at, end, &run);
    if (!run.count) {
        const struct record record = record_view(indexing->block->data->bytes + *at);
        feed_other(indexing, &record);
        *at += (uint32_t)record.size;
        return !indexing->failed;
    }
    size_t fed;
    const enum rill_err err = feed_messages(indexing, run.messages, run.count, &fed);
    if (fed)
        *at = run.ends[fed - 1];
    if (err && err != RILL_ERR_LIMIT)
        indexing_fail(indexing, err, "feed a message");
    return !err;
}

static bool feed_block(struct indexing *indexing)
{
    struct block *block = indexing->block;
    const uint32_t end = committed_len(indexing, block);
    if (!block->data || indexing_is_full(indexing))
        return false;
    const uint32_t from = indexing->block_len;
    uint32_t at = from;
    while (at < end && feed_some(indexing, &at, end))
        ;
    if (indexing->failed)
        return false;
    indexing->block_len = at;
    if (at > from)
        indexing_place(indexing, block->segment->number, block->offset + (uint64_t)from, at - from);
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
    const bool can = !indexing->failed && !indexing_is_full(indexing) && find_work(indexing);
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
