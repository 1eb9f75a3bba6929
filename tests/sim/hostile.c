// SPDX-License-Identifier: Apache-2.0
//
// Everything hostile at the same time: clients that do not read or take a byte now and then, limits that are soon
// reached, subscriptions that end in the middle of a message, links that break anywhere, garbage, reloads with other
// users, the end of the broker. Nobody is promised a message here; what is promised is that whatever arrives is whole
// and in order, that the broker comes to rest, forgets whoever is gone, and that its counts agree with the clients'.
#include "core/monitor.h"
#include "seed.h"
#include "sim_core.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <jansson.h>
#include <stdio.h>

TestSuite(hostile);

enum { PEERS = 10, SUBS = 6, STEPS = 250, PAYLOAD_MAX = 3000 };

struct peer {
    struct world *world;
    struct sim_client *client;
    uint64_t id;
    uint64_t last_of[PEERS * (STEPS + 1)]; // the number heard last of each publisher there ever was
};

struct world {
    uint64_t seed;
    struct sim_core sim;
    struct rill_random random;
    struct rill_limits limits;
    struct rill_auth_config *auth;
    struct peer peers[PEERS];
    uint64_t opened;
    uint64_t published; // numbers that were given out
    uint64_t heard;
};

static uint32_t pick(struct world *world, uint32_t bound)
{
    return rill_random_below(&world->random, bound);
}

static bool chance(struct world *world, uint32_t of)
{
    return rill_random_chance(&world->random, 1, of);
}

// ---- users ----

static const struct rill_permission some[] = {{"a.>", NULL}, {"b", NULL}};
static const struct rill_permission few[] = {{"a.b", NULL}, {"*.c", NULL}};

static const struct rill_permissions permissions[] = {
    {.publish = {.allow = some, .allow_count = 2, .allow_given = true},
     .subscribe = {.deny = few, .deny_count = 2},
     .responses = {.given = true, .messages_max = 2, .expires_ns = 100 * RILL_NS_PER_MS}},
    {.subscribe = {.allow = some, .allow_count = 2, .allow_given = true},
     .publish = {.deny = few, .deny_count = 2}},
};

/* The password "s3cret" at bcrypt's lowest cost. */
#define HASHED "$2b$04$abcdefghijklmnopqrstuuLZYjhNQAOdpbzt4WxWlUHjv1wsyH5DG"

static char *copy(const char *text)
{
    char *copied = strdup(text);
    cr_assert(copied != NULL);
    return copied;
}

/* On the heap, so that a sanitizer sees who looks at users from before a reload. */
static struct rill_auth_config *auth_create(struct world *world)
{
    static const char *const names[] = {"u0", "u1", "u2", "u3"};
    static const char *const passwords[] = {"s3cret", "other", HASHED};
    struct rill_auth_config *auth = calloc(1, sizeof *auth);
    struct rill_auth_user *users = calloc(4, sizeof *users);
    cr_assert(auth != NULL && users != NULL);
    auth->timeout_ns = 200 * RILL_NS_PER_MS;
    auth->users = users;
    auth->user_count = chance(world, 2) ? 0 : 3 + pick(world, 2);
    for (size_t i = 0; i < auth->user_count; i++) {
        const uint32_t kind = pick(world, 4);
        users[i] = (struct rill_auth_user){
            .name = copy(names[i]),
            .password = copy(passwords[chance(world, 6) ? 1 + pick(world, 2) : 0]),
            .account = chance(world, 5) ? "$SYS" : "$G",
            .permissions = kind < 2 ? &permissions[kind] : NULL,
            .connection_types = RILL_CONNECTION_ANY,
        };
    }
    if (auth->user_count && chance(world, 2))
        auth->no_auth_user = users[pick(world, (uint32_t)auth->user_count)].name;
    return auth;
}

static void auth_destroy(struct rill_auth_config *auth)
{
    for (size_t i = 0; i < auth->user_count; i++) {
        free((char *)auth->users[i].name);
        free((char *)auth->users[i].password);
    }
    free((struct rill_auth_user *)auth->users);
    free(auth);
}

static void reload(struct world *world)
{
    struct rill_auth_config *old = world->auth;
    world->auth = auth_create(world);
    world->limits.pending_bytes_max = 4096u << pick(world, 4);
    world->limits.subscriptions_max = pick(world, SUBS);
    sim_core_reload(&world->sim, &world->limits, world->auth);
    auth_destroy(old);
}

// ---- what arrives ----

