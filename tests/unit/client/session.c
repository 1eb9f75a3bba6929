// SPDX-License-Identifier: Apache-2.0
#include "session.h"
#include "seed.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

TestSuite(client_session);

static const struct session_config config = {
    .connect_timeout_ns = 5 * RILL_NS_PER_S,
    .wait_min_ns = 100 * RILL_NS_PER_MS,
    .wait_max_ns = 800 * RILL_NS_PER_MS,
    .jitter_ns = 50 * RILL_NS_PER_MS,
    .ping_interval_ns = 60 * RILL_NS_PER_S,
    .pings_out_max = 2,
    .rounds_max = -1,
};

static struct session session_of(const char *urls, const struct session_config *with)
{
    struct session session;
    struct servers servers;
    struct rill_error_text why;
    cr_assert(eq(int, (int)servers_init(&servers, rill_bytes_from_cstr(urls), &why), RILL_OK));
    session_init(&session, with, &servers, 7);
    return session;
}

/* Opens it and lets everything go well. */
static struct session session_up(const char *urls, const struct session_config *with)
{
    struct session session = session_of(urls, with);
    cr_assert(session_open(&session, 0).dial);
    struct session_effects effects = session_dialed(&session, 1);
    cr_assert(not(effects.greet));
    cr_assert(session_info(&session, 2).greet);
    effects = session_pong(&session, 3);
    cr_assert(effects.resume);
    cr_assert(eq(int, effects.news, SESSION_NEWS_CONNECTED));
    return session;
}

// The way up is dial, INFO, greeting, PONG; a later INFO or PONG greets nobody again.
Test(client_session, the_greeting_happens_once)
{
    struct session session = session_up("a", &config);
    struct session_effects effects = session_info(&session, 4);
    cr_expect(not(effects.greet));
    effects = session_pong(&session, 5);
    cr_expect(not(effects.resume));
    cr_expect(eq(int, effects.news, SESSION_NEWS_NONE));
    session_fini(&session);
}

// The first connection tries each server once, without waiting in between, and then gives up with the reason.
Test(client_session, the_first_connection_tries_each_server_once)
{
    struct session session = session_of("a,b", &config);
    cr_assert(session_open(&session, 0).dial);
    struct session_effects effects = session_failed(&session, RILL_ERR_DISCONNECTED, 10);
    cr_expect(effects.dial);
    cr_expect(effects.hang_up);
    effects = session_failed(&session, RILL_ERR_TIMEOUT, 20);
    cr_expect(not(effects.dial));
    cr_expect(eq(int, effects.news, SESSION_NEWS_CLOSED));
    cr_expect(eq(int, (int)session.why, RILL_ERR_TIMEOUT));
    session_fini(&session);
}

// An attempt that hangs at any stage is over after the connection time-out.
Test(client_session, a_hanging_attempt_times_out)
{
    for (int stage = 0; stage < 3; stage++) {
        struct session session = session_of("a,b", &config);
        struct session_effects effects = session_open(&session, 0);
        if (stage > 0)
            effects = session_dialed(&session, 1);
        if (stage > 1)
            effects = session_info(&session, 2);
        effects = session_tick(&session, config.connect_timeout_ns - 1);
        cr_expect(not(effects.dial), "stage %d", stage);
        effects = session_tick(&session, config.connect_timeout_ns);
        cr_expect(effects.dial, "stage %d", stage);
        cr_expect(effects.hang_up, "stage %d", stage);
        session_fini(&session);
    }
}

// A lost link is told once; the next try waits for no more than the jitter, the ones after that ever longer,
// up to the limit.
Test(client_session, the_backoff_doubles_up_to_its_limit)
{
    struct session session = session_up("a", &config);
    int64_t now_ns = 1000;
    struct session_effects effects = session_failed(&session, RILL_ERR_DISCONNECTED, now_ns);
    cr_expect(eq(int, effects.news, SESSION_NEWS_DISCONNECTED));
    int64_t least_ns = 0;
    for (int round = 0; round < 8; round++) {
        const int64_t wait_ns = session.deadline_ns - now_ns;
        cr_expect(ge(i64, wait_ns, least_ns), "round %d", round);
        cr_expect(lt(i64, wait_ns, least_ns + config.jitter_ns), "round %d", round);
        now_ns = session.deadline_ns;
        effects = session_tick(&session, now_ns);
        cr_assert(effects.dial);
        effects = session_failed(&session, RILL_ERR_DISCONNECTED, now_ns);
        cr_expect(eq(int, effects.news, SESSION_NEWS_NONE), "an attempt is no news");
        least_ns = least_ns ? least_ns * 2 : config.wait_min_ns;
        if (least_ns > config.wait_max_ns)
            least_ns = config.wait_max_ns;
    }
    session_fini(&session);
}

