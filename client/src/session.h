// SPDX-License-Identifier: Apache-2.0
//
// When to dial, to greet, to ping, to give up: the life of a connection as a pure state machine. Events go
// in with the time at which they happened, effects come out; there is no clock, no socket and no thread in
// here, so a test drives years of it in a moment. Guarded by the connection's lock.
//
//               open                dialed            info               pong
//     IDLE ───────────► DIALING ───────────► HELLO ───────────► PROOF ───────────► UP
//                        ▲   │ failed          │ failed           │ failed          │ failed
//                        │   ▼                 ▼                  ▼                 ▼
//              tick when due └──────────────► WAITING ◄───────────────────────────────
//                        └───────────────────────┘
//
// close leads to CLOSED from everywhere; so does a failure when all rounds are used up or every server
// refuses our credentials. The next server of a round is dialed at once; a new round waits: the backoff,
// which doubles from round to round, and a part by chance, so that a thousand clients of a server that was
// restarted do not come back in the same millisecond.
#pragma once

#include "base/clock.h"
#include "servers.h"

enum session_state {
    SESSION_IDLE,
    SESSION_DIALING, // a link is being made
    SESSION_HELLO,   // it stands; the server's INFO is awaited
    SESSION_PROOF,   // CONNECT and PING have been sent; the PONG is awaited
    SESSION_UP,
    SESSION_WAITING, // for the next round
    SESSION_CLOSED,
};

struct session_config {
    int64_t connect_timeout_ns; // from dialing to PONG
    int64_t wait_min_ns;
    int64_t wait_max_ns;
    int64_t jitter_ns;
    int64_t ping_interval_ns;
    int32_t pings_out_max;
    int64_t rounds_max; // after a link was lost; negative: no limit
    bool retry_first;   // the first link is looked for as a lost one; else one round must do
};

enum session_news {
    SESSION_NEWS_NONE,
    SESSION_NEWS_CONNECTED,
    SESSION_NEWS_DISCONNECTED,
    SESSION_NEWS_RECONNECTED,
    SESSION_NEWS_CLOSED,
};

/* What the owner has to do, in this order. */
struct session_effects {
    bool hang_up; // break the link or the attempt; no failure is to be reported for it
    bool dial;    // the current server
    bool greet;   // send CONNECT and PING
    bool resume;  // subscriptions anew, then what was kept
    bool ping;
    enum session_news news;
    bool was_up; // with CLOSED: a link was broken by it
};

struct session {
    struct session_config config;
    struct servers servers;
    struct rill_random random;
    enum session_state state;
    bool ever_up;
    int32_t pings_out;
    int64_t rounds;      // that have failed since the last link
    int64_t deadline_ns; // when session_tick is due; RILL_NEVER_NS
    enum rill_err why;   // of the last failure; OK after a close that was asked for
};

/* Takes the servers over. */
void session_init(struct session *session, const struct session_config *config, struct servers *take_servers,
                  uint64_t seed);
void session_fini(struct session *session);

struct session_effects session_open(struct session *session, int64_t now_ns) RILL_MUST_CHECK;
struct session_effects session_dialed(struct session *session, int64_t now_ns) RILL_MUST_CHECK;
struct session_effects session_info(struct session *session, int64_t now_ns) RILL_MUST_CHECK;
struct session_effects session_pong(struct session *session, int64_t now_ns) RILL_MUST_CHECK;
/* The attempt or the link failed: refused, broken, garbage. DENIED counts against the server. */
struct session_effects session_failed(struct session *session, enum rill_err why,
                                      int64_t now_ns) RILL_MUST_CHECK;
/* Does nothing before the deadline. */
struct session_effects session_tick(struct session *session, int64_t now_ns) RILL_MUST_CHECK;
struct session_effects session_close(struct session *session) RILL_MUST_CHECK;

static inline bool session_has_link(const struct session *session)
{
    return session->state >= SESSION_DIALING && session->state <= SESSION_UP;
}
