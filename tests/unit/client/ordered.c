// SPDX-License-Identifier: Apache-2.0
//
// The ordered reader against a server that leaves messages out, doubles them, or goes back: what is shown has each message
// once and in order, for the consumer is made anew behind the last one that was shown.
#include "stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TestSuite(client_ordered, .timeout = 60);

enum { LINE_BYTES = 2 * FAKE_WORD_BYTES };

/* A message of a consumer; the text of message n is "n". 0: one that does not say which it is. */
struct place {
    uint64_t stream_seq, consumer_seq;
};

/* The consumer that the reader has made last, and the subscription to which its messages go. */
struct consumer {
    char name[FAKE_WORD_BYTES];
    char sid[24];
};

static void *open_reader(void *context)
{
    struct stage_call *call = context;
    call->err = rill_ordered_open(call->stage->js, "S", NULL, call->context, &call->error);
    return NULL;
}

/* A number in the text of the next message; 0 when there was none. */
static uint64_t next_number(struct rill_ordered *reader)
{
    struct rill_msg *msg = NULL;
    if (rill_ordered_next(reader, STORY_DEADLINE_MS, &msg))
        return 0;
    const uint64_t number = strtoul(rill_msg_data(msg), NULL, 10);
    rill_msg_unref(msg);
    return number;
}

struct taking {
    struct rill_ordered *reader;
    uint64_t number;
};

static void *take_next(void *context)
{
    struct stage_call *call = context;
    struct taking *taking = call->context;
    taking->number = next_number(taking->reader);
    return NULL;
}

/* The reader makes a consumer that begins there, which the server allows, and pulls from it. */
static struct consumer hear_consumer(const char *begins, const char *why)
{
    struct consumer consumer;
    char word[FAKE_WORD_BYTES], line[LINE_BYTES];
    cr_assert(fake_hears_word(&story_server, "PUB $JS.API.CONSUMER.CREATE.S.", consumer.name), "%s", why);
    cr_assert(fake_hears_word(&story_server, " ", word) && fake_hears(&story_server, begins), "%s", why);
    cr_assert(fake_answers(&story_server, word, "", "{\"name\":\"x\",\"num_pending\":9}"), "%s", why);
    cr_assert(fake_hears(&story_server, "SUB _INBOX.") && fake_hears_word(&story_server, " ", word), "%s",
              why);
    (void)snprintf(consumer.sid, sizeof consumer.sid, "%lu", strtoul(word, NULL, 10));
    (void)snprintf(line, sizeof line, "PUB $JS.API.CONSUMER.MSG.NEXT.S.%s ", consumer.name);
    cr_assert(fake_hears(&story_server, line), "%s", why);
    return consumer;
}

static void say_message(const struct consumer *consumer, struct place place)
{
    char reply[LINE_BYTES], text[24];
    (void)snprintf(reply, sizeof reply, "$JS.ACK.S.%s.1.%lu.%lu.1.0", consumer->name,
                   (unsigned long)place.stream_seq, (unsigned long)place.consumer_seq);
    (void)snprintf(text, sizeof text, "%lu", (unsigned long)place.stream_seq);
    stage_says(consumer->sid, "s", place.stream_seq ? reply : "nonsense", "", text);
}

static struct consumer begin_reading(struct stage *stage, struct rill_ordered **ret_reader)
{
    struct stage_call call;
    stage_call_begin(&call, stage, open_reader, ret_reader);
    const struct consumer consumer =
        hear_consumer("\"deliver_policy\":\"all\",\"ack_policy\":\"none\"", "first");
    stage_call_end(&call);
    cr_assert(eq(int, (int)call.err, RILL_OK));
    cr_expect(eq(u64, rill_ordered_pending(*ret_reader), 9));
    return consumer;
}

static void *close_reader(void *context)
{
    struct stage_call *call = context;
    rill_ordered_close(call->context);
    return NULL;
}

static void end_reading(struct stage *stage, struct rill_ordered *reader)
{
    struct stage_call call;
    stage_call_begin(&call, stage, close_reader, reader);
    stage_answers("$JS.API.CONSUMER.DELETE.S.", "{\"success\":true}", "the end");
    stage_call_end(&call);
    stage_close(stage, 0);
}

static const struct {
    struct place good[2], bad;
    const char *begins;
    struct place after[2];
    const char *why;
} breaks[] = {
    {{{1, 1}, {2, 2}}, {4, 4}, "\"opt_start_seq\":3", {{3, 1}, {4, 2}}, "one is missing"},
    {{{10, 1}, {20, 2}}, {40, 4}, "\"opt_start_seq\":21", {{30, 1}, {40, 2}}, "one of a few is missing"},
    {{{1, 1}, {2, 2}}, {2, 2}, "\"opt_start_seq\":3", {{3, 1}, {4, 2}}, "one comes twice"},
    {{{1, 1}, {2, 2}}, {1, 3}, "\"opt_start_seq\":3", {{3, 1}, {4, 2}}, "the consumer was set back"},
    {{{1, 1}, {2, 2}}, {3, 1}, "\"opt_start_seq\":3", {{3, 1}, {4, 2}}, "the consumer begins to count anew"},
    {{{1, 1}, {2, 2}}, {0, 0}, "\"opt_start_seq\":3", {{3, 1}, {4, 2}}, "nobody knows which it is"},
};

/* The next message is not the one that comes: the reader makes another consumer, and waits for its message. */
static struct consumer hear_break(struct stage *stage, struct rill_ordered *reader, const char *begins,
                                  struct place place, const char *why)
{
    struct stage_call call;
    struct taking taking = {.reader = reader};
    stage_call_begin(&call, stage, take_next, &taking);
    const struct consumer consumer = hear_consumer(begins, why);
    say_message(&consumer, place);
    stage_call_end(&call);
    cr_expect(eq(u64, taking.number, place.stream_seq), "%s", why);
    return consumer;
}

// Whatever breaks the order, the reader asks for what stands behind the last message that was shown, and shows that next; what
// the former consumer still sends is nobody's.
Test(client_ordered, each_message_is_shown_once_and_in_order)
{
    for (size_t i = 0; i < sizeof breaks / sizeof breaks[0]; i++) {
        struct stage stage = stage_open(0);
        struct rill_ordered *reader = NULL;
        const char *why = breaks[i].why;
        const struct consumer first = begin_reading(&stage, &reader);
        for (size_t k = 0; k < 2; k++) {
            say_message(&first, breaks[i].good[k]);
            cr_assert(eq(u64, next_number(reader), breaks[i].good[k].stream_seq), "%s", why);
        }
        say_message(&first, breaks[i].bad);
        const struct consumer second = hear_break(&stage, reader, breaks[i].begins, breaks[i].after[0], why);
        cr_expect(ne(str, (char *)first.name, (char *)second.name), "%s", why);
        say_message(&first, (struct place){50, 3});
        say_message(&second, breaks[i].after[1]);
        cr_expect(eq(u64, next_number(reader), breaks[i].after[1].stream_seq), "%s", why);
        end_reading(&stage, reader);
        memset(&story_heard.counts, 0, sizeof story_heard.counts);
    }
}

// A gap before the first message leads back to where the reader was told to begin.
Test(client_ordered, a_gap_at_the_beginning_begins_anew)
{
    struct stage stage = stage_open(0);
    struct rill_ordered *reader = NULL;
    const struct consumer first = begin_reading(&stage, &reader);
    say_message(&first, (struct place){2, 2});
    (void)hear_break(&stage, reader, "\"deliver_policy\":\"all\",\"ack_policy\":\"none\"",
                     (struct place){1, 1}, "");
    end_reading(&stage, reader);
}
