// SPDX-License-Identifier: Apache-2.0
#include "conn.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "error.h"
#include "proto/info.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

enum {
    TIMEOUT_MS = 5000,
    WAIT_MS = 100,
    WAIT_MAX_MS = 8000,
    JITTER_MS = 100,
    PING_INTERVAL_MS = 120000,
    PINGS_OUT_MAX = 2,
    BUFFER_BYTES_MAX = 8 * 1024 * 1024,
    CLOSE_WAIT_MS = 1000,
};

// ---- options ----

static char *text_copy(const char *text)
{
    return text ? rill_alloc_cstr(rill_bytes_from_cstr(text)) : NULL;
}

static int64_t ms_or(int64_t ms, int64_t otherwise_ms)
{
    return ms > 0 ? ms : otherwise_ms;
}

/* A copy with the defaults filled in. `given` may be shorter than ours, from a program built earlier. */
static void take_options(struct rill_options *ret, const struct rill_options *given)
{
    struct rill_options options = {0};
    if (given)
        memcpy(&options, given,
               given->struct_bytes && given->struct_bytes < sizeof options ? given->struct_bytes
                                                                           : sizeof options);
    options.name = text_copy(options.name);
    options.user = text_copy(options.user);
    options.password = text_copy(options.password);
    options.token = text_copy(options.token);
    options.timeout_ms = ms_or(options.timeout_ms, TIMEOUT_MS);
    options.reconnect_wait_ms = ms_or(options.reconnect_wait_ms, WAIT_MS);
    options.reconnect_wait_max_ms = ms_or(options.reconnect_wait_max_ms, WAIT_MAX_MS);
    options.reconnect_jitter_ms = ms_or(options.reconnect_jitter_ms, JITTER_MS);
    options.ping_interval_ms = ms_or(options.ping_interval_ms, PING_INTERVAL_MS);
    if (options.reconnect_wait_max_ms < options.reconnect_wait_ms)
        options.reconnect_wait_max_ms = options.reconnect_wait_ms;
    if (options.pings_out_max <= 0)
        options.pings_out_max = PINGS_OUT_MAX;
    if (!options.reconnect_buffer_bytes_max)
        options.reconnect_buffer_bytes_max = BUFFER_BYTES_MAX;
    if (!options.output_bytes_max)
        options.output_bytes_max = BUFFER_BYTES_MAX;
    *ret = options;
}

static void free_secret(const char *text)
{
    if (text)
        explicit_bzero((char *)text, strlen(text));
    free((char *)text);
}

static void free_options(struct rill_options *options)
{
    free((char *)options->name);
    free((char *)options->user);
    free_secret(options->password);
    free_secret(options->token);
}

static struct session_config session_config(const struct rill_options *options)
{
    return (struct session_config){
        .connect_timeout_ns = options->timeout_ms * RILL_NS_PER_MS,
        .wait_min_ns = options->reconnect_wait_ms * RILL_NS_PER_MS,
        .wait_max_ns = options->reconnect_wait_max_ms * RILL_NS_PER_MS,
        .jitter_ns = options->reconnect_jitter_ms * RILL_NS_PER_MS,
        .ping_interval_ns = options->ping_interval_ms * RILL_NS_PER_MS,
        .pings_out_max = options->pings_out_max,
        // 0 is what is not given, which is to go on for ever; negative is to give up at once.
        .rounds_max = options->reconnect_rounds_max == 0  ? -1
                      : options->reconnect_rounds_max < 0 ? 0
                                                          : options->reconnect_rounds_max,
        .retry_first = options->retry_first,
    };
}

// ---- making one ----

static uint64_t fresh_seed(void)
{
    uint64_t seed = 0;
    if (getrandom(&seed, sizeof seed, 0) != (ssize_t)sizeof seed)
        seed = (uint64_t)wait_now_ns() ^ (uint64_t)(uintptr_t)&seed;
    return seed;
}

static void init_pure_parts(struct rill_conn *conn, struct servers *take_servers)
{
    conn->random = (struct rill_random){fresh_seed()};
    conn->owed_ns = RILL_NEVER_NS;
    if (!conn->options.keep_order)
        servers_shuffle(take_servers, &conn->random);
    const struct session_config config = session_config(&conn->options);
    session_init(&conn->session, &config, take_servers, rill_random_next(&conn->random));
    outbox_init(&conn->outbox, conn->options.output_bytes_max + conn->options.reconnect_buffer_bytes_max +
                                   INLET_PAYLOAD_BYTES_MAX);
    inlet_init(&conn->inlet);
}

static enum rill_err init_locks(struct rill_conn *conn)
{
    if (pthread_mutex_init(&conn->lock, NULL) || pthread_mutex_init(&conn->subs_lock, NULL) ||
        !wait_cond_init(&conn->changed))
        return RILL_ERR_NO_MEMORY;
    return requests_init(&conn->requests);
}

static void conn_free(struct rill_conn *conn)
{
    link_fini(&conn->link);
    conn_free_subs(conn);
    dispatcher_fini(&conn->dispatcher);
    conn_free_subs(conn); // those of callbacks that ran until now
    requests_fini(&conn->requests);
    session_fini(&conn->session);
    outbox_fini(&conn->outbox);
    inlet_fini(&conn->inlet);
    rill_info_free(conn->info);
    free_options(&conn->options);
    (void)pthread_cond_destroy(&conn->changed);
    (void)pthread_mutex_destroy(&conn->subs_lock);
    (void)pthread_mutex_destroy(&conn->lock);
    free(conn);
}

