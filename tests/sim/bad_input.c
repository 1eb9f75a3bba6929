// SPDX-License-Identifier: Apache-2.0
//
// What a broken or hostile client gets, and what others notice of it: nothing. The texts are nats-server's.
#include "seed.h"
#include "sim_core.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>

TestSuite(bad_input);

struct answer {
    char error[256];
    int pongs;
};

static void on_command(void *context, struct sim_client *client, const struct rill_command *command)
{
    struct answer *answer = context;
    if (command->op == RILL_OP_ERR)
        (void)snprintf(answer->error, sizeof answer->error, RILL_PRI, RILL_ARG(command->args));
    answer->pongs += command->op == RILL_OP_PONG;
}

static const struct {
    const char *input;
    const char *error;
    bool closes;
    const char *why;
} inputs[] = {
    {"FOO\r\n", "'Unknown Protocol Operation'", true, "an unknown operation"},
    {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "'Unknown Protocol Operation'", true, "HTTP on the client port"},
    {"\x16\x03\x01\x02", "'Unknown Protocol Operation'", true, "a TLS hello"},
    {"\r\n", "'Unknown Protocol Operation'", true, "an empty line"},
    {"PUB a -1\r\n", "", true, "a negative size"},
    {"PUB a 99999999999999999999\r\n", "", true, "a size that overflows"},
    {"PUB a 1048577\r\n", "'Maximum Payload Violation'", true, "a payload beyond the maximum"},
    {"HPUB a 20 10\r\n", "", true, "headers larger than the whole"},
    {"PUB a 2\r\nhello\r\n", "'Unknown Protocol Operation'", true, "a payload longer than announced"},
    {"SUB a..b 1\r\n", "'Invalid Subject'", false, "an empty token"},
    {"SUB a.>.b 1\r\n", "'Invalid Subject'", false, "a tail in the middle"},
    {"SUB a b c d\r\n", "", true, "too many arguments"},
    {"UNSUB\r\n", "'Unknown Protocol Operation'", true, "an operation without its blank"},
    {"CONNECT {\r\n", "", true, "broken JSON"},
    {"CONNECT []\r\n", "", true, "no object"},
    {"CONNECT {\"verbose\":1}\r\n", "", true, "a number for a boolean"},
    {"CONNECT {\"protocol\":7}\r\n", "'invalid client protocol'", true, "an unknown protocol"},
    {"CONNECT {\"no_responders\":true}\r\n", "'no responders requires headers support'", true, "no headers"},
    {"CONNECT {\"account\":\"x\"}\r\n", "'Authorization Violation'", true, "an account"},
    {"HPUB a 12 12\r\nNATS/1.0\r\n\r\n\r\n", "", true, "headers without having asked for them"},
    {"-ERR 'x'\r\n", "", true, "an error from a client"},
    {"INFO {}\r\n+OK\r\n", "", false, "what only a broker says is ignored"},
    {"MSG a 1 2\r\nhi\r\n", "'Unknown Protocol Operation'", true, "a message from a client"},
};

// Each wrong input has nats-server's answer, and closes the connection where nats-server does.
Test(bad_input, each_gets_its_error_and_its_close)
{
    for (size_t i = 0; i < sizeof inputs / sizeof inputs[0]; i++) {
        struct sim_core sim;
        struct answer answer = {0};
        sim_core_start(&sim, &(struct sim_options){.seed = i + 1});
        struct sim_client *client = sim_client_open(&sim, on_command, &answer);
        sim_client_send(client, rill_bytes_from_cstr(inputs[i].input));
        sim_client_send(client, RILL_BYTES("PING\r\n"));
        sim_core_settle(&sim);
        cr_expect(eq(str, answer.error, (char *)inputs[i].error), "%s", inputs[i].why);
        cr_expect(eq(int, sim_client_is_closed(client), inputs[i].closes), "%s", inputs[i].why);
        cr_expect(eq(int, answer.pongs, !inputs[i].closes), "%s", inputs[i].why);
        sim_core_stop(&sim);
    }
}

