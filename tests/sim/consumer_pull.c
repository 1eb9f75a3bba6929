// SPDX-License-Identifier: Apache-2.0
//
// Pull consumers through the wire, in stories: what a pull may ask for, and how each ends.
#include "consumer_story.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

static void publish_many(struct story *story, int count, const char *payload)
{
    for (int i = 0; i < count; i++)
        (void)story_say(story, "ev.a", payload);
}

// A pull that nobody answers is told regularly that the consumer is alive, and then that its time is over.
Test(consumer_pull, a_waiting_pull_hears_heartbeats)
{
    static struct story story;
    consumer_story_begin(&story, "\"ack_policy\":\"explicit\"");
    cr_expect(
        eq(str, (char *)story_pull(&story, "{\"expires\":1000000000,\"idle_heartbeat\":400000000}"), ""));
    cr_expect(
        eq(str, (char *)story_wait(&story, 400 * RILL_NS_PER_MS),
           "(pull|NATS/1.0 100 Idle Heartbeat\r\nNats-Last-Consumer: 0\r\nNats-Last-Stream: 0\r\n\r\n)"));
    cr_expect(ne(ptr, strstr(story_say(&story, "ev.a", "x"), "(ev.a|x)"), NULL));
    (void)story_pull(&story, "{\"batch\":2,\"expires\":1000000000,\"idle_heartbeat\":400000000}");
    (void)story_wait(&story, 300 * RILL_NS_PER_MS);
    (void)story_say(&story, "ev.a", "y");
    cr_expect(eq(str, (char *)story_wait(&story, 300 * RILL_NS_PER_MS), ""), "a message is a sign of life");
    cr_expect(
        eq(str, (char *)story_wait(&story, 100 * RILL_NS_PER_MS),
           "(pull|NATS/1.0 100 Idle Heartbeat\r\nNats-Last-Consumer: 2\r\nNats-Last-Stream: 2\r\n\r\n)"));
    cr_expect(eq(str, (char *)story_wait(&story, 300 * RILL_NS_PER_MS),
                 "(pull|NATS/1.0 408 Request Timeout\r\nNats-Pending-Messages: 1\r\nNats-Pending-Bytes: "
                 "0\r\n\r\n)"));
    story_end(&story);
}

// A pull gets no more bytes than it asked for, and hears what was in the way.
Test(consumer_pull, bytes_are_a_limit_of_a_pull)
{
    static struct story story;
    consumer_story_begin(&story, "\"ack_policy\":\"explicit\"");
    publish_many(&story, 3, "0123456789");
    // Subject, reply subject and payload of one are 58 bytes here.
    const char *heard = story_pull(&story, "{\"batch\":5,\"expires\":1000000000,\"max_bytes\":130}");
    cr_expect(ne(ptr,
                 strstr(heard, "(ev.a|0123456789)(ev.a|0123456789)(pull|NATS/1.0 409 Message Size Exceeds "
                               "MaxBytes\r\nNats-Pending-Messages: 3\r\nNats-Pending-Bytes: "),
                 NULL),
              "%s", heard);
    heard = story_pull(&story, "{\"batch\":1,\"expires\":1000000000,\"max_bytes\":1000}");
    cr_expect(
        ne(ptr,
           strstr(heard, "(ev.a|0123456789)(pull|NATS/1.0 409 Batch Completed\r\nNats-Pending-Messages: "
                         "0\r\nNats-Pending-Bytes: "),
           NULL),
        "%s", heard);
    story_end(&story);
}

// What a consumer allows at most is said with its limit.
Test(consumer_pull, limits_of_the_consumer_are_told)
{
    static struct story story;
    consumer_story_begin(&story,
                         "\"ack_policy\":\"explicit\",\"max_batch\":5,\"max_expires\":90000000000,\"max_"
                         "bytes\":100,\"max_waiting\":1");
    static const struct {
        const char *body;
        const char *status;
    } table[] = {
        {"6", "409 Exceeded MaxRequestBatch of 5"},
        {"{\"batch\":1,\"expires\":90000000001}", "409 Exceeded MaxRequestExpires of 1m30s"},
        {"{\"batch\":1,\"max_bytes\":101}", "409 Exceeded MaxRequestMaxBytes of 100"},
        {"{\"batch\":1,\"expires\":1000,\"idle_heartbeat\":501}",
         "400 Bad Request - heartbeat value too large"},
        {"nonsense", "400 Bad Request"},
        {"{\"batch\":1,\"group\":\"A\",\"id\":\"x\"}",
         "400 Bad Request - Not a Pinned Client Priority consumer"},
        {"{\"batch\":1,\"min_pending\":1}", "400 Bad Request - Not a Overflow Priority consumer"},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        const char *heard = story_pull(&story, table[i].body);
        cr_expect(ne(ptr, strstr(heard, table[i].status), NULL), "%s -> %s", table[i].body, heard);
    }
    cr_expect(eq(str, (char *)story_pull(&story, "1"), ""));
    cr_expect(ne(ptr, strstr(story_pull(&story, "1"), "409 Exceeded MaxWaiting"), NULL));
    cr_expect(eq(str, (char *)story_pull(&story, "{\"expires\":2000,\"idle_heartbeat\":1000}"), ""),
              "who asked for heartbeats is not told");
    story_end(&story);
}

