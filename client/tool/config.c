// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "base/assert.h"
#include "clock.h"
#include "proto/json_codec.h"
#include "proto/rfc3339.h"

#include <stdlib.h>

enum tool_exit config_load(const struct call *call, const char *path, json_t **ret)
{
    json_error_t why;
    json_t *json = strcmp(path, "-") == 0 ? json_loadf(stdin, 0, &why) : json_load_file(path, 0, &why);
    if (!json)
        return call_usage(call, "%s: line %d: %s: give a file with JSON", path, why.line, why.text);
    json_t *inner = json_object_get(json, "config");
    *ret = json_incref(json_is_object(inner) ? inner : json);
    json_decref(json);
    if (json_is_object(*ret))
        return TOOL_DONE;
    json_decref(*ret);
    return call_usage(call, "%s is no JSON object: give a configuration as info --json prints it", path);
}

/* Durations that stand for a time lie in the past. */
static json_t *time_json(int64_t number)
{
    char text[RILL_RFC3339_BYTES_MAX];
    const size_t bytes = rill_rfc3339_format(number < 0 ? clock_wall_ns() + number : number, text);
    return json_stringn(text, bytes);
}

static json_t *value_json(const struct value *value)
{
    switch (value->of->kind) {
    case VALUE_FLAG:
        return json_true();
    case VALUE_SWITCH:
        return json_boolean(value->number);
    case VALUE_COUNT:
    case VALUE_LIMIT:
    case VALUE_BYTES:
    case VALUE_DURATION:
        return json_integer(value->number);
    case VALUE_TIME:
        return time_json(value->number);
    default:
        return json_string(value->text);
    }
}

/* The object that holds the last name of the path, made where it is missing. */
static json_t *holder_of(json_t *config, const char **path)
{
    for (const char *dot = strchr(*path, '.'); dot; dot = strchr(*path, '.')) {
        char name[64];
        RILL_ASSERT((size_t)(dot - *path) < sizeof name);
        (void)snprintf(name, sizeof name, "%.*s", (int)(dot - *path), *path);
        json_t *inner = json_object_get(config, name);
        if (!json_is_object(inner)) {
            inner = json_object();
            (void)json_object_set_new(config, name, inner);
        }
        config = inner;
        *path = dot + 1;
    }
    return config;
}

/* "name:value"; without a value the name is taken out. */
static void put_pair(json_t *holder, const char *name, const char *text)
{
    const char *colon = strchr(text, ':');
    json_t *pairs = json_object_get(holder, name);
    if (!pairs) {
        pairs = json_object();
        (void)json_object_set_new(holder, name, pairs);
    }
    char *key = strndup(text, (size_t)(colon - text));
    RILL_ASSERT(key);
    if (colon[1])
        (void)json_object_set_new(pairs, key, json_string(colon + 1));
    else
        (void)json_object_del(pairs, key);
    free(key);
}

static bool is_first(const struct call *call, const struct value *value)
{
    for (const struct value *before = call->values; before < value; before++) {
        if (before->of == value->of)
            return false;
    }
    return true;
}

static void apply(const struct call *call, const struct value *value, json_t *config)
{
    const char *name = value->of->json;
    json_t *holder = holder_of(config, &name);
    if (value->of->kind == VALUE_PAIR) {
        put_pair(holder, name, value->text);
    } else if (value->of->many) {
        if (is_first(call, value))
            (void)json_object_set_new(holder, name, json_array());
        (void)json_array_append_new(json_object_get(holder, name), value_json(value));
    } else {
        (void)json_object_set_new(holder, name, value_json(value));
    }
}

void config_apply(const struct call *call, json_t *config)
{
    for (size_t i = 0; i < call->values_count; i++) {
        if (call->values[i].of->json)
            apply(call, &call->values[i], config);
    }
}

enum tool_exit config_decode(const struct call *call, json_t *config,
                             const ProtobufCMessageDescriptor *descriptor, ProtobufCMessage **ret)
{
    struct rill_error_text why;
    char *text = json_dumps(config, JSON_COMPACT);
    json_decref(config);
    const enum rill_err err =
        rill_json_decode(descriptor, rill_bytes_from_cstr(text), RILL_JSON_STRICT, ret, &why);
    free(text);
    return err ? call_usage(call, "%s: give a configuration as info --json prints it", why.text) : TOOL_DONE;
}
