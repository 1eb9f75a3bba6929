// SPDX-License-Identifier: Apache-2.0
//
// $JS.API.CONSUMER.DELETE, PAUSE, UNPIN and RESET, and the answers to all who wait until something about a consumer is
// durable.
#include "advisory.h"
#include "api.h"
#include "api_consumer.h"
#include "asked.h"
#include "base/assert.h"
#include "pin.h"
#include "proto/message.h"
#include "stream_tidy.h"

#include <inttypes.h>

static const struct rill_bytes consumer_deleted = RILL_BYTES("NATS/1.0 409 Consumer Deleted\r\n\r\n");

// ---- answers ----

static void respond_info(struct durable *durable, struct rill_bytes reply)
{
    struct durable_info view;
    Rill__ConsumerCreateResponse response = RILL__CONSUMER_CREATE_RESPONSE__INIT;
    durable_info(durable, &view);
    durable_info_add_config(&view, durable);
    response.inline_info = &view.info;
    js_respond(durable->stream->js, reply, &response.base);
    durable_info_fini(&view);
}

static void respond_asked(struct durable *durable, struct rill_bytes reply)
{
    struct durable_info view;
    Rill__ConsumerInfoResponse response = RILL__CONSUMER_INFO_RESPONSE__INIT;
    durable_info(durable, &view);
    durable_info_add_config(&view, durable);
    response.inline_info = &view.info;
    js_respond(durable->stream->js, reply, &response.base);
    durable_info_fini(&view);
}

static void respond_paused(struct durable *durable, struct rill_bytes reply)
{
    struct durable_info view;
    Rill__ConsumerPauseResponse response = RILL__CONSUMER_PAUSE_RESPONSE__INIT;
    durable_info(durable, &view);
    durable_info_add_config(&view, durable);
    response.has_paused = true;
    response.paused = view.info.paused;
    response.pause_until = view.record->config->pause_until;
    response.has_pause_remaining = view.info.has_pause_remaining;
    response.pause_remaining = view.info.pause_remaining;
    js_respond(durable->stream->js, reply, &response.base);
    durable_info_fini(&view);
}

static void respond_reset(struct durable *durable, struct rill_bytes reply)
{
    struct durable_info view;
    Rill__ConsumerResetResponse response = RILL__CONSUMER_RESET_RESPONSE__INIT;
    durable_info(durable, &view);
    durable_info_add_config(&view, durable);
    response.inline_info = &view.info;
    response.has_reset_seq = true;
    response.reset_seq = durable->reset_sequence;
    js_respond(durable->stream->js, reply, &response.base);
    durable_info_fini(&view);
}

static void respond_deleted(struct jetstream *js, struct rill_bytes reply)
{
    Rill__ConsumerDeleteResponse response = RILL__CONSUMER_DELETE_RESPONSE__INIT;
    response.has_success = response.success = true;
    js_respond(js, reply, &response.base);
}

static const ProtobufCMessageDescriptor *response_of(enum stream_wait what)
{
    switch (what) {
    case STREAM_WAIT_CONSUMER_CREATED:
    case STREAM_WAIT_CONSUMER_CHANGED:
        return &rill__consumer_create_response__descriptor;
    case STREAM_WAIT_CONSUMER_PAUSED:
        return &rill__consumer_pause_response__descriptor;
    case STREAM_WAIT_CONSUMER_RESET:
        return &rill__consumer_reset_response__descriptor;
    case STREAM_WAIT_CONSUMER_DELETED:
        return &rill__consumer_delete_response__descriptor;
    case STREAM_WAIT_CONSUMER_ASKED:
        return &rill__consumer_info_response__descriptor;
    default:
        RILL_UNREACHABLE();
    }
}

// ---- what becomes of a consumer ----

static void end_deleted(struct durable *durable)
{
    advisory_action(durable, ADVISORY_DELETED);
    durable_end(durable, consumer_deleted);
}

/* What was to be did not get into the log. */
static void take_back(struct durable *durable, enum stream_wait what)
{
    if (what == STREAM_WAIT_CONSUMER_CREATED) {
        durable_end(durable, consumer_deleted);
    } else if (what == STREAM_WAIT_CONSUMER_DELETED) {
        durable->deleting = false;
        durable_serve_later(durable);
    } else if (what == STREAM_WAIT_CONSUMER_RESET) {
        durable_reset_done(durable); // it is in memory, and the log hears of it with the next commit
    } else {
        consumer_settings_destroy(durable->settings_next);
        durable->settings_next = NULL;
    }
}

