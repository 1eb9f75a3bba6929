// SPDX-License-Identifier: Apache-2.0
//
// Requests and answers of the JetStream API through the wire, in their order: each test is a short story. Errors are
// compared by their numbers, other answers by what they must contain.
#include "consumer_story.h"
#include "faulty_disk.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

#define STREAM   "{\"name\":\"S\",\"subjects\":[\"ev.>\"]}"
#define CONSUMER "{\"stream_name\":\"S\",\"config\":{\"durable_name\":\"W\",\"ack_policy\":\"explicit\"}}"

static void make_stream_and_consumer(struct story *story)
{
    cr_assert(
        ne(ptr, strstr(story_say(story, "$JS.API.STREAM.CREATE.S", STREAM), "\"did_create\":true"), NULL));
    cr_assert(
        ne(ptr, strstr(story_say(story, "$JS.API.CONSUMER.CREATE.S.W", CONSUMER), "\"name\":\"W\""), NULL));
}

// A stream can be made again with the same configuration and with no other; its name and subjects are its own.
Test(durable_api, streams_are_made_once)
{
    static const struct story_line lines[] = {
        {"$JS.API.STREAM.INFO.S", "", "10059"},
        {"$JS.API.STREAM.CREATE.S", STREAM, "\"did_create\":true"},
        {"$JS.API.STREAM.CREATE.S", STREAM, "\"did_create\":true"},
        {"$JS.API.STREAM.CREATE.S", "{\"name\":\"S\",\"subjects\":[\"other\"]}", "10058"},
        {"$JS.API.STREAM.CREATE.T", "{\"name\":\"T\",\"subjects\":[\"ev.*\"]}", "10065"},
        {"$JS.API.STREAM.CREATE.T", STREAM, "10056"},
        {"$JS.API.STREAM.CREATE.T", "{\"name\":\"T\"}", "\"subjects\":[\"T\"]"},
        {"$JS.API.STREAM.NAMES", "", "\"total\":2,\"offset\":0,\"limit\":1024,\"streams\":[\"S\",\"T\"]"},
        {"$JS.API.STREAM.NAMES", "{\"subject\":\"ev.a\"}", "\"streams\":[\"S\"]"},
        {"$JS.API.STREAM.DELETE.S", "", "\"success\":true"},
        {"$JS.API.STREAM.INFO.S", "", "10059"},
        {"$JS.API.STREAM.CREATE.S", STREAM, "\"did_create\":true"},
        {"$JS.API.INFO", "", "\"streams\":2"},
    };
    static struct story story;
    story_begin(&story, NULL);
    STORY_TELL(&story, lines);
    story_end(&story);
}

// What is not there yet, or never was, is refused in words that name it.
Test(durable_api, what_is_not_there_yet_is_refused_by_name)
{
    static const struct story_line lines[] = {
        {"$JS.API.FOO", "", "10003"},
        {"$JS.API.META.LEADER.STEPDOWN", "", "10010"},
        {"$JS.API.STREAM.CREATE.S", "{\"name\":\"S\",\"mirror\":{\"name\":\"T\"}}",
         "mirror is not implemented yet"},
        {"$JS.API.STREAM.CREATE.S", "{\"name\":\"S\",\"num_replicas\":3}", "10074"},
        {"$JS.API.STREAM.CREATE.S", "{\"name\":\"S\",\"nonsense\":3}", "unknown field \\\"nonsense\\\""},
        {"$JS.API.STREAM.CREATE.S", "{\"name\":\"S\",\"subjects\":[\"a.*\",\"a.b\"]}", "overlaps with"},
        {"$JS.API.STREAM.CREATE.S", "{\"name\":\"S\",\"subjects\":[\"$JS.API.>\"]}", "10052"},
        {"$JS.API.STREAM.CREATE.S", STREAM, "did_create"},
        {"$JS.API.CONSUMER.CREATE.S.W",
         "{\"stream_name\":\"S\",\"config\":{\"durable_name\":\"W\",\"sourcing\":true}}",
         "sourcing is not implemented yet"},
    };
    static struct story story;
    story_begin(&story, NULL);
    STORY_TELL(&story, lines);
    story_end(&story);
}

