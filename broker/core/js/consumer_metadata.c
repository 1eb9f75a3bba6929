// SPDX-License-Identifier: Apache-2.0
//
// What Rill's own keys in a consumer's metadata ask for.
#include "consumer.h"
#include "consumer_config.h"
#include "proto/subject.h"

#include <string.h>

const char *consumer_config_metadata(const Rill__ConsumerConfig *config, const char *key)
{
    for (size_t i = 0; i < config->n_metadata; i++) {
        if (strcmp(config->metadata[i]->key, key) == 0)
            return config->metadata[i]->value;
    }
    return NULL;
}

uint32_t consumer_config_per_subject(const Rill__ConsumerConfig *config)
{
    const char *text = consumer_config_metadata(config, CONSUMER_PER_SUBJECT_KEY);
    uint64_t value;
    if (!text || !rill_bytes_to_u64(rill_bytes_from_cstr(text), CONSUMER_ACK_PENDING_MAX, &value))
        return 0;
    return (uint32_t)value;
}

static struct rill_js_error refuse(const char *key, const char *why)
{
    return rill_js_error_with(RILL_JS_CONSUMER_CREATE, "%s %s", key, why);
}

static struct rill_js_error check_per_subject(const Rill__ConsumerConfig *config)
{
    const struct rill_js_error none = {0};
    if (!consumer_config_metadata(config, CONSUMER_PER_SUBJECT_KEY))
        return none;
    if (consumer_config_per_subject(config) == 0)
        return refuse(CONSUMER_PER_SUBJECT_KEY, "is not a number from 1 to 500000");
    if (config->ack_policy != RILL__ACK_POLICY__ACK_POLICY_EXPLICIT)
        return refuse(CONSUMER_PER_SUBJECT_KEY, "needs ack_policy explicit");
    return none;
}

static bool is_kept(const Rill__StreamConfig *stream, struct rill_bytes subject)
{
    for (size_t i = 0; i < stream->n_subjects; i++) {
        if (rill_subject_matches(rill_bytes_from_cstr(stream->subjects[i]), subject))
            return true;
    }
    return false;
}

static bool is_taken(const Rill__ConsumerConfig *config, struct rill_bytes subject)
{
    const size_t count = consumer_config_filter_count(config);
    for (size_t i = 0; i < count; i++) {
        if (rill_subject_matches(consumer_config_filter_at(config, i), subject))
            return true;
    }
    return count == 0;
}

static struct rill_js_error check_dead_letter(const Rill__ConsumerConfig *config,
                                              const Rill__StreamConfig *stream)
{
    const struct rill_js_error none = {0};
    const char *text = consumer_config_metadata(config, CONSUMER_DEAD_LETTER_KEY);
    const struct rill_bytes subject = rill_bytes_from_cstr(text);
    if (!text)
        return none;
    if (!rill_subject_is_valid(subject) || !rill_subject_is_literal(subject))
        return refuse(CONSUMER_DEAD_LETTER_KEY, "is not a subject without wildcards");
    if (config->ack_policy == RILL__ACK_POLICY__ACK_POLICY_NONE ||
        config->ack_policy == RILL__ACK_POLICY__ACK_POLICY_FLOW_CONTROL)
        return refuse(CONSUMER_DEAD_LETTER_KEY, "needs ack_policy explicit or all");
    if (is_kept(stream, subject) && stream->subject_transform)
        return refuse(CONSUMER_DEAD_LETTER_KEY,
                      "is a subject of the stream, which stores it under another one");
    return is_kept(stream, subject) && is_taken(config, subject)
               ? refuse(CONSUMER_DEAD_LETTER_KEY, "is a subject that the consumer itself gets")
               : none;
}

struct rill_js_error consumer_config_check_metadata(const Rill__ConsumerConfig *config,
                                                    const Rill__StreamConfig *stream)
{
    const struct rill_js_error error = check_per_subject(config);
    return rill_js_error_is_set(&error) ? error : check_dead_letter(config, stream);
}
