// SPDX-License-Identifier: Apache-2.0
//
// What the monitoring pages say of streams that are not well, in stories.
#include "core/monitor.h"
#include "faulty_disk.h"
#include "story.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>

#define CREATE "$JS.API.STREAM.CREATE."

/* A page of the story's broker; lives until the next one. */
static const char *page(struct story *story, enum rill_monitor_endpoint endpoint, const char *query,
                        int *ret_status)
{
    static char text[1 << 20];
    const struct rill_process_facts facts = {.cores = 1};
    struct rill_buf body;
    const char *type;
    rill_buf_init(&body, sizeof text - 1);
    rill_core_monitor(story->sim.core, &facts, endpoint, rill_bytes_from_cstr(query), &body, ret_status,
                      &type);
    memcpy(text, body.data, body.len);
    text[body.len] = '\0';
    rill_buf_fini(&body);
    return text;
}

static void expect_page(struct story *story, enum rill_monitor_endpoint endpoint, const char *query,
                        int status, const char *part)
{
    int found;
    const char *text = page(story, endpoint, query, &found);
    cr_expect(eq(int, found, status), "?%s: %d %s", query, found, text);
    cr_expect(ne(ptr, strstr(text, part), NULL), "?%s: %s, expected %s", query, text, part);
}

static void expect_health(struct story *story, const char *query, int status, const char *part)
{
    expect_page(story, RILL_MONITOR_HEALTHZ, query, status, part);
}

/* Publishes until a commit fails. */
static void fill_disk(struct story *story)
{
    static char body[40 * 1024];
    memset(body, 'x', sizeof body - 1);
    for (int i = 0; i < 100 && !strstr(story_say(story, "S", body), "\"error\""); i++) {
    }
}

// A stream without room is told with its reason until there is room, and nothing else is.
Test(monitor, a_full_stream_is_told_until_there_is_room)
{
    static struct story story;
    story_begin(&story, &(struct sim_options){.segment_bytes = 128 * 1024});
    (void)story_say(&story, CREATE "S", "{\"name\":\"S\"}");
    (void)story_say(&story, CREATE "T", "{\"name\":\"T\"}");
    expect_health(&story, "", 200, "\"status\": \"ok\"");
    sim_disk_set_capacity(story.disk, sim_disk_used(story.disk));
    fill_disk(&story);
    expect_health(&story, "", 503, "\"state\": \"full\"");
    expect_health(&story, "account=$G&stream=S", 503, "no space left");
    expect_health(&story, "account=$G&stream=T", 200, "ok");
    expect_health(&story, "js-server-only=1", 200, "ok");
    expect_page(&story, RILL_MONITOR_JSZ, "streams=1", 200, "\"health\":\"full\",\"reason\":\"no space left");
    expect_page(&story, RILL_MONITOR_METRICS, "", 200, "rill_jetstream_commits_failed_total{");
    sim_disk_set_capacity(story.disk, 0);
    (void)story_say(&story, "S", "there is room");
    expect_health(&story, "", 200, "\"status\": \"ok\"");
    story_end(&story);
}

// A stream whose disk failed stays read-only, with the reason that the store gave.
Test(monitor, a_read_only_stream_is_told_with_its_reason)
{
    static struct story story;
    struct faulty_disk faulty;
    story_begin(&story, NULL);
    sim_core_stop(&story.sim);
    faulty_disk_init(&faulty, story.disk);
    faulty.err = RILL_ERR_IO;
    story.options.disk = &faulty.base;
    sim_core_start(&story.sim, &story.options);
    story_connect(&story);
    (void)story_say(&story, CREATE "S", "{\"name\":\"S\"}");
    faulty.fail_at = faulty.calls + 1;
    faulty.fail_count = 1000;
    (void)story_say(&story, "S", "lost");
    faulty.fail_at = 0;
    (void)story_say(&story, "S", "refused");
    expect_health(&story, "", 503, "\"state\": \"read-only\"");
    expect_health(&story, "details=1", 503, "\"type\": \"STREAM\"");
    expect_page(&story, RILL_MONITOR_JSZ, "streams=1", 200, "\"health\":\"read-only\",\"reason\":\"");
    expect_page(&story, RILL_MONITOR_METRICS, "", 200, "rill_jetstream_streams_unavailable{");
    story_end(&story);
}

/* The number behind a name in a page of JSON, -1 when it is not there. */
static long number_of(const char *text, const char *name)
{
    const char *at = strstr(text, name);
    return at ? strtol(at + strlen(name), NULL, 10) : -1;
}

// While streams are being read, /healthz says how many are ready, and never fewer than before.
Test(monitor, recovery_is_told_while_it_goes_on)
{
    static struct story story;
    char subject[64];
    char body[64];
    int status;
    enum { STREAMS = 20 };
    long ready = -1;
    long steps = 0;
    story_begin(&story, NULL);
    for (int i = 0; i < STREAMS; i++) {
        (void)snprintf(subject, sizeof subject, CREATE "S%d", i);
        (void)snprintf(body, sizeof body, "{\"name\":\"S%d\"}", i);
        (void)story_say(&story, subject, body);
    }
    sim_core_stop(&story.sim);
    story.options.now = story.sim.now;
    story.options.calm = false;
    sim_core_start(&story.sim, &story.options);
    expect_health(&story, "", 503, "looking for its streams");
    expect_health(&story, "js-enabled-only=1", 200, "ok");
    while (sim_core_turn(&story.sim)) {
        const char *text = page(&story, RILL_MONITOR_HEALTHZ, "", &status);
        const long now = number_of(text, "\"streams_ready\": ");
        steps += now > ready;
        cr_expect(ge(long, now < 0 ? ready : now, ready), "%s", text);
        ready = now < 0 ? ready : now;
    }
    cr_expect(gt(long, steps, 2));
    expect_health(&story, "", 200, "\"status\": \"ok\"");
    story_end(&story);
}

// However many streams are not well, the page lists so many and counts the others.
Test(monitor, only_so_many_streams_are_listed)
{
    static struct story story;
    char subject[64];
    char body[64];
    int status;
    enum { STREAMS = 130 };
    const char *text = "";
    story_begin(&story, NULL);
    for (int i = 0; i < STREAMS; i++) {
        (void)snprintf(subject, sizeof subject, CREATE "S%d", i);
        (void)snprintf(body, sizeof body, "{\"name\":\"S%d\"}", i);
        (void)story_say(&story, subject, body);
    }
    sim_core_stop(&story.sim);
    story.options.now = story.sim.now;
    sim_core_start(&story.sim, &story.options);
    for (int i = 0; i < 100 && !strstr(text, "streams_omitted"); i++) {
        (void)sim_core_turn(&story.sim);
        text = page(&story, RILL_MONITOR_HEALTHZ, "details=1", &status);
    }
    cr_expect(gt(long, number_of(text, "\"streams_omitted\": "), 0), "%s", text);
    cr_expect(le(long, number_of(text, "\"streams_omitted\": "), STREAMS - 100));
    story_end(&story);
}
