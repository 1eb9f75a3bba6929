// SPDX-License-Identifier: Apache-2.0
#include "consumer_defaults.h"

#include "base/alloc.h"
#include "consumer_config.h"

#include <stdlib.h>

#define ACK_WAIT_NS  (30 * RILL_NS_PER_S)
#define EPHEMERAL_NS (5 * RILL_NS_PER_S)
#define PINNED_NS    (120 * RILL_NS_PER_S)

enum { ACK_PENDING = 1000, WAITING = 512 };

static bool is_set(const char *text)
{
    return text && text[0];
}

static bool wants_acks(const Rill__ConsumerConfig *config)
{
    return config->ack_policy != RILL__ACK_POLICY__ACK_POLICY_NONE;
}

static bool waits_for_acks(const Rill__ConsumerConfig *config)
{
    return wants_acks(config) && config->ack_policy != RILL__ACK_POLICY__ACK_POLICY_FLOW_CONTROL;
}

static void set(int64_t *field, protobuf_c_boolean *has, int64_t value)
{
    *field = value;
    *has = true;
}

static void fill_acks(Rill__ConsumerConfig *config, const Rill__StreamConfig *stream)
{
    const int64_t limit = stream->consumer_limits ? stream->consumer_limits->max_ack_pending : 0;
    if (config->n_backoff)
        set(&config->ack_wait, &config->has_ack_wait, config->backoff[0]);
    if (config->ack_wait == 0 && waits_for_acks(config))
        set(&config->ack_wait, &config->has_ack_wait, ACK_WAIT_NS);
    if (config->max_deliver <= 0)
        set(&config->max_deliver, &config->has_max_deliver, -1);
    if (config->max_ack_pending == 0 && wants_acks(config))
        set(&config->max_ack_pending, &config->has_max_ack_pending, limit > 0 ? limit : ACK_PENDING);
    if (config->max_ack_pending < -1)
        config->max_ack_pending = -1;
}

static void fill_life(Rill__ConsumerConfig *config, const Rill__StreamConfig *stream)
{
    const int64_t limit_ns = stream->consumer_limits ? stream->consumer_limits->inactive_threshold : 0;
    if (config->inactive_threshold == 0 && limit_ns > 0)
        set(&config->inactive_threshold, &config->has_inactive_threshold, limit_ns);
    if (config->inactive_threshold == 0 && !is_set(config->durable_name))
        set(&config->inactive_threshold, &config->has_inactive_threshold, EPHEMERAL_NS);
    if (config->max_waiting == 0 && !is_set(config->deliver_subject))
        set(&config->max_waiting, &config->has_max_waiting, WAITING);
    if (config->priority_policy == RILL__PRIORITY_POLICY__PRIORITY_POLICY_PINNED_CLIENT &&
        config->priority_timeout == 0)
        set(&config->priority_timeout, &config->has_priority_timeout, PINNED_NS);
}

/* Who acknowledges by flow control has it, and hears often that the consumer is there. */
static void fill_flow(Rill__ConsumerConfig *config)
{
    if (config->ack_policy != RILL__ACK_POLICY__ACK_POLICY_FLOW_CONTROL)
        return;
    config->has_flow_control = config->flow_control = true;
    set(&config->idle_heartbeat, &config->has_idle_heartbeat, CONSUMER_ACK_FLOW_HEARTBEAT_NS);
}

/* What would be changed although it was given, or left out where the stream has a limit. */
static const char *pedantic_fault(const Rill__ConsumerConfig *config, const Rill__StreamConfig *stream)
{
    const Rill__ConsumerLimits *limits = stream->consumer_limits;
    if (config->max_deliver < -1)
        return "max_deliver must be set to -1";
    if (config->n_backoff && config->ack_wait && config->ack_wait != config->backoff[0])
        return "first backoff value has to equal batch AckWait";
    if (limits && limits->inactive_threshold > 0 && config->inactive_threshold == 0)
        return "inactive_threshold must be set if it's configured in stream limits";
    if (limits && limits->max_ack_pending > 0 && config->max_ack_pending == 0)
        return "max_ack_pending must be set if it's configured in stream limits";
    return NULL;
}

struct rill_js_error consumer_defaults_fill(Rill__ConsumerConfig *config, const Rill__StreamConfig *stream,
                                            bool pedantic)
{
    const char *fault = pedantic ? pedantic_fault(config, stream) : NULL;
    if (fault)
        return rill_js_error_with(RILL_JS_PEDANTIC, "%s", fault);
    fill_acks(config, stream);
    fill_life(config, stream);
    if (!pedantic)
        fill_flow(config);
    return (struct rill_js_error){0};
}

void consumer_defaults_name(Rill__ConsumerConfig *config)
{
    if (!is_set(config->durable_name) || is_set(config->name))
        return;
    if (config->name != protobuf_c_empty_string)
        free(config->name);
    config->name = rill_alloc_cstr(rill_bytes_from_cstr(config->durable_name));
}
