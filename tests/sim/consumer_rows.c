// SPDX-License-Identifier: Apache-2.0
//
// What NATS' clients expect of consumers, row by row, as far as no other story tells it; and where the others are told:
//
//      configuration   sim/consumer_api.c: the faults, changes and names; sim/retention.c: of a work queue
//        filters, deliver policies          sim/consumer_filter.c        limits of a stream      sim/stream_limits.c
//        ack_wait, backoff, max_deliver, max_ack_pending, sample_freq    sim/consumer_ack.c
//        max_batch, max_expires, max_bytes, max_waiting, priority, pause sim/consumer_pull.c, unit/core/js_pulls.c
//        deliver_subject, deliver_group, flow control, heartbeats, rate, replay, headers_only  sim/consumer_push.c
//        ack_policy flow_control            sim/consumer_ack_flow.c
//        metadata of Rill's own             sim/consumer_extras.c
//      API subjects    node/schemas.mjs: each one, asked well and wrongly; sim/consumer_api.c
//      acknowledgements, both forms of their subject    sim/consumer_ack.c
//      statuses        sim/consumer_pull.c, sim/durable_api.c (deleted, waiting), sim/consumer_push.c (push based)
//      all of it together against an oracle             model/delivery.c
//      beside nats-server                               integration/consumer_differential_test.py
//
// Refused by name, and so without a row: sourcing, more than one priority group. What one broker cannot
// meet, or JSON cannot say, has none either: 10016, 10126, 10134, 10181, 10182.
#include "consumer_story.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

#define CREATE_W     "$JS.API.CONSUMER.CREATE.S.W"
#define INFO_W       "$JS.API.CONSUMER.INFO.S.W"
#define NEXT_W       "$JS.API.CONSUMER.MSG.NEXT.S.W"
#define MADE(config) "{\"stream_name\":\"S\",\"config\":{\"durable_name\":\"W\"" config "}}"
#define EXPLICIT     ",\"ack_policy\":\"explicit\""

static void expect(const char *heard, const char *part)
{
    cr_expect(ne(ptr, strstr(heard, part), NULL), "%s, expected %s", heard, part);
}

static void begin_with_stream(struct story *story, const char *fields)
{
    char body[256];
    story_begin(story, NULL);
    (void)snprintf(body, sizeof body, "{\"name\":\"S\",\"subjects\":[\"ev.>\"]%s}", fields);
    expect(story_say(story, "$JS.API.STREAM.CREATE.S", body), "did_create");
}

// ---- configuration ----

// What a request leaves out has the value that clients count on.
Test(consumer_rows, defaults_are_filled_in)
{
    static const struct {
        const char *config;
        const char *parts[5];
    } table[] = {
        {MADE(EXPLICIT),
         {"\"ack_wait\":30000000000", "\"max_deliver\":-1", "\"max_waiting\":512", "\"max_ack_pending\":1000",
          "\"replay_policy\":\"instant\""}},
        {MADE(""), {"\"ack_policy\":\"none\"", "\"deliver_policy\":\"all\"", "\"num_replicas\":0"}},
        {MADE(EXPLICIT ",\"backoff\":[7000000000,9000000000]"), {"\"ack_wait\":7000000000"}},
        {MADE(EXPLICIT ",\"deliver_subject\":\"to\""), {"\"max_ack_pending\":1000"}},
        {MADE(EXPLICIT ",\"max_ack_pending\":-1"), {"\"max_ack_pending\":-1"}},
        {MADE(EXPLICIT ",\"priority_policy\":\"pinned_client\",\"priority_groups\":[\"A\"]"),
         {"\"priority_timeout\":120000000000"}},
    };
    static struct story story;
    begin_with_stream(&story, "");
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        const char *heard = story_say(&story, CREATE_W, table[i].config);
        for (size_t k = 0; k < 5 && table[i].parts[k]; k++)
            expect(heard, table[i].parts[k]);
        (void)story_say(&story, "$JS.API.CONSUMER.DELETE.S.W", "");
    }
    story_end(&story);
}

