// SPDX-License-Identifier: Apache-2.0
//
// The rules come in the order in which nats-server has them, so that of two faults the same one is told.
#include "consumer_config.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "config_fields.h"
#include "consumer_defaults.h"
#include "proto/subject.h"

#include <inttypes.h>
#include <stdlib.h>

enum {
    WAITING_MAX = 64 * 1024,
    NAME_BYTES_MAX = 255,
    DESCRIPTION_BYTES_MAX = 4096,
    METADATA_BYTES_MAX = 128 * 1024,
    GROUP_BYTES_MAX = 16,
};

static const char *const not_yet[] = {"sourcing", NULL};

static struct rill_js_error none(void)
{
    return (struct rill_js_error){0};
}

static struct rill_js_error not_yet_value(const char *what)
{
    return rill_js_error_not_yet(RILL_JS_CONSUMER_CREATE, what);
}

static bool is_set(const char *text)
{
    return text && text[0];
}

/* The error of this id when the condition holds. */
static struct rill_js_error refuse_if(bool condition, enum rill_js_error_id id)
{
    return condition ? rill_js_error_of(id) : none();
}

typedef struct rill_js_error check_fn(const Rill__ConsumerConfig *config, const Rill__StreamConfig *stream);

// ---- names ----

static struct rill_js_error check_names(const Rill__ConsumerConfig *config, const Rill__StreamConfig *stream)
{
    const bool durable = is_set(config->durable_name);
    const char *name = durable ? config->durable_name : config->name;
    if (durable && is_set(config->name) && strcmp(config->durable_name, config->name) != 0)
        return rill_js_error_of(RILL_JS_CONSUMER_DURABLE_AND_NAME_MISMATCH);
    if (!is_set(name) || config_name_is_valid(name))
        return none();
    if (strlen(name) > NAME_BYTES_MAX)
        return rill_js_error_with(RILL_JS_CONSUMER_NAME_TOO_LONG, "%d", NAME_BYTES_MAX);
    if (strpbrk(name, "/\\"))
        return rill_js_error_of(RILL_JS_CONSUMER_NAME_PATH_SEPARATOR);
    return rill_js_error_of(RILL_JS_CONSUMER_DURABLE_NAME_INVALID);
}

static size_t metadata_bytes(const Rill__ConsumerConfig *config)
{
    size_t bytes = 0;
    for (size_t i = 0; i < config->n_metadata; i++)
        bytes += strlen(config->metadata[i]->key) + strlen(config->metadata[i]->value);
    return bytes;
}

static struct rill_js_error check_texts(const Rill__ConsumerConfig *config, const Rill__StreamConfig *stream)
{
    if (config->description && strlen(config->description) > DESCRIPTION_BYTES_MAX)
        return rill_js_error_with(RILL_JS_CONSUMER_DESCRIPTION_TOO_LONG, "%d", DESCRIPTION_BYTES_MAX);
    if (metadata_bytes(config) > METADATA_BYTES_MAX)
        return rill_js_error_with(RILL_JS_CONSUMER_METADATA_TOO_LONG, "%d", METADATA_BYTES_MAX);
    return none();
}

// ---- deliver policy ----

static struct rill_js_error policy_error(const char *policy, const char *what)
{
    return rill_js_error_with(RILL_JS_CONSUMER_INVALID_POLICY,
                              "consumer delivery policy is deliver %s, but %s", policy, what);
}

static const char *policy_words(Rill__DeliverPolicy policy)
{
    static const char *const words[] = {
        [RILL__DELIVER_POLICY__DELIVER_POLICY_ALL] = "all",
        [RILL__DELIVER_POLICY__DELIVER_POLICY_LAST] = "last",
        [RILL__DELIVER_POLICY__DELIVER_POLICY_NEW] = "new",
        [RILL__DELIVER_POLICY__DELIVER_POLICY_BY_START_SEQUENCE] = "by start sequence",
        [RILL__DELIVER_POLICY__DELIVER_POLICY_BY_START_TIME] = "by start time",
        [RILL__DELIVER_POLICY__DELIVER_POLICY_LAST_PER_SUBJECT] = "last per subject",
    };
    return words[policy];
}

