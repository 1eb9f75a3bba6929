// SPDX-License-Identifier: Apache-2.0
#include "parked.h"

#include "stream.h"
#include "stream_tidy.h"

static size_t size_of(const struct message *message)
{
    return message->subject.len + message->reply.len + message->headers.len + message->payload.len;
}

enum rill_err parked_add(struct stream *stream, const struct message *message)
{
    struct kept_messages *parked = &stream->parked;
    if (parked->count == PARKED_MAX || parked->bytes + size_of(message) > PARKED_BYTES_MAX)
        return RILL_ERR_LIMIT;
    const enum rill_err err = kept_messages_add(parked, message);
    if (!err)
        stream_await_index(stream);
    return err;
}

void parked_go_on(struct stream *stream)
{
    while (stream->parked.count) {
        const struct message message = kept_messages_first(&stream->parked, stream->js->account);
        if (stream_publish_parked(stream, &message) == RILL_ERR_AGAIN) {
            stream_await_index(stream);
            return;
        }
        kept_messages_drop(&stream->parked);
    }
}

void parked_fail(struct stream *stream, const struct rill_js_error *error)
{
    while (stream->parked.count) {
        stream_refuse(stream, kept_messages_first(&stream->parked, stream->js->account).reply, error);
        kept_messages_drop(&stream->parked);
    }
}
