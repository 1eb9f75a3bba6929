// SPDX-License-Identifier: Apache-2.0
//
// Who may connect, and what they may do, over the whole core.
#include "sim_core.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>

TestSuite(authorization);

struct heard {
    char error[256];
    int messages;
    int pongs;
};

static void on_command(void *context, struct sim_client *client, const struct rill_command *command)
{
    struct heard *heard = context;
    if (command->op == RILL_OP_ERR)
        (void)snprintf(heard->error, sizeof heard->error, RILL_PRI, RILL_ARG(command->args));
    heard->messages += command->op == RILL_OP_MSG;
    heard->pongs += command->op == RILL_OP_PONG;
}

static const struct rill_permission worker_publish[] = {{"orders.>", NULL}};
static const struct rill_permission worker_deny[] = {{"orders.secret", NULL}};
static const struct rill_permissions worker_permissions = {
    .publish = {.allow = worker_publish, .allow_count = 1, .allow_given = true},
    .subscribe = {.deny = worker_deny, .deny_count = 1},
    .responses = {.given = true, .messages_max = 1, .expires_ns = 10 * RILL_NS_PER_S},
};

/* The password of "hashed" is "s3cret", at the lowest cost that bcrypt has. */
static const struct rill_auth_user users[] = {
    {"ann", "pw", "$G", NULL, RILL_CONNECTION_ANY},
    {"worker", "pw", "$G", &worker_permissions, RILL_CONNECTION_ANY},
    {"hashed", "$2b$04$abcdefghijklmnopqrstuuLZYjhNQAOdpbzt4WxWlUHjv1wsyH5DG", "$G", NULL,
     RILL_CONNECTION_ANY},
    {"browser", "pw", "$G", NULL, RILL_CONNECTION_WEBSOCKET},
    {"admin", "pw", "$SYS", NULL, RILL_CONNECTION_ANY},
};

static const struct rill_auth_config with_users = {
    .users = users, .user_count = sizeof users / sizeof users[0], .timeout_ns = 2 * RILL_NS_PER_S};
static const struct rill_auth_config with_token = {.token = "t0ken", .timeout_ns = 2 * RILL_NS_PER_S};

static const struct {
    const struct rill_auth_config *auth;
    const char *input;
    const char *error;
    int pongs;
    const char *why;
} attempts[] = {
    {&with_token, "CONNECT {\"auth_token\":\"t0ken\"}\r\nPING\r\n", "", 1, "the token"},
    {&with_token, "CONNECT {\"auth_token\":\"t0keN\"}\r\nPING\r\n", "'Authorization Violation'", 0,
     "another token"},
    {&with_token, "CONNECT {}\r\nPING\r\n", "'Authorization Violation'", 0, "no token"},
    {&with_token, "PING\r\n", "'Authorization Violation'", 0, "another command first"},
    {&with_token, "GET / HTTP/1.1\r\n\r\n", "'Authorization Violation'", 0, "garbage first"},
    {&with_users, "CONNECT {\"user\":\"ann\",\"pass\":\"pw\"}\r\nPING\r\n", "", 1, "user and password"},
    {&with_users, "CONNECT {\"user\":\"ann\",\"pass\":\"no\"}\r\nPING\r\n", "'Authorization Violation'", 0,
     "wrong password"},
    {&with_users, "CONNECT {\"user\":\"bob\",\"pass\":\"pw\"}\r\nPING\r\n", "'Authorization Violation'", 0,
     "no such user"},
    {&with_users, "CONNECT {\"user\":\"hashed\",\"pass\":\"s3cret\"}\r\nPING\r\n", "", 1,
     "right for the hash"},
    {&with_users, "CONNECT {\"user\":\"hashed\",\"pass\":\"no\"}\r\nPING\r\n", "'Authorization Violation'", 0,
     "wrong for the hash"},
    {&with_users, "CONNECT {\"user\":\"browser\",\"pass\":\"pw\"}\r\nPING\r\n", "'Authorization Violation'",
     0, "a user for WebSocket only"},
    {&with_users, "CONNECT {\"user\":\"ann\",\"pass\":\"pw\",\"protocol\":9}\r\n",
     "'invalid client protocol'", 0, "authorized, but of an unknown protocol"},
    {&with_users, "CONNECT {\"user\":\"ann\",\"pass\":\"no\",\"protocol\":9}\r\n",
     "'Authorization Violation'", 0, "authorization comes first"},
};

