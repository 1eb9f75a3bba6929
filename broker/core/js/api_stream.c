// SPDX-License-Identifier: Apache-2.0
//
// $JS.API.INFO and $JS.API.STREAM.*
#include "api.h"
#include "base/alloc.h"
#include "durable.h"
#include "proto/message.h"
#include "proto/subject.h"
#include "stream.h"
#include "stream_config.h"

#include <stdlib.h>

enum { NAMES_PAGE = 1024 };

// ---- the account ----

void api_account_info(const struct api_call *call)
{
    struct jetstream *js = call->js;
    Rill__AccountInfo info = RILL__ACCOUNT_INFO__INIT;
    Rill__AccountLimits limits = RILL__ACCOUNT_LIMITS__INIT;
    Rill__ApiStats stats = RILL__API_STATS__INIT;
    Rill__AccountInfoResponse response = RILL__ACCOUNT_INFO_RESPONSE__INIT;
    limits.max_memory = limits.max_storage = limits.max_streams = limits.max_consumers = -1;
    limits.max_ack_pending = limits.memory_max_stream_bytes = limits.storage_max_stream_bytes = -1;
    stats.total = js->api_total;
    stats.errors = js->api_errors;
    for (const struct stream *stream = js->streams; stream; stream = stream->by_name.next) {
        struct rill_store_state log = {0};
        if (stream->store)
            rill_store_state(stream->store, &log);
        info.streams++;
        info.consumers += stream->durable_count;
        info.storage += log.bytes;
    }
    info.limits = &limits;
    info.api = &stats;
    response.inline_info = &info;
    js_respond(js, call->reply, &response.base);
}

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
    if (stream->state != STREAM_ACTIVE && stream->state != STREAM_CREATING)
        return rill_js_error_of(RILL_JS_NOT_READY);
    if (!rill_message_equal(&stream->record->config->base, &config->base))
        return rill_js_error_of(RILL_JS_STREAM_NAME_EXISTS);
    if (stream->state == STREAM_CREATING)
        stream_wait(stream, STREAM_WAIT_CREATED, UINT64_MAX, NULL, call->reply);
    else
        stream_answer_created(stream, call->reply, NULL);
    return (struct rill_js_error){0};
}

static void create(const struct api_call *call, const Rill__StreamConfig *config)
{
    struct stream *stream = stream_add(call->js, config->name, STREAM_CREATING);
    Rill__StreamRecord *record = rill_alloc_zero(1, sizeof *record);
    rill__stream_record__init(record);
    record->config = (Rill__StreamConfig *)rill_message_copy(&config->base);
    record->created_unix_ns = call->js->core->now.wall_ns;
    stream->record = record;
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

void api_stream_create(const struct api_call *call)
{
    struct jetstream *js = call->js;
    Rill__StreamConfig *config = ((Rill__StreamCreateRequest *)call->request)->inline_config;
    struct rill_js_error error = {0};
    if (!js->listed || js->stopping)
        error = rill_js_error_of(RILL_JS_NOT_READY);
    else
        error = stream_config_check(config, call->tokens[0]);
    if (!rill_js_error_is_set(&error)) {
        struct stream *stream = stream_find(js, call->tokens[0]);
        if (stream)
            error = create_again(call, stream, config);
        else if (any_recovering(js))
            error = rill_js_error_of(RILL_JS_NOT_READY);
        else if (stream_subjects_overlap(js, NULL, config->subjects, config->n_subjects))
            error = rill_js_error_of(RILL_JS_STREAM_SUBJECT_OVERLAP);
        else
            create(call, config);
    }
    if (rill_js_error_is_set(&error))
        api_respond_error(js, call->reply, call->response, &error);
}

// ---- asking ----

void api_stream_info(const struct api_call *call)
{
    const Rill__StreamInfoRequest *request = (Rill__StreamInfoRequest *)call->request;
    struct stream *stream = api_stream(call);
    if (!stream)
        return;
    if (request->subjects_filter && request->subjects_filter[0]) {
        const struct rill_js_error error =
            rill_js_error_with(RILL_JS_STREAM_GENERAL, "subjects_filter is not implemented yet");
        api_respond_error(call->js, call->reply, call->response, &error);
        return;
    }
    struct stream_info view;
    Rill__ClusterInfo cluster = RILL__CLUSTER_INFO__INIT;
    Rill__StreamInfoResponse response = RILL__STREAM_INFO_RESPONSE__INIT;
    Rill__Timestamp now = RILL__TIMESTAMP__INIT;
    stream_info(stream, &view);
    cluster.leader = call->js->core->server_name;
    now.unix_ns = call->js->core->now.wall_ns;
    view.info.cluster = &cluster;
    view.info.ts = &now;
    response.inline_info = &view.info;
    js_respond(call->js, call->reply, &response.base);
}

static bool has_subject(const struct stream *stream, const char *filter)
{
    if (!filter || !filter[0])
        return true;
    if (!stream->record)
        return false;
    for (size_t i = 0; i < stream->record->config->n_subjects; i++) {
        if (rill_subject_overlap(rill_bytes_from_cstr(filter),
                                 rill_bytes_from_cstr(stream->record->config->subjects[i])))
            return true;
    }
    return false;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void api_stream_names(const struct api_call *call)
{
    struct jetstream *js = call->js;
    const Rill__StreamPageRequest *request = (Rill__StreamPageRequest *)call->request;
    if (!js->listed) {
        api_fail(call, RILL_JS_NOT_READY);
        return;
    }
    Rill__StreamNamesResponse response = RILL__STREAM_NAMES_RESPONSE__INIT;
    char **names = rill_alloc_zero(HASH_CNT(by_name, js->streams) + 1, sizeof *names);
    size_t count = 0;
    for (struct stream *stream = js->streams; stream; stream = stream->by_name.next) {
        if (has_subject(stream, request->subject))
            names[count++] = stream->name;
    }
    qsort(names, count, sizeof *names, compare_names);
    const size_t offset =
        request->offset > 0 && (size_t)request->offset < count ? (size_t)request->offset : 0;
    response.total = (int64_t)count;
    response.offset = (int64_t)offset;
    response.limit = NAMES_PAGE;
    response.streams = names + offset;
    response.n_streams = count - offset < NAMES_PAGE ? count - offset : NAMES_PAGE;
    js_respond(js, call->reply, &response.base);
    free(names);
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
