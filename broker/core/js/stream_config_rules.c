// SPDX-License-Identifier: Apache-2.0
//
// The rules about a stream's numbers and switches, in nats-server's order: a configuration that breaks several is told
// the same one by both.
#include "base/clock.h"
#include "config_fields.h"
#include "proto/message.h"
#include "stream_config.h"

#include <inttypes.h>
#include <stdlib.h>

#define AGE_MIN_NS              (100 * RILL_NS_PER_MS)
#define DUPLICATE_WINDOW_NS     (120 * RILL_NS_PER_S)
#define DUPLICATE_WINDOW_MIN_NS (100 * RILL_NS_PER_MS)
#define FIRST_SEQUENCE_MAX      (UINT64_C(1) << 62)

enum { REPLICAS_MAX = 5 };

static const struct rill_js_error none;

static struct rill_js_error pedantic_error(const char *text)
{
    return rill_js_error_with(RILL_JS_PEDANTIC, "%s", text);
}

// ---- limits ----

static struct rill_js_error check_limit(int64_t *limit, const char *name, bool pedantic)
{
    if (pedantic && *limit < -1)
        return rill_js_error_with(RILL_JS_PEDANTIC, "%s must be set to -1", name);
    if (*limit <= 0)
        *limit = -1;
    return none;
}

static struct rill_js_error check_limits(Rill__StreamConfig *config, bool pedantic)
{
    int64_t message_bytes = config->max_msg_size;
    const struct {
        int64_t *limit;
        const char *name;
    } limits[] = {
        {&config->max_msgs, "max_msgs"},           {&config->max_msgs_per_subject, "max_msgs_per_subject"},
        {&config->max_bytes, "max_bytes"},         {&message_bytes, "max_msg_size"},
        {&config->max_consumers, "max_consumers"},
    };
    if (config->num_replicas > REPLICAS_MAX)
        return stream_config_invalid("maximum replicas is %d", REPLICAS_MAX);
    if (config->num_replicas < 0)
        return rill_js_error_of(RILL_JS_REPLICAS_NEGATIVE);
    if (config->num_replicas == 0)
        config->num_replicas = 1;
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        const struct rill_js_error error = check_limit(limits[i].limit, limits[i].name, pedantic);
        if (rill_js_error_is_set(&error))
            return error;
    }
    config->max_msg_size = (int32_t)message_bytes;
    return none;
}

// ---- times ----

static struct rill_js_error fill_window(Rill__StreamConfig *config, int64_t server_max_ns, bool pedantic)
{
    int64_t window_ns = DUPLICATE_WINDOW_NS;
    if (config->duplicate_window || config->mirror || config->n_sources)
        return none;
    if (server_max_ns > 0 && window_ns > server_max_ns) {
        if (pedantic)
            return pedantic_error("duplicate window limits are higher than current limits");
        window_ns = server_max_ns;
    }
    if (config->max_age && config->max_age < window_ns) {
        if (pedantic)
            return pedantic_error("duplicate window cannot be bigger than max age");
        window_ns = config->max_age;
    }
    config->duplicate_window = window_ns;
    config->has_duplicate_window = true;
    return none;
}

static struct rill_js_error check_times(Rill__StreamConfig *config,
                                        const struct rill_jetstream_limits *limits, bool pedantic)
{
    if (config->max_age < 0)
        return stream_config_invalid("max age can not be negative");
    if (config->max_age && config->max_age < AGE_MIN_NS)
        return stream_config_invalid("max age needs to be >= 100ms");
    const struct rill_js_error error = fill_window(config, limits->duplicate_window_ns_max, pedantic);
    if (rill_js_error_is_set(&error))
        return error;
    if (config->duplicate_window < 0)
        return stream_config_invalid("duplicates window can not be negative");
    if (config->max_age && config->duplicate_window > config->max_age)
        return stream_config_invalid("duplicates window can not be larger then max age");
    if (limits->duplicate_window_ns_max > 0 && config->duplicate_window > limits->duplicate_window_ns_max)
        return stream_config_invalid("duplicates window can not be larger then server limit of %" PRId64 "ns",
                                     limits->duplicate_window_ns_max);
    if (config->duplicate_window > 0 && config->duplicate_window < DUPLICATE_WINDOW_MIN_NS)
        return stream_config_invalid("duplicates window needs to be >= 100ms");
    return none;
}

// ---- switches ----

static struct rill_js_error check_counter(const Rill__StreamConfig *config)
{
    if (!config->allow_msg_counter)
        return none;
    if (config->discard == RILL__DISCARD__DISCARD_NEW)
        return stream_config_invalid("counter stream cannot use discard new");
    if (config->allow_msg_ttl)
        return stream_config_invalid("counter stream cannot use message TTLs");
    if (config->allow_msg_schedules)
        return stream_config_invalid("counter stream cannot use message schedules");
    if (config->retention != RILL__RETENTION__RETENTION_LIMITS)
        return stream_config_invalid("counter stream can only use limits retention");
    return none;
}

static struct rill_js_error check_discard(const Rill__StreamConfig *config)
{
    if (config->deny_purge && config->allow_rollup_hdrs)
        return stream_config_invalid("roll-ups require the purge permission");
    if (config->discard_new_per_subject && config->discard != RILL__DISCARD__DISCARD_NEW)
        return stream_config_invalid("discard new per subject requires discard new policy to be set");
    if (config->discard_new_per_subject && config->max_msgs_per_subject <= 0)
        return stream_config_invalid("discard new per subject requires max msgs per subject > 0");
    return none;
}

