// SPDX-License-Identifier: Apache-2.0
//
// $JS.API.DIRECT.GET: messages of a stream as they are (direct_send.h). No JSON but the request's; whatever is wrong is a
// status. A batch ends with the status 204.
#include "api_direct.h"
#include "api.h"
#include "asked.h"
#include "base/alloc.h"
#include "direct_send.h"
#include "message_find.h"
#include "proto/json_codec.h"
#include "proto/message.h"
#include "stream.h"

#include <stdlib.h>

enum { STEP_READS_MAX = 2000 };

static enum asked_outcome not_found(struct stream *stream, const struct asked *asked)
{
    direct_send_status(stream->js, asked_reply(asked), "404 Message Not Found");
    return ASKED_DONE;
}

static const Rill__MsgGetRequest *request_of(const struct asked *asked)
{
    return (Rill__MsgGetRequest *)asked->request;
}

/* Nothing can be done now, or ever. */
static enum asked_outcome stop(struct stream *stream, const struct asked *asked, enum rill_err err)
{
    return err == RILL_ERR_AGAIN || err == RILL_ERR_UNAVAILABLE ? asked_stop(stream, asked, err)
                                                                : not_found(stream, asked);
}

enum rill_err direct_read(struct stream *stream, uint64_t sequence, struct rill_store_message *ret)
{
    const enum rill_err err = rill_store_read(stream->store, sequence, ret);
    if (err == RILL_ERR_AGAIN)
        asked_load(stream, sequence);
    return err;
}

// ---- one message ----

static enum asked_outcome step_one(struct stream *stream, struct asked *asked)
{
    struct rill_store_message stored;
    uint64_t sequence;
    enum rill_err err = message_find(stream, asked, request_of(asked), &sequence);
    if (!err)
        err = direct_read(stream, sequence, &stored);
    if (err)
        return stop(stream, asked, err);
    direct_send(stream, asked_reply(asked), &stored, NULL, request_of(asked)->no_hdr);
    return ASKED_DONE;
}

// ---- a batch ----

static const char *pattern_of(const struct asked *asked)
{
    const char *pattern = request_of(asked)->next_by_subj;
    return message_text_is_given(pattern) ? pattern : ">";
}

/* How many there are from `sequence` on: counted anew when something was committed since. */
static enum rill_err count_pending(struct stream *stream, struct asked *asked)
{
    if (asked->counted_at == stream->last_committed + 1)
        return RILL_OK;
    const enum rill_err err =
        message_count_from(stream, asked, pattern_of(asked), asked->sequence, &asked->pending);
    if (!err)
        asked->counted_at = stream->last_committed + 1;
    return err;
}

static enum asked_outcome end_batch(struct stream *stream, struct asked *asked)
{
    asked->left = 0;
    if (!asked->sent_sequence)
        return not_found(stream, asked);
    const enum rill_err err = count_pending(stream, asked);
    if (err)
        return asked_stop(stream, asked, err);
    const struct direct_batch batch = {asked->pending, asked->sent_sequence};
    direct_send_end(stream, asked_reply(asked), &batch, 0);
    return ASKED_DONE;
}

static void take_message(struct stream *stream, struct asked *asked, const struct rill_store_message *stored)
{
    const uint64_t bytes = stored->subject.len + stored->headers.len + stored->payload.len;
    const uint64_t sequence = stored->sequence;
    asked->pending -= asked->pending > 0;
    const struct direct_batch batch = {asked->pending, asked->sent_sequence};
    direct_send(stream, asked_reply(asked), stored, &batch, request_of(asked)->no_hdr);
    asked->sent_sequence = sequence;
    asked->sequence = sequence + 1;
    asked->left--;
    asked->bytes_left = asked->bytes_left > bytes ? asked->bytes_left - bytes : 0;
}

/* The next message of the batch. */
static enum rill_err take_next(struct stream *stream, struct asked *asked)
{
    struct rill_store_message stored;
    uint64_t sequence;
    enum rill_err err = message_find_next(stream, asked, pattern_of(asked), asked->sequence, &sequence);
    if (!err)
        err = count_pending(stream, asked);
    if (!err)
        err = direct_read(stream, sequence, &stored);
    if (!err) {
        take_message(stream, asked, &stored);
    } else if (err == RILL_ERR_DAMAGED) {
        asked->sequence = sequence + 1;
        asked->counted_at = 0;
        err = RILL_OK;
    }
    return err;
}

