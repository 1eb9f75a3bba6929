// SPDX-License-Identifier: Apache-2.0
#include "stream.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "durable.h"
#include "early_pulls.h"
#include "proto/json_codec.h"
#include "proto/message.h"
#include "proto/rfc3339.h"
#include "proto/subject.h"
#include "stream_limits.h"
#include "stream_shown.h"
#include "stream_tidy.h"

#include <stdlib.h>

enum { MSG_ID_BYTES_MAX = 64 * 1024, PREFIX_BYTES_MAX = 8 * 1024 };

// ---- life ----

struct stream *stream_find(struct jetstream *js, struct rill_bytes name)
{
    struct stream *stream = NULL;
    HASH_FIND(by_name, js->streams, name.data, name.len, stream);
    return stream;
}

/* The part of an acknowledgement that never changes. */
static void write_ack_prefix(struct stream *stream)
{
    rill_buf_init(&stream->ack_prefix, PREFIX_BYTES_MAX);
    enum rill_err err = rill_buf_append(&stream->ack_prefix, RILL_BYTES("{\"stream\":"));
    if (!err)
        err = rill_json_append_string(&stream->ack_prefix, rill_bytes_from_cstr(stream->name));
    if (!err && stream->js->domain) {
        err = rill_buf_append(&stream->ack_prefix, RILL_BYTES(",\"domain\":"));
        if (!err)
            err = rill_json_append_string(&stream->ack_prefix, rill_bytes_from_cstr(stream->js->domain));
    }
    if (!err)
        err = rill_buf_append(&stream->ack_prefix, RILL_BYTES(",\"seq\":"));
    RILL_ASSERT(err == RILL_OK); // a name has at most 255 bytes
}

struct stream *stream_add(struct jetstream *js, const char *name, enum stream_state state)
{
    struct stream *stream = rill_alloc_zero(1, sizeof *stream);
    stream->js = js;
    stream->name = rill_alloc_cstr(rill_bytes_from_cstr(name));
    stream->state = state;
    stream->due.kind = DEADLINE_STREAM;
    stream->age_due.kind = DEADLINE_STREAM_AGE;
    stream->sync_due.kind = DEADLINE_STREAM_SYNC;
    pub_acks_init(&stream->acks_open);
    pub_acks_init(&stream->acks_flying);
    pub_acks_init(&stream->acks_durable);
    pub_acks_init(&stream->synced_open);
    pub_acks_init(&stream->synced_flying);
    pub_acks_init(&stream->synced_durable);
    rill_buf_init(&stream->last_msg_id, MSG_ID_BYTES_MAX);
    rill_buf_init(&stream->last_msg_id_flying, MSG_ID_BYTES_MAX);
    rill_buf_init(&stream->last_msg_id_committed, MSG_ID_BYTES_MAX);
    write_ack_prefix(stream);
    HASH_ADD_KEYPTR(by_name, js->streams, stream->name, strlen(stream->name), stream);
    return stream;
}

static void free_durables(struct stream *stream)
{
    struct durable *durable;
    struct durable *next;
    HASH_ITER (by_name, stream->durables, durable, next) {
        durable_end(durable, rill_bytes_of(NULL, 0));
    }
}

/* What ends may have been touched in this turn: a client's last words to it. */
static void untouch(struct stream *stream)
{
    struct stream **link = &stream->js->touched;
    while (*link && *link != stream)
        link = &(*link)->touched_next;
    if (*link)
        *link = stream->touched_next;
    stream->touched = false;
}

void stream_free(struct stream *stream)
{
    struct jetstream *js = stream->js;
    struct kept_messages held = stream->held;
    RILL_ASSERT(!stream->store && !stream->commit_out && !stream->loads_out && !stream->waiters &&
                !stream->asked && !stream->parked.first && !stream->expected_filter);
    stream_deactivate(stream);
    stream_limits_forget(stream);
    early_pulls_end(stream);
    free_durables(stream);
    untouch(stream);
    rill_deadline_cancel(&js->core->deadlines, &stream->due);
    rill_deadline_cancel(&js->core->deadlines, &stream->age_due);
    rill_deadline_cancel(&js->core->deadlines, &stream->sync_due);
    HASH_DELETE(by_name, js->streams, stream);
    stream_shown_forget(stream);
    if (stream->record)
        rill_message_free(&stream->record->base);
    retention_fini(&stream->retention);
    pub_acks_fini(&stream->acks_open);
    pub_acks_fini(&stream->acks_flying);
    pub_acks_fini(&stream->acks_durable);
    pub_acks_fini(&stream->synced_open);
    pub_acks_fini(&stream->synced_flying);
    pub_acks_fini(&stream->synced_durable);
    rill_buf_fini(&stream->ack_prefix);
    rill_buf_fini(&stream->last_msg_id);
    rill_buf_fini(&stream->last_msg_id_flying);
    rill_buf_fini(&stream->last_msg_id_committed);
    dedupe_fini(&stream->dedupe);
    stream_republish_end(stream);
    rill_subject_transform_destroy(stream->transform);
    free(stream->name);
    free(stream);
    held_release(js, &held); // some may be about a stream that will have its name
}

