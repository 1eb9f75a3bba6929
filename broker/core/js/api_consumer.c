// SPDX-License-Identifier: Apache-2.0
//
// $JS.API.CONSUMER.*
#include "api.h"
#include "base/alloc.h"
#include "base/assert.h"
#include "consumer_config.h"
#include "durable.h"
#include "proto/message.h"
#include "stream.h"

#include <stdlib.h>

enum { NAMES_PAGE = 1024 };

// ---- creating ----

static void respond_created(struct durable *durable, struct rill_bytes reply)
{
    struct durable_info view;
    Rill__ConsumerCreateResponse response = RILL__CONSUMER_CREATE_RESPONSE__INIT;
    durable_info(durable, &view);
    response.inline_info = &view.info;
    js_respond(durable->stream->js, reply, &response.base);
}

void durable_answer_created(struct jetstream *js, struct durable *durable, struct rill_bytes reply,
                            const struct rill_js_error *error)
{
    const struct rill_js_error gone = rill_js_error_of(RILL_JS_CONSUMER_NOT_FOUND);
    if (!error && !durable)
        error = &gone; // deleted before anybody was told that it is there
    if (error)
        api_respond_error(js, reply, &rill__consumer_create_response__descriptor, error);
    else
        respond_created(durable, reply);
    if (error && durable)
        durable_end(durable, RILL_BYTES("NATS/1.0 409 Consumer Deleted\r\n\r\n"));
}

/* Where it begins in the stream. */
static uint64_t first_sequence_of(const struct stream *stream, const Rill__ConsumerConfig *config)
{
    switch (config->deliver_policy) {
    case RILL__DELIVER_POLICY__DELIVER_POLICY_LAST:
        return stream->last_committed ? stream->last_committed : 1;
    case RILL__DELIVER_POLICY__DELIVER_POLICY_NEW:
        return stream->last_appended + 1;
    case RILL__DELIVER_POLICY__DELIVER_POLICY_BY_START_SEQUENCE:
        return config->opt_start_seq <= stream->last_appended ? config->opt_start_seq
                                                              : stream->last_appended + 1;
    default:
        return 1;
    }
}

static Rill__ConsumerRecord *make_record(struct stream *stream, const Rill__ConsumerConfig *config)
{
    Rill__ConsumerRecord *record = rill_alloc_zero(1, sizeof *record);
    rill__consumer_record__init(record);
    record->number = stream->consumer_number_last + 1;
    record->name = rill_alloc_cstr(rill_bytes_from_cstr(config->durable_name));
    record->config = (Rill__ConsumerConfig *)rill_message_copy(&config->base);
    record->created_unix_ns = stream->js->core->now.wall_ns;
    record->first_sequence = first_sequence_of(stream, config);
    return record;
}

static struct rill_js_error create(const struct api_call *call, struct stream *stream,
                                   const Rill__ConsumerConfig *config)
{
    const int64_t consumers_max = stream->record->config->max_consumers;
    if (consumers_max > 0 && stream->durable_count >= (uint64_t)consumers_max)
        return rill_js_error_of(RILL_JS_CONSUMERS_MAX);
    struct durable *durable = durable_create(stream, make_record(stream, config));
    const enum rill_err err =
        stream_append_event(stream, RILL_STORE_EVENT_CONSUMER_CREATED, &durable->record->base,
                            STREAM_WAIT_CONSUMER_CREATED, durable, call->reply);
    if (err) {
        durable_free(durable);
        return stream_store_error(stream, err);
    }
    stream->consumer_number_last++;
    durable_add(stream, durable);
    return (struct rill_js_error){0};
}

