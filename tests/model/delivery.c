// SPDX-License-Identifier: Apache-2.0
//
// A stream with its consumers beside an oracle (delivery_oracle.h): filters, retention, limits and deliveries together, through
// the wire, on a disk that loses power at times. After each step somebody looks inside (delivery_look.h): every live,
// matching, unacknowledged sequence is outstanding or ahead of the cursor.
#include "../sim/story.h"
#include "delivery_look.h"
#include "proto/headers.h"
#include "seed.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { SEEDS = 100, STEPS = 450 };

#define MS RILL_NS_PER_MS

enum { PUSHED_MAX = 4096 };

/* Listens at the deliver subject of a consumer, or did. */
struct receiver {
    struct world *world;
    uint32_t consumer;
    struct sim_client *client;
    bool listens;
    char question[64]; // asked last; empty: none
};

struct world {
    struct story story;
    struct oracle oracle;
    struct rill_random random;
    uint64_t seed;
    uint32_t step;
    bool in_memory; // the stream: nothing of it outlives the broker

    // what receivers have heard, and the oracle has not
    struct receiver receivers[CONSUMERS];
    struct pushed {
        uint32_t consumer;
        uint64_t sequence;
        int64_t at_ns;
    } pushed[PUSHED_MAX];
    uint32_t pushed_count;

    // in all lives
    uint64_t deliveries;
    uint64_t redeliveries;
    uint64_t refusals; // of filters that meet on a work queue
    uint64_t crashes;
    uint64_t pushes;
    uint64_t answers;
    uint64_t letters;
};

static uint32_t below(struct world *world, uint32_t bound)
{
    return rill_random_below(&world->random, bound);
}

static void expect_no_failure(const struct world *world)
{
    cr_assert(eq(str, (char *)world->oracle.failure, ""),
              "RILL_SEED=%" PRIu64 " step %u (retention %d, limit %d)", world->seed, world->step,
              (int)world->oracle.retention, (int)world->oracle.limit);
}

/* As story_say, with the consumer's name behind the subject. */
static const char *say_of(struct world *world, const char *verb, uint32_t consumer, const char *body)
{
    char subject[64];
    (void)snprintf(subject, sizeof subject, "$JS.API.CONSUMER.%s.S.W%u", verb, consumer);
    return story_say(&world->story, subject, body);
}

/* The oracle hears what was pushed, as of the time at which it came. */
static void tell_pushed(struct world *world)
{
    for (uint32_t i = 0; i < world->pushed_count; i++) {
        const struct pushed *pushed = &world->pushed[i];
        oracle_advance(&world->oracle, pushed->at_ns);
        oracle_delivered(&world->oracle, pushed->consumer, pushed->sequence);
        world->redeliveries += world->oracle.consumers[pushed->consumer].delivered[pushed->sequence] > 1;
    }
    world->pushes += world->pushed_count;
    world->pushed_count = 0;
}

static void let_pass(struct world *world, int64_t ns)
{
    (void)story_wait(&world->story, ns);
    tell_pushed(world);
    oracle_advance(&world->oracle, world->story.sim.now.mono_ns);
}

/* A sweep takes some turns, and what comes of age, or is done without an answer, goes in a moment. */
static void tidy_up(struct world *world)
{
    for (int i = 0; i < 100 && !look_is_tidy(world->story.sim.core, &world->oracle); i++)
        let_pass(world, 2 * MS);
}

// ---- the stream ----

static void publish(struct world *world)
{
    char number[24];
    const uint32_t subject = below(world, SUBJECTS - 1);
    if (world->oracle.last == MESSAGES_MAX - 1)
        return;
    tidy_up(world); // what is to go makes room
    (void)snprintf(number, sizeof number, "%" PRIu64, world->oracle.last + 1);
    const char *heard = story_say(&world->story, oracle_subjects[subject], number);
    const bool stored = strstr(heard, "\"error\"") == NULL;
    if (oracle_publish(&world->oracle, subject) != stored)
        oracle_fail(&world->oracle, "a publish is answered with %.150s", heard);
    tell_pushed(world);
}

static void publish_some(struct world *world)
{
    for (uint32_t i = below(world, 4); i > 0; i--)
        publish(world);
}