// A consumer is made in any of the forms, once; its defaults are nats-server's.
Test(durable_api, consumers_are_made_once)
{
    static const struct story_line lines[] = {
        {"$JS.API.CONSUMER.CREATE.S.W", CONSUMER, "10059"},
        {"$JS.API.STREAM.CREATE.S", STREAM, "did_create"},
        {"$JS.API.CONSUMER.INFO.S.W", "", "10014"},
        {"$JS.API.CONSUMER.DURABLE.CREATE.S.X", CONSUMER, "10017"},
        {"$JS.API.CONSUMER.DURABLE.CREATE.S.W", CONSUMER,
         "\"ack_wait\":30000000000,\"max_deliver\":-1,\"replay_policy\":\"instant\",\"max_waiting\":512,"
         "\"max_ack_pending\":1000,"},
        {"$JS.API.CONSUMER.CREATE.S.W", CONSUMER, "\"num_pending\":0"},
        {"$JS.API.CONSUMER.CREATE.S.W",
         "{\"stream_name\":\"S\",\"action\":\"create\",\"config\":{\"durable_name\":\"W\",\"ack_policy\":"
         "\"explicit\","
         "\"max_deliver\":3}}",
         "10148"},
        {"$JS.API.CONSUMER.CREATE.S.V.ev.>",
         "{\"stream_name\":\"S\",\"config\":{\"durable_name\":\"V\",\"ack_policy\":\"explicit\",\"filter_"
         "subject\":"
         "\"ev.>\"}}",
         "\"filter_subject\":\"ev.\\u003e\""},
        {"$JS.API.CONSUMER.NAMES.S", "", "\"consumers\":[\"V\",\"W\"]"},
        {"$JS.API.CONSUMER.DELETE.S.W", "", "\"success\":true"},
        {"$JS.API.CONSUMER.DELETE.S.W", "", "10014"},
        {"$JS.API.CONSUMER.NAMES.S", "", "\"consumers\":[\"V\"]"},
    };
    static struct story story;
    story_begin(&story, NULL);
    STORY_TELL(&story, lines);
    story_end(&story);
}

// Publishers hear the sequence, the first one's for a duplicate, or why not.
Test(durable_api, publishes_are_answered)
{
    static const struct {
        const char *header;
        const char *answer;
    } lines[] = {
        {"Nats-Msg-Id: a", "(in|{\"stream\":\"S\",\"seq\":1})"},
        {"Nats-Msg-Id: a", "(in|{\"stream\":\"S\",\"seq\":1,\"duplicate\": true})"},
        {"Nats-Expected-Last-Msg-Id: b", "10070"},
        {"Nats-Expected-Last-Msg-Id: a", "\"seq\":2}"},
        {"Nats-Expected-Last-Sequence: 1", "wrong last sequence: 2\"},\"stream\":\"S\",\"seq\":0}"},
        {"Nats-Expected-Last-Sequence: 2", "\"seq\":3}"},
        {"Nats-Expected-Stream: T", "10060"},
        {"Nats-Expected-Last-Subject-Sequence: 1", "wrong last sequence: 3"},
        {"Nats-Rollup: all", "10111"},
        {"Nats-TTL: 5", "10166"},
        {"Other: 1", "\"seq\":4}"},
    };
    static struct story story;
    story_begin(&story, NULL);
    make_stream_and_consumer(&story);
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        const char *heard = story_say_with(&story, "ev.a", lines[i].header, "x");
        cr_expect(ne(ptr, strstr(heard, lines[i].answer), NULL), "%s -> %s", lines[i].header, heard);
    }
    story_end(&story);
}

