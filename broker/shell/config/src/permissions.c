// SPDX-License-Identifier: Apache-2.0
#include "load.h"

#include "base/clock.h"
#include "proto/subject.h"

#include <strings.h>

/* What `allow_responses: true` grants. */
#define RESPONSE_MESSAGES_MAX 1
#define RESPONSE_EXPIRES_NS   (120 * RILL_NS_PER_S)

/* Is the key one of the words? */
static bool key_is(const struct config_value *value, const char *words)
{
    struct rill_bytes word;
    while (rill_next_word(&words, &word)) {
        if (strlen(value->key) == word.len && strncasecmp(value->key, (const char *)word.data, word.len) == 0)
            return true;
    }
    return false;
}

/* "orders.*" or, for subscribing, "orders.* workers". */
static enum rill_err load_permission(struct load *load, const struct config_value *value, const char *text,
                                     bool with_queue, struct rill_permission *ret_permission)
{
    const char *list = text;
    struct rill_bytes subject;
    struct rill_bytes queue;
    struct rill_bytes more;
    const bool has_subject = rill_next_word(&list, &subject);
    const bool has_queue = rill_next_word(&list, &queue);
    if (!has_subject || !rill_subject_is_valid(subject) || rill_next_word(&list, &more))
        return config_fail(value, load->why, RILL_ERR_INVALID, "\"%.60s\" is not a valid subject", text);
    if (has_queue && (!with_queue || !rill_subject_is_valid(queue)))
        return config_fail(value, load->why, RILL_ERR_INVALID, "\"%.60s\": %s", text,
                           with_queue ? "the queue is not valid" : "a queue is for subscribing only");
    *ret_permission = (struct rill_permission){
        .subject = config_arena_text(load->arena, subject),
        .queue = has_queue ? config_arena_text(load->arena, queue) : NULL,
    };
    return RILL_OK;
}

static enum rill_err load_subjects(struct load *load, const struct config_value *value, bool with_queue,
                                   const struct rill_permission **ret_items, size_t *ret_count)
{
    struct text_list texts = {0};
    enum rill_err err = load_texts(load, value, &texts);
    if (err)
        return err;
    struct rill_permission *items = config_arena_zero(load->arena, texts.count, sizeof *items);
    for (size_t i = 0; i < texts.count && !err; i++)
        err = load_permission(load, value, texts.items[i], with_queue, &items[i]);
    *ret_items = items;
    *ret_count = texts.count;
    return err;
}

/* nats-server takes an empty list as "everything is allowed", which nobody who writes one means. So say it
 * differently. */
static enum rill_err load_allow(struct load *load, const struct config_value *value, bool with_queue,
                                struct rill_permission_lists *lists)
{
    if (value->kind == CONFIG_LIST && !value->count)
        return config_fail(
            value, load->why, RILL_ERR_INVALID,
            "an empty list of what is allowed: leave it out to allow everything, or deny \">\"");
    lists->allow_given = true;
    return load_subjects(load, value, with_queue, &lists->allow, &lists->allow_count);
}

/* One subject, a list of them, or { allow, deny }. */
static enum rill_err load_lists(struct load *load, const struct config_value *value, bool with_queue,
                                struct rill_permission_lists *lists)
{
    if (value->kind != CONFIG_MAP)
        return load_allow(load, value, with_queue, lists);
    for
        CONFIG_EACH(child, value)
        {
            enum rill_err err;
            if (key_is(child, "allow")) {
                err = load_allow(load, child, with_queue, lists);
            } else if (key_is(child, "deny")) {
                err = load_subjects(load, child, with_queue, &lists->deny, &lists->deny_count);
            } else {
                err = child->used ? RILL_OK
                                  : config_fail(child, load->why, RILL_ERR_INVALID,
                                                "unknown key, only allow and deny are known here");
            }
            if (err)
                return err;
        }
    return RILL_OK;
}

static enum rill_err load_response_entry(struct load *load, const struct config_value *value,
                                         struct rill_response_permission *responses)
{
    if (key_is(value, "max max_msgs max_messages max_responses")) {
        if (value->kind != CONFIG_INT || value->integer < -1 || value->integer > INT32_MAX)
            return config_fail(value, load->why, RILL_ERR_INVALID,
                               "expected a number of messages, -1 for any");
        responses->messages_max = value->integer ? (int32_t)value->integer : RESPONSE_MESSAGES_MAX;
        return RILL_OK;
    }
    if (!key_is(value, "expires expiration ttl"))
        return value->used ? RILL_OK : config_fail(value, load->why, RILL_ERR_INVALID, "unknown key");
    if (value->kind == CONFIG_TEXT && value->text[0] == '-') {
        responses->expires_ns = -1;
        return RILL_OK;
    }
    const enum rill_err err = load_duration(load, value, &responses->expires_ns);
    if (!err && !responses->expires_ns)
        responses->expires_ns = RESPONSE_EXPIRES_NS;
    return err;
}

static enum rill_err load_responses(struct load *load, const struct config_value *value,
                                    struct rill_response_permission *responses)
{
    if (value->kind != CONFIG_BOOL && value->kind != CONFIG_MAP)
        return config_fail_kind(value, load->why, "true, false or { max, expires }");
    *responses = (struct rill_response_permission){
        .given = value->kind == CONFIG_MAP || value->boolean,
        .messages_max = RESPONSE_MESSAGES_MAX,
        .expires_ns = RESPONSE_EXPIRES_NS,
    };
    if (value->kind == CONFIG_BOOL)
        return RILL_OK;
    for
        CONFIG_EACH(child, value)
        {
            const enum rill_err err = load_response_entry(load, child, responses);
            if (err)
                return err;
        }
    return RILL_OK;
}

static enum rill_err load_permissions_entry(struct load *load, const struct config_value *value,
                                            struct rill_permissions *permissions)
{
    if (key_is(value, "publish pub import"))
        return load_lists(load, value, false, &permissions->publish);
    if (key_is(value, "subscribe sub export"))
        return load_lists(load, value, true, &permissions->subscribe);
    if (key_is(value, "allow_responses allow_response publish_allow_responses"))
        return load_responses(load, value, &permissions->responses);
    return value->used ? RILL_OK : config_fail(value, load->why, RILL_ERR_INVALID, "unknown key");
}

enum rill_err load_permissions(struct load *load, const struct config_value *value,
                               const struct rill_permissions **ret_permissions)
{
    if (value->kind != CONFIG_MAP)
        return config_fail_kind(value, load->why, "a block { }");
    struct rill_permissions *permissions = config_arena_zero(load->arena, 1, sizeof *permissions);
    for
        CONFIG_EACH(child, value)
        {
            const enum rill_err err = load_permissions_entry(load, child, permissions);
            if (err)
                return err;
        }
    // Whoever may answer may not publish anything else, unless the configuration allows it.
    if (permissions->responses.given)
        permissions->publish.allow_given = true;
    *ret_permissions = permissions;
    return RILL_OK;
}