static void allow_rollup(Rill__StreamConfig *config)
{
    config->allow_rollup_hdrs = true;
    config->deny_purge = false;
}

static struct rill_js_error check_markers(Rill__StreamConfig *config, bool pedantic)
{
    if (config->subject_delete_marker_ttl < 0)
        return stream_config_invalid("subject delete marker TTL must not be negative");
    if (config->subject_delete_marker_ttl == 0)
        return none;
    if (config->subject_delete_marker_ttl < RILL_NS_PER_S)
        return stream_config_invalid("subject delete marker TTL must be at least 1 second");
    if (!config->allow_msg_ttl && pedantic)
        return stream_config_invalid("subject delete marker cannot be set if message TTLs are disabled");
    config->has_allow_msg_ttl = config->allow_msg_ttl = true;
    if (!config->allow_rollup_hdrs && pedantic)
        return stream_config_invalid("subject delete marker cannot be set if roll-ups are disabled");
    if (!config->allow_rollup_hdrs)
        allow_rollup(config);
    return none;
}

static struct rill_js_error check_schedules(Rill__StreamConfig *config, bool pedantic)
{
    if (!config->allow_msg_schedules)
        return none;
    if (config->discard == RILL__DISCARD__DISCARD_NEW)
        return stream_config_invalid("message scheduling cannot use discard new");
    if (!config->allow_rollup_hdrs && pedantic)
        return stream_config_invalid("message scheduling cannot be set if roll-ups are disabled");
    if (!config->allow_rollup_hdrs)
        allow_rollup(config);
    return none;
}

static struct rill_js_error check_persist_mode(const Rill__StreamConfig *config)
{
    if (config->persist_mode != RILL__PERSIST_MODE__PERSIST_MODE_ASYNC)
        return none;
    if (config->storage != RILL__STORAGE__STORAGE_FILE)
        return stream_config_invalid("async persist mode is only supported on file storage");
    if (config->num_replicas > 1)
        return stream_config_invalid("async persist mode is not supported on replicated streams");
    if (config->allow_atomic)
        return stream_config_invalid("async persist mode is not supported with atomic batch publish");
    return none;
}

// ---- mirror and sources ----

static struct rill_js_error check_mirror(const Rill__StreamConfig *config)
{
    if (!config->mirror)
        return none;
    const struct {
        bool broken;
        enum rill_js_error_id error;
    } rules[] = {
        {config->first_seq > 0, RILL_JS_MIRROR_WITH_FIRST_SEQ},
        {config->n_subjects > 0, RILL_JS_MIRROR_WITH_SUBJECTS},
        {config->n_sources > 0, RILL_JS_MIRROR_WITH_SOURCES},
        {config->allow_msg_counter, RILL_JS_MIRROR_WITH_COUNTERS},
        {config->allow_atomic, RILL_JS_MIRROR_WITH_ATOMIC},
        {config->allow_batched, RILL_JS_MIRROR_WITH_BATCHED},
        {config->allow_msg_schedules, RILL_JS_MIRROR_WITH_SCHEDULES},
    };
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        if (rules[i].broken)
            return rill_js_error_of(rules[i].error);
    }
    if (config->subject_delete_marker_ttl > 0)
        return stream_config_invalid("subject delete markers forbidden on mirrors");
    if (!config->mirror->external && !config_name_is_valid(config->mirror->name))
        return rill_js_error_of(RILL_JS_MIRROR_NAME_INVALID);
    return none;
}

static struct rill_js_error check_sources(const Rill__StreamConfig *config)
{
    if (config->n_sources && config->allow_msg_schedules)
        return rill_js_error_of(RILL_JS_SOURCE_WITH_SCHEDULES);
    for (size_t i = 0; i < config->n_sources; i++) {
        if (!config_name_is_valid(config->sources[i]->name))
            return rill_js_error_of(RILL_JS_SOURCE_NAME_INVALID);
        for (size_t other = 0; other < i; other++) {
            if (rill_message_equal(&config->sources[i]->base, &config->sources[other]->base))
                return rill_js_error_of(RILL_JS_SOURCE_DUPLICATE);
        }
    }
    return none;
}

/* nats-server takes any, and its sequences would begin at 0 again. */
static struct rill_js_error check_first_sequence(const Rill__StreamConfig *config)
{
    return config->first_seq > FIRST_SEQUENCE_MAX
               ? stream_config_invalid("first sequence can not be larger than %" PRIu64, FIRST_SEQUENCE_MAX)
               : none;
}

struct rill_js_error stream_config_check_rules(Rill__StreamConfig *config,
                                               const struct rill_jetstream_limits *limits, bool pedantic)
{
    struct rill_js_error error = check_limits(config, pedantic);
    if (!rill_js_error_is_set(&error))
        error = check_times(config, limits, pedantic);
    if (!rill_js_error_is_set(&error))
        error = check_counter(config);
    if (!rill_js_error_is_set(&error))
        error = check_discard(config);
    if (!rill_js_error_is_set(&error))
        error = check_markers(config, pedantic);
    if (!rill_js_error_is_set(&error))
        error = check_schedules(config, pedantic);
    if (!rill_js_error_is_set(&error))
        error = check_persist_mode(config);
    if (!rill_js_error_is_set(&error))
        error = check_mirror(config);
    if (!rill_js_error_is_set(&error))
        error = check_sources(config);
    if (!rill_js_error_is_set(&error))
        error = check_first_sequence(config);
    return error;
}
