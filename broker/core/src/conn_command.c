// SPDX-License-Identifier: Apache-2.0
//
// What each command of a client does, except CONNECT (conn_connect.c).
#include "base/alloc.h"
#include "base/assert.h"
#include "conn.h"
#include "conn_connect.h"
#include "core_state.h"
#include "permissions.h"
#include "proto/subject.h"
#include "proto/writer.h"
#include "route.h"
#include "trace.h"

#include <stdio.h>
#include <stdlib.h>
#include <utlist.h>
#include <xxhash.h>

/* A log line shows so much of what a peer sent. */
enum {
    SNIPPET_MAX = 32,
    QUOTED_MAX = 2048, // of what an error quotes, the rest is cut
};

static void protocol_error(struct conn *conn, const char *what, struct rill_bytes error_line)
{
    struct rill_core *core = conn->core;
    rill_log(&core->log, RILL_LOG_ERROR, "%s - %s", conn_label(conn), what);
    core->protocol_errors++;
    conn_close(conn, "Protocol Violation", error_line);
}

void conn_parse_error(struct conn *conn, enum rill_parse_status status, struct rill_bytes input)
{
    struct rill_core *core = conn->core;
    const struct rill_bytes snippet =
        rill_bytes_of(input.data, input.len < SNIPPET_MAX ? input.len : SNIPPET_MAX);
    rill_log(&core->log, RILL_LOG_DEBUG, "%s - refused input begins \"" RILL_PRI "\"", conn_label(conn),
             RILL_ARG(snippet));
    switch (status) {
    case RILL_PARSE_CONTROL_LINE_LONG:
        protocol_error(conn, "maximum control line exceeded",
                       RILL_BYTES("-ERR 'maximum control line exceeded'\r\n"));
        return;
    case RILL_PARSE_PAYLOAD_LARGE:
        protocol_error(conn, "maximum payload exceeded", RILL_BYTES("-ERR 'Maximum Payload Violation'\r\n"));
        conn->close_reason = "Maximum Message Payload Exceeded";
        return;
    case RILL_PARSE_BAD_ARGS:
    case RILL_PARSE_BAD_HEADER_SIZE:
        // As at nats-server, the reason is for the log only.
        protocol_error(conn, "wrong arguments", RILL_BYTES(""));
        return;
    default:
        protocol_error(conn, "unknown protocol operation",
                       RILL_BYTES("-ERR 'Unknown Protocol Operation'\r\n"));
        return;
    }
}

// ---- publishing ----

/* The status that tells a requester that nobody is there to answer. */
static void send_no_responders(struct conn *conn, const struct sub *sub, struct rill_bytes reply,
                               struct rill_bytes subject)
{
    struct rill_buf headers, line;
    rill_buf_init(&headers, SIZE_MAX / 2);
    rill_buf_init(&line, SIZE_MAX / 2);
    enum rill_err err =
        rill_buf_appendf(&headers, "NATS/1.0 503\r\nNats-Subject: " RILL_PRI "\r\n\r\n", RILL_ARG(subject));
    if (!err)
        err = rill_append_message(&line, reply, sub->sid, rill_bytes_of(NULL, 0), rill_buf_bytes(&headers),
                                  rill_bytes_of(NULL, 0));
    // Without memory the requester waits for its own deadline.
    if (!err) {
        conn_send(conn, rill_buf_bytes(&line));
        conn->out_msgs++;
    }
    rill_buf_fini(&headers);
    rill_buf_fini(&line);
}

static void answer_no_responders(struct conn *conn, const struct message *message)
{
    struct interest *interest = conn->account->interest;
    struct match *match = interest_match(interest, message->reply);
    for (uint32_t i = 0; i < match->sub_count; i++) {
        const struct sub *sub = match_sub(match, i);
        if (sub->conn == conn && !sub->dead) {
            send_no_responders(conn, sub, message->reply, message->subject);
            break;
        }
    }
    interest_unpin(interest, match);
}