static uint64_t some_sequence(struct world *world)
{
    return 1 + below(world, (uint32_t)world->oracle.last + 1);
}

static void delete_one(struct world *world)
{
    char body[64];
    const uint64_t sequence = some_sequence(world);
    tidy_up(world);
    (void)snprintf(body, sizeof body, "{\"seq\":%" PRIu64 ",\"no_erase\":%s}", sequence,
                   below(world, 2) ? "true" : "false");
    const char *heard = story_say(&world->story, "$JS.API.STREAM.MSG.DELETE.S", body);
    if ((strstr(heard, "\"success\":true") != NULL) != world->oracle.there[sequence])
        oracle_fail(&world->oracle, "%" PRIu64 " is deleted with %.150s", sequence, heard);
    oracle_remove(&world->oracle, sequence);
}

static void purge(struct world *world)
{
    char body[96];
    const uint32_t subject = below(world, SUBJECTS + 2);
    const uint64_t sequence = some_sequence(world);
    const bool of_subject = subject < SUBJECTS;
    (void)snprintf(body, sizeof body, "{\"seq\":%" PRIu64 "%s%s\"}", sequence,
                   of_subject ? ",\"filter\":\"" : ",\"filter\":\"ev.>",
                   of_subject ? oracle_subjects[subject] : "");
    (void)story_say(&world->story, "$JS.API.STREAM.PURGE.S", body);
    for (uint64_t i = 1; i < sequence; i++) {
        if (!of_subject || world->oracle.subject[i] == subject)
            oracle_remove(&world->oracle, i);
    }
}

// ---- consumers ----

static const char *const acks_names[ACKS_KINDS] = {"explicit", "all", "none", "flow_control"};

/* The same, acknowledged by flow control: nothing comes again by itself. */
static struct naive_config by_flow(const struct naive_config *config)
{
    struct naive_config flow = *config;
    flow.acks = ACKS_BY_FLOW;
    flow.deliveries_max = flow.per_subject_max = 0;
    flow.backs_off = false;
    return flow;
}

static struct naive_config choose_config(struct world *world)
{
    const bool queue = world->oracle.retention == WORK_QUEUE;
    struct naive_config config = {
        .filter = below(world, FILTERS),
        .acks = queue || below(world, 2) ? ACKS_EXPLICIT : (enum acks)below(world, ACKS_BY_FLOW),
        .start = queue || below(world, 2) ? FROM_ALL : (enum start)below(world, STARTS),
        .start_sequence = some_sequence(world),
        .deliveries_max = below(world, 2) ? 2 + below(world, 3) : 0,
        .ack_pending_max = 1 + below(world, 12),
        .backs_off = below(world, 3) == 0,
        .in_memory = below(world, 6) == 0,
    };
    if (config.acks == ACKS_EXPLICIT && below(world, 3) == 0)
        config.per_subject_max = 1 + below(world, 2);
    config.pushes = below(world, 3) == 0;
    if (config.pushes && below(world, 2))
        config = by_flow(&config);
    config.buries = config.acks != ACKS_NONE && config.acks != ACKS_BY_FLOW && below(world, 2);
    return config;
}

static void write_config(const struct naive_config *config, uint32_t consumer, char *to, size_t size)
{
    static const char *const starts[STARTS] = {"all", "new", "by_start_sequence", "last_per_subject"};
    char start[64] = "";
    char acks[128] = "";
    char order[64] = "";
    char push[48] = "";
    const uint32_t max = config->backs_off && !config->deliveries_max ? 5 : config->deliveries_max;
    if (config->start == FROM_SEQUENCE)
        (void)snprintf(start, sizeof start, ",\"opt_start_seq\":%" PRIu64, config->start_sequence);
    if (config->pushes)
        (void)snprintf(push, sizeof push, ",\"deliver_subject\":\"to.%u\"", consumer);
    if (config->acks == ACKS_BY_FLOW)
        (void)snprintf(acks, sizeof acks, ",\"max_ack_pending\":%u", config->ack_pending_max);
    else if (config->acks != ACKS_NONE)
        (void)snprintf(acks, sizeof acks, ",\"max_ack_pending\":%u,%s", config->ack_pending_max,
                       config->backs_off ? "\"backoff\":[300000000,900000000]" : "\"ack_wait\":500000000");
    if (config->per_subject_max)
        (void)snprintf(order, sizeof order, "\"rill.max_ack_pending_per_subject\":\"%u\"%s",
                       config->per_subject_max, config->buries ? "," : "");
    (void)snprintf(to, size,
                   "{\"stream_name\":\"S\",\"config\":{\"durable_name\":\"W%u\",\"mem_storage\":%s,\"ack_"
                   "policy\":\"%s\","
                   "\"deliver_policy\":\"%s\"%s%s,\"max_deliver\":%d%s,\"metadata\":{%s%s},%s}}",
                   consumer, config->in_memory ? "true" : "false", acks_names[config->acks],
                   starts[config->start], start, acks, max ? (int)max : -1, push, order,
                   config->buries ? "\"rill.dead_letter_subject\":\"dead.letter\"" : "",
                   oracle_filters[config->filter]);
}