/* A request whose field is so many letters long. */
static const char *say_long(struct story *story, const char *subject, const char *front, size_t letters,
                            const char *back)
{
    static char body[256 * 1024];
    const size_t len = strlen(front);
    memcpy(body, front, len);
    memset(body + len, 'x', letters);
    memcpy(body + len + letters, back, strlen(back) + 1);
    return story_say(story, subject, body);
}

// Names and texts have a largest size, exactly.
Test(consumer_rows, names_and_texts_have_a_largest_size)
{
    static const struct {
        const char *front;
        const char *back;
        size_t letters_max;
        const char *error;
    } table[] = {
        {"{\"stream_name\":\"S\",\"config\":{\"name\":\"", "\"}}", 255,
         "\"err_code\":10102,\"description\":\"consumer name is too long, maximum allowed is 255\""},
        {"{\"stream_name\":\"S\",\"config\":{\"description\":\"", "\"}}", 4096,
         "\"err_code\":10107,\"description\":\"consumer description is too long, maximum allowed is 4096\""},
        {"{\"stream_name\":\"S\",\"config\":{\"metadata\":{\"k\":\"", "\"}}}", 128 * 1024 - 1,
         "\"err_code\":10135,\"description\":\"consumer metadata exceeds maximum size of 131072\""},
    };
    static struct story story;
    begin_with_stream(&story, "");
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        expect(say_long(&story, "$JS.API.CONSUMER.CREATE.S", table[i].front, table[i].letters_max,
                        table[i].back),
               "\"num_pending\":0");
        expect(say_long(&story, "$JS.API.CONSUMER.CREATE.S", table[i].front, table[i].letters_max + 1,
                        table[i].back),
               table[i].error);
    }
    story_end(&story);
}

// A stream may limit what its consumers ask for, and gives them its limits when they ask for nothing.
Test(consumer_rows, a_stream_limits_its_consumers)
{
    static const struct story_line lines[] = {
        {CREATE_W, MADE(EXPLICIT ",\"inactive_threshold\":60000000001"), "\"err_code\":10153"},
        {CREATE_W, MADE(EXPLICIT ",\"max_ack_pending\":-1"), "\"err_code\":10121"},
        {CREATE_W, MADE(EXPLICIT), "\"max_ack_pending\":20"},
        {INFO_W, "", "\"inactive_threshold\":60000000000"},
    };
    static struct story story;
    begin_with_stream(&story,
                      ",\"consumer_limits\":{\"inactive_threshold\":60000000000,\"max_ack_pending\":20}");
    STORY_TELL(&story, lines);
    story_end(&story);
}

// Each part that cannot change is told in words.
Test(consumer_rows, what_cannot_change_is_told)
{
#define PUSH EXPLICIT ",\"deliver_subject\":\"to\",\"idle_heartbeat\":1000000000,\"deliver_policy\":"
    static const struct story_line lines[] = {
        {CREATE_W, MADE(PUSH "\"by_start_sequence\",\"opt_start_seq\":3"), "\"name\":\"W\""},
        {CREATE_W, MADE(PUSH "\"by_start_sequence\",\"opt_start_seq\":4"),
         "start sequence can not be updated"},
        {CREATE_W, MADE(PUSH "\"by_start_time\",\"opt_start_time\":\"2026-01-01T00:00:00Z\""),
         "deliver policy can not be updated"},
        {CREATE_W, MADE(PUSH "\"by_start_sequence\",\"opt_start_seq\":3,\"flow_control\":true"),
         "flow control can not be updated"},
        {CREATE_W,
         MADE(EXPLICIT
              ",\"deliver_subject\":\"to\",\"deliver_policy\":\"by_start_sequence\",\"opt_start_seq\":3"),
         "heart beats can not be updated"},
        {CREATE_W, MADE(PUSH "\"by_start_sequence\",\"opt_start_seq\":3,\"mem_storage\":true"),
         "storage can not be updated"},
        {CREATE_W, MADE(EXPLICIT ",\"deliver_policy\":\"by_start_sequence\",\"opt_start_seq\":3"),
         "\"err_code\":10012"},
    };
#undef PUSH
    static const struct story_line by_time[] = {
        {"$JS.API.CONSUMER.DELETE.S.W", "", "success"},
        {CREATE_W, MADE(",\"deliver_policy\":\"by_start_time\",\"opt_start_time\":\"2026-01-01T00:00:00Z\""),
         "\"name\":\"W\""},
        {CREATE_W, MADE(",\"deliver_policy\":\"by_start_time\",\"opt_start_time\":\"2026-01-02T00:00:00Z\""),
         "start time can not be updated"},
    };
    static struct story story;
    begin_with_stream(&story, "");
    STORY_TELL(&story, lines);
    STORY_TELL(&story, by_time);
    story_end(&story);
}

