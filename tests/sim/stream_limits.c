// SPDX-License-Identifier: Apache-2.0
//
// What a stream's limits let it keep, in stories through the wire and over time.
#include "stream_story.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

static void create(struct story *story, const char *fields)
{
    char body[512];
    (void)snprintf(body, sizeof body, "{\"name\":\"S\",\"subjects\":[\"a\"]%s}", fields);
    const char *heard = story_say(story, CREATE, body);
    cr_assert(ne(ptr, strstr(heard, "did_create"), NULL), "%s", heard);
}

static void publish(struct story *story, int count)
{
    for (int i = 0; i < count; i++) {
        const char *heard = story_say(story, "a", "0123456789");
        cr_expect(ne(ptr, strstr(heard, "\"seq\":"), NULL), "%s", heard);
        cr_expect(eq(ptr, strstr(heard, "error"), NULL), "%s", heard);
    }
}

static uint64_t number_in(const char *text, const char *key)
{
    const char *at = strstr(text, key);
    cr_assert(at != NULL, "%s in %s", key, text);
    return strtoull(at + strlen(key), NULL, 10);
}

static uint64_t info(struct story *story, const char *key)
{
    return number_in(story_say(story, INFO, ""), key);
}

// With "discard old" the newest stay, as many as the limit says, also after a restart and when the limit is lowered.
Test(stream_limits, old_messages_make_room_for_new_ones)
{
    static struct story story;
    story_begin(&story, NULL);
    create(&story, ",\"max_msgs\":3");
    publish(&story, 5);
    cr_expect(eq(u64, info(&story, "\"messages\":"), 3));
    cr_expect(eq(u64, info(&story, "\"first_seq\":"), 3));
    story_restart(&story);
    publish(&story, 1);
    cr_expect(eq(u64, info(&story, "\"first_seq\":"), 4));
    (void)story_say(&story, UPDATE, "{\"name\":\"S\",\"subjects\":[\"a\"],\"max_msgs\":1}");
    cr_expect(eq(u64, info(&story, "\"messages\":"), 1));
    cr_expect(eq(u64, info(&story, "\"first_seq\":"), 6));
    story_end(&story);
}

// With "discard new" a full stream refuses, each publisher by itself, and takes again when there is room.
Test(stream_limits, a_full_stream_refuses_what_is_new)
{
    static const struct story_line lines[] = {
        {"a", "x",
         "\"code\":503,\"err_code\":10077,\"description\":\"maximum messages "
         "exceeded\"},\"stream\":\"S\",\"seq\":0}"},
        {"$JS.API.STREAM.PURGE.S", "{\"keep\":2}", "\"purged\":1}"},
        {"a", "x", "\"seq\":4}"},
        {"a", "x", "10077"},
        {UPDATE, "{\"name\":\"S\",\"subjects\":[\"a\"],\"max_bytes\":1,\"discard\":\"new\"}",
         "\"max_bytes\":1"},
        {"a", "x", "maximum bytes exceeded"},
    };
    static struct story story;
    story_begin(&story, NULL);
    create(&story, ",\"max_msgs\":3,\"discard\":\"new\"");
    publish(&story, 3);
    STORY_TELL(&story, lines);
    story_end(&story);
}

// Bytes are kept to as messages are.
Test(stream_limits, bytes_are_a_limit_too)
{
    static struct story story;
    char body[128];
    story_begin(&story, NULL);
    create(&story, "");
    publish(&story, 4);
    const uint64_t bytes = info(&story, "\"bytes\":");
    (void)snprintf(body, sizeof body, "{\"name\":\"S\",\"subjects\":[\"a\"],\"max_bytes\":%d}",
                   (int)bytes / 2);
    (void)story_say(&story, UPDATE, body);
    cr_expect(eq(u64, info(&story, "\"messages\":"), 2));
    publish(&story, 3);
    cr_expect(eq(u64, info(&story, "\"messages\":"), 2));
    cr_expect(le(u64, info(&story, "\"bytes\":"), bytes / 2));
    story_end(&story);
}

// A message goes when it has come of age, neither before nor long after, also when the broker was down at that time.
Test(stream_limits, messages_go_when_they_come_of_age)
{
    static struct story story;
    story_begin(&story, NULL);
    create(&story, ",\"max_age\":10000000000");
    publish(&story, 1);
    (void)story_wait(&story, 6 * RILL_NS_PER_S);
    publish(&story, 1);
    (void)story_wait(&story, 3 * RILL_NS_PER_S);
    cr_expect(eq(u64, info(&story, "\"messages\":"), 2));
    (void)story_wait(&story, 2 * RILL_NS_PER_S);
    cr_expect(eq(u64, info(&story, "\"messages\":"), 1));
    cr_expect(eq(u64, info(&story, "\"first_seq\":"), 2));
    story.sim.now.wall_ns += 60 * RILL_NS_PER_S;
    story_restart(&story);
    cr_expect(eq(u64, info(&story, "\"messages\":"), 0));
    cr_expect(eq(u64, info(&story, "\"first_seq\":"), 3));
    publish(&story, 1);
    cr_expect(eq(u64, info(&story, "\"last_seq\":"), 3));
    story_end(&story);
}

// An age may be given and taken back later.
Test(stream_limits, an_age_may_be_given_later)
{
    static struct story story;
    story_begin(&story, NULL);
    create(&story, ",\"duplicate_window\":1000000000");
    publish(&story, 3);
    (void)story_wait(&story, 60 * RILL_NS_PER_S);
    cr_expect(eq(u64, info(&story, "\"messages\":"), 3));
    (void)story_say(&story, UPDATE, "{\"name\":\"S\",\"subjects\":[\"a\"],\"max_age\":5000000000}");
    (void)story_wait(&story, RILL_NS_PER_S);
    cr_expect(eq(u64, info(&story, "\"messages\":"), 0));
    publish(&story, 1);
    (void)story_say(&story, UPDATE, "{\"name\":\"S\",\"subjects\":[\"a\"]}");
    (void)story_wait(&story, 60 * RILL_NS_PER_S);
    cr_expect(eq(u64, info(&story, "\"messages\":"), 1));
    story_end(&story);
}

