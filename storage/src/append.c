// SPDX-License-Identifier: Apache-2.0
//
// Appending: records are encoded at the end of the tail block, where they stay until the block is evicted.
#include "store_impl.h"

#include "base/assert.h"
#include "store_limits.h"

static struct block *open_tail(struct rill_store *store)
{
    struct segment_table *table = &store->segments;
    if (table->segments[table->count - 1]->number != store->open.segment)
        (void)segment_push(table, store->open.segment, store->open.sequence + 1);
    return block_last(table);
}

static bool has_room(const struct rill_store *store, const struct block *tail, size_t size)
{
    return tail && tail->data && size <= tail->data->capacity - tail->len && !store->ends_block &&
           !tail->packed_len && tail->offset + (uint64_t)tail->len == store->open.offset;
}

static enum rill_err new_tail(struct rill_store *store, size_t size, struct block **ret_tail)
{
    struct segment_table *table = &store->segments;
    const struct log_mark *open = &store->open;
    enum rill_err err = block_push(table, open->sequence + 1, open->offset, ret_tail);
    if (err)
        return err;
    err = block_attach_room(&table->cache, *ret_tail, size);
    if (err) {
        segment_cut(table, open->segment, (*ret_tail)->index);
        return err;
    }
    store->ends_block = false;
    // The committed tail stays: after a rollback it is the block that is appended to.
    store_cache_trim(store);
    return RILL_OK;
}

/* Room for `size` bytes behind `open`. The tail block is used while it has room, then a new one begins. */
static enum rill_err log_room(struct rill_store *store, size_t size, uint8_t **ret_at)
{
    struct block *tail = open_tail(store);
    if (!has_room(store, tail, size)) {
        const enum rill_err err = new_tail(store, size, &tail);
        if (err)
            return err;
    }
    *ret_at = tail->data->bytes + tail->len;
    return RILL_OK;
}

static void log_advance(struct rill_store *store, size_t size)
{
    struct block *tail = block_last(&store->segments);
    tail->len += (uint32_t)size;
    store->open.offset += size;
    store->open.block = tail;
    store->open.block_len = tail->len;
    store->open.block_messages = tail->count;
    store->open.block_bytes = tail->bytes;
    store->commit.bytes += size;
    RILL_ASSERT(tail->offset + (uint64_t)tail->len == store->open.offset);
}

enum rill_err store_commit_open(struct rill_store *store)
{
    if (store->commit.record)
        return RILL_OK;
    uint8_t *at;
    struct block *before = block_last(&store->segments);
    const enum rill_err err = log_room(store, RECORD_COMMIT_BYTES, &at);
    if (err)
        return err;
    if (before && before != block_last(&store->segments))
        before->ends_commit = true;
    store->commit = (struct open_commit){
        .record = at,
        .block = block_last(&store->segments),
        .offset = store->open.offset,
    };
    // A walk over the block must get past it before it is filled in.
    record_put_commit(at, 0, &(struct record_commit){0});
    log_advance(store, RECORD_COMMIT_BYTES);
    return RILL_OK;
}

enum rill_err store_record_room(struct rill_store *store, size_t size, uint8_t **ret_at)
{
    const uint64_t used = store->commit.record ? store->commit.bytes : RECORD_COMMIT_BYTES;
    if (store->read_only)
        return RILL_ERR_READ_ONLY;
    if (used > store->commit_bytes_max || size + limits_reserve(store) > store->commit_bytes_max - used)
        return RILL_ERR_LIMIT;
    const enum rill_err err = store_commit_open(store);
    return err ? err : log_room(store, size, ret_at);
}

void store_record_advance(struct rill_store *store, size_t size)
{
    store->commit.record_count++;
    log_advance(store, size);
}

static bool message_fits(const struct rill_store *store, const struct rill_store_message *message)
{
    return message->subject.len <= UINT16_MAX && message->headers.len <= store->commit_bytes_max &&
           message->payload.len <= store->commit_bytes_max;
}

enum rill_err rill_store_append(struct rill_store *store, struct rill_store_message *message)
{
    if (!message_fits(store, message))
        return RILL_ERR_LIMIT;
    uint8_t *at;
    const size_t size = record_message_size(message);
    enum rill_err err = limits_check(store, message->subject, size);
    if (!err)
        err = store_record_room(store, size, &at);
    if (err)
        return err;
    struct log_mark *open = &store->open;
    message->sequence = ++open->sequence;
    if (message->time_ns < open->time_ns)
        message->time_ns = open->time_ns; // I1
    open->time_ns = message->time_ns;
    record_put_message(at, store->seed + open->offset, message);
    block_count_message(block_last(&store->segments), size, message->time_ns);
    open->messages++;
    open->bytes += size;
    store->commit.message_count++;
    seen_note(store, message);
    open_subjects_appended(store, message->sequence, message->subject);
    store_record_advance(store, size);
    return RILL_OK;
}

enum rill_err rill_store_append_event(struct rill_store *store, enum rill_store_event type,
                                      struct rill_bytes bytes)
{
    if (bytes.len > store->commit_bytes_max)
        return RILL_ERR_LIMIT;
    uint8_t *at;
    const size_t size = record_body_size(bytes.len);
    const enum rill_err err = store_record_room(store, size, &at);
    if (err)
        return err;
    record_put_body(at, store->seed + store->open.offset, (uint8_t)type, store->open.sequence,
                    store->open.time_ns, bytes);
    store_record_advance(store, size);
    return RILL_OK;
}

uint64_t rill_store_open_bytes(const struct rill_store *store)
{
    return store->commit.record_count ? store->commit.bytes : 0;
}

uint64_t rill_store_open_commit(const struct rill_store *store)
{
    return store->open.commit + 1;
}
