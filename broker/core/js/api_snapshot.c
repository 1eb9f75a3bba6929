// SPDX-License-Identifier: Apache-2.0
//
// Streams that are kept elsewhere: $JS.API.STREAM.SNAPSHOT and RESTORE.
#include "api.h"
#include "base/alloc.h"
#include "js_limits.h"
#include "proto/subject.h"
#include "restore.h"
#include "snapshot.h"
#include "stream_advisory.h"
#include "stream_config.h"

#include <stdlib.h>

// ---- SNAPSHOT ----

static void fail(const struct api_call *call, const struct rill_js_error *error)
{
    api_respond_error(call->js, call->reply, call->response, error);
}

static struct rill_js_error check_snapshot(const struct stream *stream, struct rill_bytes deliver_subject)
{
    if (!rill_subject_is_valid(deliver_subject) || !rill_subject_is_literal(deliver_subject))
        return rill_js_error_of(RILL_JS_SNAPSHOT_DELIVER_SUBJECT);
    if (stream->snapshot)
        return rill_js_error_with(RILL_JS_STREAM_SNAPSHOT, "snapshot in progress");
    return (struct rill_js_error){0};
}

static void answer_snapshot(const struct api_call *call, struct stream *stream)
{
    struct stream_info view;
    Rill__StreamSnapshotResponse response = RILL__STREAM_SNAPSHOT_RESPONSE__INIT;
    stream_info(stream, &view);
    response.config = view.info.config;
    response.state = view.info.state;
    js_respond(call->js, call->reply, &response.base);
}

void api_stream_snapshot(const struct api_call *call)
{
    const Rill__StreamSnapshotRequest *request = (Rill__StreamSnapshotRequest *)call->request;
    const struct snapshot_options options = {
        .deliver_subject = rill_bytes_from_cstr(request->deliver_subject ? request->deliver_subject : ""),
        .without_consumers = request->no_consumers,
        .chunk_bytes = request->chunk_size,
        .window_bytes = request->window_size,
    };
    if (!options.deliver_subject.len) {
        api_fail(call, RILL_JS_BAD_REQUEST);
        return;
    }
    struct stream *stream = api_stream(call);
    if (!stream)
        return;
    const struct rill_js_error error = check_snapshot(stream, options.deliver_subject);
    if (rill_js_error_is_set(&error)) {
        fail(call, &error);
        return;
    }
    answer_snapshot(call, stream);
    snapshot_begin(stream, &options);
}

// ---- RESTORE ----

/* The rules for a stream that is made, but that one may be restored sealed. */
static struct rill_js_error check_config(const struct api_call *call, Rill__StreamConfig *config)
{
    struct jetstream *js = call->js;
    const bool sealed = config->sealed;
    config->sealed = false;
    struct rill_js_error error = stream_config_check_create(config, rill_bytes_from_cstr(config->name));
    if (!rill_js_error_is_set(&error))
        error = stream_config_check(config, &js->limits, false);
    if (!rill_js_error_is_set(&error))
        error = stream_config_check_not_yet(config);
    config->sealed = sealed;
    return error;
}

/* As nats-server: the name in the configuration counts, where there is one. */
static void take_name(Rill__StreamConfig *config, struct rill_bytes name)
{
    free(config->name);
    config->name = rill_alloc_cstr(name);
}

void api_stream_restore(const struct api_call *call)
{
    const Rill__StreamRestoreRequest *request = (Rill__StreamRestoreRequest *)call->request;
    Rill__StreamConfig *config = request->config;
    if (!call->body.len) {
        api_fail(call, RILL_JS_BAD_REQUEST);
        return;
    }
    if (!config->name || !config->name[0])
        take_name(config, call->tokens[0]);
    struct rill_js_error error = {0};
    if (!call->js->listed || call->js->stopping)
        error = rill_js_error_of(RILL_JS_NOT_READY);
    else
        error = check_config(call, config);
    if (!rill_js_error_is_set(&error))
        error = restore_check(call->js, config);
    if (rill_js_error_is_set(&error)) {
        fail(call, &error);
        return;
    }
    Rill__StreamRestoreResponse response = RILL__STREAM_RESTORE_RESPONSE__INIT;
    stream_advise_transfer(call->js, config->name, &(struct stream_transfer){.kind = STREAM_RESTORE_CREATE});
    response.deliver_subject = (char *)restore_begin(call->js, config);
    js_respond(call->js, call->reply, &response.base);
}