static bool may_publish(struct conn *conn, struct rill_bytes subject)
{
    return permissions_allow_publish(conn->user ? conn->user->permissions : NULL, subject);
}

/* What the subject matches, pinned by the connection until it publishes elsewhere. */
static struct match *match_of(struct conn *conn, struct rill_bytes subject, bool *ret_allowed)
{
    struct interest *interest = conn->account->interest;
    const struct match *last = conn->last.match;
    if (__builtin_expect(last && conn->last.version == interest_version(interest) &&
                             last->subject_len == subject.len &&
                             memcmp(last->subject, subject.data, subject.len) == 0,
                         1)) {
        *ret_allowed = conn->last_allowed;
        return conn->last.match;
    }
    struct match *match = interest_recall(interest, &conn->last, subject);
    *ret_allowed = may_publish(conn, subject);
    if (rill_bytes_equal(rill_bytes_of(match->subject, match->subject_len), subject))
        conn->last_allowed = *ret_allowed;
    return match;
}

/* What a client reads of its own words is quoted as Go's %q does. */
struct quoted {
    char text[QUOTED_MAX];
};

static struct quoted quote(struct rill_bytes bytes)
{
    struct quoted quoted;
    size_t len = 0;
    for (size_t i = 0; i < bytes.len && len + sizeof "\\x00" < sizeof quoted.text; i++) {
        const uint8_t c = bytes.data[i];
        if (c < 0x20 || c == 0x7f)
            len += (size_t)snprintf(quoted.text + len, sizeof quoted.text - len, "\\x%02x", c);
        else if (c == '"' || c == '\\')
            len += (size_t)snprintf(quoted.text + len, sizeof quoted.text - len, "\\%c", c);
        else
            quoted.text[len++] = (char)c;
    }
    quoted.text[len] = '\0';
    return quoted;
}

static bool refuse_publish(struct conn *conn, struct rill_bytes subject)
{
    struct rill_core *core = conn->core;
    if (reply_grants_use(conn->grants, subject, core->now.mono_ns))
        return false;
    const struct quoted quoted = quote(subject);
    rill_log(&core->log, RILL_LOG_ERROR, "%s - Publish Violation - User \"%s\", Subject \"%s\"",
             conn_label(conn), conn->user->name, quoted.text);
    conn_send_error(conn, "Permissions Violation for Publish to \"%s\"", quoted.text);
    return true;
}

/* A subject that is no valid literal, which only a pedantic client wants to hear about. */
static void check_pedantic(struct conn *conn, struct rill_bytes subject)
{
    if (!rill_subject_is_literal(subject))
        conn_send_error(conn, "Invalid Publish Subject");
}

static inline void publish(struct conn *conn, const struct rill_command *command)
{
    struct rill_core *core = conn->core;
    conn->in_msgs++;
    conn->in_bytes += command->headers.len + command->payload.len;
    if (conn->pedantic)
        check_pedantic(conn, command->subject);
    bool allowed;
    struct match *match = match_of(conn, command->subject, &allowed);
    if (!allowed && refuse_publish(conn, command->subject))
        return;
    if (conn->verbose)
        conn_send_ok(conn);
    if (match->sub_count + match->group_count == 0 && !command->reply.len)
        return;
    const struct message message = {
        .origin = conn,
        .account = conn->account,
        .subject = command->subject,
        .reply = command->reply,
        .headers = command->headers,
        .payload = command->payload,
        // An empty header block makes a plain message, whose sizes are other ones.
        .tail = command->op == RILL_OP_HPUB && !command->headers.len ? rill_bytes_of(NULL, 0) : command->tail,
    };
    match->pins++;
    const uint32_t taken = route_matched(core, &message, match);
    interest_unpin(conn->account->interest, match);
    if (!taken && command->reply.len && conn->no_responders && conn->state == CONN_ACTIVE)
        answer_no_responders(conn, &message);
}

