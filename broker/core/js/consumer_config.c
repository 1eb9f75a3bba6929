// SPDX-License-Identifier: Apache-2.0
#include "consumer_config.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "config_fields.h"
#include "proto/subject.h"

#include <stdlib.h>

#define ACK_WAIT_NS (30 * RILL_NS_PER_S)

enum { ACK_PENDING = 1000, WAITING = 512, WAITING_MAX = 64 * 1024, DESCRIPTION_BYTES_MAX = 4096 };

static const char *const not_yet[] = {
    "opt_start_time",  "backoff",         "filter_subjects",  "rate_limit_bps",
    "sample_freq",     "flow_control",    "headers_only",     "max_bytes",
    "deliver_subject", "deliver_group",   "idle_heartbeat",   "inactive_threshold",
    "mem_storage",     "direct",          "sourcing",         "pause_until",
    "priority_groups", "priority_policy", "priority_timeout", NULL,
};

static struct rill_js_error none(void)
{
    return (struct rill_js_error){0};
}

static struct rill_js_error not_yet_value(const char *what)
{
    return rill_js_error_not_yet(RILL_JS_CONSUMER_CREATE, what);
}

// ---- names ----

static void set_text(char **field, const char *text)
{
    *field = rill_alloc_cstr(rill_bytes_from_cstr(text));
}

static struct rill_js_error check_name(Rill__ConsumerConfig *config)
{
    const bool has_durable = config->durable_name && config->durable_name[0];
    const bool has_name = config->name && config->name[0];
    if (has_durable && has_name && strcmp(config->durable_name, config->name) != 0)
        return rill_js_error_of(RILL_JS_CONSUMER_DURABLE_AND_NAME_MISMATCH);
    if (!has_durable)
        return not_yet_value("a consumer without durable_name");
    if (!config_name_is_valid(config->durable_name))
        return strlen(config->durable_name) > 255 ? rill_js_error_with(RILL_JS_CONSUMER_NAME_TOO_LONG, "255")
                                                  : rill_js_error_of(RILL_JS_CONSUMER_DURABLE_NAME_INVALID);
    if (!has_name) {
        free(config->name == protobuf_c_empty_string ? NULL : config->name);
        set_text(&config->name, config->durable_name);
    }
    if (config->description && strlen(config->description) > DESCRIPTION_BYTES_MAX)
        return rill_js_error_with(RILL_JS_CONSUMER_DESCRIPTION_TOO_LONG, "4096");
    return none();
}

// ---- policies ----

static struct rill_js_error check_policies(const Rill__ConsumerConfig *config)
{
    if (config->ack_policy != RILL__ACK_POLICY__ACK_POLICY_EXPLICIT)
        return not_yet_value("an ack_policy other than explicit");
    if (config->replay_policy != RILL__REPLAY_POLICY__REPLAY_POLICY_INSTANT)
        return not_yet_value("replay_policy original");
    switch (config->deliver_policy) {
    case RILL__DELIVER_POLICY__DELIVER_POLICY_ALL:
    case RILL__DELIVER_POLICY__DELIVER_POLICY_LAST:
    case RILL__DELIVER_POLICY__DELIVER_POLICY_NEW:
        if (config->opt_start_seq)
            return rill_js_error_with(
                RILL_JS_CONSUMER_INVALID_POLICY,
                "consumer delivery policy is deliver %s, but optional start sequence is also set",
                config->deliver_policy == RILL__DELIVER_POLICY__DELIVER_POLICY_ALL    ? "all"
                : config->deliver_policy == RILL__DELIVER_POLICY__DELIVER_POLICY_LAST ? "last"
                                                                                      : "new");
        return none();
    case RILL__DELIVER_POLICY__DELIVER_POLICY_BY_START_SEQUENCE:
        if (!config->opt_start_seq)
            return rill_js_error_with(RILL_JS_CONSUMER_INVALID_POLICY,
                                      "consumer delivery policy is deliver by start sequence, but optional "
                                      "start sequence is not set");
        return none();
    default:
        return not_yet_value("this deliver_policy");
    }
}

/* A filter is taken when it lets everything of the stream pass. */
static struct rill_js_error check_filter(const Rill__ConsumerConfig *config, const Rill__StreamConfig *stream)
{
    const struct rill_bytes filter = rill_bytes_from_cstr(config->filter_subject);
    if (!filter.len)
        return none();
    if (!rill_subject_is_valid(filter))
        return rill_js_error_of(RILL_JS_CONSUMER_FILTER_NOT_SUBSET);
    for (size_t i = 0; i < stream->n_subjects; i++) {
        if (!rill_subject_is_subset(rill_bytes_from_cstr(stream->subjects[i]), filter))
            return not_yet_value("a filter_subject that leaves some of the stream's subjects out");
    }
    return none();
}

// ---- numbers ----

static void fill_defaults(Rill__ConsumerConfig *config)
{
    if (config->ack_wait == 0)
        config->ack_wait = ACK_WAIT_NS;
    if (config->max_deliver == 0)
        config->max_deliver = -1;
    if (config->max_waiting == 0)
        config->max_waiting = WAITING;
    if (config->max_ack_pending == 0)
        config->max_ack_pending = ACK_PENDING;
    config->has_ack_wait = config->has_max_deliver = config->has_max_waiting = config->has_max_ack_pending =
        true;
}

static struct rill_js_error check_numbers(const Rill__ConsumerConfig *config)
{
    if (config->ack_wait < 0)
        return rill_js_error_of(RILL_JS_CONSUMER_ACK_WAIT_NEGATIVE);
    if (config->max_waiting < 0)
        return rill_js_error_of(RILL_JS_CONSUMER_MAX_WAITING_NEGATIVE);
    if (config->max_waiting > WAITING_MAX)
        return rill_js_error_with(RILL_JS_CONSUMER_CREATE, "max_waiting exceeds system limit of %d",
                                  WAITING_MAX);
    if (config->max_batch < 0)
        return rill_js_error_of(RILL_JS_CONSUMER_MAX_BATCH_NEGATIVE);
    if (config->max_expires && config->max_expires < RILL_NS_PER_MS)
        return rill_js_error_of(RILL_JS_CONSUMER_MAX_EXPIRES_TOO_SMALL);
    if (config->num_replicas < 0)
        return rill_js_error_of(RILL_JS_REPLICAS_NEGATIVE);
    if (config->num_replicas > 1)
        return rill_js_error_of(RILL_JS_CONSUMER_REPLICAS_EXCEED_STREAM);
    return none();
}

struct rill_js_error consumer_config_check(Rill__ConsumerConfig *config, const Rill__StreamConfig *stream)
{
    const char *field = config_first_given(&config->base, not_yet);
    struct rill_js_error error = field ? not_yet_value(field) : check_name(config);
    if (!rill_js_error_is_set(&error))
        error = check_policies(config);
    if (!rill_js_error_is_set(&error))
        error = check_filter(config, stream);
    fill_defaults(config);
    if (!rill_js_error_is_set(&error))
        error = check_numbers(config);
    return error;
}
