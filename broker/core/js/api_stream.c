// SPDX-License-Identifier: Apache-2.0
//
// What makes, changes and ends streams: $JS.API.STREAM.CREATE, UPDATE and DELETE.
#include "api.h"
#include "base/alloc.h"
#include "durable.h"
#include "js_limits.h"
#include "proto/message.h"
#include "stream.h"
#include "stream_config.h"

#include <stdlib.h>

// ---- creating ----

void stream_answer_created(struct stream *stream, struct rill_bytes reply, const struct rill_js_error *error)
{
    if (error) {
        api_respond_error(stream->js, reply, &rill__stream_create_response__descriptor, error);
        return;
    }
    struct stream_info view;
    Rill__StreamCreateResponse response = RILL__STREAM_CREATE_RESPONSE__INIT;
    stream_info(stream, &view);
    response.inline_info = &view.info;
    response.has_did_create = response.did_create = true;
    js_respond(stream->js, reply, &response.base);
}

/* The name is taken: the same configuration again is a success. */
static struct rill_js_error create_again(const struct api_call *call, struct stream *stream,
                                         const Rill__StreamConfig *config)
{
    if (stream->state == STREAM_OFFLINE)
        return rill_js_error_with(RILL_JS_STREAM_OFFLINE_REASON, "%s", stream->why.text);
    if (stream->state != STREAM_ACTIVE)
        return rill_js_error_of(RILL_JS_NOT_READY);
    if (!stream_config_equal(stream->record_newest->config, config))
        return rill_js_error_of(RILL_JS_STREAM_NAME_EXISTS);
    stream_answer_created(stream, call->reply, NULL);
    return (struct rill_js_error){0};
}

Rill__StreamRecord *stream_record_of(const Rill__StreamConfig *config, int64_t created_unix_ns)
{
    Rill__StreamRecord *record = rill_alloc_zero(1, sizeof *record);
    rill__stream_record__init(record);
    record->config = (Rill__StreamConfig *)rill_message_copy(&config->base);
    record->created_unix_ns = created_unix_ns;
    return record;
}

static void create(const struct api_call *call, const Rill__StreamConfig *config)
{
    struct stream *stream = stream_add(call->js, config->name, STREAM_CREATING);
    stream->record = stream->record_newest = stream_record_of(config, call->js->core->now.wall_ns);
    stream_wait(stream, STREAM_WAIT_CREATED, UINT64_MAX, NULL, call->reply);
    stream_create_log(stream);
}

/* A stream whose subjects are not known yet may have these. */
static bool any_recovering(const struct jetstream *js)
{
    for (const struct stream *stream = js->streams; stream; stream = stream->by_name.next) {
        if (stream->state == STREAM_RECOVERING)
            return true;
    }
    return false;
}

/* The configuration is one that a stream can have. */
static struct rill_js_error create_or_find(const struct api_call *call, const Rill__StreamConfig *config)
{
    struct jetstream *js = call->js;
    struct stream *stream = stream_find(js, call->tokens[0]);
    if (stream)
        return create_again(call, stream, config);
    if (any_recovering(js))
        return rill_js_error_of(RILL_JS_NOT_READY);
    const struct rill_js_error error = js_limits_check_stream(js, config, NULL);
    if (rill_js_error_is_set(&error))
        return error;
    if (stream_subjects_overlap(js, NULL, config->subjects, config->n_subjects))
        return rill_js_error_of(RILL_JS_STREAM_SUBJECT_OVERLAP);
    create(call, config);
    return error;
}

void api_stream_create(const struct api_call *call)
{
    struct jetstream *js = call->js;
    const Rill__StreamCreateRequest *request = (Rill__StreamCreateRequest *)call->request;
    struct rill_js_error error = {0};
    if (!js->listed || js->stopping)
        error = rill_js_error_of(RILL_JS_NOT_READY);
    else
        error = stream_config_check_create(request->inline_config, call->tokens[0]);
    if (!rill_js_error_is_set(&error))
        error = stream_config_check(request->inline_config, &js->limits, request->pedantic);
    if (!rill_js_error_is_set(&error))
        error = stream_config_check_not_yet(request->inline_config);
    if (!rill_js_error_is_set(&error))
        error = create_or_find(call, request->inline_config);
    if (rill_js_error_is_set(&error))
        api_respond_error(js, call->reply, call->response, &error);
}

// ---- updating ----

void stream_answer_updated(struct stream *stream, struct rill_bytes reply, const struct rill_js_error *error)
{
    if (error) {
        api_respond_error(stream->js, reply, &rill__stream_update_response__descriptor, error);
        return;
    }
    struct stream_info view;
    Rill__StreamUpdateResponse response = RILL__STREAM_UPDATE_RESPONSE__INIT;
    stream_info(stream, &view);
    response.inline_info = &view.info;
    js_respond(stream->js, reply, &response.base);
}