// Without messages, at the end, when nothing is there at once: each has its status.
Test(consumer_pull, a_pull_that_does_not_wait_ends)
{
    static struct story story;
    consumer_story_begin(&story, "\"ack_policy\":\"explicit\"");
    cr_expect(
        eq(str, (char *)story_pull(&story, "{\"no_wait\":true}"), "(pull|NATS/1.0 404 No Messages\r\n\r\n)"));
    publish_many(&story, 1, "x");
    cr_expect(eq(str, (char *)story_pull(&story, "{\"no_wait\":true,\"batch\":3}"),
                 "(ev.a|x)(pull|NATS/1.0 408 Request Timeout\r\nNats-Pending-Messages: "
                 "2\r\nNats-Pending-Bytes: 0\r\n\r\n)"));
    story_end(&story);
}

// Where messages overflow to others, a pull with a minimum waits until there are so many.
Test(consumer_pull, an_overflow_pull_waits_for_its_minimum)
{
    static struct story story;
    consumer_story_begin(
        &story, "\"ack_policy\":\"explicit\",\"priority_policy\":\"overflow\",\"priority_groups\":[\"A\"]");
    cr_expect(ne(ptr, strstr(story_pull(&story, "1"), "400 Bad Request - Priority Group missing"), NULL));
    cr_expect(ne(ptr,
                 strstr(story_pull(&story, "{\"group\":\"B\"}"), "400 Bad Request - Invalid Priority Group"),
                 NULL));
    cr_expect(eq(str, (char *)story_pull(&story, "{\"group\":\"A\",\"min_pending\":2}"), ""));
    cr_expect(eq(ptr, (void *)strstr(story_say(&story, "ev.a", "1"), "(ev.a|1)"), NULL));
    cr_expect(ne(ptr, strstr(story_say(&story, "ev.a", "2"), "(ev.a|1)"), NULL));
    cr_expect(eq(str, (char *)story_pull(&story, "{\"group\":\"A\",\"min_ack_pending\":2}"), ""));
    cr_expect(eq(str, (char *)story_pull(&story, "{\"group\":\"A\",\"batch\":1}"), "(ev.a|2)"));
    cr_expect(ne(ptr, strstr(story_say(&story, "ev.a", "3"), "(ev.a|3)"), NULL),
              "two are unacknowledged now");
    story_end(&story);
}

static void pin_id_of(const char *heard, char id[64])
{
    const char *at = strstr(heard, "Nats-Pin-Id: ");
    cr_assert(ne(ptr, (void *)at, NULL), "%s", heard);
    at += strlen("Nats-Pin-Id: ");
    const size_t len = strcspn(at, "\r");
    cr_assert(lt(sz, len, 64));
    memcpy(id, at, len);
    id[len] = 0;
}

// One client alone is served until it is unpinned or falls silent; then another one, with another id.
Test(consumer_pull, a_pinned_client_alone_is_served)
{
    static struct story story;
    char id[64];
    char other[64];
    char body[160];
    consumer_story_begin(&story, "\"ack_policy\":\"explicit\",\"priority_policy\":\"pinned_client\","
                                 "\"priority_timeout\":5000000000,\"priority_groups\":[\"A\"]");
    publish_many(&story, 4, "x");
    story_listen(&story, "$JS.EVENT.ADVISORY.CONSUMER.PINNED.S.W");
    story_listen(&story, "$JS.EVENT.ADVISORY.CONSUMER.UNPINNED.S.W");
    const char *heard = story_pull(&story, "{\"group\":\"A\"}");
    pin_id_of(heard, id);
    cr_expect(ne(ptr, strstr(heard, "advisory.v1.consumer_group_pinned"), NULL), "%s", heard);
    cr_expect(eq(str, (char *)story_pull(&story, "{\"group\":\"A\",\"expires\":20000000000}"), ""),
              "it waits");
    cr_expect(ne(ptr,
                 strstr(story_pull(&story, "{\"group\":\"A\",\"id\":\"wrong\"}"), "423 Nats-Pin-Id mismatch"),
                 NULL));
    (void)snprintf(body, sizeof body, "{\"group\":\"A\",\"id\":\"%s\"}", id);
    pin_id_of(story_pull(&story, body), other);
    cr_expect(eq(str, id, other));
    heard = story_wait(&story, 5 * RILL_NS_PER_S);
    cr_expect(ne(ptr, strstr(heard, "\"reason\":\"timeout\""), NULL), "%s", heard);
    pin_id_of(heard, other);
    cr_expect(ne(str, id, other), "the one who waited is pinned");
    cr_expect(ne(ptr, strstr(story_say(&story, "$JS.API.CONSUMER.INFO.S.W", ""), other), NULL));
    heard = story_say(&story, "$JS.API.CONSUMER.UNPIN.S.W", "{\"group\":\"A\"}");
    cr_expect(ne(ptr, strstr(heard, "consumer_unpin_response"), NULL), "%s", heard);
    cr_expect(ne(ptr, strstr(heard, "\"reason\":\"admin\""), NULL), "%s", heard);
    cr_expect(
        ne(ptr, strstr(story_say(&story, "$JS.API.CONSUMER.UNPIN.S.W", "{\"group\":\"B\"}"), "10160"), NULL));
    story_end(&story);
}

