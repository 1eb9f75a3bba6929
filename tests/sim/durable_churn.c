// SPDX-License-Identifier: Apache-2.0
//
// Streams and consumers come and go in random order while messages flow through them, on a disk that is at times full, at
// times fails, at times loses power. Nothing is remembered here but who was answered: every request and every
// publish exactly once, as long as the broker lives. The rest is for the asserts and the sanitizers.
#include "faulty_disk.h"
#include "seed.h"
#include "sim_core.h"
#include "sim_disk.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <inttypes.h>
#include <stdio.h>

enum { SEEDS = 300, SEEDS_LONG = 10000, LIVES = 3, STEPS = 250, REQUESTS_MAX = STEPS * 4 };

struct churn {
    uint64_t seed;
    struct rill_random random;
    struct rill_disk *disk;
    struct faulty_disk faulty;
    struct sim_core sim;
    struct sim_client *client;
    uint32_t requests;
    uint8_t answers[REQUESTS_MAX];
    char acks[8][256]; // reply subjects of some deliveries
    uint32_t ack_count;
};

static uint32_t below(struct churn *churn, uint32_t bound)
{
    return rill_random_below(&churn->random, bound);
}

static void on_command(void *context, struct sim_client *client, const struct rill_command *command)
{
    struct churn *churn = context;
    if (command->op != RILL_OP_MSG && command->op != RILL_OP_HMSG)
        return;
    if (command->reply.len && command->reply.len < sizeof churn->acks[0])
        (void)snprintf(churn->acks[churn->ack_count++ % 8], sizeof churn->acks[0], RILL_PRI,
                       RILL_ARG(command->reply));
    uint64_t number;
    if (rill_bytes_equal(command->sid, RILL_BYTES("1")) &&
        rill_bytes_to_u64(rill_bytes_from(command->subject, 2), REQUESTS_MAX - 1, &number))
        churn->answers[number]++;
}

static void request(struct churn *churn, const char *subject, const char *headers, const char *body)
{
    char reply[32];
    if (churn->requests == REQUESTS_MAX)
        return;
    (void)snprintf(reply, sizeof reply, "R.%u", churn->requests++);
    sim_client_publish(churn->client, subject, reply, headers, rill_bytes_from_cstr(body));
}

/* What a stream may be; some pairs cannot become each other, which is an answer, too. */
static const char *const stream_fields[] = {
    "",
    ",\"allow_direct\":true,\"allow_rollup_hdrs\":true",
    ",\"max_msgs\":5,\"allow_direct\":true",
    ",\"max_msgs\":7,\"discard\":\"new\"",
    ",\"max_bytes\":900",
    ",\"max_age\":300000000,\"duplicate_window\":100000000",
    ",\"storage\":\"memory\",\"max_msgs\":9,\"allow_direct\":true",
    ",\"persist_mode\":\"async\"",
    ",\"subject_transform\":{\"src\":\">\",\"dest\":\"t.>\"}",
    ",\"deny_delete\":true",
    ",\"sealed\":true",
    ",\"retention\":\"interest\"",
    ",\"retention\":\"interest\",\"max_msgs\":7",
    ",\"retention\":\"workqueue\"",
};

static void change_stream(struct churn *churn, uint32_t stream)
{
    static const char *const verbs[] = {"CREATE", "CREATE", "UPDATE", "UPDATE", "DELETE"};
    const size_t fields = sizeof stream_fields / sizeof stream_fields[0];
    char subject[64];
    char body[256];
    const uint32_t verb = below(churn, 5);
    (void)snprintf(subject, sizeof subject, "$JS.API.STREAM.%s.S%u", verbs[verb], stream);
    (void)snprintf(body, sizeof body, "{\"name\":\"S%u\",\"subjects\":[\"s%u.>\"]%s}", stream, stream,
                   stream_fields[below(churn, (uint32_t)fields)]);
    request(churn, subject, NULL, verb < 4 ? body : "");
}

static void remove_messages(struct churn *churn, uint32_t stream)
{
    char subject[64];
    char body[64];
    const uint32_t what = below(churn, 10);
    (void)snprintf(subject, sizeof subject, "$JS.API.STREAM.%s.S%u", what < 3 ? "PURGE" : "MSG.DELETE",
                   stream);
    if (what < 3)
        (void)snprintf(body, sizeof body, "{\"%s\":%u}", what ? "keep" : "seq", below(churn, 30));
    else
        (void)snprintf(body, sizeof body, "{\"seq\":%u,\"no_erase\":%s}", below(churn, 60),
                       below(churn, 2) ? "true" : "false");
    request(churn, subject, NULL, body);
}

