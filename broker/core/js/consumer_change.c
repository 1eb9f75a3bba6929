// SPDX-License-Identifier: Apache-2.0
//
// Which parts of a consumer's configuration may change while it lives. The texts are nats-server's.
#include "consumer_config.h"

#include <string.h>

static bool texts_differ(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "") != 0;
}

static bool times_differ(const Rill__Timestamp *a, const Rill__Timestamp *b)
{
    return (a != NULL) != (b != NULL) || (a && a->unix_ns != b->unix_ns);
}

static bool is_push(const Rill__ConsumerConfig *config)
{
    return config->deliver_subject && config->deliver_subject[0];
}

struct rill_js_error consumer_config_check_change(const Rill__ConsumerConfig *old,
                                                  const Rill__ConsumerConfig *changed)
{
    const struct {
        bool differs;
        const char *text;
    } rules[] = {
        {old->deliver_policy != changed->deliver_policy, "deliver policy can not be updated"},
        {old->opt_start_seq != changed->opt_start_seq, "start sequence can not be updated"},
        {times_differ(old->opt_start_time, changed->opt_start_time), "start time can not be updated"},
        {old->ack_policy != changed->ack_policy, "ack policy can not be updated"},
        {old->replay_policy != changed->replay_policy, "replay policy can not be updated"},
        {old->idle_heartbeat != changed->idle_heartbeat, "heart beats can not be updated"},
        {old->flow_control != changed->flow_control, "flow control can not be updated"},
        {!is_push(old) && is_push(changed), "can not update pull consumer to push based"},
        {is_push(old) && !is_push(changed), "can not update push consumer to pull based"},
        {old->max_waiting != changed->max_waiting, "max waiting can not be updated"},
        {old->mem_storage != changed->mem_storage, "storage can not be updated"},
        {consumer_config_per_subject(old) != consumer_config_per_subject(changed),
         "rill.max_ack_pending_per_subject can not be updated"},
        {texts_differ(old->durable_name, changed->durable_name), "durable name can not be updated"},
    };
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        if (rules[i].differs)
            return rill_js_error_with(RILL_JS_CONSUMER_CREATE, "%s", rules[i].text);
    }
    return (struct rill_js_error){0};
}
