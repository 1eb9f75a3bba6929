// SPDX-License-Identifier: Apache-2.0
//
// The rules about subjects: those a stream listens to, what it makes of them, where it sends them on to; and about its
// room and its place, which nats-server checks between and behind them.
#include "base/alloc.h"
#include "proto/message.h"
#include "proto/subject.h"
#include "proto/subject_transform.h"
#include "stream_config.h"

#include <stdlib.h>

static const struct rill_js_error none;

// ---- what the stream listens to ----

static void fill_subjects(Rill__StreamConfig *config)
{
    if (config->n_subjects || config->mirror || config->n_sources)
        return;
    // In the allocator of the message, which frees it.
    config->subjects = rill_alloc_zero(1, sizeof *config->subjects);
    config->subjects[0] = rill_alloc_cstr(rill_bytes_from_cstr(config->name));
    config->n_subjects = 1;
}

/* Does it reach into the broker's own subjects, but for the part of them that streams may have? */
static bool reaches_into(struct rill_bytes subject, const char *reserved, const char *free_part)
{
    return rill_subject_overlap(rill_bytes_from_cstr(reserved), subject) &&
           !rill_subject_is_subset(subject, rill_bytes_from_cstr(free_part));
}

static struct rill_js_error check_reserved(const Rill__StreamConfig *config, struct rill_bytes subject)
{
    static const char *const reserved[] = {"$JS.>", "$JSC.>", "$NRG.>"};
    if (config->no_ack)
        return none;
    if (rill_bytes_equal(subject, RILL_BYTES(">")))
        return stream_config_invalid("capturing all subjects requires no-ack to be true");
    for (size_t i = 0; i < sizeof reserved / sizeof reserved[0]; i++) {
        if (reaches_into(subject, reserved[i], "$JS.EVENT.>"))
            return stream_config_invalid(
                "subjects that overlap with jetstream api require no-ack to be true");
    }
    if (reaches_into(subject, "$SYS.>", "$SYS.ACCOUNT.>"))
        return stream_config_invalid("subjects that overlap with system api require no-ack to be true");
    return none;
}

static struct rill_js_error check_subject(const Rill__StreamConfig *config, size_t index)
{
    const struct rill_bytes subject = rill_bytes_from_cstr(config->subjects[index]);
    if (!rill_subject_is_valid(subject))
        return stream_config_invalid("invalid subject");
    for (size_t i = 0; i < index; i++) {
        if (rill_bytes_equal_cstr(subject, config->subjects[i]))
            return stream_config_invalid("duplicate subjects detected");
    }
    const struct rill_js_error error = check_reserved(config, subject);
    if (rill_js_error_is_set(&error))
        return error;
    for (size_t i = index + 1; i < config->n_subjects; i++) {
        const struct rill_bytes other = rill_bytes_from_cstr(config->subjects[i]);
        if (!rill_bytes_equal(subject, other) && rill_subject_overlap(subject, other))
            return stream_config_invalid("subject \"%s\" overlaps with \"%s\"", config->subjects[index],
                                         config->subjects[i]);
    }
    return none;
}

// ---- what it makes of them ----

static struct rill_js_error check_transform(const Rill__StreamConfig *config)
{
    const Rill__SubjectTransform *wanted = config->subject_transform;
    struct rill_subject_transform *transform = NULL;
    struct rill_error_text why;
    if (!wanted)
        return none;
    const struct rill_bytes source = rill_bytes_from_cstr(wanted->src);
    if (source.len && !rill_subject_is_valid(source))
        return rill_js_error_with(RILL_JS_STREAM_TRANSFORM_SOURCE, "invalid subject %s", wanted->src);
    if (!wanted->dest || !wanted->dest[0])
        return none; // nothing is changed
    if (rill_subject_transform_create(source, rill_bytes_from_cstr(wanted->dest), &transform, &why))
        return rill_js_error_with(RILL_JS_STREAM_TRANSFORM_DESTINATION, "%s", why.text);
    rill_subject_transform_destroy(transform);
    return none;
}

static void set_text(char **text, const char *value)
{
    char *copy = rill_alloc_cstr(rill_bytes_from_cstr(value));
    free(*text);
    *text = copy;
}

/* ">" to ">" means: as the transform leaves them, when that is all that the stream takes. */
static struct rill_js_error resolve_implicit(Rill__StreamConfig *config, bool pedantic)
{
    const Rill__SubjectTransform *transform = config->subject_transform;
    Rill__Republish *republish = config->republish;
    if (strcmp(republish->src, ">") != 0 || strcmp(republish->dest, ">") != 0 || !transform ||
        config->n_subjects != 1 || strcmp(transform->src, config->subjects[0]) != 0)
        return none;
    if (pedantic)
        return rill_js_error_with(RILL_JS_PEDANTIC, "implicit republish based on subject transform");
    set_text(&republish->src, transform->dest);
    set_text(&republish->dest, transform->dest);
    return none;
}

static struct rill_js_error check_republish(Rill__StreamConfig *config, bool pedantic)
{
    Rill__Republish *republish = config->republish;
    struct rill_subject_transform *transform = NULL;
    struct rill_error_text why;
    if (!republish)
        return none;
    if (!republish->src || !republish->src[0]) {
        if (pedantic)
            return rill_js_error_with(RILL_JS_PEDANTIC, "republish source can not be empty");
        set_text(&republish->src, ">");
    }
    const struct rill_js_error error = resolve_implicit(config, pedantic);
    if (rill_js_error_is_set(&error))
        return error;
    for (size_t i = 0; i < config->n_subjects; i++) {
        if (rill_subject_overlap(rill_bytes_from_cstr(republish->dest),
                                 rill_bytes_from_cstr(config->subjects[i])))
            return stream_config_invalid("stream configuration for republish destination forms a cycle");
    }
    if (rill_subject_transform_create(rill_bytes_from_cstr(republish->src),
                                      rill_bytes_from_cstr(republish->dest), &transform, &why))
        return stream_config_invalid(
            "stream configuration for republish with transform from '%s' to '%s' not valid", republish->src,
            republish->dest);
    rill_subject_transform_destroy(transform);
    return none;
}

// ---- room and place ----

static struct rill_js_error check_placement(Rill__StreamConfig *config)
{
    Rill__Placement *placement = config->placement;
    if (!placement)
        return none;
    if (placement->preferred && placement->preferred[0])
        return stream_config_invalid("preferred server not permitted in placement");
    if (placement->n_tags || (placement->cluster && placement->cluster[0]))
        return none;
    rill_message_free(&placement->base);
    config->placement = NULL;
    return none;
}

struct rill_js_error stream_config_check_subjects(Rill__StreamConfig *config, bool pedantic)
{
    struct rill_js_error error = {0};
    fill_subjects(config);
    for (size_t i = 0; i < config->n_subjects && !rill_js_error_is_set(&error); i++)
        error = check_subject(config, i);
    if (!rill_js_error_is_set(&error))
        error = check_transform(config);
    if (!rill_js_error_is_set(&error))
        error = check_republish(config, pedantic);
    if (!rill_js_error_is_set(&error))
        error = check_placement(config);
    return error;
}