static struct rill_js_error check_start(const Rill__ConsumerConfig *config, const Rill__StreamConfig *stream)
{
    const Rill__DeliverPolicy policy = config->deliver_policy;
    const char *words = policy_words(policy);
    const bool by_sequence = policy == RILL__DELIVER_POLICY__DELIVER_POLICY_BY_START_SEQUENCE;
    const bool by_time = policy == RILL__DELIVER_POLICY__DELIVER_POLICY_BY_START_TIME;
    if (config->opt_start_seq && !by_sequence)
        return policy_error(words, "optional start sequence is also set");
    if (config->opt_start_time && !by_time)
        return policy_error(words, "optional start time is also set");
    if (by_sequence && !config->opt_start_seq)
        return policy_error(words, "optional start sequence is not set");
    if (by_time && !config->opt_start_time)
        return policy_error(words, "optional start time is not set");
    if (policy == RILL__DELIVER_POLICY__DELIVER_POLICY_LAST_PER_SUBJECT && !is_set(config->filter_subject) &&
        !config->n_filter_subjects)
        return policy_error(words, "optional filter subject is not set");
    return none();
}

// ---- acknowledging ----

static struct rill_js_error check_waits(const Rill__ConsumerConfig *config)
{
    for (size_t i = 0; i < config->n_backoff; i++) {
        if (config->backoff[i] < 0)
            return rill_js_error_of(RILL_JS_CONSUMER_BACKOFF_NEGATIVE);
    }
    return refuse_if(config->ack_wait < 0, RILL_JS_CONSUMER_ACK_WAIT_NEGATIVE);
}

/* Who acknowledges by flow control. */
static struct rill_js_error check_ack_flow(const Rill__ConsumerConfig *config)
{
    if (!is_set(config->deliver_subject))
        return rill_js_error_of(RILL_JS_CONSUMER_ACK_FLOW_REQUIRES_PUSH);
    if (!config->flow_control)
        return rill_js_error_of(RILL_JS_CONSUMER_ACK_FLOW_REQUIRES_FLOW_CONTROL);
    if (config->idle_heartbeat != CONSUMER_ACK_FLOW_HEARTBEAT_NS)
        return rill_js_error_with(RILL_JS_STREAM_INVALID_CONFIG,
                                  "flow control ack policy heartbeat needs to be 1s");
    if (config->max_ack_pending <= 0)
        return rill_js_error_of(RILL_JS_CONSUMER_ACK_FLOW_REQUIRES_MAX_ACK_PENDING);
    if (config->ack_wait || config->n_backoff)
        return rill_js_error_of(RILL_JS_CONSUMER_ACK_FLOW_WITH_ACK_WAIT);
    return refuse_if(config->max_deliver > 0, RILL_JS_CONSUMER_ACK_FLOW_WITH_MAX_DELIVER);
}

static struct rill_js_error check_acks(const Rill__ConsumerConfig *config, const Rill__StreamConfig *stream)
{
    struct rill_js_error error = check_waits(config);
    if (!rill_js_error_is_set(&error) && config->ack_policy == RILL__ACK_POLICY__ACK_POLICY_FLOW_CONTROL)
        error = check_ack_flow(config);
    if (rill_js_error_is_set(&error))
        return error;
    return refuse_if(config->max_deliver > 0 && config->n_backoff > (uint64_t)config->max_deliver,
                     RILL_JS_CONSUMER_MAX_DELIVER_BACKOFF);
}

