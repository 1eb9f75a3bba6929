// SPDX-License-Identifier: Apache-2.0
//
// Publish and subscribe over the whole core: clients with random subscriptions publish bursts at the same time, through
// links that split bytes anywhere. Between bursts subscriptions and clients come and go. After each burst, for every
// message and every subscription the oracle (a search of all patterns) says whether it had to arrive.
#include "proto/subject.h"
#include "seed.h"
#include "sim_core.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

TestSuite(pubsub);

enum { PEERS = 6, SUBS = 8, MESSAGES = 200, BURSTS = 6, TEXT_MAX = 32 };

struct subscription {
    bool live;
    char pattern[TEXT_MAX];
    char queue[TEXT_MAX];
    uint8_t received[MESSAGES]; // how often, in this burst
    int last_of[PEERS];         // the last message of each publisher, in this burst
};

struct world;

struct peer {
    struct world *world;
    int index;
    struct sim_client *client;
    bool echo;
    bool left; // during this burst: what it should have received cannot be told
    struct subscription subs[SUBS];
};

struct world {
    uint64_t seed;
    struct sim_core sim;
    struct rill_random random;
    struct peer peers[PEERS];
    struct {
        char subject[TEXT_MAX];
        int publisher;
    } messages[MESSAGES];
};

static void random_subject(struct rill_random *random, bool pattern, char *text)
{
    const uint32_t tokens = 1 + rill_random_below(random, 3);
    for (uint32_t i = 0; i < tokens; i++) {
        const char *choice = !pattern ? "abc" : i + 1 == tokens ? "abc*>" : "abc*";
        text +=
            sprintf(text, "%s%c", i ? "." : "", choice[rill_random_below(random, (uint32_t)strlen(choice))]);
    }
}

static int number_of(struct rill_bytes bytes)
{
    uint64_t number = 0;
    cr_assert(rill_bytes_to_u64(bytes, 100000, &number));
    return (int)number;
}

static void on_command(void *context, struct sim_client *client, const struct rill_command *command)
{
    struct peer *peer = context;
    cr_assert(command->op != RILL_OP_ERR, "seed %lu: " RILL_PRI, peer->world->seed, RILL_ARG(command->args));
    if (command->op != RILL_OP_MSG)
        return;
    const int message = number_of(command->payload);
    struct subscription *sub = &peer->subs[number_of(command->sid)];
    const int publisher = peer->world->messages[message].publisher;
    cr_assert(rill_bytes_equal_cstr(command->subject, peer->world->messages[message].subject));
    cr_assert(message > sub->last_of[publisher], "seed %lu: message %d after %d", peer->world->seed, message,
              sub->last_of[publisher]);
    sub->last_of[publisher] = message;
    sub->received[message]++;
}

static void peer_join(struct world *world, int index)
{
    struct peer *peer = &world->peers[index];
    *peer = (struct peer){.world = world, .index = index, .echo = rill_random_chance(&world->random, 2, 3)};
    peer->client = sim_client_open(&world->sim, on_command, peer);
    sim_client_sendf(peer->client, "CONNECT {\"verbose\":false,\"pedantic\":false,\"echo\":%s}\r\n",
                     peer->echo ? "true" : "false");
}

static void toggle_subscription(struct world *world, struct peer *peer)
{
    const uint32_t sid = rill_random_below(&world->random, SUBS);
    struct subscription *sub = &peer->subs[sid];
    sub->live = !sub->live;
    if (!sub->live) {
        sim_client_sendf(peer->client, "UNSUB %u\r\n", sid);
        return;
    }
    random_subject(&world->random, true, sub->pattern);
    static const char *const queues[] = {"", "", "workers", "auditors"};
    (void)strcpy(sub->queue, queues[rill_random_below(&world->random, 4)]);
    sim_client_sendf(peer->client, "SUB %s %s %u\r\n", sub->pattern, sub->queue, sid);
}

static void rearrange(struct world *world)
{
    for (int i = 0; i < PEERS; i++) {
        struct peer *peer = &world->peers[i];
        if (!peer->client || sim_client_is_closed(peer->client))
            peer_join(world, i);
        for (int n = 0; n < 4; n++)
            toggle_subscription(world, peer);
        peer->left = false;
        for (int s = 0; s < SUBS; s++) {
            memset(peer->subs[s].received, 0, MESSAGES);
            for (int p = 0; p < PEERS; p++)
                peer->subs[s].last_of[p] = -1;
        }
    }
    sim_core_settle(&world->sim);
}

static void publish_burst(struct world *world)
{
    for (int m = 0; m < MESSAGES; m++) {
        const int publisher = (int)rill_random_below(&world->random, PEERS);
        world->messages[m].publisher = publisher;
        random_subject(&world->random, false, world->messages[m].subject);
        char payload[16];
        const int len = snprintf(payload, sizeof payload, "%d", m);
        sim_client_publish(world->peers[publisher].client, world->messages[m].subject, NULL, NULL,
                           rill_bytes_of(payload, (size_t)len));
        if (rill_random_chance(&world->random, 1, 10))
            (void)sim_core_turn(&world->sim);
    }
    sim_core_settle(&world->sim);
}