static void bring_about(struct durable *durable, enum stream_wait what)
{
    struct consumer_settings *settings = durable->settings_next;
    if ((what == STREAM_WAIT_CONSUMER_CHANGED || what == STREAM_WAIT_CONSUMER_PAUSED) && settings) {
        durable->settings_next = NULL;
        durable_change_settings(durable, settings);
    }
    if (what == STREAM_WAIT_CONSUMER_RESET)
        durable_reset_done(durable);
}

static void respond(struct durable *durable, enum stream_wait what, struct rill_bytes reply)
{
    switch (what) {
    case STREAM_WAIT_CONSUMER_ASKED:
        respond_asked(durable, reply);
        return;
    case STREAM_WAIT_CONSUMER_PAUSED:
        respond_paused(durable, reply);
        return;
    case STREAM_WAIT_CONSUMER_RESET:
        respond_reset(durable, reply);
        return;
    default:
        respond_info(durable, reply);
    }
}

static enum asked_outcome step_respond(struct stream *stream, struct asked *asked)
{
    struct durable *durable = stream->durables;
    while (durable && durable->settings->number != asked->consumer)
        durable = durable->by_name.next;
    if (!durable) {
        const struct rill_js_error gone = rill_js_error_of(RILL_JS_CONSUMER_NOT_FOUND);
        api_respond_error(stream->js, asked_reply(asked), asked->response, &gone);
        return ASKED_DONE;
    }
    if (source_count(durable)) {
        stream_await_index(stream);
        return ASKED_WAITS;
    }
    respond(durable, asked->what, asked_reply(asked));
    return ASKED_DONE;
}

void durable_respond(struct durable *durable, enum stream_wait what, struct rill_bytes reply)
{
    const struct asked asked = {
        .step = step_respond,
        .response = response_of(what),
        .what = what,
        .consumer = durable->settings->number,
    };
    if (source_count(durable))
        asked_begin(durable->stream, &asked, NULL, reply);
    else
        respond(durable, what, reply);
}

void durable_answer(struct jetstream *js, enum stream_wait what, struct durable *durable,
                    struct rill_bytes reply, const struct rill_js_error *error)
{
    const struct rill_js_error gone = rill_js_error_of(RILL_JS_CONSUMER_NOT_FOUND);
    if (what == STREAM_WAIT_CONSUMER_DELETED && !error) {
        if (durable)
            end_deleted(durable);
        respond_deleted(js, reply);
        return;
    }
    if (!error && !durable)
        error = &gone; // deleted before anybody was told
    if (error) {
        api_respond_error(js, reply, response_of(what), error);
        if (durable)
            take_back(durable, what);
        return;
    }
    bring_about(durable, what);
    durable_respond(durable, what, reply);
}

// ---- deleting ----

enum durable_delete durable_delete(struct durable *durable, struct rill_bytes reply)
{
    Rill__ConsumerEnd event = RILL__CONSUMER_END__INIT;
    struct stream *stream = durable->stream;
    if (durable->in_memory) {
        durable_answer(stream->js, STREAM_WAIT_CONSUMER_DELETED, durable, reply, NULL);
        return DURABLE_DELETED;
    }
    event.number = durable->settings->number;
    if (stream_append_event(stream, RILL_STORE_EVENT_CONSUMER_DELETED, &event.base,
                            STREAM_WAIT_CONSUMER_DELETED, durable, reply))
        return DURABLE_DELETE_FAILED;
    durable->deleting = true;
    return DURABLE_DELETE_WAITS;
}

void api_consumer_delete(const struct api_call *call)
{
    struct durable *durable = api_durable(call);
    if (!durable)
        return;
    struct stream *stream = durable->stream;
    if (durable_delete(durable, call->reply) != DURABLE_DELETE_FAILED)
        return;
    const struct rill_js_error error =
        stream_store_error(stream, stream->broken ? RILL_ERR_READ_ONLY : RILL_ERR_LIMIT);
    api_respond_error(call->js, call->reply, call->response, &error);
}

// ---- pausing ----

