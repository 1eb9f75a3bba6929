// SPDX-License-Identifier: Apache-2.0
//
// What the broker tells about itself: the JSON of NATS' monitoring endpoints and the text of /metrics. The
// core renders what it knows; the facts of the process come in from the shell. Loop thread only.
#pragma once

#include "core/core.h"

/* Measured by the shell when a request comes. */
struct rill_process_facts {
    int64_t start_wall_ns;
    int64_t config_load_wall_ns;
    uint64_t resident_bytes;
    double cpu_percent;
    uint32_t cores;
    const char *http_host;
    uint16_t http_port;
    const char *http_base_path;
    const uint64_t *http_request_counts; // one per endpoint, in the order of RILL_MONITOR_TABLE
};

/* Endpoint path, symbolic name, and what a person reads about it on the index page. */
#define RILL_MONITOR_TABLE(X)                                                                                \
    X("/", INDEX, "this page")                                                                               \
    X("/varz", VARZ, "the server: configuration, load, totals")                                              \
    X("/connz", CONNZ, "connections")                                                                        \
    X("/subsz", SUBSZ, "subscriptions")                                                                      \
    X("/accountz", ACCOUNTZ, "accounts")                                                                     \
    X("/accstatz", ACCSTATZ, "totals of each account")                                                       \
    X("/jsz", JSZ, "streams and consumers")                                                                  \
    X("/healthz", HEALTHZ, "is everything in order?")                                                        \
    X("/routez", ROUTEZ, "routes (none)")                                                                    \
    X("/gatewayz", GATEWAYZ, "gateways (none)")                                                              \
    X("/leafz", LEAFZ, "leaf nodes (none)")                                                                  \
    X("/metrics", METRICS, "everything for Prometheus")

enum rill_monitor_endpoint {
#define RILL_MONITOR_ENUM(path, name, description) RILL_MONITOR_##name,
    RILL_MONITOR_TABLE(RILL_MONITOR_ENUM)
#undef RILL_MONITOR_ENUM
        RILL_MONITOR_COUNT
};

/* The endpoint of a path (without base path and query; /subscriptionsz is /subsz); RILL_MONITOR_COUNT when
 * unknown. */
enum rill_monitor_endpoint rill_monitor_endpoint_find(struct rill_bytes path);

/* Renders one endpoint into *body (appended) and gives the HTTP status and content type (static). `query` is
   the part behind the question mark, percent-encoded as it came. `callback=` (JSONP) is honoured. A wrong
   parameter is status 400 with NATS' words in the body. */
void rill_core_monitor(struct rill_core *core, const struct rill_process_facts *facts,
                       enum rill_monitor_endpoint endpoint, struct rill_bytes query, struct rill_buf *body,
                       int *ret_http_status, const char **ret_content_type);
