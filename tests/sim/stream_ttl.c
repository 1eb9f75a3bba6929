// SPDX-License-Identifier: Apache-2.0
//
// Messages that live as long as they say, and the markers that tell of the end of a subject's last one.
#include "stream_story.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

#define ALL "{\"subjects_filter\":\">\"}"
#define S   RILL_NS_PER_S

static const struct sim_options indexed_early = {.index_log_bytes = 512, .segment_bytes = 16 * 1024};

static void expect(const char *heard, const char *part)
{
    cr_expect(ne(ptr, strstr(heard, part), NULL), "%s, expected %s", heard, part);
}

static void begin(struct story *story, const char *fields)
{
    char body[256];
    story_begin(story, &indexed_early);
    (void)snprintf(body, sizeof body, "{\"name\":\"S\",\"subjects\":[\"k.>\"]%s}", fields);
    expect(story_say(story, CREATE, body), "did_create");
}

// A message is gone when its time is over, and not before; others stay; a restart in between changes nothing.
Test(stream_ttl, a_message_lives_as_long_as_it_says)
{
    static struct story story;
    for (int restarts = 0; restarts < 2; restarts++) {
        begin(&story, ",\"allow_msg_ttl\":true");
        expect(story_say_with(&story, "k.a", "Nats-TTL: 5", "x"), "\"seq\":1}");
        expect(story_say_with(&story, "k.b", "Nats-TTL: 1m", "x"), "\"seq\":2}");
        expect(story_say(&story, "k.c", "x"), "\"seq\":3}");
        (void)story_wait(&story, 4 * S);
        if (restarts)
            story_restart(&story);
        expect(story_say(&story, INFO, ""), "\"messages\":3,");
        (void)story_wait(&story, 2 * S);
        expect(story_say(&story, INFO, ALL), "\"subjects\":{\"k.b\":1,\"k.c\":1}");
        if (restarts)
            story_restart(&story);
        (void)story_wait(&story, 60 * S);
        expect(story_say(&story, INFO, ALL), "\"subjects\":{\"k.c\":1}");
        story_end(&story);
    }
}

// Time that passes while the broker is away counts.
Test(stream_ttl, time_passes_while_the_broker_is_away)
{
    static struct story story;
    begin(&story, ",\"allow_msg_ttl\":true");
    (void)story_say_with(&story, "k.a", "Nats-TTL: 5", "x");
    sim_core_stop(&story.sim);
    story.options.now = story.sim.now;
    story.options.now.wall_ns += 10 * S;
    sim_core_start(&story.sim, &story.options);
    story_connect(&story);
    (void)story_wait(&story, S);
    expect(story_say(&story, INFO, ""), "\"messages\":0,");
    story_end(&story);
}

// One that never ends outlives the stream's max_age.
Test(stream_ttl, one_that_never_ends_outlives_the_age_of_the_stream)
{
    static struct story story;
    begin(&story, ",\"allow_msg_ttl\":true,\"max_age\":3000000000");
    (void)story_say_with(&story, "k.a", "Nats-TTL: never", "x");
    (void)story_say(&story, "k.b", "x");
    (void)story_wait(&story, 10 * S);
    expect(story_say(&story, INFO, ALL), "\"subjects\":{\"k.a\":1}");
    story_end(&story);
}

// A stream that does not allow it refuses a time to live; none can stop allowing it.
Test(stream_ttl, it_must_be_allowed)
{
    static struct story story;
    begin(&story, "");
    expect(story_say_with(&story, "k.a", "Nats-TTL: 5", "x"), "10166");
    expect(story_say(&story, UPDATE, "{\"name\":\"S\",\"subjects\":[\"k.>\"],\"allow_msg_ttl\":true}"),
           "\"allow_msg_ttl\":true");
    expect(story_say_with(&story, "k.a", "Nats-TTL: 5", "x"), "\"seq\":1}");
    expect(story_say(&story, UPDATE, "{\"name\":\"S\",\"subjects\":[\"k.>\"]}"), "10052");
    story_end(&story);
}

// Where the last message of a subject ends by age or its own time stands a marker, which ends without one.
Test(stream_ttl, a_marker_takes_the_place_of_the_last)
{
    static struct story story;
    begin(
        &story,
        ",\"max_age\":5000000000,\"duplicate_window\":1000000000,\"subject_delete_marker_ttl\":20000000000");
    (void)story_say(&story, "k.a", "1");
    (void)story_say(&story, "k.a", "2");
    (void)story_say_with(&story, "k.b", "KV-Operation: PURGE", "");
    (void)story_wait(&story, 6 * S);
    expect(story_say(&story, INFO, ALL), "\"subjects\":{\"k.a\":1}");
    // NATS/1.0, Nats-Marker-Reason: MaxAge, Nats-Rollup: sub, Nats-TTL: 20s
    expect(
        story_say(&story, GET, "{\"last_by_subj\":\"k.a\"}"),
        "\"hdrs\":"
        "\"TkFUUy8xLjANCk5hdHMtTWFya2VyLVJlYXNvbjogTWF4QWdlDQpOYXRzLVJvbGx1cDogc3ViDQpOYXRzLVRUTDogMjBzDQoNCg"
        "==\"");
    (void)story_wait(&story, 10 * S);
    expect(story_say(&story, INFO, ALL), "\"subjects\":{\"k.a\":1}");
    story_restart(&story);
    (void)story_wait(&story, 20 * S);
    expect(story_say(&story, INFO, ""), "\"messages\":0,");
    story_end(&story);
}

// A shorter time to live is raised to that of the markers.
Test(stream_ttl, it_is_not_shorter_than_that_of_the_markers)
{
    static struct story story;
    begin(&story, ",\"allow_direct\":true,\"subject_delete_marker_ttl\":20000000000");
    (void)story_say_with(&story, "k.a", "Nats-TTL: 2\r\nKey: value", "x");
    expect(story_say(&story, "$JS.API.DIRECT.GET.S.k.a", ""),
           "(in|NATS/1.0\r\nKey: value\r\nNats-TTL: 20\r\nNats-Stream: S");
    (void)story_wait(&story, 10 * S);
    expect(story_say(&story, INFO, ""), "\"messages\":1,");
    story_end(&story);
}
