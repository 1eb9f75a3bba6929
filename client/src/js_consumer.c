// SPDX-License-Identifier: Apache-2.0
#include "js.h"

#include "error.h"
#include "proto/message.h"

#include <stdio.h>

static enum rill_err take_info(ProtobufCMessage *answer, Rill__ConsumerInfo **inline_info,
                               Rill__ConsumerInfo **ret_info, struct rill_error *error)
{
    enum rill_err err = RILL_OK;
    if (!*inline_info)
        err = error_set(error, RILL_ERR_DAMAGED, "an answer without the consumer");
    if (!err && ret_info) {
        *ret_info = *inline_info;
        *inline_info = NULL;
    }
    rill_message_free(answer);
    return err;
}

/* With a name the subject has it, and the filter too when there is one: that is how servers of today permit it. */
static enum rill_err create_subject(struct rill_js *js, char ret[JS_SUBJECT_BYTES], const char *stream,
                                    const Rill__ConsumerConfig *config)
{
    const char *name = config->name && config->name[0] ? config->name : config->durable_name;
    enum rill_err err = js_subject(js, ret, "CONSUMER.CREATE", stream, name && name[0] ? name : NULL);
    const size_t len = err ? 0 : strlen(ret);
    const char *filter = config->filter_subject;
    if (err || !name || !name[0] || !filter || !filter[0])
        return err;
    const int more = snprintf(ret + len, JS_SUBJECT_BYTES - len, ".%s", filter);
    return (size_t)more < JS_SUBJECT_BYTES - len ? RILL_OK : RILL_ERR_LIMIT;
}

enum rill_err rill_consumer_create(struct rill_js *js, const char *stream, const Rill__ConsumerConfig *config,
                                   Rill__ConsumerAction action, Rill__ConsumerInfo **ret_info,
                                   struct rill_error *error)
{
    char subject[JS_SUBJECT_BYTES];
    ProtobufCMessage *answer;
    enum rill_err err = create_subject(js, subject, stream, config);
    if (err)
        return error_set(error, err, "no good name of a stream or a consumer");
    Rill__ConsumerCreateRequest request = RILL__CONSUMER_CREATE_REQUEST__INIT;
    request.stream_name = (char *)stream;
    request.config = (Rill__ConsumerConfig *)config;
    request.has_action = action != RILL__CONSUMER_ACTION__CONSUMER_ACTION_CREATE_OR_UPDATE;
    request.action = action;
    err = js_ask(js, subject, &request.base, &rill__consumer_create_response__descriptor, &answer, error);
    return err ? err
               : take_info(answer, &((Rill__ConsumerCreateResponse *)answer)->inline_info, ret_info, error);
}

enum rill_err rill_consumer_info(struct rill_js *js, const char *stream, const char *consumer,
                                 Rill__ConsumerInfo **ret_info, struct rill_error *error)
{
    char subject[JS_SUBJECT_BYTES];
    ProtobufCMessage *answer;
    enum rill_err err = js_subject(js, subject, "CONSUMER.INFO", stream, consumer);
    if (err)
        return error_set(error, err, "no good name of a stream or a consumer");
    err = js_ask(js, subject, NULL, &rill__consumer_info_response__descriptor, &answer, error);
    return err ? err
               : take_info(answer, &((Rill__ConsumerInfoResponse *)answer)->inline_info, ret_info, error);
}

enum rill_err rill_consumer_delete(struct rill_js *js, const char *stream, const char *consumer,
                                   struct rill_error *error)
{
    return js_order(js, "CONSUMER.DELETE", stream, consumer, NULL,
                    &rill__consumer_delete_response__descriptor, error);
}

enum rill_err rill_consumer_pause(struct rill_js *js, const char *stream, const char *consumer,
                                  int64_t until_ns, struct rill_error *error)
{
    Rill__ConsumerPauseRequest request = RILL__CONSUMER_PAUSE_REQUEST__INIT;
    Rill__Timestamp until = RILL__TIMESTAMP__INIT;
    until.unix_ns = until_ns;
    request.pause_until = until_ns ? &until : NULL;
    return js_order(js, "CONSUMER.PAUSE", stream, consumer, &request.base,
                    &rill__consumer_pause_response__descriptor, error);
}

enum rill_err rill_consumer_unpin(struct rill_js *js, const char *stream, const char *consumer,
                                  const char *group, struct rill_error *error)
{
    Rill__ConsumerUnpinRequest request = RILL__CONSUMER_UNPIN_REQUEST__INIT;
    request.group = (char *)group;
    return js_order(js, "CONSUMER.UNPIN", stream, consumer, &request.base,
                    &rill__consumer_unpin_response__descriptor, error);
}

enum rill_err rill_consumer_reset(struct rill_js *js, const char *stream, const char *consumer, uint64_t seq,
                                  Rill__ConsumerInfo **ret_info, struct rill_error *error)
{
    char subject[JS_SUBJECT_BYTES];
    ProtobufCMessage *answer;
    Rill__ConsumerResetRequest request = RILL__CONSUMER_RESET_REQUEST__INIT;
    request.has_seq = seq != 0;
    request.seq = seq;
    enum rill_err err = js_subject(js, subject, "CONSUMER.RESET", stream, consumer);
    if (err)
        return error_set(error, err, "no good name of a stream or a consumer");
    err = js_ask(js, subject, &request.base, &rill__consumer_reset_response__descriptor, &answer, error);
    return err ? err
               : take_info(answer, &((Rill__ConsumerResetResponse *)answer)->inline_info, ret_info, error);
}

static enum rill_err visit_page(struct rill_js *js, const char *subject, Rill__ConsumerPageRequest *request,
                                rill_consumer_visitor *visitor, void *context, bool *ret_more,
                                struct rill_error *error)
{
    ProtobufCMessage *answer;
    const enum rill_err err =
        js_ask(js, subject, &request->base, &rill__consumer_list_response__descriptor, &answer, error);
    if (err)
        return err;
    const Rill__ConsumerListResponse *page = (Rill__ConsumerListResponse *)answer;
    bool more = page->n_consumers > 0;
    for (size_t i = 0; i < page->n_consumers && more; i++)
        more = visitor(page->consumers[i], context);
    request->has_offset = true;
    request->offset += (int64_t)page->n_consumers;
    *ret_more = more && request->offset < page->total;
    rill_message_free(answer);
    return RILL_OK;
}

enum rill_err rill_consumer_each(struct rill_js *js, const char *stream, rill_consumer_visitor *visitor,
                                 void *context, struct rill_error *error)
{
    char subject[JS_SUBJECT_BYTES];
    enum rill_err err = js_subject(js, subject, "CONSUMER.LIST", stream, NULL);
    if (err)
        return error_set(error, err, "'%s' is no good name of a stream", stream);
    Rill__ConsumerPageRequest request = RILL__CONSUMER_PAGE_REQUEST__INIT;
    bool more = true;
    while (more && !err)
        err = visit_page(js, subject, &request, visitor, context, &more, error);
    return err;
}
