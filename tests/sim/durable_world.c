// SPDX-License-Identifier: Apache-2.0
#include "durable_world.h"

#include "proto/ack_subject.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { IN_FLIGHT_MAX = 6, TURNS_MAX = 400 * 1000, PAYLOAD_BYTES_MAX = 300 };

/* Everything is answered far sooner, or never will be. */
#define ANSWER_NS    (20 * RILL_NS_PER_S)
#define TRY_AGAIN_NS (50 * RILL_NS_PER_MS)
#define ACK_WAIT_NS  (500 * RILL_NS_PER_MS)

static void fail(struct world *world, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void fail(struct world *world, const char *format, ...)
{
    if (world->failure[0])
        return;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(world->failure, sizeof world->failure, format, args);
    va_end(args);
}

void world_create(struct world *world, uint64_t seed, bool calm)
{
    *world = (struct world){.calm = calm, .random.state = seed};
    world->disk = sim_disk_create(rill_random_next(&world->random));
    world->segment_bytes = calm || rill_random_chance(&world->random, 1, 2) ? 16 * 1024 : 0;
    world->cache_bytes_max = rill_random_chance(&world->random, 1, 2) ? 1024 : 0;
    world->index_log_bytes = calm || rill_random_chance(&world->random, 1, 2) ? 4 * 1024 : 0;
    world->may_fill = !calm && rill_random_chance(&world->random, 1, 2);
    world->kind = calm ? WORLD_PULLS : rill_random_below(&world->random, WORLD_KINDS);
}

void world_destroy(struct world *world)
{
    if (world->sim.core)
        sim_core_stop(&world->sim);
    sim_disk_destroy(world->disk);
}

// ---- promises ----

/* W1, and what W2 is checked against. */
static void promise(struct world *world, uint64_t sequence, uint32_t number, const char *how)
{
    if (sequence == 0 || sequence >= WORLD_SEQUENCES_MAX || number >= WORLD_MESSAGES) {
        fail(world, "%s: sequence %" PRIu64 ", message %u", how, sequence, number);
        return;
    }
    if (world->content[sequence] && world->content[sequence] != number + 1)
        fail(world, "W1: sequence %" PRIu64 " was message %u and is message %u (%s)", sequence,
             world->content[sequence] - 1, number, how);
    world->content[sequence] = number + 1;
    if (sequence > world->highest)
        world->highest = sequence;
}

static uint64_t number_behind(struct rill_bytes text, const char *key)
{
    const uint8_t *at = memmem(text.data, text.len, key, strlen(key));
    uint64_t value = 0;
    if (!at)
        return 0;
    for (at += strlen(key); at < text.data + text.len && *at >= '0' && *at <= '9'; at++)
        value = value * 10 + (uint64_t)(*at - '0');
    return value;
}

static bool contains(struct rill_bytes text, const char *what)
{
    return memmem(text.data, text.len, what, strlen(what)) != NULL;
}

// ---- the publisher ----

enum { SUBJECTS = 3 };

static const char *const subjects[SUBJECTS] = {"ev.a", "ev.b", "ev.c"};

static void send_message(struct world *world, uint32_t number, const char *inbox)
{
    char reply[32];
    char headers[64];
    char payload[PAYLOAD_BYTES_MAX + 32];
    (void)snprintf(reply, sizeof reply, "%s.%u", inbox, number);
    (void)snprintf(headers, sizeof headers, "NATS/1.0\r\nNats-Msg-Id: id-%u\r\n\r\n", number);
    memset(payload, 'x', sizeof payload);
    const int len = snprintf(payload, sizeof payload, "message:%u;", number);
    const size_t bytes = (size_t)len + number * 7 % PAYLOAD_BYTES_MAX;
    payload[len] = 'x';
    sim_client_publish(world->publisher, subjects[number % SUBJECTS], reply,
                       number < WORLD_IDS ? headers : NULL, rill_bytes_of(payload, bytes));
}

static void publish(struct world *world, uint32_t number)
{
    struct world_message *message = &world->messages[number];
    send_message(world, number, "_P");
    // What is not sure whether it was heard says it twice.
    if (number < WORLD_IDS && rill_random_chance(&world->random, 1, 4))
        send_message(world, number, "_D");
    message->in_flight = true;
    message->sent_ns = world->sim.now.mono_ns;
}

/* The answer to the second of two. */
static void on_duplicate_ack(struct world *world, uint32_t number, const struct rill_command *command)
{
    if (!command->headers.len && !contains(command->payload, "\"error\""))
        promise(world, number_behind(command->payload, "\"seq\":"), number, "acknowledged as a duplicate");
}

static void on_pub_ack(struct world *world, uint32_t number, const struct rill_command *command)
{
    struct world_message *message = &world->messages[number];
    if (!message->in_flight)
        fail(world, "a second acknowledgement of message %u", number);
    message->in_flight = false;
    if (command->headers.len || contains(command->payload, "\"error\"")) {
        world->refusals++;
        message->given_up = number >= WORLD_IDS;
        world->try_at_ns = world->sim.now.mono_ns + TRY_AGAIN_NS;
        return;
    }
    const uint64_t sequence = number_behind(command->payload, "\"seq\":");
    if (message->sequence && message->sequence != sequence)
        fail(world, "W3: message %u has the sequences %" PRIu64 " and %" PRIu64, number, message->sequence,
             sequence);
    message->sequence = sequence;
    promise(world, sequence, number, "acknowledged");
}

/* Once the power is gone nobody hears anything. */
static bool hears_nothing(const struct world *world, const struct rill_command *command)
{
    return (command->op != RILL_OP_MSG && command->op != RILL_OP_HMSG) || sim_disk_is_off(world->disk);
}

static void on_publisher(void *context, struct sim_client *client, const struct rill_command *command)
{
    struct world *world = context;
    if (hears_nothing(world, command))
        return;
    if (rill_bytes_has_prefix(command->subject, RILL_BYTES("_D.")))
        on_duplicate_ack(world, (uint32_t)number_behind(command->subject, "_D."), command);
    else
        on_pub_ack(world, (uint32_t)number_behind(command->subject, "_P."), command);
}

static bool everything_published(const struct world *world)
{
    for (uint32_t i = 0; i < WORLD_MESSAGES; i++) {
        if (!world->messages[i].sequence && !world->messages[i].given_up)
            return false;
    }
    return true;
}

static void publish_some(struct world *world)
{
    uint32_t in_flight = 0;
    for (uint32_t i = 0; i < WORLD_MESSAGES; i++) {
        struct world_message *message = &world->messages[i];
        in_flight += message->in_flight;
        if (message->in_flight && world->sim.now.mono_ns - message->sent_ns > ANSWER_NS)
            fail(world, "W5: message %u was never answered", i);
    }
    if (world->sim.now.mono_ns < world->try_at_ns)
        return;
    for (uint32_t i = 0; i < WORLD_MESSAGES && in_flight < IN_FLIGHT_MAX; i++) {
        struct world_message *message = &world->messages[i];
        if (message->in_flight || message->sequence || message->given_up)
            continue;
        // Without an id there is one attempt; with one, the order of first attempts is mixed.
        if (rill_random_chance(&world->random, 1, 3))
            continue;
        publish(world, i);
        in_flight++;
    }
}

// ---- the worker ----

static void acknowledge_synced(struct world *world, const char *subject, uint64_t sequence)
{
    char answer[32];
    (void)snprintf(answer, sizeof answer, "_A.%" PRIu64, sequence);
    sim_client_publish(world->worker, subject, answer, NULL, RILL_BYTES("+ACK"));
    world->syncs_waiting++;
}

/* Later on it wants to be sure. */
static void acknowledge_again(struct world *world)
{
    if (!world->acked_subject[0] || !rill_random_chance(&world->random, 1, 8))
        return;
    acknowledge_synced(world, world->acked_subject, world->acked_sequence);
    world->acked_subject[0] = 0;
}

static void acknowledge(struct world *world, struct rill_bytes reply, uint64_t sequence, bool audit)
{
    char subject[256];
    (void)snprintf(subject, sizeof subject, RILL_PRI, RILL_ARG(reply));
    const uint32_t what = audit ? 0 : rill_random_below(&world->random, 10);
    world->answered[sequence] |= !audit && what < 7;
    if (what < 4) {
        acknowledge_synced(world, subject, sequence);
    } else if (what < 7) {
        sim_client_publish(world->worker, subject, NULL, NULL, RILL_BYTES(""));
        memcpy(world->acked_subject, subject, sizeof subject);
        world->acked_sequence = sequence;
    } else if (what == 7) {
        sim_client_publish(world->worker, subject, NULL, NULL, RILL_BYTES("-NAK"));
    } else if (what == 8) {
        sim_client_publish(world->worker, subject, NULL, NULL, RILL_BYTES("+WPI"));
    } // else it was forgotten
}

static bool is_pulled(const struct world *world, bool audit)
{
    return audit || world->kind != WORLD_PUSHES;
}

static void count_down_pull(struct world *world, bool audit)
{
    if (!is_pulled(world, audit))
        return;
    if (world->pull_left == 0)
        fail(world, "more messages than were asked for");
    else if (--world->pull_left == 0)
        world->pulling = false;
}

/* W7: what was never acknowledged cannot be done. */
static void check_order(struct world *world, uint64_t sequence)
{
    const uint32_t number = world->content[sequence] - 1;
    for (uint64_t before = 1; before < sequence; before++) {
        if (!world->content[before] || world->answered[before])
            continue;
        const uint32_t other = world->content[before] - 1;
        if (world->delivered_once[before] && other % SUBJECTS == number % SUBJECTS)
            fail(world, "W7: sequence %" PRIu64 " was delivered before %" PRIu64 " was done", sequence,
                 before);
    }
    world->delivered_once[sequence] = true;
}

static void on_delivery(struct world *world, const struct rill_command *command)
{
    struct rill_ack_subject ack;
    if (!rill_ack_subject_parse(command->reply, &ack)) {
        fail(world, "a delivery without a reply subject");
        return;
    }
    const uint32_t number = (uint32_t)number_behind(command->payload, "message:");
    promise(world, ack.stream_seq, number, "delivered");
    const bool audit = rill_bytes_has_prefix(ack.consumer, RILL_BYTES("AUDIT"));
    count_down_pull(world, audit);
    if (audit) {
        world->stored[number]++;
        if (ack.stream_seq <= world->audited)
            return; // again, as an acknowledgement came late
        if (ack.stream_seq != world->audited + 1)
            fail(world, "W2: sequence %" PRIu64 " follows %" PRIu64, ack.stream_seq, world->audited);
        world->audited = ack.stream_seq;
    } else {
        world->seen[number] = true;
        world->redeliveries += ack.delivered > 1;
        if (world->confirmed[ack.stream_seq])
            fail(world, "W4: sequence %" PRIu64 " was confirmed and delivered again", ack.stream_seq);
    }
    if (!audit && world->kind == WORLD_KEEPS_ORDER)
        check_order(world, ack.stream_seq);
    acknowledge(world, command->reply, ack.stream_seq, audit);
}

static void request(struct world *world, const char *subject, const char *body)
{
    sim_client_publish(world->worker, subject, "_R", NULL, rill_bytes_from_cstr(body));
    world->asked = true;
}

static void on_info(struct world *world, struct rill_bytes text)
{
    world->last_sequence = number_behind(text, "\"last_seq\":");
    if (world->last_sequence < world->highest)
        fail(world, "W2: the stream ends at %" PRIu64 ", but %" PRIu64 " was promised", world->last_sequence,
             world->highest);
    world->stage = WORLD_RUNS;
}

/* W8: the index counts the messages of each subject as they were audited. */
static void on_subjects(struct world *world, struct rill_bytes text)
{
    for (uint32_t subject = 0; subject < SUBJECTS; subject++) {
        char key[32];
        uint64_t count = 0;
        for (uint64_t sequence = 1; sequence <= world->last_sequence; sequence++)
            count += world->content[sequence] && (world->content[sequence] - 1) % SUBJECTS == subject;
        (void)snprintf(key, sizeof key, "\"%s\":", subjects[subject]);
        if (number_behind(text, key) != count)
            fail(world, "W8: %s has %" PRIu64 " messages, but the index says %" PRIu64, subjects[subject],
                 count, number_behind(text, key));
    }
    world->counted = true;
}

static void on_consumer_info(struct world *world, struct rill_bytes text)
{
    world->worker_done = contains(text, "\"num_ack_pending\":0") && contains(text, "\"num_pending\":0");
}

static void on_response(struct world *world, const struct rill_command *command)
{
    world->asked = false;
    if (command->headers.len || contains(command->payload, "\"error\"")) {
        world->try_at_ns = world->sim.now.mono_ns + TRY_AGAIN_NS;
        // A life that began with a full disk has no index, and says so.
        world->counted |= world->full_times && contains(command->payload, "not available");
        if (!world->counted && !contains(command->payload, "10008") &&
            !contains(command->payload, "no space") && !contains(command->payload, "space left"))
            fail(world, "a request was refused: " RILL_PRI, RILL_ARG(command->payload));
        return;
    }
    if (contains(command->payload, "stream_create_response"))
        world->stage = WORLD_SETS_UP_CONSUMER;
    else if (contains(command->payload, "consumer_create_response"))
        world->stage = WORLD_ASKS_INFO;
    else if (contains(command->payload, "stream_info_response") && world->stage == WORLD_RUNS)
        on_subjects(world, command->payload);
    else if (contains(command->payload, "stream_info_response"))
        on_info(world, command->payload);
    else if (contains(command->payload, "consumer_info_response"))
        on_consumer_info(world, command->payload);
}

static void on_worker(void *context, struct sim_client *client, const struct rill_command *command)
{
    struct world *world = context;
    if (hears_nothing(world, command))
        return;
    if (rill_bytes_equal(command->sid, RILL_BYTES("3"))) {
        const uint64_t sequence = number_behind(command->subject, "_A.");
        if (!world->auditing)
            world->confirmed[sequence] = true;
        world->syncs_waiting--;
    } else if (rill_bytes_equal(command->sid, RILL_BYTES("2"))) {
        if (rill_bytes_has_prefix(command->subject, RILL_BYTES("ev.")))
            on_delivery(world, command);
        else if (!rill_bytes_has_prefix(command->headers, RILL_BYTES("NATS/1.0 100")))
            world->pulling = false; // a status
    } else {
        on_response(world, command);
    }
}

/* Each life that gets so far audits with a consumer of its own, which begins at the beginning. */
static const char *consumer_name(struct world *world)
{
    if (!world->auditing)
        return "W";
    (void)snprintf(world->audit_name, sizeof world->audit_name, "AUDIT%" PRIu64, world->crashes);
    return world->audit_name;
}

static void pull(struct world *world)
{
    char subject[96];
    char body[128];
    const uint64_t batch = 1 + rill_random_below(&world->random, 8);
    const char *no_wait = rill_random_chance(&world->random, 1, 2) ? "true" : "false";
    (void)snprintf(body, sizeof body, "{\"batch\":%" PRIu64 ",\"expires\":200000000,\"no_wait\":%s}", batch,
                   no_wait);
    (void)snprintf(subject, sizeof subject, "$JS.API.CONSUMER.MSG.NEXT.S.%s", consumer_name(world));
    sim_client_publish(world->worker, subject, "_W", NULL, rill_bytes_from_cstr(body));
    world->pulling = true;
    world->pull_left = batch;
    world->pull_ends_ns = world->sim.now.mono_ns + ANSWER_NS;
}

// ---- one life of the broker ----

/* The part of the configuration that makes it. */
static const char *const kinds[WORLD_KINDS] = {
    [WORLD_PULLS] = "\"ack_policy\":\"explicit\"",
    [WORLD_PULLS_ALL] = "\"ack_policy\":\"all\"",
    [WORLD_PUSHES] = ("\"ack_policy\":\"explicit\",\"deliver_subject\":\"_W\",\"flow_control\":true,"
                      "\"idle_heartbeat\":300000000"),
    [WORLD_KEEPS_ORDER] =
        "\"ack_policy\":\"explicit\",\"metadata\":{\"rill.max_ack_pending_per_subject\":\"1\"}",
};

static void set_up(struct world *world)
{
    char body[512];
    char subject[96];
    if (world->asked || world->sim.now.mono_ns < world->try_at_ns)
        return;
    switch (world->stage) {
    case WORLD_SETS_UP_STREAM:
        request(world, "$JS.API.STREAM.CREATE.S", "{\"name\":\"S\",\"subjects\":[\"ev.>\"]}");
        return;
    case WORLD_SETS_UP_CONSUMER:
        (void)snprintf(body, sizeof body,
                       "{\"stream_name\":\"S\",\"config\":{\"durable_name\":\"%s\","
                       "\"ack_wait\":%" PRId64 ",\"max_ack_pending\":10,%s}}",
                       consumer_name(world), (int64_t)ACK_WAIT_NS,
                       kinds[world->auditing ? WORLD_PULLS : world->kind]);
        (void)snprintf(subject, sizeof subject, "$JS.API.CONSUMER.%s.S.%s",
                       world->auditing ? "DURABLE.CREATE" : "CREATE", consumer_name(world));
        request(world, subject, body);
        return;
    case WORLD_ASKS_INFO:
        request(world, "$JS.API.STREAM.INFO.S", "");
        return;
    case WORLD_RUNS:
        return;
    }
}

static bool is_audited(const struct world *world)
{
    return world->auditing && world->stage == WORLD_RUNS && world->audited == world->last_sequence;
}

static void act(struct world *world)
{
    set_up(world);
    if (world->stage != WORLD_RUNS)
        return;
    if (is_audited(world) && !world->asked && world->sim.now.mono_ns >= world->try_at_ns)
        request(world, "$JS.API.STREAM.INFO.S", "{\"subjects_filter\":\"ev.>\"}");
    if (!world->auditing) {
        publish_some(world);
        acknowledge_again(world);
    }
    if (!is_pulled(world, world->auditing))
        ; // messages come by themselves
    else if (!world->pulling)
        pull(world);
    else if (world->sim.now.mono_ns > world->pull_ends_ns)
        fail(world, "W5: a pull was never answered");
    if (!world->asked && everything_published(world) && !world->worker_done &&
        world->sim.now.mono_ns >= world->try_at_ns) {
        world->try_at_ns = world->sim.now.mono_ns + TRY_AGAIN_NS;
        request(world, "$JS.API.CONSUMER.INFO.S.W", "");
    }
}

static void begin_life(struct world *world)
{
    sim_core_start(&world->sim, &(struct sim_options){
                                    .seed = rill_random_next(&world->random),
                                    .calm = world->calm,
                                    .disk = world->disk,
                                    .segment_bytes = world->segment_bytes,
                                    .cache_bytes_max = world->cache_bytes_max,
                                    .index_log_bytes = world->index_log_bytes,
                                    .now = world->sim.now,
                                    .log_to_stderr = getenv("RILL_SIM_LOG") != NULL,
                                });
    for (uint32_t i = 0; i < WORLD_MESSAGES; i++) {
        struct world_message *message = &world->messages[i];
        message->given_up |= message->in_flight && i >= WORLD_IDS;
        message->in_flight = false;
    }
    world->stage = WORLD_SETS_UP_STREAM;
    world->asked = world->counted = world->pulling = world->worker_done = false;
    world->pull_left = world->syncs_waiting = 0;
    world->try_at_ns = 0;
    world->acked_subject[0] = 0;
    world->publisher = sim_client_open(&world->sim, on_publisher, world);
    world->worker = sim_client_open(&world->sim, on_worker, world);
    const char *hello = "CONNECT {\"headers\":true,\"no_responders\":true}\r\n";
    sim_client_sendf(world->publisher, "%sSUB _P.* 1\r\nSUB _D.* 2\r\n", hello);
    sim_client_sendf(world->worker, "%sSUB _R 1\r\nSUB _W 2\r\nSUB _A.* 3\r\n", hello);
}

/* W3 and W6, and W2 once more. */
static void check_the_end(struct world *world)
{
    for (uint32_t i = 0; i < WORLD_MESSAGES; i++) {
        if (world->messages[i].sequence && world->stored[i] == 0)
            fail(world, "W2: message %u was acknowledged and is not in the stream", i);
        // Who acknowledges all before a message says so of those, too, that a crash took on their way to him.
        if (world->stored[i] && !world->seen[i] && world->kind != WORLD_PULLS_ALL)
            fail(world, "W6: the worker never saw message %u (kind %d)", i, world->kind);
    }
    for (uint64_t sequence = 1; sequence <= world->highest; sequence++) {
        const uint32_t number = world->content[sequence] - 1;
        for (uint64_t other = 1; other < sequence && number < WORLD_IDS; other++) {
            if (world->content[other] == world->content[sequence])
                fail(world, "W3: message %u is stored as %" PRIu64 " and %" PRIu64, number, other, sequence);
        }
    }
}

static bool may_audit(const struct world *world)
{
    return world->worker_done && !world->pulling && world->syncs_waiting == 0 && !world->asked;
}

/* True when nothing is left to do. */
static bool go_on(struct world *world)
{
    if (!world->auditing && may_audit(world)) {
        world->auditing = true;
        world->stage = WORLD_SETS_UP_CONSUMER;
        world->audited = 0;
        memset(world->stored, 0, sizeof world->stored);
    }
    if (is_audited(world) && world->counted) {
        check_the_end(world);
        return true;
    }
    return false;
}

/* The disk fills up, and space returns. */
static void fill_disk(struct world *world)
{
    if (world->space_back_ns && world->sim.now.mono_ns >= world->space_back_ns) {
        sim_disk_set_capacity(world->disk, 0);
        world->space_back_ns = 0;
    } else if (!world->space_back_ns && world->may_fill && rill_random_chance(&world->random, 1, 300)) {
        const uint64_t left = rill_random_below(&world->random, 4096);
        sim_disk_set_capacity(world->disk, sim_disk_used(world->disk) + left);
        world->space_back_ns =
            world->sim.now.mono_ns + rill_random_below(&world->random, 2000) * RILL_NS_PER_MS + 1;
        world->full_times++;
    }
}

static void let_time_pass(struct world *world)
{
    const int64_t next_ns = rill_core_next_deadline_ns(world->sim.core) - world->sim.now.mono_ns;
    int64_t step_ns = TRY_AGAIN_NS / 2;
    if (next_ns < step_ns)
        step_ns = next_ns > 0 ? next_ns : 0;
    world->sim.now.mono_ns += step_ns;
    world->sim.now.wall_ns += step_ns;
}

bool world_live(struct world *world)
{
    if (!world->sim.core)
        begin_life(world);
    for (uint32_t turn = 0; !world->failure[0]; turn++) {
        if (turn > TURNS_MAX)
            fail(world, "no end: stage %d, auditing %d, audited %" PRIu64 " of %" PRIu64, world->stage,
                 world->auditing, world->audited, world->last_sequence);
        fill_disk(world);
        act(world);
        const bool any = sim_core_turn(&world->sim);
        if (sim_disk_is_off(world->disk))
            return false;
        if (go_on(world))
            return true;
        if (!any)
            let_time_pass(world);
    }
    return true;
}

void world_crash_and_restart(struct world *world, bool only_killed)
{
    sim_core_crash(&world->sim);
    if (only_killed)
        sim_disk_restart_killed(world->disk);
    else
        sim_disk_restart(world->disk);
    world->crashes++;
    // An audit begins anew: what it had read must be there still.
    world->auditing = false;
}
