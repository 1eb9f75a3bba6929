// SPDX-License-Identifier: Apache-2.0
#include "api.h"

#include "base/assert.h"
#include "durable.h"
#include "held.h"
#include "proto/headers.h"
#include "proto/json_codec.h"
#include "proto/message.h"
#include "proto/subject.h"
#include "stream.h"

#include <stdlib.h>

#define PREFIX "$JS.API."

typedef void api_handler(const struct api_call *call);

enum row_kind {
    DONE,         // the handler does it
    DONE_EMPTY,   // so it does; there is nothing to say in the body
    CLUSTER_ONLY, // needs a cluster
};

struct row {
    const char *pattern; // behind the prefix
    enum row_kind kind;
    const ProtobufCMessageDescriptor *request; // NULL: the handler reads the body itself
    const ProtobufCMessageDescriptor *response;
    api_handler *handler;
};

// clang-format off
#define D(name) &rill__##name##__descriptor
static const struct row rows[] = {
    {"INFO",                         DONE, NULL, D(account_info_response), api_account_info},
    {"STREAM.CREATE.*",              DONE, D(stream_create_request), D(stream_create_response), api_stream_create},
    {"STREAM.UPDATE.*",              DONE, D(stream_create_request), D(stream_update_response), api_stream_update},
    {"STREAM.LIST",                  DONE, D(stream_page_request), D(stream_list_response), api_stream_list},
    {"STREAM.INFO.*",                DONE, D(stream_info_request), D(stream_info_response), api_stream_info},
    {"STREAM.NAMES",                 DONE, D(stream_page_request), D(stream_names_response), api_stream_names},
    {"STREAM.PURGE.*",               DONE, D(stream_purge_request), D(stream_purge_response), api_stream_purge},
    {"STREAM.MSG.GET.*",             DONE, D(msg_get_request), D(msg_get_response), api_message_get},
    {"STREAM.MSG.DELETE.*",          DONE, D(msg_delete_request), D(msg_delete_response), api_message_delete},
    {"DIRECT.GET.*",                 DONE, NULL, D(system_response), api_direct_get},
    {"DIRECT.GET.*.>",               DONE, NULL, D(system_response), api_direct_get_subject},
    {"STREAM.DELETE.*",              DONE_EMPTY, NULL, D(stream_delete_response), api_stream_delete},
    {"CONSUMER.CREATE.*",            DONE, D(consumer_create_request), D(consumer_create_response), api_consumer_create},
    {"CONSUMER.CREATE.*.*",          DONE, D(consumer_create_request), D(consumer_create_response), api_consumer_create_named},
    {"CONSUMER.CREATE.*.*.>",        DONE, D(consumer_create_request), D(consumer_create_response), api_consumer_create_named},
    {"CONSUMER.DURABLE.CREATE.*.*",  DONE, D(consumer_create_request), D(consumer_create_response), api_consumer_create_durable},
    {"CONSUMER.INFO.*.*",            DONE_EMPTY, NULL, D(consumer_info_response), api_consumer_info},
    {"CONSUMER.NAMES.*",             DONE, D(consumer_page_request), D(consumer_names_response), api_consumer_names},
    {"CONSUMER.LIST.*",              DONE, D(consumer_page_request), D(consumer_list_response), api_consumer_list},
    {"CONSUMER.PAUSE.*.*",           DONE, D(consumer_pause_request), D(consumer_pause_response), api_consumer_pause},
    {"CONSUMER.UNPIN.*.*",           DONE, D(consumer_unpin_request), D(consumer_unpin_response), api_consumer_unpin},
    {"CONSUMER.RESET.*.*",           DONE, D(consumer_reset_request), D(consumer_reset_response), api_consumer_reset},
    {"CONSUMER.DELETE.*.*",          DONE_EMPTY, NULL, D(consumer_delete_response), api_consumer_delete},
    {"CONSUMER.MSG.NEXT.*.*",        DONE, NULL, D(system_response), api_consumer_next},

    {"STREAM.SNAPSHOT.*",            DONE, D(stream_snapshot_request), D(stream_snapshot_response), api_stream_snapshot},
    {"STREAM.RESTORE.*",             DONE, D(stream_restore_request), D(stream_restore_response), api_stream_restore},

    {"STREAM.LEADER.STEPDOWN.*",     CLUSTER_ONLY, NULL, D(stream_leader_step_down_response), NULL},
    {"STREAM.PEER.REMOVE.*",         CLUSTER_ONLY, NULL, D(stream_remove_peer_response), NULL},
    {"CONSUMER.LEADER.STEPDOWN.*.*", CLUSTER_ONLY, NULL, D(consumer_leader_step_down_response), NULL},
    {"META.LEADER.STEPDOWN",         CLUSTER_ONLY, NULL, D(meta_leader_step_down_response), NULL},
    {"SERVER.REMOVE",                CLUSTER_ONLY, NULL, D(meta_server_remove_response), NULL},
    {"ACCOUNT.PURGE.*",              CLUSTER_ONLY, NULL, D(account_purge_response), NULL},
    {"ACCOUNT.STREAM.MOVE.*.*",      CLUSTER_ONLY, NULL, D(system_response), NULL},
    {"ACCOUNT.STREAM.CANCEL_MOVE.*.*", CLUSTER_ONLY, NULL, D(system_response), NULL},
};
#undef D
// clang-format on

