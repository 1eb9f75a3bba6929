// SPDX-License-Identifier: Apache-2.0
#include "stream_config.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "config_fields.h"
#include "proto/subject.h"

#include <stdlib.h>

#define DUPLICATE_WINDOW_NS     (120 * RILL_NS_PER_S)
#define DUPLICATE_WINDOW_MIN_NS (100 * RILL_NS_PER_MS)

enum { REPLICAS_MAX = 5, DESCRIPTION_BYTES_MAX = 4096 };

/* Fields that must be absent (or zero, or the first of their values) as long as nothing stands behind them. */
static const char *const not_yet[] = {
    "retention",
    "max_age",
    "storage",
    "placement",
    "mirror",
    "sources",
    "compression",
    "first_seq",
    "subject_transform",
    "republish",
    "allow_direct",
    "mirror_direct",
    "discard_new_per_subject",
    "sealed",
    "allow_rollup_hdrs",
    "allow_msg_ttl",
    "subject_delete_marker_ttl",
    "allow_msg_counter",
    "allow_atomic",
    "allow_msg_schedules",
    "persist_mode",
    "allow_batched",
    NULL,
};

static struct rill_js_error invalid(const char *text)
{
    return rill_js_error_with(RILL_JS_STREAM_INVALID_CONFIG, "%s", text);
}

static struct rill_js_error check_name(const Rill__StreamConfig *config, struct rill_bytes subject_name)
{
    if (!config->name || !config->name[0] || !config_name_is_valid(config->name))
        return invalid("stream name is required and can not contain '.', '*', '>', '\\', '/'");
    if (!rill_bytes_equal_cstr(subject_name, config->name))
        return rill_js_error_of(RILL_JS_STREAM_MISMATCH);
    if (config->description && strlen(config->description) > DESCRIPTION_BYTES_MAX)
        return invalid("stream description is too long, maximum allowed is 4096");
    return (struct rill_js_error){0};
}

static void set_unlimited(int64_t *limit)
{
    if (*limit <= 0)
        *limit = -1;
}

static void fill_defaults(Rill__StreamConfig *config)
{
    set_unlimited(&config->max_consumers);
    set_unlimited(&config->max_msgs);
    set_unlimited(&config->max_bytes);
    set_unlimited(&config->max_msgs_per_subject);
    if (config->max_msg_size <= 0)
        config->max_msg_size = -1;
    if (config->num_replicas == 0)
        config->num_replicas = 1;
    if (config->duplicate_window == 0)
        config->duplicate_window = DUPLICATE_WINDOW_NS;
    config->has_duplicate_window = true;
    if (config->n_subjects == 0) {
        // In the allocator of the message, which frees it.
        config->subjects = rill_alloc_zero(1, sizeof *config->subjects);
        config->subjects[0] = rill_alloc_cstr(rill_bytes_from_cstr(config->name));
        config->n_subjects = 1;
    }
}

/* Subjects of the broker itself, which no stream may take. */
static bool is_reserved(struct rill_bytes subject)
{
    static const char *const reserved[] = {"$JS.>", "$JSC.>", "$NRG.>", "$SYS.>"};
    for (size_t i = 0; i < sizeof reserved / sizeof reserved[0]; i++) {
        if (!rill_subject_overlap(rill_bytes_from_cstr(reserved[i]), subject))
            continue;
        if (!rill_subject_is_subset(subject, RILL_BYTES("$JS.EVENT.>")) &&
            !rill_subject_is_subset(subject, RILL_BYTES("$SYS.ACCOUNT.>")))
            return true;
    }
    return false;
}

static struct rill_js_error check_subject(const Rill__StreamConfig *config, size_t index)
{
    const char *text = config->subjects[index];
    const struct rill_bytes subject = rill_bytes_from_cstr(text);
    if (!rill_subject_is_valid(subject))
        return rill_js_error_with(RILL_JS_STREAM_INVALID_CONFIG, "invalid subject");
    if (is_reserved(subject))
        return invalid("subjects that overlap with jetstream api require no-ack to be true");
    for (size_t i = 0; i < index; i++) {
        const struct rill_bytes other = rill_bytes_from_cstr(config->subjects[i]);
        if (rill_bytes_equal(other, subject))
            return invalid("duplicate subjects detected");
        if (rill_subject_overlap(other, subject))
            return rill_js_error_with(RILL_JS_STREAM_INVALID_CONFIG, "subject \"%s\" overlaps with \"%s\"",
                                      text, config->subjects[i]);
    }
    return (struct rill_js_error){0};
}

static struct rill_js_error check_values(const Rill__StreamConfig *config)
{
    if (config->num_replicas < 0)
        return rill_js_error_of(RILL_JS_REPLICAS_NEGATIVE);
    if (config->num_replicas > REPLICAS_MAX)
        return invalid("maximum replicas is 5");
    if (config->num_replicas > 1)
        return rill_js_error_of(RILL_JS_STREAM_REPLICAS_UNSUPPORTED);
    if (config->duplicate_window < DUPLICATE_WINDOW_MIN_NS)
        return invalid(config->duplicate_window < 0 ? "duplicates window can not be negative"
                                                    : "duplicates window needs to be >= 100ms");
    return (struct rill_js_error){0};
}

static struct rill_js_error check_not_yet(const Rill__StreamConfig *config)
{
    const char *field = config_first_given(&config->base, not_yet);
    if (field)
        return rill_js_error_not_yet(RILL_JS_STREAM_INVALID_CONFIG, field);
    if (config->max_msgs_per_subject > 0)
        return rill_js_error_not_yet(RILL_JS_STREAM_INVALID_CONFIG, "max_msgs_per_subject");
    // Nothing is removed from a stream yet, so a limit can only refuse.
    if (config->discard == RILL__DISCARD__DISCARD_OLD && (config->max_msgs > 0 || config->max_bytes > 0))
        return rill_js_error_not_yet(RILL_JS_STREAM_INVALID_CONFIG, config->max_msgs > 0
                                                                        ? "max_msgs with discard old"
                                                                        : "max_bytes with discard old");
    if (config->consumer_limits &&
        (config->consumer_limits->inactive_threshold || config->consumer_limits->max_ack_pending))
        return rill_js_error_not_yet(RILL_JS_STREAM_INVALID_CONFIG, "consumer_limits");
    return (struct rill_js_error){0};
}

struct rill_js_error stream_config_check(Rill__StreamConfig *config, struct rill_bytes subject_name)
{
    struct rill_js_error error = check_name(config, subject_name);
    if (rill_js_error_is_set(&error))
        return error;
    fill_defaults(config);
    error = check_not_yet(config);
    if (!rill_js_error_is_set(&error))
        error = check_values(config);
    for (size_t i = 0; i < config->n_subjects && !rill_js_error_is_set(&error); i++)
        error = check_subject(config, i);
    return error;
}
