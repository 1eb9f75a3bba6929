// SPDX-License-Identifier: Apache-2.0
//
// $JS.API.CONSUMER.CREATE and DURABLE.CREATE: making consumers and changing their configuration.
#include "api_consumer.h"
#include "advisory.h"
#include "api.h"
#include "asked.h"
#include "base/alloc.h"
#include "base/assert.h"
#include "consumer_config.h"
#include "durable.h"
#include "js_limits.h"
#include "proto/message.h"
#include "proto/subject.h"
#include "random_id.h"
#include "start.h"
#include "stream.h"

#include <stdlib.h>

enum { RANDOM_NAME_CHARS = 8, LIST_BYTES_MAX = 64 << 20 };

static struct rill_js_error none(void)
{
    return (struct rill_js_error){0};
}

static bool is_set(const char *text)
{
    return text && text[0];
}

static void respond_created(struct durable *durable, struct rill_bytes reply)
{
    durable_answer(durable->stream->js, STREAM_WAIT_CONSUMER_CREATED, durable, reply, NULL);
}

// ---- a new one ----

/* A name that nobody has. */
static char *random_name(struct stream *stream)
{
    char *name = rill_alloc_zero(1, RANDOM_NAME_CHARS + 1);
    do {
        random_id_write(&stream->js->core->random, name, RANDOM_NAME_CHARS);
    } while (durable_find(stream, rill_bytes_from_cstr(name)));
    return name;
}

/* The stored configuration has its name, also one that was made up. */
static void name_config(Rill__ConsumerConfig *config, const char *name)
{
    if (is_set(config->name))
        return;
    if (config->name != protobuf_c_empty_string)
        free(config->name);
    config->name = rill_alloc_cstr(rill_bytes_from_cstr(name));
}

/* The list is the record's from now on. */
static void add_list(Rill__ConsumerRecord *record, const struct start *start)
{
    struct rill_buf buf;
    rill_buf_init(&buf, LIST_BYTES_MAX);
    start_pack(start, &buf);
    record->has_listed_to = record->has_listed = true;
    record->listed_to = start->listed_to;
    record->listed.len = buf.len;
    record->listed.data = buf.len ? (uint8_t *)rill_alloc_cstr(rill_buf_bytes(&buf)) : NULL;
    rill_buf_fini(&buf);
}

static Rill__ConsumerRecord *make_record(struct stream *stream, const Rill__ConsumerConfig *config,
                                         const struct start *start)
{
    Rill__ConsumerRecord *record = rill_alloc_zero(1, sizeof *record);
    rill__consumer_record__init(record);
    record->number = stream->consumer_number_last + 1;
    record->name =
        is_set(config->name) ? rill_alloc_cstr(rill_bytes_from_cstr(config->name)) : random_name(stream);
    record->config = (Rill__ConsumerConfig *)rill_message_copy(&config->base);
    name_config(record->config, record->name);
    record->created_unix_ns = stream->js->core->now.wall_ns;
    record->first_sequence = start->sequence;
    if (start->listed_to)
        add_list(record, start);
    return record;
}

/* May a message be for both? */
static bool filters_meet(const Rill__ConsumerConfig *one, const struct consumer_settings *other)
{
    const size_t count = consumer_config_filter_count(one);
    bool meet = count == 0 || other->filter_count == 0;
    for (size_t i = 0; i < count; i++) {
        for (uint32_t k = 0; !meet && k < other->filter_count; k++)
            meet = rill_subject_overlap(consumer_config_filter_at(one, i), other->filters[k]);
    }
    return meet;
}