/* The name is taken: the same configuration again is a success. */
static struct rill_js_error create_again(const struct api_call *call, struct durable *durable,
                                         const Rill__ConsumerConfig *config)
{
    const Rill__ConsumerCreateRequest *request = (Rill__ConsumerCreateRequest *)call->request;
    struct stream *stream = durable->stream;
    if (durable->deleting)
        return rill_js_error_of(RILL_JS_NOT_READY);
    if (!rill_message_equal(&durable->record->config->base, &config->base))
        return request->action == RILL__CONSUMER_ACTION__CONSUMER_ACTION_CREATE
                   ? rill_js_error_of(RILL_JS_CONSUMER_ALREADY_EXISTS)
                   : rill_js_error_not_yet(RILL_JS_CONSUMER_CREATE,
                                           "changing the configuration of a consumer");
    for (const struct stream_waiter *waiter = stream->waiters; waiter; waiter = waiter->next) {
        if (waiter->what == STREAM_WAIT_CONSUMER_CREATED && waiter->durable == durable) {
            stream_wait(stream, STREAM_WAIT_CONSUMER_CREATED, waiter->commit, durable, call->reply);
            return (struct rill_js_error){0};
        }
    }
    respond_created(durable, call->reply);
    return (struct rill_js_error){0};
}

static struct rill_js_error check_request(const struct api_call *call, const struct stream *stream,
                                          const Rill__ConsumerCreateRequest *request)
{
    if (!request->config)
        return rill_js_error_of(RILL_JS_CONSUMER_CONFIG_REQUIRED);
    if (!rill_bytes_equal_cstr(call->tokens[0], request->stream_name ? request->stream_name : ""))
        return rill_js_error_of(RILL_JS_STREAM_MISMATCH);
    return consumer_config_check(request->config, stream->record->config);
}

/* After the checks that the form of the subject asks for. */
static void create_or_again(const struct api_call *call)
{
    const Rill__ConsumerCreateRequest *request = (Rill__ConsumerCreateRequest *)call->request;
    struct stream *stream = api_stream(call);
    if (!stream)
        return;
    struct rill_js_error error = check_request(call, stream, request);
    if (!rill_js_error_is_set(&error)) {
        struct durable *durable = durable_find(stream, rill_bytes_from_cstr(request->config->durable_name));
        if (durable)
            error = create_again(call, durable, request->config);
        else if (request->action == RILL__CONSUMER_ACTION__CONSUMER_ACTION_UPDATE)
            error = rill_js_error_of(RILL_JS_CONSUMER_DOES_NOT_EXIST);
        else
            error = create(call, stream, request->config);
    }
    if (rill_js_error_is_set(&error))
        api_respond_error(call->js, call->reply, call->response, &error);
}

static bool names_match(struct rill_bytes token, const char *name)
{
    return !name || !name[0] || rill_bytes_equal_cstr(token, name);
}

void api_consumer_create(const struct api_call *call)
{
    const Rill__ConsumerConfig *config = ((Rill__ConsumerCreateRequest *)call->request)->config;
    if (config && config->durable_name && config->durable_name[0])
        api_fail(call, RILL_JS_CONSUMER_EPHEMERAL_WITH_DURABLE_NAME);
    else
        create_or_again(call); // which says that ephemeral consumers are not there yet
}

void api_consumer_create_named(const struct api_call *call)
{
    const Rill__ConsumerConfig *config = ((Rill__ConsumerCreateRequest *)call->request)->config;
    if (config &&
        (!names_match(call->tokens[1], config->durable_name) || !names_match(call->tokens[1], config->name)))
        api_fail(call, RILL_JS_CONSUMER_DURABLE_NOT_MATCH_SUBJECT);
    else if (config && call->token_count > 2 &&
             !rill_bytes_equal_cstr(call->tokens[2], config->filter_subject ? config->filter_subject : ""))
        api_fail(call, RILL_JS_CONSUMER_FILTER_SUBJECT_MISMATCH);
    else
        create_or_again(call);
}

void api_consumer_create_durable(const struct api_call *call)
{
    const Rill__ConsumerConfig *config = ((Rill__ConsumerCreateRequest *)call->request)->config;
    if (config && (!config->durable_name || !config->durable_name[0]))
        api_fail(call, RILL_JS_CONSUMER_DURABLE_NOT_SET);
    else if (config && !rill_bytes_equal_cstr(call->tokens[1], config->durable_name))
        api_fail(call, RILL_JS_CONSUMER_DURABLE_NOT_MATCH_SUBJECT);
    else
        create_or_again(call);
}

// ---- asking ----

