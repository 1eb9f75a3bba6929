// SPDX-License-Identifier: Apache-2.0
//
// A stream whose index is in trouble while publishers with ids, a consumer with a filter and questions by subject go on: one
// that fails and is made again, and one that cannot keep up.
#include "core/monitor.h"
#include "faulty_disk.h"
#include "stream_story.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

#define STORED "{\"stream\":\"S\",\"seq\":"

enum { MESSAGES = 60, INDEX_LOG_BYTES = 4096, BEHIND_BATCHES = 32 };

static const struct sim_options indexed_early = {.index_log_bytes = INDEX_LOG_BYTES,
                                                 .segment_bytes = 16 * 1024};

static struct story story;
static struct faulty_disk faulty;

static const char *publish(int number)
{
    char subject[16], headers[64], body[200];
    (void)snprintf(subject, sizeof subject, "s.%d", number % 3);
    (void)snprintf(headers, sizeof headers, "Nats-Msg-Id: id-%d", number);
    (void)snprintf(body, sizeof body, "%0190d", number);
    return story_say_with(&story, subject, headers, body);
}

static void expect_answer(const char *heard, const char *part)
{
    cr_expect(ne(ptr, strstr(heard, part), NULL), "%s\nexpected %s", heard, part);
}

/* Messages 1 to 20, with their ids, are in no segment any more. */
static void begin(void)
{
    story = (struct story){.disk = sim_disk_create(1), .options = indexed_early};
    faulty_disk_init(&faulty, story.disk);
    faulty.only = "index.db";
    story.options.seed = 1;
    story.options.calm = true;
    story.options.disk = &faulty.base;
    sim_core_start(&story.sim, &story.options);
    story_connect(&story);
    (void)story_say(&story, CREATE, "{\"name\":\"S\",\"subjects\":[\"s.*\"]}");
    (void)story_say(
        &story, "$JS.API.CONSUMER.CREATE.S.C.s.1",
        "{\"stream_name\":\"S\",\"config\":{\"name\":\"C\",\"durable_name\":\"C\",\"filter_subject\":\"s.1\","
        "\"ack_policy\":\"none\"}}");
    for (int i = 1; i <= MESSAGES; i++)
        (void)publish(i);
    (void)story_say(&story, PURGE, "{\"seq\":21}");
}

static void end(void)
{
    story_end(&story);
}

/* The page of the stream, which answers 200 in each case. */
static void expect_health(bool is_indexing)
{
    static char text[1 << 16];
    const struct rill_process_facts facts = {.cores = 1};
    struct rill_buf body;
    const char *type;
    int status;
    rill_buf_init(&body, sizeof text - 1);
    rill_core_monitor(story.sim.core, &facts, RILL_MONITOR_HEALTHZ, RILL_BYTES(""), &body, &status, &type);
    memcpy(text, body.data, body.len);
    text[body.len] = '\0';
    rill_buf_fini(&body);
    cr_expect(eq(int, status, 200), "%s", text);
    cr_expect(eq(int, strstr(text, "\"state\": \"indexing\"") != NULL, is_indexing), "%s", text);
}

static void watch_log(const char *wanted)
{
    story.sim.log_wanted = wanted;
    story.sim.log_lines = 0;
}

/* Every call on the index fails from here on, and one is tried. */
static void fail_index(void)
{
    watch_log("has failed (");
    faulty.err = RILL_ERR_IO;
    faulty.fail_at = faulty.calls + 1;
    faulty.fail_count = UINT64_MAX / 2;
    for (int i = MESSAGES + 1; i <= 2 * MESSAGES; i++)
        expect_answer(publish(i), STORED);
    cr_assert(eq(u32, story.sim.log_lines, 1), "it did not fail");
}

static void expect_duplicates(int from, int to)
{
    char answer[64];
    for (int i = from; i <= to; i++) {
        (void)snprintf(answer, sizeof answer, "\"seq\":%d,\"duplicate\": true}", i);
        expect_answer(publish(i), answer);
    }
}

