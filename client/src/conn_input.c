// SPDX-License-Identifier: Apache-2.0
//
// The reader: what a server sends, command by command. It runs on nng's thread, one read at a time. Messages
// of one subscription that stand together go into its queue in one piece.
#include "conn.h"

#include "base/assert.h"
#include "error.h"
#include "proto/headers.h"
#include "proto/info.h"
#include "proto/writer.h"

#include <stdio.h>
#include <strings.h>

// ---- messages ----

static void flush_run(struct rill_conn *conn)
{
    struct rill_sub *sub = conn->run_sub;
    if (!sub || !conn->run.first)
        return;
    const struct sub_taken taken = sub_take_run(sub, &conn->run);
    if (taken.dropped)
        (void)atomic_fetch_add(&conn->dropped_msgs, taken.dropped);
    if (taken.finished)
        conn_forget_sub(conn, sub);
    if (taken.slow_began) {
        (void)pthread_mutex_lock(&conn->lock);
        conn_tell(conn, RILL_EVENT_SLOW, NULL, sub);
        (void)pthread_mutex_unlock(&conn->lock);
    }
}

static void leave_sub(struct rill_conn *conn)
{
    flush_run(conn);
    sub_unref(conn->run_sub);
    conn->run_sub = NULL;
}

/* The subscription of the command, which is then the current one; NULL when nobody has that sid any more. */
static struct rill_sub *enter_sub(struct rill_conn *conn, struct rill_bytes sid_text)
{
    uint64_t sid = 0;
    if (!rill_bytes_to_u64(sid_text, UINT64_MAX, &sid))
        return NULL;
    if (conn->run_sub && conn->run_sub->sid == sid)
        return conn->run_sub;
    leave_sub(conn);
    return conn->run_sub = conn_find_sub(conn, sid);
}

static void append_to_run(struct msg_run *run, struct rill_msg *msg)
{
    if (run->last)
        run->last->next = msg;
    else
        run->first = msg;
    run->last = msg;
    run->count++;
}

static enum rill_err on_message(struct rill_conn *conn, const struct rill_command *command)
{
    const size_t bytes = command->headers.len + command->payload.len;
    (void)atomic_fetch_add_explicit(&conn->in_msgs, 1, memory_order_relaxed);
    (void)atomic_fetch_add_explicit(&conn->in_bytes, bytes, memory_order_relaxed);
    struct rill_sub *sub = enter_sub(conn, command->sid);
    if (!sub)
        return RILL_OK; // sent before the server saw our UNSUB
    if (command->headers.len && !rill_headers_are_valid(command->headers))
        return RILL_ERR_DAMAGED;
    struct rill_msg *msg = msg_create(command);
    if (!msg)
        return RILL_ERR_NO_MEMORY;
    if (!sub->hooks.arrived || sub->hooks.arrived(sub->hooks.context, msg))
        append_to_run(&conn->run, msg);
    return RILL_OK;
}

// ---- everything else, with the lock held ----

/* What comes from a stream that was given up already means nothing for the next attempt, which does not begin
   before the old stream is gone. */
static bool is_current(const struct rill_conn *conn)
{
    return conn->session.state >= SESSION_HELLO && conn->session.state <= SESSION_UP;
}

/* Addresses are told without a scheme: they are for the kind of link that this one is. */
static bool learn_all(struct rill_conn *conn, const char *scheme, char *const *addresses, size_t count)
{
    bool fresh = false;
    char url[URL_DIAL_BYTES];
    for (size_t i = 0; i < count; i++) {
        const int len = snprintf(url, sizeof url, "%s%s", scheme, addresses[i]);
        if (len < (int)sizeof url)
            fresh |= servers_discover(&conn->session.servers, rill_bytes_from_cstr(url));
    }
    return fresh;
}

static void learn_servers(struct rill_conn *conn, const Rill__ServerInfo *info)
{
    const struct rill_bytes dial = rill_bytes_from_cstr(servers_current(&conn->session.servers)->url.dial);
    bool fresh = false;
    if (conn->options.ignore_discovered)
        return;
    if (rill_bytes_has_prefix(dial, RILL_BYTES("tcp://")))
        fresh = learn_all(conn, "tcp://", info->connect_urls, info->n_connect_urls);
    else if (rill_bytes_has_prefix(dial, RILL_BYTES("ws://")))
        fresh = learn_all(conn, "ws://", info->ws_connect_urls, info->n_ws_connect_urls);
    if (fresh && conn->session.ever_up)
        conn_tell(conn, RILL_EVENT_SERVERS, NULL, NULL);
}