/* The answer is an error exactly when the filter meets another one's on a work queue. */
static bool is_made(struct world *world, uint32_t consumer, const struct naive_config *config)
{
    char body[512];
    write_config(config, consumer, body, sizeof body);
    const char *heard = say_of(world, "CREATE", consumer, body);
    const bool made = strstr(heard, "\"num_pending\"") != NULL;
    const bool may =
        world->oracle.retention != WORK_QUEUE || oracle_may_share(&world->oracle, consumer, config->filter);
    const bool refused = strstr(heard, "\"err_code\":10100,") || strstr(heard, "\"err_code\":10099,");
    world->refusals += refused;
    if (made != may || made == refused)
        oracle_fail(&world->oracle, "%s is answered with %.100s", body, heard);
    return made;
}

static void make_consumer(struct world *world, uint32_t consumer)
{
    struct naive_config config = choose_config(world);
    if (config.start == FROM_LAST_PER_SUBJECT && config.filter == 5)
        config.filter = 1; // it needs one
    if (config.backs_off && !config.deliveries_max)
        config.deliveries_max = 5;
    if (config.acks == ACKS_NONE)
        config = (struct naive_config){.filter = config.filter,
                                       .acks = ACKS_NONE,
                                       .start = config.start,
                                       .start_sequence = config.start_sequence,
                                       .ack_pending_max = UINT32_MAX,
                                       .in_memory = config.in_memory,
                                       .pushes = config.pushes};
    if (world->oracle.consumers[consumer].exists || !is_made(world, consumer, &config))
        return;
    oracle_begin_consumer(&world->oracle, consumer, &config);
    world->oracle.consumers[consumer].number = look_number(world->story.sim.core, consumer);
    world->oracle.consumers[consumer].bound = world->receivers[consumer].listens;
    cr_assert(lt(u64, world->oracle.consumers[consumer].number, NUMBERS_MAX));
    tell_pushed(world);
}

/* What it began with stays. */
static void change_consumer(struct world *world, uint32_t consumer)
{
    const struct naive_consumer *of = &world->oracle.consumers[consumer];
    struct naive_config config = of->config;
    if (!of->exists || config.start == FROM_LAST_PER_SUBJECT)
        return;
    config.filter = below(world, FILTERS);
    if (config.acks != ACKS_NONE)
        config.ack_pending_max = 1 + below(world, 12);
    if (config.deliveries_max)
        config.deliveries_max = 2 + below(world, 3);
    const struct receiver before = world->receivers[consumer];
    world->receivers[consumer].question[0] = 0; // with the change it is void
    if (is_made(world, consumer, &config)) {
        oracle_change_consumer(&world->oracle, consumer, &config);
        tell_pushed(world);
    } else {
        world->receivers[consumer] = before;
    }
}

static void end_consumer(struct world *world, uint32_t consumer)
{
    if (!world->oracle.consumers[consumer].exists)
        return;
    const char *heard = say_of(world, "DELETE", consumer, "");
    cr_assert(ne(ptr, strstr(heard, "\"success\":true"), NULL), "%s", heard);
    oracle_end_consumer(&world->oracle, consumer);
    world->receivers[consumer].question[0] = 0;
}