static const char *const words[] = {
    "PUB",      "HPUB",
    "SUB",      "UNSUB",
    "CONNECT",  "PING",
    "PONG",     " ",
    "  ",       "\r\n",
    "\n",       "\r",
    "a.b",      ">",
    "*",        "0",
    "1",        "5",
    "99999999", "-1",
    "{}",       "{",
    "\"",       "$",
    "\t",       "NATS/1.0\r\n\r\n",
    "INFO",     "+OK",
    "-ERR",     "hello",
    "[",        "\xff",
    "a..b",     "MSG ",
    "q",        "7",
    "12",       "CONNECT {\"verbose\":false}\r\n",
};

static void send_garbage(struct sim_client *client, struct rill_random *random)
{
    for (uint32_t i = rill_random_below(random, 40); i-- > 0;) {
        if (rill_random_chance(random, 1, 10)) {
            uint8_t noise[32];
            for (size_t n = 0; n < sizeof noise; n++)
                noise[n] = (uint8_t)rill_random_next(random);
            sim_client_send(client, rill_bytes_of(noise, rill_random_below(random, sizeof noise)));
        } else {
            sim_client_send(
                client, rill_bytes_from_cstr(words[rill_random_below(random, sizeof words / sizeof *words)]));
        }
    }
}

static void ignore(void *context, struct sim_client *client, const struct rill_command *command)
{
}

// However many connections send garbage, one that keeps to the protocol gets all its answers.
Test(bad_input, garbage_on_other_connections_is_not_noticed)
{
    const struct seed_range seeds = seed_range(100);
    for (uint64_t seed = seeds.first; seed <= seeds.last; seed++) {
        struct rill_random random = {.state = seed};
        struct sim_core sim;
        struct answer answer = {0};
        sim_core_start(&sim, &(struct sim_options){.seed = seed});
        struct sim_client *good = sim_client_open(&sim, on_command, &answer);
        sim_client_sendf(good, "CONNECT {\"verbose\":false}\r\n");
        enum { ROUNDS = 30 };
        for (int round = 1; round <= ROUNDS; round++) {
            send_garbage(sim_client_open(&sim, ignore, NULL), &random);
            sim_client_send(good, RILL_BYTES("PING\r\n"));
            (void)sim_core_turn(&sim);
        }
        sim_core_settle(&sim);
        cr_assert(eq(int, answer.pongs, ROUNDS), "seed %lu", seed);
        sim_core_stop(&sim);
    }
}

// The last connection above the limit is told so and closed; when one leaves there is room again.
Test(bad_input, connections_above_the_limit_are_told_and_closed)
{
    struct sim_core sim;
    struct answer answers[4] = {0};
    const struct rill_limits limits = {.payload_bytes_max = 1024,
                                       .control_line_bytes_max = 1024,
                                       .pending_bytes_max = 1 << 20,
                                       .connections_max = 2,
                                       .ping_interval_ns = RILL_NS_PER_S,
                                       .ping_max = 2,
                                       .write_deadline_ns = RILL_NS_PER_S};
    sim_core_start(&sim, &(struct sim_options){.seed = 1, .limits = &limits});
    struct sim_client *first = sim_client_open(&sim, on_command, &answers[0]);
    (void)sim_client_open(&sim, on_command, &answers[1]);
    struct sim_client *third = sim_client_open(&sim, on_command, &answers[2]);
    sim_core_settle(&sim);
    cr_expect(eq(str, answers[2].error, "'maximum connections exceeded'"));
    cr_expect(sim_client_is_closed(third));
    sim_client_close(first);
    sim_core_settle(&sim);
    struct sim_client *fourth = sim_client_open(&sim, on_command, &answers[3]);
    sim_core_settle(&sim);
    cr_expect(not(sim_client_is_closed(fourth)));
    sim_core_stop(&sim);
}
