// SPDX-License-Identifier: Apache-2.0
//
// What a replay delivers: each record, what is in packed ones, and what is not there.
#include "replay_state.h"

#include "base/assert.h"
#include "indexing.h"
#include "pack.h"

enum rill_err replay_lost(struct replay *replay, uint64_t first, uint64_t last)
{
    replay->report->lost_ranges++;
    if (first <= last) {
        lost_add(&replay->store->lost, first, last);
        replay->report->lost_messages += last - first + 1;
    }
    return replay->visitor->lost ? replay->visitor->lost(replay->visitor->context, first, last) : RILL_OK;
}

static enum rill_err push_block(struct replay *replay, uint64_t offset, uint64_t first_sequence,
                                struct block **ret_block)
{
    if (replay->store->indexing)
        indexing_end_block(replay->store->indexing);
    return block_push(&replay->store->segments, first_sequence, offset, ret_block);
}

static void note_place(const struct replay *replay, uint64_t offset, size_t size)
{
    if (replay->store->indexing)
        indexing_note_place(replay->store->indexing, replay->at.segment, offset, size);
}

enum rill_err replay_note_block(struct replay *replay, uint64_t offset, size_t size, uint64_t first_sequence)
{
    struct segment_table *table = &replay->store->segments;
    struct block *last = block_last(table);
    if (!last || first_sequence != block_end(last) || last->offset + (uint64_t)last->len != offset ||
        last->len + size > BLOCK_BYTES || last->packed_len || replay->ends_block) {
        const enum rill_err err = push_block(replay, offset, first_sequence, &last);
        if (err)
            return err;
    }
    replay->ends_block = false;
    last->len += (uint32_t)size;
    note_place(replay, offset, size);
    return RILL_OK;
}

static enum rill_err deliver_message(struct replay *replay, const struct record *record)
{
    struct log_mark *at = &replay->at;
    RILL_ASSERT(record->sequence == at->sequence + 1); // I1
    block_count_message(block_last(&replay->store->segments), record->size, record->time_ns);
    at->sequence = record->sequence;
    at->time_ns = record->time_ns > at->time_ns ? record->time_ns : at->time_ns;
    replay->report->messages++;
    const struct rill_store_message message = {record->sequence, record->time_ns, record->subject,
                                               record->headers, record->body};
    return replay->visitor->message ? replay->visitor->message(replay->visitor->context, &message) : RILL_OK;
}

enum rill_err replay_tell_checkpoint(struct rill_store *store, const struct rill_store_visitor *visitor,
                                     struct rill_bytes bytes)
{
    const enum rill_err err = visitor->checkpoint ? visitor->checkpoint(visitor->context, bytes) : RILL_OK;
    seen_obey(store, visitor);
    return err;
}

enum rill_err replay_tell_event(struct rill_store *store, const struct rill_store_visitor *visitor,
                                const struct record *record)
{
    const enum rill_store_event type = (enum rill_store_event)record->type;
    const enum rill_err err = visitor->event ? visitor->event(visitor->context, type, record->body) : RILL_OK;
    seen_obey(store, visitor);
    return err;
}

static enum rill_err deliver_checkpoint(struct replay *replay, const struct record *record)
{
    struct rill_buf *last = &replay->store->checkpoint;
    last->len = 0;
    replay->is_muted = false;
    const enum rill_err err = rill_buf_append(last, record->body);
    if (err)
        return err;
    return replay_tell_checkpoint(replay->store, replay->visitor, record->body);
}

static enum rill_err deliver_event(struct replay *replay, const struct record *record)
{
    if (replay->is_muted)
        return RILL_OK;
    replay->report->events++;
    return replay_tell_event(replay->store, replay->visitor, record);
}

static enum rill_err tell_removed(struct replay *replay, uint64_t first, uint64_t last)
{
    return replay->visitor->removed ? replay->visitor->removed(replay->visitor->context, first, last)
                                    : RILL_OK;
}

/* E3. `missing` when damage has taken the message: then it may be half overwritten. */
static void note_erase(struct replay *replay, const struct record *record, bool missing)
{
    if (record->type != RECORD_ERASE)
        return;
    struct record_erase erase = record_erase_of(record);
    const struct segment *segment = segment_of(&replay->store->segments, erase.segment);
    const bool in_place = segment && segment->format == SEGMENT_VERSION && erase.offset;
    if (!in_place)
        erase.offset = 0; // it was rewritten since
    if (segment && segment->format && (in_place || !missing))
        store_erase_note(replay->store, replay->at.commit, &erase);
}

/* Damage has taken the message that a record removes: nobody misses it (E4). */
static enum rill_err deliver_delete_of_lost(struct replay *replay, const struct record *record,
                                            uint64_t sequence)
{
    lost_remove(&replay->store->lost, sequence);
    if (sequence <= replay->head_sequence)
        return RILL_OK; // not told of as lost yet
    replay->report->lost_messages--;
    note_erase(replay, record, true);
    return tell_removed(replay, sequence, sequence);
}

/* A delete, or an erase. */
static enum rill_err deliver_delete(struct replay *replay, const struct record *record)
{
    const struct record_delete removal = record_delete_of(record);
    struct block *block;
    if (lost_has(&replay->store->lost, removal.sequence))
        return deliver_delete_of_lost(replay, record, removal.sequence);
    const enum rill_err err = block_find(&replay->store->segments, removal.sequence, &block);
    if (err)
        return err;
    const uint64_t index = block ? removal.sequence - block->first_sequence : 0;
    if (block && index < block->count && replay->store->indexing)
        indexing_note_delete(replay->store->indexing, block, removal.sequence);
    if (!block || index >= block->count || live_is_gone(block->live, (uint32_t)index, LIVE_OPEN))
        return RILL_OK; // gone already
    block_lose(block, (uint32_t)index, removal.bytes);
    note_erase(replay, record, false);
    return tell_removed(replay, removal.sequence, removal.sequence);
}