static enum asked_outcome step_batch(struct stream *stream, struct asked *asked)
{
    const Rill__Timestamp *time = request_of(asked)->start_time;
    enum rill_err err = RILL_OK;
    if (!asked->sequence && time)
        err = asked_find_time(stream, asked, time->unix_ns);
    for (uint32_t reads = 0; !err && asked->left && asked->bytes_left; reads++) {
        if (reads == STEP_READS_MAX)
            return ASKED_GOES_ON;
        err = take_next(stream, asked);
    }
    return err == RILL_ERR_AGAIN || err == RILL_ERR_UNAVAILABLE ? asked_stop(stream, asked, err)
                                                                : end_batch(stream, asked);
}

// ---- requests ----

/* Something is asked for, and nothing in two ways. */
static bool is_sound(const Rill__MsgGetRequest *request)
{
    const bool last = message_text_is_given(request->last_by_subj);
    const bool next = message_text_is_given(request->next_by_subj);
    const bool multi = request->n_multi_last > 0;
    const bool time = request->start_time != NULL;
    return !(request->seq && (last || time)) && !(last && (time || next || multi || request->batch > 0)) &&
           !(next && multi) && !(request->up_to_seq && request->up_to_time);
}

static bool asks_nothing(const Rill__MsgGetRequest *request)
{
    return !request->seq && !message_text_is_given(request->last_by_subj) &&
           !message_text_is_given(request->next_by_subj) && !request->n_multi_last && !request->start_time;
}

/* Streams that do not allow it have nobody who would answer. */
static struct stream *direct_stream(const struct api_call *call)
{
    struct stream *stream = stream_find(call->js, call->tokens[0]);
    if (stream && stream->state == STREAM_ACTIVE && stream->record->config->allow_direct)
        return stream;
    direct_send_status(call->js, call->reply, "503");
    return NULL;
}

/* The request, NULL when the caller was told what is wrong with it. */
static Rill__MsgGetRequest *read_request(const struct api_call *call)
{
    ProtobufCMessage *message;
    struct rill_error_text why;
    if (!rill_json_decode(&rill__msg_get_request__descriptor, call->body,
                          RILL_JSON_UNKNOWN_IGNORED | RILL_JSON_EMPTY_ALLOWED, &message, &why))
        return (Rill__MsgGetRequest *)message;
    direct_send_status(call->js, call->reply, "408 Malformed Request");
    return NULL;
}

static void get(const struct api_call *call, struct stream *stream, const Rill__MsgGetRequest *request)
{
    struct asked asked = {
        .step = request->batch > 0 ? step_batch : step_one,
        .direct = true,
        .sequence = request->seq,
        .left = request->batch > 0 ? (uint64_t)request->batch : 1,
        .bytes_left = request->max_bytes > 0 ? (uint64_t)request->max_bytes : DIRECT_BATCH_BYTES_MAX,
    };
    if (request->n_multi_last)
        direct_multi_prepare(stream, request, &asked);
    asked_begin(stream, &asked, &request->base, call->reply);
}

void api_direct_get(const struct api_call *call)
{
    struct stream *stream = direct_stream(call);
    if (!stream)
        return;
    Rill__MsgGetRequest *request = call->body.len ? read_request(call) : NULL;
    if (!call->body.len || (request && asks_nothing(request)))
        direct_send_status(call->js, call->reply, "408 Empty Request");
    else if (request && !is_sound(request))
        direct_send_status(call->js, call->reply, "408 Bad Request");
    else if (request)
        get(call, stream, request);
    rill_message_free(request ? &request->base : NULL);
}

/* The subject stands behind the stream's name; the body says nothing more, or that no headers are wanted. */
void api_direct_get_subject(const struct api_call *call)
{
    struct stream *stream = direct_stream(call);
    Rill__MsgGetRequest *request = stream ? read_request(call) : NULL;
    if (!request)
        return;
    if (!asks_nothing(request) || request->batch || request->up_to_seq || request->up_to_time) {
        direct_send_status(call->js, call->reply, "408 Bad Request");
    } else {
        char *subject = rill_alloc_cstr(call->tokens[1]);
        char *absent = request->last_by_subj;
        request->last_by_subj = subject;
        get(call, stream, request);
        request->last_by_subj = absent;
        free(subject);
    }
    rill_message_free(&request->base);
}
