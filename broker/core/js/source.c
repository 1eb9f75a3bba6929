// SPDX-License-Identifier: Apache-2.0
//
// Which messages of the stream a consumer is to see. Everything that a filter will decide is asked here.
#include "base/assert.h"
#include "durable.h"

enum rill_err durable_next(const struct durable *durable, uint64_t from, uint64_t *ret_sequence)
{
    const struct stream *stream = durable->stream;
    struct rill_store_state log;
    RILL_ASSERT(from > 0);
    rill_store_state(stream->store, &log);
    const uint64_t sequence = from > log.first_sequence ? from : log.first_sequence;
    if (sequence > stream->last_committed)
        return RILL_ERR_NOT_FOUND;
    *ret_sequence = sequence;
    return RILL_OK;
}

/* How many sequences of the ranges, which are in order, lie between the two. */
static uint64_t count_between(const struct rill_store_range *ranges, size_t range_count, uint64_t first,
                              uint64_t last)
{
    uint64_t count = 0;
    for (size_t i = 0; i < range_count; i++) {
        const uint64_t from = ranges[i].first_sequence > first ? ranges[i].first_sequence : first;
        const uint64_t to = ranges[i].last_sequence < last ? ranges[i].last_sequence : last;
        count += to >= from ? to - from + 1 : 0;
    }
    return count;
}

/* Of the messages from the cursor on. */
static uint64_t pending_at_cursor(const struct durable *durable)
{
    const struct stream *stream = durable->stream;
    const uint64_t last = stream->last_committed;
    uint64_t first;
    size_t lost_count;
    size_t deleted_count;
    if (durable_next(durable, durable->consumer->cursor, &first))
        return 0;
    const struct rill_store_range *lost = rill_store_lost(stream->store, &lost_count);
    const uint64_t gone = count_between(lost, lost_count, first, last);
    const struct rill_store_range *deleted = rill_store_deleted(stream->store, &deleted_count);
    return last - first + 1 - gone - count_between(deleted, deleted_count, first, last);
}

uint64_t durable_pending(const struct durable *durable)
{
    return pending_at_cursor(durable) + durable->consumer->parked_count;
}
