// SPDX-License-Identifier: Apache-2.0
#include "parked.h"

#include "base/assert.h"
#include "stream.h"
#include "stream_tidy.h"

#include <stdlib.h>

struct parked_message {
    struct parked_message *next;
    size_t subject_len;
    size_t reply_len;
    size_t headers_len;
    size_t payload_len;
    uint8_t bytes[]; // subject, reply, headers, payload
};

static size_t size_of(const struct message *message)
{
    return message->subject.len + message->reply.len + message->headers.len + message->payload.len;
}

static void copy_parts(struct parked_message *parked, const struct message *message)
{
    const struct rill_bytes parts[] = {message->subject, message->reply, message->headers, message->payload};
    uint8_t *at = parked->bytes;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (parts[i].len)
            memcpy(at, parts[i].data, parts[i].len);
        at += parts[i].len;
    }
}

enum rill_err parked_add(struct stream *stream, const struct message *message)
{
    struct parked *parked = &stream->parked;
    const size_t size = size_of(message);
    if (parked->count == PARKED_MAX || parked->bytes + size > PARKED_BYTES_MAX)
        return RILL_ERR_LIMIT;
    struct parked_message *copy = malloc(sizeof *copy + size);
    if (!copy)
        return RILL_ERR_NO_MEMORY;
    *copy = (struct parked_message){NULL, message->subject.len, message->reply.len, message->headers.len,
                                    message->payload.len};
    copy_parts(copy, message);
    if (parked->last)
        parked->last->next = copy;
    else
        parked->first = copy;
    parked->last = copy;
    parked->count++;
    parked->bytes += size;
    stream_await_index(stream);
    return RILL_OK;
}

static struct message view_of(const struct stream *stream, const struct parked_message *parked)
{
    const uint8_t *at = parked->bytes;
    struct message message = {.account = stream->js->account};
    message.subject = rill_bytes_of(at, parked->subject_len);
    message.reply = rill_bytes_of(at += parked->subject_len, parked->reply_len);
    message.headers = rill_bytes_of(at += parked->reply_len, parked->headers_len);
    message.payload = rill_bytes_of(at + parked->headers_len, parked->payload_len);
    return message;
}

static void drop_first(struct parked *parked)
{
    struct parked_message *first = parked->first;
    RILL_ASSERT(first && parked->count > 0);
    parked->first = first->next;
    if (!parked->first)
        parked->last = NULL;
    parked->count--;
    parked->bytes -= first->subject_len + first->reply_len + first->headers_len + first->payload_len;
    free(first);
}

void parked_go_on(struct stream *stream)
{
    while (stream->parked.first) {
        const struct message message = view_of(stream, stream->parked.first);
        if (stream_publish_parked(stream, &message) == RILL_ERR_AGAIN) {
            stream_await_index(stream);
            return;
        }
        drop_first(&stream->parked);
    }
}

void parked_fail(struct stream *stream, const struct rill_js_error *error)
{
    while (stream->parked.first) {
        const struct message message = view_of(stream, stream->parked.first);
        stream_refuse(stream, message.reply, error);
        drop_first(&stream->parked);
    }
}