/* Snapshots that nobody or somebody takes, restores that nobody goes on with or that get nonsense. */
static void transfer(struct churn *churn, uint32_t stream)
{
    char subject[64];
    char body[128];
    if (below(churn, 3)) {
        (void)snprintf(subject, sizeof subject, "$JS.API.STREAM.SNAPSHOT.S%u", stream);
        (void)snprintf(body, sizeof body,
                       "{\"deliver_subject\":\"%s\",\"chunk_size\":1024,\"window_size\":%u}",
                       below(churn, 2) ? "W" : "nobody", below(churn, 2) ? 2048 : 0);
    } else {
        (void)snprintf(subject, sizeof subject, "$JS.API.STREAM.RESTORE.S%u", stream);
        (void)snprintf(body, sizeof body, "{\"config\":{\"name\":\"S%u\",\"subjects\":[\"s%u.>\"]}}", stream,
                       stream);
    }
    request(churn, subject, NULL, body);
}

static void look(struct churn *churn, uint32_t stream)
{
    static const char *const verbs[] = {"STREAM.MSG.GET", "STREAM.MSG.GET", "DIRECT.GET", "STREAM.INFO"};
    const uint32_t verb = below(churn, 4);
    char subject[64];
    char body[64];
    (void)snprintf(subject, sizeof subject, "$JS.API.%s.S%u", verbs[verb], stream);
    if (verb == 3)
        (void)snprintf(body, sizeof body, "{\"deleted_details\":true}");
    else
        (void)snprintf(body, sizeof body, "{\"seq\":%u}", below(churn, 60));
    request(churn, subject, NULL, body);
    if (below(churn, 10) == 0)
        request(churn, below(churn, 2) ? "$JS.API.STREAM.LIST" : "$JS.API.INFO", NULL, "");
}

/* What a consumer is to see, in front of the stream's number and behind it; some are refused at some streams. */
static const struct {
    const char *front;
    const char *back; // NULL: without the number
} consumer_fields[] = {
    {"", NULL},
    {",\"filter_subject\":\"s", ".x\""},
    {",\"mem_storage\":true,\"filter_subject\":\"s", ".y\""},
    {",\"deliver_policy\":\"last_per_subject\",\"filter_subject\":\"s", ".*\""},
    {",\"deliver_policy\":\"last\",\"filter_subject\":\"s", ".x\""},
    {",\"deliver_policy\":\"by_start_time\",\"opt_start_time\":\"2026-01-01T00:00:00Z\"", NULL},
};

static void choose_fields(struct churn *churn, uint32_t stream, char *text, size_t size)
{
    const uint32_t which = below(churn, sizeof consumer_fields / sizeof consumer_fields[0]);
    if (consumer_fields[which].back)
        (void)snprintf(text, size, "%s%u%s", consumer_fields[which].front, stream,
                       consumer_fields[which].back);
    else
        (void)snprintf(text, size, "%s", consumer_fields[which].front);
}

static void change_consumer(struct churn *churn, uint32_t stream, uint32_t consumer)
{
    char subject[64];
    char fields[128];
    char body[512];
    static const char *const verbs[] = {"CREATE", "CREATE", "INFO", "DELETE", "LIST", "RESET"};
    const uint32_t verb = below(churn, 6);
    choose_fields(churn, stream, fields, sizeof fields);
    if (verb == 4)
        (void)snprintf(subject, sizeof subject, "$JS.API.CONSUMER.LIST.S%u", stream);
    else
        (void)snprintf(subject, sizeof subject, "$JS.API.CONSUMER.%s.S%u.C%u", verbs[verb], stream, consumer);
    (void)snprintf(
        body, sizeof body,
        "{\"stream_name\":\"S%u\",\"config\":{\"durable_name\":\"C%u\",\"ack_policy\":\"explicit\","
        "\"ack_wait\":100000000,\"max_ack_pending\":5,\"max_deliver\":3,\"max_waiting\":3%s}}",
        stream, consumer, fields);
    request(churn, subject, NULL, verb < 2 ? body : "");
}

static void publish(struct churn *churn, uint32_t stream)
{
    char subject[32];
    char headers[64];
    (void)snprintf(subject, sizeof subject, "s%u.%s", stream, below(churn, 3) ? "x" : "y");
    if (below(churn, 8))
        (void)snprintf(headers, sizeof headers, "NATS/1.0\r\nNats-Msg-Id: %u\r\n\r\n", below(churn, 100));
    else
        (void)snprintf(headers, sizeof headers, "NATS/1.0\r\nNats-Rollup: all\r\n\r\n");
    for (uint32_t i = below(churn, 5); i > 0; i--)
        request(churn, subject, below(churn, 2) ? headers : NULL, "payload");
}

