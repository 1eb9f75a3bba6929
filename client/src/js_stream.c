// SPDX-License-Identifier: Apache-2.0
#include "js.h"

#include "error.h"
#include "proto/message.h"

#include <stdio.h>

/* Takes the info out of an answer, in whose place *inline_info is, and frees the answer. */
static enum rill_err take_info(ProtobufCMessage *answer, Rill__StreamInfo **inline_info,
                               Rill__StreamInfo **ret_info, struct rill_error *error)
{
    enum rill_err err = RILL_OK;
    if (!*inline_info)
        err = error_set(error, RILL_ERR_DAMAGED, "an answer without the stream");
    if (!err && ret_info) {
        *ret_info = *inline_info;
        *inline_info = NULL;
    }
    rill_message_free(answer);
    return err;
}

static enum rill_err configure(struct rill_js *js, const char *call, const Rill__StreamConfig *config,
                               const ProtobufCMessageDescriptor *answer, ProtobufCMessage **ret,
                               struct rill_error *error)
{
    char subject[JS_SUBJECT_BYTES];
    enum rill_err err = js_subject(js, subject, call, config->name ? config->name : "", NULL);
    if (err)
        return error_set(error, err, "'%s' is no good name of a stream", config->name ? config->name : "");
    Rill__StreamCreateRequest request = RILL__STREAM_CREATE_REQUEST__INIT;
    request.inline_config = (Rill__StreamConfig *)config;
    return js_ask(js, subject, &request.base, answer, ret, error);
}

enum rill_err rill_stream_create(struct rill_js *js, const Rill__StreamConfig *config,
                                 Rill__StreamInfo **ret_info, struct rill_error *error)
{
    ProtobufCMessage *answer;
    const enum rill_err err =
        configure(js, "STREAM.CREATE", config, &rill__stream_create_response__descriptor, &answer, error);
    return err ? err
               : take_info(answer, &((Rill__StreamCreateResponse *)answer)->inline_info, ret_info, error);
}

enum rill_err rill_stream_update(struct rill_js *js, const Rill__StreamConfig *config,
                                 Rill__StreamInfo **ret_info, struct rill_error *error)
{
    ProtobufCMessage *answer;
    const enum rill_err err =
        configure(js, "STREAM.UPDATE", config, &rill__stream_update_response__descriptor, &answer, error);
    return err ? err
               : take_info(answer, &((Rill__StreamUpdateResponse *)answer)->inline_info, ret_info, error);
}

enum rill_err rill_stream_info(struct rill_js *js, const char *stream, const Rill__StreamInfoRequest *request,
                               Rill__StreamInfo **ret_info, struct rill_error *error)
{
    char subject[JS_SUBJECT_BYTES];
    ProtobufCMessage *answer;
    enum rill_err err = js_subject(js, subject, "STREAM.INFO", stream, NULL);
    if (err)
        return error_set(error, err, "'%s' is no good name of a stream", stream);
    err = js_ask(js, subject, request ? &request->base : NULL, &rill__stream_info_response__descriptor,
                 &answer, error);
    return err ? err : take_info(answer, &((Rill__StreamInfoResponse *)answer)->inline_info, ret_info, error);
}

enum rill_err rill_stream_delete(struct rill_js *js, const char *stream, struct rill_error *error)
{
    return js_order(js, "STREAM.DELETE", stream, NULL, NULL, &rill__stream_delete_response__descriptor,
                    error);
}

enum rill_err rill_stream_purge(struct rill_js *js, const char *stream,
                                const Rill__StreamPurgeRequest *request, uint64_t *ret_purged,
                                struct rill_error *error)
{
    char subject[JS_SUBJECT_BYTES];
    ProtobufCMessage *answer;
    enum rill_err err = js_subject(js, subject, "STREAM.PURGE", stream, NULL);
    if (err)
        return error_set(error, err, "'%s' is no good name of a stream", stream);
    err = js_ask(js, subject, request ? &request->base : NULL, &rill__stream_purge_response__descriptor,
                 &answer, error);
    if (err)
        return err;
    if (ret_purged)
        *ret_purged = ((Rill__StreamPurgeResponse *)answer)->purged;
    rill_message_free(answer);
    return RILL_OK;
}

