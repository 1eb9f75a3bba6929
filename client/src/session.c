// SPDX-License-Identifier: Apache-2.0
#include "session.h"

#include "base/assert.h"

static const struct session_effects nothing = {0};

void session_init(struct session *session, const struct session_config *config, struct servers *take_servers,
                  uint64_t seed)
{
    RILL_ASSERT(take_servers->count > 0 && config->wait_min_ns <= config->wait_max_ns);
    *session = (struct session){.config = *config,
                                .servers = *take_servers,
                                .random = {seed},
                                .state = SESSION_IDLE,
                                .deadline_ns = RILL_NEVER_NS};
    *take_servers = (struct servers){0};
}

void session_fini(struct session *session)
{
    servers_fini(&session->servers);
}

static int64_t jitter_ns(struct session *session)
{
    const int64_t most_us = session->config.jitter_ns / RILL_NS_PER_US;
    const uint32_t bound = most_us > INT32_MAX ? INT32_MAX : (uint32_t)most_us;
    return bound ? (int64_t)rill_random_below(&session->random, bound) * RILL_NS_PER_US : 0;
}

/* The backoff before round `rounds`: the first try after a loss waits for the jitter only. */
static int64_t backoff_ns(struct session *session)
{
    if (session->rounds == 0)
        return jitter_ns(session);
    int64_t wait_ns = session->config.wait_min_ns;
    for (int64_t i = 1; i < session->rounds && wait_ns < session->config.wait_max_ns; i++)
        wait_ns *= 2;
    if (wait_ns > session->config.wait_max_ns)
        wait_ns = session->config.wait_max_ns;
    return wait_ns + jitter_ns(session);
}

static struct session_effects dial(struct session *session, int64_t now_ns)
{
    session->state = SESSION_DIALING;
    session->deadline_ns = now_ns + session->config.connect_timeout_ns;
    return (struct session_effects){.dial = true};
}

static struct session_effects wait(struct session *session, int64_t now_ns)
{
    session->state = SESSION_WAITING;
    session->deadline_ns = now_ns + backoff_ns(session);
    return nothing;
}

static struct session_effects end(struct session *session)
{
    session->state = SESSION_CLOSED;
    session->deadline_ns = RILL_NEVER_NS;
    return (struct session_effects){.news = SESSION_NEWS_CLOSED};
}

static bool gives_up(const struct session *session)
{
    if (servers_all_deny(&session->servers))
        return true;
    if (!session->ever_up && !session->config.retry_first)
        return session->rounds >= 1;
    return session->config.rounds_max >= 0 && session->rounds >= session->config.rounds_max;
}

struct session_effects session_open(struct session *session, int64_t now_ns)
{
    RILL_ASSERT(session->state == SESSION_IDLE);
    return dial(session, now_ns);
}

struct session_effects session_dialed(struct session *session, int64_t now_ns)
{
    if (session->state == SESSION_DIALING)
        session->state = SESSION_HELLO;
    (void)now_ns;
    return nothing;
}

struct session_effects session_info(struct session *session, int64_t now_ns)
{
    (void)now_ns;
    if (session->state != SESSION_HELLO)
        return nothing; // a later INFO brings news, not a greeting
    session->state = SESSION_PROOF;
    return (struct session_effects){.greet = true};
}

struct session_effects session_pong(struct session *session, int64_t now_ns)
{
    if (session->state == SESSION_UP) {
        session->pings_out = 0;
        return nothing;
    }
    if (session->state != SESSION_PROOF)
        return nothing;
    session->state = SESSION_UP;
    session->deadline_ns = now_ns + session->config.ping_interval_ns;
    session->pings_out = 0;
    session->rounds = 0;
    session->why = RILL_OK;
    servers_current(&session->servers)->denials = 0;
    const bool again = session->ever_up;
    session->ever_up = true;
    return (struct session_effects){.resume = true,
                                    .news = again ? SESSION_NEWS_RECONNECTED : SESSION_NEWS_CONNECTED};
}

/* The link that stood is lost: a new round begins with the next server. */
static struct session_effects lost(struct session *session, int64_t now_ns)
{
    servers_begin_round(&session->servers);
    struct session_effects effects = gives_up(session) ? end(session) : wait(session, now_ns);
    effects.was_up = effects.news == SESSION_NEWS_CLOSED;
    if (effects.news == SESSION_NEWS_NONE)
        effects.news = SESSION_NEWS_DISCONNECTED;
    effects.hang_up = true;
    return effects;
}

static struct session_effects attempt_failed(struct session *session, int64_t now_ns)
{
    struct session_effects effects;
    if (servers_advance(&session->servers)) {
        effects = dial(session, now_ns);
    } else {
        session->rounds++;
        effects = gives_up(session) ? end(session) : wait(session, now_ns);
    }
    effects.hang_up = true;
    return effects;
}

struct session_effects session_failed(struct session *session, enum rill_err why, int64_t now_ns)
{
    if (!session_has_link(session))
        return nothing;
    session->why = why;
    struct server *server = servers_current(&session->servers);
    server->denials = why == RILL_ERR_DENIED ? server->denials + 1 : 0;
    return session->state == SESSION_UP ? lost(session, now_ns) : attempt_failed(session, now_ns);
}

static struct session_effects ping(struct session *session, int64_t now_ns)
{
    if (session->pings_out >= session->config.pings_out_max)
        return session_failed(session, RILL_ERR_TIMEOUT, now_ns);
    session->pings_out++;
    session->deadline_ns = now_ns + session->config.ping_interval_ns;
    return (struct session_effects){.ping = true};
}

struct session_effects session_tick(struct session *session, int64_t now_ns)
{
    if (now_ns < session->deadline_ns)
        return nothing;
    switch (session->state) {
    case SESSION_DIALING:
    case SESSION_HELLO:
    case SESSION_PROOF:
        return session_failed(session, RILL_ERR_TIMEOUT, now_ns);
    case SESSION_UP:
        return ping(session, now_ns);
    case SESSION_WAITING:
        return dial(session, now_ns);
    case SESSION_IDLE:
    case SESSION_CLOSED:
        return nothing;
    }
    RILL_UNREACHABLE();
}

struct session_effects session_close(struct session *session)
{
    if (session->state == SESSION_CLOSED)
        return nothing;
    const bool had_link = session_has_link(session);
    const bool was_up = session->state == SESSION_UP;
    session->why = RILL_OK;
    struct session_effects effects = end(session);
    effects.hang_up = had_link;
    effects.was_up = was_up;
    return effects;
}
