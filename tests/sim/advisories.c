// SPDX-License-Identifier: Apache-2.0
//
// What the broker tells unasked about its streams and its API, in stories.
#include "stream_story.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

#define ADVISORY "$JS.EVENT.ADVISORY."
#define DELETE   "$JS.API.STREAM.DELETE.S"

/* Counts messages. */
static void on_command(void *context, struct sim_client *client, const struct rill_command *command)
{
    size_t *count = context;
    *count += command->op == RILL_OP_MSG;
}

// A stream's creation, change and end are told once each; what changes nothing is not told.
Test(advisories, the_life_of_a_stream_is_told)
{
    static const struct story_line lines[] = {
        {CREATE, "{\"name\":\"S\"}",
         "STREAM.CREATED.S|{\"type\":\"io.nats.jetstream.advisory.v1.stream_action\""},
        {CREATE, "{\"name\":\"S\"}", "!ADVISORY"},
        {CREATE, "{\"name\":\"S\",\"description\":\"other\"}", "!ADVISORY"},
        {UPDATE, "{\"name\":\"S\",\"description\":\"d\"}", "\"stream\":\"S\",\"action\":\"modify\"}"},
        {UPDATE, "{\"name\":\"S\",\"num_replicas\":3}", "!ADVISORY"},
        {DELETE, "", "\"stream\":\"S\",\"action\":\"delete\"}"},
        {DELETE, "", "!ADVISORY"},
    };
    static struct story story;
    story_begin(&story, NULL);
    story_listen(&story, ADVISORY "STREAM.>");
    STORY_TELL(&story, lines);
    story_end(&story);
}

// Each request is told with its answer, refusals too; pulls and publishes are no requests of this kind.
Test(advisories, requests_are_told_with_their_answers)
{
    static const struct story_line lines[] = {
        {INFO, "",
         "\"subject\":\"" INFO
         "\",\"response\":\"{\\\"type\\\":\\\"io.nats.jetstream.api.v1.stream_info_response\\\","
         "\\\"error\\\""},
        {CREATE, "{\"name\":\"S\"}", "\"request\":\"{\\\"name\\\":\\\"S\\\"}\",\"response\":\"{"},
        {CREATE, "{", "\"request\":\"{\",\"response\":\"{"},
        {"S", "1", "!ADVISORY"},
        {"$JS.API.CONSUMER.MSG.NEXT.S.none", "", "!ADVISORY"},
        {"$JS.API.NOTHING", "", "!ADVISORY"},
    };
    static struct story story;
    story_begin(&story, NULL);
    story_listen(&story, ADVISORY "API");
    STORY_TELL(&story, lines);
    story_end(&story);
}

// Requests that come together and are answered at one inbox keep their answers, though some take longer than others.
Test(advisories, an_answer_belongs_to_its_request)
{
    static struct story story;
    story_begin(&story, NULL);
    story_listen(&story, ADVISORY "API");
    sim_client_publish(story.client, CREATE, "in", NULL, RILL_BYTES("{\"name\":\"S\"}"));
    const char *heard = story_say(&story, INFO, "");
    cr_expect(ne(ptr,
                 strstr(heard, "\"subject\":\"" CREATE
                               "\",\"request\":\"{\\\"name\\\":\\\"S\\\"}\",\"response\":\"{\\\"type\\\":"
                               "\\\"io.nats.jetstream.api.v1.stream_create_response"),
                 NULL),
              "%s", heard);
    cr_expect(ne(ptr,
                 strstr(heard, "\"subject\":\"" INFO
                               "\",\"response\":\"{\\\"type\\\":\\\"io.nats.jetstream.api.v1.stream_info"),
                 NULL),
              "%s", heard);
    story_end(&story);
}

// Of many requests that are on their way only so many are kept: the oldest are forgotten.
Test(advisories, only_so_many_requests_are_kept)
{
    static struct story story;
    enum { REQUESTS = 1500, KEPT = 1024 };
    size_t told = 0;
    story_begin(&story, &(struct sim_options){.jetstream_limits.requests_max = REQUESTS});
    struct sim_client *auditor = sim_client_open(&story.sim, on_command, &told);
    sim_client_sendf(auditor, "CONNECT {\"verbose\":false}\r\nSUB " ADVISORY "API 1\r\n");
    sim_core_settle(&story.sim);
    for (int i = 0; i < REQUESTS; i++)
        sim_client_publish(story.client, CREATE, "nobody", NULL, RILL_BYTES("{\"name\":\"S\"}"));
    sim_core_settle(&story.sim);
    cr_expect(eq(sz, told, KEPT));
    story_end(&story);
}

/* Publishes until a commit fails; returns what was heard then. */
static const char *fill_disk(struct story *story)
{
    static char body[40 * 1024];
    memset(body, 'x', sizeof body - 1);
    for (int i = 0; i < 100; i++) {
        const char *heard = story_say(story, "S", body);
        if (strstr(heard, "\"error\""))
            return heard;
    }
    return "never full";
}

// A full disk is told when it is met, and anew after there was room meanwhile: not for every commit that fails.
Test(advisories, a_full_disk_is_told_once)
{
    static const char told[] = "\"type\":\"io.nats.jetstream.advisory.v1.server_out_of_space\"";
    static struct story story;
    story_begin(&story, &(struct sim_options){.segment_bytes = 128 * 1024});
    story_listen(&story, ADVISORY "SERVER.OUT_OF_STORAGE");
    (void)story_say(&story, CREATE, "{\"name\":\"S\"}");
    for (int round = 0; round < 2; round++) {
        sim_disk_set_capacity(story.disk, sim_disk_used(story.disk));
        cr_expect(ne(ptr, strstr(fill_disk(&story), told), NULL));
        cr_expect(eq(ptr, strstr(fill_disk(&story), told), NULL));
        sim_disk_set_capacity(story.disk, 0);
        cr_expect(ne(ptr, strstr(story_say(&story, "S", "there is room"), "\"seq\":"), NULL));
    }
    story_end(&story);
}

// A stream may keep the advisories, those about itself too.
Test(advisories, a_stream_may_listen_to_them)
{
    static const struct story_line lines[] = {
        {CREATE, "{\"name\":\"S\",\"subjects\":[\"$JS.EVENT.ADVISORY.>\"]}", "did_create"},
        {INFO, "", "\"messages\":"},
        {INFO, "", "!\"messages\":0,"},
    };
    static struct story story;
    story_begin(&story, NULL);
    STORY_TELL(&story, lines);
    story_end(&story);
}
