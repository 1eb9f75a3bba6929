// SPDX-License-Identifier: Apache-2.0
//
// Message ids across a restart that does not read the messages again, as their index has them.
#include "stream_story.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

enum { MESSAGES = 60 };

static const struct sim_options indexed_early = {.index_log_bytes = 4096, .segment_bytes = 16 * 1024};

static const char *publish(struct story *story, int number)
{
    char headers[64];
    char body[200];
    (void)snprintf(headers, sizeof headers, "Nats-Msg-Id: id-%d", number);
    (void)snprintf(body, sizeof body, "%0190d", number);
    return story_say_with(story, "a", headers, body);
}

static void begin(struct story *story, const char *fields)
{
    char body[128];
    story_begin(story, &indexed_early);
    (void)snprintf(body, sizeof body, "{\"name\":\"S\",\"subjects\":[\"a\"]%s}", fields);
    (void)story_say(story, CREATE, body);
    for (int i = 1; i <= MESSAGES; i++)
        (void)publish(story, i);
}

/* The answer to each id, the oldest and the newest among them, is that of its first message. */
static void expect_duplicates(struct story *story)
{
    char answer[64];
    for (int i = 1; i <= MESSAGES; i++) {
        (void)snprintf(answer, sizeof answer, "\"seq\":%d,\"duplicate\": true}", i);
        const char *heard = publish(story, i);
        cr_expect(ne(ptr, strstr(heard, answer), NULL), "id-%d: %s", i, heard);
    }
}

// An id is known within its window after a restart, whether its message was read again or not, and is there or not.
Test(stream_ids, stay_known_over_a_restart)
{
    static struct story story;
    begin(&story, "");
    story_restart(&story);
    expect_duplicates(&story);
    (void)story_say(&story, PURGE, "");
    story_restart(&story);
    expect_duplicates(&story);
    story_end(&story);
}

// When its window is over an id is free again, also after a restart.
Test(stream_ids, are_free_when_their_window_is_over)
{
    static struct story story;
    begin(&story, ",\"duplicate_window\":10000000000");
    (void)story_wait(&story, 9 * RILL_NS_PER_S);
    story_restart(&story);
    expect_duplicates(&story);
    (void)story_wait(&story, 2 * RILL_NS_PER_S);
    const char *heard = publish(&story, 1);
    cr_expect(ne(ptr, strstr(heard, "\"seq\":61}"), NULL), "%s", heard);
    story_end(&story);
}

// The id of the last message is known after a restart, whether it was read again or not.
Test(stream_ids, the_last_one_stays_known)
{
    static struct story story;
    for (int more = 0; more < 20; more++) {
        char headers[64];
        begin(&story, "");
        for (int i = 0; i < more; i++)
            (void)publish(&story, MESSAGES + 1 + i);
        story_restart(&story);
        (void)snprintf(headers, sizeof headers, "Nats-Expected-Last-Msg-Id: id-%d", MESSAGES + more);
        const char *heard = story_say_with(&story, "a", headers, "x");
        cr_expect(ne(ptr, strstr(heard, "\"seq\""), NULL));
        cr_expect(eq(ptr, strstr(heard, "10070"), NULL), "%s", heard);
        story_end(&story);
    }
}