static Rill__ConsumerRecord *paused_record(const struct durable *durable, const Rill__Timestamp *until)
{
    Rill__ConsumerRecord *record = consumer_settings_record(durable->settings);
    if (record->config->pause_until)
        rill_message_free(&record->config->pause_until->base);
    record->config->pause_until = until ? (Rill__Timestamp *)rill_message_copy(&until->base) : NULL;
    return record;
}

void api_consumer_pause(const struct api_call *call)
{
    const Rill__ConsumerPauseRequest *request = (Rill__ConsumerPauseRequest *)call->request;
    struct durable *durable = api_durable(call);
    const Rill__Timestamp *until = request->pause_until;
    if (!durable)
        return;
    if (durable->settings_next) {
        api_fail(call, RILL_JS_NOT_READY);
        return;
    }
    if (until && until->unix_ns == INT64_MIN)
        until = NULL; // the zero time
    Rill__ConsumerRecord *record = paused_record(durable, until);
    const struct rill_js_error error =
        api_consumer_change_record(durable, record, STREAM_WAIT_CONSUMER_PAUSED, call->reply);
    rill_message_free(&record->base);
    if (rill_js_error_is_set(&error))
        api_respond_error(call->js, call->reply, call->response, &error);
}

// ---- unpinning ----

void api_consumer_unpin(const struct api_call *call)
{
    const Rill__ConsumerUnpinRequest *request = (Rill__ConsumerUnpinRequest *)call->request;
    Rill__ConsumerUnpinResponse response = RILL__CONSUMER_UNPIN_RESPONSE__INIT;
    struct durable *durable = api_durable(call);
    if (!durable)
        return;
    if (!request->group || !request->group[0]) {
        api_fail(call, RILL_JS_CONSUMER_PRIORITY_GROUP_INVALID);
        return;
    }
    if (!durable->pin || strcmp(request->group, durable->settings->group) != 0) {
        api_fail(call, RILL_JS_CONSUMER_PRIORITY_GROUP_INVALID);
        return;
    }
    pin_release(durable, "admin");
    durable_serve_later(durable);
    js_respond(call->js, call->reply, &response.base);
}

// ---- resetting ----

/* Where it goes on: behind what was acknowledged when the request does not say. */
static uint64_t reset_sequence(const struct durable *durable, uint64_t asked)
{
    return asked ? asked : consumer_ack_floor(durable->consumer).sequence + 1;
}

/* Only where the configuration leaves the start open may a request go there. */
static struct rill_js_error check_reset(const struct durable *durable, uint64_t asked)
{
    Rill__ConsumerRecord *record = consumer_settings_record(durable->settings);
    const Rill__DeliverPolicy policy = record->config->deliver_policy;
    const uint64_t start = record->config->opt_start_seq;
    const struct rill_js_error none = {0};
    rill_message_free(&record->base);
    if (!asked || policy == RILL__DELIVER_POLICY__DELIVER_POLICY_ALL)
        return none;
    if (policy != RILL__DELIVER_POLICY__DELIVER_POLICY_BY_START_SEQUENCE)
        return rill_js_error_with(RILL_JS_CONSUMER_RESET_INVALID, "deliver policy does not allow a sequence");
    if (asked < start)
        return rill_js_error_with(RILL_JS_CONSUMER_RESET_INVALID, "below start seq");
    return none;
}

void api_consumer_reset(const struct api_call *call)
{
    const Rill__ConsumerResetRequest *request = (Rill__ConsumerResetRequest *)call->request;
    struct durable *durable = api_durable(call);
    if (!durable)
        return;
    struct stream *stream = durable->stream;
    struct rill_js_error error = check_reset(durable, request->seq);
    if (!rill_js_error_is_set(&error) && stream->broken)
        error = stream_store_error(stream, RILL_ERR_READ_ONLY);
    if (rill_js_error_is_set(&error)) {
        api_respond_error(call->js, call->reply, call->response, &error);
        return;
    }
    durable_reset(durable, reset_sequence(durable, request->seq));
    if (!durable->has_news) {
        durable_answer(call->js, STREAM_WAIT_CONSUMER_RESET, durable, call->reply, NULL);
        return;
    }
    // Its new state goes into the commit that is open now.
    stream_wait(stream, STREAM_WAIT_CONSUMER_RESET, rill_store_open_commit(stream->store), durable,
                call->reply);
    stream->commit_wanted = true;
    stream_touch(stream);
}