static enum rill_err on_info(struct rill_conn *conn, struct rill_bytes json)
{
    Rill__ServerInfo *info;
    struct rill_error_text why;
    const enum rill_err err = rill_info_parse(json, &info, &why);
    if (err)
        return err;
    rill_info_free(conn->info);
    conn->info = info;
    atomic_store(&conn->max_payload_bytes, info->max_payload);
    atomic_store(&conn->server_headers, info->headers && !conn->options.no_headers);
    learn_servers(conn, info);
    if (info->ldm)
        conn_tell(conn, RILL_EVENT_LAME_DUCK, NULL, NULL);
    conn_event(conn, CONN_INFO);
    return RILL_OK;
}

static void on_pong(struct rill_conn *conn)
{
    if (conn->session.state == SESSION_UP) {
        conn->pongs_got++;
        conn_announce(conn);
    }
    conn_event(conn, CONN_PONG);
}

static bool has_word(struct rill_bytes text, const char *word)
{
    const size_t len = strlen(word);
    for (size_t i = 0; i + len <= text.len; i++)
        if (strncasecmp((const char *)text.data + i, word, len) == 0)
            return true;
    return false;
}

/* Of what servers complain about, these close the link; a permission does not. */
static enum rill_err complaint_err(struct rill_bytes text)
{
    if (has_word(text, "permissions violation"))
        return RILL_ERR_AGAIN;
    if (has_word(text, "authorization") || has_word(text, "authentication"))
        return RILL_ERR_DENIED;
    return has_word(text, "invalid subject") || has_word(text, "invalid publish subject")
               ? RILL_ERR_AGAIN
               : RILL_ERR_DISCONNECTED;
}

static void on_complaint(struct rill_conn *conn, struct rill_bytes text)
{
    char line[192];
    (void)snprintf(line, sizeof line, "the server says " RILL_PRI, (int)(text.len < 160 ? text.len : 160),
                   (const char *)text.data);
    const enum rill_err err = complaint_err(text);
    if (err != RILL_ERR_AGAIN) {
        conn_fail(conn, err, line);
        return;
    }
    struct rill_error error;
    const bool permission = has_word(text, "permissions");
    (void)error_set(&error, permission ? RILL_ERR_DENIED : RILL_ERR_INVALID, "%s", line);
    conn_tell(conn, RILL_EVENT_ERROR, &error, NULL);
}

static enum rill_err on_rare(struct rill_conn *conn, const struct rill_command *command)
{
    enum rill_err err = RILL_OK;
    flush_run(conn);
    (void)pthread_mutex_lock(&conn->lock);
    if (!is_current(conn)) {
        (void)pthread_mutex_unlock(&conn->lock);
        return RILL_OK;
    }
    switch (command->op) {
    case RILL_OP_INFO:
        err = on_info(conn, command->args);
        break;
    case RILL_OP_PING:
        err = rill_buf_append(&conn->outbox.front, RILL_BYTES("PONG\r\n"));
        break;
    case RILL_OP_PONG:
        on_pong(conn);
        break;
    case RILL_OP_ERR:
        on_complaint(conn, command->args);
        break;
    default:
        break;
    }
    (void)pthread_mutex_unlock(&conn->lock);
    return err;
}

static enum rill_err take_commands(struct rill_conn *conn)
{
    struct rill_command command;
    enum rill_err err;
    while (!(err = inlet_next(&conn->inlet, &command))) {
        const bool message = command.op == RILL_OP_MSG || command.op == RILL_OP_HMSG;
        err = message ? on_message(conn, &command) : on_rare(conn, &command);
        if (err)
            return err;
    }
    return err;
}

enum rill_err conn_room(void *owner, uint8_t **ret_data, size_t *ret_bytes)
{
    struct rill_conn *conn = owner;
    return inlet_room(&conn->inlet, ret_data, ret_bytes);
}

void conn_received(void *owner, size_t bytes)
{
    struct rill_conn *conn = owner;
    inlet_filled(&conn->inlet, bytes);
    const enum rill_err err = take_commands(conn);
    leave_sub(conn);
    if (err == RILL_ERR_AGAIN)
        return;
    (void)pthread_mutex_lock(&conn->lock);
    if (is_current(conn))
        conn_fail(conn, err, err == RILL_ERR_NO_MEMORY ? "out of memory" : "the server sent garbage");
    (void)pthread_mutex_unlock(&conn->lock);
}
