// SPDX-License-Identifier: Apache-2.0
//
// Publishing as keys and values do: what was the newest of a subject, rollups, limits per subject; one by one and in
// pipelines, before and after a restart.
#include "stream_story.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

#define SEQ "Nats-Expected-Last-Subject-Sequence: "
#define OF  "\r\nNats-Expected-Last-Subject-Sequence-Subject: "

static const struct sim_options indexed_early = {.index_log_bytes = 512, .segment_bytes = 16 * 1024};

static void begin(struct story *story, const char *fields)
{
    char body[256];
    story_begin(story, &indexed_early);
    (void)snprintf(body, sizeof body, "{\"name\":\"S\",\"subjects\":[\"k.>\"]%s}", fields);
    const char *heard = story_say(story, CREATE, body);
    cr_assert(ne(ptr, strstr(heard, "did_create"), NULL), "%s", heard);
}

static void expect(const char *heard, const char *part)
{
    cr_expect(ne(ptr, strstr(heard, part), NULL), "%s, expected %s", heard, part);
}

// A message is taken when the newest of its subject, or of another or a pattern, is the one that its header names.
Test(stream_keys, the_newest_of_a_subject_is_expected)
{
    static const struct {
        const char *subject;
        const char *headers;
        const char *answer;
    } rows[] = {
        {"k.a", SEQ "0", "\"seq\":1}"},
        {"k.a", SEQ "0",
         "{\"code\":400,\"err_code\":10071,\"description\":\"wrong last sequence: "
         "1\"},\"stream\":\"S\",\"seq\":0}"},
        {"k.b", SEQ "0", "\"seq\":2}"},
        {"k.a", SEQ "1", "\"seq\":3}"},
        {"k.a", SEQ "2", "wrong last sequence: 3"},
        {"k.c", SEQ "3" OF "k.a", "\"seq\":4}"},
        {"k.c", SEQ "3" OF "k.b", "wrong last sequence: 2"},
        {"k.c", SEQ "4" OF "k.*", "\"seq\":5}"},
        {"k.c", SEQ "4" OF "k.*", "wrong last sequence: 5"},
        {"k.c", SEQ "0" OF "x.*", "\"seq\":6}"},
        {"k.c", "Nats-Expected-Last-Subject-Sequence-Subject: k.a", "10193"},
        {"k.a", SEQ "x", "10071"},
    };
    static struct story story;
    begin(&story, "");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (i == 3)
            story_restart(&story);
        const char *heard = story_say_with(&story, rows[i].subject, rows[i].headers, "x");
        cr_expect(ne(ptr, strstr(heard, rows[i].answer), NULL), "%s -> %s", rows[i].headers, heard);
    }
    story_end(&story);
}

// Of several who expect the same at once, in one turn, exactly the first one gets it.
Test(stream_keys, one_of_many_in_a_pipeline_wins)
{
    static struct story story;
    begin(&story, "");
    for (int i = 0; i < 4; i++)
        sim_client_publish(story.client, "k.a", "pull", "NATS/1.0\r\n" SEQ "0\r\n\r\n", RILL_BYTES("x"));
    sim_core_settle(&story.sim);
    expect(story.heard, "(pull|{\"stream\":\"S\",\"seq\":1})");
    cr_expect(eq(ptr, strstr(story.heard, "\"seq\":2"), NULL), "%s", story.heard);
    expect(story_say(&story, INFO, ""), "\"messages\":1,");
    story_end(&story);
}

// A rollup of a subject leaves it with one message, when all was durable before as when it is on its way, and for good.
Test(stream_keys, a_rollup_of_a_subject_replaces_it)
{
    static struct story story;
    for (int pipelined = 0; pipelined < 2; pipelined++) {
        begin(&story, ",\"allow_rollup_hdrs\":true");
        for (int i = 0; i < 1500; i++)
            sim_client_publish(story.client, i % 2 ? "k.a" : "k.b", NULL, NULL, RILL_BYTES("x"));
        if (!pipelined)
            sim_core_settle(&story.sim);
        expect(story_say_with(&story, "k.a", "Nats-Rollup: sub", "y"), "{\"stream\":\"S\",\"seq\":1501}");
        expect(story_say(&story, INFO, "{\"subjects_filter\":\">\"}"),
               "\"subjects\":{\"k.a\":1,\"k.b\":750}");
        story_restart(&story);
        expect(story_say(&story, INFO, "{\"subjects_filter\":\">\"}"),
               "\"subjects\":{\"k.a\":1,\"k.b\":750}");
        expect(story_say(&story, GET, "{\"last_by_subj\":\"k.a\"}"), "\"seq\":1501,");
        expect(story_say_with(&story, "k.c", "Nats-Rollup: sub", "y"), "\"seq\":1502}");
        story_end(&story);
    }
}

