// SPDX-License-Identifier: Apache-2.0
#include "recovery.h"

#include "base/assert.h"
#include "durable.h"
#include "proto/headers.h"
#include "proto/message.h"

void recovery_init(struct recovery *recovery, struct stream *stream, uint64_t seed, int64_t now_wall_ns)
{
    *recovery = (struct recovery){.stream = stream, .now_wall_ns = now_wall_ns};
    dedupe_init(&recovery->dedupe, seed, INT64_MAX); // until the log has told a configuration
    rill_buf_init(&recovery->last_msg_id, stream->last_msg_id.max);
}

static void drop_durables(struct recovery *recovery)
{
    struct durable *durable;
    struct durable *next;
    HASH_ITER (by_name, recovery->durables, durable, next) {
        HASH_DELETE(by_name, recovery->durables, durable);
        durable_free(durable);
    }
}

void recovery_fini(struct recovery *recovery)
{
    drop_durables(recovery);
    if (recovery->record)
        rill_message_free(&recovery->record->base);
    dedupe_fini(&recovery->dedupe);
    rill_buf_fini(&recovery->last_msg_id);
    RILL_ASSERT(!recovery->store);
}

// ---- consumers ----

static struct durable *find_number(const struct recovery *recovery, uint64_t number)
{
    struct durable *durable;
    for (durable = recovery->durables; durable; durable = durable->by_name.next) {
        if (durable->settings->number == number)
            return durable;
    }
    return NULL;
}

static void remove_durable(struct recovery *recovery, struct durable *durable)
{
    if (!durable)
        return;
    HASH_DELETE(by_name, recovery->durables, durable);
    durable_free(durable);
}

static struct durable *add_durable(struct recovery *recovery, const Rill__ConsumerRecord *record)
{
    struct durable *old = NULL;
    const size_t name_len = strlen(record->name);
    HASH_FIND(by_name, recovery->durables, record->name, name_len, old);
    remove_durable(recovery, old);
    struct durable *durable = durable_create(recovery->stream, record);
    HASH_ADD_KEYPTR(by_name, recovery->durables, durable->settings->name, name_len, durable);
    if (record->number > recovery->consumer_number_last)
        recovery->consumer_number_last = record->number;
    return durable;
}

/* Another configuration of the same consumer, whose state goes on. */
static void change_durable(struct recovery *recovery, struct durable *durable,
                           const Rill__ConsumerRecord *record)
{
    struct consumer_settings *settings = consumer_settings_create(record);
    HASH_DELETE(by_name, recovery->durables, durable);
    durable_set_settings(durable, settings);
    HASH_ADD_KEYPTR(by_name, recovery->durables, settings->name, strlen(settings->name), durable);
}

static enum rill_err apply_consumer_created(struct recovery *recovery, struct rill_bytes bytes)
{
    ProtobufCMessage *message;
    const enum rill_err err = rill_message_unpack(&rill__consumer_record__descriptor, bytes, &message);
    if (err)
        return err;
    const Rill__ConsumerRecord *record = (Rill__ConsumerRecord *)message;
    struct durable *durable = find_number(recovery, record->number);
    if (durable)
        change_durable(recovery, durable, record);
    else
        (void)add_durable(recovery, record);
    rill_message_free(message);
    return RILL_OK;
}

static enum rill_err apply_consumer_deleted(struct recovery *recovery, struct rill_bytes bytes)
{
    ProtobufCMessage *message;
    const enum rill_err err = rill_message_unpack(&rill__consumer_end__descriptor, bytes, &message);
    if (err)
        return err;
    remove_durable(recovery, find_number(recovery, ((Rill__ConsumerEnd *)message)->number));
    rill_message_free(message);
    return RILL_OK;
}

static enum rill_err apply_consumer_state(struct recovery *recovery, struct rill_bytes bytes)
{
    uint64_t number;
    enum consumer_form form;
    struct rill_bytes rest;
    const enum rill_err err = consumer_event_parse(bytes, &number, &form, &rest);
    if (err)
        return err;
    // An event of a consumer that ended may stand behind its end.
    struct durable *durable = find_number(recovery, number);
    return durable ? consumer_apply(durable->consumer, form, rest) : RILL_OK;
}