static void publish_with_headers(struct conn *conn, const struct rill_command *command)
{
    if (!conn->headers) {
        protocol_error(conn, "message headers not supported", RILL_BYTES(""));
        return;
    }
    publish(conn, command);
}

// ---- subscribing ----

enum { SID_ON_STACK_MAX = 256 };

static size_t key_of(const struct conn *conn, struct rill_bytes sid, uint8_t *key)
{
    memcpy(key, &conn->id, sizeof conn->id);
    memcpy(key + sizeof conn->id, sid.data, sid.len);
    return sizeof conn->id + sid.len;
}

/* Peers choose the sids: uthash's own hash has no seed, so they could choose such as fall into one bucket. */
static unsigned key_hash(const struct conn *conn, const uint8_t *key, size_t key_len)
{
    return (unsigned)XXH3_64bits_withSeed(key, key_len, conn->core->sid_seed);
}

struct sub *conn_find_sub(const struct conn *conn, struct rill_bytes sid)
{
    struct sub *sub = NULL;
    uint8_t on_stack[sizeof conn->id + SID_ON_STACK_MAX];
    const bool fits = sid.len <= SID_ON_STACK_MAX;
    uint8_t *key = fits ? on_stack : rill_alloc_resize(NULL, sizeof conn->id + sid.len, 1);
    const size_t key_len = key_of(conn, sid, key);
    HASH_FIND_BYHASHVALUE(by_sid, conn->core->subs_by_sid, key, key_len, key_hash(conn, key, key_len), sub);
    if (!fits)
        free(key);
    return sub;
}

void conn_end_sub(struct conn *conn, struct sub *sub)
{
    struct rill_core *core = conn->core;
    RILL_ASSERT(sub->conn == conn && conn->sub_count > 0);
    HASH_DELETE(by_sid, core->subs_by_sid, sub);
    DL_DELETE2(conn->subs, sub, conn_prev, conn_next);
    conn->sub_count--;
    interest_remove(conn->account->interest, sub);
}

static void log_sub_violation(struct conn *conn, const char *what, struct rill_bytes subject,
                              struct rill_bytes sid)
{
    const struct quoted quoted = quote(subject);
    rill_log(&conn->core->log, RILL_LOG_ERROR, "%s - %s - User \"%s\", Subject \"%s\", SID " RILL_PRI,
             conn_label(conn), what, conn->user ? conn->user->name : "N/A", quoted.text, RILL_ARG(sid));
}

static void send_sub_violation(struct conn *conn, struct rill_bytes subject, struct rill_bytes queue)
{
    const struct quoted quoted = quote(subject), quoted_queue = quote(queue);
    if (queue.len)
        conn_send_error(conn, "Permissions Violation for Subscription to \"%s\" using queue \"%s\"",
                        quoted.text, quoted_queue.text);
    else
        conn_send_error(conn, "Permissions Violation for Subscription to \"%s\"", quoted.text);
}

/* The checks in nats-server's order; false when the client was told that it may not. */
static bool may_subscribe(struct conn *conn, const struct rill_command *command, bool *ret_checks_deny)
{
    const struct rill_limits *limits = &conn->core->limits;
    if (!permissions_allow_subscribe(conn->user ? conn->user->permissions : NULL, command->subject,
                                     command->queue, ret_checks_deny)) {
        log_sub_violation(conn, "Subscription Violation", command->subject, command->sid);
        send_sub_violation(conn, command->subject, command->queue);
        return false;
    }
    if (limits->sub_tokens_max && rill_subject_token_count(command->subject) > limits->sub_tokens_max) {
        log_sub_violation(conn, "Subscription Violation Too Many Tokens", command->subject, command->sid);
        conn_send_error(conn, "Permissions Violation for Subscription to \"%s\", too many tokens",
                        quote(command->subject).text);
        return false;
    }
    if (limits->subscriptions_max && conn->sub_count >= limits->subscriptions_max) {
        rill_log(&conn->core->log, RILL_LOG_ERROR, "%s - maximum subscriptions exceeded", conn_label(conn));
        conn_send_error(conn, "maximum subscriptions exceeded");
        return false;
    }
    if (!rill_subject_is_valid(command->subject)) {
        conn_send_error(conn, "Invalid Subject");
        return false;
    }
    return true;
}