static bool should_take(const struct world *world, const struct peer *peer, const struct subscription *sub,
                        int message)
{
    if (!sub->live || (!peer->echo && world->messages[message].publisher == peer->index))
        return false;
    return rill_subject_matches(rill_bytes_from_cstr(sub->pattern),
                                rill_bytes_from_cstr(world->messages[message].subject));
}

/* How many members of the same group, at whatever subjects, took the message, and how many could have. */
static void count_group(const struct world *world, const struct subscription *of, int message, int *taken,
                        int *able)
{
    *taken = *able = 0;
    for (int p = 0; p < PEERS; p++) {
        for (int s = 0; s < SUBS; s++) {
            const struct subscription *sub = &world->peers[p].subs[s];
            if (strcmp(sub->queue, of->queue) != 0)
                continue;
            *taken += sub->received[message];
            *able += should_take(world, &world->peers[p], sub, message);
        }
    }
}

static void check_burst(const struct world *world)
{
    for (int p = 0; p < PEERS; p++) {
        for (int s = 0; s < SUBS; s++) {
            const struct subscription *sub = &world->peers[p].subs[s];
            for (int m = 0; sub->live && m < MESSAGES; m++) {
                int taken = sub->received[m];
                int expected = should_take(world, &world->peers[p], sub, m);
                if (sub->queue[0] && !expected)
                    cr_assert(eq(int, taken, 0), "seed %lu: message %d", world->seed, m);
                if (sub->queue[0]) {
                    count_group(world, sub, m, &taken, &expected);
                    expected = expected > 0;
                }
                cr_assert(eq(int, taken, expected), "seed %lu: message %d (%s) at %s queue '%s'", world->seed,
                          m, world->messages[m].subject, sub->pattern, sub->queue);
            }
        }
    }
}

static void run(uint64_t seed)
{
    static struct world world;
    world = (struct world){.seed = seed, .random = {.state = seed ^ 77}};
    sim_core_start(&world.sim, &(struct sim_options){.seed = seed, .calm = seed % 8 == 0});
    for (int burst = 0; burst < BURSTS; burst++) {
        rearrange(&world);
        publish_burst(&world);
        check_burst(&world);
        sim_client_close(world.peers[rill_random_below(&world.random, PEERS)].client);
        sim_core_settle(&world.sim);
    }
    sim_core_stop(&world.sim);
}

// Each message arrives exactly once at every matching subscription and once in every matching queue group, in the order
// of its publisher, whatever the links do to the bytes.
Test(pubsub, each_message_arrives_once_per_subscription_and_group_in_order)
{
    const struct seed_range seeds = seed_range(100);
    for (uint64_t seed = seeds.first; seed <= seeds.last; seed++)
        run(seed);
}

// ---- stories ----

struct transcript {
    char text[8192];
    size_t len;
};

static void record(void *context, struct sim_client *client, const struct rill_command *command)
{
    struct transcript *transcript = context;
    static const char *const names[] = {
        [RILL_OP_MSG] = "MSG",   [RILL_OP_HMSG] = "HMSG", [RILL_OP_OK] = "OK",    [RILL_OP_ERR] = "ERR",
        [RILL_OP_PONG] = "PONG", [RILL_OP_INFO] = "INFO", [RILL_OP_PING] = "PING"};
    if (command->op == RILL_OP_INFO || command->op == RILL_OP_PING)
        return;
    char *at = transcript->text + transcript->len;
    const size_t room = sizeof transcript->text - transcript->len;
    int len = 0;
    if (command->op == RILL_OP_MSG || command->op == RILL_OP_HMSG)
        len = snprintf(at, room, "%s " RILL_PRI " " RILL_PRI " [" RILL_PRI "] " RILL_PRI RILL_PRI "\n",
                       names[command->op], RILL_ARG(command->subject), RILL_ARG(command->sid),
                       RILL_ARG(command->reply), RILL_ARG(command->headers), RILL_ARG(command->payload));
    else if (command->op == RILL_OP_ERR)
        len = snprintf(at, room, "ERR " RILL_PRI "\n", RILL_ARG(command->args));
    else
        len = snprintf(at, room, "%s\n", names[command->op]);
    transcript->len += (size_t)len;
    cr_assert(transcript->len < sizeof transcript->text);
}

/* One client says `input`; `expected` is what it is answered. */
static void tell(const char *input, const char *expected)
{
    struct sim_core sim;
    struct transcript transcript = {0};
    sim_core_start(&sim, &(struct sim_options){.seed = 3});
    struct sim_client *client = sim_client_open(&sim, record, &transcript);
    sim_client_send(client, rill_bytes_from_cstr(input));
    sim_core_settle(&sim);
    cr_expect(eq(str, transcript.text, (char *)expected), "input: %s", input);
    sim_core_stop(&sim);
}

