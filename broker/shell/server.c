// SPDX-License-Identifier: Apache-2.0
#include "server.h"

#include "link.h"
#include "notify.h"

#include "base/assert.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define SERVER_STOP_NS (5 * RILL_NS_PER_S)

// ---- who connects ----

static void client_accepted(void *context, int fd, const char *address, uint16_t port)
{
    struct server *server = context;
    link_socket_open(&server->loop, fd, RILL_CONN_TCP, address, port);
}

static void unix_client_accepted(void *context, int fd, const char *address, uint16_t port)
{
    struct server *server = context;
    link_socket_open(&server->loop, fd, RILL_CONN_UNIX, address, port);
}

static void websocket_accepted(void *context, int fd, const char *address, uint16_t port)
{
    struct server *server = context;
    link_ws_open(&server->loop, fd, address, port, server->in_force->websocket_handshake_timeout_ns);
}

static void descriptor_freed(void *context)
{
    struct server *server = context;
    listener_resume(&server->clients);
    listener_resume(&server->unix_clients);
    listener_resume(&server->websockets);
    listener_resume(&server->http.listener);
}

// ---- start ----

/* The table's -1 lets the kernel choose. */
static uint16_t port_of(int64_t option)
{
    return option < 0 ? 0 : (uint16_t)option;
}

static const char *shown_host(const char *host)
{
    return host ? host : "0.0.0.0";
}

static void log_greeting(const struct server *server)
{
    const struct rill_log_sink *log = &server->loop.log;
    const struct rill_options *options = &server->boot;
    rill_log(log, RILL_LOG_INFO, "Starting rilld");
    rill_log(log, RILL_LOG_INFO, "  Version:  %s (speaks NATS %s)", RILL_VERSION, RILL_NATS_LEVEL);
    rill_log(log, RILL_LOG_INFO, "  Name:     %s", options->server_name ? options->server_name : server->id);
    if (options->jetstream)
        rill_log(log, RILL_LOG_INFO, "  Store:    %s", options->jetstream_store_dir);
    rill_log(log, RILL_LOG_INFO, "  ID:       %s", server->id);
    if (options->config_file)
        rill_log(log, RILL_LOG_INFO, "Using configuration file: %s", options->config_file);
    if (options->store_is_temporary)
        rill_log(log, RILL_LOG_WARN,
                 "No store folder is configured: streams in %s may be lost when the machine starts anew",
                 options->jetstream_store_dir);
    if (options->jetstream && options->jetstream_sync_ns)
        rill_log(
            log, RILL_LOG_WARN,
            "jetstream.sync_interval: messages are acknowledged before they are on disk, and a power cut may "
            "take what came within that time");
    for (size_t i = 0; i < options->warnings.count; i++)
        rill_log(log, RILL_LOG_WARN, "%s", options->warnings.items[i]);
}

static enum rill_err open_http(struct server *server, struct rill_error_text *why)
{
    const struct rill_options *options = &server->boot;
    const struct http_server_config config = {
        .host = options->http_host ? options->http_host : options->host,
        .port = port_of(options->http_port),
        .base_path = options->http_base_path,
        .meter = &server->meter,
        .config_load_wall_ns = &server->config_load_wall_ns,
    };
    return http_server_open(&server->http, &config, why);
}

/* All of them before anything is accepted: who finds the client port open may rely on the others. */
static enum rill_err open_listeners(struct server *server, struct rill_error_text *why)
{
    const struct rill_options *options = &server->boot;
    enum rill_err err = RILL_OK;
    if (!server->host || !server->host->without_tcp)
        err = listener_open_tcp(&server->clients, options->host, port_of(options->port), why);
    if (!err && options->unix_path)
        err = listener_open_unix(&server->unix_clients, options->unix_path, why);
    if (!err && options->websocket_port)
        err = listener_open_tcp(&server->websockets, options->websocket_host,
                                port_of(options->websocket_port), why);
    if (!err && options->http_port)
        err = open_http(server, why);
    return err;
}

static void start_http(struct server *server)
{
    if (server->http.listener.source.fd < 0)
        return;
    http_server_start(&server->http, &server->loop);
    rill_log(&server->loop.log, RILL_LOG_INFO, "Starting http monitor on %s:%u", server->http.host,
             (unsigned)server->http.listener.port);
}

static void start_tcp(struct server *server)
{
    if (server->clients.source.fd < 0)
        return;
    listener_start(&server->clients, &server->loop, client_accepted, server);
    rill_log(&server->loop.log, RILL_LOG_INFO, "Listening for client connections on %s:%u",
             shown_host(server->boot.host), (unsigned)server->clients.port);
}

