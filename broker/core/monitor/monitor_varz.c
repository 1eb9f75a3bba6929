// SPDX-License-Identifier: Apache-2.0
#include "base/assert.h"
#include "monitor_jetstream.h"
#include "proto/json_codec.h"

static void add_config(json_t *object, const struct rill_core *core, const struct rill_process_facts *facts)
{
    const struct rill_limits *limits = &core->limits;
    monitor_set_u64(object, "max_connections", limits->connections_max);
    if (limits->subscriptions_max)
        monitor_set_u64(object, "max_subscriptions", limits->subscriptions_max);
    monitor_set_u64(object, "ping_interval", (uint64_t)limits->ping_interval_ns);
    monitor_set_u64(object, "ping_max", limits->ping_max);
    json_object_set_new(object, "http_host", json_string(facts->http_host ? facts->http_host : ""));
    monitor_set_u64(object, "http_port", facts->http_port);
    json_object_set_new(object, "http_base_path",
                        json_string(facts->http_base_path ? facts->http_base_path : ""));
    monitor_set_u64(object, "https_port", 0);
    json_object_set_new(object, "auth_timeout",
                        json_real((double)core->auth->timeout_ns / (double)RILL_NS_PER_S));
    monitor_set_u64(object, "max_control_line", limits->control_line_bytes_max);
    monitor_set_u64(object, "max_payload", limits->payload_bytes_max);
    monitor_set_u64(object, "max_pending", limits->pending_bytes_max);
    static const char *const absent[] = {"cluster", "gateway", "leaf", "mqtt", "websocket"};
    for (size_t i = 0; i < sizeof absent / sizeof absent[0]; i++)
        json_object_set_new(object, absent[i], json_object());
}

/* The parts of /jsz that are here, too. */
static void set_part(json_t *object, const char *name, const ProtobufCMessage *part)
{
    struct rill_buf text;
    rill_buf_init(&text, 64 * 1024);
    const enum rill_err err = rill_json_encode(part, &text);
    RILL_ASSERT(!err && "memory for a page");
    json_object_set_new(object, name, json_loadb((const char *)text.data, text.len, 0, NULL));
    rill_buf_fini(&text);
}

static json_t *jetstream_json(const struct rill_core *core)
{
    json_t *object = json_object();
    struct jsz_head head;
    if (!core->jetstream)
        return object;
    jsz_head_fill(core, &head);
    set_part(object, "config", &head.config.base);
    set_part(object, "stats", &head.totals.base);
    if (jsz_has_limits(&head))
        set_part(object, "limits", &head.limits.base);
    return object;
}

static void add_load(json_t *object, const struct rill_core *core, const struct rill_process_facts *facts)
{
    json_object_set_new(object, "start", monitor_time(facts->start_wall_ns));
    json_object_set_new(object, "now", monitor_time(core->now.wall_ns));
    json_object_set_new(object, "uptime", monitor_uptime(core->now.wall_ns - facts->start_wall_ns));
    monitor_set_u64(object, "mem", facts->resident_bytes);
    monitor_set_u64(object, "cores", facts->cores);
    monitor_set_u64(object, "gomaxprocs", 1); // one loop owns the broker
    json_object_set_new(object, "cpu", json_real(facts->cpu_percent));
}

static void add_totals(json_t *object, const struct rill_core *core)
{
    const struct traffic traffic = monitor_traffic(core, NULL);
    monitor_set_u64(object, "connections", core->conn_count);
    monitor_set_u64(object, "total_connections", core->conns_total);
    monitor_set_u64(object, "routes", 0);
    monitor_set_u64(object, "remotes", 0);
    monitor_set_u64(object, "leafnodes", 0);
    monitor_set_u64(object, "in_msgs", traffic.in_msgs);
    monitor_set_u64(object, "out_msgs", traffic.out_msgs);
    monitor_set_u64(object, "in_bytes", traffic.in_bytes);
    monitor_set_u64(object, "out_bytes", traffic.out_bytes);
    monitor_set_u64(object, "slow_consumers", core->slow_consumers);
    monitor_set_u64(object, "stale_connections", core->stale_conns);
    monitor_set_u64(object, "stalled_clients", core->stalled_publishers);
    monitor_set_u64(object, "subscriptions", monitor_sub_count(core));
}

static void add_http(json_t *object, const struct rill_process_facts *facts)
{
    static const char *const paths[] = {
#define VARZ_PATH(path, name, description) path,
        RILL_MONITOR_TABLE(VARZ_PATH)
#undef VARZ_PATH
    };
    json_t *counts = json_object();
    for (int i = 0; facts->http_request_counts && i < RILL_MONITOR_COUNT; i++) {
        if (facts->http_request_counts[i])
            monitor_set_u64(counts, paths[i], facts->http_request_counts[i]);
    }
    json_object_set_new(object, "http_req_stats", counts);
}

json_t *monitor_varz(struct rill_core *core, const struct rill_process_facts *facts)
{
    json_t *object = json_object();
    json_object_set_new(object, "server_id", json_string(core->server_id));
    json_object_set_new(object, "server_name", json_string(core->server_name));
    json_object_set_new(object, "version", json_string(RILL_NATS_LEVEL));
    json_object_set_new(object, "rill_version", json_string(RILL_VERSION));
    monitor_set_u64(object, "proto", 1);
    json_object_set_new(object, "go", json_string(""));
    json_object_set_new(object, "host", json_string(core->host));
    monitor_set_u64(object, "port", core->port);
    if (rill_auth_is_required(core->auth))
        json_object_set_new(object, "auth_required", json_true());
    add_config(object, core, facts);
    json_object_set_new(object, "jetstream", jetstream_json(core));
    monitor_set_u64(object, "tls_timeout", 0);
    monitor_set_u64(object, "write_deadline", (uint64_t)core->limits.write_deadline_ns);
    add_load(object, core, facts);
    add_totals(object, core);
    add_http(object, facts);
    json_object_set_new(object, "config_load_time", monitor_time(facts->config_load_wall_ns));
    if (core->tag_count) {
        json_t *tags = json_array();
        for (size_t i = 0; i < core->tag_count; i++)
            json_array_append_new(tags, monitor_bytes(rill_bytes_from_cstr(core->tags[i])));
        json_object_set_new(object, "tags", tags);
    }
    json_object_set_new(object, "system_account", json_string(core->accounts[ACCOUNT_SYSTEM].name));
    return object;
}
