// SPDX-License-Identifier: Apache-2.0
#include "consumer_settings.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "consumer_config.h"
#include "proto/message.h"

#include <stdlib.h>

// ---- the packed record ----

/* How protobuf introduces the fields listed_to and listed. */
enum { LISTED_TO_KEY = 6 << 3, LISTED_KEY = 7 << 3 | 2 };

/* The list is put last, where it is found again; protobuf does not mind the order of fields. */
static void append_list(struct rill_buf *buf, uint64_t listed_to, struct rill_bytes listed)
{
    varint_append(buf, LISTED_TO_KEY);
    varint_append(buf, listed_to);
    varint_append(buf, LISTED_KEY);
    varint_append(buf, listed.len);
    const enum rill_err err = rill_buf_append(buf, listed);
    RILL_ASSERT(err == RILL_OK);
}

static void pack(struct consumer_settings *settings, const Rill__ConsumerRecord *record)
{
    Rill__ConsumerRecord unlisted = *record;
    struct rill_buf buf;
    rill_buf_init(&buf, UINT32_MAX);
    unlisted.has_listed_to = unlisted.has_listed = false;
    const enum rill_err err = rill_message_pack(&unlisted.base, &buf);
    RILL_ASSERT(err == RILL_OK);
    settings->unlisted_bytes = (uint32_t)buf.len;
    if (record->has_listed_to) {
        settings->listed_to = record->listed_to;
        settings->listed_bytes = (uint32_t)record->listed.len;
        append_list(&buf, record->listed_to, rill_bytes_of(record->listed.data, record->listed.len));
    }
    settings->packed_bytes = (uint32_t)buf.len;
    settings->packed = rill_alloc_resize(buf.data, buf.len, 1); // no more than it takes
}

Rill__ConsumerRecord *consumer_settings_record(const struct consumer_settings *settings)
{
    ProtobufCMessage *message;
    const enum rill_err err =
        rill_message_unpack(&rill__consumer_record__descriptor, consumer_settings_packed(settings), &message);
    RILL_ASSERT(err == RILL_OK); // we have packed it
    return (Rill__ConsumerRecord *)message;
}

struct rill_bytes consumer_settings_packed(const struct consumer_settings *settings)
{
    return rill_bytes_of(settings->packed, settings->packed_bytes);
}

struct rill_bytes consumer_settings_listed(const struct consumer_settings *settings)
{
    return rill_bytes_from(consumer_settings_packed(settings),
                           settings->packed_bytes - settings->listed_bytes);
}

void consumer_settings_forget_list(struct consumer_settings *settings)
{
    settings->packed = rill_alloc_resize(settings->packed, settings->unlisted_bytes, 1);
    settings->packed_bytes = settings->unlisted_bytes;
    settings->listed_to = settings->listed_bytes = 0;
}

// ---- what is beside it ----

static char *copy_text(const char *text)
{
    return text && text[0] ? rill_alloc_cstr(rill_bytes_from_cstr(text)) : NULL;
}

static enum consumer_acks acks_of(Rill__AckPolicy policy)
{
    switch (policy) {
    case RILL__ACK_POLICY__ACK_POLICY_NONE:
        return CONSUMER_ACKS_NONE;
    case RILL__ACK_POLICY__ACK_POLICY_ALL:
    case RILL__ACK_POLICY__ACK_POLICY_FLOW_CONTROL:
        return CONSUMER_ACKS_ALL;
    default:
        return CONSUMER_ACKS_EXPLICIT;
    }
}

static int64_t *copy_backoff(const Rill__ConsumerConfig *config)
{
    if (!config->n_backoff)
        return NULL;
    int64_t *backoff_ns = rill_alloc_zero(config->n_backoff, sizeof *backoff_ns);
    memcpy(backoff_ns, config->backoff, config->n_backoff * sizeof *backoff_ns);
    return backoff_ns;
}

static bool is_by_flow(const Rill__ConsumerConfig *config)
{
    return config->ack_policy == RILL__ACK_POLICY__ACK_POLICY_FLOW_CONTROL;
}