// ---- what the replay finds ----

/* Takes the record. */
static void take_record(struct recovery *recovery, Rill__StreamRecord *record)
{
    if (recovery->record)
        rill_message_free(&recovery->record->base);
    recovery->record = record;
    recovery->dedupe.window_ns = record->config->duplicate_window;
}

static enum rill_err apply_config(struct recovery *recovery, struct rill_bytes bytes)
{
    ProtobufCMessage *message;
    const enum rill_err err = rill_message_unpack(&rill__stream_record__descriptor, bytes, &message);
    if (!err)
        take_record(recovery, (Rill__StreamRecord *)message);
    return err;
}

static enum rill_err on_event(void *context, enum rill_store_event type, struct rill_bytes bytes)
{
    struct recovery *recovery = context;
    switch (type) {
    case RILL_STORE_EVENT_STREAM_CONFIG:
        return apply_config(recovery, bytes);
    case RILL_STORE_EVENT_CONSUMER_CREATED:
        return apply_consumer_created(recovery, bytes);
    case RILL_STORE_EVENT_CONSUMER_DELETED:
        return apply_consumer_deleted(recovery, bytes);
    case RILL_STORE_EVENT_CONSUMER_STATE:
        return apply_consumer_state(recovery, bytes);
    }
    return RILL_ERR_UNSUPPORTED;
}

static enum rill_err restore_consumer(struct recovery *recovery, const Rill__ConsumerCheckpoint *part)
{
    ProtobufCMessage *message;
    enum rill_err err = rill_message_unpack(&rill__consumer_record__descriptor,
                                            rill_bytes_of(part->consumer.data, part->consumer.len), &message);
    if (err)
        return err;
    struct durable *durable = add_durable(recovery, (Rill__ConsumerRecord *)message);
    rill_message_free(message);
    return consumer_apply(durable->consumer, CONSUMER_FORM_WHOLE,
                          rill_bytes_of(part->state.data, part->state.len));
}

static enum rill_err restore_consumers(struct recovery *recovery, const Rill__StreamCheckpoint *checkpoint)
{
    drop_durables(recovery);
    for (size_t i = 0; i < checkpoint->n_consumers; i++) {
        const enum rill_err err = restore_consumer(recovery, checkpoint->consumers[i]);
        if (err)
            return err;
    }
    if (checkpoint->consumer_number_last > recovery->consumer_number_last)
        recovery->consumer_number_last = checkpoint->consumer_number_last;
    return RILL_OK;
}

/* A checkpoint repeats what was there before it, and bridges what was lost: it counts. */
static enum rill_err on_checkpoint(void *context, struct rill_bytes bytes)
{
    struct recovery *recovery = context;
    ProtobufCMessage *message;
    enum rill_err err = rill_message_unpack(&rill__stream_checkpoint__descriptor, bytes, &message);
    if (err)
        return err;
    const Rill__StreamCheckpoint *checkpoint = (Rill__StreamCheckpoint *)message;
    take_record(recovery, (Rill__StreamRecord *)rill_message_copy(&checkpoint->stream->base));
    err = restore_consumers(recovery, checkpoint);
    rill_message_free(message);
    return err;
}

static enum rill_err on_message(void *context, const struct rill_store_message *message)
{
    struct recovery *recovery = context;
    struct rill_bytes id = {0};
    atomic_fetch_add_explicit(&recovery->stream->replayed_messages, 1, memory_order_relaxed);
    (void)rill_headers_find(message->headers, RILL_BYTES("Nats-Msg-Id"), &id);
    recovery->last_msg_id.len = 0;
    const enum rill_err err = rill_buf_append(&recovery->last_msg_id, id);
    if (!recovery->is_told || message->sequence != recovery->told_sequence + 1)
        dedupe_leave_out(&recovery->dedupe,
                         message->time_ns); // the index knows those before it, and those between
    recovery->is_told = true;
    recovery->told_sequence = message->sequence;
    if (err || !id.len)
        return err;
    if (recovery->now_wall_ns - message->time_ns >= recovery->dedupe.window_ns)
        dedupe_leave_out(&recovery->dedupe, message->time_ns);
    else if (!dedupe_find(&recovery->dedupe, id))
        dedupe_add(&recovery->dedupe, id, message->sequence, message->time_ns);
    return RILL_OK;
}