/* A payload is "<publisher> <number> xxxx": nothing of it may be missing, and each publisher's numbers go up. */
static void on_command(void *context, struct sim_client *client, const struct rill_command *command)
{
    struct peer *peer = context;
    struct world *world = peer->world;
    if (peer->client != client || (command->op != RILL_OP_MSG && command->op != RILL_OP_HMSG))
        return;
    world->heard++;
    unsigned long long publisher, number, bytes;
    char head[64] = "";
    memcpy(head, command->payload.data, command->payload.len < 63 ? command->payload.len : 63);
    if (sscanf(head, "%llu %llu %llu ", &publisher, &number, &bytes) != 3)
        return; // the broker's own
    cr_assert(eq(ulong, command->payload.len, bytes), "seed %lu", world->seed);
    for (size_t i = 32; i < bytes; i++)
        cr_assert(command->payload.data[i] == 'x', "seed %lu: byte %zu of %llu", world->seed, i, bytes);
    uint64_t *last = &peer->last_of[publisher];
    cr_assert(number >= *last, "seed %lu: %llu behind %lu", world->seed, number, *last);
    *last = number;
}

// ---- what clients do ----

static void join(struct world *world, struct peer *peer)
{
    if (peer->client)
        sim_client_close(peer->client);
    *peer = (struct peer){.world = world, .id = world->opened++};
    peer->client = sim_client_open(&world->sim, on_command, peer);
}

static const char *subject(struct world *world, bool pattern)
{
    static const char *const subjects[] = {"a",       "b", "a.b", "a.c", "b.c", "a.b.c",
                                           "inbox.1", "*", "a.*", "a.>", ">",   "*.c"};
    return subjects[pick(world, pattern ? 12 : 7)];
}

static void connect_as_somebody(struct world *world, struct sim_client *client)
{
    static const char *const booleans[] = {"false", "true"};
    sim_client_sendf(client,
                     "CONNECT {\"verbose\":%s,\"pedantic\":%s,\"echo\":%s,\"headers\":%s,\"protocol\":1",
                     booleans[chance(world, 5)], booleans[chance(world, 5)], booleans[!chance(world, 4)],
                     booleans[!chance(world, 4)]);
    if (!chance(world, 8))
        sim_client_sendf(client, ",\"user\":\"u%u\",\"pass\":\"s3cret\"", pick(world, 4));
    if (chance(world, 3))
        sim_client_sendf(client, ",\"headers\":true,\"no_responders\":true");
    sim_client_sendf(client, "}\r\n");
}

static void subscribe(struct world *world, struct sim_client *client)
{
    static const char *const queues[] = {"", "", "q", "r"};
    sim_client_sendf(client, "SUB %s %s %u\r\n", subject(world, true), queues[pick(world, 4)],
                     pick(world, SUBS));
}

static void publish(struct world *world, struct peer *peer)
{
    char payload[PAYLOAD_MAX];
    const uint32_t len = 64 + pick(world, chance(world, 2) ? PAYLOAD_MAX - 64 : 200);
    memset(payload, 'x', sizeof payload);
    payload[sprintf(payload, "%lu %lu %u", peer->id, world->published++, len)] = ' ';
    const bool headers = chance(world, 8);
    sim_client_publish(peer->client, subject(world, false), chance(world, 3) ? "inbox.1" : NULL,
                       headers ? "NATS/1.0\r\nA: b\r\n\r\n" : NULL, rill_bytes_of(payload, len));
}

static void say_something(struct world *world, struct peer *peer)
{
    static const char *const nonsense[] = {"FOO\r\n", "PUB a -1\r\n", "SUB a..b 1\r\n", "PUB a 99999\r\n",
                                           "MSG a 1 1\r\nx\r\n"};
    struct sim_client *client = peer->client;
    switch (pick(world, 16)) {
    case 0:
        connect_as_somebody(world, client);
        return;
    case 1:
    case 2:
    case 3:
        subscribe(world, client);
        return;
    case 4:
        sim_client_sendf(client, "UNSUB %u %u\r\n", pick(world, SUBS), pick(world, 5));
        return;
    case 5:
        for (uint32_t i = pick(world, 300); i-- > 0;)
            sim_client_sendf(client, "PING\r\n");
        return;
    case 6:
        sim_client_sendf(client, "PUB $SYS.REQ.USER.INFO inbox.1 0\r\n\r\n");
        return;
    case 7:
        if (chance(world, 4))
            sim_client_sendf(client, "%s", nonsense[pick(world, sizeof nonsense / sizeof *nonsense)]);
        return;
    default:
        for (uint32_t i = 1 + pick(world, 8); i-- > 0;)
            publish(world, peer);
        return;
    }
}

static void step(struct world *world)
{
    struct peer *peer = &world->peers[pick(world, PEERS)];
    if (!peer->client || sim_client_is_closed(peer->client)) {
        join(world, peer);
        connect_as_somebody(world, peer->client);
        for (uint32_t i = 0; i < 3; i++)
            subscribe(world, peer->client);
        return;
    }
    switch (pick(world, 24)) {
    case 0:
        sim_client_close(peer->client);
        break;
    case 1:
        peer->client->reads_nothing = !peer->client->reads_nothing;
        break;
    case 2:
        peer->client->reads_slowly = !peer->client->reads_slowly;
        break;
    case 3:
        sim_core_advance(&world->sim, pick(world, 150) * RILL_NS_PER_MS);
        break;
    case 4:
        if (chance(world, 4))
            reload(world);
        break;
    case 5:
    case 6:
    case 7:
        (void)sim_core_turn(&world->sim);
        break;
    default:
        say_something(world, peer);
        break;
    }
}