// The deliver subject of a push consumer changes as long as nobody listens there.
Test(consumer_rows, a_deliver_subject_in_use_stays)
{
    static const struct story_line before[] = {
        {CREATE_W, MADE(EXPLICIT ",\"deliver_subject\":\"to\""), "\"deliver_subject\":\"to\""},
        {CREATE_W, MADE(EXPLICIT ",\"deliver_subject\":\"to.2\""), "\"deliver_subject\":\"to.2\""},
    };
    static const struct story_line after[] = {
        {CREATE_W, MADE(EXPLICIT ",\"deliver_subject\":\"to.3\""),
         "\"err_code\":10013,\"description\":\"consumer name already in use\""},
        {CREATE_W, MADE(EXPLICIT ",\"deliver_subject\":\"to.2\",\"description\":\"d\""),
         "\"description\":\"d\""},
    };
    static struct story story;
    begin_with_stream(&story, "");
    STORY_TELL(&story, before);
    story_listen(&story, "to.2");
    STORY_TELL(&story, after);
    story_end(&story);
}

// A pause is made at creation or by its own request; an update leaves it as it is.
Test(consumer_rows, an_update_leaves_the_pause_alone)
{
    static const struct story_line lines[] = {
        {CREATE_W, MADE(EXPLICIT ",\"pause_until\":\"2100-01-01T00:00:00Z\""), "\"paused\":true"},
        {CREATE_W, MADE(EXPLICIT ",\"description\":\"d\""), "\"paused\":true"},
        {INFO_W, "", "\"pause_until\":\"2100-01-01T00:00:00Z\""},
        {"$JS.API.CONSUMER.PAUSE.S.W", "{}", "\"paused\":false"},
        {CREATE_W, MADE(EXPLICIT ",\"pause_until\":\"2100-01-01T00:00:00Z\",\"description\":\"e\""),
         "\"description\":\"e\""},
        {INFO_W, "", "!\"paused\":true"},
    };
    static struct story story;
    begin_with_stream(&story, "");
    STORY_TELL(&story, lines);
    story_end(&story);
}

// ---- the protocol ----

// Each word that ends a message ends it; a refusal may name its delay as Go writes durations.
Test(consumer_rows, words_of_acknowledgements)
{
    static const struct {
        const char *body;
        int ack_pending;
    } table[] = {{"", 0},     {"+ACK", 0},    {"+OK", 0},     {"+TERM", 0},
                 {"+WPI", 1}, {"-NAK 1h", 1}, {"nonsense", 1}};
    static struct story story;
    char subject[64], expected[64];
    consumer_story_begin(&story, "\"ack_policy\":\"explicit\"");
    for (int i = 0; i < (int)(sizeof table / sizeof table[0]); i++) {
        (void)story_say(&story, "ev.a", "x");
        (void)story_pull(&story, "1");
        (void)snprintf(subject, sizeof subject, "$JS.ACK.S.W.1.%d.%d.1.0", i + 1, i + 1);
        (void)story_say(&story, subject, table[i].body);
        (void)snprintf(expected, sizeof expected, "\"num_ack_pending\":%d,", table[i].ack_pending);
        expect(story_say(&story, INFO_W, ""), expected);
        (void)story_say(&story, subject, "+ACK");
    }
    story_end(&story);
}