static bool exceeds(const struct durable *durable, const Rill__ConsumerLimits *limits)
{
    const int64_t threshold_max_ns = limits->inactive_threshold;
    const int64_t pending_max = limits->max_ack_pending;
    Rill__ConsumerRecord *record = consumer_settings_record(durable->settings);
    const bool exceeds = (threshold_max_ns > 0 && record->config->inactive_threshold > threshold_max_ns) ||
                         (pending_max > 0 && record->config->max_ack_pending > pending_max);
    rill_message_free(&record->base);
    return exceeds;
}

/* Consumers keep what they were promised. */
static struct rill_js_error check_consumers(const struct stream *stream, const Rill__ConsumerLimits *limits)
{
    const bool limited = limits->inactive_threshold > 0 || limits->max_ack_pending > 0;
    for (const struct durable *durable = stream->durables; limited && durable;
         durable = durable->by_name.next) {
        if (exceeds(durable, limits))
            return rill_js_error_with(RILL_JS_STREAM_UPDATE, "change to limits violates consumers: %s",
                                      durable->settings->name);
    }
    return (struct rill_js_error){0};
}

static struct rill_js_error update(const struct api_call *call, struct stream *stream,
                                   Rill__StreamConfig *config)
{
    const Rill__StreamConfig *old = stream->record_newest->config;
    struct rill_js_error error = stream_config_check_update(config, old);
    if (!rill_js_error_is_set(&error))
        error = stream_config_check_not_yet(config);
    if (!rill_js_error_is_set(&error))
        error = js_limits_check_stream(call->js, config, old);
    if (!rill_js_error_is_set(&error))
        error = check_consumers(stream, config->consumer_limits);
    if (rill_js_error_is_set(&error))
        return error;
    if (any_recovering(call->js))
        return rill_js_error_of(RILL_JS_NOT_READY);
    if (stream_subjects_overlap(call->js, stream, config->subjects, config->n_subjects))
        return rill_js_error_of(RILL_JS_STREAM_SUBJECT_OVERLAP);
    if (config->storage == RILL__STORAGE__STORAGE_MEMORY) {
        stream_define(stream, stream_record_of(config, stream->record->created_unix_ns), call->reply);
        return error;
    }
    const enum rill_err err =
        stream_append_record(stream, stream_record_of(config, stream->record->created_unix_ns), call->reply);
    return err ? stream_store_error(stream, err) : error;
}

void api_stream_update(const struct api_call *call)
{
    const Rill__StreamCreateRequest *request = (Rill__StreamCreateRequest *)call->request;
    Rill__StreamConfig *config = request->inline_config;
    struct rill_js_error error = stream_config_check(config, &call->js->limits, request->pedantic);
    if (!rill_js_error_is_set(&error) && !rill_bytes_equal_cstr(call->tokens[0], config->name))
        error = rill_js_error_of(RILL_JS_STREAM_MISMATCH);
    if (!rill_js_error_is_set(&error)) {
        struct stream *stream = api_stream(call);
        if (!stream)
            return; // it was told why
        error = update(call, stream, config);
    }
    if (rill_js_error_is_set(&error))
        api_respond_error(call->js, call->reply, call->response, &error);
}

// ---- deleting ----

void stream_answer_deleted(struct jetstream *js, struct rill_bytes reply, const struct rill_js_error *error)
{
    if (error) {
        api_respond_error(js, reply, &rill__stream_delete_response__descriptor, error);
        return;
    }
    Rill__StreamDeleteResponse response = RILL__STREAM_DELETE_RESPONSE__INIT;
    response.has_success = response.success = true;
    js_respond(js, reply, &response.base);
}

/* Those who wait for what will never be committed. */
static void refuse_publishers(struct stream *stream)
{
    const struct rill_js_error error = rill_js_error_of(RILL_JS_STREAM_NOT_FOUND);
    size_t offset = 0;
    struct pub_ack ack;
    while (pub_acks_next(&stream->acks_open, &offset, &ack))
        stream_refuse(stream, ack.reply, &error);
    pub_acks_clear(&stream->acks_open);
    pub_acks_clear(&stream->synced_open);
}

void api_stream_delete(const struct api_call *call)
{
    struct stream *stream = stream_find(call->js, call->tokens[0]);
    const bool offline = stream && stream->state == STREAM_OFFLINE && !call->js->stopping;
    if (!offline && !(stream = api_stream(call)))
        return;
    stream_wait(stream, STREAM_WAIT_DELETED, UINT64_MAX, NULL, call->reply);
    stream->state = STREAM_DELETING;
    stream_deactivate(stream);
    struct durable *durable;
    struct durable *next;
    HASH_ITER (by_name, stream->durables, durable, next) {
        durable_end(durable, RILL_BYTES("NATS/1.0 409 Consumer Deleted\r\n\r\n"));
    }
    if (offline) {
        stream_end(stream);
        return;
    }
    refuse_publishers(stream);
    stream_touch(stream);
}
