// SPDX-License-Identifier: Apache-2.0
#include "load.h"

#include "scalar.h"

#include <strings.h>

enum { PORT_MAX = 65535 };

enum rill_err load_text(struct load *load, const struct config_value *value, const char **ret_text)
{
    if (value->kind != CONFIG_TEXT)
        return config_fail(value, load->why, RILL_ERR_INVALID, "expected a text, got %s%s",
                           config_kind_text(value->kind),
                           value->kind < CONFIG_BOOL ? "" : " (put it in quotes to make it a text)");
    *ret_text = value->text;
    return RILL_OK;
}

enum rill_err load_texts(struct load *load, const struct config_value *value, struct text_list *ret_list)
{
    const char *text = NULL;
    if (value->kind != CONFIG_LIST) {
        const enum rill_err err = load_text(load, value, &text);
        if (!err)
            text_list_add(load->arena, ret_list, text);
        return err;
    }
    for
        CONFIG_EACH(element, value)
        {
            const enum rill_err err = load_text(load, element, &text);
            if (err)
                return err;
            text_list_add(load->arena, ret_list, text);
        }
    return RILL_OK;
}

static enum rill_err duration_of_text(struct load *load, const struct config_value *value, int64_t *ret_ns)
{
    const enum rill_err err = config_scalar_duration(rill_bytes_from_cstr(value->text), ret_ns);
    if (err)
        return config_fail(value, load->why, err,
                           "\"%.40s\" is not a duration such as \"10s\", \"2m\" or \"1h30m\"", value->text);
    return RILL_OK;
}

/* Seconds. "2m" without quotes is the number two million, which nobody means as seconds. */
static enum rill_err duration_of_number(struct load *load, const struct config_value *value, int64_t *ret_ns)
{
    const double seconds = value->kind == CONFIG_INT ? (double)value->integer : value->number;
    if (value->kind == CONFIG_INT && value->suffixed)
        return config_fail(value, load->why, RILL_ERR_INVALID,
                           "a duration with a unit needs quotes: without them it is the number %lld",
                           (long long)value->integer);
    if (seconds > 9e9 || seconds < -9e9)
        return config_fail(value, load->why, RILL_ERR_LIMIT, "too long a time");
    *ret_ns = (int64_t)(seconds * 1e9);
    if (!value->key || !strstr(value->key, "timeout"))
        load_warn(load, value, "a plain number is taken as seconds; better write \"%gs\"", seconds);
    return RILL_OK;
}

enum rill_err load_duration(struct load *load, const struct config_value *value, int64_t *ret_ns)
{
    int64_t ns = 0;
    enum rill_err err;
    if (value->kind == CONFIG_TEXT)
        err = duration_of_text(load, value, &ns);
    else if (value->kind == CONFIG_INT || value->kind == CONFIG_FLOAT)
        err = duration_of_number(load, value, &ns);
    else
        err = config_fail_kind(value, load->why, "a duration such as \"10s\"");
    if (err)
        return err;
    if (ns < 0)
        return config_fail(value, load->why, RILL_ERR_INVALID, "a time cannot be negative");
    *ret_ns = ns;
    return RILL_OK;
}

/* The bounds of what a number of this type may be. */
static enum rill_err number_check(struct load *load, const struct config_value *value, enum option_type type,
                                  int64_t number)
{
    const int64_t lowest = type == OPTION_limit || type == OPTION_port ? -1 : 0;
    const int64_t highest = type == OPTION_port ? PORT_MAX : type == OPTION_count ? INT32_MAX : INT64_MAX;
    if (number < lowest || number > highest)
        return config_fail(value, load->why, RILL_ERR_INVALID, "%lld is not between %lld and %lld",
                           (long long)number, (long long)lowest, (long long)highest);
    return RILL_OK;
}

static enum rill_err value_to_number(struct load *load, const struct config_value *value,
                                     enum option_type type, int64_t *ret_number)
{
    if (type == OPTION_sync && value->kind == CONFIG_TEXT && strcasecmp(value->text, "always") == 0) {
        *ret_number = 0;
        return RILL_OK;
    }
    if (type == OPTION_duration || type == OPTION_sync)
        return load_duration(load, value, ret_number);
    int64_t number = value->integer;
    bool suffixed = false;
    // A size may stand in quotes: "1GB".
    const bool quoted_size = value->kind == CONFIG_TEXT && (type == OPTION_bytes || type == OPTION_limit);
    if (quoted_size && config_scalar_integer(rill_bytes_from_cstr(value->text), &number, &suffixed))
        return config_fail(value, load->why, RILL_ERR_INVALID, "\"%.40s\" is not a size such as 64MB",
                           value->text);
    if (!quoted_size && value->kind != CONFIG_INT)
        return config_fail_kind(value, load->why, "a number");
    const enum rill_err err = number_check(load, value, type, number);
    if (!err)
        *ret_number = number;
    return err;
}

static enum rill_err value_to_bool(struct load *load, const struct config_value *value, bool *ret_boolean)
{
    if (value->kind != CONFIG_BOOL)
        return config_fail_kind(value, load->why, "true or false");
    *ret_boolean = value->boolean;
    return RILL_OK;
}

enum rill_err load_value(struct load *load, const struct option_row *row, const struct config_value *value)
{
    struct text_list list = {0};
    enum rill_err err;
    load->given[option_row_index(row)] = value;
    switch (row->type) {
    case OPTION_bool:
        return value_to_bool(load, value, option_bool(load->options, row));
    case OPTION_text:
        return load_text(load, value, option_text(load->options, row));
    case OPTION_texts:
        err = load_texts(load, value, &list);
        *option_texts(load->options, row) = (struct rill_option_texts){list.items, list.count};
        return err;
    default:
        return value_to_number(load, value, row->type, option_number(load->options, row));
    }
}

enum rill_err load_listen(struct load *load, const struct config_value *value, const char **ret_host,
                          int64_t *ret_port)
{
    *ret_host = NULL;
    if (value->kind == CONFIG_INT)
        return value_to_number(load, value, OPTION_port, ret_port);
    const char *text = NULL;
    enum rill_err err = load_text(load, value, &text);
    if (err)
        return err;
    const char *colon = strrchr(text, ':');
    struct rill_bytes host = rill_bytes_of(text, colon ? (size_t)(colon - text) : 0);
    if (host.len > 1 && host.data[0] == '[' && host.data[host.len - 1] == ']')
        host = rill_bytes_of(host.data + 1, host.len - 2);
    int64_t port = 0;
    bool suffixed = false;
    if (!colon || config_scalar_integer(rill_bytes_from_cstr(colon + 1), &port, &suffixed) || suffixed)
        return config_fail(value, load->why, RILL_ERR_INVALID,
                           "\"%.60s\" is not an address such as localhost:4222", text);
    err = number_check(load, value, OPTION_port, port);
    *ret_port = port;
    *ret_host = host.len ? config_arena_text(load->arena, host) : NULL;
    return err;
}
