// SPDX-License-Identifier: Apache-2.0
//
// Push consumers through the wire, in stories.
#include "consumer_story.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

#define INFO "$JS.API.CONSUMER.INFO.S.W"

// Messages go to the deliver subject as soon as somebody listens there, and wait while nobody does.
Test(consumer_push, messages_wait_for_a_listener)
{
    static struct story story;
    consumer_story_begin(&story, "\"ack_policy\":\"explicit\",\"deliver_subject\":\"to.me\"");
    cr_expect(eq(ptr, strstr(story_say(&story, "ev.a", "x"), "(ev.a|"), NULL));
    cr_expect(eq(ptr, strstr(story_say(&story, INFO, ""), "push_bound"), NULL));
    cr_expect(ne(ptr, strstr(story_pull(&story, "1"), "409 Consumer is push based"), NULL));
    story.heard_len = 0;
    story_listen(&story, "to.*");
    cr_expect(eq(str, story.heard, "(ev.a|x)"));
    cr_expect(ne(ptr, strstr(story_say(&story, "ev.a", "y"), "(ev.a|y)"), NULL));
    cr_expect(ne(ptr, strstr(story_say(&story, INFO, ""), "\"push_bound\":true"), NULL));
    cr_expect(eq(str, (char *)story_say(&story, "$JS.ACK.S.W.1.1.1.1.0", ""), "(in|)"));
    sim_client_sendf(story.client, "UNSUB 3\r\n");
    cr_expect(eq(ptr, strstr(story_say(&story, "ev.a", "z"), "(ev.a|"), NULL));
    cr_expect(eq(ptr, strstr(story_say(&story, INFO, ""), "push_bound"), NULL));
    story_end(&story);
}

// Only members of its group make a consumer with a deliver group deliver, and one of them gets each message.
Test(consumer_push, a_deliver_group_shares_messages)
{
    static struct story story;
    consumer_story_begin(
        &story, "\"ack_policy\":\"explicit\",\"deliver_subject\":\"to.me\",\"deliver_group\":\"workers\"");
    (void)story_say(&story, "ev.a", "x");
    story.heard_len = 0;
    sim_client_sendf(story.client, "SUB to.me others 10\r\n");
    sim_core_settle(&story.sim);
    cr_expect(eq(sz, story.heard_len, 0));
    sim_client_sendf(story.client, "SUB to.me workers 11\r\nSUB to.me workers 12\r\nUNSUB 10\r\n");
    sim_core_settle(&story.sim);
    cr_expect(ne(ptr, strstr(story_say(&story, "ev.a", "y"), "(ev.a|y)"), NULL));
    cr_expect(eq(ptr, strstr(story.heard, "(ev.a|y)(ev.a|y)"), NULL));
    story_end(&story);
}

// A silent consumer says that it is alive.
Test(consumer_push, a_silent_consumer_sends_heartbeats)
{
    static struct story story;
    consumer_story_begin(
        &story, "\"ack_policy\":\"none\",\"deliver_subject\":\"to.me\",\"idle_heartbeat\":500000000");
    story_listen(&story, "to.me");
    (void)story_say(&story, "ev.a", "x");
    cr_expect(eq(str, (char *)story_wait(&story, 400 * RILL_NS_PER_MS), ""));
    cr_expect(
        eq(str, (char *)story_wait(&story, 200 * RILL_NS_PER_MS),
           "(to.me|NATS/1.0 100 Idle Heartbeat\r\nNats-Last-Consumer: 1\r\nNats-Last-Stream: 1\r\n\r\n)"));
    cr_expect(
        eq(str, (char *)story_wait(&story, 500 * RILL_NS_PER_MS),
           "(to.me|NATS/1.0 100 Idle Heartbeat\r\nNats-Last-Consumer: 1\r\nNats-Last-Stream: 1\r\n\r\n)"));
    story_end(&story);
}

static uint32_t count_of(const char *text, const char *part)
{
    uint32_t count = 0;
    for (; (text = strstr(text, part)); text += strlen(part))
        count++;
    return count;
}

static void publish_large(struct story *story, int count)
{
    static char payload[4096 + 1];
    memset(payload, 'x', sizeof payload - 1);
    for (int i = 0; i < count; i++)
        sim_client_publish(story->client, "ev.a", NULL, NULL, rill_bytes_from_cstr(payload));
    sim_core_settle(&story->sim);
}

/* Listens at the deliver subject and remembers what it is asked. */
struct receiver {
    uint32_t messages;
    uint32_t questions;
    char question[128]; // the last one
};

static void on_receiver(void *context, struct sim_client *client, const struct rill_command *command)
{
    struct receiver *receiver = context;
    if (command->op != RILL_OP_MSG && command->op != RILL_OP_HMSG)
        return;
    if (rill_bytes_equal(command->subject, RILL_BYTES("ev.a"))) {
        receiver->messages++;
        return;
    }
    cr_expect(rill_bytes_has_prefix(command->headers, RILL_BYTES("NATS/1.0 100 FlowControl Request\r\n")));
    receiver->questions++;
    (void)snprintf(receiver->question, sizeof receiver->question, RILL_PRI, RILL_ARG(command->reply));
}