// When the broker ends, pulls that wait are told how much of them was not served.
Test(consumer_rows, the_end_of_the_broker_ends_pulls)
{
    static struct story story;
    consumer_story_begin(&story, "\"ack_policy\":\"explicit\"");
    (void)story_say(&story, "ev.a", "x");
    (void)story_pull(&story, "{\"batch\":3,\"expires\":60000000000}");
    story.heard_len = 0;
    rill_core_begin_turn(story.sim.core, story.sim.now);
    rill_core_stop(story.sim.core);
    rill_core_end_turn(story.sim.core);
    sim_core_settle(&story.sim);
    expect(
        story.heard,
        "(pull|NATS/1.0 409 Server Shutdown\r\nNats-Pending-Messages: 2\r\nNats-Pending-Bytes: 0\r\n\r\n)");
    story_end(&story);
}

// A level that is not there is refused: a pull with a status, everything else with an error.
Test(consumer_rows, a_level_that_is_not_there_is_refused)
{
    static struct story story;
    consumer_story_begin(&story, "\"ack_policy\":\"explicit\"");
    cr_expect(eq(str, (char *)story_say_with(&story, NEXT_W, "Nats-Required-Api-Level: 99", "1"),
                 "(in|NATS/1.0 412 Required Api Level\r\n\r\n)"));
    expect(story_say_with(&story, INFO_W, "Nats-Required-Api-Level: 99", ""), "\"err_code\":10185");
    (void)story_say(&story, "ev.a", "x");
    expect(story_say_with(&story, NEXT_W, "Nats-Required-Api-Level: 1", "1"), "(ev.a|x)");
    story_end(&story);
}

// The body of a pull may be empty, a number, or an object.
Test(consumer_rows, a_pull_has_several_forms)
{
    static const struct {
        const char *body;
        const char *heard;
    } table[] = {
        {"", "(ev.a|1)"}, {"2", "(ev.a|2)(ev.a|3)"}, {"{\"batch\":1}", "(ev.a|4)"}, {"{}", "(ev.a|5)"}};
    static struct story story;
    char payload[2] = "1";
    consumer_story_begin(&story, "\"ack_policy\":\"explicit\"");
    for (; payload[0] <= '5'; payload[0]++)
        (void)story_say(&story, "ev.a", payload);
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        cr_expect(eq(str, (char *)story_pull(&story, table[i].body), (char *)table[i].heard));
    story_end(&story);
}

// A pull whose inbox nobody listens to is not counted, gets nothing, and keeps nothing from the next.
Test(consumer_rows, a_pull_without_a_listener_is_dropped)
{
    static struct story story;
    consumer_story_begin(&story, "\"ack_policy\":\"explicit\",\"max_waiting\":1");
    for (int i = 0; i < 2; i++) {
        sim_client_publish(story.client, NEXT_W, "nobody", NULL, RILL_BYTES("{\"expires\":60000000000}"));
        sim_core_settle(&story.sim);
    }
    expect(story_say(&story, INFO_W, ""), "\"num_waiting\":0,");
    sim_client_publish(story.client, NEXT_W, "nobody", NULL, RILL_BYTES("{\"expires\":60000000000}"));
    cr_expect(eq(str, (char *)story_pull(&story, "{\"expires\":60000000000}"), ""), "there is room for it");
    expect(story_say(&story, "ev.a", "x"), "(ev.a|x)");
    expect(story_say(&story, INFO_W, ""), "\"delivered\":{\"consumer_seq\":1,");
    story_end(&story);
}

// Where pulls have a priority the lowest number is served first, and a number outside 0 to 9 is refused.
Test(consumer_rows, pulls_have_priorities)
{
    static struct story story;
    consumer_story_begin(
        &story,
        "\"ack_policy\":\"explicit\",\"priority_policy\":\"prioritized\",\"priority_groups\":[\"A\"]");
    story_listen(&story, "late");
    cr_expect(
        eq(str, (char *)story_pull(&story, "{\"group\":\"A\",\"priority\":5,\"expires\":60000000000}"), ""));
    sim_client_publish(
        story.client, NEXT_W, "late", NULL,
        RILL_BYTES("{\"group\":\"A\",\"priority\":1,\"no_wait\":false,\"expires\":1000000000}"));
    sim_core_settle(&story.sim);
    (void)story_say(&story, "ev.a", "x");
    cr_expect(eq(str, (char *)story_wait(&story, 2 * RILL_NS_PER_S), ""),
              "the later one was served and is gone");
    expect(story_pull(&story, "{\"group\":\"A\",\"priority\":10}"), "400 Bad Request - ");
    story_end(&story);
}

