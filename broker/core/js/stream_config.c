// SPDX-License-Identifier: Apache-2.0
#include "stream_config.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "config_fields.h"
#include "proto/message.h"
#include "stream_shown.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { NAME_BYTES_MAX = 255, DESCRIPTION_BYTES_MAX = 4096, METADATA_BYTES_MAX = 128 * 1024 };

/* Fields that must be absent (or zero, or the first of their values) as long as nothing stands behind them. */
static const char *const not_yet[] = {
    "mirror", "sources", "allow_msg_counter", "allow_atomic", "allow_msg_schedules", "allow_batched", NULL,
};

struct rill_js_error stream_config_invalid(const char *format, ...)
{
    char text[sizeof((struct rill_js_error *)NULL)->description];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return rill_js_error_with(RILL_JS_STREAM_INVALID_CONFIG, "%s", text);
}

// ---- before the values ----

struct rill_js_error stream_config_check_create(const Rill__StreamConfig *config,
                                                struct rill_bytes subject_name)
{
    if (!rill_bytes_equal_cstr(subject_name, config->name ? config->name : ""))
        return rill_js_error_of(RILL_JS_STREAM_MISMATCH);
    if (strpbrk(config->name, "\\/"))
        return rill_js_error_of(RILL_JS_STREAM_NAME_PATH_SEPARATOR);
    if (config->sealed)
        return stream_config_invalid("stream configuration for create can not be sealed");
    if (config->mirror_direct && !config->mirror)
        return stream_config_invalid("stream has no mirror but does have mirror direct");
    if (config->num_replicas > 1)
        return rill_js_error_of(RILL_JS_STREAM_REPLICAS_UNSUPPORTED);
    return (struct rill_js_error){0};
}

/* null in JSON is an absent text. */
static size_t text_bytes(const char *text)
{
    return text ? strlen(text) : 0;
}

static struct rill_js_error check_texts(const Rill__StreamConfig *config)
{
    size_t metadata_bytes = 0;
    if (config->name && strlen(config->name) > NAME_BYTES_MAX)
        return stream_config_invalid("stream name is too long, maximum allowed is %d", NAME_BYTES_MAX);
    if (!config_name_is_valid(config->name))
        return stream_config_invalid("stream name is required and can not contain '.', '*', '>', '\\', '/'");
    if (config->description && strlen(config->description) > DESCRIPTION_BYTES_MAX)
        return stream_config_invalid("stream description is too long, maximum allowed is %d",
                                     DESCRIPTION_BYTES_MAX);
    for (size_t i = 0; i < config->n_metadata; i++)
        metadata_bytes += text_bytes(config->metadata[i]->key) + text_bytes(config->metadata[i]->value);
    if (metadata_bytes > METADATA_BYTES_MAX)
        return stream_config_invalid("stream metadata exceeds maximum size of %d bytes", METADATA_BYTES_MAX);
    return (struct rill_js_error){0};
}

// ---- what is not there yet ----

struct rill_js_error stream_config_check_not_yet(const Rill__StreamConfig *config)
{
    const char *field = config_first_given(&config->base, not_yet);
    return field ? rill_js_error_not_yet(RILL_JS_STREAM_INVALID_CONFIG, field) : (struct rill_js_error){0};
}

// ---- what servers add to the metadata ----

/* Clients send back what they were told, which says nothing about the stream. */
static void drop_servers_own(Rill__StreamConfig *config)
{
    size_t kept = 0;
    for (size_t i = 0; i < config->n_metadata; i++) {
        if (stream_shown_is_added(config->metadata[i]->key))
            rill_message_free(&config->metadata[i]->base);
        else
            config->metadata[kept++] = config->metadata[i];
    }
    config->n_metadata = kept;
}

bool stream_config_equal(const Rill__StreamConfig *a, const Rill__StreamConfig *b)
{
    return rill_message_equal(&a->base, &b->base);
}

struct rill_js_error stream_config_check(Rill__StreamConfig *config,
                                         const struct rill_jetstream_limits *limits, bool pedantic)
{
    RILL_ASSERT(config->consumer_limits); // a required field; the decoder makes it
    struct rill_js_error error = check_texts(config);
    if (!rill_js_error_is_set(&error)) {
        drop_servers_own(config);
        error = stream_config_check_rules(config, limits, pedantic);
    }
    if (!rill_js_error_is_set(&error))
        error = stream_config_check_subjects(config, pedantic);
    return error;
}