// Only who proves to be a user gets in; everybody else reads the same refusal.
Test(authorization, only_who_proves_it_gets_in)
{
    for (size_t i = 0; i < sizeof attempts / sizeof attempts[0]; i++) {
        struct sim_core sim;
        struct heard heard = {0};
        sim_core_start(&sim, &(struct sim_options){.seed = i + 1, .auth = attempts[i].auth});
        struct sim_client *client = sim_client_open(&sim, on_command, &heard);
        sim_client_send(client, rill_bytes_from_cstr(attempts[i].input));
        sim_core_settle(&sim);
        cr_expect(eq(str, heard.error, (char *)attempts[i].error), "%s", attempts[i].why);
        cr_expect(eq(int, heard.pongs, attempts[i].pongs), "%s", attempts[i].why);
        cr_expect(eq(int, sim_client_is_closed(client), attempts[i].error[0] != '\0'), "%s", attempts[i].why);
        sim_core_stop(&sim);
    }
}

// Who says nothing for the configured time is told so and closed, in the middle of a CONNECT too.
Test(authorization, patience_ends_after_the_timeout)
{
    struct sim_core sim;
    struct heard heard = {0};
    sim_core_start(&sim, &(struct sim_options){.seed = 1, .auth = &with_token});
    struct sim_client *client = sim_client_open(&sim, on_command, &heard);
    sim_client_sendf(client, "CONNECT {\"auth_");
    sim_core_advance(&sim, RILL_NS_PER_S);
    cr_expect(not(sim_client_is_closed(client)));
    sim_core_advance(&sim, RILL_NS_PER_S + 1);
    cr_expect(eq(str, heard.error, "'Authentication Timeout'"));
    cr_expect(sim_client_is_closed(client));
    sim_core_stop(&sim);
}

// What a user may not publish is refused and dropped; a reply to a request it received is allowed, once.
Test(authorization, a_worker_may_answer_what_it_was_asked)
{
    struct sim_core sim;
    struct heard worker = {0}, ann = {0};
    sim_core_start(&sim, &(struct sim_options){.seed = 2, .auth = &with_users});
    struct sim_client *w = sim_client_open(&sim, on_command, &worker);
    struct sim_client *a = sim_client_open(&sim, on_command, &ann);
    sim_client_sendf(w, "CONNECT {\"verbose\":false,\"user\":\"worker\",\"pass\":\"pw\"}\r\nSUB jobs 1\r\n");
    sim_client_sendf(a, "CONNECT {\"verbose\":false,\"user\":\"ann\",\"pass\":\"pw\"}\r\nSUB inbox.> 1\r\n");
    sim_core_settle(&sim);
    sim_client_sendf(w, "PUB inbox.7 2\r\nno\r\n");
    sim_core_settle(&sim);
    cr_expect(eq(str, worker.error, "'Permissions Violation for Publish to \"inbox.7\"'"));
    cr_expect(eq(int, ann.messages, 0));
    sim_client_sendf(a, "PUB jobs inbox.7 2\r\ngo\r\n");
    sim_core_settle(&sim);
    sim_client_sendf(w, "PUB inbox.7 3\r\nyes\r\nPUB inbox.7 3\r\nyes\r\n");
    sim_core_settle(&sim);
    cr_expect(eq(int, ann.messages, 1));
    sim_core_stop(&sim);
}