/* Each message of a work queue is for one consumer. `self` is NULL for a new one. */
static struct rill_js_error check_alone(const struct stream *stream, const struct durable *self,
                                        const Rill__ConsumerConfig *config)
{
    if (stream->record->config->retention != RILL__RETENTION__RETENTION_WORKQUEUE)
        return none();
    for (const struct durable *other = stream->durables; other; other = other->by_name.next) {
        if (other != self && filters_meet(config, durable_settings_newest(other)))
            return rill_js_error_of(consumer_config_filter_count(config)
                                        ? RILL_JS_CONSUMER_WORKQUEUE_NOT_UNIQUE
                                        : RILL_JS_CONSUMER_WORKQUEUE_UNFILTERED);
    }
    return none();
}

/* With its record in the log. */
static enum rill_err make_durable(struct stream *stream, const Rill__ConsumerConfig *config,
                                  const struct start *start, struct rill_bytes reply,
                                  struct durable **ret_durable)
{
    enum rill_err err = RILL_OK;
    Rill__ConsumerRecord *record = make_record(stream, config, start);
    struct durable *durable = durable_create(stream, record);
    if (!durable->in_memory)
        err = stream_append_event(stream, RILL_STORE_EVENT_CONSUMER_CREATED, &record->base,
                                  STREAM_WAIT_CONSUMER_CREATED, durable, reply);
    rill_message_free(&record->base);
    if (err)
        durable_free(durable);
    else
        *ret_durable = durable;
    return err;
}

static struct rill_js_error create(struct stream *stream, const Rill__ConsumerConfig *config,
                                   const struct start *start, struct rill_bytes reply)
{
    const int64_t consumers_max = stream->record->config->max_consumers;
    if (consumers_max > 0 && stream->durable_count >= (uint64_t)consumers_max)
        return rill_js_error_of(RILL_JS_CONSUMERS_MAX);
    const struct rill_js_error error = check_alone(stream, NULL, config);
    if (rill_js_error_is_set(&error))
        return error;
    struct durable *durable;
    const enum rill_err err = make_durable(stream, config, start, reply, &durable);
    if (err)
        return stream_store_error(stream, err);
    stream->consumer_number_last++;
    durable_add(stream, durable);
    durable_activate(durable);
    advisory_action(durable, ADVISORY_CREATED);
    if (durable->in_memory)
        respond_created(durable, reply);
    return none();
}

// ---- one that is there ----

/* A part of the configuration that has calls of its own, and numbers of the stored record, stay as they are. */
static Rill__ConsumerRecord *changed_record(const struct durable *durable, const Rill__ConsumerConfig *config)
{
    Rill__ConsumerRecord *record = consumer_settings_record(durable->settings);
    Rill__ConsumerConfig *old = record->config;
    record->config = (Rill__ConsumerConfig *)rill_message_copy(&config->base);
    name_config(record->config, record->name);
    if (record->config->pause_until)
        rill_message_free(&record->config->pause_until->base);
    record->config->pause_until = old->pause_until;
    old->pause_until = NULL;
    rill_message_free(&old->base);
    return record;
}

struct rill_js_error api_consumer_change_record(struct durable *durable, const Rill__ConsumerRecord *record,
                                                enum stream_wait what, struct rill_bytes reply)
{
    struct stream *stream = durable->stream;
    struct rill_js_error error = none();
    RILL_ASSERT(!durable->settings_next);
    durable->settings_next = consumer_settings_create(record);
    if (durable->in_memory) {
        durable_answer(stream->js, what, durable, reply, NULL);
        return error;
    }
    const enum rill_err err =
        stream_append_event(stream, RILL_STORE_EVENT_CONSUMER_CREATED, &record->base, what, durable, reply);
    if (err) {
        error = stream_store_error(stream, err);
        consumer_settings_destroy(durable->settings_next);
        durable->settings_next = NULL;
    }
    return error;
}

/* Somebody who asked before waits for the same: with the same answer. */
static bool wait_with_others(struct durable *durable, struct rill_bytes reply)
{
    struct stream *stream = durable->stream;
    for (const struct stream_waiter *waiter = stream->waiters; waiter; waiter = waiter->next) {
        if (waiter->what == STREAM_WAIT_CONSUMER_CREATED && waiter->durable == durable) {
            stream_wait(stream, STREAM_WAIT_CONSUMER_CREATED, waiter->commit, durable, reply);
            return true;
        }
    }
    return false;
}

