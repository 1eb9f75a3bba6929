// SPDX-License-Identifier: Apache-2.0
//
// Acknowledgements through the wire, in stories: what each kind does, when it is answered, and who hears of it.
#include "consumer_story.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

#define INFO "$JS.API.CONSUMER.INFO.S.W"

static const char *ack(struct story *story, int sequence, const char *body)
{
    char subject[64];
    (void)snprintf(subject, sizeof subject, "$JS.ACK.S.W.1.%d.%d.1.0", sequence, sequence);
    return story_say(story, subject, body);
}

static void publish_and_pull(struct story *story, int count)
{
    char batch[16];
    for (int i = 0; i < count; i++)
        (void)story_say(story, "ev.a", "x");
    (void)snprintf(batch, sizeof batch, "%d", count);
    (void)story_pull(story, batch);
}

// A refused message comes again at once, or after the delay that was asked for, and an advisory tells of it.
Test(consumer_ack, a_nak_brings_it_again)
{
    static struct story story;
    consumer_story_begin(&story, "\"ack_policy\":\"explicit\"");
    story_listen(&story, "$JS.EVENT.ADVISORY.CONSUMER.MSG_NAKED.S.W");
    publish_and_pull(&story, 1);
    (void)story_pull(&story, "{\"batch\":9,\"expires\":100000000000}");
    const char *heard = ack(&story, 1, "-NAK");
    cr_expect(ne(ptr, strstr(heard, "(ev.a|x)"), NULL), "%s", heard);
    cr_expect(ne(ptr, strstr(heard, "advisory.v1.nak\""), NULL), "%s", heard);
    cr_expect(ne(ptr, strstr(heard, "\"consumer_seq\":1,\"stream_seq\":1,\"deliveries\":1}"), NULL), "%s",
              heard);
    cr_expect(eq(ptr, strstr(ack(&story, 1, "-NAK {\"delay\":2000000000}"), "(ev.a|x)"), NULL));
    cr_expect(eq(str, (char *)story_wait(&story, 1900 * RILL_NS_PER_MS), ""));
    cr_expect(eq(str, (char *)story_wait(&story, 200 * RILL_NS_PER_MS), "(ev.a|x)"));
    cr_expect(eq(ptr, strstr(ack(&story, 1, "-NAK 3s"), "(ev.a|x)"), NULL));
    cr_expect(eq(str, (char *)story_wait(&story, 2900 * RILL_NS_PER_MS), ""));
    cr_expect(eq(str, (char *)story_wait(&story, 200 * RILL_NS_PER_MS), "(ev.a|x)"));
    story_end(&story);
}

// A message in work is not delivered again as long as that is said.
Test(consumer_ack, progress_puts_redelivery_off)
{
    static struct story story;
    consumer_story_begin(&story, "\"ack_policy\":\"explicit\",\"ack_wait\":1000000000");
    publish_and_pull(&story, 1);
    (void)story_pull(&story, "{\"batch\":9,\"expires\":100000000000}");
    for (int i = 0; i < 3; i++) {
        cr_expect(eq(str, (char *)story_wait(&story, 800 * RILL_NS_PER_MS), ""));
        cr_expect(eq(str, (char *)ack(&story, 1, "+WPI"), "(in|)"));
    }
    cr_expect(eq(str, (char *)story_wait(&story, 1100 * RILL_NS_PER_MS), "(ev.a|x)"));
    story_end(&story);
}

// A terminated message never comes again; the advisory has the reason.
Test(consumer_ack, a_terminated_message_is_done)
{
    static struct story story;
    consumer_story_begin(&story, "\"ack_policy\":\"explicit\",\"ack_wait\":1000000000");
    story_listen(&story, "$JS.EVENT.ADVISORY.CONSUMER.*.S.W");
    publish_and_pull(&story, 1);
    const char *heard = ack(&story, 1, "+TERM cannot be read");
    cr_expect(ne(ptr,
                 strstr(heard, "CONSUMER.MSG_TERMINATED.S.W|{\"type\":\"io.nats.jetstream.advisory.v1."
                               "terminated\",\"id\":\""),
                 NULL),
              "%s", heard);
    cr_expect(ne(ptr, strstr(heard, "\"reason\":\"cannot be read\""), NULL), "%s", heard);
    cr_expect(ne(ptr, strstr(heard, "(in|)"), NULL), "it is answered");
    (void)story_pull(&story, "{\"batch\":9,\"expires\":5000000000}");
    cr_expect(eq(ptr, strstr(story_wait(&story, 3 * RILL_NS_PER_S), "(ev.a|"), NULL));
    cr_expect(ne(ptr, strstr(story_say(&story, INFO, ""), "\"num_ack_pending\":0"), NULL));
    story_end(&story);
}

