// SPDX-License-Identifier: Apache-2.0
//
// The monitoring pages over HTTP/1.1, on the broker's own loop: GET and HEAD of the endpoints that
// core/monitor.h renders, keep-alive, nothing else. Its connections are few, have short deadlines and are no
// business of the core. Loop thread only.
#pragma once

#include "listener.h"
#include "process.h"

struct http_conn;

enum { HTTP_CONNS_MAX = 128 };

struct http_server {
    struct listener listener;
    struct loop *loop;
    const char *host;      // as configured; borrowed
    const char *base_path; // without a slash at its end, "" or "/nats"; borrowed
    size_t base_path_len;
    struct process_meter *meter;        // borrowed
    const int64_t *config_load_wall_ns; // borrowed
    struct http_conn *conns;
    unsigned conn_count;
    uint64_t request_counts[RILL_MONITOR_COUNT];
};

struct http_server_config {
    const char *host; // NULL: every address
    uint16_t port;    // 0: the kernel chooses
    const char *base_path;
    struct process_meter *meter;
    const int64_t *config_load_wall_ns;
};

/* Opens the listener; nothing is served yet. */
enum rill_err http_server_open(struct http_server *server, const struct http_server_config *config,
                               struct rill_error_text *why) RILL_MUST_CHECK;
void http_server_start(struct http_server *server, struct loop *loop);
/* Closes everything at once; harmless when it is not open. */
void http_server_close(struct http_server *server);
