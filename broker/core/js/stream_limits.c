// SPDX-License-Identifier: Apache-2.0
#include "stream_limits.h"

#include "asked.h"
#include "base/assert.h"
#include "js_limits.h"
#include "stream_markers.h"
#include "stream_tidy.h"

/* When something was in the way of removing what is old. */
#define TRY_AGAIN_NS RILL_NS_PER_S

static uint64_t limit_of(int64_t configured)
{
    return configured > 0 ? (uint64_t)configured : 0;
}

struct rill_store_limits stream_limits_of(const Rill__StreamConfig *config)
{
    return (struct rill_store_limits){
        .max_messages = limit_of(config->max_msgs),
        .max_bytes = limit_of(config->max_bytes),
        .max_messages_per_subject = limit_of(config->max_msgs_per_subject),
        .discard_new_per_subject = config->discard_new_per_subject,
        .message_ttl = config->allow_msg_ttl,
        .max_age_ns = config->max_age > 0 ? config->max_age : 0,
        .discard_new = config->discard == RILL__DISCARD__DISCARD_NEW,
    };
}

static void look_in(struct stream *stream, int64_t delay_ns)
{
    struct rill_core *core = stream->js->core;
    const int64_t at_ns = delay_ns < INT64_MAX - core->now.mono_ns
                              ? core->now.mono_ns + (delay_ns > 0 ? delay_ns : 0)
                              : INT64_MAX;
    rill_deadline_set(&core->deadlines, &stream->age_due, at_ns);
}

void stream_limits_apply(struct stream *stream)
{
    const struct rill_store_limits limits = stream_limits_of(stream->record->config);
    rill_store_set_limits(stream->store, &limits);
    rill_store_set_compress(stream->store,
                            stream->record->config->compression == RILL__COMPRESSION__COMPRESSION_S2);
    stream->commit_wanted = true; // there may be too much now
    stream_touch(stream);
    rill_deadline_cancel(&stream->js->core->deadlines, &stream->age_due);
    stream_limits_watch(stream);
    if (stream->record->config->allow_msg_ttl)
        look_in(stream, 0); // only the store knows when the first one goes
}

static bool is_in_memory(const struct stream *stream)
{
    return stream->record->config->storage == RILL__STORAGE__STORAGE_MEMORY;
}

static void count_bytes(struct stream *stream, uint64_t bytes)
{
    struct jetstream *js = stream->js;
    uint64_t *total = is_in_memory(stream) ? &js->memory_bytes : &js->file_bytes;
    RILL_ASSERT(*total >= stream->counted_bytes);
    *total = *total - stream->counted_bytes + bytes;
    stream->counted_bytes = bytes;
}

void stream_limits_watch(struct stream *stream)
{
    struct rill_store_state log;
    const int64_t max_age_ns = stream->record->config->max_age;
    rill_store_state(stream->store, &log);
    count_bytes(stream, log.bytes);
    if (max_age_ns > 0 && log.messages && !rill_deadline_armed(&stream->age_due))
        look_in(stream, log.first_time_ns + max_age_ns - stream->js->core->now.wall_ns);
}

void stream_limits_note_ttl(struct stream *stream, int64_t ttl_ns)
{
    const int64_t at_ns = stream->js->core->now.mono_ns + ttl_ns;
    if (ttl_ns > 0 && (!rill_deadline_armed(&stream->age_due) || stream->age_due.at_ns > at_ns))
        look_in(stream, ttl_ns);
}

void stream_limits_forget(struct stream *stream)
{
    if (stream->record)
        count_bytes(stream, 0);
}

bool stream_limits_server_is_full(const struct stream *stream)
{
    const struct jetstream *js = stream->js;
    const bool memory = is_in_memory(stream);
    const int64_t limit = memory ? js->limits.memory_bytes_max : js_limits_storage_max(js);
    return limit > 0 && (memory ? js->memory_bytes : js->file_bytes) >= (uint64_t)limit;
}

/* A message has gone by its age; the last one of its subject leaves a marker. */
static void note_gone(void *context, const struct rill_store_gone *gone)
{
    if (gone->is_last && !stream_marker_is(gone->headers))
        stream_markers_add(context, gone->subject);
}

static enum rill_err expire(struct stream *stream, int64_t now_ns, struct rill_store_expired *ret)
{
    struct stream_markers markers;
    stream_markers_init(&markers);
    const bool marks = stream_markers_are_wanted(stream);
    const enum rill_err err =
        rill_store_expire(stream->store, now_ns, marks ? note_gone : NULL, &markers, ret);
    stream_markers_append(stream, &markers, STREAM_MARKER_MAX_AGE);
    return err;
}

void stream_limits_due(struct stream *stream)
{
    struct rill_store_expired expired = {0};
    const Rill__StreamConfig *config = stream->record->config;
    const int64_t now_ns = stream->js->core->now.wall_ns;
    if (stream->state != STREAM_ACTIVE || stream->broken || (config->max_age <= 0 && !config->allow_msg_ttl))
        return;
    const enum rill_err err = expire(stream, now_ns, &expired);
    if (expired.messages) {
        stream->commit_wanted = true;
        stream_touch(stream);
    }
    if (err == RILL_ERR_AGAIN && expired.load_sequence)
        asked_load(stream, expired.load_sequence);
    else if (err == RILL_ERR_AGAIN)
        stream_tidy(stream);
    if (err)
        look_in(stream, err == RILL_ERR_AGAIN ? RILL_NS_PER_MS : TRY_AGAIN_NS);
    else if (expired.next_ns != INT64_MAX)
        look_in(stream, expired.next_ns - now_ns);
}