// What all streams take together has a limit, beyond which publishers hear of it; who makes room publishes again.
Test(stream_limits, the_server_has_a_limit_for_all_streams)
{
    static struct story story;
    story_begin(&story, &(struct sim_options){.jetstream_limits = {.storage_bytes_max = 300}});
    create(&story, "");
    const char *heard = "";
    for (int i = 0; i < 20 && !strstr(heard, "error"); i++)
        heard = story_say(&story, "a", "0123456789");
    cr_expect(ne(ptr,
                 strstr(heard, "\"code\":503,\"err_code\":10023,\"description\":\"insufficient resources\""),
                 NULL));
    cr_expect(ge(u64, number_in(story_say(&story, "$JS.API.INFO", ""), "\"storage\":"), 300));
    (void)story_say(&story, "$JS.API.STREAM.PURGE.S", "");
    publish(&story, 1);
    (void)story_say(&story, "$JS.API.STREAM.DELETE.S", "");
    cr_expect(eq(u64, number_in(story_say(&story, "$JS.API.INFO", ""), "\"storage\":"), 0));
    story_end(&story);
}

// A stream's limits for its consumers hold for each of them, those that are there already included.
Test(stream_limits, consumers_have_the_limits_of_their_stream)
{
    static const struct story_line lines[] = {
        {CREATE,
         "{\"name\":\"S\",\"subjects\":[\"a\"],\"consumer_limits\":{\"max_ack_pending\":10,\"inactive_"
         "threshold\":5000000000}}",
         "\"consumer_limits\":{\"inactive_threshold\":5000000000,\"max_ack_pending\":10}"},
        {"$JS.API.CONSUMER.CREATE.S.C",
         "{\"stream_name\":\"S\",\"config\":{\"durable_name\":\"C\",\"ack_policy\":\"explicit\",\"max_ack_"
         "pending\":11}}",
         "10121"},
        {"$JS.API.CONSUMER.CREATE.S.C",
         "{\"stream_name\":\"S\",\"config\":{\"durable_name\":\"C\",\"ack_policy\":\"explicit\",\"inactive_"
         "threshold\":5000000001}}",
         "10153,\"description\":\"consumer inactive threshold exceeds system limit of 5000000000"},
        {"$JS.API.CONSUMER.CREATE.S.C",
         "{\"stream_name\":\"S\",\"config\":{\"durable_name\":\"C\",\"ack_policy\":\"explicit\"}}",
         "\"max_ack_pending\":10,\"inactive_threshold\":5000000000"},
        {UPDATE, "{\"name\":\"S\",\"subjects\":[\"a\"],\"consumer_limits\":{\"max_ack_pending\":9}}",
         "10069,\"description\":\"change to limits violates consumers: C\""},
        {UPDATE, "{\"name\":\"S\",\"subjects\":[\"a\"]}", "\"consumer_limits\":{}"},
    };
    static struct story story;
    story_begin(&story, NULL);
    STORY_TELL(&story, lines);
    story_end(&story);
}

// Without a configured limit, what the streams took already is theirs, also when the broker starts anew.
Test(stream_limits, what_is_stored_counts_for_the_limit_of_the_disk)
{
    static struct story story;
    story_begin(&story, NULL);
    cr_expect(ne(ptr, strstr(story_say(&story, "$JS.API.INFO", ""), "\"max_storage\":-1"), NULL));
    create(&story, "");
    publish(&story, 100);
    story_restart(&story);
    cr_expect(ne(ptr, strstr(story_say(&story, "$JS.API.INFO", ""), "\"max_storage\":-1"), NULL));
    publish(&story, 1);
    story.options.jetstream_free_bytes = 1000;
    story_restart(&story);
    const char *heard = story_say(&story, "$JS.API.INFO", "");
    cr_expect(gt(u64, number_in(heard, "\"max_storage\":"), number_in(heard, "\"storage\":")), "%s", heard);
    publish(&story, 1);
    story_end(&story);
}

// So do the server's limits for all consumers.
Test(stream_limits, consumers_have_the_limits_of_the_server)
{
#define CONSUMER(fields)                                                                                     \
    "{\"stream_name\":\"S\",\"config\":{\"durable_name\":\"C\",\"ack_policy\":\"explicit\"" fields "}}"
    static const struct story_line lines[] = {
        {CREATE, "{\"name\":\"S\",\"subjects\":[\"a\"]}", "did_create"},
        {"$JS.API.CONSUMER.CREATE.S.C", CONSUMER(",\"max_ack_pending\":21"), "exceeds system limit of 20"},
        {"$JS.API.CONSUMER.CREATE.S.C", CONSUMER(",\"max_ack_pending\":-1"), "10121"},
        {"$JS.API.CONSUMER.CREATE.S.C", CONSUMER(",\"max_batch\":31"), "10125"},
        {"$JS.API.CONSUMER.CREATE.S.C", CONSUMER(""), "\"max_ack_pending\":20,\"max_batch\":30"},
    };
#undef CONSUMER
    static struct story story;
    story_begin(&story,
                &(struct sim_options){.jetstream_limits = {.ack_pending_max = 20, .request_batch_max = 30}});
    STORY_TELL(&story, lines);
    story_end(&story);
}
