// SPDX-License-Identifier: Apache-2.0
#include "top.h"

#include "clock.h"
#include "page.h"

#include <stdlib.h>
#include <unistd.h>

enum { CONNECTIONS_SHOWN = 20, INTERVAL_MS = 1000 };

/* What is counted, and the name of its rate. */
static const char *const counted[][2] = {{"in_msgs", "in_msgs_rate"},
                                         {"out_msgs", "out_msgs_rate"},
                                         {"in_bytes", "in_bytes_rate"},
                                         {"out_bytes", "out_bytes_rate"}};

enum { COUNTED = sizeof counted / sizeof counted[0] };

struct top {
    const struct call *call;
    char *base;       // of the pages
    json_t *before;   // the last /varz
    json_t *seen;     // connections of the last page, by their ids
    int64_t taken_ns; // when
};

/* Adds the growth a second since `before`, which may be NULL. */
static void put_rates(json_t *now, const json_t *before, double seconds)
{
    for (size_t i = 0; i < COUNTED; i++) {
        const json_t *earlier = json_object_get(before, counted[i][0]);
        const double grown =
            json_number_value(json_object_get(now, counted[i][0])) - json_number_value(earlier);
        (void)json_object_set_new(now, counted[i][1],
                                  json_real(earlier && seconds > 0 && grown > 0 ? grown / seconds : 0));
    }
}

static const char *id_of(const json_t *connection, char text[32])
{
    (void)snprintf(text, 32, "%.0f", json_number_value(json_object_get(connection, "cid")));
    return text;
}

static void put_connection_rates(struct top *top, const json_t *connections, double seconds)
{
    char id[32];
    size_t index;
    json_t *connection;
    json_t *seen = json_object();
    json_array_foreach(connections, index, connection)
    {
        put_rates(connection, json_object_get(top->seen, id_of(connection, id)), seconds);
        (void)json_object_set(seen, id, connection);
    }
    json_decref(top->seen);
    top->seen = seen;
}

// ---- drawing ----

static const struct show_field summary_fields[] = {
    {"uptime", "Up for", SHOW_TEXT},
    {"connections", "Connections", SHOW_COUNT},
    {"subscriptions", "Subscriptions", SHOW_COUNT},
    {"slow_consumers", "Slow consumers", SHOW_COUNT},
    {"mem", "Memory", SHOW_BYTES},
    {"cpu", "Processor (%)", SHOW_RATIO},
    {"in_msgs_rate", "Messages in", SHOW_RATE},
    {"out_msgs_rate", "Messages out", SHOW_RATE},
    {"in_bytes_rate", "Bytes in a second", SHOW_BYTES},
    {"out_bytes_rate", "Bytes out a second", SHOW_BYTES},
    {"jetstream.stats.storage", "Storage", SHOW_BYTES},
    {"jetstream.stats.api.total", "Requests to streams", SHOW_COUNT},
    {0},
};
static const struct show_field columns[] = {
    {"cid", "Id", SHOW_COUNT},
    {"name", "Name", SHOW_TEXT},
    {"ip", "From", SHOW_TEXT},
    {"in_msgs_rate", "In", SHOW_RATE},
    {"out_msgs_rate", "Out", SHOW_RATE},
    {"in_bytes_rate", "Bytes in/s", SHOW_BYTES},
    {"out_bytes_rate", "Bytes out/s", SHOW_BYTES},
    {"pending_bytes", "Pending", SHOW_BYTES},
    {"subscriptions", "Subs", SHOW_COUNT},
    {"uptime", "Up for", SHOW_TEXT},
    {0},
};

static enum tool_exit draw(const struct call *call, json_t *varz, json_t *connections)
{
    char title[256];
    if (call->json) {
        show_line(json_pack("{s:O, s:O}", "server", varz, "connections", connections));
        return TOOL_DONE;
    }
    if (isatty(STDOUT_FILENO))
        (void)fputs("\033[H\033[J", stdout);
    (void)snprintf(title, sizeof title, "Server %s", json_string_value(json_object_get(varz, "server_name")));
    const enum tool_exit code = show_card(call, title, summary_fields, json_incref(varz));
    (void)putchar('\n');
    return code ? code
                : show_table(call, NULL, columns, json_incref(connections), "There are no connections.");
}

// ---- a round ----

static enum tool_exit take(struct top *top, json_t **ret_varz, json_t **ret_connections)
{
    char path[96];
    json_t *connz = NULL;
    const char *sort = call_text(top->call, "sort");
    (void)snprintf(path, sizeof path, "/connz?sort=%s&limit=%d", sort ? sort : "bytes_to",
                   (int)call_number(top->call, "limit", CONNECTIONS_SHOWN));
    enum tool_exit code = page_get(top->call, top->base, "/varz", ret_varz);
    code = code ? code : page_get(top->call, top->base, path, &connz);
    if (code)
        return code;
    json_t *connections = json_object_get(connz, "connections");
    *ret_connections = connections ? json_incref(connections) : json_array();
    json_decref(connz);
    return TOOL_DONE;
}

static enum tool_exit run_round(struct top *top)
{
    json_t *varz = NULL;
    json_t *connections = NULL;
    enum tool_exit code = take(top, &varz, &connections);
    if (!code) {
        const int64_t now_ns = clock_mono_ns();
        const double seconds = (double)(now_ns - top->taken_ns) / 1e9;
        put_rates(varz, top->before, seconds);
        put_connection_rates(top, connections, seconds);
        top->taken_ns = now_ns;
        code = draw(top->call, varz, connections);
        json_decref(top->before);
        top->before = json_incref(varz);
        (void)fflush(stdout);
    }
    json_decref(connections);
    json_decref(varz);
    return code;
}

enum tool_exit top_run(struct call *call)
{
    struct top top = {.call = call, .base = remote_monitor_url(call)};
    const int64_t count = call_number(call, "count", INT64_MAX);
    enum tool_exit code = top.base ? TOOL_DONE : TOOL_NOTHING;
    interrupt_catch();
    for (int64_t i = 0; !code && i < count && !interrupt_seen(); i++) {
        if (i)
            clock_sleep_ms(call_ms(call, "interval", INTERVAL_MS));
        if (!interrupt_seen())
            code = run_round(&top);
    }
    json_decref(top.before);
    json_decref(top.seen);
    free(top.base);
    return code;
}

const struct parameter top_options[] = {
    {"interval", 'i', VALUE_DURATION, .help = "Draw anew after so long; 1s without it."},
    {"count", 'n', VALUE_COUNT, .help = "End after so many."},
    {0},
};
