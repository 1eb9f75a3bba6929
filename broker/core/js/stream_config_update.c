// SPDX-License-Identifier: Apache-2.0
//
// The rules about what a stream may become.
#include "proto/message.h"
#include "stream_config.h"

static const struct rill_js_error none;

static struct rill_js_error check_kind(const Rill__StreamConfig *config, const Rill__StreamConfig *old)
{
    const enum _Rill__Retention work_queue = RILL__RETENTION__RETENTION_WORKQUEUE;
    if (strcmp(config->name, old->name) != 0)
        return stream_config_invalid("stream configuration name must match original");
    if (config->num_replicas > 1)
        return rill_js_error_of(RILL_JS_STREAM_REPLICAS_UNSUPPORTED);
    if (config->storage != old->storage)
        return stream_config_invalid("stream configuration update can not change storage type");
    if (config->retention != old->retention &&
        (config->retention == work_queue || old->retention == work_queue))
        return stream_config_invalid(
            "stream configuration update can not change retention policy to/from workqueue");
    // nats-server keeps silent about a change that would have no effect.
    if (config->first_seq != old->first_seq)
        return stream_config_invalid("stream configuration update can not change first sequence");
    return none;
}

/* What was promised to users of the stream stays so. */
static struct rill_js_error check_promises(const Rill__StreamConfig *config, const Rill__StreamConfig *old)
{
    if (old->sealed && !config->sealed)
        return stream_config_invalid("stream configuration update can not unseal a sealed stream");
    if (old->deny_delete && !config->deny_delete)
        return stream_config_invalid("stream configuration update can not cancel deny message deletes");
    if (old->deny_purge && !config->deny_purge)
        return stream_config_invalid("stream configuration update can not cancel deny purge");
    if (config->mirror && (!old->mirror || !rill_message_equal(&config->mirror->base, &old->mirror->base)))
        return rill_js_error_of(RILL_JS_MIRROR_NOT_UPDATABLE);
    if (old->allow_msg_ttl && !config->allow_msg_ttl)
        return stream_config_invalid("message TTL status can not be disabled");
    if (old->allow_msg_counter != config->allow_msg_counter)
        return stream_config_invalid("stream configuration update can not change message counter setting");
    if (old->allow_msg_schedules && !config->allow_msg_schedules)
        return stream_config_invalid("message schedules can not be disabled");
    if (old->persist_mode != config->persist_mode)
        return stream_config_invalid("stream configuration update can not change persist mode");
    return none;
}

struct rill_js_error stream_config_check_update(Rill__StreamConfig *config, const Rill__StreamConfig *old)
{
    struct rill_js_error error = check_kind(config, old);
    if (!rill_js_error_is_set(&error))
        error = check_promises(config, old);
    if (rill_js_error_is_set(&error) || !config->sealed)
        return error;
    config->max_age = 0;
    config->discard = RILL__DISCARD__DISCARD_NEW;
    config->deny_delete = config->deny_purge = true;
    config->allow_rollup_hdrs = false;
    return none;
}