// The statuses that end a pull, as nats-server sends them.
Test(durable_api, pulls_end_with_a_status)
{
    static struct story story;
    story_begin(&story, NULL);
    make_stream_and_consumer(&story);
    cr_expect(
        eq(str, (char *)story_pull(&story, "{\"no_wait\":true}"), "(pull|NATS/1.0 404 No Messages\r\n\r\n)"));
    cr_expect(
        eq(str, (char *)story_pull(&story, "{\"batch\":5,\"no_wait\":true,\"expires\":1000000000}"), ""));
    sim_core_advance(&story.sim, RILL_NS_PER_S);
    cr_expect(eq(
        str, story.heard,
        "(pull|NATS/1.0 408 Request Timeout\r\nNats-Pending-Messages: 5\r\nNats-Pending-Bytes: 0\r\n\r\n)"));
    cr_expect(
        eq(str, (char *)story_pull(&story, "{\"batch\":3,\"no_wait\":true,\"expires\":1000000000}"), ""));
    cr_expect(ne(ptr,
                 strstr(story_say(&story, "ev.a", "one"),
                        "(ev.a|one)(pull|NATS/1.0 408 Request Timeout\r\nNats-Pending-Messages: 2\r\n"),
                 NULL));
    cr_expect(ne(ptr,
                 strstr(story_pull(&story, "{\"idle_heartbeat\":1000000000}"),
                        "400 Bad Request - heartbeat value too large"),
                 NULL));
    cr_expect(eq(str, (char *)story_pull(&story, "2"), ""));
    cr_expect(ne(
        ptr,
        strstr(story_say(&story, "$JS.API.CONSUMER.DELETE.S.W", ""), "(pull|NATS/1.0 409 Consumer Deleted"),
        NULL));
    story_end(&story);
}

// A pull beyond max_waiting is told so; pulls whose inbox is gone make room.
Test(durable_api, waiting_pulls_have_a_limit)
{
    static struct story story;
    story_begin(&story, NULL);
    (void)story_say(&story, "$JS.API.STREAM.CREATE.S", STREAM);
    (void)story_say(
        &story, "$JS.API.CONSUMER.CREATE.S.W",
        "{\"stream_name\":\"S\",\"config\":{\"durable_name\":\"W\",\"ack_policy\":\"explicit\",\"max_"
        "waiting\":2}}");
    sim_client_publish(story.client, "$JS.API.CONSUMER.MSG.NEXT.S.W", "nobody", NULL, RILL_BYTES(""));
    cr_expect(eq(str, (char *)story_pull(&story, ""), ""));
    cr_expect(eq(str, (char *)story_pull(&story, ""), ""));
    cr_expect(ne(ptr, strstr(story_pull(&story, ""), "409 Exceeded MaxWaiting"), NULL));
    story_end(&story);
}

// Shutting down tells those who wait, and a start finds everything again.
Test(durable_api, everything_is_there_after_a_restart)
{
    static const struct story_line lines[] = {
        {"$JS.API.STREAM.INFO.S", "", "\"messages\":3"},
        {"$JS.API.CONSUMER.INFO.S.W", "", "\"num_ack_pending\":1"},
        {"$JS.API.CONSUMER.INFO.S.W", "", "\"num_pending\":1"},
        {"$JS.API.CONSUMER.INFO.S.W", "", "\"ack_floor\":{\"consumer_seq\":1,\"stream_seq\":1}"},
        {"$JS.API.STREAM.CREATE.S", STREAM, "\"did_create\":true"},
        {"$JS.API.CONSUMER.CREATE.S.W", CONSUMER, "\"delivered\":{\"consumer_seq\":2,\"stream_seq\":2}"},
    };
    static struct story story;
    story_begin(&story, NULL);
    make_stream_and_consumer(&story);
    for (int i = 0; i < 3; i++)
        (void)story_say(&story, "ev.a", "x");
    cr_expect(ne(ptr, strstr(story_pull(&story, "2"), "(ev.a|x)(ev.a|x)"), NULL));
    (void)story_say(&story, "$JS.ACK.S.W.1.1.1.1.2", "+ACK");
    story_restart(&story);
    STORY_TELL(&story, lines);
    story_end(&story);
}