// ---- answers ----

/* False when there is nobody to hear it, or it could not be made. */
static bool respond_in(struct jetstream *js, struct account *account, struct rill_bytes reply,
                       struct rill_bytes headers, const ProtobufCMessage *response)
{
    const struct rill_bytes none = {0};
    if (!reply.len)
        return false;
    js->json.len = 0;
    const enum rill_err err = rill_json_encode(response, &js->json);
    if (err)
        rill_log(&js->core->log, RILL_LOG_ERROR, "JetStream: an answer was not sent: %s", rill_err_text(err));
    else
        (void)route_publish(js->core, account, reply, none, headers, rill_buf_bytes(&js->json));
    return !err;
}

void js_respond_with(struct jetstream *js, struct rill_bytes reply, struct rill_bytes headers,
                     const ProtobufCMessage *response)
{
    if (respond_in(js, js->account, reply, headers, response) && js->audits.count)
        api_audit_answer(js, reply, response->descriptor, rill_buf_bytes(&js->json));
}

void js_respond(struct jetstream *js, struct rill_bytes reply, const ProtobufCMessage *response)
{
    js_respond_with(js, reply, (struct rill_bytes){0}, response);
}

void js_send_status(struct jetstream *js, struct rill_bytes reply, struct rill_bytes headers)
{
    const struct rill_bytes none = {0};
    (void)route_publish(js->core, js->account, reply, none, headers, none);
}

/* An answer that says what is wrong, as a message that `view` lives for; the caller frees it. NULL: no memory. */
static ProtobufCMessage *error_response(const ProtobufCMessageDescriptor *response, Rill__ApiError *view)
{
    ProtobufCMessage *message = malloc(response->sizeof_message);
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field_by_name(response, "error");
    RILL_ASSERT(field && field->type == PROTOBUF_C_TYPE_MESSAGE);
    if (!message)
        return NULL; // the client asks again when it hears nothing
    response->message_init(message);
    *(Rill__ApiError **)((char *)message + field->offset) = view;
    return message;
}

void api_respond_error(struct jetstream *js, struct rill_bytes reply,
                       const ProtobufCMessageDescriptor *response, const struct rill_js_error *error)
{
    Rill__ApiError view;
    rill_js_error_view(error, &view);
    ProtobufCMessage *message = error_response(response, &view);
    js->api_errors++;
    if (message)
        js_respond(js, reply, message);
    free(message);
}

void api_fail(const struct api_call *call, enum rill_js_error_id id)
{
    const struct rill_js_error error = rill_js_error_of(id);
    api_respond_error(call->js, call->reply, call->response, &error);
}

struct stream *api_stream(const struct api_call *call)
{
    struct stream *stream = stream_find(call->js, call->tokens[0]);
    struct rill_js_error error = {0};
    if (!call->js->listed || call->js->stopping)
        error = rill_js_error_of(RILL_JS_NOT_READY);
    else if (!stream || stream->state == STREAM_CREATING)
        error = rill_js_error_of(RILL_JS_STREAM_NOT_FOUND); // nobody was told yet that it is there
    else if (stream->state == STREAM_RECOVERING)
        error = rill_js_error_of(RILL_JS_NOT_READY);
    else if (stream->state == STREAM_OFFLINE)
        error = rill_js_error_with(RILL_JS_STREAM_OFFLINE_REASON, "%s", stream->why.text);
    else if (stream->state != STREAM_ACTIVE)
        error = rill_js_error_of(RILL_JS_STREAM_NOT_FOUND);
    if (!rill_js_error_is_set(&error))
        return stream;
    api_respond_error(call->js, call->reply, call->response, &error);
    return NULL;
}

