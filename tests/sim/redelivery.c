// SPDX-License-Identifier: Apache-2.0
//
// Publishers, workers and the broker die at any time, on a disk that loses power; the clock is virtual, so times are exact.
//
//      R1  Exactly once, with message ids and acknowledgements that are answered: no id is stored twice, and none is confirmed
//          twice; in the end each is confirmed, or given up, or its last acknowledgement died with the broker.
//      R2  What was not acknowledged comes again: not before its ack_wait is over, and as soon as it is, when a pull waits.
//      R3  Nothing is delivered more often than max_deliver; what was is given up with an advisory that has that number, and does not
//          come again. (A broker that dies may forget the deliveries of its last moments, and makes them again.)
#include "proto/ack_subject.h"
#include "seed.h"
#include "sim_core.h"
#include "sim_disk.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { SEEDS = 300, MESSAGES = 30, DELIVERIES_MAX = 3, CRASHES_MAX = 3, TURNS_MAX = 200 * 1000, BATCH = 10 };

#define ACK_WAIT_NS  (500 * RILL_NS_PER_MS)
#define STEP_NS      (25 * RILL_NS_PER_MS)
#define TICK_NS      (2 * STEP_NS)
#define TRY_AGAIN_NS (200 * RILL_NS_PER_MS)

struct delivery {
    uint64_t sequence; // 0: nobody was told yet
    bool stored;       // the publisher was told
    int64_t sent_ns;
    bool acking;       // its acknowledgement is on the way
    bool confirmed;    // and was answered
    bool unsure;       // or died with the broker
    bool given_up;     // in this life of the broker
    bool was_given_up; // in any
    bool unheard;      // nobody was there to hear that it is
    uint32_t number;   // of the last delivery that was seen
    int64_t seen_ns;   // when; 0: not in this life of the broker
    bool awaited;      // nothing can have happened to it since
};

struct life {
    uint64_t seed;
    struct rill_random random;
    struct rill_disk *disk;
    struct sim_core sim;
    struct sim_client *publisher;
    struct sim_client *worker;
    struct delivery messages[MESSAGES];
    uint32_t ready; // how much of stream and consumer is there
    int64_t ask_ns; // not before
    uint32_t pull_left;
    int64_t pull_ns; // since when it waits
    uint32_t pull_number;
    bool done;
    char failure[256];

    // in all lives
    uint32_t crashes, deaths, redeliveries, given_up;
};

static uint32_t below(struct life *life, uint32_t bound)
{
    return rill_random_below(&life->random, bound);
}

static int64_t now_of(const struct life *life)
{
    return life->sim.now.mono_ns;
}