// ---- what the broker says about itself ----

static json_t *ask(struct world *world, enum rill_monitor_endpoint endpoint, const char *query)
{
    const struct rill_process_facts facts = {.http_host = "", .http_base_path = "/"};
    struct rill_buf body;
    int status;
    const char *content_type;
    rill_buf_init(&body, 1 << 20);
    rill_core_monitor(world->sim.core, &facts, endpoint, rill_bytes_from_cstr(query), &body, &status,
                      &content_type);
    json_t *object = json_loadb((const char *)body.data, body.len, 0, NULL);
    cr_assert(object != NULL && status == 200);
    rill_buf_fini(&body);
    return object;
}

static uint64_t number_of(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    cr_assert(value != NULL, "%s", name);
    return (uint64_t)json_integer_value(value);
}

static void check_counts(struct world *world)
{
    uint64_t open = 0;
    for (const struct sim_client *client = world->sim.clients; client; client = client->next)
        open += client->conn != NULL;
    json_t *connz = ask(world, RILL_MONITOR_CONNZ, "state=all&subs=1&auth=1");
    json_t *varz = ask(world, RILL_MONITOR_VARZ, "");
    json_t *subsz = ask(world, RILL_MONITOR_SUBSZ, "subs=1&limit=100000");
    uint64_t in_msgs = 0, out_msgs = 0, subs = 0, living = 0;
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(connz, "connections"), i, row)
    {
        in_msgs += number_of(row, "in_msgs");
        out_msgs += number_of(row, "out_msgs");
        const bool closed = json_object_get(row, "stop") != NULL;
        living += !closed;
        subs += closed ? 0 : number_of(row, "subscriptions");
    }
    cr_assert(eq(ulong, living, open), "seed %lu", world->seed);
    cr_assert(eq(ulong, number_of(connz, "total"), world->opened), "seed %lu", world->seed);
    cr_assert(eq(ulong, number_of(varz, "connections"), open), "seed %lu", world->seed);
    cr_assert(eq(ulong, number_of(varz, "total_connections"), world->opened), "seed %lu", world->seed);
    cr_assert(eq(ulong, number_of(varz, "in_msgs"), in_msgs), "seed %lu", world->seed);
    cr_assert(eq(ulong, number_of(varz, "out_msgs"), out_msgs), "seed %lu", world->seed);
    cr_assert(eq(ulong, number_of(subsz, "total"), subs), "seed %lu", world->seed);
    cr_assert(world->heard <= out_msgs, "seed %lu: %lu heard, %lu sent", world->seed, world->heard, out_msgs);
    json_decref(connz);
    json_decref(varz);
    json_decref(subsz);
}

static void run(uint64_t seed)
{
    static struct world world;
    world = (struct world){.seed = seed, .random = {.state = seed ^ 4711}};
    world.limits = (struct rill_limits){
        .payload_bytes_max = 4096,
        .control_line_bytes_max = 512,
        .pending_bytes_max = 16 * 1024,
        .connections_max = PEERS,
        .subscriptions_max = SUBS - 1,
        .sub_tokens_max = 2,
        .ping_interval_ns = 300 * RILL_NS_PER_MS,
        .ping_max = 2,
        .write_deadline_ns = 200 * RILL_NS_PER_MS,
    };
    world.auth = auth_create(&world);
    sim_core_start(&world.sim,
                   &(struct sim_options){.seed = seed, .limits = &world.limits, .auth = world.auth});
    for (int i = 0; i < STEPS; i++) {
        step(&world);
        if (chance(&world, 20))
            check_counts(&world);
    }
    sim_core_advance(&world.sim, RILL_NS_PER_S);
    check_counts(&world);
    if (chance(&world, 2)) {
        rill_core_begin_turn(world.sim.core, world.sim.now);
        rill_core_lame_duck(world.sim.core, 100 * RILL_NS_PER_MS, 400 * RILL_NS_PER_MS);
        rill_core_end_turn(world.sim.core);
        sim_core_advance(&world.sim, 2 * RILL_NS_PER_S);
        cr_assert(rill_core_is_idle(world.sim.core), "seed %lu: somebody outlives the lame duck", seed);
        check_counts(&world);
    }
    sim_core_stop(&world.sim);
    auth_destroy(world.auth);
}

// Whatever clients do to each other and to the broker, what arrives is right and nothing is left behind.
Test(hostile, the_broker_survives_all_of_it_at_once)
{
    const struct seed_range seeds = seed_range(200);
    for (uint64_t seed = seeds.first; seed <= seeds.last; seed++)
        run(seed);
}
