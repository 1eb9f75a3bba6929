// SPDX-License-Identifier: Apache-2.0
#include "jetstream_stats.h"
#include "monitor_json.h"

json_t *monitor_jetstream_api(const struct jetstream_stats *stats)
{
    json_t *object = json_object();
    monitor_set_u64(object, "total", stats->api_requests);
    monitor_set_u64(object, "errors", stats->api_errors);
    return object;
}

json_t *monitor_jsz(struct rill_core *core)
{
    json_t *object = monitor_head(core);
    if (!core->jetstream) {
        json_object_set_new(object, "disabled", json_true());
        return object;
    }
    struct jetstream_stats stats;
    jetstream_stats(core->jetstream, &stats);
    json_t *config = json_object();
    json_object_set_new(config, "store_dir", json_string(stats.store_dir));
    json_object_set_new(object, "config", config);
    monitor_set_u64(object, "memory", 0);
    monitor_set_u64(object, "storage", stats.disk_bytes);
    monitor_set_u64(object, "reserved_memory", 0);
    monitor_set_u64(object, "reserved_storage", 0);
    monitor_set_u64(object, "accounts", 1);
    monitor_set_u64(object, "ha_assets", 0);
    json_object_set_new(object, "api", monitor_jetstream_api(&stats));
    monitor_set_u64(object, "streams", stats.streams);
    monitor_set_u64(object, "consumers", stats.consumers);
    monitor_set_u64(object, "messages", stats.messages);
    monitor_set_u64(object, "bytes", stats.bytes);
    return object;
}

json_t *monitor_healthz(struct rill_core *core, int *ret_http_status)
{
    json_t *object = json_object();
    struct jetstream_stats stats = {0};
    if (core->jetstream)
        jetstream_stats(core->jetstream, &stats);
    const char *error = NULL;
    if (core->stopping || core->lame_duck)
        error = "server is shutting down";
    else if (stats.recovering)
        error = "JetStream is recovering streams";
    else if (stats.unavailable)
        error = "JetStream has streams that take no writes";
    *ret_http_status = error ? 503 : 200;
    json_object_set_new(object, "status", json_string(error ? "unavailable" : "ok"));
    if (error)
        json_object_set_new(object, "error", json_string(error));
    if (stats.recovering)
        monitor_set_u64(object, "streams_recovering", stats.recovering);
    if (stats.unavailable) {
        json_object_set_new(object, "stream", monitor_bytes(rill_bytes_from_cstr(stats.unavailable_name)));
        json_object_set_new(object, "reason", monitor_bytes(rill_bytes_from_cstr(stats.unavailable_why)));
    }
    return object;
}