static void reset_consumer(struct world *world, uint32_t consumer)
{
    char body[64];
    const struct naive_consumer *of = &world->oracle.consumers[consumer];
    const uint64_t sequence = some_sequence(world);
    if (!of->exists || of->config.start != FROM_ALL)
        return;
    (void)snprintf(body, sizeof body, "{\"seq\":%" PRIu64 "}", sequence);
    world->receivers[consumer].question[0] = 0;
    const char *heard = say_of(world, "RESET", consumer, body);
    cr_assert(ne(ptr, strstr(heard, "reset_seq"), NULL), "%s", heard);
    oracle_reset_consumer(&world->oracle, consumer, sequence);
    tell_pushed(world);
}

// ---- deliveries ----

/* All that is there is asked for, or a part of it. */
static void pull(struct world *world, uint32_t consumer)
{
    char body[64];
    uint32_t count = 0;
    const uint32_t batch = 1 + below(world, 8);
    if (!world->oracle.consumers[consumer].exists || world->oracle.consumers[consumer].config.pushes)
        return;
    (void)snprintf(body, sizeof body, "{\"batch\":%u,\"no_wait\":true}", batch);
    const char *at = say_of(world, "MSG.NEXT", consumer, body);
    while ((at = strstr(at, "(ev."))) {
        at = strchr(at, '|') + 1;
        const uint64_t sequence = strtoull(at, NULL, 10);
        oracle_delivered(&world->oracle, consumer, sequence);
        world->redeliveries += world->oracle.consumers[consumer].delivered[sequence] > 1;
        count++;
    }
    world->deliveries += count;
    if (count > batch)
        oracle_fail(&world->oracle, "%u came instead of %u", count, batch);
    look_at_consumers(world->story.sim.core, &world->oracle);
    if (count < batch && oracle_has_delivery(&world->oracle, consumer))
        oracle_fail(&world->oracle, "%u got %u of %u, and there was more", consumer, count, batch);
}

static void look(struct world *world, uint32_t consumer)
{
    char expected[64];
    const struct naive_consumer *of = &world->oracle.consumers[consumer];
    if (!of->exists || of->config.per_subject_max) // what is parked is pending until its turn has come
        return;
    (void)snprintf(expected, sizeof expected, "\"num_pending\":%" PRIu64 ",",
                   oracle_pending(&world->oracle, consumer));
    const char *heard = say_of(world, "INFO", consumer, "");
    if (!strstr(heard, expected))
        oracle_fail(&world->oracle, "%s is not in %.180s", expected, strstr(heard, "num_ack"));
}

static void say_ack(struct world *world, uint32_t consumer, uint64_t sequence, const char *body)
{
    char subject[64];
    (void)snprintf(subject, sizeof subject, "$JS.ACK.S.W%u.1.%" PRIu64 ".1.1.0", consumer, sequence);
    (void)story_say(&world->story, subject, body);
}

static void acknowledge(struct world *world, uint32_t consumer, uint64_t sequence)
{
    const uint32_t what = below(world, 10);
    if (what < 5) {
        say_ack(world, consumer, sequence, "+ACK");
        oracle_ack(&world->oracle, consumer, sequence);
    } else if (what < 6) {
        say_ack(world, consumer, sequence, "+TERM");
        oracle_terminate(&world->oracle, consumer, sequence);
    } else if (what < 8) {
        say_ack(world, consumer, sequence, what == 6 ? "-NAK" : "-NAK {\"delay\":200000000}");
        oracle_nak(&world->oracle, consumer, sequence, what == 6 ? 0 : 200 * MS);
    } else if (what < 9) {
        say_ack(world, consumer, sequence, "+WPI");
        oracle_progress(&world->oracle, consumer, sequence);
    } // else it was forgotten
    tell_pushed(world);
}

