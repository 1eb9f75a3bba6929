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

/* Of the sequences from `first` to `last`. */
static uint64_t lost_between(const struct stream *stream, uint64_t first, uint64_t last)
{
    size_t range_count;
    uint64_t count = 0;
    const struct rill_store_range *lost = rill_store_lost(stream->store, &range_count);
    for (size_t i = 0; i < range_count; i++) {
        const uint64_t from = lost[i].first_sequence > first ? lost[i].first_sequence : first;
        const uint64_t to = lost[i].last_sequence < last ? lost[i].last_sequence : last;
        count += to >= from ? to - from + 1 : 0;
    }
    return count;
}

uint64_t durable_pending(const struct durable *durable)
{
    const struct stream *stream = durable->stream;
    uint64_t first;
    if (durable_next(durable, durable->consumer->cursor, &first))
        return 0;
    return stream->last_committed - first + 1 - lost_between(stream, first, stream->last_committed);
}