static struct rill_js_error check_ack_pending(const Rill__ConsumerConfig *config,
                                              const Rill__StreamConfig *stream)
{
    const int64_t max = stream->consumer_limits ? stream->consumer_limits->max_ack_pending : 0;
    if (max > 0 && (config->max_ack_pending > max || config->max_ack_pending < 0))
        return rill_js_error_with(RILL_JS_CONSUMER_MAX_ACK_PENDING_EXCESS, "%" PRId64, max);
    return none();
}

static struct rill_js_error check_threshold(const Rill__ConsumerConfig *config,
                                            const Rill__StreamConfig *stream)
{
    const int64_t max_ns = stream->consumer_limits ? stream->consumer_limits->inactive_threshold : 0;
    if (max_ns > 0 && config->inactive_threshold > max_ns)
        return rill_js_error_with(RILL_JS_CONSUMER_INACTIVE_THRESHOLD_EXCESS, "%" PRId64, max_ns);
    return none();
}

// ---- filters ----

size_t consumer_config_filter_count(const Rill__ConsumerConfig *config)
{
    const size_t many = config->n_filter_subjects;
    return many ? many : is_set(config->filter_subject);
}

struct rill_bytes consumer_config_filter_at(const Rill__ConsumerConfig *config, size_t i)
{
    return rill_bytes_from_cstr(config->n_filter_subjects ? config->filter_subjects[i]
                                                          : config->filter_subject);
}

static bool filters_overlap(const Rill__ConsumerConfig *config)
{
    for (size_t i = 0; i < config->n_filter_subjects; i++) {
        for (size_t k = i + 1; k < config->n_filter_subjects; k++) {
            if (rill_subject_overlap(consumer_config_filter_at(config, i),
                                     consumer_config_filter_at(config, k)))
                return true;
        }
    }
    return false;
}

/* Nothing that the stream takes would ever pass. With a transform nobody knows. */
static bool is_outside(struct rill_bytes filter, const Rill__StreamConfig *stream)
{
    for (size_t i = 0; i < stream->n_subjects; i++) {
        if (rill_subject_overlap(filter, rill_bytes_from_cstr(stream->subjects[i])))
            return false;
    }
    return stream->n_subjects && !stream->subject_transform && !stream->mirror && !stream->n_sources;
}

static struct rill_js_error check_filters(const Rill__ConsumerConfig *config,
                                          const Rill__StreamConfig *stream)
{
    const size_t count = consumer_config_filter_count(config);
    if (config->n_filter_subjects && is_set(config->filter_subject))
        return rill_js_error_of(RILL_JS_CONSUMER_FILTERS_DUPLICATE);
    for (size_t i = 0; i < count; i++) {
        const struct rill_bytes filter = consumer_config_filter_at(config, i);
        if (!filter.len)
            return rill_js_error_of(RILL_JS_CONSUMER_FILTER_EMPTY);
        if (!rill_subject_is_valid(filter) || is_outside(filter, stream))
            return rill_js_error_of(RILL_JS_CONSUMER_FILTER_NOT_SUBSET);
    }
    return refuse_if(filters_overlap(config), RILL_JS_CONSUMER_FILTERS_OVERLAP);
}

/* "30" or "30%", of a hundred. */
static struct rill_js_error check_sampling(const Rill__ConsumerConfig *config,
                                           const Rill__StreamConfig *stream)
{
    struct rill_bytes text = rill_bytes_from_cstr(config->sample_freq);
    uint64_t percent;
    if (text.len && text.data[text.len - 1] == '%')
        text.len--;
    if (!is_set(config->sample_freq) || rill_bytes_to_u64(text, 100, &percent))
        return none();
    return rill_js_error_with(RILL_JS_CONSUMER_SAMPLING_INVALID, "invalid sampling rate \"%s\"",
                              config->sample_freq);
}

// ---- priority groups ----

static bool is_group_name(const char *name)
{
    const size_t len = strlen(name);
    return len <= GROUP_BYTES_MAX && strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                                  "0123456789-_/=)") == len;
}

