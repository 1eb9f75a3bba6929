// SPDX-License-Identifier: Apache-2.0
//
// Single messages of a stream, and their removal: $JS.API.STREAM.MSG.GET and MSG.DELETE.
#include "api.h"
#include "asked.h"
#include "base/alloc.h"
#include "message_find.h"
#include "stream.h"

#include <inttypes.h>
#include <stdlib.h>

// ---- MSG.GET ----

static void respond_message(struct stream *stream, const struct asked *asked,
                            const struct rill_store_message *stored)
{
    const Rill__MsgGetRequest *request = (Rill__MsgGetRequest *)asked->request;
    Rill__StoredMessage message = RILL__STORED_MESSAGE__INIT;
    Rill__MsgGetResponse response = RILL__MSG_GET_RESPONSE__INIT;
    Rill__Timestamp time = RILL__TIMESTAMP__INIT;
    char *subject = rill_alloc_cstr(stored->subject);
    time.unix_ns = stored->time_ns;
    message.subject = subject;
    message.seq = stored->sequence;
    message.time = &time;
    message.has_data = stored->payload.len > 0;
    message.data = (ProtobufCBinaryData){stored->payload.len, (uint8_t *)stored->payload.data};
    message.has_hdrs = stored->headers.len > 0 && !request->no_hdr;
    message.hdrs = (ProtobufCBinaryData){stored->headers.len, (uint8_t *)stored->headers.data};
    response.message = &message;
    js_respond(stream->js, asked_reply(asked), &response.base);
    free(subject);
}

static enum rill_err read_asked(struct stream *stream, struct asked *asked, struct rill_store_message *ret)
{
    uint64_t sequence;
    enum rill_err err = message_find(stream, asked, (Rill__MsgGetRequest *)asked->request, &sequence);
    if (err)
        return err;
    err = rill_store_read(stream->store, sequence, ret);
    if (err == RILL_ERR_AGAIN)
        asked_load(stream, sequence);
    return err;
}

static enum asked_outcome step_get(struct stream *stream, struct asked *asked)
{
    struct rill_store_message stored;
    const enum rill_err err = read_asked(stream, asked, &stored);
    if (err == RILL_ERR_AGAIN || err == RILL_ERR_UNAVAILABLE)
        return asked_stop(stream, asked, err);
    if (err) {
        const struct rill_js_error error = rill_js_error_of(RILL_JS_NO_MESSAGE_FOUND);
        api_respond_error(stream->js, asked_reply(asked), asked->response, &error);
    } else {
        respond_message(stream, asked, &stored);
    }
    return ASKED_DONE;
}

/* One message is asked for, in one way. */
static bool get_is_sound(const Rill__MsgGetRequest *request)
{
    const bool last = message_text_is_given(request->last_by_subj);
    const bool next = message_text_is_given(request->next_by_subj);
    const bool time = request->start_time != NULL;
    if (request->batch > 0 || request->max_bytes > 0)
        return false;
    if (last)
        return !next && !time && !request->seq;
    return (request->seq || next || time) && !(request->seq && time);
}

void api_message_get(const struct api_call *call)
{
    const Rill__MsgGetRequest *request = (Rill__MsgGetRequest *)call->request;
    if (!get_is_sound(request)) {
        api_fail(call, RILL_JS_BAD_REQUEST);
        return;
    }
    struct stream *stream = api_stream(call);
    if (!stream)
        return;
    const struct asked asked = {.step = step_get, .response = call->response, .sequence = request->seq};
    asked_begin(stream, &asked, call->request, call->reply);
}

// ---- MSG.DELETE ----

void stream_answer_message_deleted(struct stream *stream, struct rill_bytes reply,
                                   const struct rill_js_error *error)
{
    if (error) {
        api_respond_error(stream->js, reply, &rill__msg_delete_response__descriptor, error);
        return;
    }
    Rill__MsgDeleteResponse response = RILL__MSG_DELETE_RESPONSE__INIT;
    response.has_success = response.success = true;
    js_respond(stream->js, reply, &response.base);
}

static struct rill_js_error delete_error(const struct stream *stream, enum rill_err err, uint64_t sequence)
{
    if (err == RILL_ERR_NOT_FOUND || err == RILL_ERR_DAMAGED)
        return rill_js_error_with(RILL_JS_SEQUENCE_NOT_FOUND, "%" PRIu64, sequence);
    const struct rill_js_error reason = stream_store_error(stream, err);
    return rill_js_error_with(RILL_JS_MESSAGE_DELETE_FAILED, "%s", reason.description);
}

static bool wants_erase(const struct asked *asked)
{
    return !((Rill__MsgDeleteRequest *)asked->request)->no_erase;
}

static enum rill_err append_delete(struct stream *stream, const struct asked *asked)
{
    if (stream->broken)
        return RILL_ERR_READ_ONLY;
    return wants_erase(asked) ? rill_store_append_erase(stream->store, asked->sequence)
                              : rill_store_append_delete(stream->store, asked->sequence);
}

static enum asked_outcome step_delete(struct stream *stream, struct asked *asked)
{
    const bool erases = wants_erase(asked);
    if (erases && asked->sequence > stream->last_committed && asked->sequence <= stream->last_appended)
        return ASKED_WAITS; // of an asynchronous stream: only what is on the disk can be overwritten there
    const enum rill_err err = append_delete(stream, asked);
    if (err == RILL_ERR_AGAIN) {
        asked_load(stream, asked->sequence);
        return ASKED_WAITS;
    }
    if (err) {
        const struct rill_js_error error = delete_error(stream, err, asked->sequence);
        stream_answer_message_deleted(stream, asked_reply(asked), &error);
        return ASKED_DONE;
    }
    stream_wait_for_append(stream, erases ? STREAM_WAIT_MESSAGE_ERASED : STREAM_WAIT_MESSAGE_DELETED,
                           asked_reply(asked))
        ->sequence = asked->sequence;
    return ASKED_DONE;
}

void api_message_delete(const struct api_call *call)
{
    const Rill__MsgDeleteRequest *request = (Rill__MsgDeleteRequest *)call->request;
    struct stream *stream = call->body.len ? api_stream(call) : NULL;
    if (!call->body.len)
        api_fail(call, RILL_JS_BAD_REQUEST);
    if (!stream)
        return;
    const Rill__StreamConfig *config = stream->record->config;
    if (config->sealed) {
        api_fail(call, RILL_JS_STREAM_SEALED);
    } else if (config->deny_delete) {
        const struct rill_js_error error =
            rill_js_error_with(RILL_JS_MESSAGE_DELETE_FAILED, "message delete not permitted");
        api_respond_error(call->js, call->reply, call->response, &error);
    } else {
        const struct asked asked = {
            .step = step_delete, .response = call->response, .sequence = request->seq};
        asked_begin(stream, &asked, call->request, call->reply);
    }
}