// After max_deliver deliveries a message is passed over, once and with an advisory.
Test(consumer_ack, a_message_is_delivered_max_deliver_times)
{
    static struct story story;
    consumer_story_begin(&story, "\"ack_policy\":\"explicit\",\"ack_wait\":1000000000,\"max_deliver\":3");
    story_listen(&story, "$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.S.W");
    publish_and_pull(&story, 1);
    (void)story_pull(&story, "{\"batch\":9,\"expires\":100000000000}");
    cr_expect(eq(str, (char *)story_wait(&story, 1100 * RILL_NS_PER_MS), "(ev.a|x)"));
    cr_expect(eq(str, (char *)story_wait(&story, 1100 * RILL_NS_PER_MS), "(ev.a|x)"));
    const char *heard = story_wait(&story, 1100 * RILL_NS_PER_MS);
    cr_expect(ne(ptr, strstr(heard, "advisory.v1.max_deliver\""), NULL), "%s", heard);
    cr_expect(ne(ptr, strstr(heard, "\"stream_seq\":1,\"deliveries\":3}"), NULL), "%s", heard);
    cr_expect(eq(str, (char *)story_wait(&story, 10 * RILL_NS_PER_S), ""));
    story_end(&story);
}

// With a backoff the waits between deliveries are those of the list.
Test(consumer_ack, a_backoff_is_kept)
{
    static struct story story;
    consumer_story_begin(&story,
                         "\"ack_policy\":\"explicit\",\"max_deliver\":5,\"backoff\":[1000000000,3000000000]");
    cr_expect(ne(ptr, strstr(story_say(&story, INFO, ""), "\"ack_wait\":1000000000"), NULL));
    publish_and_pull(&story, 1);
    (void)story_pull(&story, "{\"batch\":9,\"expires\":100000000000}");
    cr_expect(eq(str, (char *)story_wait(&story, 1100 * RILL_NS_PER_MS), "(ev.a|x)"));
    cr_expect(eq(str, (char *)story_wait(&story, 2800 * RILL_NS_PER_MS), ""));
    cr_expect(eq(str, (char *)story_wait(&story, 200 * RILL_NS_PER_MS), "(ev.a|x)"));
    cr_expect(eq(str, (char *)story_wait(&story, 2800 * RILL_NS_PER_MS), ""));
    cr_expect(eq(str, (char *)story_wait(&story, 200 * RILL_NS_PER_MS), "(ev.a|x)"));
    story_end(&story);
}

// +NXT acknowledges and asks for more, in all forms of a request.
Test(consumer_ack, an_acknowledgement_may_ask_for_more)
{
    static const struct {
        const char *body;
        const char *heard;
    } table[] = {
        {"+NXT", "(in|2)"},
        {"+NXT 2", "(in|3)(in|4)"},
        {"+NXT {\"batch\":1}", "(in|5)"},
        {"+NXT {\"no_wait\":true,\"batch\":2}", "(in|6)(in|NATS/1.0 408"},
    };
    static struct story story;
    char payload[2] = "1";
    consumer_story_begin(&story, "\"ack_policy\":\"explicit\"");
    for (; payload[0] <= '6'; payload[0]++)
        (void)story_say(&story, "ev.a", payload);
    (void)story_pull(&story, "1");
    int acked = 0;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        char expected[128];
        size_t len = 0;
        // Deliveries keep their own subject.
        for (const char *at = table[i].heard; *at; at++) {
            if (strncmp(at, "(in|", 4) == 0 && at[4] != 'N') {
                len += (size_t)snprintf(expected + len, sizeof expected - len, "(ev.a|");
                at += 3;
            } else {
                expected[len++] = *at;
            }
        }
        expected[len] = 0;
        const char *heard = ack(&story, ++acked, table[i].body);
        cr_expect(ne(ptr, strstr(heard, expected), NULL), "%s -> %s", table[i].body, heard);
    }
    cr_expect(ne(ptr,
                 strstr(story_say(&story, INFO, ""), "\"ack_floor\":{\"consumer_seq\":4,\"stream_seq\":4"),
                 NULL));
    story_end(&story);
}