// ---- dispatching ----

static const struct row *row_of(struct rill_bytes subject)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rill_subject_matches(rill_bytes_from_cstr(rows[i].pattern), subject))
            return &rows[i];
    }
    return NULL;
}

/* The tokens in the places of the pattern's wildcards. */
static void take_tokens(struct api_call *call, const char *pattern, struct rill_bytes subject)
{
    struct rill_bytes pattern_rest = rill_bytes_from_cstr(pattern);
    while (pattern_rest.data) {
        const struct rill_bytes whole_rest = subject;
        const struct rill_bytes wanted = rill_subject_next_token(&pattern_rest);
        const struct rill_bytes token = rill_subject_next_token(&subject);
        RILL_ASSERT(call->token_count < sizeof call->tokens / sizeof call->tokens[0]);
        if (rill_bytes_equal_cstr(wanted, "*"))
            call->tokens[call->token_count++] = token;
        else if (rill_bytes_equal_cstr(wanted, ">"))
            call->tokens[call->token_count++] = whole_rest;
    }
}

/* Nothing, or an object without members. */
static bool is_empty(struct rill_bytes body)
{
    ProtobufCMessage *nothing = NULL;
    struct rill_error_text why;
    const enum rill_err err =
        rill_json_decode(&rill__empty_request__descriptor, body, RILL_JSON_EMPTY_ALLOWED, &nothing, &why);
    rill_message_free(nothing);
    return err == RILL_OK;
}

static void carry_out(struct api_call *call, const struct row *row)
{
    if (row->kind == DONE_EMPTY && !is_empty(call->body)) {
        api_fail(call, RILL_JS_NOT_EMPTY_REQUEST);
        return;
    }
    if (row->request) {
        struct rill_error_text why;
        const enum rill_json_flags flags =
            RILL_JSON_EMPTY_ALLOWED | (call->js->lenient ? RILL_JSON_UNKNOWN_IGNORED : 0);
        if (rill_json_decode(row->request, call->body, flags, &call->request, &why)) {
            const struct rill_js_error error = rill_js_error_with(RILL_JS_INVALID_JSON, "%s", why.text);
            api_respond_error(call->js, call->reply, call->response, &error);
            return;
        }
    }
    row->handler(call);
    rill_message_free(call->request);
}

// ---- requests that wait ----

/* A stream that is between two states: what is asked of it then waits until it is in the next one. */
static bool is_changing(const struct stream *stream)
{
    return stream->state == STREAM_CREATING || stream->state == STREAM_DELETING ||
           stream->state == STREAM_ENDING || stream->defining;
}

/* Messages that are asked for, one by one or by a pull, wait for nothing, and are no business of an audit. */
static bool is_administration(const struct row *row)
{
    return row && row->response != &rill__system_response__descriptor;
}

/* Where it has to wait; NULL when it can be done now. */
static struct kept_messages *queue_of(const struct api_call *call, const struct row *row)
{
    struct jetstream *js = call->js;
    if (js->stopping)
        return NULL;
    if (!js->listed && !js->list_failed)
        return &js->early; // a broker listens a moment before it knows the names of its streams
    if (!is_administration(row) || !call->token_count)
        return NULL;
    struct stream *stream = stream_find(js, call->tokens[0]);
    return stream && is_changing(stream) ? &stream->held : NULL;
}

// ---- a request ----

/* What the sender wants to be sure of. */
static bool level_is_enough(struct rill_bytes headers)
{
    struct rill_bytes value;
    uint64_t level;
    return !headers.len || !rill_headers_find(headers, RILL_BYTES("Nats-Required-Api-Level"), &value) ||
           (rill_bytes_to_u64(value, UINT64_MAX, &level) && level <= RILL_API_LEVEL);
}

static struct rill_bytes behind_prefix(const struct message *message)
{
    return rill_bytes_from(message->subject, sizeof PREFIX - 1);
}

static const ProtobufCMessageDescriptor *response_of(const struct row *row)
{
    return row ? row->response : &rill__system_response__descriptor;
}