static enum rill_err on_lost(void *context, uint64_t first_sequence, uint64_t last_sequence)
{
    struct recovery *recovery = context;
    if (last_sequence >= first_sequence)
        recovery->lost_messages += last_sequence - first_sequence + 1;
    return RILL_OK;
}

static void on_restart(void *context)
{
    struct recovery *recovery = context;
    const uint64_t seed = recovery->dedupe.seed;
    drop_durables(recovery);
    if (recovery->record)
        rill_message_free(&recovery->record->base);
    recovery->record = NULL;
    recovery->consumer_number_last = recovery->lost_messages = 0;
    recovery->is_told = false;
    recovery->last_msg_id.len = 0;
    dedupe_fini(&recovery->dedupe);
    dedupe_init(&recovery->dedupe, seed, 0);
}

/* The index has spared the replay every message: it alone knows the ids of the window, but for this one. */
static enum rill_err on_last(void *context, const struct rill_store_message *message)
{
    struct recovery *recovery = context;
    struct rill_bytes id = {0};
    (void)rill_headers_find(message->headers, RILL_BYTES("Nats-Msg-Id"), &id);
    return rill_buf_append(&recovery->last_msg_id, id);
}

/* Where messages behind the last one that was told, or all, are told by nobody, the index knows their ids. */
static void leave_out_untold(struct recovery *recovery)
{
    struct rill_store_state log;
    rill_store_state(recovery->store, &log);
    if (recovery->is_told && recovery->told_sequence == log.last_sequence)
        return;
    dedupe_leave_out(&recovery->dedupe,
                     log.last_time_ns > recovery->now_wall_ns ? log.last_time_ns : recovery->now_wall_ns);
}

enum rill_err recovery_run(struct recovery *recovery, const struct rill_store_options *options,
                           struct rill_error_text *why)
{
    const struct rill_store_visitor visitor = {
        .context = recovery,
        .message = on_message,
        .event = on_event,
        .checkpoint = on_checkpoint,
        .lost = on_lost,
        .last = on_last,
        .restart = on_restart,
        .id_window_ns = &recovery->dedupe.window_ns,
    };
    const enum rill_err err = rill_store_open(options, &visitor, &recovery->store, &recovery->report, why);
    if (err)
        return err;
    leave_out_untold(recovery);
    if (recovery->record)
        return RILL_OK;
    rill_store_close(recovery->store);
    recovery->store = NULL;
    rill_error_text_set(why, "the log holds no configuration");
    return RILL_ERR_DAMAGED;
}

enum rill_err recovery_begin_anew(struct recovery *recovery, struct stream_place *place,
                                  struct rill_error_text *why)
{
    RILL_ASSERT(recovery->record && !recovery->durables);
    rill_store_close(recovery->store);
    recovery->store = NULL;
    return stream_place_create_empty(place, recovery->record, &recovery->store, why);
}

// ---- handing over ----

void recovery_attach(struct recovery *recovery)
{
    struct stream *stream = recovery->stream;
    struct rill_store_state log;
    rill_store_state(recovery->store, &log);
    stream->store = recovery->store;
    stream->record = stream->record_newest = recovery->record;
    stream->js->recovered_bytes += log.disk_bytes;
    stream->consumer_number_last = recovery->consumer_number_last;
    stream->last_committed = stream->last_appended = log.last_sequence;
    stream->dedupe = recovery->dedupe;
    recovery->dedupe = (struct dedupe){0};
    recovery->store = NULL;
    recovery->record = NULL;
    struct durable *durable;
    struct durable *next;
    HASH_ITER (by_name, recovery->durables, durable, next) {
        HASH_DELETE(by_name, recovery->durables, durable);
        durable_add(stream, durable);
        consumer_restart(durable->consumer, log.last_sequence, stream->js->core->now.mono_ns);
    }
    enum rill_err err = rill_buf_append(&stream->last_msg_id, rill_buf_bytes(&recovery->last_msg_id));
    if (!err)
        err = rill_buf_append(&stream->last_msg_id_committed, rill_buf_bytes(&recovery->last_msg_id));
    RILL_ASSERT(err == RILL_OK);
}