// With ack_policy all one acknowledgement ends everything before it.
Test(consumer_ack, one_may_be_for_all)
{
    static struct story story;
    consumer_story_begin(&story, "\"ack_policy\":\"all\"");
    publish_and_pull(&story, 5);
    cr_expect(eq(str, (char *)ack(&story, 4, "+ACK"), "(in|)"));
    const char *heard = story_say(&story, INFO, "");
    cr_expect(ne(ptr, strstr(heard, "\"num_ack_pending\":1,"), NULL), "%s", heard);
    cr_expect(ne(ptr, strstr(heard, "\"ack_floor\":{\"consumer_seq\":4,\"stream_seq\":4"), NULL), "%s",
              heard);
    story_end(&story);
}

// With ack_policy none what was delivered is done, also over a restart.
Test(consumer_ack, without_acknowledgements_a_delivery_is_the_end)
{
    static struct story story;
    consumer_story_begin(&story, "\"ack_policy\":\"none\"");
    publish_and_pull(&story, 3);
    story_restart(&story);
    const char *heard = story_say(&story, INFO, "");
    cr_expect(ne(ptr, strstr(heard, "\"num_ack_pending\":0,"), NULL), "%s", heard);
    cr_expect(ne(ptr, strstr(heard, "\"ack_floor\":{\"consumer_seq\":3,\"stream_seq\":3"), NULL), "%s",
              heard);
    cr_expect(
        eq(str, (char *)story_pull(&story, "{\"no_wait\":true}"), "(pull|NATS/1.0 404 No Messages\r\n\r\n)"));
    story_end(&story);
}

// Not more than max_ack_pending are out; an acknowledgement lets the next one go.
Test(consumer_ack, max_ack_pending_holds_deliveries_back)
{
    static struct story story;
    consumer_story_begin(&story, "\"ack_policy\":\"explicit\",\"max_ack_pending\":2");
    publish_and_pull(&story, 5);
    cr_expect(ne(ptr, strstr(story_say(&story, INFO, ""), "\"num_ack_pending\":2,"), NULL));
    cr_expect(eq(str, (char *)ack(&story, 1, ""), "(ev.a|x)(in|)"));
    story_end(&story);
}

// Both forms of the reply subject are understood.
Test(consumer_ack, both_forms_of_the_subject_are_read)
{
    static struct story story;
    consumer_story_begin(&story, "\"ack_policy\":\"explicit\"");
    publish_and_pull(&story, 1);
    cr_expect(eq(str, (char *)story_say(&story, "$JS.ACK._.ABCDEF.S.W.1.1.1.1.0", ""), "(in|)"));
    cr_expect(ne(ptr, strstr(story_say(&story, INFO, ""), "\"num_ack_pending\":0,"), NULL));
    story_end(&story);
}

// A sample of the acknowledgements is measured.
Test(consumer_ack, sampled_acknowledgements_are_measured)
{
    static struct story story;
    consumer_story_begin(&story, "\"ack_policy\":\"explicit\",\"sample_freq\":\"100%\"");
    story_listen(&story, "$JS.EVENT.METRIC.CONSUMER.ACK.S.W");
    publish_and_pull(&story, 1);
    (void)story_wait(&story, 250 * RILL_NS_PER_MS);
    const char *heard = ack(&story, 1, "");
    cr_expect(ne(ptr, strstr(heard, "metric.v1.consumer_ack\""), NULL), "%s", heard);
    cr_expect(
        ne(ptr, strstr(heard, "\"consumer_seq\":1,\"stream_seq\":1,\"ack_time\":250000000,\"deliveries\":1}"),
           NULL),
        "%s", heard);
    story_end(&story);
}
