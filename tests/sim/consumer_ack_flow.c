// SPDX-License-Identifier: Apache-2.0
//
// ack_policy flow_control: who gets the messages acknowledges them in what he answers to flow control, and not otherwise.
#include "consumer_story.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

#define CREATE_W     "$JS.API.CONSUMER.CREATE.S.W"
#define INFO_W       "$JS.API.CONSUMER.INFO.S.W"
#define RESET_W      "$JS.API.CONSUMER.RESET.S.W"
#define MADE(config) "{\"stream_name\":\"S\",\"config\":{\"durable_name\":\"W\"," config "}}"
#define BY_FLOW      "\"ack_policy\":\"flow_control\""
#define PUSH_BY_FLOW BY_FLOW ",\"deliver_subject\":\"to.me\""
#define QUESTION     "(to.me|NATS/1.0 100 FlowControl Request\r\n\r\n)"

static void expect(const char *heard, const char *part)
{
    cr_expect(ne(ptr, strstr(heard, part), NULL), "%s, expected %s", heard, part);
}

static void expect_not(const char *heard, const char *part)
{
    cr_expect(eq(ptr, strstr(heard, part), NULL), "%s, not expected %s", heard, part);
}

/* With the stream's fields, and so many messages at most that are not acknowledged. */
static void begin(struct story *story, const char *stream_fields, uint32_t ack_pending_max)
{
    char body[256];
    story_begin(story, NULL);
    (void)snprintf(body, sizeof body, "{\"name\":\"S\",\"subjects\":[\"ev.>\"]%s}", stream_fields);
    expect(story_say(story, "$JS.API.STREAM.CREATE.S", body), "did_create");
    (void)snprintf(body, sizeof body, MADE(PUSH_BY_FLOW ",\"max_ack_pending\":%u"), ack_pending_max);
    expect(story_say(story, CREATE_W, body), "\"name\":\"W\"");
    story_listen(story, "to.me");
}

static void publish(struct story *story, int count)
{
    for (int i = 0; i < count; i++)
        sim_client_publish(story->client, "ev.a", NULL, NULL, RILL_BYTES("x"));
    sim_core_settle(&story->sim);
}

/* What came of the answer to the question of this number. */
static const char *answer(struct story *story, uint32_t question, uint32_t consumer_seq, uint32_t stream_seq)
{
    char subject[64];
    char headers[128];
    (void)snprintf(subject, sizeof subject, "$JS.FC.S.W.%04x", question);
    (void)snprintf(headers, sizeof headers, "Nats-Last-Consumer: %u\r\nNats-Last-Stream: %u", consumer_seq,
                   stream_seq);
    return story_say_with(story, subject, headers, "");
}

static void expect_floor(struct story *story, uint32_t stream_seq, uint32_t ack_pending)
{
    char part[128];
    const char *info = story_say(story, INFO_W, "");
    (void)snprintf(part, sizeof part, "\"stream_seq\":%u", stream_seq);
    cr_assert(ne(ptr, (void *)strstr(info, "\"ack_floor\""), NULL));
    expect(strstr(info, "\"ack_floor\""), part);
    (void)snprintf(part, sizeof part, "\"num_ack_pending\":%u,", ack_pending);
    expect(info, part);
}