// A subscription that merely contains a denied subject is accepted, and what is denied is not delivered.
Test(authorization, denied_subjects_are_not_delivered_to_wildcards)
{
    struct sim_core sim;
    struct heard worker = {0}, ann = {0};
    sim_core_start(&sim, &(struct sim_options){.seed = 2, .auth = &with_users});
    struct sim_client *w = sim_client_open(&sim, on_command, &worker);
    struct sim_client *a = sim_client_open(&sim, on_command, &ann);
    sim_client_sendf(w,
                     "CONNECT {\"verbose\":false,\"user\":\"worker\",\"pass\":\"pw\"}\r\nSUB orders.* 1\r\n");
    sim_core_settle(&sim);
    cr_expect(eq(str, worker.error, ""));
    sim_client_sendf(a, "CONNECT {\"verbose\":false,\"user\":\"ann\",\"pass\":\"pw\"}\r\n"
                        "PUB orders.secret 1\r\nx\r\nPUB orders.new 1\r\nx\r\n");
    sim_client_sendf(w, "SUB orders.secret 2\r\n");
    sim_core_settle(&sim);
    cr_expect(eq(int, worker.messages, 1));
    cr_expect(eq(str, worker.error, "'Permissions Violation for Subscription to \"orders.secret\"'"));
    sim_core_stop(&sim);
}

// Accounts do not see each other's subjects.
Test(authorization, accounts_are_separate_subject_spaces)
{
    struct sim_core sim;
    struct heard admin = {0}, ann = {0};
    sim_core_start(&sim, &(struct sim_options){.seed = 2, .auth = &with_users});
    struct sim_client *s = sim_client_open(&sim, on_command, &admin);
    struct sim_client *a = sim_client_open(&sim, on_command, &ann);
    sim_client_sendf(s, "CONNECT {\"verbose\":false,\"user\":\"admin\",\"pass\":\"pw\"}\r\nSUB > 1\r\n");
    sim_core_settle(&sim);
    sim_client_sendf(
        a, "CONNECT {\"verbose\":false,\"user\":\"ann\",\"pass\":\"pw\"}\r\nPUB orders.new 1\r\nx\r\n");
    sim_core_settle(&sim);
    cr_expect(eq(int, admin.messages, 0));
    sim_core_stop(&sim);
}

// USER.INFO tells a client in any account who it is.
Test(authorization, user_info_answers_who_one_is)
{
    struct sim_core sim;
    struct heard worker = {0};
    sim_core_start(&sim, &(struct sim_options){.seed = 2, .auth = &with_users});
    struct sim_client *w = sim_client_open(&sim, on_command, &worker);
    sim_client_sendf(w, "CONNECT {\"verbose\":false,\"user\":\"admin\",\"pass\":\"pw\"}\r\nSUB inbox 1\r\n"
                        "PUB $SYS.REQ.USER.INFO inbox 0\r\n\r\n");
    sim_core_settle(&sim);
    cr_expect(eq(int, worker.messages, 1));
    sim_core_stop(&sim);
}

/* Users on the heap, so that a sanitizer sees who looks at them after they are gone. */
static struct rill_auth_config *users_create(const char *name, const char *password)
{
    struct rill_auth_config *auth = calloc(1, sizeof *auth);
    struct rill_auth_user *user = calloc(1, sizeof *user);
    cr_assert(auth && user);
    *user = (struct rill_auth_user){strdup(name), strdup(password), "$G", NULL, RILL_CONNECTION_ANY};
    *auth = (struct rill_auth_config){.users = user, .user_count = 1, .timeout_ns = 2 * RILL_NS_PER_S};
    return auth;
}

static void users_destroy(struct rill_auth_config *auth)
{
    free((char *)auth->users[0].name);
    free((char *)auth->users[0].password);
    free((struct rill_auth_user *)auth->users);
    free(auth);
}

