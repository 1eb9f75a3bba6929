// SPDX-License-Identifier: Apache-2.0
#include "check.h"
#include "families.h"
#include "page.h"
#include "top.h"

// ---- info ----

static const struct show_field varz_fields[] = {
    {"server_id", "Id", SHOW_TEXT},
    {"version", "Version", SHOW_TEXT},
    {"rill_version", "Rill", SHOW_TEXT},
    {"host", "Host", SHOW_TEXT},
    {"port", "Port", SHOW_TEXT},
    {"uptime", "Up for", SHOW_TEXT},
    {"start", "Started", SHOW_TIME},
    {"config_load_time", "Configured", SHOW_TIME},
    {NULL, "Limits", SHOW_SECTION},
    {"max_connections", "Connections", SHOW_LIMIT},
    {"max_payload", "Payload", SHOW_CAP},
    {"max_pending", "Pending output", SHOW_CAP},
    {"max_control_line", "Control line", SHOW_CAP},
    {"ping_interval", "Ping every", SHOW_DURATION},
    {"write_deadline", "Write deadline", SHOW_DURATION},
    {NULL, "Now", SHOW_SECTION},
    {"connections", "Connections", SHOW_COUNT},
    {"total_connections", "Connections ever", SHOW_COUNT},
    {"subscriptions", "Subscriptions", SHOW_COUNT},
    {"in_msgs", "Messages in", SHOW_COUNT},
    {"out_msgs", "Messages out", SHOW_COUNT},
    {"in_bytes", "Bytes in", SHOW_BYTES},
    {"out_bytes", "Bytes out", SHOW_BYTES},
    {"slow_consumers", "Slow consumers", SHOW_COUNT},
    {"mem", "Memory", SHOW_BYTES},
    {"cpu", "Processor (%)", SHOW_RATIO},
    {NULL, "Streams", SHOW_SECTION},
    {"jetstream.config.store_dir", "Store", SHOW_TEXT},
    {"jetstream.config.max_storage", "Storage at most", SHOW_CAP},
    {"jetstream.stats.storage", "Storage", SHOW_BYTES},
    {"jetstream.config.max_memory", "Memory at most", SHOW_CAP},
    {"jetstream.stats.memory", "Memory", SHOW_BYTES},
    {"jetstream.stats.api.total", "Requests", SHOW_COUNT},
    {"jetstream.stats.api.errors", "Refused", SHOW_COUNT},
    {0},
};

static enum tool_exit run_info(struct call *call)
{
    char title[256];
    json_t *varz = NULL;
    const enum tool_exit code = page_get_one(call, "/varz", &varz);
    if (code)
        return code;
    const char *name = json_string_value(json_object_get(varz, "server_name"));
    (void)snprintf(title, sizeof title, "Server %s", name ? name : "");
    return show_card(call, title, varz_fields, varz);
}

// ---- report connections ----

static const struct show_field connection_columns[] = {
    {"cid", "Id", SHOW_COUNT},
    {"name", "Name", SHOW_TEXT},
    {"ip", "From", SHOW_TEXT},
    {"authorized_user", "User", SHOW_TEXT},
    {"uptime", "Up for", SHOW_TEXT},
    {"rtt", "Round trip", SHOW_TEXT},
    {"in_msgs", "Messages in", SHOW_COUNT},
    {"out_msgs", "Messages out", SHOW_COUNT},
    {"in_bytes", "Bytes in", SHOW_BYTES},
    {"out_bytes", "Bytes out", SHOW_BYTES},
    {"pending_bytes", "Pending", SHOW_BYTES},
    {"subscriptions", "Subs", SHOW_COUNT},
    {"lang", "Client", SHOW_TEXT},
    {"version", "Version", SHOW_TEXT},
    {0},
};
/* The words are those of /connz?sort=, but the rows are sorted here: not every server knows all. */
static const struct show_order connection_orders[] = {
    {"bytes_to", "out_bytes"},
    {"bytes_from", "in_bytes"},
    {"msgs_to", "out_msgs"},
    {"msgs_from", "in_msgs"},
    {"pending", "pending_bytes"},
    {"subs", "subscriptions"},
    {"cid", "cid"},
    {0},
};

static enum tool_exit run_connections(struct call *call)
{
    char path[64];
    json_t *connz = NULL;
    (void)snprintf(path, sizeof path, "/connz?auth=1&limit=%d", (int)call_number(call, "limit", 1024));
    const enum tool_exit code = page_get_one(call, path, &connz);
    if (code)
        return code;
    json_t *rows = json_incref(json_object_get(connz, "connections"));
    json_decref(connz);
    rows = show_sorted(rows ? rows : json_array(), connection_orders, call_text(call, "sort"));
    return show_table(call, NULL, connection_columns, rows, "There are no connections.");
}

// ---- report streams ----

static void add_streams(json_t *rows, const json_t *account)
{
    size_t index;
    json_t *stream;
    json_array_foreach(json_object_get(account, "stream_detail"), index, stream)
    {
        (void)json_object_set(stream, "account", json_object_get(account, "name"));
        (void)json_array_append(rows, stream);
    }
}

