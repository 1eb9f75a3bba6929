// SPDX-License-Identifier: Apache-2.0
//
// When a publisher is answered, before the disk has its message or after, in stories through the wire.
#include "faulty_disk.h"
#include "stream_story.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

/* What a publisher hears whose message finds no room on the disk. */
static const char *publish_to_full_disk(struct story *story, bool async, const char *fields)
{
    static struct faulty_disk faulty;
    char body[128];
    *story = (struct story){.disk = sim_disk_create(1)};
    faulty_disk_init(&faulty, story->disk);
    sim_core_start(&story->sim, &(struct sim_options){
                                    .seed = 1, .calm = true, .disk = &faulty.base, .jetstream_async = async});
    story_connect(story);
    (void)snprintf(body, sizeof body, "{\"name\":\"S\",\"subjects\":[\"a\"]%s}", fields);
    (void)story_say(story, CREATE, body);
    faulty.fail_at = faulty.calls + 1;
    faulty.fail_count = 1;
    faulty.err = RILL_ERR_NO_SPACE;
    return story_say(story, "a", "1");
}

// With a sync interval every stream answers for what may be lost, as an asynchronous one does; without, only that one.
Test(stream_sync, a_sync_interval_makes_all_streams_asynchronous)
{
    static const struct {
        bool interval;
        const char *fields;
        bool early;
    } rows[] = {
        {true, "", true},
        {true, ",\"persist_mode\":\"async\"", true},
        {false, ",\"persist_mode\":\"async\"", true},
        {false, "", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        static struct story story;
        const char *heard = publish_to_full_disk(&story, rows[i].interval, rows[i].fields);
        cr_expect(eq(int, strstr(heard, "{\"stream\":\"S\",\"seq\":1}") != NULL, rows[i].early),
                  "row %zu: %s", i, heard);
        cr_expect(eq(int, strstr(heard, "10077") != NULL, !rows[i].early), "row %zu: %s", i, heard);
        story_end(&story);
    }
}

// An asynchronous stream answers at once, also for a duplicate; what it said is there after a restart.
Test(stream_sync, asynchronous_streams_answer_at_once)
{
    static struct story story;
    story_begin(&story, NULL);
    (void)story_say(&story, CREATE, "{\"name\":\"S\",\"subjects\":[\"a\"],\"persist_mode\":\"async\"}");
    for (int i = 0; i < 2; i++) {
        const char *heard = story_say_with(&story, "a", "Nats-Msg-Id: 1", "x");
        cr_expect(eq(str, (char *)heard,
                     i ? "(in|{\"stream\":\"S\",\"seq\":1,\"duplicate\": true})"
                       : "(in|{\"stream\":\"S\",\"seq\":1})"));
    }
    story_restart(&story);
    const char *heard = story_say(&story, INFO, "");
    cr_expect(ne(ptr, strstr(heard, "\"messages\":1,"), NULL), "%s", heard);
    cr_expect(ne(ptr, strstr(heard, "\"persist_mode\":\"async\""), NULL), "%s", heard);
    story_end(&story);
}
