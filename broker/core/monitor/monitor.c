// SPDX-License-Identifier: Apache-2.0
#include "core/monitor.h"

#include "base/assert.h"
#include "monitor_json.h"
#include "query.h"

#include <stdlib.h>

static const struct {
    const char *path;
    const char *description;
} endpoints[] = {
#define MONITOR_ENDPOINT(path, name, description) {path, description},
    RILL_MONITOR_TABLE(MONITOR_ENDPOINT)
#undef MONITOR_ENDPOINT
};

enum rill_monitor_endpoint rill_monitor_endpoint_find(struct rill_bytes path)
{
    for (int i = 0; i < RILL_MONITOR_COUNT; i++) {
        if (rill_bytes_equal_cstr(path, endpoints[i].path))
            return (enum rill_monitor_endpoint)i;
    }
    return rill_bytes_equal_cstr(path, "/subscriptionsz") ? RILL_MONITOR_SUBSZ : RILL_MONITOR_COUNT;
}

static void append(struct rill_buf *body, struct rill_bytes bytes)
{
    // The body has no practical limit of its own; what it tells about is bounded.
    const enum rill_err err = rill_buf_append(body, bytes);
    RILL_ASSERT(err != RILL_ERR_NO_MEMORY && "memory for a page");
}

static void append_index(const struct rill_core *core, struct rill_buf *body)
{
    append(
        body,
        RILL_BYTES("<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>Rill</title>\n"
                   "<style>body{font-family:sans-serif;margin:2em}td{padding:.2em 1em .2em 0}</style>"
                   "</head>\n<body>\n<h1>Rill " RILL_VERSION "</h1>\n<table>\n"));
    for (int i = 1; i < RILL_MONITOR_COUNT; i++) {
        // Relative, so that the page works below any base path.
        const enum rill_err err =
            rill_buf_appendf(body, "<tr><td><a href=\".%s\">%s</a></td><td>%s</td></tr>\n", endpoints[i].path,
                             endpoints[i].path + 1, endpoints[i].description);
        RILL_ASSERT(err != RILL_ERR_NO_MEMORY && "memory for a page");
    }
    append(body, RILL_BYTES("</table>\n</body>\n</html>\n"));
}

static json_t *routez(const struct rill_core *core)
{
    json_t *object = monitor_head(core);
    monitor_set_u64(object, "num_routes", 0);
    json_object_set_new(object, "routes", json_array());
    return object;
}

static json_t *gatewayz(const struct rill_core *core)
{
    json_t *object = monitor_head(core);
    json_object_set_new(object, "outbound_gateways", json_object());
    json_object_set_new(object, "inbound_gateways", json_object());
    return object;
}

static json_t *leafz(const struct rill_core *core)
{
    json_t *object = monitor_head(core);
    monitor_set_u64(object, "leafnodes", 0);
    json_object_set_new(object, "leafs", json_array());
    return object;
}

static json_t *render(struct rill_core *core, const struct rill_process_facts *facts,
                      enum rill_monitor_endpoint endpoint, struct rill_bytes query, int *ret_http_status,
                      struct rill_error_text *why)
{
    switch (endpoint) {
    case RILL_MONITOR_VARZ:
        return monitor_varz(core, facts);
    case RILL_MONITOR_CONNZ:
        return monitor_connz(core, query, why);
    case RILL_MONITOR_SUBSZ:
        return monitor_subsz(core, query, why);
    case RILL_MONITOR_ACCOUNTZ:
        return monitor_accountz(core, query);
    case RILL_MONITOR_ACCSTATZ:
        return monitor_accstatz(core, query, why);
    case RILL_MONITOR_HEALTHZ:
        return monitor_healthz(core, query, ret_http_status, why);
    case RILL_MONITOR_ROUTEZ:
        return routez(core);
    case RILL_MONITOR_GATEWAYZ:
        return gatewayz(core);
    case RILL_MONITOR_LEAFZ:
        return leafz(core);
    default:
        RILL_UNREACHABLE();
    }
}

/* A callback's name goes into a script: it may consist of what a JavaScript name may have, and dots. */
static bool callback_is_safe(const char *name)
{
    for (const char *at = name; *at; at++) {
        const char lower = (char)(*at | 0x20);
        const bool letter = (lower >= 'a' && lower <= 'z') || *at == '_' || *at == '$' || *at == '.';
        if (!letter && !(*at >= '0' && *at <= '9'))
            return false;
    }
    return name[0] != '\0';
}

/* Opens the call of a JSONP callback, if there is one. Returns whether it is to be closed. */
static bool open_callback(struct rill_buf *body, struct rill_bytes query, const char **ret_content_type)
{
    char callback[QUERY_VALUE_MAX];
    const bool jsonp = query_text(query, "callback", callback) && callback_is_safe(callback);
    *ret_content_type = jsonp ? "application/javascript" : "application/json";
    if (jsonp) {
        append(body, rill_bytes_from_cstr(callback));
        append(body, RILL_BYTES("("));
    }
    return jsonp;
}

static void append_json(struct rill_buf *body, const json_t *object)
{
    char *text = json_dumps(object, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
    RILL_ASSERT(text && "memory for a page");
    append(body, rill_bytes_from_cstr(text));
    free(text);
}

/* The pages of JSON. INVALID when a parameter is wrong. */
static enum rill_err append_page(struct rill_core *core, const struct rill_process_facts *facts,
                                 enum rill_monitor_endpoint endpoint, struct rill_bytes query,
                                 struct rill_buf *body, int *ret_http_status, struct rill_error_text *why)
{
    if (endpoint == RILL_MONITOR_JSZ)
        return monitor_jsz(core, query, body, why);
    json_t *object = render(core, facts, endpoint, query, ret_http_status, why);
    if (!object)
        return RILL_ERR_INVALID;
    append_json(body, object);
    json_decref(object);
    return RILL_OK;
}

void rill_core_monitor(struct rill_core *core, const struct rill_process_facts *facts,
                       enum rill_monitor_endpoint endpoint, struct rill_bytes query, struct rill_buf *body,
                       int *ret_http_status, const char **ret_content_type)
{
    RILL_ASSERT(endpoint < RILL_MONITOR_COUNT);
    const size_t start = body->len;
    *ret_http_status = 200;
    if (endpoint == RILL_MONITOR_INDEX) {
        *ret_content_type = "text/html; charset=utf-8";
        append_index(core, body);
        return;
    }
    if (endpoint == RILL_MONITOR_METRICS) {
        *ret_content_type = "text/plain; version=0.0.4; charset=utf-8";
        monitor_metrics(core, facts, body);
        return;
    }
    struct rill_error_text why;
    const bool jsonp = open_callback(body, query, ret_content_type);
    if (append_page(core, facts, endpoint, query, body, ret_http_status, &why)) {
        body->len = start;
        *ret_http_status = 400;
        *ret_content_type = "text/plain; charset=utf-8";
        append(body, rill_bytes_from_cstr(why.text));
    } else if (jsonp) {
        append(body, RILL_BYTES(")"));
    }
}
