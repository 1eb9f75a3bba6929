// SPDX-License-Identifier: Apache-2.0
#include "load.h"

#include "table.h"

#include <stdarg.h>
#include <stdio.h>
#include <strings.h>

enum { DOTTED_MAX = 128 };

/* Keys that nats-server knows and rilld does not honour yet: refused, never passed over. "x.*" stands for all
 * of x. */
static const char *const unsupported[] = {"allow_non_tls",
                                          "authorization.auth_callout",
                                          "authorization.proxy_required",
                                          "cluster",
                                          "connect_error_reports",
                                          "default_js_domain",
                                          "default_sentinel",
                                          "feature_flags",
                                          "gateway",
                                          "https",
                                          "https_port",
                                          "jetstream.cipher",
                                          "jetstream.ek",
                                          "jetstream.encryption_key",
                                          "jetstream.key",
                                          "jetstream.limits.batch",
                                          "jetstream.prev_cipher",
                                          "jetstream.prev_encryption_key",
                                          "jetstream.prev_ek",
                                          "jetstream.prev_key",
                                          "jetstream.tpm",
                                          "leaf",
                                          "leafnodes",
                                          "mappings",
                                          "maps",
                                          "mqtt",
                                          "no_sys_acc",
                                          "no_system",
                                          "no_system_account",
                                          "ocsp",
                                          "ocsp_cache",
                                          "operator",
                                          "operators",
                                          "prof_block_rate",
                                          "prof_port",
                                          "proxies",
                                          "proxy_protocol",
                                          "reconnect_error_reports",
                                          "remote_syslog",
                                          "resolver",
                                          "resolver_pinned_accounts",
                                          "resolver_preload",
                                          "resolver_tls",
                                          "roots",
                                          "root",
                                          "server_metadata",
                                          "syslog",
                                          "tls",
                                          "trace_headers",
                                          "trusted",
                                          "trusted_keys",
                                          "websocket.advertise",
                                          "websocket.allowed_origins",
                                          "websocket.allow_origins",
                                          "websocket.allowed_origin",
                                          "websocket.allow_origin",
                                          "websocket.origins",
                                          "websocket.authentication",
                                          "websocket.authorization",
                                          "websocket.compress",
                                          "websocket.compression",
                                          "websocket.headers",
                                          "websocket.jwt_cookie",
                                          "websocket.no_auth_user",
                                          "websocket.origin",
                                          "websocket.pass_cookie",
                                          "websocket.ping_interval",
                                          "websocket.same_origin",
                                          "websocket.tls",
                                          "websocket.token_cookie",
                                          "websocket.user_cookie",
                                          "write_timeout"};

/* Keys of nats-server about what Rill does not have or does in another way, so that they would change nothing: passed over
 * with a warning. */
static const char *const meaningless[] = {"jetstream.extension_hint",          "jetstream.info_queue_limit",
                                          "jetstream.limits.max_ha_assets",    "jetstream.max_concurrent_io",
                                          "jetstream.max_outstanding_catchup", "jetstream.meta_compact",
                                          "jetstream.meta_compact_size",       "jetstream.unique_tag"};

void text_list_add(struct config_arena *arena, struct text_list *list, const char *text)
{
    if (list->count == list->capacity) {
        const size_t capacity = list->capacity ? list->capacity * 2 : 4;
        const char **items = config_arena_zero(arena, capacity, sizeof *items);
        if (list->count)
            memcpy(items, list->items, list->count * sizeof *items);
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->count++] = text;
}

void load_warn(struct load *load, const struct config_value *value, const char *format, ...)
{
    struct rill_error_text warning;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(warning.text, sizeof warning.text, format, args);
    va_end(args);
    config_wrap_place(value, &warning);
    text_list_add(load->arena, &load->warnings, config_arena_cstr(load->arena, warning.text));
}

static bool is_one_of(const char *dotted, const char *const *keys, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcasecmp(dotted, keys[i]) == 0)
            return true;
    }
    return false;
}

static bool is_unsupported(const char *dotted)
{
    return is_one_of(dotted, unsupported, sizeof unsupported / sizeof unsupported[0]);
}

static bool is_meaningless(const char *dotted)
{
    return is_one_of(dotted, meaningless, sizeof meaningless / sizeof meaningless[0]);
}

/* Asks for nothing: `tls: false`. */
static bool is_switched_off(const struct config_value *value)
{
    return value->kind == CONFIG_BOOL && !value->boolean;
}

static enum rill_err load_block(struct load *load, const struct config_value *map, const char *prefix);

/* --- keys that are more than one option --- */

static enum rill_err handle_listen(struct load *load, const struct config_value *value)
{
    const char *host = NULL;
    const enum rill_err err = load_listen(load, value, &host, &load->options->port);
    if (!err && host)
        load->options->host = host;
    return err;
}

static enum rill_err handle_http(struct load *load, const struct config_value *value)
{
    return load_listen(load, value, &load->options->http_host, &load->options->http_port);
}

static enum rill_err handle_authorization(struct load *load, const struct config_value *value)
{
    return load_block(load, value, "authorization");
}

static enum rill_err handle_users(struct load *load, const struct config_value *value)
{
    load->users_value = value;
    return load_users(load, value, "$G");
}

static enum rill_err handle_default_permissions(struct load *load, const struct config_value *value)
{
    (void)load;
    (void)value;
    return RILL_OK; // load_default_permissions reads it once all users are known
}

