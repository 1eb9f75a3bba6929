// SPDX-License-Identifier: Apache-2.0
//
// Messages that a stream sends on when it has stored them.
#include "faulty_disk.h"
#include "stream_story.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

static void expect(const char *heard, const char *part)
{
    cr_expect(ne(ptr, strstr(heard, part), NULL), "%s, expected %s", heard, part);
}

static void begin(struct story *story, const char *republish)
{
    char body[256];
    (void)snprintf(body, sizeof body, "{\"name\":\"S\",\"subjects\":[\"k.>\"],\"republish\":%s}", republish);
    story_begin(story, NULL);
    story_listen(story, "out.>");
    expect(story_say(story, CREATE, body), "did_create");
}

// What is stored goes on under its other subject, with where it comes from and what was before it of its subject.
Test(stream_republish, stored_messages_go_on)
{
    static struct story story;
    begin(&story, "{\"src\":\"k.*.>\",\"dest\":\"out.$1.>\"}");
    expect(story_say(&story, "k.a.x", "1"), "(out.a.x|NATS/1.0\r\nNats-Stream: S\r\nNats-Subject: "
                                            "k.a.x\r\nNats-Sequence: 1\r\nNats-Time-Stamp: 2026-");
    (void)story_say(&story, "k.b.x", "2");
    expect(story_say_with(&story, "k.a.x", "Key: value", "3"),
           "(out.a.x|NATS/1.0\r\nKey: value\r\nNats-Stream: S\r\n");
    expect(story_say(&story, "k.a.x", "4"), "Nats-Sequence: 4\r\n");
    expect(story.heard, "Nats-Last-Sequence: 3\r\n\r\n4)");
    cr_expect(eq(ptr, strstr(story_say(&story, "k.a", "5"), "(out"), NULL),
              "what the source does not match stays");
    story_restart(&story);
    story_listen(&story, "out.>");
    expect(story_say(&story, "k.b.x", "6"), "Nats-Last-Sequence: 2\r\n\r\n6)");
    story_end(&story);
}

// With headers_only the size stands for the payload; an update ends it.
Test(stream_republish, payloads_stay_when_only_headers_go)
{
    static struct story story;
    begin(&story, "{\"src\":\">\",\"dest\":\"out.>\",\"headers_only\":true}");
    expect(story_say(&story, "k.a", "hello"), "Nats-Last-Sequence: 0\r\nNats-Msg-Size: 5\r\n\r\n)");
    expect(story_say(&story, UPDATE, "{\"name\":\"S\",\"subjects\":[\"k.>\"]}"), "stream_update_response");
    cr_expect(eq(ptr, strstr(story_say(&story, "k.a", "1"), "(out"), NULL));
    story_end(&story);
}

// Many at once go on in their order.
Test(stream_republish, many_go_on_in_order)
{
    static struct story story;
    begin(&story, "{\"src\":\">\",\"dest\":\"out.>\"}");
    for (int i = 0; i < 1500; i++)
        sim_client_publish(story.client, "k.a", NULL, NULL, RILL_BYTES(""));
    story.heard_len = 0;
    sim_core_settle(&story.sim);
    char *at = story.heard;
    for (int i = 1; i <= 1500; i++) {
        char text[64];
        (void)snprintf(text, sizeof text, "Nats-Sequence: %d\r\n", i);
        at = strstr(at, text);
        cr_assert(ne(ptr, at, NULL), "%d", i);
    }
    story_end(&story);
}

// What could not be stored is not sent.
Test(stream_republish, what_is_not_stored_is_not_sent)
{
    static struct story story;
    static struct faulty_disk faulty;
    story = (struct story){.disk = sim_disk_create(1)};
    faulty_disk_init(&faulty, story.disk);
    sim_core_start(&story.sim, &(struct sim_options){.seed = 1, .calm = true, .disk = &faulty.base});
    story_connect(&story);
    story_listen(&story, "out.>");
    expect(
        story_say(&story, CREATE,
                  "{\"name\":\"S\",\"subjects\":[\"k\"],\"republish\":{\"src\":\">\",\"dest\":\"out.>\"}}"),
        "did_create");
    faulty.fail_at = faulty.calls + 1;
    faulty.fail_count = 1;
    faulty.err = RILL_ERR_NO_SPACE;
    const char *heard = story_say(&story, "k", "1");
    expect(heard, "\"err_code\":10077");
    cr_expect(eq(ptr, strstr(heard, "(out"), NULL), "%s", heard);
    expect(story_say(&story, "k", "2"), "Nats-Sequence: 1\r\n");
    story_end(&story);
}