/* The configuration was checked with this. */
static void compile_transform(struct stream *stream)
{
    const Rill__SubjectTransform *wanted = stream->record->config->subject_transform;
    struct rill_error_text why;
    rill_subject_transform_destroy(stream->transform);
    stream->transform = NULL;
    if (wanted && wanted->dest && wanted->dest[0] &&
        rill_subject_transform_create(rill_bytes_from_cstr(wanted->src), rill_bytes_from_cstr(wanted->dest),
                                      &stream->transform, &why))
        rill_log(&stream->js->core->log, RILL_LOG_ERROR, "JetStream stream '%s': subject_transform: %s",
                 stream->name, why.text);
}

static void subscribe(struct stream *stream)
{
    const Rill__StreamConfig *config = stream->record->config;
    RILL_ASSERT(!stream->subs);
    compile_transform(stream);
    stream->subs = rill_alloc_zero(config->n_subjects, sizeof *stream->subs);
    stream->sub_count = config->n_subjects;
    for (size_t i = 0; i < config->n_subjects; i++)
        stream->subs[i] = route_subscribe(stream->js->account, config->subjects[i], stream_publish, stream);
}

/* What the configuration says to others. */
static void obey_record(struct stream *stream)
{
    const int64_t window_ns = stream->record->config->duplicate_window;
    stream->dedupe.window_ns = window_ns;
    rill_store_set_id_window(stream->store, window_ns);
    stream_republish_apply(stream);
    stream_limits_apply(stream);
}

void stream_activate(struct stream *stream)
{
    RILL_ASSERT(stream->store && stream->record);
    stream->state = STREAM_ACTIVE;
    subscribe(stream);
    obey_record(stream);
    struct durable *durable;
    for (durable = stream->durables; durable; durable = durable->by_name.next)
        durable_activate(durable);
    retention_look_at_all(stream);
    early_pulls_end(stream);
    stream_tidy(stream); // what the life before left undone
}

void stream_deactivate(struct stream *stream)
{
    for (size_t i = 0; i < stream->sub_count; i++)
        route_unsubscribe(stream->js->account, stream->subs[i]);
    free(stream->subs);
    stream->subs = NULL;
    stream->sub_count = 0;
}

void stream_set_record(struct stream *stream, Rill__StreamRecord *record)
{
    const bool listens = stream->subs != NULL;
    if (listens)
        stream_deactivate(stream);
    stream_shown_forget(stream);
    if (stream->record_newest == stream->record)
        stream->record_newest = record;
    if (stream->record)
        rill_message_free(&stream->record->base);
    stream->record = record;
    if (!listens)
        return;
    struct durable *durable;
    for (durable = stream->durables; durable; durable = durable->by_name.next) {
        source_changed(durable);
        retention_listen(durable);
    }
    retention_look_at_all(stream);
    subscribe(stream);
    obey_record(stream);
}

// ---- what there is to know ----

static bool overlaps_any(const Rill__StreamConfig *config, const char *subject)
{
    for (size_t i = 0; i < config->n_subjects; i++) {
        if (rill_subject_overlap(rill_bytes_from_cstr(config->subjects[i]), rill_bytes_from_cstr(subject)))
            return true;
    }
    return false;
}

bool stream_subjects_overlap(struct jetstream *js, const struct stream *self, char *const *subjects,
                             size_t count)
{
    for (const struct stream *stream = js->streams; stream; stream = stream->by_name.next) {
        if (stream == self || !stream->record)
            continue;
        for (size_t i = 0; i < count; i++) {
            if (overlaps_any(stream->record->config, subjects[i]) ||
                overlaps_any(stream->record_newest->config, subjects[i]))
                return true;
        }
    }
    return false;
}

static void fill_time(Rill__Timestamp *time, int64_t unix_ns)
{
    rill__timestamp__init(time);
    time->unix_ns = unix_ns;
}

void stream_info(struct stream *stream, struct stream_info *ret_info)
{
    struct rill_store_state log = {0};
    if (stream->store && stream->state != STREAM_ENDING)
        rill_store_state(stream->store, &log);
    fill_time(&ret_info->created, stream->record->created_unix_ns);
    fill_time(&ret_info->first_time, log.messages ? log.first_time_ns : RILL_TIME_ZERO_NS);
    fill_time(&ret_info->last_time, log.messages ? log.last_time_ns : RILL_TIME_ZERO_NS);
    Rill__StreamState *state = &ret_info->state;
    rill__stream_state__init(state);
    state->messages = log.messages;
    state->bytes = log.bytes;
    state->first_seq = log.messages || log.last_sequence ? log.first_sequence : 0;
    state->first_ts = &ret_info->first_time;
    state->last_seq = log.last_sequence;
    state->last_ts = &ret_info->last_time;
    state->num_subjects = stream_subjects_count(stream);
    state->has_num_subjects = state->num_subjects > 0;
    state->has_num_deleted = log.deleted > 0;
    state->num_deleted = log.deleted;
    state->consumer_count = stream->durable_count;
    rill__stream_info__init(&ret_info->info);
    ret_info->info.config = stream_shown_config(stream);
    ret_info->info.created = &ret_info->created;
    ret_info->info.state = state;
    ret_info->info.domain = stream->js->domain;
    fill_time(&ret_info->now, stream->js->core->now.wall_ns);
    ret_info->info.ts = &ret_info->now;
}