static enum rill_err deliver_purge(struct replay *replay, const struct record *record)
{
    struct log_mark *at = &replay->at;
    const uint64_t next = at->sequence + 1;
    const uint64_t floor = record_purge_of(record) < next ? record_purge_of(record) : next;
    if (floor < at->said_floor)
        return RILL_OK;
    const bool is_new = floor > at->said_floor;
    at->said_segment = at->segment;
    at->said_floor = floor;
    return is_new && floor > 1 ? tell_removed(replay, 1, floor - 1) : RILL_OK;
}

static enum rill_err deliver_body(struct replay *replay, const struct record *record)
{
    switch (record->type) {
    case RECORD_CHECKPOINT:
        return deliver_checkpoint(replay, record);
    case RECORD_DELETE:
    case RECORD_ERASE:
        return deliver_delete(replay, record);
    case RECORD_PURGE:
        return deliver_purge(replay, record);
    default:
        return deliver_event(replay, record);
    }
}

/* E2. The record that has removed it comes later, and finds nothing. */
static enum rill_err deliver_erased(struct replay *replay, const struct record *record)
{
    struct log_mark *at = &replay->at;
    struct block *block = block_last(&replay->store->segments);
    RILL_ASSERT(record->sequence == at->sequence + 1); // I1
    block_count_message(block, record->size, at->time_ns);
    block_lose(block, block->count - 1, (uint32_t)record->size);
    at->sequence = record->sequence;
    return tell_removed(replay, record->sequence, record->sequence);
}

static enum rill_err deliver_one(struct replay *replay, const struct record *record)
{
    if (replay->store->indexing)
        indexing_note(replay->store->indexing, record);
    if (record->type == RECORD_MESSAGE)
        return deliver_message(replay, record);
    return record->type == RECORD_ERASED ? deliver_erased(replay, record) : deliver_body(replay, record);
}

// ---- what is not there ----

/* They become a part of the block in front of them, so that messages far apart still share one. */
static enum rill_err tell_left_out(struct replay *replay, uint64_t first, uint64_t last)
{
    struct block *block = block_last(&replay->store->segments);
    if (block && block_end(block) == first && !block->count)
        block->first_sequence = last + 1;
    else if (block && block_end(block) == first && last - first < BLOCK_SKIP_MAX)
        block_skip(block, (uint32_t)(last - first + 1));
    return tell_removed(replay, first, last);
}

enum rill_err replay_gap(struct replay *replay, uint64_t sequence)
{
    struct log_mark *at = &replay->at;
    if (sequence <= at->sequence)
        return RILL_OK;
    const uint64_t first = at->sequence + 1;
    const enum rill_err err =
        replay->left_out ? tell_left_out(replay, first, sequence) : replay_lost(replay, first, sequence);
    at->sequence = sequence;
    return err;
}

// ---- packed records ----

static enum rill_err deliver_unpacked(struct replay *replay, const struct record_packed *packed)
{
    const bool outside = replay->left_out;
    enum rill_err err = RILL_OK;
    replay->left_out = true;
    for (size_t at = 0; !err && at < packed->bytes;) {
        const struct record record = record_view(replay->unpacked + at);
        err = replay_gap(replay, record.sequence - record_is_numbered(record.type));
        if (!err)
            err = deliver_one(replay, &record);
        at += record.size;
    }
    replay->left_out = outside;
    return err;
}

/* A block of its own. */
static enum rill_err push_packed(struct replay *replay, const struct record_packed *packed, uint64_t offset,
                                 size_t size)
{
    struct block *block;
    const enum rill_err err = push_block(replay, offset, packed->sequence + 1, &block);
    if (err)
        return err;
    note_place(replay, offset, size);
    block->len = packed->bytes;
    block->packed_len = (uint32_t)size;
    return deliver_unpacked(replay, packed);
}

/* One that does not hold what it says is damage, and says of which messages (V10). */
static enum rill_err deliver_packed(struct replay *replay, const struct record *record, uint64_t offset,
                                    uint64_t limit)
{
    const struct record_packed packed = record_packed_of(record);
    if (packed.last > limit || packed.last < packed.sequence)
        return RILL_OK;
    enum rill_err err = replay_gap(replay, packed.sequence);
    if (err)
        return err;
    err = pack_open_into(&packed, &replay->unpacked, &replay->unpacked_capacity);
    if (err != RILL_ERR_DAMAGED)
        return err ? err : push_packed(replay, &packed, offset, record->size);
    err = replay_lost(replay, packed.sequence + 1, packed.last);
    replay->at.sequence = packed.last;
    return err;
}

enum rill_err replay_deliver(struct replay *replay, const struct record *record, uint64_t offset,
                             uint64_t limit)
{
    const bool numbered = record_is_numbered(record->type);
    const uint64_t least = replay->at.sequence + numbered;
    if (record->type == RECORD_COMMIT || record->sequence < least || record->sequence > limit)
        return RILL_OK;
    if (record->type == RECORD_PACKED)
        return deliver_packed(replay, record, offset, limit);
    enum rill_err err = replay_gap(replay, record->sequence - numbered);
    if (!err)
        err = replay_note_block(replay, offset, record->size, replay->at.sequence + 1);
    return err ? err : deliver_one(replay, record);
}