static enum rill_err handle_jetstream(struct load *load, const struct config_value *value)
{
    bool *enabled = &load->options->jetstream;
    if (value->kind == CONFIG_BOOL) {
        *enabled = value->boolean;
    } else if (value->kind == CONFIG_MAP) {
        *enabled = true;
        return load_block(load, value, "jetstream");
    } else if (value->kind == CONFIG_TEXT &&
               (strcasecmp(value->text, "enabled") == 0 || strcasecmp(value->text, "enable") == 0)) {
        *enabled = true;
    } else if (value->kind == CONFIG_TEXT &&
               (strcasecmp(value->text, "disabled") == 0 || strcasecmp(value->text, "disable") == 0)) {
        *enabled = false;
    } else {
        return config_fail_kind(value, load->why, "enabled, disabled, or a block { }");
    }
    return RILL_OK;
}

static enum rill_err handle_store_dir(struct load *load, const struct config_value *value)
{
    if (load->store_dir_given)
        return config_fail(value, load->why, RILL_ERR_INVALID, "the folder is given twice");
    load->store_dir_given = true;
    return load_text(load, value, &load->options->jetstream_store_dir);
}

static enum rill_err handle_limits(struct load *load, const struct config_value *value)
{
    return load_block(load, value, "jetstream.limits");
}

static enum rill_err handle_websocket(struct load *load, const struct config_value *value)
{
    return load_block(load, value, "websocket");
}

static enum rill_err handle_websocket_listen(struct load *load, const struct config_value *value)
{
    return load_listen(load, value, &load->options->websocket_host, &load->options->websocket_port);
}

static const struct {
    const char *key;
    enum rill_err (*handle)(struct load *load, const struct config_value *value);
} handlers[] = {
    {"listen", handle_listen},
    {"http", handle_http},
    {"authorization", handle_authorization},
    {"authorization.users", handle_users},
    {"authorization.default_permissions", handle_default_permissions},
    {"authorization.default_permission", handle_default_permissions},
    {"authorization.permissions", handle_default_permissions},
    {"accounts", load_accounts},
    {"jetstream", handle_jetstream},
    {"jetstream.limits", handle_limits},
    {"jetstream.store_dir", handle_store_dir},
    {"jetstream.storedir", handle_store_dir},
    {"store_dir", handle_store_dir},
    {"storedir", handle_store_dir},
    {"websocket", handle_websocket},
    {"websocket.listen", handle_websocket_listen},
    {"ws", handle_websocket},
};

static enum rill_err fail_unknown(struct load *load, const struct config_value *value, const char *dotted)
{
    struct rill_suggestion suggestion = rill_suggestion_for(rill_bytes_from_cstr(dotted));
    option_suggest(&suggestion, false);
    for (size_t i = 0; i < sizeof handlers / sizeof handlers[0]; i++)
        rill_suggestion_consider(&suggestion, rill_bytes_from_cstr(handlers[i].key));
    if (!suggestion.nearest.len)
        return config_fail(value, load->why, RILL_ERR_INVALID, "unknown key");
    return config_fail(value, load->why, RILL_ERR_INVALID, "unknown key; did you mean " RILL_PRI "?",
                       RILL_ARG(suggestion.nearest));
}

static enum rill_err load_entry(struct load *load, const struct config_value *value, const char *dotted)
{
    for (size_t i = 0; i < sizeof handlers / sizeof handlers[0]; i++) {
        if (strcasecmp(dotted, handlers[i].key) == 0)
            return handlers[i].handle(load, value);
    }
    const struct option_row *row = option_row_by_key(dotted);
    if (row)
        return load_value(load, row, value);
    if (is_meaningless(dotted)) {
        load_warn(load, value, "it has no meaning to rilld");
        return RILL_OK;
    }
    if (is_unsupported(dotted))
        return is_switched_off(value)
                   ? RILL_OK
                   : config_fail(value, load->why, RILL_ERR_UNSUPPORTED, "not supported yet by rilld");
    return value->used ? RILL_OK : fail_unknown(load, value, dotted);
}

static enum rill_err load_block(struct load *load, const struct config_value *map, const char *prefix)
{
    char dotted[DOTTED_MAX];
    if (map->kind != CONFIG_MAP)
        return config_fail_kind(map, load->why, "a block { }");
    for
        CONFIG_EACH(child, map)
        {
            (void)snprintf(dotted, sizeof dotted, "%s%s%s", prefix, *prefix ? "." : "", child->key);
            // A dot in a key of the file must not reach into a block.
            if (strchr(child->key, '.') && !child->used)
                return config_fail(child, load->why, RILL_ERR_INVALID, "unknown key");
            const enum rill_err err = load_entry(load, child, dotted);
            if (err)
                return err;
        }
    return RILL_OK;
}

static bool is_default_permissions(const char *key)
{
    return strcasecmp(key, "default_permissions") == 0 || strcasecmp(key, "default_permission") == 0 ||
           strcasecmp(key, "permissions") == 0;
}

/* Defaults go to the users that have no permissions of their own, so they come after all users. */
static enum rill_err load_defaults_of(struct load *load, const struct config_value *block,
                                      const char *account)
{
    for
        CONFIG_EACH(child, block)
        {
            if (!is_default_permissions(child->key))
                continue;
            const enum rill_err err = load_default_permissions(load, child, account);
            if (err)
                return err;
        }
    return RILL_OK;
}

enum rill_err load_tree(struct load *load, const struct config_value *map)
{
    enum rill_err err = load_block(load, map, "");
    for
        CONFIG_EACH(child, map)
        {
            if (!err && strcasecmp(child->key, "authorization") == 0)
                err = load_defaults_of(load, child, "$G");
        }
    return err;
}
