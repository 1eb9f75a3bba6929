// SPDX-License-Identifier: Apache-2.0
#include "remote.h"

#include "base/alloc.h"
#include "proto/json_codec.h"

#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

static const char *const default_server = "nats://127.0.0.1:4222";

enum { TIMEOUT_MS = 5000, SUBJECT_BYTES = 1024 };

static const char *environment(const char *name)
{
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

static const char *server_of_environment(void)
{
    const char *url = environment("RILL_URL");
    return url ? url : environment("NATS_URL");
}

/* Which context counts, if any; false: it was named and is not there. */
static bool load_context(const struct call *call, json_t **ret)
{
    const char *named = call_text(call, "context");
    *ret = NULL;
    if (named)
        return (*ret = context_load(call, named)) != NULL;
    char *selected = call_has(call, "server") || server_of_environment() ? NULL : context_selected();
    const bool good = !selected || (*ret = context_load(call, selected)) != NULL;
    free(selected);
    return good;
}

static const char *from_context(const json_t *context, const char *key)
{
    return json_string_value(json_object_get(context, key));
}

/* Of the command line, the environment, or the context. */
static const char *setting(const struct call *call, const json_t *context, const char *name,
                           const char *variable)
{
    if (call_has(call, name))
        return call_text(call, name);
    const char *value = from_context(context, name);
    return value ? value : environment(variable);
}

static const char *server_of(const struct call *call, const json_t *context)
{
    if (call_has(call, "server"))
        return call_text(call, "server");
    const char *server = from_context(context, "server");
    if (!server)
        server = server_of_environment();
    return server ? server : default_server;
}

static enum tool_exit tell_no_connection(const struct call *call, enum rill_err err,
                                         const struct rill_error *error)
{
    const char *text = error->text[0] ? error->text : rill_error_string(err);
    if (err == RILL_ERR_INVALID)
        return call_usage(call, "%s: write a server as nats://host:4222", text);
    if (err == RILL_ERR_DENIED)
        return call_fail(call, TOOL_NO_SERVER, "%s: give --user and --password, --token, or --context", text);
    return call_fail(call, TOOL_NO_SERVER, "%s: is it running there? name another with --server or RILL_URL",
                     text);
}

static enum tool_exit open_connection(struct remote *remote)
{
    const struct call *call = remote->call;
    struct rill_options options = RILL_OPTIONS;
    options.name = "rill";
    options.timeout_ms = remote->timeout_ms;
    options.user = setting(call, remote->context, "user", "RILL_USER");
    options.password = setting(call, remote->context, "password", "RILL_PASSWORD");
    options.token = setting(call, remote->context, "token", "RILL_TOKEN");
    struct rill_error error = {0};
    enum rill_err err = rill_connect_why(&remote->conn, server_of(call, remote->context), &options, &error);
    if (err)
        return tell_no_connection(call, err, &error);
    struct rill_js_options js_options = RILL_JS_OPTIONS;
    js_options.domain = setting(call, remote->context, "domain", "RILL_DOMAIN");
    js_options.timeout_ms = remote->timeout_ms;
    err = rill_js_open(remote->conn, &js_options, &remote->js);
    return err ? call_error(call, err, NULL, "streams") : TOOL_DONE;
}

enum tool_exit remote_open(const struct call *call, struct remote *ret)
{
    *ret = (struct remote){.call = call, .timeout_ms = call_ms(call, "timeout", TIMEOUT_MS)};
    if (!load_context(call, &ret->context))
        return TOOL_NOTHING;
    const enum tool_exit code = open_connection(ret);
    if (code)
        remote_close(ret);
    return code;
}

void remote_close(struct remote *remote)
{
    rill_js_destroy(remote->js);
    rill_destroy(remote->conn);
    json_decref(remote->context);
    *remote = (struct remote){.call = remote->call};
}

enum tool_exit remote_finish(struct remote *remote, enum tool_exit code)
{
    const enum rill_err err = code ? RILL_OK : rill_flush(remote->conn, remote->timeout_ms);
    remote_close(remote);
    return err ? call_error(remote->call, err, NULL, "the server may not have got everything") : code;
}

enum tool_exit remote_with(struct call *call, remote_act *act)
{
    struct remote remote;
    enum tool_exit code = remote_open(call, &remote);
    if (code)
        return code;
    code = act(&remote);
    remote_close(&remote);
    return code;
}

// ---- requests to the API that librill has no function for ----

static enum tool_exit read_answer(struct remote *remote, const char *subject, const struct rill_msg *reply,
                                  json_t **ret_answer)
{
    json_t *answer = json_loadb(rill_msg_data(reply), rill_msg_data_bytes(reply), 0, NULL);
    const json_t *refused = json_object_get(answer, "error");
    if (answer && !refused) {
        *ret_answer = answer;
        return TOOL_DONE;
    }
    const int64_t code = json_integer_value(json_object_get(refused, "code"));
    const char *text = json_string_value(json_object_get(refused, "description"));
    const enum tool_exit exit = call_fail(remote->call, code == 404 ? TOOL_NOTHING : TOOL_FAILED, "%s: %s",
                                          subject, text ? text : "the server's answer is no JSON");
    json_decref(answer);
    return exit;
}

enum tool_exit remote_ask(struct remote *remote, const char *subject, json_t *request, json_t **ret_answer)
{
    char full[SUBJECT_BYTES];
    const char *domain = setting(remote->call, remote->context, "domain", "RILL_DOMAIN");
    (void)snprintf(full, sizeof full, "$JS.%s%sAPI.%s", domain ? domain : "", domain ? "." : "", subject);
    char *body = request ? json_dumps(request, JSON_COMPACT) : NULL;
    json_decref(request);
    struct rill_msg *reply = NULL;
    const enum rill_err err =
        rill_request(remote->conn, full, body, body ? strlen(body) : 0, remote->timeout_ms, &reply);
    free(body);
    if (err)
        return call_error(remote->call, err, NULL, subject);
    const enum tool_exit code = read_answer(remote, subject, reply, ret_answer);
    rill_msg_unref(reply);
    return code;
}

// ---- the rest ----

/* The host of the first URL of a list, with room for a port. */
static char *page_url_of(const char *server)
{
    const char *scheme = strstr(server, "://");
    const char *host = scheme ? scheme + 3 : server;
    const size_t authority = strcspn(host, "/,");
    for (size_t i = 0; i < authority; i++) {
        if (host[i] == '@')
            return page_url_of(host + i + 1);
    }
    const size_t host_bytes = *host == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":/,");
    char url[512];
    (void)snprintf(url, sizeof url, "http://%.*s:8222", (int)host_bytes, host);
    return rill_alloc_cstr(rill_bytes_from_cstr(url));
}

char *remote_monitor_url(const struct call *call)
{
    json_t *context = NULL;
    if (!load_context(call, &context))
        return NULL;
    const char *url = setting(call, context, "monitor", "RILL_MONITOR_URL");
    char *found = url ? rill_alloc_cstr(rill_bytes_from_cstr(url)) : page_url_of(server_of(call, context));
    json_decref(context);
    return found;
}

enum tool_exit remote_confirm(const struct call *call, const char *format, ...)
{
    char answer[16] = "";
    if (call_has(call, "force"))
        return TOOL_DONE;
    if (!isatty(STDIN_FILENO))
        return call_usage(call, "nobody can be asked here: add --force to do it without asking");
    va_list args;
    va_start(args, format);
    (void)vfprintf(stderr, format, args);
    va_end(args);
    (void)fputs(" [y/N] ", stderr);
    if (fgets(answer, sizeof answer, stdin) && (*answer == 'y' || *answer == 'Y'))
        return TOOL_DONE;
    return call_fail(call, TOOL_FAILED, "nothing was done");
}