/* It is done, refused, or held until its stream is ready for it. */
static void dispatch(struct jetstream *js, const struct message *message, const struct row *row)
{
    const struct rill_bytes subject = behind_prefix(message);
    struct api_call call = {.js = js, .reply = message->reply, .body = message->payload};
    call.response = response_of(row);
    if (row)
        take_tokens(&call, row->pattern, subject);
    struct kept_messages *queue = queue_of(&call, row);
    if (queue && held_add(js, queue, message))
        return;
    if (queue)
        api_fail(&call, RILL_JS_NOT_READY);
    else if (!row)
        api_fail(&call, RILL_JS_BAD_REQUEST);
    else if (row->kind == CLUSTER_ONLY)
        api_fail(&call, RILL_JS_CLUSTER_REQUIRED);
    else
        carry_out(&call, row);
}

void api_dispatch(struct jetstream *js, const struct message *message)
{
    dispatch(js, message, row_of(behind_prefix(message)));
}

/* Whoever pulls reads statuses, not answers. */
static void refuse_level(struct jetstream *js, const struct row *row, struct rill_bytes reply)
{
    const struct rill_js_error error = rill_js_error_of(RILL_JS_REQUIRED_API_LEVEL);
    if (row && row->handler == api_consumer_next)
        js_send_status(js, reply, RILL_BYTES("NATS/1.0 412 Required Api Level\r\n\r\n"));
    else
        api_respond_error(js, reply, response_of(row), &error);
}

void api_request(void *owner, const struct message *message)
{
    struct jetstream *js = owner;
    // A message that a consumer delivers to an inbox keeps its own subject: no inbox makes a request of it.
    if (!rill_bytes_has_prefix(message->subject, RILL_BYTES(PREFIX)))
        return;
    if (!message->reply.len) {
        js->api_ignored++;
        return;
    }
    const struct row *row = row_of(behind_prefix(message));
    js->api_total++;
    if (is_administration(row))
        api_audit_request(js, message, response_of(row));
    if (!level_is_enough(message->headers)) {
        refuse_level(js, row, message->reply);
        return;
    }
    dispatch(js, message, row);
}

// ---- the system's account ----

void api_system_request(void *owner, const struct message *message)
{
    struct jetstream *js = owner;
    if (!rill_bytes_has_prefix(message->subject, RILL_BYTES(PREFIX)))
        return; // a delivery that keeps its own subject
    const struct row *row = row_of(behind_prefix(message));
    if (!is_administration(row))
        return;
    const struct rill_js_error error = rill_js_error_of(RILL_JS_NOT_ENABLED_FOR_ACCOUNT);
    Rill__ApiError view;
    rill_js_error_view(&error, &view);
    ProtobufCMessage *response = error_response(row->response, &view);
    if (response)
        (void)respond_in(js, &js->core->accounts[ACCOUNT_SYSTEM], message->reply, (struct rill_bytes){0},
                         response);
    free(response);
}

// ---- a domain ----

/* Streams' subjects that clients reach through a domain, too. */
static bool is_data(struct rill_bytes subject)
{
    return rill_bytes_has_prefix(subject, RILL_BYTES("$KV.")) ||
           rill_bytes_has_prefix(subject, RILL_BYTES("$O.")) ||
           rill_bytes_has_prefix(subject, RILL_BYTES("$OBJ."));
}

void api_domain_request(void *owner, const struct message *message)
{
    struct jetstream *js = owner;
    const size_t prefix_len = strlen("$JS.") + strlen(js->domain) + strlen(".API.");
    struct message inner = *message;
    struct rill_buf subject;
    if (message->subject.len <= prefix_len || message->subject.data[1] != 'J')
        return; // a delivery that keeps its own subject
    inner.subject = rill_bytes_from(message->subject, prefix_len);
    inner.tail = rill_bytes_of(NULL, 0);
    if (is_data(inner.subject)) {
        (void)route_publish(js->core, js->account, inner.subject, message->reply, message->headers,
                            message->payload);
        return;
    }
    rill_buf_init(&subject, message->subject.len + sizeof PREFIX);
    enum rill_err err = rill_buf_append(&subject, RILL_BYTES(PREFIX));
    if (!err)
        err = rill_buf_append(&subject, inner.subject);
    inner.subject = rill_buf_bytes(&subject);
    if (!err)
        api_request(js, &inner);
    rill_buf_fini(&subject);
}
