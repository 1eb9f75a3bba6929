// SPDX-License-Identifier: Apache-2.0
//
// One client's connection: a state machine that is fed with bytes and leaves output. Loop thread only.
//
//                 CONNECT needed                 job out
//      open ───► WAITING ───────► VERIFYING ◄─────────┐
//        │          │ timeout,         │ ok           │ bcrypt
//        │          │ refused          ▼              │
//        └──────────┼──────────────► ACTIVE ──────────┘ (a second CONNECT)
//      nothing      │                  │
//      needed       └───► CLOSING ◄────┘ error, quit, stale, slow
//                            │ output written
//                            ▼
//                       closed by the shell
#pragma once

#include "account.h"
#include "base/deadline.h"
#include "core/core.h"
#include "outq.h"
#include "proto/parser.h"

enum conn_state {
    CONN_WAITING, // for a CONNECT that proves who it is
    CONN_VERIFYING,
    CONN_ACTIVE,
    CONN_CLOSING,
};

struct reply_grants;
struct verify_job;

struct conn {
    struct rill_core *core;
    uint64_t id;
    enum conn_state state;

    // what CONNECT said
    bool verbose;
    bool pedantic;
    bool echo;
    bool headers;
    bool no_responders;
    bool connect_received;
    uint8_t protocol;

    // who it is
    struct account *account;
    const struct rill_auth_user *user; // NULL: nobody in particular, may do everything; or CLOSING
    struct reply_grants *grants; // replies that it may publish; NULL when its user has no such permission

    struct verify_job *verify_in_line; // VERIFYING, and no job has taken its password yet

    // input
    struct rill_buf
        backlog; // bytes that could not be worked on yet; begins where a command begins. Lives as long
                 // as the connection: the message that ends it may lie here and be on its way
    size_t backlog_needed; // shorter than this it holds no whole command

    // output
    struct outq outq;
    bool touched;  // in the core's queue of connections for the shell
    bool resuming; // in the core's queue of connections with work left over
    struct conn *touched_next, *touched_prev;
    struct conn *resume_next, *resume_prev;

    // back-pressure: this publisher waits for stalled_on; a receiver knows who waits for it
    struct conn *stalled_on;
    struct conn *stalled_next;
    struct conn *stalled_prev;
    struct conn *waiters;
    int64_t patience_until_ns;   // publishers wait for this receiver until then; 0: none has had to
    size_t patience_bytes_taken; // read since patience began

    // deadlines
    struct rill_deadline ping_due;  // next PING; while WAITING or VERIFYING the end of patience
    struct rill_deadline write_due; // output must have made progress; while CLOSING it must be written
    struct rill_deadline stall_due; // end of waiting for stalled_on
    uint32_t pings_unanswered;      // since the peer sent anything
    bool first_pong_done;           // INFO with connect_info was sent behind the first PONG

    // subscriptions
    struct sub *subs;
    uint32_t sub_count;
    uint32_t subs_at_close;
    char *user_at_close; // the user's name, which a reload may take away while the output is written

    // totals
    uint64_t in_msgs;
    uint64_t in_bytes;
    uint64_t out_msgs;
    uint64_t out_bytes;
    uint64_t stalls;

    // the subject published last and what it matched: most publishers use one for long
    struct interest_memo last;
    bool last_allowed; // is the subject that `last` was walked for

    // for monitoring
    enum rill_conn_kind kind;
    uint16_t port;
    char *address;
    char *name; // NULL when not given; so lang and version
    char *lang;
    char *version;
    int64_t start_mono_ns;
    int64_t start_wall_ns;
    int64_t last_activity_wall_ns;
    int64_t ping_sent_mono_ns;
    int64_t rtt_ns;           // 0 when not known
    const char *close_reason; // static

    void *link;
    struct conn *next; // all connections of the core
    struct conn *prev;
};

/* The end of a connection from the broker's side: subscriptions go at once, output is still written, then the
   shell closes the link. `reason` is static and for people; `error_line` is what the client reads ("-ERR
   '...'"), or empty. Harmless when it is closing already. */
void conn_close(struct conn *conn, const char *reason, struct rill_bytes error_line);
/* As conn_close, but what waits is dropped: the peer does not read. */
void conn_abort(struct conn *conn, const char *reason);

/* Puts bytes at the end of the output and lets the shell know. */
void conn_send(struct conn *conn, struct rill_bytes bytes);
/* "-ERR '<text>'" CR LF; the text is cut at 4 KiB. The connection stays. */
void conn_send_error(struct conn *conn, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* "+OK" when the client asked for it. */
void conn_send_ok(struct conn *conn);
/* An INFO line with what this connection should know. */
void conn_send_info(struct conn *conn, bool connect_info);

/* The shell shall look at this connection at the end of the turn. */
void conn_touch(struct conn *conn);
/* The connection has work left over for the next turn. */
void conn_resume_later(struct conn *conn);

/* Takes an account and a user, and becomes ACTIVE. */
void conn_admit(struct conn *conn, struct account *account, const struct rill_auth_user *user);

/* Runs `backlog` as far as it goes. */
void conn_resume(struct conn *conn);

/* Carries out one command. Ends the connection on a protocol error. */
void conn_command(struct conn *conn, const struct rill_command *command);
/* What the peer gets for input that the parser refused. */
void conn_parse_error(struct conn *conn, enum rill_parse_status status, struct rill_bytes input);

/* What a deadline of this connection does. */
void conn_ping_due(struct conn *conn);
void conn_write_due(struct conn *conn);
void conn_stall_due(struct conn *conn);

/* Closes a connection that has more output waiting than it may: `what` is the subject or the kind of output that was
   too much. */
void conn_close_slow(struct conn *conn, struct rill_bytes what);
/* May publishers wait for this receiver? A bounded time, which reading earns anew: else one that reads next to nothing
   would hold all publishers, and so all other receivers, to its pace. */
bool conn_deserves_patience(const struct conn *receiver);
void conn_earn_patience(struct conn *receiver, size_t bytes_taken);
/* This publisher waits until the receiver has caught up or patience with it is over. */
void conn_stall(struct conn *publisher, struct conn *receiver);
/* The receiver has caught up, or is gone: all who wait for it go on. */
void conn_release_waiters(struct conn *receiver);

/* Ends one subscription. */
void conn_end_sub(struct conn *conn, struct sub *sub);
struct sub *conn_find_sub(const struct conn *conn, struct rill_bytes sid);
/* Ends every subscription that the user may not have (any more), and says so to the client. */
void conn_recheck_subs(struct conn *conn);

/* "127.0.0.1:4711 - cid:7", for log lines; valid until the next call. */
const char *conn_label(const struct conn *conn);
