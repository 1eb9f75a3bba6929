// SPDX-License-Identifier: Apache-2.0
//
// The happy path: the options become those of rilld, the caller's thread starts the server and runs it until the streams
// are there (so that it serves when this is back), then a thread of the broker's runs it; an eventfd ends it, from any thread. What fails fails before that thread is
// there.
//
// What a process has once is left alone: no signal is caught, and all are blocked in the threads that are started here,
// so that the program's own handlers run on its own threads.
#include "rill-broker.h"

#include "server.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "storage/disk.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { NAME_BYTES_MAX = 100, URL_BYTES_MAX = 300 };

struct rill_broker {
    struct server server;
    struct server_host host;
    struct rill_broker_options options; // its texts are not looked at after the start
    struct source stop;                 // the eventfd; in the server's loop
    struct rill_disk *memory;           // NULL: the streams are in a folder
    char *folder;                       // the server points at it
    char socket[NAME_BYTES_MAX + 2];    // "@name"; so it does here
    char *tcp_host;                     // and here
    pthread_t thread;
    bool server_started;               // begun, at least
    struct rill_error_text last_error; // that was logged
    char url[URL_BYTES_MAX];
    char tcp_url[URL_BYTES_MAX];
};

// ---- the log ----

static_assert((int)RILL_BROKER_FATAL == (int)RILL_LOG_FATAL && (int)RILL_BROKER_TRACE == (int)RILL_LOG_TRACE,
              "the levels of the header are those of base/log.h");

static void log_line(void *context, enum rill_log_level level, const char *line)
{
    struct rill_broker *broker = context;
    if (level == RILL_LOG_ERROR)
        (void)snprintf(broker->last_error.text, sizeof broker->last_error.text, "%s", line);
    if (broker->options.log)
        broker->options.log(broker->options.log_context, (enum rill_broker_level)level, line);
}

// ---- the options ----

/* What a program inside which a broker is has to say by other means, or not at all. */
static enum rill_err refuse_of_process(const struct rill_options *options, struct rill_error_text *why)
{
    const struct {
        const char *key;
        bool given;
    } keys[] = {
        {"unix", options->unix_path != NULL},
        {"log_file", options->log_file != NULL},
        {"pid_file", options->pid_file != NULL},
        {"ports_file_dir", options->ports_file_dir != NULL},
        {"store_dir", options->jetstream_store_dir && !options->store_is_temporary},
    };
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        if (!keys[i].given)
            continue;
        rill_error_text_set(why, "config: %s is not for a broker inside a program", keys[i].key);
        return RILL_ERR_INVALID;
    }
    return RILL_OK;
}

static enum rill_err load_config(const struct rill_broker *broker, struct rill_options *ret_options,
                                 struct rill_error_text *why)
{
    const char *text = broker->options.config ? broker->options.config : "";
    enum rill_err err = rill_options_load_text(rill_bytes_from_cstr(text), "config", ret_options, why);
    if (!err && (err = refuse_of_process(ret_options, why)))
        rill_options_fini(ret_options);
    return err;
}

static enum rill_err choose_name(struct rill_broker *broker, struct rill_error_text *why)
{
    const char *name = broker->options.name;
    if (!name) {
        (void)snprintf(broker->socket, sizeof broker->socket, "@rill-%d-%016" PRIx64, (int)getpid(),
                       process_random_seed());
        return RILL_OK;
    }
    if (!name[0] || strlen(name) > NAME_BYTES_MAX || strpbrk(name, ", \t\r\n")) {
        rill_error_text_set(why, "name: up to %d bytes, without blanks and commas", NAME_BYTES_MAX);
        return RILL_ERR_INVALID;
    }
    (void)snprintf(broker->socket, sizeof broker->socket, "@%s", name);
    return RILL_OK;
}

static void place_streams(struct rill_broker *broker, struct rill_options *options)
{
    const struct rill_broker_options *wanted = &broker->options;
    options->jetstream = true;
    options->store_is_temporary = false;
    if (wanted->memory_bytes_max > 0)
        options->jetstream_memory_bytes_max = wanted->memory_bytes_max;
    broker->folder = rill_alloc_cstr(rill_bytes_from_cstr(wanted->store_folder ? wanted->store_folder : "/"));
    options->jetstream_store_dir = broker->folder;
    if (wanted->store_folder)
        return;
    const int64_t bytes_max = server_memory_bytes_max(options);
    broker->memory = rill_disk_memory_create((uint64_t)bytes_max);
    broker->host.disk = broker->memory;
    broker->host.free_bytes = bytes_max;
}

static void place_sockets(struct rill_broker *broker, struct rill_options *options)
{
    const struct rill_broker_options *wanted = &broker->options;
    options->unix_path = broker->socket;
    broker->host.without_tcp = !wanted->tcp_host;
    if (!wanted->tcp_host)
        return;
    broker->tcp_host = rill_alloc_cstr(rill_bytes_from_cstr(wanted->tcp_host));
    options->host = broker->tcp_host;
    options->port = wanted->tcp_port ? wanted->tcp_port : -1;
}

// ---- start ----

/* Under which addresses it is reached from this machine. */
static void write_urls(struct rill_broker *broker)
{
    const char *host = broker->tcp_host;
    (void)snprintf(broker->url, sizeof broker->url, "abstract://%s", broker->socket + 1);
    if (!host)
        return;
    host = broker->server.clients.any_address ? "127.0.0.1" : host;
    const bool is_ipv6 = strchr(host, ':') != NULL;
    (void)snprintf(broker->tcp_url, sizeof broker->tcp_url, "nats://%s%s%s:%u", is_ipv6 ? "[" : "", host,
                   is_ipv6 ? "]" : "", (unsigned)broker->server.clients.port);
}

