// SPDX-License-Identifier: Apache-2.0
//
// $JS.API.STREAM.MSG.DELETE as clients use it by default: the message's bytes are overwritten.
#include "faulty_disk.h"
#include "stream_story.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

#define DELETE "$JS.API.STREAM.MSG.DELETE.S"
#define SECRET "do-not-tell"

static void expect(const char *heard, const char *part)
{
    cr_expect(ne(ptr, strstr(heard, part), NULL), "%s, expected %s", heard, part);
}

/* Three messages in S, the second one secret. */
static void fill(struct story *story, const char *fields)
{
    char body[256];
    (void)snprintf(body, sizeof body, "{\"name\":\"S\",\"subjects\":[\"a\"]%s}", fields);
    expect(story_say(story, CREATE, body), "did_create");
    (void)story_say(story, "a", "first");
    (void)story_say(story, "a", SECRET);
    (void)story_say(story, "a", "third");
}

static bool is_on_disk(const struct story *story)
{
    size_t len;
    uint8_t *bytes = sim_disk_bytes(story->disk, "store/$G/S/0000000000000001.seg", &len);
    cr_assert(ne(ptr, bytes, NULL));
    return memmem(bytes, len, SECRET, sizeof SECRET - 1) != NULL;
}

// A message that is deleted without no_erase is gone for readers and from the disk, and stays so after a restart.
Test(stream_erase, a_deleted_message_is_overwritten)
{
    static const struct story_line lines[] = {
        {DELETE, "{\"seq\":2}",
         "{\"type\":\"io.nats.jetstream.api.v1.stream_msg_delete_response\",\"success\":true}"},
        {DELETE, "{\"seq\":2}", "10043,\"description\":\"sequence 2 not found\""},
        {DELETE, "{\"seq\":9}", "10043"},
        {DELETE, "{\"seq\":0}", "10043"},
        {GET, "{\"seq\":2}", "10037"},
        {GET, "{\"seq\":3}", "\"seq\":3"},
        {INFO, "{\"deleted_details\":true}", "\"num_deleted\":1,\"deleted\":[2]"},
    };
    static struct story story;
    story_begin(&story, NULL);
    fill(&story, "");
    cr_expect(is_on_disk(&story));
    STORY_TELL(&story, lines);
    cr_expect(not(is_on_disk(&story)));
    story_restart(&story);
    cr_expect(not(is_on_disk(&story)));
    expect(story_say(&story, INFO, "{\"deleted_details\":true}"), "\"num_deleted\":1,\"deleted\":[2]");
    story_end(&story);
}

// With no_erase the bytes stay where they are.
Test(stream_erase, no_erase_leaves_the_bytes)
{
    static struct story story;
    story_begin(&story, NULL);
    fill(&story, "");
    expect(story_say(&story, DELETE, "{\"seq\":2,\"no_erase\":true}"), "\"success\":true");
    cr_expect(is_on_disk(&story));
    story_end(&story);
}

/* Fills the first segment, of a stream whose segments are packed when they are full. Returns the last sequence. */
static int fill_a_segment(struct story *story, const char *first)
{
    char payload[512];
    int count = 1;
    memset(payload, 'x', sizeof payload - 1);
    payload[sizeof payload - 1] = 0;
    expect(story_say(story, CREATE, "{\"name\":\"S\",\"subjects\":[\"a\"],\"compression\":\"s2\"}"),
           "did_create");
    expect(story_say(story, "a", first), "\"seq\":1");
    for (; count < 60; count++)
        (void)story_say(story, "a", payload);
    (void)story_wait(story, 100 * RILL_NS_PER_MS);
    return count;
}

// When the last message of a packed segment is erased the file goes as a whole, and whoever waits for the bytes is answered.
Test(stream_erase, the_last_of_a_packed_segment_goes_with_its_file)
{
    static const struct sim_options options = {.segment_bytes = 8 * 1024, .index_log_bytes = 4 * 1024};
    static struct story story;
    size_t len;
    char body[64];
    story_begin(&story, &options);
    const int last = fill_a_segment(&story, SECRET);
    for (int i = 2; i < last; i++) {
        (void)snprintf(body, sizeof body, "{\"seq\":%d,\"no_erase\":true}", i);
        expect(story_say(&story, DELETE, body), "\"success\":true");
    }
    expect(story_say(&story, DELETE, "{\"seq\":1}"), "\"success\":true");
    cr_expect(eq(ptr, sim_disk_bytes(story.disk, "store/$G/S/0000000000000001.seg", &len), NULL));
    story_end(&story);
}