// What such a consumer is made of is filled in, or refused with the error of its rule.
Test(consumer_ack_flow, each_rule_has_its_error)
{
    static const struct story_line lines[] = {
        {CREATE_W, MADE(BY_FLOW),
         "\"err_code\":10218,\"description\":\"flow control ack policy requires a push"},
        {CREATE_W,
         "{\"stream_name\":\"S\",\"pedantic\":true,\"config\":{\"durable_name\":\"W\"," PUSH_BY_FLOW "}}",
         "\"err_code\":10219,\"description\":\"flow control ack policy requires flow control\""},
        {CREATE_W,
         "{\"stream_name\":\"S\",\"pedantic\":true,\"config\":{\"durable_name\":\"W\"," PUSH_BY_FLOW
         ",\"flow_control\":true,\"idle_heartbeat\":2000000000}}",
         "\"err_code\":10052,\"description\":\"flow control ack policy heartbeat needs to be 1s\""},
        {CREATE_W, MADE(PUSH_BY_FLOW ",\"max_ack_pending\":-1"), "\"err_code\":10220"},
        {CREATE_W, MADE(PUSH_BY_FLOW ",\"ack_wait\":1000000000"), "\"err_code\":10221"},
        {CREATE_W, MADE(PUSH_BY_FLOW ",\"backoff\":[1000000000]"), "\"err_code\":10221"},
        {CREATE_W, MADE(PUSH_BY_FLOW ",\"max_deliver\":5"), "\"err_code\":10222"},
        {CREATE_W, MADE(PUSH_BY_FLOW ",\"metadata\":{\"rill.dead_letter_subject\":\"dead\"}"),
         "needs ack_policy explicit or all"},
        {CREATE_W, MADE(PUSH_BY_FLOW ",\"idle_heartbeat\":5000000000"), "\"idle_heartbeat\":1000000000"},
        {INFO_W, "", "\"flow_control\":true"},
        {INFO_W, "", "\"max_ack_pending\":1000"},
        {INFO_W, "", "\"max_deliver\":-1"},
        {INFO_W, "", "\"ack_policy\":\"flow_control\""},
        {INFO_W, "", "!\"ack_wait\""},
        {CREATE_W, MADE("\"deliver_subject\":\"to.me\",\"ack_policy\":\"all\""),
         "ack policy can not be updated"},
        {CREATE_W, MADE(PUSH_BY_FLOW ",\"max_ack_pending\":7"), "\"max_ack_pending\":7"},
    };
    static struct story story;
    story_begin(&story, NULL);
    expect(story_say(&story, "$JS.API.STREAM.CREATE.S", "{\"name\":\"S\",\"subjects\":[\"ev.>\"]}"),
           "did_create");
    STORY_TELL(&story, lines);
    story_end(&story);
}

// When max_ack_pending messages are out the receiver is asked; his answer acknowledges all up to what it names, and more comes.
Test(consumer_ack_flow, an_answer_acknowledges)
{
    static struct story story;
    begin(&story, "", 3);
    story.heard_len = 0;
    publish(&story, 5);
    cr_expect(eq(str, story.heard, "(ev.a|x)(ev.a|x)(ev.a|x)" QUESTION));
    expect_floor(&story, 0, 3);
    cr_expect(eq(str, (char *)answer(&story, 1, 2, 2), "(ev.a|x)(ev.a|x)" QUESTION));
    expect_floor(&story, 2, 3);
    cr_expect(eq(str, (char *)answer(&story, 2, 5, 5), ""));
    expect_floor(&story, 5, 0);
    story_end(&story);
}

// While there is nothing more to deliver, a heartbeat asks for what is not acknowledged, and names the question until it is answered.
Test(consumer_ack_flow, a_heartbeat_asks)
{
    static struct story story;
    begin(&story, "", 100);
    publish(&story, 2);
    const char *heard = story_wait(&story, 1100 * RILL_NS_PER_MS);
    cr_expect(eq(str, (char *)heard,
                 "(to.me|NATS/1.0 100 Idle Heartbeat\r\nNats-Last-Consumer: 2\r\nNats-Last-Stream: "
                 "2\r\n\r\n)" QUESTION));
    heard = story_wait(&story, RILL_NS_PER_S);
    expect(heard, "\r\nNats-Consumer-Stalled: $JS.FC.S.W.0001\r\n");
    expect_not(heard, QUESTION);
    cr_expect(eq(str, (char *)answer(&story, 1, 2, 2), ""));
    expect_floor(&story, 2, 0);
    expect_not(story_wait(&story, 5 * RILL_NS_PER_S), QUESTION);
    story_end(&story);
}

// Neither an answer that says nothing acknowledges, as clients give it by themselves, nor one to another question, nor $JS.ACK.
Test(consumer_ack_flow, nothing_else_acknowledges)
{
    static struct story story;
    begin(&story, "", 3);
    publish(&story, 3);
    (void)answer(&story, 7, 3, 3);
    (void)story_say(&story, "$JS.ACK.S.W.1.3.3.1.0", "+ACK");
    (void)story_say(&story, "$JS.ACK.S.W.1.3.3.1.0", "+TERM");
    (void)story_say(&story, "$JS.ACK.S.W.1.3.3.1.0", "-NAK");
    expect_floor(&story, 0, 3);
    (void)story_say(&story, "$JS.FC.S.W.0001", "");
    expect_floor(&story, 0, 3);
    expect(story_wait(&story, 1100 * RILL_NS_PER_MS), QUESTION); // asked anew
    (void)answer(&story, 2, 0, 3);
    expect_floor(&story, 0, 3);
    story_end(&story);
}

