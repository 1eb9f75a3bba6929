// SPDX-License-Identifier: Apache-2.0
//
// $JS.API.STREAM.PURGE: all messages, those of a subject, those below a sequence, or all but the newest. What is below a
// sequence goes in one record; what matches a filter goes message by message, some hundred in a turn, and what is not durable
// yet when it is asked for is waited for first.
#include "api.h"
#include "asked.h"
#include "base/alloc.h"
#include "message_find.h"
#include "proto/subject.h"
#include "stream.h"
#include "stream_tidy.h"

#include <stdlib.h>

void stream_answer_purged(struct stream *stream, struct rill_bytes reply, uint64_t count,
                          const struct rill_js_error *error)
{
    if (error) {
        api_respond_error(stream->js, reply, &rill__stream_purge_response__descriptor, error);
        return;
    }
    Rill__StreamPurgeResponse response = RILL__STREAM_PURGE_RESPONSE__INIT;
    response.has_success = response.success = true;
    response.purged = count;
    js_respond(stream->js, reply, &response.base);
}

/* The removal is appended, or could not be. */
static enum asked_outcome finish(struct stream *stream, const struct asked *asked, enum rill_err err,
                                 uint64_t count)
{
    if (err) {
        const struct rill_js_error error = stream_store_error(stream, err);
        stream_answer_purged(stream, asked_reply(asked), 0, &error);
    } else if (count) {
        stream_wait_for_append(stream, STREAM_WAIT_PURGED, asked_reply(asked))->count = count;
    } else {
        stream_answer_purged(stream, asked_reply(asked), 0, NULL);
    }
    return ASKED_DONE;
}

static enum asked_outcome step_purge(struct stream *stream, struct asked *asked)
{
    struct rill_store_purged purged = {0};
    const enum rill_err err = stream->broken
                                  ? RILL_ERR_READ_ONLY
                                  : rill_store_append_purge(stream->store, asked->sequence, &purged);
    if (err == RILL_ERR_AGAIN) {
        asked_load(stream, purged.load_sequence);
        return ASKED_WAITS;
    }
    return finish(stream, asked, err, purged.messages);
}

// ---- what matches ----

struct matching {
    struct rill_store_filter *filter;
    struct rill_store_purging purging;
    uint64_t keep;
    uint64_t failures; // of commits, when it began
};

static void matching_release(void *own)
{
    struct matching *matching = own;
    rill_store_filter_destroy(matching->filter);
    free(matching);
}

static struct matching *matching_create(struct stream *stream, const Rill__StreamPurgeRequest *request)
{
    const struct rill_bytes pattern = rill_bytes_from_cstr(request->filter);
    struct matching *matching = rill_alloc_zero(1, sizeof *matching);
    matching->filter = rill_store_filter_create(stream->store, &pattern, 1);
    matching->keep = request->keep;
    matching->failures = stream->commits_failed;
    return matching;
}

/* Is what was there when it was asked for durable? */
static bool is_settled(const struct stream *stream, const struct asked *asked)
{
    const uint64_t last =
        asked->sequence - 1 < stream->last_appended ? asked->sequence - 1 : stream->last_appended;
    return stream->last_committed >= last;
}

/* What stands in the way of going on at once. */
static enum asked_outcome go_on_later(struct stream *stream, const struct matching *matching)
{
    stream->commit_wanted = true;
    stream_touch(stream);
    if (matching->purging.load_sequence) {
        asked_load(stream, matching->purging.load_sequence);
        return ASKED_WAITS;
    }
    stream_await_index(stream);
    return ASKED_WAITS;
}

static enum asked_outcome step_matching(struct stream *stream, struct asked *asked)
{
    struct matching *matching = asked->own;
    enum rill_err err = RILL_ERR_READ_ONLY;
    if (!stream->broken && !is_settled(stream, asked))
        return ASKED_WAITS; // for the commit
    if (matching->failures != stream->commits_failed)
        matching->purging = (struct rill_store_purging){0}; // what was removed may be back
    matching->failures = stream->commits_failed;
    if (!stream->broken)
        err = rill_store_append_purge_matching(matching->filter, asked->sequence, matching->keep,
                                               &matching->purging);
    if (err == RILL_ERR_AGAIN || err == RILL_ERR_LIMIT)
        return go_on_later(stream, matching);
    return finish(stream, asked, err, matching->purging.messages);
}

// ---- the request ----

/* What comes while the purge is under way is not meant. */
static uint64_t first_kept_of(struct stream *stream, const Rill__StreamPurgeRequest *request)
{
    const uint64_t next = stream->last_appended + 1;
    const bool all = !message_text_is_given(request->filter);
    if (request->keep && all)
        return rill_store_newest(stream->store, request->keep);
    return request->seq && request->seq < next ? request->seq : next;
}

static void purge(const struct api_call *call, struct stream *stream)
{
    const Rill__StreamPurgeRequest *request = (Rill__StreamPurgeRequest *)call->request;
    struct asked asked = {
        .step = step_purge, .response = call->response, .sequence = first_kept_of(stream, request)};
    if (message_text_is_given(request->filter)) {
        asked.step = step_matching;
        asked.own = matching_create(stream, request);
        asked.release = matching_release;
    }
    asked_begin(stream, &asked, NULL, call->reply);
}

static bool is_sound(const Rill__StreamPurgeRequest *request)
{
    return !(request->seq && request->keep) && (!message_text_is_given(request->filter) ||
                                                rill_subject_is_valid(rill_bytes_from_cstr(request->filter)));
}

void api_stream_purge(const struct api_call *call)
{
    if (!is_sound((Rill__StreamPurgeRequest *)call->request)) {
        api_fail(call, RILL_JS_BAD_REQUEST);
        return;
    }
    struct stream *stream = api_stream(call);
    if (!stream)
        return;
    const Rill__StreamConfig *config = stream->record->config;
    if (config->sealed) {
        api_fail(call, RILL_JS_STREAM_SEALED);
    } else if (config->deny_purge) {
        const struct rill_js_error error =
            rill_js_error_with(RILL_JS_STREAM_PURGE_FAILED, "stream purge not permitted");
        api_respond_error(call->js, call->reply, call->response, &error);
    } else {
        purge(call, stream);
    }
}