static void pull(struct churn *churn, uint32_t stream, uint32_t consumer)
{
    static const char *const bodies[] = {
        "{\"batch\":3,\"expires\":50000000}",
        "{\"batch\":4,\"no_wait\":true}",
        "{\"batch\":2,\"no_wait\":true,\"expires\":50000000}",
        "{\"batch\":1}",
    };
    char subject[64];
    (void)snprintf(subject, sizeof subject, "$JS.API.CONSUMER.MSG.NEXT.S%u.C%u", stream, consumer);
    // Some inboxes are nobody's, some a stream's.
    static const char *const inboxes[] = {"W", "W", "W", "nobody", "s0.inbox"};
    sim_client_publish(churn->client, subject, inboxes[below(churn, 5)], NULL,
                       rill_bytes_from_cstr(bodies[below(churn, 4)]));
}

static void acknowledge(struct churn *churn)
{
    static const char *const bodies[] = {"+ACK", "",      "-NAK", "-NAK 20ms",
                                         "+WPI", "+TERM", "+NXT", "nonsense"};
    const char *subject = churn->acks[below(churn, 8)];
    if (subject[0])
        sim_client_publish(churn->client, subject, below(churn, 2) ? "W" : NULL, NULL,
                           rill_bytes_from_cstr(bodies[below(churn, 8)]));
}

static void disturb_disk(struct churn *churn)
{
    churn->faulty.fail_at = churn->faulty.calls + 1 + below(churn, 10);
    churn->faulty.fail_count = 1 + below(churn, 3);
    churn->faulty.err = below(churn, 4) ? RILL_ERR_NO_SPACE : RILL_ERR_IO;
    churn->faulty.half_written = below(churn, 2);
}

static void step(struct churn *churn)
{
    const uint32_t stream = below(churn, 2);
    const uint32_t consumer = below(churn, 2);
    const uint32_t what = below(churn, 100);
    if (what < 8)
        change_stream(churn, stream);
    else if (what < 20)
        change_consumer(churn, stream, consumer);
    else if (what < 50)
        publish(churn, stream);
    else if (what < 57)
        remove_messages(churn, stream);
    else if (what < 63)
        look(churn, stream);
    else if (what < 65)
        transfer(churn, stream);
    else if (what < 78)
        pull(churn, stream, consumer);
    else if (what < 90)
        acknowledge(churn);
    else if (what < 92)
        disturb_disk(churn);
    else if (what < 96)
        sim_core_advance(&churn->sim, below(churn, 200) * RILL_NS_PER_MS);
    for (uint32_t i = below(churn, 4); i > 0; i--)
        (void)sim_core_turn(&churn->sim);
}

static void live(struct churn *churn)
{
    churn->requests = churn->ack_count = 0;
    memset(churn->answers, 0, sizeof churn->answers);
    memset(churn->acks, 0, sizeof churn->acks);
    sim_core_start(&churn->sim, &(struct sim_options){.seed = rill_random_next(&churn->random),
                                                      .disk = &churn->faulty.base,
                                                      .segment_bytes = 8 * 1024,
                                                      .cache_bytes_max = 512,
                                                      .index_log_bytes = 4096,
                                                      .now = churn->sim.now});
    churn->client = sim_client_open(&churn->sim, on_command, churn);
    sim_client_sendf(churn->client,
                     "CONNECT {\"headers\":true,\"no_responders\":true}\r\nSUB R.* 1\r\nSUB W 2\r\n");
    for (uint32_t i = 0; i < STEPS; i++)
        step(churn);
}

static void expect_answers(struct churn *churn)
{
    sim_core_advance(&churn->sim, 5 * RILL_NS_PER_S);
    for (uint32_t i = 0; i < churn->requests; i++)
        cr_assert(eq(int, churn->answers[i], 1), "seed %" PRIu64 ": request %u", churn->seed, i);
}

static void end_life(struct churn *churn)
{
    if (below(churn, 2)) {
        expect_answers(churn);
        sim_core_stop(&churn->sim);
    } else if (below(churn, 2)) {
        sim_core_stop(&churn->sim); // in the middle of everything
    } else {
        sim_disk_crash(churn->disk);
        sim_core_crash(&churn->sim);
        sim_disk_restart(churn->disk);
    }
}

// Whatever comes and goes, every request is answered once, and nothing breaks.
Test(durable_churn, every_request_is_answered_once)
{
    const struct seed_range seeds = seed_range_long(SEEDS, SEEDS_LONG);
    for (uint64_t seed = seeds.first; seed <= seeds.last; seed++) {
        struct churn churn = {.seed = seed, .random.state = seed, .disk = sim_disk_create(seed)};
        for (uint32_t i = 0; i < LIVES; i++) {
            faulty_disk_init(&churn.faulty, churn.disk);
            live(&churn);
            end_life(&churn);
        }
        sim_disk_destroy(churn.disk);
    }
}