static void fail(struct life *life, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void fail(struct life *life, const char *format, ...)
{
    va_list args;
    if (life->failure[0])
        return;
    va_start(args, format);
    (void)vsnprintf(life->failure, sizeof life->failure, format, args);
    va_end(args);
}

/* Some are never acknowledged by anybody. */
static bool is_poison(uint32_t number)
{
    return number % 5 == 0;
}

static uint64_t number_behind(struct rill_bytes text, const char *key)
{
    const uint8_t *at = memmem(text.data, text.len, key, strlen(key));
    return at ? strtoull((const char *)at + strlen(key), NULL, 10) : 0;
}

static bool contains(struct rill_bytes text, const char *what)
{
    return memmem(text.data, text.len, what, strlen(what)) != NULL;
}

static bool hears_nothing(const struct life *life, const struct rill_command *command)
{
    return (command->op != RILL_OP_MSG && command->op != RILL_OP_HMSG) || sim_disk_is_off(life->disk);
}

// ---- the publisher ----

static void note_sequence(struct life *life, struct delivery *message, uint64_t sequence)
{
    if (!sequence || (message->sequence && message->sequence != sequence))
        fail(life, "R1: stored as %" PRIu64 " and %" PRIu64, message->sequence, sequence);
    message->sequence = sequence;
}

static void on_publisher(void *context, struct sim_client *client, const struct rill_command *command)
{
    struct life *life = context;
    if (client != life->publisher || hears_nothing(life, command) || command->headers.len ||
        contains(command->payload, "\"error\""))
        return;
    struct delivery *message = &life->messages[number_behind(command->subject, "P.") % MESSAGES];
    note_sequence(life, message, number_behind(command->payload, "\"seq\":"));
    message->stored = true;
}

static void publish_some(struct life *life)
{
    for (uint32_t i = 0; i < MESSAGES; i++) {
        struct delivery *message = &life->messages[i];
        char reply[32], id[64], payload[32];
        if (message->stored || now_of(life) - message->sent_ns < TRY_AGAIN_NS || below(life, 20))
            continue;
        (void)snprintf(reply, sizeof reply, "P.%u", i);
        (void)snprintf(id, sizeof id, "NATS/1.0\r\nNats-Msg-Id: id-%u\r\n\r\n", i);
        (void)snprintf(payload, sizeof payload, "number:%u;", i);
        sim_client_publish(life->publisher, "ev.a", reply, id, rill_bytes_from_cstr(payload));
        message->sent_ns = now_of(life);
    }
}

// ---- the worker ----

static void on_confirmed(struct life *life, uint32_t number)
{
    struct delivery *message = &life->messages[number];
    if (message->confirmed)
        fail(life, "R1: message %u was confirmed twice", number);
    message->confirmed = true;
    message->acking = false;
}

static void on_given_up(struct life *life, struct rill_bytes advisory)
{
    const uint64_t sequence = number_behind(advisory, "\"stream_seq\":");
    if (number_behind(advisory, "\"deliveries\":") != DELIVERIES_MAX)
        fail(life, "R3: given up after %" PRIu64, number_behind(advisory, "\"deliveries\":"));
    for (uint32_t i = 0; i < MESSAGES; i++) {
        struct delivery *message = &life->messages[i];
        if (message->sequence != sequence)
            continue;
        if (message->confirmed || message->given_up)
            fail(life, "R3: message %u is given up, and was %s", i,
                 message->confirmed ? "confirmed" : "already");
        message->given_up = message->was_given_up = true;
        message->awaited = false;
        life->given_up++;
    }
}

static void check_delivery(struct life *life, uint32_t number, uint64_t delivered)
{
    const struct delivery *message = &life->messages[number];
    if (message->confirmed)
        fail(life, "R1: message %u was confirmed, and comes again", number);
    if (message->given_up || delivered > DELIVERIES_MAX)
        fail(life, "R3: delivery %" PRIu64 " of message %u", delivered, number);
    if (!message->seen_ns)
        return;
    if (delivered <= message->number)
        fail(life, "R3: delivery %" PRIu64 " of message %u after %u", delivered, number, message->number);
    if (now_of(life) - message->seen_ns < ACK_WAIT_NS)
        fail(life, "R2: message %u comes again after %" PRId64 " ns", number,
             now_of(life) - message->seen_ns);
}

static void on_delivery(struct life *life, const struct rill_command *command)
{
    const uint32_t number = (uint32_t)number_behind(command->payload, "number:") % MESSAGES;
    struct delivery *message = &life->messages[number];
    struct rill_ack_subject ack = {0};
    if (!rill_ack_subject_parse(command->reply, &ack))
        fail(life, "a delivery without a reply subject");
    char subject[128], answer[32];
    note_sequence(life, message, ack.stream_seq);
    check_delivery(life, number, ack.delivered);
    life->redeliveries += ack.delivered > 1;
    life->pull_left -= life->pull_left > 0;
    message->number = (uint32_t)ack.delivered;
    message->seen_ns = now_of(life);
    message->awaited = true;
    message->unheard = false;
    if (is_poison(number) || below(life, 3) == 0)
        return;
    (void)snprintf(subject, sizeof subject, RILL_PRI, RILL_ARG(command->reply));
    (void)snprintf(answer, sizeof answer, "A.%u", number);
    sim_client_publish(life->worker, subject, answer, NULL, RILL_BYTES("+ACK"));
    message->acking = true;
    message->awaited = false;
}

static void on_answer(struct life *life, struct rill_bytes text)
{
    life->done = contains(text, "\"num_ack_pending\":0,") && contains(text, "\"num_pending\":0,");
    life->ready += !contains(text, "\"error\"") &&
                   (contains(text, "stream_create_response") || contains(text, "consumer_create_response"));
    life->ask_ns = now_of(life) + TRY_AGAIN_NS;
}

static void on_worker(void *context, struct sim_client *client, const struct rill_command *command)
{
    struct life *life = context;
    if (client != life->worker || hears_nothing(life, command))
        return;
    if (rill_bytes_has_prefix(command->subject, RILL_BYTES("ev.")))
        on_delivery(life, command);
    else if (rill_bytes_has_prefix(command->subject, RILL_BYTES("A.")))
        on_confirmed(life, (uint32_t)number_behind(command->subject, "A.") % MESSAGES);
    else if (rill_bytes_has_prefix(command->subject, RILL_BYTES("$JS.EVENT.")))
        on_given_up(life, command->payload);
    else if (rill_bytes_has_prefix(command->subject, RILL_BYTES("R.")))
        on_answer(life, command->payload);
    else if (number_behind(command->subject, "W.") == life->pull_number)
        life->pull_left = 0; // a status
}

static void pull(struct life *life)
{
    char reply[32];
    (void)snprintf(reply, sizeof reply, "W.%u", ++life->pull_number);
    sim_client_publish(life->worker, "$JS.API.CONSUMER.MSG.NEXT.S.W", reply, NULL,
                       RILL_BYTES("{\"batch\":10,\"expires\":5000000000}"));
    life->pull_left = BATCH;
    life->pull_ns = now_of(life);
}

/* R2: nobody waits in vain. */
static void check_late(struct life *life)
{
    for (uint32_t i = 0; i < MESSAGES; i++) {
        const struct delivery *message = &life->messages[i];
        const int64_t due_ns = message->seen_ns + ACK_WAIT_NS;
        const int64_t since_ns = due_ns > life->pull_ns ? due_ns : life->pull_ns;
        if (message->awaited && life->pull_left && now_of(life) > since_ns + TICK_NS)
            fail(life, "R2: message %u was due %" PRId64 " ns ago", i, now_of(life) - due_ns);
    }
}

// ---- lives and deaths ----

static void open_publisher(struct life *life)
{
    life->publisher = sim_client_open(&life->sim, on_publisher, life);
    sim_client_sendf(life->publisher, "CONNECT {\"headers\":true,\"no_responders\":true}\r\nSUB P.* 1\r\n");
}

static void open_worker(struct life *life)
{
    life->worker = sim_client_open(&life->sim, on_worker, life);
    sim_client_sendf(life->worker,
                     "CONNECT {\"headers\":true,\"no_responders\":true}\r\nSUB W.* 1\r\nSUB A.* 2\r\n"
                     "SUB R.> 3\r\nSUB $JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.S.W 4\r\n");
    life->pull_left = 0;
}

/* What was on its way to and from the worker is lost; nobody knows what became of it. */
static void forget_ways(struct life *life, bool with_broker)
{
    for (uint32_t i = 0; i < MESSAGES; i++) {
        struct delivery *message = &life->messages[i];
        message->awaited = false;
        message->unsure |= message->acking;
        message->unheard = true;
        message->acking = false;
        if (with_broker)
            message->seen_ns = message->number = message->given_up = 0;
    }
}

static void begin(struct life *life)
{
    sim_core_start_again(&life->sim, life->disk, rill_random_next(&life->random));
    life->ready = 0;
    life->ask_ns = 0;
    life->done = false;
    open_publisher(life);
    open_worker(life);
}

static void crash(struct life *life)
{
    sim_core_crash(&life->sim);
    if (below(life, 2))
        sim_disk_restart(life->disk);
    else
        sim_disk_restart_killed(life->disk);
    life->crashes++;
    forget_ways(life, true);
    begin(life);
    sim_disk_crash_at(life->disk, life->crashes < CRASHES_MAX ? 1 + below(life, 60) : 0);
}

/* A worker that has no answers any more, and one that has forgotten everything. */
static void die_sometimes(struct life *life)
{
    if (below(life, 250) == 0) {
        sim_client_close(life->worker);
        forget_ways(life, false);
        open_worker(life);
        life->deaths++;
    }
    if (below(life, 250) == 0) {
        sim_client_close(life->publisher);
        open_publisher(life);
        life->deaths++;
    }
}

static void ask(struct life *life)
{
    static const char *const subjects[] = {"$JS.API.STREAM.CREATE.S", "$JS.API.CONSUMER.CREATE.S.W",
                                           "$JS.API.CONSUMER.INFO.S.W"};
    static const char *const bodies[] = {"{\"name\":\"S\",\"subjects\":[\"ev.>\"]}",
                                         "{\"stream_name\":\"S\",\"config\":{\"durable_name\":\"W\",\"ack_"
                                         "policy\":\"explicit\",\"ack_wait\":500000000,"
                                         "\"max_deliver\":3}}",
                                         ""};
    char reply[32];
    const uint32_t what = life->ready < 2 ? life->ready : 2;
    if (now_of(life) < life->ask_ns)
        return;
    (void)snprintf(reply, sizeof reply, "R.%u", what);
    sim_client_publish(life->worker, subjects[what], reply, NULL, rill_bytes_from_cstr(bodies[what]));
    life->ask_ns = now_of(life) + TRY_AGAIN_NS;
}

static bool all_are_stored(const struct life *life)
{
    bool all = true;
    for (uint32_t i = 0; i < MESSAGES; i++)
        all &= life->messages[i].stored;
    return all;
}

static void act(struct life *life)
{
    ask(life);
    if (life->ready < 2)
        return;
    publish_some(life);
    die_sometimes(life);
    if (!life->pull_left)
        pull(life);
}

static void let_time_pass(struct life *life)
{
    const int64_t next_ns = rill_core_next_deadline_ns(life->sim.core) - now_of(life);
    const int64_t step_ns = next_ns < 0 ? 0 : next_ns < STEP_NS ? next_ns : STEP_NS;
    life->sim.now.mono_ns += step_ns;
    life->sim.now.wall_ns += step_ns;
}

static void check_the_end(struct life *life)
{
    for (uint32_t i = 0; i < MESSAGES; i++) {
        const struct delivery *message = &life->messages[i];
        const bool may_be_given_up = message->was_given_up || message->unheard;
        if (!may_be_given_up && (is_poison(i) || !(message->confirmed || message->unsure)))
            fail(life, "R%d: message %u ends without an end", is_poison(i) ? 3 : 1, i);
    }
}

static void live(struct life *life)
{
    begin(life);
    sim_disk_crash_at(life->disk, 1 + below(life, 60));
    for (uint32_t turn = 0; !life->failure[0] && !(life->done && all_are_stored(life)); turn++) {
        if (turn > TURNS_MAX)
            fail(life, "no end");
        life->done = false;
        act(life);
        const bool any = sim_core_turn(&life->sim);
        if (sim_disk_is_off(life->disk)) {
            crash(life);
            continue;
        }
        if (!any) {
            check_late(life);
            let_time_pass(life);
        }
    }
    check_the_end(life);
}

// Whoever dies and when: each message is worked off once, again when its time is over, and not more often than allowed.
Test(redelivery, is_in_time_and_not_too_often)
{
    static struct life life;
    const struct seed_range seeds = seed_range(SEEDS);
    uint64_t crashes = 0, deaths = 0, redeliveries = 0, given_up = 0;
    for (uint64_t seed = seeds.first; seed <= seeds.last; seed++) {
        life = (struct life){.seed = seed, .random.state = seed, .disk = sim_disk_create(seed)};
        live(&life);
        cr_assert(eq(str, life.failure, ""), "RILL_SEED=%" PRIu64, seed);
        crashes += life.crashes, deaths += life.deaths;
        redeliveries += life.redeliveries, given_up += life.given_up;
        sim_core_stop(&life.sim);
        sim_disk_destroy(life.disk);
    }
    cr_log_info("%" PRIu64 " crashes, %" PRIu64 " deaths of clients, %" PRIu64 " redeliveries, %" PRIu64
                " given up",
                crashes, deaths, redeliveries, given_up);
    // The lives do what they are made for.
    const uint64_t count = seeds.last - seeds.first + 1;
    cr_expect(count < SEEDS || crashes > count);
    cr_expect(count < SEEDS || deaths > count);
    cr_expect(count < SEEDS || redeliveries > 10 * count);
    cr_expect(count < SEEDS || given_up > 5 * count);
}