static void start_listeners(struct server *server)
{
    const struct rill_options *options = &server->boot;
    const struct rill_log_sink *log = &server->loop.log;
    start_http(server);
    if (server->websockets.source.fd >= 0) {
        listener_start(&server->websockets, &server->loop, websocket_accepted, server);
        rill_log(log, RILL_LOG_INFO, "Listening for websocket clients on ws://%s:%u",
                 shown_host(options->websocket_host), (unsigned)server->websockets.port);
    }
    if (server->unix_clients.source.fd >= 0) {
        listener_start(&server->unix_clients, &server->loop, unix_client_accepted, server);
        rill_log(log, RILL_LOG_INFO, "Listening for client connections on unix://%s", options->unix_path);
    }
    start_tcp(server);
}

static struct ports_entry ports_entry_of(const struct listener *listener, const char *host)
{
    return (struct ports_entry){listener->any_address ? NULL : host, listener->port};
}

static enum rill_err write_files(struct server *server, struct rill_error_text *why)
{
    const struct rill_options *options = &server->boot;
    const struct ports ports = {
        .nats = ports_entry_of(&server->clients, options->host),
        .monitoring = ports_entry_of(&server->http.listener, server->http.host),
        .websocket = ports_entry_of(&server->websockets, options->websocket_host),
    };
    enum rill_err err = options->pid_file ? process_write_pid_file(options->pid_file, why) : RILL_OK;
    server->pid_file_written = options->pid_file && !err;
    if (!err && options->ports_file_dir)
        err = ports_file_write(&server->ports_file, options->ports_file_dir, &ports, why);
    return err;
}

static void start_core(struct server *server)
{
    const struct rill_core_config config = server_core_config(server, server->in_force);
    poller_take_time(&server->loop.poller);
    server->loop.core = rill_core_create(&config, server->loop.poller.now);
    loop_take_effects(&server->loop); // the streams are read back from now on
}

static void signal_caught(void *context, int signal_number);

static enum rill_err catch_signals(struct server *server, struct rill_error_text *why)
{
    const enum rill_err err = signals_start(&server->signals, &server->loop.poller, signal_caught, server);
    if (err)
        rill_error_text_set(why, "signals: %s", rill_err_text(err));
    return err;
}

static enum rill_err start_loop(struct server *server, struct rill_error_text *why)
{
    const enum rill_err err = loop_init(&server->loop, server_log_sink(server), why);
    if (err)
        return err;
    server->loop.descriptor_freed = descriptor_freed;
    server->loop.descriptor_freed_context = server;
    server->config_load_wall_ns = server->loop.poller.now.wall_ns;
    process_meter_init(&server->meter, server->loop.poller.now);
    return server->host ? RILL_OK : catch_signals(server, why);
}

static enum rill_err open_log(struct server *server, struct rill_error_text *why)
{
    const struct logger_config log = server_logger_config(&server->boot);
    return server->host ? RILL_OK : logger_configure(&server->logger, &log, why);
}

/* On a disk of the host's own there is nothing to look at. */
static enum rill_err make_store_folder(const struct server *server, struct rill_error_text *why)
{
    if (!server->boot.jetstream || (server->host && server->host->disk))
        return RILL_OK;
    const enum rill_err err = process_make_folder(server->boot.jetstream_store_dir, why);
    if (err)
        rill_error_text_wrap(why, "JetStream store");
    return err;
}

static enum rill_err start_parts(struct server *server, struct rill_error_text *why)
{
    enum rill_err err = open_log(server, why);
    if (!err)
        err = start_loop(server, why);
    if (err)
        return err;
    log_greeting(server);
    err = make_store_folder(server, why);
    if (!err)
        err = open_listeners(server, why);
    if (!err)
        err = write_files(server, why); // from here on nothing fails
    if (err)
        return err;
    start_core(server);
    start_listeners(server);
    return RILL_OK;
}

/* The service manager, when the process is the broker. */
static void tell_manager(const struct server *server, const char *state)
{
    if (!server->host)
        (void)notify_send(getenv("NOTIFY_SOCKET"), state);
}

