// SPDX-License-Identifier: Apache-2.0
//
// Streams that are kept elsewhere: $JS.API.STREAM.SNAPSHOT and RESTORE.
#include "api.h"
#include "asked.h"
#include "base/alloc.h"
#include "js_limits.h"
#include "message_find.h"
#include "proto/subject.h"
#include "restore.h"
#include "snapshot.h"
#include "stream_advisory.h"
#include "stream_config.h"

#include <stdlib.h>

// ---- SNAPSHOT ----

static struct rill_js_error check_snapshot(const struct stream *stream, struct rill_bytes deliver_subject)
{
    if (!rill_subject_is_valid(deliver_subject) || !rill_subject_is_literal(deliver_subject))
        return rill_js_error_of(RILL_JS_SNAPSHOT_DELIVER_SUBJECT);
    if (stream->snapshot)
        return rill_js_error_with(RILL_JS_STREAM_SNAPSHOT, "snapshot in progress");
    return (struct rill_js_error){0};
}

static void answer_snapshot(struct stream *stream, struct rill_bytes reply)
{
    struct stream_info view;
    Rill__StreamSnapshotResponse response = RILL__STREAM_SNAPSHOT_RESPONSE__INIT;
    stream_info(stream, &view);
    response.config = view.info.config;
    response.state = view.info.state;
    js_respond(stream->js, reply, &response.base);
}

/* What consumers have done is in the snapshot when it is in the log. */
static enum asked_outcome step_snapshot(struct stream *stream, struct asked *asked)
{
    const Rill__StreamSnapshotRequest *request = (Rill__StreamSnapshotRequest *)asked->request;
    const struct snapshot_options options = {
        .deliver_subject = rill_bytes_from_cstr(request->deliver_subject),
        .without_consumers = request->no_consumers,
        .chunk_bytes = request->chunk_size,
        .window_bytes = request->window_size,
    };
    if (!asked->commit)
        asked->commit = stream_settle(stream);
    if (!stream_has_settled(stream, asked->commit))
        return ASKED_WAITS;
    const struct rill_js_error error = check_snapshot(stream, options.deliver_subject);
    if (rill_js_error_is_set(&error)) {
        api_respond_error(stream->js, asked_reply(asked), asked->response, &error);
        return ASKED_DONE;
    }
    answer_snapshot(stream, asked_reply(asked));
    snapshot_begin(stream, &options);
    return ASKED_DONE;
}

void api_stream_snapshot(const struct api_call *call)
{
    const Rill__StreamSnapshotRequest *request = (Rill__StreamSnapshotRequest *)call->request;
    const struct asked asked = {.step = step_snapshot, .response = call->response};
    if (!message_text_is_given(request->deliver_subject)) {
        api_fail(call, RILL_JS_BAD_REQUEST);
        return;
    }
    struct stream *stream = api_stream(call);
    if (stream)
        asked_begin(stream, &asked, call->request, call->reply);
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
        api_respond_error(call->js, call->reply, call->response, &error);
        return;
    }
    Rill__StreamRestoreResponse response = RILL__STREAM_RESTORE_RESPONSE__INIT;
    stream_advise_transfer(call->js, config->name, &(struct stream_transfer){.kind = STREAM_RESTORE_CREATE});
    response.deliver_subject = (char *)restore_begin(call->js, config);
    js_respond(call->js, call->reply, &response.base);
}
