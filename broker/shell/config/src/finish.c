// SPDX-License-Identifier: Apache-2.0
//
// The last step of loading: options that are right alone and wrong together, and the authorization that the
// core gets.
#include "load.h"

#include "base/assert.h"
#include "base/clock.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { SUBJECT_TOKENS_MAX = 255, DOMAIN_BYTES_MAX = 255 };

/* `why` becomes "FILE:LINE: KEY: message" when the file sets the option, else "KEY: message". */
static enum rill_err fail(struct load *load, const char *key, enum rill_err err, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static enum rill_err fail(struct load *load, const char *key, enum rill_err err, const char *format, ...)
{
    const struct option_row *row = option_row_by_key(key);
    RILL_ASSERT(row);
    const struct config_value *given = load->given[option_row_index(row)];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(load->why->text, sizeof load->why->text, format, args);
    va_end(args);
    if (given)
        config_wrap_place(given, load->why);
    else
        rill_error_text_wrap(load->why, "%s", key);
    return err;
}

static enum rill_err check_limits(struct load *load)
{
    const struct rill_options *options = load->options;
    if (options->payload_bytes_max > INT32_MAX)
        return fail(load, "max_payload", RILL_ERR_INVALID, "at most 2 GiB");
    if (options->control_line_bytes_max > INT32_MAX)
        return fail(load, "max_control_line", RILL_ERR_INVALID, "at most 2 GiB");
    if (options->payload_bytes_max > options->pending_bytes_max)
        return fail(load, "max_payload", RILL_ERR_INVALID, "%lld bytes are more than max_pending (%lld)",
                    (long long)options->payload_bytes_max, (long long)options->pending_bytes_max);
    if (options->subject_tokens_max > SUBJECT_TOKENS_MAX)
        return fail(load, "max_sub_tokens", RILL_ERR_INVALID, "at most %d", SUBJECT_TOKENS_MAX);
    if (options->lame_duck_duration_ns < 30 * RILL_NS_PER_S)
        return fail(load, "lame_duck_duration", RILL_ERR_INVALID, "at least 30s");
    if (options->lame_duck_grace_ns >= options->lame_duck_duration_ns)
        return fail(load, "lame_duck_grace_period", RILL_ERR_INVALID,
                    "it must be shorter than lame_duck_duration");
    return RILL_OK;
}

static enum rill_err check_names(struct load *load)
{
    struct rill_options *options = load->options;
    if (options->server_name && strpbrk(options->server_name, " \t\r\n"))
        return fail(load, "server_name", RILL_ERR_INVALID, "it cannot have blanks");
    if (strcmp(options->system_account, "$SYS") != 0)
        return fail(load, "system_account", RILL_ERR_UNSUPPORTED,
                    "other than $SYS it is not supported yet by rilld");
    if (options->http_base_path[0] != '/')
        options->http_base_path = config_arena_format(load->arena, "/%s", options->http_base_path);
    return RILL_OK;
}

/* As nats-server: streams need some folder, and one of these may be gone after the next start of the machine. */
static void choose_store(struct load *load)
{
    struct rill_options *options = load->options;
    if (!options->jetstream || options->jetstream_store_dir)
        return;
    const char *temporary = getenv("TMPDIR");
    options->jetstream_store_dir =
        config_arena_format(load->arena, "%s/rill", temporary && temporary[0] ? temporary : "/tmp");
    options->store_is_temporary = true;
}

static enum rill_err check_jetstream(struct load *load)
{
    choose_store(load);
    const char *domain = load->options->jetstream_domain;
    if (domain && (!domain[0] || strlen(domain) > DOMAIN_BYTES_MAX || strpbrk(domain, ".*> \t\r\n")))
        return fail(load, "jetstream.domain", RILL_ERR_INVALID,
                    "a name without blanks and '.', '*', '>', of at most %d bytes", DOMAIN_BYTES_MAX);
    if (domain && strcmp(domain, "API") == 0)
        return fail(load, "jetstream.domain", RILL_ERR_INVALID, "it cannot be API");
    return RILL_OK;
}

static enum rill_err check_websocket(struct load *load)
{
    if (load->options->websocket_port && !load->options->websocket_no_tls)
        return fail(load, "websocket.port", RILL_ERR_UNSUPPORTED,
                    "TLS is not supported yet by rilld; no_tls: true accepts plain ws://");
    return RILL_OK;
}

/* An empty text is as good as none. */
static void drop_empty(const char **text)
{
    if (*text && !**text)
        *text = NULL;
}

static enum rill_err check_credentials(struct load *load)
{
    struct rill_options *options = load->options;
    drop_empty(&options->auth_user);
    drop_empty(&options->auth_password);
    drop_empty(&options->auth_token);
    drop_empty(&options->no_auth_user);
    if (options->auth_token && (options->auth_user || options->auth_password))
        return fail(load, "authorization.token", RILL_ERR_INVALID, "a user and a token exclude each other");
    if (options->auth_password && !options->auth_user)
        return fail(load, "authorization.password", RILL_ERR_INVALID, "a password without a user");
    if (!load->users.count)
        return RILL_OK;
    if (options->auth_token)
        return config_fail(load->users_value, load->why, RILL_ERR_INVALID,
                           "a token and users exclude each other");
    if (options->auth_user)
        return config_fail(load->users_value, load->why, RILL_ERR_INVALID,
                           "a single user and users exclude each other");
    return RILL_OK;
}

static enum rill_err check_no_auth_user(struct load *load)
{
    const char *name = load->options->no_auth_user;
    bool found = !name;
    for (size_t i = 0; i < load->users.count && !found; i++)
        found = strcmp(load->users.items[i].name, name) == 0;
    if (!found)
        return fail(load, "no_auth_user", RILL_ERR_INVALID, "\"%.60s\" is not one of the users", name);
    return RILL_OK;
}

static void fill_auth(struct load *load)
{
    struct rill_options *options = load->options;
    if (options->auth_user) {
        struct rill_auth_user *user = config_arena_zero(load->arena, 1, sizeof *user);
        *user = (struct rill_auth_user){.name = options->auth_user,
                                        .password = options->auth_password ? options->auth_password : "",
                                        .account = "$G",
                                        .connection_types = RILL_CONNECTION_ANY};
        load->users = (struct user_list){.items = user, .count = 1};
    }
    options->auth = (struct rill_auth_config){
        .token = options->auth_token,
        .users = load->users.items,
        .user_count = load->users.count,
        .no_auth_user = options->no_auth_user,
        .timeout_ns = options->auth_timeout_ns,
    };
}

enum rill_err load_finish(struct load *load)
{
    options_replace_zeros(load->options);
    enum rill_err (*const checks[])(struct load *) = {check_limits,    check_names,       check_jetstream,
                                                      check_websocket, check_credentials, check_no_auth_user};
    for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++) {
        const enum rill_err err = checks[i](load);
        if (err)
            return err;
    }
    fill_auth(load);
    load->options->warnings = (struct rill_option_texts){load->warnings.items, load->warnings.count};
    return RILL_OK;
}