static struct rill_js_error check_change(const struct durable *durable, const Rill__ConsumerConfig *old,
                                         const Rill__ConsumerConfig *changed)
{
    struct rill_js_error error = consumer_config_check_change(old, changed);
    if (!rill_js_error_is_set(&error))
        error = check_alone(durable->stream, durable, changed);
    if (rill_js_error_is_set(&error))
        return error;
    // Who listens at the deliver subject has it.
    if (is_set(old->deliver_subject) && strcmp(old->deliver_subject, changed->deliver_subject) != 0 &&
        interest_any(durable->stream->js->account->interest, rill_bytes_from_cstr(old->deliver_subject)))
        return rill_js_error_of(RILL_JS_CONSUMER_NAME_EXISTS);
    return none();
}

/* The same configuration again is a success, another one is a change. */
static struct rill_js_error become(struct durable *durable, const Rill__ConsumerRecord *old,
                                   const Rill__ConsumerRecord *changed, Rill__ConsumerAction action,
                                   struct rill_bytes reply)
{
    if (rill_message_equal(&old->config->base, &changed->config->base)) {
        if (!wait_with_others(durable, reply))
            respond_created(durable, reply);
        return none();
    }
    if (action == RILL__CONSUMER_ACTION__CONSUMER_ACTION_CREATE)
        return rill_js_error_of(RILL_JS_CONSUMER_ALREADY_EXISTS);
    const struct rill_js_error error = check_change(durable, old->config, changed->config);
    return rill_js_error_is_set(&error)
               ? error
               : api_consumer_change_record(durable, changed, STREAM_WAIT_CONSUMER_CHANGED, reply);
}

/* The name is taken. */
static struct rill_js_error create_again(struct durable *durable, const Rill__ConsumerCreateRequest *request,
                                         struct rill_bytes reply)
{
    if (durable->deleting || durable->settings_next)
        return rill_js_error_of(RILL_JS_NOT_READY);
    Rill__ConsumerRecord *old = consumer_settings_record(durable->settings);
    Rill__ConsumerRecord *changed = changed_record(durable, request->config);
    const struct rill_js_error error = become(durable, old, changed, request->action, reply);
    rill_message_free(&old->base);
    rill_message_free(&changed->base);
    return error;
}

// ---- the request ----

static struct rill_js_error check_request(const struct api_call *call, const struct stream *stream,
                                          const Rill__ConsumerCreateRequest *request)
{
    if (!rill_bytes_equal_cstr(call->tokens[0], request->stream_name ? request->stream_name : ""))
        return rill_js_error_of(RILL_JS_STREAM_MISMATCH);
    js_limits_fill_consumer(stream->js, request->config, stream->record->config);
    const struct rill_js_error error =
        consumer_config_check(request->config, stream->record->config, request->pedantic);
    return rill_js_error_is_set(&error) ? error : js_limits_check_consumer(stream->js, request->config);
}

static struct rill_js_error create_new(struct stream *stream, struct asked *asked,
                                       const Rill__ConsumerCreateRequest *request, bool *ret_waits)
{
    if (request->action == RILL__CONSUMER_ACTION__CONSUMER_ACTION_UPDATE)
        return rill_js_error_of(RILL_JS_CONSUMER_DOES_NOT_EXIST);
    if (!asked->start)
        asked->start = start_create();
    const enum rill_err err = start_find(stream, asked, request->config);
    *ret_waits = err == RILL_ERR_AGAIN;
    if (err)
        return rill_js_error_with(RILL_JS_CONSUMER_CREATE, "where it begins could not be found: %s",
                                  rill_err_text(err));
    return create(stream, request->config, asked->start, asked_reply(asked));
}