#define QUIET "CONNECT {\"verbose\":false,\"pedantic\":false,\"headers\":true,\"no_responders\":true}\r\n"

// The maximum of UNSUB counts every delivery, those before it too; then the subscription is gone.
Test(pubsub, unsub_max_counts_deliveries_already_made)
{
    tell(
        QUIET
        "SUB a 1\r\nPUB a 1\r\n1\r\nUNSUB 1 2\r\nPUB a 1\r\n2\r\nPUB a 1\r\n3\r\nSUB a 1\r\nPUB a 1\r\n4\r\n",
        "MSG a 1 [] 1\nMSG a 1 [] 2\nMSG a 1 [] 4\n");
    tell(QUIET "SUB a 1\r\nPUB a 1\r\n1\r\nPUB a 1\r\n2\r\nUNSUB 1 1\r\nPUB a 1\r\n3\r\n",
         "MSG a 1 [] 1\nMSG a 1 [] 2\n");
}

// A sid may be of any length: it is found again for what comes twice and for what ends it.
Test(pubsub, sids_of_any_length_are_told_apart)
{
    char sid[600];
    char input[8192];
    char expected[2048];
    for (size_t len = 255; len <= 512; len += 257) {
        memset(sid, 's', len);
        sid[len] = '\0';
        (void)snprintf(input, sizeof input,
                       QUIET "SUB a %s1\r\nSUB a %s2\r\nSUB a %s2\r\nUNSUB %s1\r\nUNSUB %s2 1\r\n"
                             "PUB a 1\r\nx\r\nPUB a 1\r\ny\r\nSUB a %s1\r\nPUB a 1\r\nz\r\n",
                       sid, sid, sid, sid, sid, sid);
        (void)snprintf(expected, sizeof expected, "MSG a %s2 [] x\nMSG a %s1 [] z\n", sid, sid);
        tell(input, expected);
    }
}

// A request that nobody listens to is answered at once, to the requester's own subscription, with the subject.
Test(pubsub, a_request_without_responders_gets_a_503)
{
    tell(QUIET "SUB inbox.* 9\r\nPUB nobody inbox.1 2\r\nhi\r\n",
         "HMSG inbox.1 9 [] NATS/1.0 503\r\nNats-Subject: nobody\r\n\r\n\n");
    tell(QUIET "SUB nobody 1\r\nSUB inbox.* 9\r\nPUB nobody inbox.1 2\r\nhi\r\n",
         "MSG nobody 1 [inbox.1] hi\n");
    tell(QUIET "PUB nobody inbox.1 2\r\nhi\r\nPING\r\n", "PONG\n");
}

// Headers arrive as they were sent; a receiver that does not take headers gets the payload alone.
Test(pubsub, headers_go_to_those_who_take_them)
{
    tell(QUIET "SUB a 1\r\nHPUB a r 18 20\r\nNATS/1.0\r\nA: b\r\n\r\nhi\r\n",
         "HMSG a 1 [r] NATS/1.0\r\nA: b\r\n\r\nhi\n");
    struct sim_core sim;
    struct transcript plain = {0}, full = {0};
    sim_core_start(&sim, &(struct sim_options){.seed = 5});
    struct sim_client *a = sim_client_open(&sim, record, &plain);
    struct sim_client *b = sim_client_open(&sim, record, &full);
    sim_client_sendf(a, "CONNECT {\"verbose\":false}\r\nSUB a 1\r\n");
    sim_client_sendf(b, QUIET "SUB a 1\r\n");
    sim_core_settle(&sim);
    sim_client_sendf(b, "HPUB a 18 20\r\nNATS/1.0\r\nA: b\r\n\r\nhi\r\n");
    sim_core_settle(&sim);
    cr_expect(eq(str, plain.text, "MSG a 1 [] hi\n"));
    cr_expect(eq(str, full.text, "HMSG a 1 [] NATS/1.0\r\nA: b\r\n\r\nhi\n"));
    sim_core_stop(&sim);
}

// Without a CONNECT, and with one that does not say otherwise, every command is answered.
Test(pubsub, a_client_is_verbose_unless_it_says_otherwise)
{
    tell("SUB a 1\r\nPUB a 1\r\nx\r\nUNSUB 1\r\nPING\r\n", "OK\nOK\nMSG a 1 [] x\nOK\nPONG\n");
    tell("CONNECT {}\r\nPUB a.* 1\r\nx\r\n", "OK\nERR 'Invalid Publish Subject'\nOK\n");
}

// A second CONNECT changes what it mentions and leaves the rest, subscriptions too.
Test(pubsub, a_second_connect_changes_what_it_mentions)
{
    tell("CONNECT {\"verbose\":false,\"echo\":false}\r\nSUB a 1\r\nCONNECT {\"pedantic\":false}\r\nPUB a "
         "1\r\nx\r\n"
         "CONNECT {\"echo\":true}\r\nPUB a 1\r\ny\r\nPING\r\n",
         "MSG a 1 [] y\nPONG\n");
}