static struct durable *named_durable(const struct api_call *call)
{
    struct stream *stream = api_stream(call);
    if (!stream)
        return NULL;
    struct durable *durable = durable_find(stream, call->tokens[1]);
    if (durable && !durable->deleting)
        return durable;
    api_fail(call, RILL_JS_CONSUMER_NOT_FOUND);
    return NULL;
}

void api_consumer_info(const struct api_call *call)
{
    struct durable *durable = named_durable(call);
    if (!durable)
        return;
    struct durable_info view;
    Rill__ClusterInfo cluster = RILL__CLUSTER_INFO__INIT;
    Rill__Timestamp now = RILL__TIMESTAMP__INIT;
    Rill__ConsumerInfoResponse response = RILL__CONSUMER_INFO_RESPONSE__INIT;
    durable_info(durable, &view);
    cluster.leader = call->js->core->server_name;
    now.unix_ns = call->js->core->now.wall_ns;
    view.info.cluster = &cluster;
    view.info.ts = &now;
    response.inline_info = &view.info;
    js_respond(call->js, call->reply, &response.base);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void api_consumer_names(const struct api_call *call)
{
    const Rill__ConsumerPageRequest *request = (Rill__ConsumerPageRequest *)call->request;
    const struct stream *stream = api_stream(call);
    if (!stream)
        return;
    Rill__ConsumerNamesResponse response = RILL__CONSUMER_NAMES_RESPONSE__INIT;
    char **names = rill_alloc_zero(stream->durable_count + 1, sizeof *names);
    size_t count = 0;
    for (struct durable *durable = stream->durables; durable; durable = durable->by_name.next) {
        if (!durable->deleting)
            names[count++] = durable->record->name;
    }
    qsort(names, count, sizeof *names, compare_names);
    const size_t offset =
        request->offset > 0 && (size_t)request->offset < count ? (size_t)request->offset : 0;
    response.total = (int64_t)count;
    response.offset = (int64_t)offset;
    response.limit = NAMES_PAGE;
    response.consumers = names + offset;
    response.n_consumers = count - offset < NAMES_PAGE ? count - offset : NAMES_PAGE;
    js_respond(call->js, call->reply, &response.base);
    free(names);
}

// ---- deleting ----

void durable_answer_deleted(struct jetstream *js, struct durable *durable, struct rill_bytes reply,
                            const struct rill_js_error *error)
{
    if (error) {
        if (durable)
            durable->deleting = false;
        api_respond_error(js, reply, &rill__consumer_delete_response__descriptor, error);
        return;
    }
    if (durable)
        durable_end(durable, RILL_BYTES("NATS/1.0 409 Consumer Deleted\r\n\r\n"));
    Rill__ConsumerDeleteResponse response = RILL__CONSUMER_DELETE_RESPONSE__INIT;
    response.has_success = response.success = true;
    js_respond(js, reply, &response.base);
}

void api_consumer_delete(const struct api_call *call)
{
    struct durable *durable = named_durable(call);
    if (!durable)
        return;
    struct stream *stream = durable->stream;
    Rill__ConsumerEnd event = RILL__CONSUMER_END__INIT;
    event.number = durable->record->number;
    const enum rill_err err = stream_append_event(stream, RILL_STORE_EVENT_CONSUMER_DELETED, &event.base,
                                                  STREAM_WAIT_CONSUMER_DELETED, durable, call->reply);
    if (!err) {
        durable->deleting = true;
        return;
    }
    const struct rill_js_error error = stream_store_error(stream, err);
    api_respond_error(call->js, call->reply, call->response, &error);
}

// ---- pulling ----

void api_consumer_next(const struct api_call *call)
{
    struct stream *stream = stream_find(call->js, call->tokens[0]);
    struct durable *durable =
        stream && stream->state == STREAM_ACTIVE ? durable_find(stream, call->tokens[1]) : NULL;
    if (durable && !durable->deleting && !call->js->stopping)
        durable_pull(durable, call->reply, call->body);
    else
        // As at nats-server, whoever pulls from what is not there hears that nobody answers.
        js_send_status(call->js, call->reply, RILL_BYTES("NATS/1.0 503\r\n\r\n"));
}
