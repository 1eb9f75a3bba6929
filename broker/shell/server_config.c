// SPDX-License-Identifier: Apache-2.0
#include "server.h"

#include "storage/disk.h"

#include <stdio.h>
#include <stdlib.h>

static uint32_t clamp_u32(int64_t value)
{
    return value < 0 || value > UINT32_MAX ? UINT32_MAX : (uint32_t)value;
}

/* 0 and -1 are no limit. */
static uint32_t limit_or_none(int64_t value)
{
    return value <= 0 ? 0 : clamp_u32(value);
}

static struct rill_limits limits_of(const struct rill_options *options)
{
    return (struct rill_limits){
        .payload_bytes_max = (size_t)options->payload_bytes_max,
        .control_line_bytes_max = (size_t)options->control_line_bytes_max,
        .pending_bytes_max = (size_t)options->pending_bytes_max,
        .connections_max = clamp_u32(options->connections_max),
        .subscriptions_max = limit_or_none(options->subscriptions_max),
        .sub_tokens_max = limit_or_none(options->subject_tokens_max),
        .ping_interval_ns = options->ping_interval_ns,
        .ping_max = clamp_u32(options->ping_max),
        .write_deadline_ns = options->write_deadline_ns,
    };
}

/* What INFO tells clients to connect to: "host:port" or "host" of client_advertise, else where the broker
 * listens. */
static uint16_t advertise(struct server *server, const struct rill_options *options)
{
    const char *address = options->client_advertise ? options->client_advertise : options->host;
    (void)snprintf(server->advertised_host, sizeof server->advertised_host, "%s", address);
    if (!options->client_advertise)
        return server->clients.port;
    char *colon = strrchr(server->advertised_host, ':');
    if (!colon || strchr(server->advertised_host, ':') != colon)
        return server->clients.port; // a name, or an IPv6 address without a port
    *colon = '\0';
    return (uint16_t)strtoul(colon + 1, NULL, 10);
}

int64_t server_memory_bytes_max(const struct rill_options *options)
{
    return options->jetstream_memory_bytes_max ? options->jetstream_memory_bytes_max
                                               : process_machine_memory_bytes() / 4 * 3;
}

static int64_t free_bytes(const struct server *server)
{
    if (server->host && server->host->disk)
        return server->host->free_bytes;
    return server->boot.jetstream ? process_free_bytes(server->boot.jetstream_store_dir) : 0;
}

static struct rill_jetstream_config jetstream_config_of(const struct server *server)
{
    const struct rill_options *options = &server->boot;
    struct rill_disk *disk = server->host ? server->host->disk : NULL;
    return (struct rill_jetstream_config){
        .enabled = options->jetstream,
        .store_dir = options->jetstream_store_dir,
        .disk = disk ? disk : rill_disk_real(),
        .lenient = !options->jetstream_strict,
        .sync_interval_ns = options->jetstream_sync_ns,
        .domain = options->jetstream_domain,
        .free_bytes = free_bytes(server),
        .limits =
            {
                .memory_bytes_max = server_memory_bytes_max(options),
                .storage_bytes_max = options->jetstream_file_bytes_max,
                .ack_pending_max = options->jetstream_ack_pending_max,
                .request_batch_max = options->jetstream_request_batch_max,
                .duplicate_window_ns_max = options->jetstream_duplicate_window_ns_max,
                .buffered_messages_max = options->jetstream_buffered_messages_max,
                .buffered_bytes_max = options->jetstream_buffered_bytes_max,
                .requests_max = options->jetstream_requests_max,
            },
    };
}

struct rill_core_config server_core_config(struct server *server, const struct rill_options *options)
{
    const uint16_t port = advertise(server, options);
    return (struct rill_core_config){
        .server_id = server->id,
        .server_name = options->server_name ? options->server_name : server->id,
        .host = server->advertised_host,
        .port = port,
        .limits = limits_of(options),
        .auth = &options->auth,
        .headers_disabled = options->no_header_support,
        .producer_stall_disabled = options->no_fast_producer_stall,
        .match_cache_disabled = options->no_interest_cache,
        .closed_conns_max = limit_or_none(options->closed_clients_max),
        .traced_bytes_max = (size_t)options->traced_bytes_max,
        .system_traced = options->trace_verbose,
        .tags = options->server_tags.items,
        .tag_count = options->server_tags.count,
        .jetstream = jetstream_config_of(server),
        .log = server_log_sink(server),
        .seed = server->seed,
    };
}

struct logger_config server_logger_config(const struct rill_options *options)
{
    const bool trace = options->trace || options->trace_verbose;
    return (struct logger_config){
        .file = options->log_file,
        .file_bytes_max = options->log_bytes_max,
        .files_max = options->log_files_max,
        .level_max = trace            ? RILL_LOG_TRACE
                     : options->debug ? RILL_LOG_DEBUG
                                      : RILL_LOG_INFO,
        .time = options->log_time,
        .time_utc = options->log_time_utc,
    };
}

struct rill_log_sink server_log_sink(struct server *server)
{
    return server->host ? server->host->log : logger_sink(&server->logger);
}