static struct rill_js_error check_groups(const Rill__ConsumerConfig *config, const Rill__StreamConfig *stream)
{
    const bool has_policy = config->priority_policy != RILL__PRIORITY_POLICY__PRIORITY_POLICY_NONE;
    if (is_set(config->deliver_subject) && (has_policy || config->n_priority_groups))
        return rill_js_error_of(RILL_JS_CONSUMER_PUSH_WITH_GROUP);
    if (!has_policy && config->n_priority_groups)
        return rill_js_error_of(RILL_JS_CONSUMER_GROUP_WITHOUT_POLICY);
    if (!has_policy && config->priority_timeout)
        return rill_js_error_of(RILL_JS_CONSUMER_PINNED_TTL_WITHOUT_POLICY);
    if (has_policy && !config->n_priority_groups)
        return rill_js_error_of(RILL_JS_CONSUMER_PRIORITY_WITHOUT_GROUP);
    if (config->n_priority_groups > 1)
        return not_yet_value("more than one priority group");
    for (size_t i = 0; i < config->n_priority_groups; i++) {
        if (!config->priority_groups[i][0])
            return rill_js_error_of(RILL_JS_CONSUMER_GROUP_NAME_EMPTY);
        if (!is_group_name(config->priority_groups[i]))
            return rill_js_error_of(RILL_JS_CONSUMER_GROUP_NAME_INVALID);
    }
    return none();
}

// ---- pull and push ----

static struct rill_js_error check_pull(const Rill__ConsumerConfig *config, const Rill__StreamConfig *stream)
{
    const bool workqueue = stream->retention == RILL__RETENTION__RETENTION_WORKQUEUE;
    if (workqueue && config->ack_policy == RILL__ACK_POLICY__ACK_POLICY_NONE)
        return rill_js_error_of(RILL_JS_CONSUMER_PULL_REQUIRES_ACK);
    if (config->rate_limit_bps)
        return rill_js_error_of(RILL_JS_CONSUMER_PULL_WITH_RATE_LIMIT);
    if (config->max_waiting < 0)
        return rill_js_error_of(RILL_JS_CONSUMER_MAX_WAITING_NEGATIVE);
    if (config->max_waiting > WAITING_MAX)
        return rill_js_error_with(RILL_JS_CONSUMER_CREATE, "max_waiting exceeds system limit of %d",
                                  WAITING_MAX);
    if (config->idle_heartbeat)
        return rill_js_error_of(RILL_JS_CONSUMER_HEARTBEAT_REQUIRES_PUSH);
    if (config->flow_control)
        return rill_js_error_of(RILL_JS_CONSUMER_FLOW_CONTROL_REQUIRES_PUSH);
    if (config->max_batch < 0)
        return rill_js_error_of(RILL_JS_CONSUMER_MAX_BATCH_NEGATIVE);
    return refuse_if(config->max_expires && config->max_expires < RILL_NS_PER_MS,
                     RILL_JS_CONSUMER_MAX_EXPIRES_TOO_SMALL);
}

/* What the consumer delivers would come back into its stream. */
static bool is_cycle(const Rill__ConsumerConfig *config, const Rill__StreamConfig *stream)
{
    for (size_t i = 0; i < stream->n_subjects; i++) {
        if (rill_subject_overlap(rill_bytes_from_cstr(config->deliver_subject),
                                 rill_bytes_from_cstr(stream->subjects[i])))
            return true;
    }
    return false;
}

static struct rill_js_error check_deliver_subject(const Rill__ConsumerConfig *config,
                                                  const Rill__StreamConfig *stream)
{
    const struct rill_bytes subject = rill_bytes_from_cstr(config->deliver_subject);
    if (!rill_subject_is_valid(subject))
        return rill_js_error_of(RILL_JS_CONSUMER_DELIVER_SUBJECT_INVALID);
    if (!rill_subject_is_literal(subject))
        return rill_js_error_of(RILL_JS_CONSUMER_DELIVER_TO_WILDCARDS);
    return refuse_if(is_cycle(config, stream), RILL_JS_CONSUMER_DELIVER_CYCLE);
}