// An answer may know of more than the consumer, which forgot deliveries in a crash; it acknowledges no more than was delivered.
Test(consumer_ack_flow, an_answer_ends_at_the_cursor)
{
    static struct story story;
    begin(&story, "", 3);
    publish(&story, 5);
    expect(answer(&story, 1, 99, 99), "(ev.a|x)(ev.a|x)");
    expect_floor(&story, 3, 2);
    story_end(&story);
}

// Nothing comes again by itself; when the receiver goes and another one comes, and after a restart, all that he had does, in its order.
Test(consumer_ack_flow, another_receiver_gets_what_is_outstanding)
{
    static struct story story;
    begin(&story, "", 3);
    publish(&story, 5);
    expect_not(story_wait(&story, 1000 * RILL_NS_PER_S), "(ev.a|");
    sim_client_sendf(story.client, "UNSUB 3\r\n");
    sim_core_settle(&story.sim);
    story.heard_len = 0;
    story_listen(&story, "to.me");
    cr_expect(eq(str, story.heard, "(ev.a|x)(ev.a|x)(ev.a|x)" QUESTION));
    expect(story_say(&story, INFO_W, ""), "\"num_redelivered\":3,");
    story_restart(&story);
    story.heard_len = 0;
    story_listen(&story, "to.me");
    cr_expect(eq(str, story.heard, "(ev.a|x)(ev.a|x)(ev.a|x)" QUESTION));
    expect(answer(&story, 1, 9, 3), "(ev.a|x)(ev.a|x)");
    expect_floor(&story, 3, 2);
    story_end(&story);
}

// A change of the configuration makes no other receiver of the one who listens.
Test(consumer_ack_flow, a_change_brings_nothing_again)
{
    static struct story story;
    begin(&story, "", 3);
    publish(&story, 2);
    expect_not(story_say(&story, CREATE_W, MADE(PUSH_BY_FLOW ",\"max_ack_pending\":9")), "(ev.a|");
    expect_not(story_wait(&story, 900 * RILL_NS_PER_MS), "(ev.a|");
    expect(story_say(&story, INFO_W, ""), "\"num_redelivered\":0,");
    story_end(&story);
}

// Who listens under the new name is another receiver.
Test(consumer_ack_flow, another_deliver_subject_gets_what_is_outstanding)
{
    static struct story story;
    begin(&story, "", 3);
    publish(&story, 2);
    sim_client_sendf(story.client, "UNSUB 3\r\n");
    sim_core_settle(&story.sim);
    story_listen(&story, "to.you");
    story.heard_len = 0;
    expect(story_say(&story, CREATE_W, MADE(BY_FLOW ",\"deliver_subject\":\"to.you\",\"max_ack_pending\":3")),
           "(ev.a|x)(ev.a|x)");
    expect(story_say(&story, INFO_W, ""), "\"num_redelivered\":2,");
    story_end(&story);
}

// After a reset all that was not acknowledged comes under consumer sequences from 1 on, and answers to older questions are void.
Test(consumer_ack_flow, a_reset_begins_anew)
{
    static struct story story;
    begin(&story, "", 3);
    publish(&story, 3);
    const char *heard = story_say(&story, RESET_W, "");
    expect(heard, "\"reset_seq\":1})(ev.a|x)(ev.a|x)(ev.a|x)" QUESTION); // only when it was answered
    expect(heard, "\"delivered\":{\"consumer_seq\":0,\"stream_seq\":0}");
    (void)answer(&story, 1, 3, 3);
    expect_floor(&story, 0, 3);
    expect(story_say(&story, INFO_W, ""), "\"delivered\":{\"consumer_seq\":3,\"stream_seq\":3");
    (void)answer(&story, 2, 3, 3);
    expect_floor(&story, 3, 0);
    story_end(&story);
}

// On a work queue what an answer acknowledges is gone from the stream.
Test(consumer_ack_flow, an_answer_empties_a_work_queue)
{
    static struct story story;
    begin(&story, ",\"retention\":\"workqueue\"", 3);
    publish(&story, 3);
    (void)answer(&story, 1, 2, 2);
    (void)story_wait(&story, 100 * RILL_NS_PER_MS);
    expect(story_say(&story, "$JS.API.STREAM.INFO.S", ""), "\"messages\":1,");
    story_restart(&story);
    expect_floor(&story, 2, 1);
    story_end(&story);
}
