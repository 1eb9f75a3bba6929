// SPDX-License-Identifier: Apache-2.0
#include "asked.h"

#include "api.h"
#include "base/alloc.h"
#include "base/assert.h"
#include "proto/message.h"
#include "start.h"
#include "stream_load.h"
#include "stream_tidy.h"

#include <stdio.h>
#include <stdlib.h>
#include <utlist.h>

// ---- loading ----

void asked_load(struct stream *stream, uint64_t sequence)
{
    struct rill_store_job *store_job = rill_store_load_start(stream->store, sequence);
    if (!store_job) {
        // Another load is bringing it; else it is there by now, or its directory went with the index.
        if (!stream->loads_out && rill_store_wants_mend(stream->store))
            stream_await_index(stream);
        else if (!stream->loads_out)
            stream_soon(stream);
        return;
    }
    stream_load(stream, store_job);
}

enum rill_err asked_find_time(struct stream *stream, struct asked *asked, int64_t unix_ns)
{
    uint64_t sequence;
    const enum rill_err err = rill_store_at_time(stream->store, unix_ns, &sequence);
    if (err == RILL_ERR_AGAIN)
        asked_load(stream, sequence);
    if (!err)
        asked->sequence = sequence;
    return err;
}

// ---- asking ----

static void asked_free(struct asked *asked)
{
    rill_message_free(asked->request);
    start_destroy(asked->start);
    if (asked->release && asked->own)
        asked->release(asked->own);
    free(asked);
}

static void fail(struct stream *stream, const struct asked *asked, const struct rill_js_error *error)
{
    char status[64];
    if (!asked->direct) {
        api_respond_error(stream->js, asked_reply(asked), asked->response, error);
        return;
    }
    const int len = snprintf(status, sizeof status, "NATS/1.0 %u %s\r\n\r\n", error->code,
                             error->code == 404 ? "Stream Not Found" : "Unavailable");
    RILL_ASSERT(len > 0 && (size_t)len < sizeof status);
    js_send_status(stream->js, asked_reply(asked), rill_bytes_of(status, (size_t)len));
}

enum asked_outcome asked_stop(struct stream *stream, const struct asked *asked, enum rill_err err)
{
    if (err == RILL_ERR_AGAIN)
        return ASKED_WAITS;
    const struct rill_js_error error = stream_store_error(stream, err);
    fail(stream, asked, &error);
    return ASKED_DONE;
}

/* Takes it. */
static void make_step(struct stream *stream, struct asked *asked)
{
    const enum asked_outcome outcome = asked->step(stream, asked);
    if (outcome == ASKED_DONE) {
        asked_free(asked);
        return;
    }
    if (stream->asked_count == ASKED_MAX) {
        const struct rill_js_error error = rill_js_error_of(RILL_JS_TOO_MANY_REQUESTS);
        fail(stream, asked, &error);
        asked_free(asked);
        return;
    }
    stream->asked_count++;
    LL_APPEND(stream->asked, asked);
    if (outcome == ASKED_GOES_ON)
        stream_soon(stream);
}

void asked_begin(struct stream *stream, const struct asked *what, const ProtobufCMessage *request,
                 struct rill_bytes reply)
{
    struct asked *asked = rill_alloc_zero(1, sizeof *asked + reply.len);
    *asked = *what;
    asked->request = request ? rill_message_copy(request) : NULL;
    asked->reply_len = reply.len;
    if (reply.len)
        memcpy(asked->reply, reply.data, reply.len);
    make_step(stream, asked);
}

void asked_go_on(struct stream *stream)
{
    struct asked *asked = stream->asked;
    stream->asked = NULL;
    stream->asked_count = 0;
    while (asked) {
        struct asked *next = asked->next;
        asked->next = NULL;
        make_step(stream, asked);
        asked = next;
    }
}

void asked_fail(struct stream *stream, const struct rill_js_error *error)
{
    struct asked *asked;
    while ((asked = stream->asked)) {
        stream->asked = asked->next;
        stream->asked_count--;
        fail(stream, asked, error);
        asked_free(asked);
    }
}