/* Says to have everything up to some sequence, in the answer to the question that is open. */
static void answer_question(struct world *world, uint32_t consumer)
{
    char headers[128];
    struct receiver *receiver = &world->receivers[consumer];
    const struct naive_consumer *of = &world->oracle.consumers[consumer];
    const uint64_t sequence = some_sequence(world);
    if (!receiver->question[0] || !receiver->listens)
        return;
    (void)snprintf(headers, sizeof headers, "Nats-Last-Consumer: %" PRIu64 "\r\nNats-Last-Stream: %" PRIu64,
                   of->consumer_seq, sequence);
    char question[64];
    memcpy(question, receiver->question, sizeof question);
    receiver->question[0] = 0; // another one may come at once
    (void)story_say_with(&world->story, question, headers, "");
    oracle_ack(&world->oracle, consumer, sequence < of->cursor ? sequence : of->cursor - 1);
    tell_pushed(world);
    world->answers++;
}

/* Of what it has, and at times of what it has not. */
static void acknowledge_some(struct world *world, uint32_t consumer)
{
    const struct naive_consumer *of = &world->oracle.consumers[consumer];
    if (of->config.acks == ACKS_BY_FLOW) {
        answer_question(world, consumer);
        return;
    }
    for (uint64_t i = 1; of->exists && i <= world->oracle.last; i++) {
        const bool has = of->fate[i] == WAITS || of->fate[i] == READY;
        if (of->fate[i] != PARKED && below(world, has ? 3 : 200) == 0)
            acknowledge(world, consumer, i);
    }
}

// ---- receivers ----

static void on_push(void *context, struct sim_client *client, const struct rill_command *command)
{
    struct receiver *receiver = context;
    struct world *world = receiver->world;
    uint64_t sequence;
    struct rill_bytes question = command->reply;
    if (command->op != RILL_OP_MSG && command->op != RILL_OP_HMSG)
        return;
    if (rill_bytes_has_prefix(command->subject, RILL_BYTES("ev."))) {
        cr_assert(rill_bytes_to_u64(command->payload, UINT64_MAX, &sequence));
        cr_assert(lt(u32, world->pushed_count, PUSHED_MAX));
        world->pushed[world->pushed_count++] =
            (struct pushed){receiver->consumer, sequence, world->story.sim.now.mono_ns};
    } else if (question.len ||
               rill_headers_find(command->headers, RILL_BYTES("Nats-Consumer-Stalled"), &question)) {
        (void)snprintf(receiver->question, sizeof receiver->question, RILL_PRI, RILL_ARG(question));
    }
}

/* With a new connection, or in a new broker. */
static void connect_receivers(struct world *world)
{
    for (uint32_t i = 0; i < CONSUMERS; i++) {
        struct receiver *receiver = &world->receivers[i];
        receiver->world = world;
        receiver->consumer = i;
        receiver->question[0] = 0;
        receiver->client = sim_client_open(&world->story.sim, on_push, receiver);
        sim_client_sendf(receiver->client, "CONNECT {\"headers\":true}\r\n");
        if (receiver->listens)
            sim_client_sendf(receiver->client, "SUB to.%u 1\r\n", i);
    }
    sim_core_settle(&world->story.sim);
    for (uint32_t i = 0; i < CONSUMERS; i++) {
        world->oracle.consumers[i].bound = false;
        if (world->receivers[i].listens)
            oracle_bind(&world->oracle, i);
    }
    tell_pushed(world);
}

static void listen_or_not(struct world *world, uint32_t consumer)
{
    struct receiver *receiver = &world->receivers[consumer];
    receiver->listens = !receiver->listens;
    receiver->question[0] = 0;
    if (receiver->listens)
        sim_client_sendf(receiver->client, "SUB to.%u 1\r\n", consumer);
    else
        sim_client_sendf(receiver->client, "UNSUB 1\r\n");
    sim_core_settle(&world->story.sim);
    world->oracle.consumers[consumer].bound = false;
    if (receiver->listens)
        oracle_bind(&world->oracle, consumer);
    tell_pushed(world);
}

static bool is_silent(const struct world *world, uint32_t consumer)
{
    return oracle_is_full(&world->oracle, consumer) && !world->receivers[consumer].question[0];
}

/* A second behind what was sent last, which may be while we wait; what is gone from the stream meanwhile is not asked for. */
static void wait_for_heartbeat(struct world *world, uint32_t consumer)
{
    for (int i = 0; i < 4 && is_silent(world, consumer); i++) {
        let_pass(world, 1100 * MS);
        look_at_consumers(world->story.sim.core, &world->oracle);
    }
}