static enum tool_exit run_streams(struct call *call)
{
    static const struct show_field columns[] = {
        {"account", "Account", SHOW_TEXT},
        {"name", "Stream", SHOW_TEXT},
        {"state.messages", "Messages", SHOW_COUNT},
        {"state.bytes", "Size", SHOW_BYTES},
        {"state.first_seq", "First", SHOW_COUNT},
        {"state.last_seq", "Last", SHOW_COUNT},
        {"state.num_deleted", "Deleted", SHOW_COUNT},
        {"state.num_subjects", "Subjects", SHOW_COUNT},
        {"state.consumer_count", "Consumers", SHOW_COUNT},
        {"state.last_ts", "Last stored", SHOW_TIME},
        {0},
    };
    static const struct show_order orders[] = {{"bytes", "state.bytes"},
                                               {"messages", "state.messages"},
                                               {"consumers", "state.consumer_count"},
                                               {"name", "name"},
                                               {0}};
    size_t index;
    const json_t *account;
    json_t *jsz = NULL;
    const enum tool_exit code = page_get_one(call, "/jsz?accounts=1&streams=1&config=1", &jsz);
    if (code)
        return code;
    json_t *rows = json_array();
    json_array_foreach(json_object_get(jsz, "account_details"), index, account) add_streams(rows, account);
    rows = show_sorted(rows, orders, call_text(call, "sort"));
    json_decref(jsz);
    return show_table(call, NULL, columns, rows, "There are no streams.");
}

// ---- the family ----

static const struct parameter connections_options[] = {
    {"sort", 0, VALUE_CHOICE, .choices = "bytes_to bytes_from msgs_to msgs_from pending subs cid",
     .help = "What comes first; bytes_to without it."},
    {"limit", 0, VALUE_COUNT, .help = "Show at most so many; 1024 without it."},
    {0},
};
static const struct parameter streams_options[] = {
    {"sort", 0, VALUE_CHOICE, .choices = "bytes messages consumers name",
     .help = "What comes first; bytes without it."},
    {0},
};
static const struct parameter stream_argument[] = {
    {"stream", 0, VALUE_STREAM, .help = "The name of the stream."},
    {0},
};
static const struct parameter consumer_arguments[] = {
    {"stream", 0, VALUE_STREAM, .help = "The name of the stream."},
    {"consumer", 0, VALUE_CONSUMER, .help = "The name of the consumer."},
    {0},
};

#define CHECK_ABOUT                                                                                          \
    "Prints one line for Nagios and ends with its codes: 0 is OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN; or "     \
    "metrics for "                                                                                           \
    "Prometheus with --format prometheus."

static const struct command commands[] = {
    {.name = "server info",
     .summary = "Show a server",
     .options = {page_options},
     .examples = "server info\n",
     .run = run_info},
    {.name = "server report connections",
     .summary = "List the connections of a server",
     .options = {connections_options, page_options},
     .examples = "server report connections --sort pending --monitor http://shop.example:8222\n",
     .run = run_connections},
    {.name = "server report streams",
     .summary = "List the streams of a server, of all accounts",
     .options = {streams_options, page_options},
     .examples = "server report streams --sort messages\n",
     .run = run_streams},
    {.name = "server check connection",
     .summary = "Check that a server lets us in, and how fast",
     .about = CHECK_ABOUT,
     .options = {check_format_options, check_connection_options},
     .examples = "server check connection --connect-critical 500ms --rtt-warn 10ms\n",
     .run = check_run_connection},
    {.name = "server check stream",
     .summary = "Check what a stream holds",
     .about = CHECK_ABOUT,
     .arguments = stream_argument,
     .options = {check_format_options, check_stream_options},
     .examples = "server check stream ORDERS --messages-warn 1000000 --age-critical 10m\n",
     .run = check_run_stream},
    {.name = "server check consumer",
     .summary = "Check that a consumer keeps up",
     .about = CHECK_ABOUT,
     .arguments = consumer_arguments,
     .options = {check_format_options, check_consumer_options},
     .examples = "server check consumer ORDERS worker --pending-critical 10000 --last-ack-critical 5m\n",
     .run = check_run_consumer},
    {.name = "server check jetstream",
     .summary = "Check how full the store is",
     .about = CHECK_ABOUT,
     .options = {check_format_options, check_jetstream_options},
     .examples = "server check jetstream --storage-warn 75 --storage-critical 90 --format prometheus\n",
     .run = check_run_jetstream},
    {0},
};

const struct family server_family = {"server", "Servers: state, reports, checks", commands};

// ---- top ----

static const struct command top_commands[] = {
    {.name = "top",
     .summary = "Watch a server",
     .options = {top_options, connections_options, page_options},
     .about = "Reads the monitoring pages again and again and shows what has changed; Ctrl-C ends it. Where "
              "standard output "
              "is no terminal, the pages follow each other.",
     .examples = "top\ntop --sort pending --interval 5s\ntop --count 1 --json\n",
     .run = top_run},
    {0},
};

const struct family top_family = {"top", NULL, top_commands};