static void expect_answer(const char *body, const char *expected, struct story *story)
{
    (void)story_pull(story, "1");
    const char *heard = story_say(story, "$JS.ACK.S.W.1.1.1.1.0", body);
    cr_expect(eq(str, (char *)heard, (char *)expected), "%s", body);
}

// Every kind of acknowledgement that wants an answer gets one, also for what is done.
Test(durable_api, acknowledgements_are_answered)
{
    static struct story story;
    story_begin(&story, NULL);
    make_stream_and_consumer(&story);
    (void)story_say(&story, "ev.a", "x");
    expect_answer("+WPI", "(in|)", &story);
    expect_answer("-NAK", "(in|)(ev.a|x)", &story);
    expect_answer("+ACK", "(in|)", &story);
    expect_answer("+ACK", "(in|)", &story);
    // Never delivered: not confirmed.
    cr_expect(eq(str, (char *)story_say(&story, "$JS.ACK.S.W.1.9.9.1.0", "+ACK"), ""));
    story_end(&story);
}

static uint32_t count_of(const char *text, const char *part)
{
    uint32_t count = 0;
    while ((text = strstr(text, part))) {
        text += strlen(part);
        count++;
    }
    return count;
}

// More than one commit can take is refused with "too many requests", each by itself, and the rest is stored.
Test(durable_api, overload_is_said)
{
    static uint8_t payload[1 << 20];
    static struct story story;
    story_begin(&story, NULL);
    make_stream_and_consumer(&story);
    story.heard_len = 0;
    for (int i = 0; i < 10; i++)
        sim_client_publish(story.client, "ev.a", "in", NULL, rill_bytes_of(payload, sizeof payload));
    sim_core_settle(&story.sim);
    cr_expect(eq(u32, count_of(story.heard, "\"seq\":0}"), 3));
    cr_expect(eq(u32, count_of(story.heard, "\"err_code\":10167"), 3));
    cr_expect(eq(u32, count_of(story.heard, "NATS/1.0 429 Too Many Requests\r\n"), 3));
    cr_expect(eq(u32, count_of(story.heard, "(in|{\"stream\":\"S\",\"seq\":"), 7));
    story_end(&story);
}

// After an input/output error the stream takes nothing more and says why, and serves what it has.
Test(durable_api, a_broken_log_is_read_only)
{
    struct faulty_disk faulty;
    static struct story story;
    story = (struct story){.disk = sim_disk_create(1)};
    faulty_disk_init(&faulty, story.disk);
    sim_core_start(&story.sim, &(struct sim_options){.seed = 1, .calm = true, .disk = &faulty.base});
    story_connect(&story);
    make_stream_and_consumer(&story);
    cr_expect(eq(str, (char *)story_say(&story, "ev.a", "kept"), "(in|{\"stream\":\"S\",\"seq\":1})"));
    faulty.fail_at = faulty.calls + 1;
    faulty.fail_count = 1;
    faulty.err = RILL_ERR_IO;
    cr_expect(ne(ptr, strstr(story_say(&story, "ev.a", "lost"), "\"err_code\":10077"), NULL));
    cr_expect(
        ne(ptr, strstr(story_say(&story, "ev.a", "refused"), "read-only after an earlier error"), NULL));
    cr_expect(
        ne(ptr, strstr(story_pull(&story, "{\"batch\":9,\"no_wait\":true}"), "(ev.a|kept)(pull|"), NULL));
    // Not durable, so not confirmed.
    cr_expect(eq(str, (char *)story_say(&story, "$JS.ACK.S.W.1.1.1.1.0", "+ACK"), ""));
    story_end(&story);
}