static enum rill_err conn_create(struct servers *take_servers, const struct rill_options *options,
                                 struct rill_conn **ret)
{
    struct rill_conn *conn = rill_alloc_zero(1, sizeof *conn);
    take_options(&conn->options, options);
    init_pure_parts(conn, take_servers);
    enum rill_err err = init_locks(conn);
    if (!err)
        err = link_init(&conn->link, &conn_link_owner, conn, &conn->lock);
    if (!err)
        err = dispatcher_init(&conn->dispatcher);
    if (err) {
        conn_free(conn);
        return err;
    }
    char inbox[RILL_INBOX_BYTES];
    rill_inbox(conn, inbox);
    (void)snprintf(conn->inbox, sizeof conn->inbox, "%s.", inbox);
    *ret = conn;
    return RILL_OK;
}

/* The session ends its first round by itself; the deadline is for a machine that stands still. */
static enum rill_err wait_for_link(struct rill_conn *conn)
{
    const int64_t all_ms = conn->options.timeout_ms * (int64_t)(conn->session.servers.count + 1);
    const int64_t deadline_ns = wait_deadline_ns(all_ms, 0);
    while (conn->session.state != SESSION_UP && conn->session.state != SESSION_CLOSED)
        if (!conn_wait(conn, deadline_ns))
            return RILL_ERR_TIMEOUT;
    return conn->session.state == SESSION_UP ? RILL_OK : conn->session.why;
}

static enum rill_err open_link(struct rill_conn *conn, struct rill_error *error)
{
    (void)pthread_mutex_lock(&conn->lock);
    conn_event(conn, CONN_OPEN);
    link_pump(&conn->link);
    const enum rill_err err = conn->options.retry_first ? RILL_OK : wait_for_link(conn);
    if (err && error)
        *error = conn->why;
    (void)pthread_mutex_unlock(&conn->lock);
    if (err && error && !error->text[0])
        (void)error_plain(error, err);
    return err;
}

enum rill_err rill_connect_why(struct rill_conn **ret, const char *servers,
                               const struct rill_options *options, struct rill_error *error)
{
    struct servers all;
    struct rill_error_text why;
    if (error)
        *error = (struct rill_error){.err = RILL_OK};
    enum rill_err err = servers_init(&all, rill_bytes_from_cstr(servers), &why);
    if (err)
        return error_set(error, err, "%s", why.text);
    struct rill_conn *conn;
    err = conn_create(&all, options, &conn);
    if (err)
        return error_plain(error, err);
    err = open_link(conn, error);
    if (err)
        rill_destroy(conn);
    else
        *ret = conn;
    return err;
}

enum rill_err rill_connect(struct rill_conn **ret, const char *servers, const struct rill_options *options)
{
    return rill_connect_why(ret, servers, options, NULL);
}

// ---- ending it ----

void rill_close(struct rill_conn *conn)
{
    const int64_t deadline_ns = wait_deadline_ns(CLOSE_WAIT_MS, 0);
    bool waiting = true;
    (void)pthread_mutex_lock(&conn->lock);
    while (waiting && conn->session.state == SESSION_UP && outbox_bytes(&conn->outbox))
        waiting = conn_wait(conn, deadline_ns);
    conn_event(conn, CONN_CLOSE);
    link_pump(&conn->link);
    (void)pthread_mutex_unlock(&conn->lock);
}

void rill_destroy(struct rill_conn *conn)
{
    if (!conn)
        return;
    RILL_ASSERT(!dispatcher_is_me(&conn->dispatcher) && "not from a callback");
    rill_close(conn);
    conn_free(conn);
}

// ---- looking at it ----

enum rill_state rill_conn_state(struct rill_conn *conn)
{
    (void)pthread_mutex_lock(&conn->lock);
    const enum session_state state = conn->session.state;
    const bool ever_up = conn->session.ever_up;
    (void)pthread_mutex_unlock(&conn->lock);
    if (state == SESSION_UP)
        return RILL_STATE_CONNECTED;
    if (state == SESSION_CLOSED)
        return RILL_STATE_CLOSED;
    return ever_up ? RILL_STATE_RECONNECTING : RILL_STATE_CONNECTING;
}

void rill_conn_stats(struct rill_conn *conn, struct rill_stats *ret)
{
    (void)pthread_mutex_lock(&conn->lock);
    *ret = (struct rill_stats){
        .in_msgs = atomic_load(&conn->in_msgs),
        .in_bytes = atomic_load(&conn->in_bytes),
        .out_msgs = conn->out_msgs,
        .out_bytes = conn->out_bytes,
        .dropped_msgs = atomic_load(&conn->dropped_msgs),
        .unsent_msgs = conn->unsent_msgs,
        .reconnects = conn->reconnects,
        .output_bytes = outbox_bytes(&conn->outbox),
    };
    (void)pthread_mutex_unlock(&conn->lock);
}

static void copy_text(char *ret, size_t bytes, const char *text)
{
    (void)snprintf(ret, bytes, "%s", text ? text : "");
}

enum rill_err rill_conn_server(struct rill_conn *conn, struct rill_server_info *ret)
{
    (void)pthread_mutex_lock(&conn->lock);
    const Rill__ServerInfo *info = conn->info;
    if (info) {
        *ret = (struct rill_server_info){.client_id = info->client_id,
                                         .max_payload_bytes = info->max_payload,
                                         .headers = info->headers,
                                         .jetstream = info->jetstream};
        copy_text(ret->url, sizeof ret->url, servers_current(&conn->session.servers)->url.dial);
        copy_text(ret->id, sizeof ret->id, info->server_id);
        copy_text(ret->name, sizeof ret->name, info->server_name);
        copy_text(ret->version, sizeof ret->version, info->version);
    }
    (void)pthread_mutex_unlock(&conn->lock);
    return info ? RILL_OK : RILL_ERR_AGAIN;
}
