// SPDX-License-Identifier: Apache-2.0
#include "js.h"

#include "base/alloc.h"
#include "error.h"
#include "proto/json_codec.h"
#include "proto/message.h"
#include "proto/subject.h"

#include <stdio.h>
#include <stdlib.h>

enum { PUBLISHES_PENDING_MAX = 4096 };

// ---- life ----

static bool is_name(const char *name)
{
    const size_t len = name ? strlen(name) : 0;
    return len && len < RILL_NAME_BYTES && strcspn(name, ".*> \t\r\n\f/\\") == len;
}

enum rill_err rill_js_open(struct rill_conn *conn, const struct rill_js_options *options,
                           struct rill_js **ret)
{
    struct rill_js_options given = {0};
    if (options)
        memcpy(&given, options,
               options->struct_bytes && options->struct_bytes < sizeof given ? options->struct_bytes
                                                                             : sizeof given);
    if (given.domain && (!is_name(given.domain) || strlen(given.domain) > JS_PREFIX_BYTES - 16))
        return RILL_ERR_INVALID;
    struct rill_js *js = rill_alloc_zero(1, sizeof *js);
    if (pthread_mutex_init(&js->lock, NULL) || !wait_cond_init(&js->changed)) {
        free(js);
        return RILL_ERR_NO_MEMORY;
    }
    js->conn = conn;
    js->timeout_ms = given.timeout_ms > 0 ? given.timeout_ms : conn->options.timeout_ms;
    js->publishes_pending_max =
        given.publishes_pending_max ? given.publishes_pending_max : PUBLISHES_PENDING_MAX;
    (void)snprintf(js->prefix, sizeof js->prefix, given.domain ? "$JS.%s.API" : "$JS.API", given.domain);
    *ret = js;
    return RILL_OK;
}

void rill_model_free(ProtobufCMessage *message)
{
    rill_message_free(message);
}

// ---- asking ----

enum rill_err js_subject(const struct rill_js *js, char ret[JS_SUBJECT_BYTES], const char *call,
                         const char *stream, const char *consumer)
{
    if ((stream && !is_name(stream)) || (consumer && !is_name(consumer)))
        return RILL_ERR_INVALID;
    const int len = snprintf(ret, JS_SUBJECT_BYTES, "%s.%s%s%s%s%s", js->prefix, call, stream ? "." : "",
                             stream ? stream : "", consumer ? "." : "", consumer ? consumer : "");
    return len < JS_SUBJECT_BYTES ? RILL_OK : RILL_ERR_LIMIT;
}

enum rill_err js_publish_subject(const struct rill_js *js, char subject[JS_SUBJECT_BYTES])
{
    const size_t prefix = strlen(js->prefix);
    const size_t len = strlen(subject);
    if (strcmp(js->prefix, "$JS.API") == 0)
        return RILL_OK;
    if (prefix + 1 + len >= JS_SUBJECT_BYTES)
        return RILL_ERR_LIMIT;
    memmove(subject + prefix + 1, subject, len + 1);
    memcpy(subject, js->prefix, prefix);
    subject[prefix] = '.';
    return RILL_OK;
}

/* These refusals are what programs go by; all others are just refusals. */
static enum rill_err err_of(const Rill__ApiError *api)
{
    switch (api->err_code) {
    case 10058: // a stream of that name
    case 10013: // a consumer of that name
    case 10105: // and it is in use
    case 10148: // a consumer that must not exist
    case 10070: // the last message id is another one
    case 10071: // the last sequence is another one
    case 10164:
        return RILL_ERR_EXISTS;
    case 10008: // it is still reading its streams
        return RILL_ERR_AGAIN;
    default:
        return api->code == 404 ? RILL_ERR_NOT_FOUND : RILL_ERR_REFUSED;
    }
}

enum rill_err js_refused(const Rill__ApiError *api, struct rill_error *error)
{
    const enum rill_err err =
        error_set(error, err_of(api), "%s", api->description ? api->description : "refused");
    if (error) {
        error->code = api->code;
        error->err_code = api->err_code;
    }
    return err;
}

/* The field `error`, which every answer has. */
static const Rill__ApiError *error_in(const ProtobufCMessage *answer)
{
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field_by_name(answer->descriptor, "error");
    if (!field)
        return NULL;
    const Rill__ApiError *api;
    memcpy(&api, (const char *)answer + field->offset, sizeof api);
    return api;
}

static enum rill_err decode(const struct rill_msg *reply, const ProtobufCMessageDescriptor *descriptor,
                            ProtobufCMessage **ret, struct rill_error *error)
{
    struct rill_error_text why;
    ProtobufCMessage *answer;
    enum rill_err err =
        rill_json_decode(descriptor, msg_payload(reply), RILL_JSON_UNKNOWN_IGNORED, &answer, &why);
    if (err)
        return error_set(error, RILL_ERR_DAMAGED, "an answer that cannot be read: %s", why.text);
    const Rill__ApiError *api = error_in(answer);
    if (!api) {
        *ret = answer;
        return RILL_OK;
    }
    err = js_refused(api, error);
    rill_message_free(answer);
    return err;
}

enum rill_err js_append_json(const ProtobufCMessage *message, struct rill_buf *buf)
{
    return message ? rill_json_encode(message, buf) : RILL_OK;
}

enum rill_err js_ask(struct rill_js *js, const char *subject, const ProtobufCMessage *request,
                     const ProtobufCMessageDescriptor *answer, ProtobufCMessage **ret,
                     struct rill_error *error)
{
    struct rill_buf body;
    struct rill_msg *reply = NULL;
    rill_buf_init(&body, JS_BODY_BYTES_MAX);
    enum rill_err err = js_append_json(request, &body);
    if (!err)
        err = rill_request(js->conn, subject, body.data, body.len, js->timeout_ms, &reply);
    rill_buf_fini(&body);
    if (err)
        return error_set(error, err, "%s: %s", subject, rill_err_text(err));
    err = decode(reply, answer, ret, error);
    rill_msg_unref(reply);
    return err;
}

enum rill_err js_order(struct rill_js *js, const char *call, const char *stream, const char *consumer,
                       const ProtobufCMessage *request, const ProtobufCMessageDescriptor *answer,
                       struct rill_error *error)
{
    char subject[JS_SUBJECT_BYTES];
    enum rill_err err = js_subject(js, subject, call, stream, consumer);
    if (err)
        return error_set(error, err, "no good name of a stream or a consumer");
    ProtobufCMessage *message;
    err = js_ask(js, subject, request, answer, &message, error);
    if (!err)
        rill_message_free(message);
    return err;
}

void js_random_name(struct rill_js *js, char ret[RILL_INBOX_BYTES])
{
    char inbox[RILL_INBOX_BYTES];
    rill_inbox(js->conn, inbox);
    (void)snprintf(ret, RILL_INBOX_BYTES, "%s", inbox + sizeof "_INBOX." - 1);
}

enum rill_err rill_js_account(struct rill_js *js, Rill__AccountInfo **ret, struct rill_error *error)
{
    char subject[JS_SUBJECT_BYTES];
    ProtobufCMessage *message;
    enum rill_err err = js_subject(js, subject, "INFO", NULL, NULL);
    if (!err)
        err = js_ask(js, subject, NULL, &rill__account_info_response__descriptor, &message, error);
    if (err)
        return err;
    Rill__AccountInfoResponse *response = (Rill__AccountInfoResponse *)message;
    if (response->inline_info)
        *ret = response->inline_info;
    else
        err = error_set(error, RILL_ERR_DAMAGED, "an answer without the account");
    response->inline_info = NULL;
    rill_message_free(message);
    return err;
}