/* Who listens has everything that he may have, and who holds a consumer up was asked, or is with the next heartbeat. */
static void look_at_receivers(struct world *world)
{
    for (uint32_t i = 0; i < CONSUMERS; i++) {
        const struct naive_consumer *of = &world->oracle.consumers[i];
        if (!of->exists || !of->config.pushes || !of->bound)
            continue;
        if (oracle_has_delivery(&world->oracle, i))
            oracle_fail(&world->oracle, "%u holds something back", i);
        wait_for_heartbeat(world, i);
        if (is_silent(world, i))
            oracle_fail(&world->oracle, "%u is full and does not ask", i);
    }
}

// ---- dead letters ----

static void find_letter(struct world *world, const char *at, bool found[NUMBERS_MAX][MESSAGES_MAX])
{
    char *end;
    const uint64_t number = strtoull(at, &end, 10);
    const uint64_t sequence = strtoull(end + 1, NULL, 10);
    if (oracle_letter(&world->oracle, number, sequence) == NO_LETTER)
        oracle_fail(&world->oracle, "%" PRIu64 " has a letter of %" PRIu64, sequence, number);
    else if (found[number][sequence])
        oracle_fail(&world->oracle, "%" PRIu64 " has two letters of %" PRIu64, sequence, number);
    else
        found[number][sequence] = true;
    world->letters++;
}

/* At the end: each message that was given up is there once, and no other. */
static void look_at_letters(struct world *world)
{
    static bool found[NUMBERS_MAX][MESSAGES_MAX];
    memset(found, 0, sizeof found);
    (void)story_say(&world->story, "$JS.API.CONSUMER.CREATE.DEAD.R",
                    "{\"stream_name\":\"DEAD\",\"config\":{\"name\":\"R\",\"mem_storage\":true}}");
    const char *at =
        story_say(&world->story, "$JS.API.CONSUMER.MSG.NEXT.DEAD.R", "{\"batch\":5000,\"no_wait\":true}");
    while ((at = strstr(at, "Nats-Msg-Id: rill-dead-S-"))) {
        at += sizeof "Nats-Msg-Id: rill-dead-S-" - 1;
        find_letter(world, at, found);
    }
    for (uint32_t number = 0; number < NUMBERS_MAX; number++) {
        for (uint64_t i = 1; i <= world->oracle.last; i++) {
            if (oracle_letter(&world->oracle, number, i) == A_LETTER && !found[number][i])
                oracle_fail(&world->oracle, "the letter of %" PRIu64 " of %u is lost", i, number);
        }
    }
    expect_no_failure(world);
}

// ---- the broker ----

static void restart(struct world *world)
{
    if (world->in_memory)
        return;
    story_restart(&world->story);
    oracle_restart(&world->oracle);
    connect_receivers(world);
}

static void crash(struct world *world)
{
    struct story *story = &world->story;
    if (world->in_memory)
        return;
    sim_disk_crash(story->disk);
    sim_core_crash(&story->sim);
    if (below(world, 2))
        sim_disk_restart(story->disk);
    else
        sim_disk_restart_killed(story->disk);
    world->crashes++;
    story->options.now = story->sim.now;
    sim_core_start(&story->sim, &story->options);
    story_connect(story);
    oracle_forget_memory(&world->oracle);
    look_after_crash(story->sim.core, &world->oracle);
    oracle_forget_unneeded(&world->oracle);
    connect_receivers(world);
}

static void act(struct world *world)
{
    const uint32_t what = below(world, 100);
    const uint32_t consumer = below(world, CONSUMERS);
    if (what < 30)
        publish_some(world);
    else if (what < 55)
        pull(world, consumer);
    else if (what < 70)
        acknowledge_some(world, consumer);
    else if (what < 76)
        let_pass(world, below(world, 700) * MS);
    else if (what < 78)
        listen_or_not(world, consumer);
    else if (what < 82)
        delete_one(world);
    else if (what < 84)
        purge(world);
    else if (what < 89)
        make_consumer(world, consumer);
    else if (what < 92)
        change_consumer(world, consumer);
    else if (what < 93)
        end_consumer(world, consumer);
    else if (what < 94)
        reset_consumer(world, consumer);
    else if (what < 96)
        look(world, consumer);
    else if (what < 98)
        restart(world);
    else
        crash(world);
}

