// SPDX-License-Identifier: Apache-2.0
//
// The broker as a process: the core, the loop, the listeners, the log, and what the signals of an operator do
// to them.
//
//     server_start ──► server_run ──── INT, TERM ───────────────────────────────────────► stopping ──►
//     returns
//                         ├── USR2: lame duck, until the last client is gone ──────────────────┘
//                         ├── HUP: reload        USR1: reopen the log
//
// One thread. main owns it; or a host does, a program that has its broker inside (broker/embedded): then nothing is
// taken from the process, and server_stop ends it instead of a signal.
#pragma once

#include "http.h"
#include "listener.h"
#include "logger.h"
#include "loop.h"
#include "ports_file.h"
#include "process.h"
#include "signals.h"

#include "config/options.h"

struct rill_disk;

/* A program that has a broker inside. Neither signals nor the service manager are the broker's then, and there is no
   command line that a reload could read again. */
struct server_host {
    struct rill_log_sink log; // what it says goes there; on the thread that runs the server
    bool without_tcp;         // options->port is not listened on
    struct rill_disk *disk;   // of the streams, borrowed; NULL: the machine's
    int64_t free_bytes;       // of that disk
};

struct server {
    int argc;
    char *const *argv;
    struct rill_options boot;       // of the start: what may not change points into it
    struct rill_options reloaded;   // of the last reload; all zero until there was one
    struct rill_options *in_force;  // one of the two
    const struct server_host *host; // NULL: the broker is a process of its own
    struct logger logger;
    struct loop loop;
    struct signals signals;
    struct listener clients;
    struct listener unix_clients;
    struct listener websockets;
    struct http_server http;
    struct process_meter meter;
    struct ports_file ports_file;
    int64_t config_load_wall_ns;
    int64_t stop_deadline_ns; // when stopping
    uint64_t seed;
    bool lame_duck;
    bool pid_file_written;
    char id[57];
    char advertised_host[256];
};

/* Takes the options. Opens the log, listens, starts the core; the first line that is logged is "Starting
   rilld", and when it is back clients may connect. On failure the reason is logged as fatal; server_destroy
   is called all the same. */
enum rill_err server_start(struct server *server, int argc, char *const argv[],
                           struct rill_options *options) RILL_MUST_CHECK;
/* The same inside a program; the host is borrowed until server_destroy. On failure the reason is in `why`. */
enum rill_err server_start_hosted(struct server *server, const struct server_host *host,
                                  struct rill_options *options, struct rill_error_text *why) RILL_MUST_CHECK;
/* Until a signal or server_stop ends it. The exit status: 0, or 1 when not everything could be written in time. */
int server_run(struct server *server);
/* Begins the end, inside a turn: server_run returns when everything is written. A second time: at once. */
void server_stop(struct server *server);
void server_destroy(struct server *server);

/* For server.c and server_reload.c: the options in the words of the core and of the logger. */
struct rill_core_config server_core_config(struct server *server, const struct rill_options *options);
struct logger_config server_logger_config(const struct rill_options *options);
/* What streams in memory may take: three quarters of the machine's when it is not configured. */
int64_t server_memory_bytes_max(const struct rill_options *options);
/* Where the core and the loop say something. */
struct rill_log_sink server_log_sink(struct server *server);
/* Reads the configuration again and lets take effect what can. Inside a turn. */
void server_reload(struct server *server);