/* The n-th call of the disk after the request fails. True when one did. */
static bool fail_call(uint64_t n, enum rill_err err)
{
    static struct faulty_disk faulty;
    static struct story story;
    story = (struct story){.disk = sim_disk_create(1)};
    faulty_disk_init(&faulty, story.disk);
    sim_core_start(&story.sim, &(struct sim_options){.seed = 1, .calm = true, .disk = &faulty.base});
    story_connect(&story);
    fill(&story, "");
    faulty.fail_at = faulty.calls + n;
    faulty.fail_count = 1;
    faulty.err = err;
    const char *heard = story_say(&story, DELETE, "{\"seq\":2}");
    const bool success = strstr(heard, "\"success\":true") != NULL;
    cr_expect(success || strstr(heard, "\"error\":{"), "call %llu: %s", (unsigned long long)n, heard);
    const bool lied = success && is_on_disk(&story);
    cr_expect(not(lied), "call %llu: %s", (unsigned long long)n, heard);
    cr_expect(success || faulty.failed > 0);
    const bool failed = faulty.failed > 0;
    story_end(&story);
    return failed;
}

// Whichever call of the disk fails, and how: success is said when the bytes are gone, and never before.
Test(stream_erase, success_means_that_the_bytes_are_gone)
{
    static const enum rill_err errors[] = {RILL_ERR_IO, RILL_ERR_NO_SPACE};
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        uint64_t n = 1;
        while (fail_call(n, errors[i]))
            n++;
        cr_expect(gt(u64, n, 4)); // a commit, and the overwriting
    }
}

/* The power goes with the n-th operation of the disk after the request. True when there was one. */
static bool crash_at(uint64_t n)
{
    static struct story story;
    story_begin(&story, NULL);
    fill(&story, "");
    sim_disk_crash_at(story.disk, n);
    (void)story_say(&story, DELETE, "{\"seq\":2}");
    const bool crashed = sim_disk_is_off(story.disk);
    if (crashed) {
        sim_core_crash(&story.sim);
        sim_disk_restart(story.disk);
        sim_core_start(&story.sim, &story.options);
        story_connect(&story);
    }
    const bool removed = strstr(story_say(&story, GET, "{\"seq\":2}"), "10037") != NULL;
    cr_expect(eq(int, is_on_disk(&story), !removed), "operation %llu", (unsigned long long)n);
    story_end(&story);
    return crashed;
}

// Wherever a crash comes in between, a message that is removed is overwritten by the next start, without being asked again.
Test(stream_erase, the_next_start_ends_what_a_crash_interrupted)
{
    uint64_t n = 1;
    while (crash_at(n))
        n++;
    cr_expect(gt(u64, n, 4));
}

// What is not on the disk yet is erased when it is.
Test(stream_erase, a_message_of_an_asynchronous_stream_is_awaited)
{
    static struct story story;
    story_begin(&story, NULL);
    fill(&story, ",\"persist_mode\":\"async\"");
    sim_client_publish(story.client, "a", NULL, NULL, RILL_BYTES(SECRET));
    expect(story_say(&story, DELETE, "{\"seq\":4}"), "\"success\":true");
    cr_expect(is_on_disk(&story)); // the second message is still there
    expect(story_say(&story, DELETE, "{\"seq\":2}"), "\"success\":true");
    cr_expect(not(is_on_disk(&story)));
    story_end(&story);
}

// A stream in memory erases, too.
Test(stream_erase, a_stream_in_memory_erases)
{
    static struct story story;
    story_begin(&story, NULL);
    fill(&story, ",\"storage\":\"memory\"");
    expect(story_say(&story, DELETE, "{\"seq\":2}"), "\"success\":true");
    expect(story_say(&story, GET, "{\"seq\":2}"), "10037");
    story_end(&story);
}

// Who asked for a message to be erased hears of it when the stream is deleted meanwhile.
Test(stream_erase, a_stream_that_ends_answers)
{
    static struct story story;
    story_begin(&story, NULL);
    fill(&story, "");
    sim_client_publish(story.client, DELETE, "in", NULL, RILL_BYTES("{\"seq\":2}"));
    const char *heard = story_say(&story, "$JS.API.STREAM.DELETE.S", "");
    expect(heard, "stream_msg_delete_response");
    expect(heard, "stream_delete_response");
    story_end(&story);
}
