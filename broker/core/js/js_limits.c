// SPDX-License-Identifier: Apache-2.0
#include "js_limits.h"

#include "stream.h"

#include <inttypes.h>

static const struct rill_js_error none;

static uint64_t reserved_bytes(const Rill__StreamConfig *config)
{
    return config && config->max_bytes > 0 ? (uint64_t)config->max_bytes : 0;
}

static void add_stream(const struct stream *stream, struct js_usage *usage)
{
    struct rill_store_state log = {0};
    const Rill__StreamConfig *config = stream->record_newest ? stream->record_newest->config : NULL;
    const bool memory = config && config->storage == RILL__STORAGE__STORAGE_MEMORY;
    if (stream->store)
        rill_store_state(stream->store, &log);
    usage->streams++;
    usage->consumers += stream->durable_count;
    *(memory ? &usage->memory_bytes : &usage->storage_bytes) += log.bytes;
    *(memory ? &usage->memory_reserved_bytes : &usage->storage_reserved_bytes) += reserved_bytes(config);
}

void js_limits_usage(const struct jetstream *js, struct js_usage *ret)
{
    *ret = (struct js_usage){0};
    for (const struct stream *stream = js->streams; stream; stream = stream->by_name.next)
        add_stream(stream, ret);
}

int64_t js_limits_storage_max(const struct jetstream *js)
{
    if (js->limits.storage_bytes_max > 0)
        return js->limits.storage_bytes_max;
    if (!js->free_bytes_at_start)
        return 0;
    return (js->free_bytes_at_start + (int64_t)js->recovered_bytes) / 4 * 3;
}

static struct rill_js_error check_one(const struct rill_jetstream_limits *limits,
                                      const Rill__StreamConfig *config, bool memory)
{
    const int64_t bytes_max = memory ? limits->memory_stream_bytes_max : limits->storage_stream_bytes_max;
    if (limits->max_bytes_required && config->max_bytes <= 0)
        return rill_js_error_of(RILL_JS_STREAM_MAX_BYTES_REQUIRED);
    if (bytes_max > 0 && config->max_bytes > bytes_max)
        return rill_js_error_of(RILL_JS_STREAM_MAX_BYTES_EXCEEDED);
    return none;
}

struct rill_js_error js_limits_check_stream(const struct jetstream *js, const Rill__StreamConfig *config,
                                            const Rill__StreamConfig *old)
{
    const bool memory = config->storage == RILL__STORAGE__STORAGE_MEMORY;
    const int64_t limit = memory ? js->limits.memory_bytes_max : js_limits_storage_max(js);
    struct js_usage usage;
    const struct rill_js_error error = check_one(&js->limits, config, memory);
    if (rill_js_error_is_set(&error))
        return error;
    js_limits_usage(js, &usage);
    if (!old && js->limits.streams_max > 0 && usage.streams >= (uint64_t)js->limits.streams_max)
        return rill_js_error_of(RILL_JS_STREAMS_MAX);
    const uint64_t reserved = memory ? usage.memory_reserved_bytes : usage.storage_reserved_bytes;
    const uint64_t wanted = reserved_bytes(config);
    const uint64_t had = reserved_bytes(old);
    if (limit > 0 && wanted > had && (wanted > (uint64_t)limit || reserved - had > (uint64_t)limit - wanted))
        return rill_js_error_of(memory ? RILL_JS_MEMORY_RESOURCES_EXCEEDED
                                       : RILL_JS_STORAGE_RESOURCES_EXCEEDED);
    return none;
}

// ---- consumers ----

enum { ACK_PENDING = 1000 }; // what a consumer gets that does not say otherwise

static bool is_pulled(const Rill__ConsumerConfig *config)
{
    return !config->deliver_subject || !config->deliver_subject[0];
}

void js_limits_fill_consumer(const struct jetstream *js, Rill__ConsumerConfig *config,
                             const Rill__StreamConfig *stream)
{
    const int64_t pending_max = js->limits.ack_pending_max;
    const int64_t batch_max = js->limits.request_batch_max;
    const bool streams_choice = stream->consumer_limits && stream->consumer_limits->max_ack_pending > 0;
    if (pending_max > 0 && pending_max < ACK_PENDING && config->max_ack_pending == 0 && !streams_choice &&
        config->ack_policy != RILL__ACK_POLICY__ACK_POLICY_NONE) {
        config->max_ack_pending = pending_max;
        config->has_max_ack_pending = true;
    }
    if (batch_max > 0 && config->max_batch == 0 && is_pulled(config)) {
        config->max_batch = batch_max;
        config->has_max_batch = true;
    }
}

struct rill_js_error js_limits_check_consumer(const struct jetstream *js, const Rill__ConsumerConfig *config)
{
    const int64_t pending_max = js->limits.ack_pending_max;
    const int64_t batch_max = js->limits.request_batch_max;
    if (pending_max > 0 && (config->max_ack_pending > pending_max || config->max_ack_pending < 0))
        return rill_js_error_with(RILL_JS_CONSUMER_MAX_ACK_PENDING_EXCESS, "%" PRId64, pending_max);
    if (batch_max > 0 && is_pulled(config) && config->max_batch > batch_max)
        return rill_js_error_with(RILL_JS_CONSUMER_MAX_BATCH_EXCEEDED, "%" PRId64, batch_max);
    return none;
}