// A paused consumer delivers nothing until its time, and says how long that is.
Test(consumer_pull, a_paused_consumer_rests)
{
    static struct story story;
    consumer_story_begin(&story, "\"ack_policy\":\"explicit\"");
    story_listen(&story, "$JS.EVENT.ADVISORY.CONSUMER.PAUSE.S.W");
    char body[128];
    (void)snprintf(body, sizeof body, "{\"pause_until\":\"2100-01-01T00:00:00Z\"}");
    const char *heard = story_say(&story, "$JS.API.CONSUMER.PAUSE.S.W", body);
    cr_expect(
        ne(ptr,
           strstr(heard, "\"paused\":true,\"pause_until\":\"2100-01-01T00:00:00Z\",\"pause_remaining\":"),
           NULL),
        "%s", heard);
    cr_expect(ne(ptr, strstr(heard, "advisory.v1.consumer_pause"), NULL), "%s", heard);
    cr_expect(eq(str, (char *)story_pull(&story, "{\"expires\":60000000000}"), ""));
    cr_expect(eq(ptr, strstr(story_say(&story, "ev.a", "x"), "(ev.a|"), NULL));
    story_restart(&story);
    cr_expect(eq(str, (char *)story_pull(&story, "{\"expires\":60000000000}"), ""), "also after a restart");
    heard = story_say(&story, "$JS.API.CONSUMER.PAUSE.S.W", "");
    cr_expect(ne(ptr, strstr(heard, "\"paused\":false"), NULL), "%s", heard);
    cr_expect(ne(ptr, strstr(heard, "(ev.a|x)"), NULL), "%s", heard);
    story_end(&story);
}

// The end of a pause comes by itself.
Test(consumer_pull, a_pause_ends_at_its_time)
{
    static struct story story;
    char body[128];
    consumer_story_begin(&story, "\"ack_policy\":\"explicit\"");
    (void)story_say(&story, "ev.a", "x");
    consumer_story_time(&story, 10, body, sizeof body, "{\"pause_until\":\"%s\"}");
    cr_expect(
        ne(ptr, strstr(story_say(&story, "$JS.API.CONSUMER.PAUSE.S.W", body), "\"paused\":true"), NULL));
    cr_expect(eq(str, (char *)story_pull(&story, "{\"expires\":60000000000}"), ""));
    cr_expect(eq(str, (char *)story_wait(&story, 9 * RILL_NS_PER_S), ""));
    cr_expect(eq(str, (char *)story_wait(&story, 2 * RILL_NS_PER_S), "(ev.a|x)"));
    story_end(&story);
}

// A pull that comes while the stream is still read is answered when that is there.
Test(consumer_pull, a_pull_waits_for_its_stream)
{
    static struct story story;
    consumer_story_begin(&story, "\"ack_policy\":\"explicit\"");
    publish_many(&story, 1, "x");
    story.options.now = story.sim.now;
    sim_core_stop(&story.sim);
    sim_core_start(&story.sim, &story.options);
    story.heard_len = 0;
    story_connect_only(&story);
    for (int turn = 0; turn < 1000 && !strstr(story.heard, "(ev.a|x)"); turn++) {
        sim_client_publish(story.client, "$JS.API.CONSUMER.MSG.NEXT.S.W", "pull", NULL, RILL_BYTES("1"));
        (void)sim_core_turn(&story.sim);
        cr_assert(eq(ptr, (void *)strstr(story.heard, "503"), NULL), "turn %d", turn);
    }
    cr_expect(ne(ptr, (void *)strstr(story.heard, "(ev.a|x)"), NULL));
    story_end(&story);
}