// A rollup is refused where the stream does not allow it.
Test(stream_keys, a_rollup_must_be_allowed)
{
    static struct story story;
    begin(&story, "");
    expect(story_say_with(&story, "k.a", "Nats-Rollup: sub", "x"),
           "10111,\"description\":\"rollup not permitted\"");
    story_end(&story);
}

// Of each subject at most so many messages are kept, the newest, whatever else the stream keeps; less after an update.
Test(stream_keys, each_subject_keeps_its_newest)
{
    static const struct story_line lines[] = {
        {INFO, "{\"subjects_filter\":\">\"}", "\"subjects\":{\"k.a\":3,\"k.b\":3}"},
        {GET, "{\"next_by_subj\":\"k.a\"}", "\"seq\":15,"},
        {UPDATE, "{\"name\":\"S\",\"subjects\":[\"k.>\"],\"max_msgs_per_subject\":1}",
         "stream_update_response"},
        {INFO, "{\"subjects_filter\":\">\"}", "\"subjects\":{\"k.a\":1,\"k.b\":1}"},
        {"k.a", "x", "\"seq\":21}"},
        {INFO, "", "\"messages\":2,"},
    };
    static struct story story;
    begin(&story, ",\"max_msgs_per_subject\":3");
    for (int i = 0; i < 20; i++)
        sim_client_publish(story.client, i % 2 ? "k.b" : "k.a", NULL, NULL, RILL_BYTES("x"));
    sim_core_settle(&story.sim);
    STORY_TELL(&story, lines);
    story_restart(&story);
    expect(story_say(&story, INFO, "{\"subjects_filter\":\">\"}"), "\"subjects\":{\"k.a\":1,\"k.b\":1}");
    story_end(&story);
}

// Where what is new is discarded per subject, one too many of a subject is refused; other subjects are taken.
Test(stream_keys, one_too_many_of_a_subject_is_refused)
{
    static const struct story_line lines[] = {
        {"k.a", "1", "\"seq\":1}"},
        {"k.a", "2", "\"seq\":2}"},
        {"k.a", "3",
         "\"code\":503,\"err_code\":10077,\"description\":\"maximum messages per subject "
         "exceeded\"},\"stream\":\"S\",\"seq\":0}"},
        {"k.b", "1", "\"seq\":3}"},
        {"$JS.API.STREAM.PURGE.S", "{\"filter\":\"k.a\"}", "\"purged\":2}"},
        {"k.a", "4", "\"seq\":4}"},
    };
    static struct story story;
    begin(&story, ",\"max_msgs_per_subject\":2,\"discard\":\"new\",\"discard_new_per_subject\":true");
    STORY_TELL(&story, lines);
    story_restart(&story);
    expect(story_say(&story, "k.a", "5"), "\"seq\":5}");
    expect(story_say(&story, "k.a", "6"), "maximum messages per subject exceeded");
    story_end(&story);
}

// A bucket refuses what is too much for the whole, but takes a value in the place of an older one of its key.
Test(stream_keys, a_value_in_the_place_of_another_is_taken)
{
    static const struct story_line lines[] = {
        {"k.a", "1", "\"seq\":1}"}, {"k.b", "1", "\"seq\":2}"},    {"k.c", "1", "maximum messages exceeded"},
        {"k.a", "2", "\"seq\":3}"}, {INFO, "", "\"messages\":2,"},
    };
    static struct story story;
    begin(&story, ",\"max_msgs\":2,\"max_msgs_per_subject\":1,\"discard\":\"new\"");
    STORY_TELL(&story, lines);
    story_end(&story);
}
