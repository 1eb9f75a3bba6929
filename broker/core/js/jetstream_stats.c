// SPDX-License-Identifier: Apache-2.0
#include "jetstream_stats.h"

#include "base/assert.h"
#include "durable.h"
#include "js_state.h"
#include "stream.h"

// ---- one stream ----

const char *stream_health_name(enum stream_health health)
{
    switch (health) {
    case STREAM_HEALTH_OK:
        return "ok";
    case STREAM_HEALTH_RECOVERING:
        return "recovering";
    case STREAM_HEALTH_OFFLINE:
        return "offline";
    case STREAM_HEALTH_READ_ONLY:
        return "read-only";
    case STREAM_HEALTH_FULL:
        return "full";
    case STREAM_HEALTH_INDEXING:
        return "indexing";
    }
    RILL_UNREACHABLE();
}

static enum stream_health read_only(const struct stream *stream, struct rill_error_text *ret_reason)
{
    struct rill_store_state log = {0};
    if (stream->store)
        rill_store_state(stream->store, &log);
    if (log.why.text[0])
        *ret_reason = log.why;
    else
        rill_error_text_set(ret_reason, "an input/output error");
    return STREAM_HEALTH_READ_ONLY;
}

static enum stream_health indexing(const struct stream *stream, struct rill_error_text *ret_reason)
{
    struct rill_store_state log;
    rill_store_state(stream->store, &log);
    *ret_reason = log.index_why;
    rill_error_text_wrap(ret_reason, "its index is being made again");
    return STREAM_HEALTH_INDEXING;
}

enum stream_health stream_health(const struct stream *stream, struct rill_error_text *ret_reason)
{
    ret_reason->text[0] = '\0';
    if (stream->state == STREAM_RECOVERING) {
        rill_error_text_set(ret_reason, "its log is being read: %llu messages so far",
                            (unsigned long long)atomic_load(&stream->replayed_messages));
        return STREAM_HEALTH_RECOVERING;
    }
    if (stream->state == STREAM_OFFLINE) {
        *ret_reason = stream->why;
        return STREAM_HEALTH_OFFLINE;
    }
    if (stream->broken)
        return read_only(stream, ret_reason);
    if (!stream->full)
        return stream->store && rill_store_wants_mend(stream->store) ? indexing(stream, ret_reason)
                                                                     : STREAM_HEALTH_OK;
    rill_error_text_set(ret_reason, "no space left on the device");
    return STREAM_HEALTH_FULL;
}

bool stream_is_shown(const struct stream *stream)
{
    return stream->state == STREAM_RECOVERING || stream->state == STREAM_ACTIVE ||
           stream->state == STREAM_OFFLINE || stream->state == STREAM_STOPPING;
}

// ---- all of them ----

static void add_stream(const struct stream *stream, struct jetstream_stats *ret)
{
    const bool recovering = stream->state == STREAM_RECOVERING;
    ret->recovering += recovering;
    ret->replayed_messages += recovering ? atomic_load(&stream->replayed_messages) : 0;
    ret->unavailable += stream->state == STREAM_OFFLINE || stream->broken || stream->full;
    if (!stream->store)
        return;
    struct rill_store_state log;
    rill_store_state(stream->store, &log);
    ret->messages += log.messages;
    ret->bytes += log.bytes;
    ret->disk_bytes += log.disk_bytes;
    ret->lost_messages += log.lost_messages;
}

void jetstream_stats(const struct jetstream *js, struct jetstream_stats *ret)
{
    *ret = (struct jetstream_stats){.store_dir = ""};
    if (!js)
        return;
    ret->store_dir = js->store_dir;
    ret->domain = js->domain;
    ret->strict = !js->lenient;
    ret->sync_interval_ns = js->sync_interval_ns;
    ret->limits = js->limits;
    ret->storage_bytes_max = js_limits_storage_max(js);
    ret->api_requests = js->api_total;
    ret->api_errors = js->api_errors;
    ret->listed = js->listed;
    ret->list_failed = js->list_failed;
    ret->commits_failed = js->commits_failed;
    ret->publishes_refused = js->publishes_refused;
    js_limits_usage(js, &ret->usage);
    for (const struct stream *stream = js->streams; stream; stream = stream->by_name.next)
        add_stream(stream, ret);
}