// Who pulled as the pinned client, and is that no more, is told so.
Test(consumer_rows, pulls_of_who_was_pinned_end)
{
    static struct story story;
    char body[160];
    consumer_story_begin(
        &story,
        "\"ack_policy\":\"explicit\",\"priority_policy\":\"pinned_client\",\"priority_groups\":[\"A\"]");
    (void)story_say(&story, "ev.a", "x");
    const char *at = strstr(story_pull(&story, "{\"group\":\"A\"}"), "Nats-Pin-Id: ");
    cr_assert(ne(ptr, (void *)at, NULL));
    at += strlen("Nats-Pin-Id: ");
    (void)snprintf(body, sizeof body, "{\"group\":\"A\",\"id\":\"%.*s\",\"batch\":2,\"expires\":60000000000}",
                   (int)strcspn(at, "\r"), at);
    cr_expect(eq(str, (char *)story_pull(&story, body), ""));
    expect(
        story_say(&story, "$JS.API.CONSUMER.UNPIN.S.W", "{\"group\":\"A\"}"),
        "(pull|NATS/1.0 423 Nats-Wrong-Pin-Id\r\nNats-Pending-Messages: 2\r\nNats-Pending-Bytes: 0\r\n\r\n)");
    story_end(&story);
}

// ---- flow control ----

/* Fills the first window of somebody who does not answer. */
static void fill_window(struct story *story)
{
    static char payload[64 * 1024 + 1];
    memset(payload, 'x', sizeof payload - 1);
    consumer_story_begin(story, "\"ack_policy\":\"none\",\"deliver_subject\":\"to.me\",\"flow_control\":true,"
                                "\"idle_heartbeat\":1000000000");
    for (int i = 0; i < 40; i++)
        sim_client_publish(story->client, "ev.a", NULL, NULL, rill_bytes_from_cstr(payload));
    sim_core_settle(&story->sim);
}

static void count_messages(void *context, struct sim_client *client, const struct rill_command *command)
{
    *(uint32_t *)context += rill_bytes_equal(command->subject, RILL_BYTES("ev.a"));
}

// A consumer that waits for an answer says in its heartbeats for which; the answer may come in either form of the subject.
Test(consumer_rows, a_stalled_consumer_says_what_it_waits_for)
{
    static const char *const answers[] = {"$JS.FC.S.W.0001", "$JS.FC._.ACCHASH.S.W.0001"};
    for (size_t i = 0; i < 2; i++) {
        static struct story story;
        uint32_t count = 0;
        fill_window(&story);
        struct sim_client *client = sim_client_open(&story.sim, count_messages, &count);
        sim_client_sendf(client, "CONNECT {\"headers\":true}\r\nSUB to.me 1\r\n");
        sim_core_settle(&story.sim);
        cr_expect(lt(u32, count, 40));
        story.heard_len = 0;
        sim_client_sendf(story.client, "SUB to.me 77\r\n");
        expect(
            story_wait(&story, 1100 * RILL_NS_PER_MS),
            "100 Idle Heartbeat\r\nNats-Last-Consumer: 32\r\nNats-Last-Stream: 32\r\nNats-Consumer-Stalled: "
            "$JS.FC.S.W.0001\r\n\r\n)");
        sim_client_sendf(story.client, "UNSUB 77\r\n");
        sim_client_publish(client, answers[i], NULL, NULL, RILL_BYTES(""));
        sim_core_settle(&story.sim);
        cr_expect(eq(u32, count, 40));
        story_end(&story);
    }
}