/* The next message of the consumer is this one; all are. */
static void expect_next(int *number)
{
    char answer[256];
    for (; *number % 3 != 1; ++*number)
        ;
    (void)snprintf(answer, sizeof answer, "\r\n\r\n%0190d)", (*number)++);
    sim_client_sendf(story.client, "PUB $JS.API.CONSUMER.MSG.NEXT.S.C pull 14\r\n{\"batch\":1}   \r\n");
    expect_answer(story_wait(&story, RILL_NS_PER_S / 10), answer);
}

/* Right now, or refused. */
static void ask_for_last(bool may_be_refused)
{
    const char *heard = story_say(&story, GET, "{\"last_by_subj\":\"s.0\"}");
    if (may_be_refused && strstr(heard, "\"error\""))
        return;
    expect_answer(heard, "\"subject\":\"s.0\"");
}

// An index fails while publishers, a filtered consumer and questions go on: every answer is right before, during and after,
// ids of messages that are gone are known again, and page and log say what goes on.
Test(stream_index, one_that_fails_is_made_again_beside_the_work)
{
    int next = 21;
    begin();
    expect_health(false);
    expect_next(&next);
    fail_index();
    expect_health(true);
    expect_duplicates(25, 30);
    for (int i = 0; i < 5; i++)
        expect_next(&next);
    ask_for_last(true);
    expect_health(true);
    watch_log("was not made again");
    (void)story_wait(&story, 3 * RILL_NS_PER_S);
    cr_expect(gt(u32, story.sim.log_lines, 0), "it is not told that it fails");
    watch_log("was made again");
    faulty.fail_at = 0;
    (void)story_wait(&story, 30 * RILL_NS_PER_S);
    cr_expect(eq(u32, story.sim.log_lines, 1));
    expect_health(false);
    ask_for_last(false);
    for (int i = 0; i < 5; i++)
        expect_next(&next);
    expect_duplicates(1, MESSAGES);
    story_restart(&story);
    expect_health(false);
    expect_duplicates(1, MESSAGES);
    end();
}

static uint32_t count_of(const char *text, const char *part)
{
    uint32_t count = 0;
    for (; (text = strstr(text, part)) != NULL; text++)
        count++;
    return count;
}

/* Without an answer being waited for. */
static void publish_large(uint32_t bytes)
{
    static char body[64 * 1024];
    memset(body, 'x', sizeof body);
    sim_client_publish(story.client, "s.0", "in", NULL, rill_bytes_of(body, bytes));
}

// An index that cannot keep up makes commits wait when it is behind by so much, and publishers are refused when the open
// commit is full, so what an open has to read has a bound; when it goes on so do they, and nothing is lost.
Test(stream_index, one_that_cannot_keep_up_holds_the_publishers)
{
    enum { COMMIT_BYTES = 8 << 20, BYTES = 32 * 1024 };
    uint32_t taken = 0, refused = 0;
    begin();
    story.sim.keeps_long_jobs = true;
    for (int i = 0; i < 2 * COMMIT_BYTES / BYTES; i++) {
        publish_large(BYTES);
        const char *heard = story_wait(&story, RILL_NS_PER_MS);
        taken += count_of(heard, STORED);
        refused += count_of(heard, "\"code\":429");
    }
    const uint64_t behind = (uint64_t)taken * BYTES;
    cr_expect(le(u64, behind, INDEX_LOG_BYTES * BEHIND_BATCHES + 2 * BYTES), "%u are stored", taken);
    cr_expect(gt(u64, behind, INDEX_LOG_BYTES * BEHIND_BATCHES / 2), "%u are stored", taken);
    cr_expect(gt(u32, refused, 0), "nobody was refused");
    story.sim.keeps_long_jobs = false;
    story.heard_len = 0;
    taken += count_of(story_wait(&story, RILL_NS_PER_S), STORED);
    cr_expect(eq(u32, taken + refused, 2 * COMMIT_BYTES / BYTES));
    story_restart(&story);
    char state[64];
    (void)snprintf(state, sizeof state, "\"last_seq\":%u", MESSAGES + taken);
    expect_answer(story_say(&story, INFO, ""), state);
    end();
}