// With flow control not more than the window is on the way; the answer to the question lets the rest go.
Test(consumer_push, flow_control_waits_for_the_receiver)
{
    static struct story story;
    struct receiver receiver = {0};
    consumer_story_begin(&story,
                         "\"ack_policy\":\"none\",\"deliver_subject\":\"to.me\",\"flow_control\":true,"
                         "\"idle_heartbeat\":60000000000");
    for (int i = 0; i < 10; i++)
        publish_large(&story, 60); // 2.4 MiB in all, more than the first window
    struct sim_client *client = sim_client_open(&story.sim, on_receiver, &receiver);
    sim_client_sendf(client, "CONNECT {\"headers\":true}\r\nSUB to.me 1\r\n");
    sim_core_settle(&story.sim);
    cr_expect(gt(u32, receiver.messages, 450));
    cr_expect(lt(u32, receiver.messages, 550));
    cr_expect(eq(u32, receiver.questions, 1));
    cr_expect(eq(ptr, (void *)strstr(story_say(&story, INFO, ""), "\"num_pending\":0}"), NULL));
    sim_client_publish(client, receiver.question, NULL, NULL, RILL_BYTES(""));
    sim_core_settle(&story.sim);
    cr_expect(eq(u32, receiver.messages, 600));
    story_end(&story);
}

// A consumer sends no faster than its rate.
Test(consumer_push, a_rate_limit_is_kept)
{
    static struct story story;
    consumer_story_begin(&story,
                         "\"ack_policy\":\"none\",\"deliver_subject\":\"to.me\",\"rate_limit_bps\":32768");
    publish_large(&story, 3); // a second each, and a little for what stands around a payload
    story.heard_len = 0;
    story_listen(&story, "to.me");
    cr_expect(eq(u32, count_of(story.heard, "(ev.a|"), 1));
    cr_expect(eq(u32, count_of(story_wait(&story, 900 * RILL_NS_PER_MS), "(ev.a|"), 0));
    cr_expect(eq(u32, count_of(story_wait(&story, 200 * RILL_NS_PER_MS), "(ev.a|"), 1));
    cr_expect(eq(u32, count_of(story_wait(&story, 1100 * RILL_NS_PER_MS), "(ev.a|"), 1));
    story_end(&story);
}

// A replay keeps the time between messages.
Test(consumer_push, a_replay_keeps_the_gaps)
{
    static struct story story;
    consumer_story_begin(
        &story, "\"ack_policy\":\"none\",\"deliver_subject\":\"to.me\",\"replay_policy\":\"original\"");
    (void)story_say(&story, "ev.a", "1");
    (void)story_wait(&story, 3 * RILL_NS_PER_S);
    (void)story_say(&story, "ev.a", "2");
    (void)story_wait(&story, 2 * RILL_NS_PER_S);
    (void)story_say(&story, "ev.a", "3");
    (void)story_wait(&story, 100 * RILL_NS_PER_S);
    story.heard_len = 0;
    story_listen(&story, "to.me");
    cr_expect(eq(str, story.heard, "(ev.a|1)"));
    cr_expect(eq(str, (char *)story_wait(&story, 2900 * RILL_NS_PER_MS), ""));
    cr_expect(eq(str, (char *)story_wait(&story, 200 * RILL_NS_PER_MS), "(ev.a|2)"));
    cr_expect(eq(str, (char *)story_wait(&story, 1800 * RILL_NS_PER_MS), ""));
    cr_expect(eq(str, (char *)story_wait(&story, 200 * RILL_NS_PER_MS), "(ev.a|3)"));
    story_end(&story);
}

// Only the headers go out, with the size of what is left away.
Test(consumer_push, headers_only_leaves_the_payload_away)
{
    static struct story story;
    consumer_story_begin(&story,
                         "\"ack_policy\":\"none\",\"deliver_subject\":\"to.me\",\"headers_only\":true");
    story_listen(&story, "to.me");
    cr_expect(ne(ptr,
                 strstr(story_say(&story, "ev.a", "12345"), "(ev.a|NATS/1.0\r\nNats-Msg-Size: 5\r\n\r\n)"),
                 NULL));
    cr_expect(ne(ptr,
                 strstr(story_say_with(&story, "ev.a", "Color: red", "123"),
                        "(ev.a|NATS/1.0\r\nColor: red\r\nNats-Msg-Size: 3\r\n\r\n)"),
                 NULL));
    story_end(&story);
}

// One that nobody uses for its threshold goes, whoever made it; while somebody listens it stays.
Test(consumer_push, an_unused_consumer_goes)
{
    static struct story story;
    consumer_story_begin(&story, "\"ack_policy\":\"none\",\"deliver_subject\":\"to.me\","
                                 "\"inactive_threshold\":3000000000");
    story_listen(&story, "$JS.EVENT.ADVISORY.CONSUMER.DELETED.S.W");
    story_listen(&story, "to.me");
    (void)story_wait(&story, 10 * RILL_NS_PER_S);
    cr_expect(ne(ptr, strstr(story_say(&story, INFO, ""), "\"push_bound\":true"), NULL));
    sim_client_sendf(story.client, "UNSUB 4\r\n");
    (void)story_wait(&story, 2900 * RILL_NS_PER_MS);
    cr_expect(ne(ptr, strstr(story_say(&story, INFO, ""), "\"name\":\"W\""), NULL));
    cr_expect(ne(ptr, strstr(story_wait(&story, 200 * RILL_NS_PER_MS), "\"action\":\"delete\""), NULL));
    cr_expect(ne(ptr, strstr(story_say(&story, INFO, ""), "10014"), NULL));
    story_end(&story);
}