// A reload closes who is no user any more, keeps who still is one, and the old users may go at once: also those of
// connections that have yet to read why they were closed.
Test(authorization, nobody_looks_at_users_from_before_a_reload)
{
    struct sim_core sim;
    struct heard stays = {0}, goes = {0};
    struct rill_auth_config *first = users_create("ann", "pw");
    struct rill_auth_config *same = users_create("ann", "pw");
    struct rill_auth_config *other = users_create("bob", "pw");
    sim_core_start(&sim, &(struct sim_options){.seed = 4, .auth = first});
    struct sim_client *a = sim_client_open(&sim, on_command, &stays);
    struct sim_client *b = sim_client_open(&sim, on_command, &goes);
    sim_client_sendf(a, "CONNECT {\"verbose\":false,\"user\":\"ann\",\"pass\":\"pw\"}\r\n");
    sim_client_sendf(b, "CONNECT {\"verbose\":false,\"user\":\"ann\",\"pass\":\"pw\"}\r\n");
    sim_core_settle(&sim);
    sim_client_sendf(b, "UNKNOWN\r\n");
    (void)sim_core_turn(&sim);
    sim_core_reload(&sim, NULL, same);
    users_destroy(first);
    sim_core_settle(&sim);
    cr_expect(not(sim_client_is_closed(a)));
    cr_expect(sim_client_is_closed(b));
    sim_core_reload(&sim, NULL, other);
    users_destroy(same);
    sim_core_settle(&sim);
    cr_expect(eq(str, stays.error, "'Authorization Violation'"));
    cr_expect(sim_client_is_closed(a));
    sim_core_stop(&sim);
    users_destroy(other);
}

// However many ask at once, few passwords are hashed at a time, none for who has left, and everybody gets an answer.
Test(authorization, a_crowd_with_hashed_passwords_waits_in_line)
{
    enum { CROWD = 100, AT_A_TIME_MAX = 4 };
    struct sim_core sim;
    struct heard heard[CROWD] = {0};
    struct sim_client *clients[CROWD];
    sim_core_start(&sim, &(struct sim_options){.seed = 2, .auth = &with_users, .calm = true});
    for (int i = 0; i < CROWD; i++) {
        clients[i] = sim_client_open(&sim, on_command, &heard[i]);
        sim_client_sendf(clients[i],
                         "CONNECT {\"verbose\":false,\"user\":\"hashed\",\"pass\":\"s3cret\"}\r\nPING\r\n");
    }
    (void)sim_core_turn(&sim);
    cr_expect(sim.job_count <= AT_A_TIME_MAX);
    for (int i = 10; i < CROWD; i++)
        sim_client_close(clients[i]);
    sim_core_settle(&sim);
    for (int i = 0; i < 10; i++)
        cr_expect(eq(int, heard[i].pongs, 1));
    cr_expect(sim.jobs_total <= 10 + 2 * AT_A_TIME_MAX);
    sim_core_stop(&sim);
}

// A second CONNECT is given the time of a first one, also when a ping of the connection was about to be due.
Test(authorization, a_second_connect_has_its_full_time)
{
    struct rill_auth_config open_house = with_users;
    open_house.no_auth_user = "ann";
    struct sim_core sim;
    struct heard heard = {0};
    sim_core_start(&sim, &(struct sim_options){.seed = 2, .auth = &open_house, .calm = true});
    struct sim_client *client = sim_client_open(&sim, on_command, &heard);
    sim_client_sendf(client, "CONNECT {\"verbose\":false}\r\nPING\r\n");
    sim_core_settle(&sim);
    const int64_t first_ping_ns = rill_core_next_deadline_ns(sim.core);
    sim_core_advance(&sim, first_ping_ns - sim.now.mono_ns - 1);
    sim_client_sendf(client, "CONNECT {\"user\":\"hashed\",\"pass\":\"s3cret\"}\r\nPING\r\n");
    (void)sim_core_turn(&sim);
    sim.now.mono_ns = first_ping_ns + 1;
    sim_core_settle(&sim);
    cr_expect(eq(str, heard.error, ""));
    cr_expect(eq(int, heard.pongs, 2));
    sim_core_stop(&sim);
}