static struct rill_js_error check_push(const Rill__ConsumerConfig *config, const Rill__StreamConfig *stream)
{
    const struct rill_js_error error = check_deliver_subject(config, stream);
    if (rill_js_error_is_set(&error))
        return error;
    if (config->max_waiting)
        return rill_js_error_of(RILL_JS_CONSUMER_PUSH_MAX_WAITING);
    if (config->max_ack_pending > 0 && config->ack_policy == RILL__ACK_POLICY__ACK_POLICY_NONE)
        return rill_js_error_of(RILL_JS_CONSUMER_MAX_ACK_PENDING_NEEDS_ACK);
    if (config->idle_heartbeat && config->idle_heartbeat < 100 * RILL_NS_PER_MS)
        return rill_js_error_of(RILL_JS_CONSUMER_HEARTBEAT_SMALL);
    return refuse_if(config->flow_control && !config->idle_heartbeat,
                     RILL_JS_CONSUMER_FLOW_CONTROL_NEEDS_HEARTBEAT);
}

static struct rill_js_error check_kind(const Rill__ConsumerConfig *config, const Rill__StreamConfig *stream)
{
    const bool push = is_set(config->deliver_subject);
    if (config->direct && !push)
        return rill_js_error_of(RILL_JS_CONSUMER_DIRECT_REQUIRES_PUSH);
    if (config->direct && is_set(config->durable_name))
        return rill_js_error_of(RILL_JS_CONSUMER_DIRECT_REQUIRES_EPHEMERAL);
    return push ? check_push(config, stream) : check_pull(config, stream);
}

static struct rill_js_error check_replicas(const Rill__ConsumerConfig *config,
                                           const Rill__StreamConfig *stream)
{
    if (config->num_replicas < 0)
        return rill_js_error_of(RILL_JS_REPLICAS_NEGATIVE);
    return refuse_if(config->num_replicas > 1, RILL_JS_STREAM_REPLICAS_UNSUPPORTED);
}

static struct rill_js_error check_workqueue(const Rill__ConsumerConfig *config,
                                            const Rill__StreamConfig *stream)
{
    if (stream->retention != RILL__RETENTION__RETENTION_WORKQUEUE)
        return none();
    if (config->ack_policy != RILL__ACK_POLICY__ACK_POLICY_EXPLICIT &&
        config->ack_policy != RILL__ACK_POLICY__ACK_POLICY_FLOW_CONTROL)
        return rill_js_error_of(RILL_JS_CONSUMER_WORKQUEUE_REQUIRES_ACK);
    return refuse_if(config->deliver_policy != RILL__DELIVER_POLICY__DELIVER_POLICY_ALL,
                     RILL_JS_CONSUMER_WORKQUEUE_NOT_ALL);
}

static struct rill_js_error check_not_yet(const Rill__ConsumerConfig *config,
                                          const Rill__StreamConfig *stream)
{
    const char *field = config_first_given(&config->base, not_yet);
    return field ? not_yet_value(field) : none();
}

// ---- all of it ----

struct rill_js_error consumer_config_check(Rill__ConsumerConfig *config, const Rill__StreamConfig *stream,
                                           bool pedantic)
{
    static check_fn *const checks[] = {
        check_names,
        check_replicas,
        check_acks,
        check_texts,
        check_kind,
        check_ack_pending,
        check_threshold,
        check_filters,
        check_sampling,
        check_groups,
        check_start,
        check_workqueue,
        consumer_config_check_metadata,
        check_not_yet,
    };
    struct rill_js_error error = consumer_defaults_fill(config, stream, pedantic);
    for (size_t i = 0; i < sizeof checks / sizeof checks[0] && !rill_js_error_is_set(&error); i++)
        error = checks[i](config, stream);
    if (!rill_js_error_is_set(&error))
        consumer_defaults_name(config);
    return error;
}
