// SPDX-License-Identifier: Apache-2.0
//
// A connection: what the pieces around it are put together to.
//
//     session   when to dial, to ping, to give up (pure)       outbox   what is to be sent (pure)
//     link      the byte stream, over nng                      inlet    from bytes to commands (pure)
//     requests  what waits for an answer                       subs     who gets which message
//
// Locks, in the order in which they are taken: `lock`, then `subs_lock`, then a subscription's, then the
// requests' and the dispatcher's. The reader (nng's thread, one at a time) holds none while it parses; user's
// callbacks run with none at all.
#pragma once

#include "dispatcher.h"
#include "inlet.h"
#include "link.h"
#include "outbox.h"
#include "requests.h"
#include "session.h"
#include "sub.h"
#include "wait.h"

#include "proto/handshake.pb-c.h"

enum { INBOX_PREFIX_BYTES = RILL_INBOX_BYTES + 1, TOKEN_BYTES = 20 };

struct rill_conn {
    // immutable
    struct rill_options options;    // its strings are ours
    char inbox[INBOX_PREFIX_BYTES]; // "_INBOX.<random>." of the answers to requests
    struct dispatcher dispatcher;

    // guarded by lock
    pthread_mutex_t lock;
    pthread_cond_t changed; // the state, a PONG, room in the output
    unsigned waiters;
    struct session session;
    struct outbox outbox;
    struct link link;
    Rill__ServerInfo *info;         // of the link; NULL before the first INFO
    struct rill_error why;          // of the last failure
    uint64_t links;                 // that have stood
    int64_t settled_ns;             // until then the server of a later link may be starting
    uint64_t pings_sent, pongs_got; // on this link, after the greeting
    uint64_t out_msgs, out_bytes, unsent_msgs, reconnects;
    int64_t owed_ns; // when requests that are owed to the server are sent again; RILL_NEVER_NS
    uint64_t last_sid;
    struct rill_random random;

    // guarded by subs_lock
    pthread_mutex_t subs_lock;
    struct rill_sub *subs;    // by sid: what the server may send to
    struct rill_sub *newest;  // what the user has not let go of
    struct rill_sub *retired; // closed on a thread of their own, which has to end first
    struct rill_sub *inbox_sub;

    // the reader's
    struct inlet inlet;
    struct rill_sub *run_sub; // with a share
    struct msg_run run;

    atomic_ullong in_msgs, in_bytes, dropped_msgs;
    atomic_llong max_payload_bytes; // of the server; 0: not known
    atomic_bool server_headers;

    struct requests requests;
};

// ---- conn_session.c: the session's events and effects. With the lock held. ----

extern const struct link_owner conn_link_owner;

enum conn_input { CONN_OPEN, CONN_INFO, CONN_PONG, CONN_TICK, CONN_CLOSE };

/* Puts the event into the session and does what it says. */
void conn_event(struct rill_conn *conn, enum conn_input input);
/* The same for a failure; the reason is kept for whoever asks. */
void conn_fail(struct rill_conn *conn, enum rill_err err, const char *text);
/* Sets the timer for whatever is due next. */
void conn_rearm(struct rill_conn *conn);
/* Wakes those who wait for `changed`. */
void conn_announce(struct rill_conn *conn);
/* Tells the user, on the dispatcher. `error` and `sub` may be NULL. */
void conn_tell(struct rill_conn *conn, enum rill_event_kind kind, const struct rill_error *error,
               struct rill_sub *sub);

// ---- conn_input.c: the reader ----

enum rill_err conn_room(void *owner, uint8_t **ret_data, size_t *ret_bytes) RILL_MUST_CHECK;
void conn_received(void *owner, size_t bytes);

// ---- handshake.c ----

/* Appends CONNECT and PING. UNSUPPORTED when the server wants what we cannot. */
enum rill_err handshake_append(const struct rill_options *options, const struct server *server,
                               const Rill__ServerInfo *info, struct rill_buf *buf,
                               struct rill_error_text *why) RILL_MUST_CHECK;

// ---- subscribe.c ----

/* Subscribes; `hooks` may be NULL. The locked one wants the connection's lock held, and link_pump after it. */
enum rill_err conn_subscribe_locked(struct rill_conn *conn, const struct rill_subscribe *want,
                                    const struct sub_hooks *hooks, struct rill_sub **ret) RILL_MUST_CHECK;
