// SPDX-License-Identifier: Apache-2.0
//
// What Rill's consumers have besides: order by subject, and dead letters; both switched on by metadata.
#include "consumer_story.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

#define INFO        "$JS.API.CONSUMER.INFO.S.W"
#define PER_SUBJECT "\"ack_policy\":\"explicit\",\"metadata\":{\"rill.max_ack_pending_per_subject\":\"1\"}"
#define DEAD_LETTER "\"metadata\":{\"rill.dead_letter_subject\":\"dead.W\"}"

static const char *ack(struct story *story, int sequence, const char *body)
{
    char subject[64];
    (void)snprintf(subject, sizeof subject, "$JS.ACK.S.W.1.%d.%d.1.0", sequence, sequence);
    return story_say(story, subject, body);
}

// Of each subject one message is out; other subjects go on, and what waits comes in its order.
Test(consumer_extras, subjects_keep_their_order)
{
    static struct story story;
    consumer_story_begin(&story, PER_SUBJECT);
    (void)story_say(&story, "ev.a", "a1");
    (void)story_say(&story, "ev.a", "a2");
    (void)story_say(&story, "ev.b", "b1");
    (void)story_say(&story, "ev.a", "a3");
    cr_expect(
        eq(str, (char *)story_pull(&story, "{\"batch\":9,\"expires\":60000000000}"), "(ev.a|a1)(ev.b|b1)"));
    cr_expect(ne(ptr, strstr(story_say(&story, INFO, ""), "\"num_ack_pending\":2,"), NULL));
    cr_expect(eq(str, (char *)ack(&story, 3, ""), "(in|)"), "nothing waits for b");
    cr_expect(eq(str, (char *)ack(&story, 1, ""), "(ev.a|a2)(in|)"));
    cr_expect(ne(ptr, strstr(ack(&story, 2, "-NAK"), "(ev.a|a2)"), NULL), "not a3");
    cr_expect(eq(str, (char *)ack(&story, 2, ""), "(ev.a|a3)(in|)"));
    story_end(&story);
}

// What waits for its turn is not forgotten by a restart.
Test(consumer_extras, subjects_keep_their_order_over_a_restart)
{
    static struct story story;
    consumer_story_begin(&story, PER_SUBJECT);
    (void)story_say(&story, "ev.a", "a1");
    (void)story_say(&story, "ev.a", "a2");
    (void)story_say(&story, "ev.b", "b1");
    cr_expect(
        eq(str, (char *)story_pull(&story, "{\"batch\":9,\"expires\":1000000000}"), "(ev.a|a1)(ev.b|b1)"));
    (void)story_wait(&story, RILL_NS_PER_S);
    story_restart(&story);
    cr_expect(ne(ptr, strstr(story_say(&story, INFO, ""), "\"num_ack_pending\":2,"), NULL));
    (void)story_say(&story, "ev.a", "a3");
    cr_expect(eq(str, (char *)story_pull(&story, "{\"batch\":9,\"expires\":60000000000}"), ""));
    cr_expect(eq(str, (char *)ack(&story, 1, ""), "(ev.a|a2)(in|)"));
    cr_expect(eq(str, (char *)ack(&story, 2, ""), "(ev.a|a3)(in|)"));
    story_end(&story);
}

static const struct story_line dead_stream = {"$JS.API.STREAM.CREATE.DEAD",
                                              "{\"name\":\"DEAD\",\"subjects\":[\"dead.>\"]}", "did_create"};
static const struct story_line read_dead = {"$JS.API.STREAM.MSG.GET.DEAD", "{\"seq\":1}",
                                            "\"subject\":\"dead.W\""};
static const struct story_line dead_info = {"$JS.API.STREAM.INFO.DEAD", "", "\"messages\":1,"};

// A message that was delivered too often is stored as a dead letter, once, and then it is done.
Test(consumer_extras, a_message_given_up_becomes_a_dead_letter)
{
    static struct story story;
    consumer_story_begin(
        &story, "\"ack_policy\":\"explicit\",\"ack_wait\":1000000000,\"max_deliver\":2," DEAD_LETTER);
    story_tell(&story, &dead_stream, 1);
    story_listen(&story, "dead.W");
    (void)story_say_with(&story, "ev.a", "Color: red", "poison");
    (void)story_pull(&story, "{\"batch\":9,\"expires\":60000000000}");
    (void)story_wait(&story, 1100 * RILL_NS_PER_MS);
    const char *heard = story_wait(&story, 1100 * RILL_NS_PER_MS);
    cr_expect(ne(ptr,
                 strstr(heard,
                        "(dead.W|NATS/1.0\r\nColor: red\r\nNats-Msg-Id: rill-dead-S-1-1\r\nRill-Stream: "
                        "S\r\nRill-Consumer: W\r\nRill-Subject: ev.a\r\nRill-Sequence: 1\r\nRill-Deliveries: "
                        "2\r\nRill-Reason: max_deliver\r\n\r\npoison)"),
                 NULL),
              "%s", heard);
    story_tell(&story, &read_dead, 1);
    cr_expect(ne(ptr, strstr(story_say(&story, INFO, ""), "\"num_ack_pending\":0,"), NULL));
    (void)story_wait(&story, 30 * RILL_NS_PER_S);
    story_tell(&story, &dead_info, 1);
    story_end(&story);
}