static void step(struct world *world)
{
    memset(world->oracle.going, 0, sizeof world->oracle.going);
    act(world);
    expect_no_failure(world);
    tell_pushed(world);
    oracle_advance(&world->oracle, world->story.sim.now.mono_ns);
    if (look_awaits_letters(world->story.sim.core))
        let_pass(world, 6 * RILL_NS_PER_S); // the stream that takes them was not there yet
    tidy_up(world);
    look_at_consumers(world->story.sim.core, &world->oracle);
    look_at_stream(world->story.sim.core, &world->oracle);
    look_at_receivers(world);
    expect_no_failure(world);
}

static void begin(struct world *world, uint64_t seed)
{
    static const char *const retentions[RETENTION_KINDS] = {"limits", "interest", "workqueue"};
    static const char *const limits[LIMITS] = {"", ",\"max_msgs\":12", ",\"max_msgs\":12,\"discard\":\"new\"",
                                               ",\"max_msgs_per_subject\":3", ",\"max_age\":6000000000"};
    const struct sim_options options = {
        .segment_bytes = 8 * 1024, .cache_bytes_max = 512, .index_log_bytes = 4 * 1024};
    char body[256];
    world->seed = world->random.state = seed;
    world->oracle = (struct oracle){0};
    world->oracle.retention = (enum retention_kind)(seed % RETENTION_KINDS);
    world->oracle.limit = (enum limit)below(world, LIMITS);
    world->in_memory = below(world, 6) == 0;
    story_begin(&world->story, &options);
    (void)snprintf(body, sizeof body,
                   "{\"name\":\"S\",\"subjects\":[\"ev.>\"],\"storage\":\"%s\",\"retention\":\"%s\"%s}",
                   world->in_memory ? "memory" : "file", retentions[world->oracle.retention],
                   limits[world->oracle.limit]);
    const char *heard = story_say(&world->story, "$JS.API.STREAM.CREATE.S", body);
    cr_assert(ne(ptr, strstr(heard, "did_create"), NULL), "%s", heard);
    heard = story_say(&world->story, "$JS.API.STREAM.CREATE.DEAD",
                      "{\"name\":\"DEAD\",\"subjects\":[\"dead.>\"],\"duplicate_window\":3600000000000}");
    cr_assert(ne(ptr, strstr(heard, "did_create"), NULL), "%s", heard);
    for (uint32_t i = 0; i < CONSUMERS; i++)
        world->receivers[i].listens = below(world, 4) > 0;
    world->pushed_count = 0;
    connect_receivers(world);
    oracle_advance(&world->oracle, world->story.sim.now.mono_ns);
}

// Whatever is published, delivered, acknowledged, removed, changed and restarted: nothing is forgotten, nothing comes that is
// done, and nothing stays that nobody needs.
Test(delivery, does_what_an_oracle_says)
{
    static struct world world;
    const struct seed_range seeds = seed_range(SEEDS);
    for (uint64_t seed = seeds.first; seed <= seeds.last; seed++) {
        begin(&world, seed);
        for (world.step = 0; world.step < STEPS; world.step++)
            step(&world);
        look_at_letters(&world);
        story_end(&world.story);
    }
    cr_log_info("%" PRIu64 " deliveries, %" PRIu64 " redeliveries, %" PRIu64 " filters refused, %" PRIu64
                " crashes, %" PRIu64 " pushes, %" PRIu64 " answers, %" PRIu64 " dead letters",
                world.deliveries, world.redeliveries, world.refusals, world.crashes, world.pushes,
                world.answers, world.letters);
    // The lives do what they are made for.
    const uint64_t count = seeds.last - seeds.first + 1;
    cr_expect(count < SEEDS || world.deliveries > 50 * count);
    cr_expect(count < SEEDS || world.redeliveries > 5 * count);
    cr_expect(count < SEEDS || world.refusals > count);
    cr_expect(count < SEEDS || world.crashes > count);
    cr_expect(count < SEEDS || world.pushes > 30 * count);
    cr_expect(count < SEEDS || world.answers > count);
    cr_expect(count < SEEDS || world.letters > count);
}