static void subscribe(struct conn *conn, const struct rill_command *command)
{
    bool checks_deny = false;
    if (!may_subscribe(conn, command, &checks_deny))
        return;
    if (!conn_find_sub(conn, command->sid)) {
        struct sub *sub = sub_create(conn->id, command->sid, command->subject, command->queue);
        sub->conn = conn;
        sub->checks_deny = checks_deny;
        HASH_ADD_KEYPTR_BYHASHVALUE(by_sid, conn->core->subs_by_sid, sub->key, sub->key_len,
                                    key_hash(conn, sub->key, sub->key_len), sub);
        DL_APPEND2(conn->subs, sub, conn_prev, conn_next);
        conn->sub_count++;
        interest_insert(conn->account->interest, sub);
    }
    conn_send_ok(conn);
}

static void unsubscribe(struct conn *conn, const struct rill_command *command)
{
    struct sub *sub = conn_find_sub(conn, command->sid);
    if (sub && command->max > sub->delivered_count)
        sub->delivered_max = command->max;
    else if (sub)
        conn_end_sub(conn, sub);
    conn_send_ok(conn);
}

void conn_recheck_subs(struct conn *conn)
{
    const struct rill_permissions *permissions = conn->user ? conn->user->permissions : NULL;
    struct sub *sub;
    struct sub *next;
    DL_FOREACH_SAFE2(conn->subs, sub, next, conn_next)
    {
        if (permissions_allow_subscribe(permissions, sub->subject, sub->queue, &sub->checks_deny))
            continue;
        log_sub_violation(conn, "Subscription Violation", sub->subject, sub->sid);
        send_sub_violation(conn, sub->subject, sub->queue);
        conn_end_sub(conn, sub);
    }
}

// ---- keeping alive ----

static void ping(struct conn *conn)
{
    conn_send(conn, RILL_BYTES("PONG\r\n"));
    if (conn->first_pong_done)
        return;
    conn->first_pong_done = true;
    // Until a ping of our own was answered this is the best guess: INFO, CONNECT and PING took one round.
    if (!conn->rtt_ns)
        conn->rtt_ns = conn->core->now.mono_ns - conn->start_mono_ns;
    if (conn->connect_received && conn->protocol >= 1)
        conn_send_info(conn, true);
}

static void pong(struct conn *conn)
{
    if (conn->ping_sent_mono_ns) {
        conn->rtt_ns = conn->core->now.mono_ns - conn->ping_sent_mono_ns;
        conn->ping_sent_mono_ns = 0;
    }
}

void conn_command(struct conn *conn, const struct rill_command *command)
{
    if (conn_is_traced(conn))
        trace_command(conn, command);
    switch (command->op) {
    case RILL_OP_PUB:
        publish(conn, command);
        return;
    case RILL_OP_HPUB:
        publish_with_headers(conn, command);
        return;
    case RILL_OP_SUB:
        subscribe(conn, command);
        return;
    case RILL_OP_UNSUB:
        unsubscribe(conn, command);
        return;
    case RILL_OP_CONNECT:
        conn_connect(conn, command->args);
        return;
    case RILL_OP_PING:
        ping(conn);
        return;
    case RILL_OP_PONG:
        pong(conn);
        return;
    case RILL_OP_ERR:
        protocol_error(conn, "the client sent an error", RILL_BYTES(""));
        return;
    case RILL_OP_INFO:
    case RILL_OP_OK:
        return;
    case RILL_OP_MSG:
    case RILL_OP_HMSG:
        break; // the parser does not take these from a client
    }
    RILL_UNREACHABLE();
}