// As long as nobody stores it a message that is given up is not lost, whatever happens; it is not delivered either.
Test(consumer_extras, a_dead_letter_waits_for_its_stream)
{
    static struct story story;
    consumer_story_begin(&story, "\"ack_policy\":\"explicit\",\"ack_wait\":1000000000," DEAD_LETTER);
    (void)story_say(&story, "ev.a", "poison");
    (void)story_pull(&story, "{\"batch\":1}");
    (void)ack(&story, 1, "+TERM");
    cr_expect(ne(ptr, strstr(story_say(&story, INFO, ""), "\"num_ack_pending\":1,"), NULL));
    story_restart(&story);
    (void)story_pull(&story, "{\"batch\":1,\"expires\":60000000000}");
    cr_expect(eq(ptr, strstr(story_wait(&story, 10 * RILL_NS_PER_S), "(ev.a|"), NULL));
    story_tell(&story, &dead_stream, 1);
    (void)story_wait(&story, 10 * RILL_NS_PER_S);
    story_tell(&story, &read_dead, 1);
    cr_expect(ne(ptr, strstr(story_say(&story, INFO, ""), "\"num_ack_pending\":0,"), NULL));
    story_tell(&story, &dead_info, 1);
    story_end(&story);
}

// The consumer's own stream may keep the letters, where the consumer does not get them again.
Test(consumer_extras, a_stream_may_keep_its_dead_letters)
{
    static const struct story_line lines[] = {
        {"$JS.API.STREAM.UPDATE.S", "{\"name\":\"S\",\"subjects\":[\"ev.>\",\"dead.>\"]}",
         "\"dead.\\u003e\""},
        {"$JS.API.CONSUMER.CREATE.S.V",
         "{\"stream_name\":\"S\",\"config\":{\"durable_name\":\"V\",\"ack_policy\":\"explicit\"," DEAD_LETTER
         ",\"filter_subject\":\"ev.>\"}}",
         "\"num_pending\":0"},
        {"ev.a", "poison", "\"seq\":1"},
        {"$JS.API.CONSUMER.MSG.NEXT.S.V", "1", "(ev.a|poison)"},
        {"$JS.ACK.S.V.1.1.1.1.0", "+TERM", "(in|)"},
        {"$JS.API.STREAM.MSG.GET.S", "{\"seq\":2}", "\"subject\":\"dead.W\""},
        {"$JS.API.CONSUMER.INFO.S.V", "", "\"num_ack_pending\":0,"},
        {"$JS.API.STREAM.INFO.S", "", "\"messages\":2,"},
    };
    static struct story story;
    consumer_story_begin(&story, "\"ack_policy\":\"none\"");
    STORY_TELL(&story, lines);
    story_end(&story);
}

// A letter of a message that somebody terminated has his words; no word of his makes a header of its own.
Test(consumer_extras, a_dead_letter_says_why_it_was_terminated)
{
    static const struct {
        const char *ack, *header;
    } cases[] = {
        {"+TERM no such customer",
         "\r\nRill-Reason: terminated\r\nRill-Term-Reason: no such customer\r\n\r\n"},
        {"+TERM", "\r\nRill-Reason: terminated\r\n\r\n"},
        {"+TERM bad\r\nNats-Rollup: all", "\r\nRill-Term-Reason: bad\r\n\r\n"},
    };
    static struct story story;
    consumer_story_begin(&story, "\"ack_policy\":\"explicit\"," DEAD_LETTER);
    story_tell(&story, &dead_stream, 1);
    story_listen(&story, "dead.W");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        (void)story_say(&story, "ev.a", "poison");
        (void)story_pull(&story, "{\"batch\":1}");
        const char *heard = ack(&story, i + 1, cases[i].ack);
        cr_expect(ne(ptr, strstr(heard, cases[i].header), NULL), "%s: %s", cases[i].ack, heard);
    }
    story_end(&story);
}

// What cannot work is refused.
Test(consumer_extras, faults_are_told)
{
#define MADE(config) "{\"stream_name\":\"S\",\"config\":{\"durable_name\":\"V\"," config "}}"
    static const struct story_line lines[] = {
        {"$JS.API.CONSUMER.CREATE.S.V", MADE("\"metadata\":{\"rill.max_ack_pending_per_subject\":\"1\"}"),
         "needs ack_policy explicit"},
        {"$JS.API.CONSUMER.CREATE.S.V",
         MADE("\"ack_policy\":\"explicit\",\"metadata\":{\"rill.max_ack_pending_per_subject\":\"none\"}"),
         "is not a number from 1 to 500000"},
        {"$JS.API.CONSUMER.CREATE.S.V",
         MADE("\"ack_policy\":\"explicit\",\"metadata\":{\"rill.dead_letter_subject\":\"a.*\"}"),
         "is not a subject without wildcards"},
        {"$JS.API.CONSUMER.CREATE.S.V",
         MADE("\"ack_policy\":\"explicit\",\"metadata\":{\"rill.dead_letter_subject\":\"ev.dead\"}"),
         "is a subject that the consumer itself gets"},
        {"$JS.API.STREAM.CREATE.T",
         "{\"name\":\"T\",\"subjects\":[\"t.>\"],\"subject_transform\":{\"src\":\"t.dead\",\"dest\":\"t."
         "live\"}}",
         "did_create"},
        {"$JS.API.CONSUMER.CREATE.T.V",
         "{\"stream_name\":\"T\",\"config\":{\"durable_name\":\"V\",\"filter_subject\":\"t.live\",\"ack_"
         "policy\":\"explicit\","
         "\"metadata\":{\"rill.dead_letter_subject\":\"t.dead\"}}}",
         "which stores it under another one"},
        {"$JS.API.CONSUMER.CREATE.S.W",
         "{\"stream_name\":\"S\",\"config\":{\"durable_name\":\"W\",\"ack_policy\":\"explicit\"}}",
         "rill.max_ack_pending_per_subject can not be updated"},
    };
    static struct story story;
    consumer_story_begin(&story, PER_SUBJECT);
    STORY_TELL(&story, lines);
    story_end(&story);
}
