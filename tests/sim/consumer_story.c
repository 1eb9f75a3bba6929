// SPDX-License-Identifier: Apache-2.0
#include "consumer_story.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <time.h>

void consumer_story_begin(struct story *story, const char *config)
{
    char body[1024];
    story_begin(story, NULL);
    (void)snprintf(body, sizeof body, "{\"stream_name\":\"S\",\"config\":{\"durable_name\":\"W\",%s}}",
                   config);
    const char *heard =
        story_say(story, "$JS.API.STREAM.CREATE.S", "{\"name\":\"S\",\"subjects\":[\"ev.>\"]}");
    cr_assert(ne(ptr, strstr(heard, "\"did_create\":true"), NULL), "%s", heard);
    heard = story_say(story, "$JS.API.CONSUMER.CREATE.S.W", body);
    cr_assert(ne(ptr, strstr(heard, "\"name\":\"W\""), NULL), "%s", heard);
}

const char *story_pull(struct story *story, const char *body)
{
    story->heard_len = 0;
    story->heard[0] = 0;
    sim_client_publish(story->client, "$JS.API.CONSUMER.MSG.NEXT.S.W", "pull", NULL,
                       rill_bytes_from_cstr(body));
    sim_core_settle(&story->sim);
    return story->heard;
}

void consumer_story_time(struct story *story, int64_t seconds, char *to, size_t size, const char *format)
{
    char text[64];
    struct tm parts;
    const time_t when = (time_t)(story->sim.now.wall_ns / RILL_NS_PER_S + seconds);
    cr_assert(ne(ptr, gmtime_r(&when, &parts), NULL));
    cr_assert(gt(sz, strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts), 0));
    const char *at = strstr(format, "%s");
    cr_assert(ne(ptr, (void *)at, NULL));
    (void)snprintf(to, size, "%.*s%s%s", (int)(at - format), format, text, at + 2);
}
