// SPDX-License-Identifier: Apache-2.0
//
// $JS.API.DIRECT.GET: messages of a stream as they are, with where they come from in headers. No JSON but the request's;
// whatever is wrong is a status. A batch ends with the status 204.
//
//      NATS/1.0\r\nNats-Stream: S\r\nNats-Subject: a\r\nNats-Sequence: 7\r\nNats-Time-Stamp: ...\r\n      one message
//      ... Nats-Num-Pending: 3\r\nNats-Last-Sequence: 6\r\n                                   one of a batch
//      NATS/1.0 204 EOB\r\nNats-Num-Pending: 0\r\nNats-Last-Sequence: 9\r\n                    the end of a batch
#include "api.h"
#include "asked.h"
#include "base/assert.h"
#include "proto/headers.h"
#include "proto/json_codec.h"
#include "proto/message.h"
#include "proto/rfc3339.h"
#include "stream.h"

#include <inttypes.h>
#include <stdio.h>

enum { HEADERS_BYTES_MAX = 128 * 1024, STEP_READS_MAX = 10000, DEFAULT_BATCH_BYTES_MAX = 64 << 20 };

// ---- what is sent ----

static enum rill_err add_number(struct rill_buf *buf, const char *name, uint64_t value)
{
    char text[32];
    (void)snprintf(text, sizeof text, "%" PRIu64, value);
    return rill_headers_add(buf, rill_bytes_from_cstr(name), rill_bytes_from_cstr(text));
}

static enum rill_err begin_with(struct rill_buf *buf, struct rill_bytes headers)
{
    if (headers.len < 2)
        return rill_headers_begin(buf, rill_bytes_of(NULL, 0));
    return rill_buf_append(buf, rill_bytes_of(headers.data, headers.len - 2)); // without the empty line
}

/* Where the message comes from, behind its own headers. */
static enum rill_err add_origin(struct rill_buf *buf, const struct stream *stream,
                                const struct rill_store_message *stored)
{
    char time[RILL_RFC3339_BYTES_MAX];
    const size_t time_len = rill_rfc3339_format(stored->time_ns, time);
    enum rill_err err = begin_with(buf, stored->headers);
    if (!err)
        err = rill_headers_add(buf, RILL_BYTES("Nats-Stream"), rill_bytes_from_cstr(stream->name));
    if (!err)
        err = rill_headers_add(buf, RILL_BYTES("Nats-Subject"), stored->subject);
    if (!err)
        err = add_number(buf, "Nats-Sequence", stored->sequence);
    if (!err)
        err = rill_headers_add(buf, RILL_BYTES("Nats-Time-Stamp"), rill_bytes_of(time, time_len));
    return err;
}

/* Messages of the stream from the sequence on. */
static uint64_t messages_from(struct stream *stream, uint64_t sequence)
{
    struct rill_store_state log;
    size_t count;
    rill_store_state(stream->store, &log);
    if (sequence <= log.first_sequence)
        return log.messages;
    if (sequence > log.last_sequence)
        return 0;
    uint64_t messages = log.last_sequence - sequence + 1;
    const struct rill_store_range *deleted = rill_store_deleted(stream->store, &count);
    for (size_t i = count; i > 0 && deleted[i - 1].last_sequence >= sequence; i--) {
        const uint64_t first =
            deleted[i - 1].first_sequence > sequence ? deleted[i - 1].first_sequence : sequence;
        messages -= deleted[i - 1].last_sequence - first + 1;
    }
    return messages;
}

static bool is_batch(const struct asked *asked)
{
    return ((Rill__MsgGetRequest *)asked->request)->batch > 0;
}

/* The payload is copied: a receiver inside may append to the store, which ends the views. */
static void send_message(struct stream *stream, const struct asked *asked,
                         const struct rill_store_message *stored, uint64_t pending)
{
    const bool bare = ((Rill__MsgGetRequest *)asked->request)->no_hdr;
    struct rill_buf out;
    rill_buf_init(&out, HEADERS_BYTES_MAX + stored->payload.len + stored->headers.len);
    enum rill_err err = bare ? RILL_OK : add_origin(&out, stream, stored);
    if (!err && !bare && is_batch(asked)) {
        err = add_number(&out, "Nats-Num-Pending", pending);
        if (!err)
            err = add_number(&out, "Nats-Last-Sequence", asked->sent_sequence);
    }
    if (!err && !bare)
        err = rill_headers_end(&out);
    const size_t headers_len = out.len;
    if (!err)
        err = rill_buf_append(&out, stored->payload);
    if (!err)
        (void)route_publish(stream->js->core, stream->js->account, asked_reply(asked), rill_bytes_of(NULL, 0),
                            rill_bytes_of(out.data, headers_len),
                            rill_bytes_of(out.data + headers_len, out.len - headers_len));
    rill_buf_fini(&out);
}

static void send_end(struct stream *stream, const struct asked *asked)
{
    char text[128];
    const int len = snprintf(text, sizeof text,
                             "NATS/1.0 204 EOB\r\nNats-Num-Pending: %" PRIu64
                             "\r\nNats-Last-Sequence: %" PRIu64 "\r\n\r\n",
                             messages_from(stream, asked->sequence), asked->sent_sequence);
    RILL_ASSERT(len > 0 && (size_t)len < sizeof text);
    js_send_status(stream->js, asked_reply(asked), rill_bytes_of(text, (size_t)len));
}

// ---- one message, or a batch ----

