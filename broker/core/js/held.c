// SPDX-License-Identifier: Apache-2.0
#include "held.h"

#include "api.h"
#include "base/assert.h"
#include "js_state.h"

#include <stdlib.h>
#include <string.h>

struct held_request {
    struct held_request *next;
    size_t subject_len;
    size_t reply_len;
    size_t body_len;
    uint8_t bytes[]; // subject, reply, body
};

enum { HELD_MAX = 1024 }; // when not configured

static uint32_t held_max(const struct jetstream *js)
{
    const int64_t configured = js->limits.requests_max;
    return configured > 0 && configured < UINT32_MAX ? (uint32_t)configured : HELD_MAX;
}

static struct held_request *copy_of(const struct message *message)
{
    const struct rill_bytes parts[] = {message->subject, message->reply, message->payload};
    struct held_request *request =
        malloc(sizeof *request + message->subject.len + message->reply.len + message->payload.len);
    if (!request)
        return NULL;
    *request = (struct held_request){NULL, message->subject.len, message->reply.len, message->payload.len};
    uint8_t *at = request->bytes;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (parts[i].len)
            memcpy(at, parts[i].data, parts[i].len);
        at += parts[i].len;
    }
    return request;
}

bool held_add(struct jetstream *js, struct held *held, const struct message *message)
{
    struct held_request *request = js->held_count < held_max(js) ? copy_of(message) : NULL;
    if (!request)
        return false;
    if (held->last)
        held->last->next = request;
    else
        held->first = request;
    held->last = request;
    js->held_count++;
    return true;
}

static void dispatch(struct jetstream *js, const struct held_request *request)
{
    const struct message message = {
        .account = js->account,
        .subject = rill_bytes_of(request->bytes, request->subject_len),
        .reply = rill_bytes_of(request->bytes + request->subject_len, request->reply_len),
        .payload =
            rill_bytes_of(request->bytes + request->subject_len + request->reply_len, request->body_len),
    };
    api_dispatch(js, &message);
}

void held_release(struct jetstream *js, struct held *held)
{
    struct held_request *request = held->first;
    *held = (struct held){0};
    while (request) {
        struct held_request *next = request->next;
        RILL_ASSERT(js->held_count > 0);
        js->held_count--;
        dispatch(js, request);
        free(request);
        request = next;
    }
}
