// SPDX-License-Identifier: Apache-2.0
#include "jetstream_stats.h"

#include "durable.h"
#include "js_state.h"
#include "stream.h"

/* Why it does not do all that a stream does, NULL when it does. */
static const char *trouble_of(const struct stream *stream)
{
    if (stream->state == STREAM_OFFLINE)
        return stream->why.text;
    return stream->broken ? "read-only after an input/output error" : NULL;
}

static void add_stream(const struct stream *stream, struct jetstream_stats *ret)
{
    const char *trouble = trouble_of(stream);
    ret->streams++;
    ret->consumers += stream->durable_count;
    ret->recovering += stream->state == STREAM_RECOVERING;
    if (trouble) {
        ret->unavailable++;
        ret->unavailable_name = stream->name;
        ret->unavailable_why = trouble;
    }
    if (!stream->store)
        return;
    struct rill_store_state log;
    rill_store_state(stream->store, &log);
    ret->messages += log.messages;
    ret->bytes += log.bytes;
    ret->disk_bytes += log.disk_bytes;
}

void jetstream_stats(const struct jetstream *js, struct jetstream_stats *ret)
{
    *ret = (struct jetstream_stats){
        .store_dir = js->store_dir,
        .unavailable_name = "",
        .unavailable_why = "",
        .api_requests = js->api_total,
        .api_errors = js->api_errors,
        .recovering = !js->listed,
    };
    for (const struct stream *stream = js->streams; stream; stream = stream->by_name.next)
        add_stream(stream, ret);
}