/* One page; false in *ret_more after the last one, or when the visitor has had enough. */
static enum rill_err visit_page(struct rill_js *js, Rill__StreamPageRequest *request,
                                rill_stream_visitor *visitor, void *context, bool *ret_more,
                                struct rill_error *error)
{
    char subject[JS_SUBJECT_BYTES];
    ProtobufCMessage *answer;
    enum rill_err err = js_subject(js, subject, "STREAM.LIST", NULL, NULL);
    if (!err)
        err = js_ask(js, subject, &request->base, &rill__stream_list_response__descriptor, &answer, error);
    if (err)
        return err;
    const Rill__StreamListResponse *page = (Rill__StreamListResponse *)answer;
    bool more = page->n_streams > 0;
    for (size_t i = 0; i < page->n_streams && more; i++)
        more = visitor(page->streams[i], context);
    request->has_offset = true;
    request->offset += (int64_t)page->n_streams;
    *ret_more = more && request->offset < page->total;
    rill_message_free(answer);
    return RILL_OK;
}

enum rill_err rill_stream_each(struct rill_js *js, const char *subject, rill_stream_visitor *visitor,
                               void *context, struct rill_error *error)
{
    Rill__StreamPageRequest request = RILL__STREAM_PAGE_REQUEST__INIT;
    request.subject = (char *)subject;
    bool more = true;
    enum rill_err err = RILL_OK;
    while (more && !err)
        err = visit_page(js, &request, visitor, context, &more, error);
    return err;
}

enum rill_err rill_stream_find(struct rill_js *js, const char *subject, char ret_name[RILL_NAME_BYTES],
                               struct rill_error *error)
{
    char call[JS_SUBJECT_BYTES];
    ProtobufCMessage *answer;
    Rill__StreamPageRequest request = RILL__STREAM_PAGE_REQUEST__INIT;
    request.subject = (char *)subject;
    enum rill_err err = js_subject(js, call, "STREAM.NAMES", NULL, NULL);
    if (!err)
        err = js_ask(js, call, &request.base, &rill__stream_names_response__descriptor, &answer, error);
    if (err)
        return err;
    const Rill__StreamNamesResponse *names = (Rill__StreamNamesResponse *)answer;
    if (names->n_streams)
        (void)snprintf(ret_name, RILL_NAME_BYTES, "%s", names->streams[0]);
    else
        err = error_set(error, RILL_ERR_NOT_FOUND, "no stream keeps '%s'", subject);
    rill_message_free(answer);
    return err;
}

enum rill_err rill_stream_get_msg(struct rill_js *js, const char *stream, const Rill__MsgGetRequest *request,
                                  Rill__StoredMessage **ret, struct rill_error *error)
{
    char subject[JS_SUBJECT_BYTES];
    ProtobufCMessage *answer;
    enum rill_err err = js_subject(js, subject, "STREAM.MSG.GET", stream, NULL);
    if (err)
        return error_set(error, err, "'%s' is no good name of a stream", stream);
    err = js_ask(js, subject, &request->base, &rill__msg_get_response__descriptor, &answer, error);
    if (err)
        return err;
    Rill__MsgGetResponse *response = (Rill__MsgGetResponse *)answer;
    if (response->message)
        *ret = response->message;
    else
        err = error_set(error, RILL_ERR_DAMAGED, "an answer without the message");
    response->message = NULL;
    rill_message_free(answer);
    return err;
}

enum rill_err rill_stream_delete_msg(struct rill_js *js, const char *stream, uint64_t seq, bool erase,
                                     struct rill_error *error)
{
    Rill__MsgDeleteRequest request = RILL__MSG_DELETE_REQUEST__INIT;
    request.seq = seq;
    request.has_no_erase = !erase;
    request.no_erase = !erase;
    return js_order(js, "STREAM.MSG.DELETE", stream, NULL, &request.base,
                    &rill__msg_delete_response__descriptor, error);
}
