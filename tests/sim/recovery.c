// SPDX-License-Identifier: Apache-2.0
//
// The start with many streams: who waits for whom, in stories.
#include "story.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

enum { STREAMS = 60, RECOVERIES_OUT_MAX = 4 };

/* What the jobs are that the core has given out, seen in front of each that is run. */
struct watch {
    const struct sim_core *sim;
    uint32_t recoveries_out_most;
};

static void watch_job(void *context)
{
    struct watch *watch = context;
    uint32_t out = 0;
    for (uint32_t i = 0; i < watch->sim->job_count; i++)
        out += rill_job_lane(watch->sim->jobs[i]) == RILL_LANE_RECOVERY;
    if (out > watch->recoveries_out_most)
        watch->recoveries_out_most = out;
}

static const char *stream_request(char subject[64], const char *verb, int number)
{
    (void)snprintf(subject, 64, "$JS.API.STREAM.%s.S%d", verb, number);
    return subject;
}

/* A broker that has just been started, with streams S0, S1, ... of a message each, none of them read. */
static void begin(struct story *story)
{
    char subject[64];
    char body[64];
    story_begin(story, NULL);
    for (int i = 0; i < STREAMS; i++) {
        (void)snprintf(body, sizeof body, "{\"name\":\"S%d\"}", i);
        (void)story_say(story, stream_request(subject, "CREATE", i), body);
        (void)snprintf(subject, sizeof subject, "S%d", i);
        (void)story_say(story, subject, "hello");
    }
    sim_core_stop(&story->sim);
    story->options.now = story->sim.now;
    story->options.calm = false;
    sim_core_start(&story->sim, &story->options);
}

static void expect_all_streams(struct story *story)
{
    char subject[64];
    for (int i = 0; i < STREAMS; i++) {
        const char *heard = story_say(story, stream_request(subject, "INFO", i), "");
        cr_expect(ne(ptr, strstr(heard, "\"messages\":1,"), NULL), "%s: %s", subject, heard);
    }
}

// Recoveries are given out a few at a time, so that there is room for what must not wait, and all come to pass.
Test(recovery, only_so_many_recoveries_are_out)
{
    static struct story story;
    struct watch watch = {.sim = &story.sim};
    begin(&story);
    story.sim.before_job = watch_job;
    story.sim.before_job_context = &watch;
    sim_core_settle(&story.sim);
    cr_expect(gt(u32, watch.recoveries_out_most, 0));
    cr_expect(le(u32, watch.recoveries_out_most, RECOVERIES_OUT_MAX));
    story_connect(&story);
    expect_all_streams(&story);
    story_end(&story);
}

static void count_acknowledgement(void *context, struct sim_client *client,
                                  const struct rill_command *command)
{
    uint32_t *count = context;
    *count += command->op == RILL_OP_MSG;
}

/* Whether any recovery is out or waits to be given out. */
static bool is_recovering(const struct story *story)
{
    for (uint32_t i = 0; i < story->sim.job_count; i++) {
        if (rill_job_lane(story->sim.jobs[i]) == RILL_LANE_RECOVERY)
            return true;
    }
    return false;
}

// A stream that is ready takes messages while others are still being read.
Test(recovery, a_ready_stream_does_not_wait_for_the_others)
{
    static struct story story;
    char subject[64];
    uint32_t acknowledged = 0;
    uint32_t turns = 0;
    begin(&story);
    struct sim_client *client = sim_client_open(&story.sim, count_acknowledgement, &acknowledged);
    sim_client_sendf(client, "CONNECT {\"verbose\":false}\r\nSUB in 1\r\n");
    while (!acknowledged && (turns < 100 || is_recovering(&story))) {
        (void)snprintf(subject, sizeof subject, "S%u", turns++ % STREAMS);
        sim_client_publish(client, subject, "in", NULL, RILL_BYTES("more"));
        (void)sim_core_turn(&story.sim);
    }
    cr_expect(gt(u32, acknowledged, 0));
    cr_expect(is_recovering(&story), "all streams were ready first, after %u turns", turns);
    story_end(&story);
}

// A broker that is told to stop while it reads its streams does not read the rest of them first, and loses none.
Test(recovery, a_stop_does_not_wait_for_streams_that_are_not_begun)
{
    static struct story story;
    begin(&story);
    for (int i = 0; i < 5; i++)
        (void)sim_core_turn(&story.sim);
    const uint64_t before = story.sim.jobs_total;
    sim_core_stop(&story.sim);
    cr_expect(lt(u64, story.sim.jobs_total - before, STREAMS));
    story.options.calm = true;
    story.options.now = story.sim.now;
    sim_core_start(&story.sim, &story.options);
    story_connect(&story);
    expect_all_streams(&story);
    story_end(&story);
}