static enum rill_err start(struct server *server, struct rill_options *options,
                           const struct server_host *host, struct rill_error_text *why)
{
    *server = (struct server){
        .boot = *options,
        .host = host,
        .clients = LISTENER_CLOSED,
        .unix_clients = LISTENER_CLOSED,
        .websockets = LISTENER_CLOSED,
        .http.listener = LISTENER_CLOSED,
        .loop.poller.epoll_fd = -1,
        .seed = process_random_seed(),
    };
    server->in_force = &server->boot;
    process_make_server_id(server->id);
    logger_init(&server->logger);
    const enum rill_err err = start_parts(server, why);
    const struct rill_log_sink log = server_log_sink(server);
    if (err) {
        rill_log(&log, RILL_LOG_FATAL, "%s", why->text);
        return err;
    }
    rill_log(&log, RILL_LOG_INFO, "Server is ready");
    tell_manager(server, "READY=1");
    return RILL_OK;
}

enum rill_err server_start(struct server *server, int argc, char *const argv[], struct rill_options *options)
{
    struct rill_error_text why;
    const enum rill_err err = start(server, options, NULL, &why);
    server->argc = argc;
    server->argv = argv;
    return err;
}

enum rill_err server_start_hosted(struct server *server, const struct server_host *host,
                                  struct rill_options *options, struct rill_error_text *why)
{
    RILL_ASSERT(host && host->log.write);
    return start(server, options, host, why);
}

// ---- end ----

static void close_client_listeners(struct server *server)
{
    listener_close(&server->clients);
    listener_close(&server->unix_clients);
    listener_close(&server->websockets);
}

void server_stop(struct server *server)
{
    const int64_t now_ns = server->loop.poller.now.mono_ns;
    if (server->loop.stopping) {
        server->stop_deadline_ns = now_ns; // asked twice: not another moment
        return;
    }
    rill_log(&server->loop.log, RILL_LOG_INFO, "Initiating Shutdown...");
    tell_manager(server, "STOPPING=1");
    server->loop.stopping = true;
    server->stop_deadline_ns = now_ns + SERVER_STOP_NS;
    close_client_listeners(server);
    rill_core_stop(server->loop.core);
}

static void enter_lame_duck(struct server *server)
{
    if (server->lame_duck || server->loop.stopping)
        return;
    server->lame_duck = true;
    rill_log(&server->loop.log, RILL_LOG_INFO, "Entering lame duck mode, stop accepting new clients");
    close_client_listeners(server);
    rill_core_lame_duck(server->loop.core, server->in_force->lame_duck_grace_ns,
                        server->in_force->lame_duck_duration_ns);
}

static void reopen_log(struct server *server)
{
    struct rill_error_text why;
    if (logger_reopen(&server->logger, &why))
        rill_log(&server->loop.log, RILL_LOG_WARN, "File log re-open ignored, %s", why.text);
    else
        rill_log(&server->loop.log, RILL_LOG_INFO, "File log re-opened");
}

static void signal_caught(void *context, int signal_number)
{
    struct server *server = context;
    rill_log(&server->loop.log, RILL_LOG_DEBUG, "Trapped \"%s\" signal", strsignal(signal_number));
    switch (signal_number) {
    case SIGHUP:
        server_reload(server);
        return;
    case SIGUSR1:
        reopen_log(server);
        return;
    case SIGUSR2:
        enter_lame_duck(server);
        return;
    default:
        server_stop(server);
        return;
    }
}

/* The core is done, or the time is up. */
static bool is_stopped(const struct server *server)
{
    return server->loop.stopping && (rill_core_is_idle(server->loop.core) ||
                                     server->loop.poller.now.mono_ns >= server->stop_deadline_ns);
}

int server_run(struct server *server)
{
    while (!is_stopped(server)) {
        loop_turn(&server->loop, server->loop.stopping ? server->stop_deadline_ns : RILL_NEVER_NS);
        if (server->lame_duck && !server->loop.link_count && !server->loop.stopping)
            server_stop(server);
    }
    loop_close_links(&server->loop);
    const bool in_time = rill_core_is_idle(server->loop.core);
    if (!in_time)
        rill_log(&server->loop.log, RILL_LOG_ERROR, "Not everything was written in time");
    rill_log(&server->loop.log, RILL_LOG_INFO, "Server Exiting..");
    return in_time ? 0 : 1;
}

void server_destroy(struct server *server)
{
    http_server_close(&server->http);
    close_client_listeners(server);
    ports_file_remove(&server->ports_file);
    if (server->pid_file_written)
        (void)unlink(server->boot.pid_file);
    signals_stop(&server->signals);
    loop_fini(&server->loop);
    rill_core_destroy(server->loop.core);
    logger_fini(&server->logger);
    rill_options_fini(&server->reloaded);
    rill_options_fini(&server->boot);
}