static struct consumer_limits limits_of(const Rill__ConsumerConfig *config)
{
    const int64_t ack_pending = config->max_ack_pending;
    return (struct consumer_limits){
        .acks = acks_of(config->ack_policy),
        .ack_wait_ns = is_by_flow(config) ? RILL_NEVER_NS : config->ack_wait,
        .backoff_ns = copy_backoff(config),
        .backoff_count = (uint32_t)config->n_backoff,
        .deliveries_max = config->max_deliver > 0 ? (uint32_t)config->max_deliver : 0,
        .ack_pending_max = ack_pending > 0 && ack_pending < CONSUMER_ACK_PENDING_MAX
                               ? (uint32_t)ack_pending
                               : CONSUMER_ACK_PENDING_MAX,
        .ack_pending_per_subject_max = consumer_config_per_subject(config),
    };
}

static enum pulls_policy pulls_policy_of(const Rill__ConsumerConfig *config)
{
    switch (config->priority_policy) {
    case RILL__PRIORITY_POLICY__PRIORITY_POLICY_OVERFLOW:
        return PULLS_OVERFLOW;
    case RILL__PRIORITY_POLICY__PRIORITY_POLICY_PINNED_CLIENT:
        return PULLS_PINNED;
    case RILL__PRIORITY_POLICY__PRIORITY_POLICY_PRIORITIZED:
        return PULLS_BY_PRIORITY;
    default:
        return PULLS_IN_TURN;
    }
}

/* "30" or "30%"; what is more than all is all. */
static uint8_t percent_of(const char *text)
{
    const unsigned long percent = text ? strtoul(text, NULL, 10) : 0;
    return percent < 100 ? (uint8_t)percent : 100;
}

static int64_t pause_of(const Rill__Timestamp *until)
{
    return until && until->unix_ns > 0 ? until->unix_ns : 0;
}

/* One allocation: the views, then the text that they view. */
static void copy_filters(struct consumer_settings *settings, const Rill__ConsumerConfig *config)
{
    const size_t count = consumer_config_filter_count(config);
    size_t text_bytes = 0;
    for (size_t i = 0; i < count; i++)
        text_bytes += consumer_config_filter_at(config, i).len;
    if (!count)
        return;
    struct rill_bytes *filters = rill_alloc_zero(1, count * sizeof *filters + text_bytes);
    uint8_t *text = (uint8_t *)&filters[count];
    for (size_t i = 0; i < count; i++) {
        const struct rill_bytes filter = consumer_config_filter_at(config, i);
        filters[i] = rill_bytes_of(text, filter.len);
        memcpy(text, filter.data, filter.len);
        text += filter.len;
    }
    settings->filters = filters;
    settings->filter_count = (uint32_t)count;
}

// ---- life ----

static void fill(struct consumer_settings *settings, const Rill__ConsumerConfig *config)
{
    settings->inactive_threshold_ns = config->inactive_threshold;
    settings->pause_until_wall_ns = pause_of(config->pause_until);
    settings->limits = limits_of(config);
    settings->rate_limit_bps = config->rate_limit_bps;
    settings->dead_letter_subject = copy_text(consumer_config_metadata(config, CONSUMER_DEAD_LETTER_KEY));
    settings->sampled_percent = percent_of(config->sample_freq);
    settings->acks_by_flow = is_by_flow(config);
    settings->headers_only = config->headers_only;
    settings->replays_original = config->replay_policy == RILL__REPLAY_POLICY__REPLAY_POLICY_ORIGINAL;
    settings->is_push = config->deliver_subject && config->deliver_subject[0];
    settings->pulls_policy = pulls_policy_of(config);
    settings->waiting_max = (uint32_t)config->max_waiting;
    settings->batch_max = config->max_batch;
    settings->expires_ns_max = config->max_expires;
    settings->bytes_max = config->max_bytes;
    settings->group = copy_text(config->n_priority_groups ? config->priority_groups[0] : NULL);
    settings->pin_timeout_ns = config->priority_timeout;
}

struct consumer_settings *consumer_settings_create(const Rill__ConsumerRecord *record)
{
    const size_t name_bytes = strlen(record->name) + 1;
    struct consumer_settings *settings = rill_alloc_zero(1, sizeof *settings + name_bytes);
    memcpy(settings->name, record->name, name_bytes);
    settings->number = record->number;
    settings->created_wall_ns = record->created_unix_ns;
    fill(settings, record->config);
    copy_filters(settings, record->config);
    pack(settings, record);
    return settings;
}

void consumer_settings_destroy(struct consumer_settings *settings)
{
    if (!settings)
        return;
    free(settings->filters);
    free((int64_t *)settings->limits.backoff_ns);
    free(settings->dead_letter_subject);
    free(settings->group);
    free(settings->packed);
    free(settings);
}