/* It may take several until it is known where a new one begins. */
static enum asked_outcome step_create(struct stream *stream, struct asked *asked)
{
    const Rill__ConsumerCreateRequest *request = (Rill__ConsumerCreateRequest *)asked->request;
    const char *name = request->config->name;
    struct durable *durable = is_set(name) ? durable_find(stream, rill_bytes_from_cstr(name)) : NULL;
    bool waits = false;
    const struct rill_js_error error = durable ? create_again(durable, request, asked_reply(asked))
                                               : create_new(stream, asked, request, &waits);
    if (waits)
        return ASKED_WAITS;
    if (rill_js_error_is_set(&error))
        api_respond_error(stream->js, asked_reply(asked), asked->response, &error);
    return ASKED_DONE;
}

/* After the checks that the form of the subject asks for. */
static void create_or_again(const struct api_call *call)
{
    struct stream *stream = api_stream(call);
    const struct asked asked = {.step = step_create, .response = call->response};
    if (!stream)
        return;
    const struct rill_js_error error =
        check_request(call, stream, (Rill__ConsumerCreateRequest *)call->request);
    if (rill_js_error_is_set(&error))
        api_respond_error(call->js, call->reply, call->response, &error);
    else
        asked_begin(stream, &asked, call->request, call->reply);
}

/* Of the request; one without has an empty one, as nats-server has it. */
static Rill__ConsumerConfig *config_of(const struct api_call *call)
{
    Rill__ConsumerCreateRequest *request = (Rill__ConsumerCreateRequest *)call->request;
    if (!request->config) {
        request->config = rill_alloc_zero(1, sizeof *request->config);
        rill__consumer_config__init(request->config);
    }
    return request->config;
}

static bool names_match(struct rill_bytes token, const char *name)
{
    return !is_set(name) || rill_bytes_equal_cstr(token, name);
}

void api_consumer_create(const struct api_call *call)
{
    if (is_set(config_of(call)->durable_name))
        api_fail(call, RILL_JS_CONSUMER_EPHEMERAL_WITH_DURABLE_NAME);
    else
        create_or_again(call);
}

/* What the form CREATE.<stream>.<consumer>[.<filter>] asks for besides. */
static struct rill_js_error check_named(const struct api_call *call, const Rill__ConsumerConfig *config)
{
    if (!names_match(call->tokens[1], config->durable_name) || !names_match(call->tokens[1], config->name))
        return rill_js_error_of(RILL_JS_CONSUMER_DURABLE_NOT_MATCH_SUBJECT);
    if (call->token_count < 3)
        return none();
    if (config->n_filter_subjects)
        return rill_js_error_of(RILL_JS_CONSUMER_FILTERS_NOT_ALLOWED);
    if (!rill_bytes_equal_cstr(call->tokens[2], config->filter_subject ? config->filter_subject : ""))
        return rill_js_error_of(RILL_JS_CONSUMER_FILTER_SUBJECT_MISMATCH);
    return none();
}

void api_consumer_create_named(const struct api_call *call)
{
    Rill__ConsumerConfig *config = config_of(call);
    const struct rill_js_error error = check_named(call, config);
    if (rill_js_error_is_set(&error)) {
        api_respond_error(call->js, call->reply, call->response, &error);
        return;
    }
    // The name in the subject is that of an ephemeral that gives none itself.
    char *name = rill_alloc_cstr(call->tokens[1]);
    name_config(config, name);
    free(name);
    create_or_again(call);
}

void api_consumer_create_durable(const struct api_call *call)
{
    const Rill__ConsumerConfig *config = config_of(call);
    if (!is_set(config->durable_name))
        api_fail(call, RILL_JS_CONSUMER_DURABLE_NOT_SET);
    else if (!rill_bytes_equal_cstr(call->tokens[1], config->durable_name))
        api_fail(call, RILL_JS_CONSUMER_DURABLE_NOT_MATCH_SUBJECT);
    else
        create_or_again(call);
}