enum rill_err conn_subscribe(struct rill_conn *conn, const struct rill_subscribe *want,
                             const struct sub_hooks *hooks, struct rill_sub **ret) RILL_MUST_CHECK;
/* A share of the subscription of that sid, or NULL. */
struct rill_sub *conn_find_sub(struct rill_conn *conn, uint64_t sid);
/* It has had all that it wanted: the table lets go of it. */
void conn_forget_sub(struct rill_conn *conn, struct rill_sub *sub);
/* SUB and UNSUB of all, for a new link, and their link_up afterwards. With the lock held. */
void conn_renew_subs(struct rill_conn *conn);
void conn_tell_link_up(struct rill_conn *conn);
/* No subscription gets any more. */
void conn_end_subs(struct rill_conn *conn);
void conn_free_subs(struct rill_conn *conn);
/* Sends UNSUB. With the lock held. */
void conn_send_unsub(struct rill_conn *conn, const struct rill_sub *sub, uint64_t max);

// ---- publish.c ----

/* A message in views. */
struct parts {
    struct rill_bytes subject, reply, headers, payload; // headers: a whole block, or empty
};

/* Appends it to the output; with the lock held, and link_pump after it. Errors as rill_publish. */
enum rill_err conn_publish_locked(struct rill_conn *conn, const struct parts *parts,
                                  int64_t deadline_ns) RILL_MUST_CHECK;
/* Its two halves: only the first may give the lock back for a while. */
enum rill_err conn_wait_for_room(struct rill_conn *conn, const struct parts *parts,
                                 int64_t deadline_ns) RILL_MUST_CHECK;
enum rill_err conn_append_publish(struct rill_conn *conn, const struct parts *parts) RILL_MUST_CHECK;
/* Checks what the caller gave; headers are appended to `block`, which is the caller's to free. */
enum rill_err conn_take_parts(struct rill_conn *conn, const struct rill_publish *publish,
                              struct rill_buf *block, struct parts *ret) RILL_MUST_CHECK;

// ---- request.c ----

/* Publishes with the request's inbox as the reply, once the request is in the table; `done` brings the
   answer. On failure it is in no table, and done was not and will not be called. */
enum rill_err conn_request(struct rill_conn *conn, const struct rill_publish *publish,
                           struct request *request, int64_t deadline_ns) RILL_MUST_CHECK;
/* As rill_request_msg. */
enum rill_err conn_ask(struct rill_conn *conn, const struct rill_publish *publish,
                       enum request_loss when_lost, int64_t timeout_ms,
                       struct rill_msg **ret) RILL_MUST_CHECK;
/* Whose answers come to that subject; false for nobody's. */
bool conn_request_token(const struct rill_conn *conn, struct rill_bytes subject, uint64_t *ret);

// ---- again.c: when a link breaks. With the lock held, if it does not say otherwise. ----

/* The output keeps what it can; requests of which it has nothing end, or are owed to the next link. */
void conn_lose_output(struct rill_conn *conn);
/* A new link stands, and has the subscriptions: what is owed comes next. */
void conn_resume_requests(struct rill_conn *conn);
/* Sends what is owed when it is time. */
void conn_retry_requests(struct rill_conn *conn, int64_t now_ns);
/* Nobody listened to a request that is owed now. Without the lock. */
void conn_retry_later(struct rill_conn *conn);
/* There is no link, or one that has just replaced another. */
bool conn_is_shaken(const struct rill_conn *conn);

// ---- flush.c ----

/* As rill_flush. */
enum rill_err conn_flush(struct rill_conn *conn, int64_t deadline_ns) RILL_MUST_CHECK;

static inline int64_t conn_deadline_ns(const struct rill_conn *conn, int64_t timeout_ms)
{
    return wait_deadline_ns(timeout_ms, conn->options.timeout_ms);
}

/* Waits for `changed`, with the lock held. False when the deadline has come. */
static inline bool conn_wait(struct rill_conn *conn, int64_t deadline_ns)
{
    conn->waiters++;
    const bool woken = wait_until(&conn->changed, &conn->lock, deadline_ns);
    conn->waiters--;
    return woken || wait_now_ns() < deadline_ns;
}
