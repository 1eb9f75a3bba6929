// SPDX-License-Identifier: Apache-2.0
//
// What a stream's configuration says about how its log is kept, in stories through the wire.
#include "stream_story.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

// A stream begins with the sequence that it is told to begin with, also for who expects one, and after a restart.
Test(stream_options, a_stream_begins_with_its_first_sequence)
{
    static const struct story_line before[] = {
        {CREATE, "{\"name\":\"S\",\"subjects\":[\"a\"],\"first_seq\":1000}", "\"first_seq\":1000"},
        {CREATE, "{\"name\":\"S\",\"subjects\":[\"a\"],\"first_seq\":1000}", "did_create"},
        {INFO, "", "\"messages\":0,\"bytes\":0,\"first_seq\":1000,"},
        {INFO, "", "\"last_seq\":999,"},
        {GET, "{\"seq\":999}", "10037"},
        {UPDATE, "{\"name\":\"S\",\"subjects\":[\"a\"],\"first_seq\":5}", "can not change first sequence"},
        {"$JS.API.CONSUMER.CREATE.S.C",
         "{\"stream_name\":\"S\",\"config\":{\"name\":\"C\",\"durable_name\":\"C\",\"ack_policy\":\"none\"}}",
         "\"num_pending\":0"},
        {"a", "x", "\"seq\":1000}"},
        {"a", "y", "\"seq\":1001}"},
        {"$JS.API.CONSUMER.INFO.S.C", "", "\"num_pending\":2"},
        {"$JS.API.CONSUMER.MSG.NEXT.S.C", "{\"batch\":1,\"no_wait\":true}", "(a|x)"},
        {GET, "{\"seq\":1000}", "\"seq\":1000,"},
        {PURGE, "{\"seq\":1001}", "\"purged\":1}"},
    };
    static const struct story_line after[] = {
        {INFO, "", "\"first_seq\":1001,"},
        {INFO, "", "!num_deleted"},
        {"a", "z", "\"seq\":1002}"},
        {"$JS.API.CONSUMER.MSG.NEXT.S.C", "{\"batch\":1,\"no_wait\":true}", "(a|y)"},
    };
    static struct story story;
    story_begin(&story, NULL);
    STORY_TELL(&story, before);
    story_restart(&story);
    STORY_TELL(&story, after);
    story_end(&story);
}

// One that was never written to still begins there after a restart; so does one in memory, which is empty again.
Test(stream_options, an_empty_stream_keeps_its_first_sequence)
{
    static const char *const storages[] = {"file", "memory"};
    for (size_t i = 0; i < 2; i++) {
        static struct story story;
        char body[128];
        story_begin(&story, NULL);
        (void)snprintf(body, sizeof body,
                       "{\"name\":\"S\",\"subjects\":[\"a\"],\"first_seq\":1000,\"storage\":\"%s\"}",
                       storages[i]);
        (void)story_say(&story, CREATE, body);
        story_restart(&story);
        const char *heard = story_say_with(&story, "a", "Nats-Expected-Last-Sequence: 999", "x");
        cr_expect(ne(ptr, strstr(heard, "\"seq\":1000}"), NULL), "%s: %s", storages[i], heard);
        story_end(&story);
    }
}

/* The format version of a stream's first segment: 3 when it is compressed. */
static int version_of_first_segment(const struct story *story)
{
    size_t len;
    const uint8_t *bytes = sim_disk_bytes(story->disk, "store/$G/S/0000000000000001.seg", &len);
    return bytes && len > 8 ? bytes[8] : 0;
}

/* Several segments. */
static void fill(struct story *story)
{
    char payload[1000] = {0};
    memset(payload, 'x', sizeof payload - 1);
    for (int i = 0; i < 40; i++)
        (void)story_say(story, "a", payload);
}

static const struct sim_options small_segments = {.segment_bytes = 8 * 1024};

// With compression the segments that are full are packed, in the background, and read as ever; so after a restart.
Test(stream_options, a_stream_is_compressed)
{
    static struct story story;
    story_begin(&story, &small_segments);
    (void)story_say(&story, CREATE, "{\"name\":\"S\",\"subjects\":[\"a\"],\"compression\":\"s2\"}");
    fill(&story);
    cr_expect(eq(int, version_of_first_segment(&story), 3));
    for (int i = 0; i < 2; i++) {
        const char *heard = story_say(&story, GET, "{\"seq\":3}");
        cr_expect(strstr(heard, "\"seq\":3,\"data\":\"eHh4") != NULL, "%s", heard);
        story_restart(&story);
    }
    fill(&story);
    const char *heard = story_say(&story, INFO, "");
    cr_expect(strstr(heard, "\"messages\":80,") != NULL, "%s", heard);
    story_end(&story);
}

// An update compresses what is there; another one leaves it so, and stores what comes as it is.
Test(stream_options, an_update_compresses_what_is_there)
{
    static struct story story;
    story_begin(&story, &small_segments);
    (void)story_say(&story, CREATE, "{\"name\":\"S\",\"subjects\":[\"a\"]}");
    fill(&story);
    cr_expect(eq(int, version_of_first_segment(&story), 1));
    (void)story_say(&story, UPDATE, "{\"name\":\"S\",\"subjects\":[\"a\"],\"compression\":\"s2\"}");
    cr_expect(eq(int, version_of_first_segment(&story), 3));
    (void)story_say(&story, UPDATE, "{\"name\":\"S\",\"subjects\":[\"a\"]}");
    cr_expect(eq(int, version_of_first_segment(&story), 3));
    story_end(&story);
}

// There is an end of sequences, and none begins behind it.
Test(stream_options, a_first_sequence_has_a_limit)
{
    static const struct story_line lines[] = {
        {CREATE, "{\"name\":\"S\",\"subjects\":[\"a\"],\"first_seq\":4611686018427387905}", "10052"},
        {CREATE, "{\"name\":\"S\",\"subjects\":[\"a\"],\"first_seq\":4611686018427387904}", "did_create"},
        {"a", "x", "\"seq\":4611686018427387904}"},
    };
    static struct story story;
    story_begin(&story, NULL);
    STORY_TELL(&story, lines);
    story_end(&story);
}