static void stop_wanted(struct source *source, uint32_t events)
{
    struct rill_broker *broker = (struct rill_broker *)((char *)source - offsetof(struct rill_broker, stop));
    poller_set_interest(&broker->server.loop.poller, source, 0);
    server_stop(&broker->server);
}

static void *run(void *context)
{
    struct rill_broker *broker = context;
    (void)server_run(&broker->server);
    while (!rill_core_is_idle(broker->server.loop.core)) // a disk that takes its time
        loop_turn(&broker->server.loop, RILL_NEVER_NS);
    return NULL;
}

static enum rill_err start_server(struct rill_broker *broker, struct rill_error_text *why)
{
    struct rill_options options;
    enum rill_err err = load_config(broker, &options, why);
    if (err)
        return err;
    place_streams(broker, &options);
    place_sockets(broker, &options);
    broker->host.log = (struct rill_log_sink){
        .write = log_line,
        .context = broker,
        .level_max = broker->options.log ? server_logger_config(&options).level_max : RILL_LOG_ERROR,
    };
    broker->server_started = true;
    return server_start_hosted(&broker->server, &broker->host, &options, why);
}

/* A folder that is another broker's, or cannot be read, is an error of the start. */
static enum rill_err read_streams(struct rill_broker *broker, struct rill_error_text *why)
{
    struct loop *loop = &broker->server.loop;
    while (rill_core_recovery(loop->core) == RILL_CORE_RECOVERING)
        loop_turn(loop, RILL_NEVER_NS);
    if (rill_core_recovery(loop->core) == RILL_CORE_RECOVERED)
        return RILL_OK;
    rill_error_text_set(why, "%s", broker->last_error.text);
    return RILL_ERR_IO;
}

static enum rill_err start_thread(struct rill_broker *broker, struct rill_error_text *why)
{
    broker->stop = (struct source){.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), .ready = stop_wanted};
    if (broker->stop.fd < 0) {
        const int code = errno;
        rill_error_text_set(why, "event: %s", strerror(code));
        return rill_err_from_errno(code);
    }
    poller_set_interest(&broker->server.loop.poller, &broker->stop, EPOLLIN);
    const int code = pthread_create(&broker->thread, NULL, run, broker);
    if (code) {
        rill_error_text_set(why, "thread: %s", strerror(code));
        return rill_err_from_errno(code);
    }
    return RILL_OK;
}

/* Without a thread that runs it: everything has to end by itself on this one. */
static void end_server(struct rill_broker *broker)
{
    if (broker->server.loop.core) {
        server_stop(&broker->server);
        (void)run(broker);
    }
}

static void destroy(struct rill_broker *broker)
{
    if (broker->stop.fd >= 0) {
        poller_remove(&broker->server.loop.poller, &broker->stop);
        (void)close(broker->stop.fd);
    }
    if (broker->server_started)
        server_destroy(&broker->server);
    rill_disk_memory_destroy(broker->memory);
    free(broker->folder);
    free(broker->tcp_host);
    free(broker);
}

static enum rill_err start_parts(struct rill_broker *broker, struct rill_error_text *why)
{
    enum rill_err err = choose_name(broker, why);
    if (!err)
        err = start_server(broker, why);
    if (err)
        return err;
    write_urls(broker);
    err = read_streams(broker, why);
    if (!err)
        err = start_thread(broker, why);
    if (err)
        end_server(broker);
    return err;
}

/* The threads that are started meanwhile, and those that they start, get no signal. */
static enum rill_err start_without_signals(struct rill_broker *broker, struct rill_error_text *why)
{
    sigset_t all, before;
    (void)sigfillset(&all);
    int status = pthread_sigmask(SIG_SETMASK, &all, &before);
    RILL_ASSERT(status == 0);
    const enum rill_err err = start_parts(broker, why);
    status = pthread_sigmask(SIG_SETMASK, &before, NULL);
    RILL_ASSERT(status == 0);
    return err;
}

bool rill_broker_start(struct rill_broker **ret, const struct rill_broker_options *options,
                       struct rill_broker_error *error)
{
    struct rill_broker *broker = rill_alloc_zero(1, sizeof *broker);
    struct rill_error_text why = {.text = ""};
    broker->stop.fd = -1;
    if (options) // of a program that was built with an older header there are fewer
        memcpy(&broker->options, options,
               options->struct_bytes && options->struct_bytes < sizeof *options ? options->struct_bytes
                                                                                : sizeof *options);
    if (start_without_signals(broker, &why)) {
        if (error)
            (void)snprintf(error->text, sizeof error->text, "%s", why.text);
        destroy(broker);
        return false;
    }
    *ret = broker;
    return true;
}

// ---- while it runs, and the end ----

const char *rill_broker_url(const struct rill_broker *broker)
{
    return broker->url;
}

const char *rill_broker_tcp_url(const struct rill_broker *broker)
{
    return broker->tcp_url[0] ? broker->tcp_url : NULL;
}

void rill_broker_stop(struct rill_broker *broker)
{
    const uint64_t one = 1;
    if (!broker)
        return;
    const ssize_t written = write(broker->stop.fd, &one, sizeof one);
    RILL_ASSERT(written == sizeof one);
    const int status = pthread_join(broker->thread, NULL);
    RILL_ASSERT(status == 0);
    destroy(broker);
}