static enum asked_outcome finish(struct stream *stream, const struct asked *asked)
{
    if (!asked->sent_sequence)
        js_send_status(stream->js, asked_reply(asked), RILL_BYTES("NATS/1.0 404 Message Not Found\r\n\r\n"));
    else if (is_batch(asked))
        send_end(stream, asked);
    return ASKED_DONE;
}

static void take_message(struct stream *stream, struct asked *asked, const struct rill_store_message *stored)
{
    const uint64_t bytes = stored->subject.len + stored->headers.len + stored->payload.len;
    const uint64_t sequence = stored->sequence;
    const uint64_t pending = is_batch(asked) ? messages_from(stream, sequence + 1) : 0;
    struct rill_store_message again;
    // Counting is not a read and ends the views.
    if (rill_store_read(stream->store, sequence, &again))
        return;
    send_message(stream, asked, &again, pending);
    asked->sent_sequence = sequence;
    asked->sequence = sequence + 1;
    asked->left--;
    asked->bytes_left = asked->bytes_left > bytes ? asked->bytes_left - bytes : 0;
}

static enum asked_outcome step_direct(struct stream *stream, struct asked *asked)
{
    if (!asked->sequence) {
        const Rill__Timestamp *time = ((Rill__MsgGetRequest *)asked->request)->start_time;
        const enum rill_err err = asked_find_time(stream, asked, time->unix_ns);
        if (err)
            return err == RILL_ERR_AGAIN ? ASKED_WAITS : finish(stream, asked);
    }
    for (uint32_t reads = 0; asked->left && asked->bytes_left; reads++) {
        struct rill_store_message stored;
        if (asked->sequence > stream->last_committed)
            return finish(stream, asked);
        if (reads == STEP_READS_MAX)
            return ASKED_GOES_ON;
        const enum rill_err err = rill_store_read(stream->store, asked->sequence, &stored);
        if (err == RILL_ERR_AGAIN) {
            asked_load(stream, asked->sequence);
            return ASKED_WAITS;
        }
        if (!err)
            take_message(stream, asked, &stored);
        else if (!is_batch(asked))
            return finish(stream, asked);
        else
            asked->sequence++; // it was removed, or is damaged
    }
    return finish(stream, asked);
}

// ---- requests ----

static void refuse(const struct api_call *call, struct rill_bytes status)
{
    js_send_status(call->js, call->reply, status);
}

static bool has_text(const char *text)
{
    return text && text[0];
}

/* Something is asked for, and nothing in two ways. */
static bool is_sound(const Rill__MsgGetRequest *request)
{
    const bool last = has_text(request->last_by_subj);
    const bool next = has_text(request->next_by_subj);
    const bool multi = request->n_multi_last > 0;
    const bool time = request->start_time != NULL;
    return !(request->seq && (last || time)) && !(last && (time || next || multi || request->batch > 0)) &&
           !(next && multi) && !(request->up_to_seq && request->up_to_time);
}

static bool asks_nothing(const Rill__MsgGetRequest *request)
{
    return !request->seq && !has_text(request->last_by_subj) && !has_text(request->next_by_subj) &&
           !request->n_multi_last && !request->start_time;
}

/* Streams that do not allow it have nobody who would answer. */
static struct stream *direct_stream(const struct api_call *call)
{
    struct stream *stream = stream_find(call->js, call->tokens[0]);
    if (stream && stream->state == STREAM_ACTIVE && stream->record->config->allow_direct)
        return stream;
    refuse(call, RILL_BYTES("NATS/1.0 503\r\n\r\n"));
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
    refuse(call, RILL_BYTES("NATS/1.0 408 Malformed Request\r\n\r\n"));
    return NULL;
}

static void get(const struct api_call *call, struct stream *stream, const Rill__MsgGetRequest *request)
{
    if (has_text(request->last_by_subj) || has_text(request->next_by_subj) || request->n_multi_last) {
        refuse(call, RILL_BYTES("NATS/1.0 500 By subject is not implemented yet\r\n\r\n"));
        return;
    }
    const struct asked asked = {
        .step = step_direct,
        .direct = true,
        .sequence = request->seq,
        .left = request->batch > 0 ? (uint64_t)request->batch : 1,
        .bytes_left = request->max_bytes > 0 ? (uint64_t)request->max_bytes : DEFAULT_BATCH_BYTES_MAX,
    };
    asked_begin(stream, &asked, &request->base, call->reply);
}

void api_direct_get(const struct api_call *call)
{
    struct stream *stream = direct_stream(call);
    if (!stream)
        return;
    Rill__MsgGetRequest *request = call->body.len ? read_request(call) : NULL;
    if (!call->body.len || (request && asks_nothing(request)))
        refuse(call, RILL_BYTES("NATS/1.0 408 Empty Request\r\n\r\n"));
    else if (request && !is_sound(request))
        refuse(call, RILL_BYTES("NATS/1.0 408 Bad Request\r\n\r\n"));
    else if (request)
        get(call, stream, request);
    rill_message_free(request ? &request->base : NULL);
}

void api_direct_get_subject(const struct api_call *call)
{
    struct stream *stream = direct_stream(call);
    Rill__MsgGetRequest *request = stream ? read_request(call) : NULL;
    if (!request)
        return;
    if (!asks_nothing(request) || request->batch || request->up_to_seq || request->up_to_time)
        refuse(call, RILL_BYTES("NATS/1.0 408 Bad Request\r\n\r\n"));
    else
        refuse(call, RILL_BYTES("NATS/1.0 500 By subject is not implemented yet\r\n\r\n"));
    rill_message_free(&request->base);
}