// After a loss the next server of the list is tried first, and a link found starts the backoff anew.
Test(client_session, the_next_server_is_tried_after_a_loss)
{
    struct session session = session_up("a,b", &config);
    struct session_effects effects = session_failed(&session, RILL_ERR_DISCONNECTED, 10);
    cr_expect(eq(sz, session.servers.current, 1));
    effects = session_tick(&session, session.deadline_ns);
    cr_expect(effects.dial);
    effects = session_dialed(&session, 20);
    cr_expect(session_info(&session, 21).greet);
    effects = session_pong(&session, 22);
    cr_expect(eq(int, effects.news, SESSION_NEWS_RECONNECTED));
    cr_expect(eq(i64, session.rounds, 0));
    session_fini(&session);
}

// Unanswered pings break the link; an answer keeps it.
Test(client_session, unanswered_pings_break_the_link)
{
    struct session session = session_up("a", &config);
    cr_expect(session_tick(&session, session.deadline_ns).ping);
    struct session_effects effects = session_pong(&session, session.deadline_ns - 1);
    cr_expect(session_tick(&session, session.deadline_ns).ping);
    cr_expect(session_tick(&session, session.deadline_ns).ping);
    effects = session_tick(&session, session.deadline_ns);
    cr_expect(effects.hang_up);
    cr_expect(eq(int, effects.news, SESSION_NEWS_DISCONNECTED));
    session_fini(&session);
}

// Servers that refuse the credentials are not asked for ever.
Test(client_session, a_refusal_by_all_servers_ends_it)
{
    struct session_config patient = config;
    patient.retry_first = true;
    struct session session = session_of("a,b", &patient);
    struct session_effects effects = session_open(&session, 0);
    for (int i = 0; i < 3; i++) {
        effects = session_failed(&session, RILL_ERR_DENIED, session.deadline_ns);
        cr_expect(eq(int, effects.news, SESSION_NEWS_NONE), "refusal %d", i);
        if (!effects.dial)
            effects = session_tick(&session, session.deadline_ns);
    }
    effects = session_failed(&session, RILL_ERR_DENIED, session.deadline_ns);
    cr_expect(eq(int, effects.news, SESSION_NEWS_CLOSED));
    cr_expect(eq(int, (int)session.why, RILL_ERR_DENIED));
    session_fini(&session);
}

// With a limit on rounds the session gives up after so many.
Test(client_session, it_gives_up_after_the_rounds_given)
{
    struct session_config impatient = config;
    impatient.rounds_max = 3;
    struct session session = session_up("a", &impatient);
    struct session_effects effects = session_failed(&session, RILL_ERR_DISCONNECTED, 10);
    int rounds = 0;
    while (effects.news != SESSION_NEWS_CLOSED && rounds < 10) {
        effects = session_tick(&session, session.deadline_ns);
        effects = session_failed(&session, RILL_ERR_DISCONNECTED, session.deadline_ns);
        rounds++;
    }
    cr_expect(eq(int, rounds, 3));
    session_fini(&session);
}

static struct session_effects random_event(struct session *session, struct rill_random *random,
                                           int64_t now_ns)
{
    switch (rill_random_below(random, 5)) {
    case 0:
        return session_dialed(session, now_ns);
    case 1:
        return session_info(session, now_ns);
    case 2:
        return session_pong(session, now_ns);
    case 3:
        return session_failed(session, (enum rill_err)(1 + rill_random_below(random, 15)), now_ns);
    default:
        return session_tick(session, now_ns);
    }
}

// Whatever happens in whatever order: up and down are told in turn, there is one link at a time, something is
// always due, and after the end nothing happens any more.
Test(client_session, news_are_in_turn_whatever_happens)
{
    const struct seed_range seeds = seed_range(300);
    for (uint64_t seed = seeds.first; seed <= seeds.last; seed++) {
        struct rill_random random = {seed};
        struct session_config some = config;
        some.retry_first = rill_random_chance(&random, 1, 2);
        some.rounds_max = rill_random_chance(&random, 1, 2) ? 5 : -1;
        struct session session = session_of("a,b,c", &some);
        struct session_effects effects = session_open(&session, 0);
        bool up = false;
        bool linked = true;
        int64_t now_ns = 0;
        for (int step = 0; step < 300; step++) {
            now_ns += rill_random_below(&random, 1000) * RILL_NS_PER_MS;
            const bool was_closed = session.state == SESSION_CLOSED;
            effects = random_event(&session, &random, now_ns);
            const bool silent =
                !effects.dial && !effects.hang_up && !effects.greet && !effects.ping && !effects.news;
            bool holds = (!was_closed || silent) && (!effects.hang_up || linked);
            linked = linked && !effects.hang_up;
            holds = holds && (!effects.dial || !linked);
            linked = linked || effects.dial;
            const bool rises =
                effects.news == SESSION_NEWS_CONNECTED || effects.news == SESSION_NEWS_RECONNECTED;
            holds = holds && (!rises || !up) && (effects.news != SESSION_NEWS_DISCONNECTED || up);
            up = rises || (up && !effects.hang_up);
            holds = holds && (session.state == SESSION_CLOSED) == (session.deadline_ns == RILL_NEVER_NS);
            cr_assert(holds, "RILL_SEED=%llu step %d", (unsigned long long)seed, step);
        }
        session_fini(&session);
    }
}
