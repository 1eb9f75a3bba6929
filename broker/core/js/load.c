// SPDX-License-Identifier: Apache-2.0
//
// A message that a consumer wants and that is not in memory: a job brings its block, and delivery goes on when it is back.
// Who has gone from one block to the next reads in order: the blocks behind are brought before they are needed.
#include "durable.h"
#include "stream_load.h"

enum {
    AHEAD_BLOCKS = 2,
    AHEAD_LOADS_MAX = 16, // of a stream: with more out its readers share the disk, and the cache, as it is
};

void durable_load_ahead(struct durable *durable, uint64_t sequence)
{
    struct stream *stream = durable->stream;
    uint64_t first, end;
    if (!rill_store_load_range(stream->store, sequence, &first, &end))
        return;
    const bool in_order = first == durable->ahead_at;
    durable->ahead_at = end;
    for (unsigned i = 0; in_order && i < AHEAD_BLOCKS && stream->loads_out < AHEAD_LOADS_MAX; i++) {
        struct rill_store_job *store_job = rill_store_load_start(stream->store, end);
        if (store_job)
            stream_load(stream, store_job);
        if (!rill_store_load_range(stream->store, end, &first, &end))
            break;
    }
}

/* The message's block is not in memory. Another load may be bringing it; with none out the next turn tries again, or, where
   the segment's directory went with the index, that is waited for. */
void durable_load(struct durable *durable, uint64_t sequence)
{
    struct stream *stream = durable->stream;
    struct rill_store_job *store_job =
        stream->state == STREAM_ACTIVE ? rill_store_load_start(stream->store, sequence) : NULL;
    if (!store_job) {
        if (stream->loads_out)
            durable_wait_for_stream(durable);
        else if (stream->state == STREAM_ACTIVE && rill_store_wants_mend(stream->store))
            source_wait(durable);
        else if (stream->state == STREAM_ACTIVE)
            durable_serve_later(durable);
        return;
    }
    durable_wait_for_stream(durable);
    stream_load(stream, store_job);
}
