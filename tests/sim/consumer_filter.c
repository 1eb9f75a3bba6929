// SPDX-License-Identifier: Apache-2.0
//
// Consumers that are to see a part of their stream only, through the wire: stories, and random ones beside an array of what
// each subject has.
#include "consumer_story.h"
#include "seed.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define MADE(config)                                                                                         \
    "{\"stream_name\":\"S\",\"config\":{\"durable_name\":\"W\",\"ack_policy\":\"explicit\"," config "}}"
#define CREATE_W  "$JS.API.CONSUMER.CREATE.S.W"
#define INFO_W    "$JS.API.CONSUMER.INFO.S.W"
#define ALL_THERE "{\"batch\":100,\"no_wait\":true}"

static void expect_pull(struct story *story, const char *expected)
{
    const char *heard = story_pull(story, ALL_THERE);
    cr_expect(eq(str, (char *)heard, (char *)expected));
}

// What a filter does not take is never delivered, and never counted.
Test(consumer_filter, only_what_matches_is_delivered)
{
    static struct story story;
    static const struct story_line info[] = {{INFO_W, "", "\"num_pending\":3"}};
    static const struct story_line after[] = {{INFO_W, "", "\"num_pending\":0"}};
    consumer_story_begin(&story, "\"ack_policy\":\"explicit\",\"filter_subject\":\"ev.*.a\"");
    for (int i = 0; i < 3; i++) {
        (void)story_say(&story, "ev.1.a", "one");
        (void)story_say(&story, "ev.1.b", "no");
        (void)story_say(&story, "ev.a", "no");
    }
    STORY_TELL(&story, info);
    expect_pull(
        &story,
        "(ev.1.a|one)(ev.1.a|one)(ev.1.a|one)"
        "(pull|NATS/1.0 408 Request Timeout\r\nNats-Pending-Messages: 97\r\nNats-Pending-Bytes: 0\r\n\r\n)");
    STORY_TELL(&story, after);
    (void)story_say(&story, "ev.1.b", "no");
    expect_pull(&story, "(pull|NATS/1.0 404 No Messages\r\n\r\n)");
    story_end(&story);
}

// A pull that waits is served by the first message that matches, and by no other.
Test(consumer_filter, a_waiting_pull_is_served_by_what_matches)
{
    static struct story story;
    consumer_story_begin(&story, "\"ack_policy\":\"none\",\"filter_subjects\":[\"ev.a\",\"ev.b.>\"]");
    (void)story_pull(&story, "{\"batch\":2,\"expires\":60000000000}");
    cr_expect(eq(str, (char *)story_say(&story, "ev.c", "no"), "(in|{\"stream\":\"S\",\"seq\":1})"));
    cr_expect(ne(ptr, strstr(story_say(&story, "ev.a", "yes"), "(ev.a|yes)"), NULL));
    cr_expect(ne(ptr, strstr(story_say(&story, "ev.b.x.y", "too"), "(ev.b.x.y|too)"), NULL));
    story_end(&story);
}

// A filter may be changed: what was passed over stays so, what comes goes by the new one.
Test(consumer_filter, it_may_be_changed)
{
    static struct story story;
    static const struct story_line change[] = {
        {CREATE_W, MADE("\"filter_subject\":\"ev.b\""), "\"num_pending\":1"},
        {CREATE_W, MADE("\"filter_subject\":\"elsewhere\""), "10093"},
    };
    consumer_story_begin(&story, "\"ack_policy\":\"explicit\",\"filter_subject\":\"ev.a\"");
    (void)story_say(&story, "ev.b", "b1");
    (void)story_say(&story, "ev.a", "a1");
    (void)story_pull(&story, "1");
    (void)story_say(&story, "ev.a", "a2");
    (void)story_say(&story, "ev.b", "b2");
    STORY_TELL(&story, change);
    cr_expect(ne(ptr, strstr(story_pull(&story, "1"), "(ev.b|b2)"), NULL));
    story_end(&story);
}

/* Each number twice, and the second time in another order. */
static void publish_numbers(struct story *story, int count)
{
    for (int i = 0; i < 2 * count; i++) {
        char subject[32];
        (void)snprintf(subject, sizeof subject, "ev.%d", i < count ? i : (i * 7) % count);
        (void)story_say(story, subject, i < count ? "old" : "last");
    }
}

// The last message of many subjects is found in several steps, and what is removed of them is not counted.
Test(consumer_filter, the_last_of_many_subjects)
{
    enum { COUNT = 1800 };
    static struct story story;
    static const struct story_line lines[] = {
        {"$JS.API.CONSUMER.CREATE.S.W",
         MADE("\"deliver_policy\":\"last_per_subject\",\"max_ack_pending\":5000,\"filter_subject\":\"ev.*\""),
         "\"num_pending\":1800"},
        {"$JS.API.STREAM.PURGE.S", "{\"seq\":1901}", "\"success\":true"},
    };
    static const struct story_line after[] = {{INFO_W, "", "\"num_pending\":1700"}};
    story_begin(&story, NULL);
    (void)story_say(&story, "$JS.API.STREAM.CREATE.S", "{\"name\":\"S\",\"subjects\":[\"ev.>\"]}");
    publish_numbers(&story, COUNT);
    STORY_TELL(&story, lines);
    (void)story_wait(&story, RILL_NS_PER_S);
    STORY_TELL(&story, after);
    const char *heard = story_pull(&story, "{\"batch\":2000,\"no_wait\":true}");
    cr_expect(eq(ptr, strstr(heard, "|old)"), NULL));
    cr_expect(ne(ptr, strstr(heard, "Nats-Pending-Messages: 300\r\n"), NULL));
    story_end(&story);
}

// The list of what is still to come outlives the broker.
Test(consumer_filter, the_list_is_there_after_a_restart)
{
    static struct story story;
    static const struct story_line lines[] = {
        {"$JS.API.CONSUMER.CREATE.S.W",
         MADE("\"deliver_policy\":\"last_per_subject\",\"filter_subject\":\"ev.*\""), "\"num_pending\":3"}};
    story_begin(&story, NULL);
    (void)story_say(&story, "$JS.API.STREAM.CREATE.S", "{\"name\":\"S\",\"subjects\":[\"ev.>\"]}");
    publish_numbers(&story, 3);
    STORY_TELL(&story, lines);
    (void)story_pull(&story, "1");
    (void)story_say(&story, "ev.1", "new");
    story_restart(&story);
    expect_pull(&story, "(ev.1|last)(ev.2|last)(ev.1|new)"
                        "(pull|NATS/1.0 408 Request Timeout\r\nNats-Pending-Messages: "
                        "97\r\nNats-Pending-Bytes: 0\r\n\r\n)");
    story_end(&story);
}

// ---- random ones ----

enum { SEEDS = 40, STEPS = 220, SUBJECTS = 6, MESSAGES_MAX = STEPS * 4 + 1, CONSUMERS = 4 };

static const char *const subjects[SUBJECTS] = {"ev.a", "ev.b", "ev.a.x", "ev.b.x", "ev.a.y", "ev.c"};

/* A filter, and which of the subjects it takes. */
static const struct {
    const char *fields;
    bool takes[SUBJECTS];
} filters[] = {
    {"\"filter_subject\":\"ev.a\"", {true}},
    {"\"filter_subject\":\"ev.*\"", {true, true, false, false, false, true}},
    {"\"filter_subjects\":[\"ev.*.x\",\"ev.c\"]", {false, false, true, true, false, true}},
    {"\"filter_subject\":\"ev.a.>\"", {false, false, true, false, true}},
    {"\"filter_subject\":\"ev.>\"", {true, true, true, true, true, true}},
    {"\"filter_subject\":\"ev.none\"", {false}},
};

struct plain {
    struct story story;
    struct rill_random random;
    uint64_t seed;
    uint8_t subject[MESSAGES_MAX]; // of each sequence
    bool there[MESSAGES_MAX];
    int64_t time_ns[MESSAGES_MAX];
    uint64_t last;
    struct {
        uint32_t filter;
        uint64_t cursor;
        uint64_t listed_to; // up to it only what is listed
        bool listed[MESSAGES_MAX];
    } consumers[CONSUMERS];
};

static uint32_t below(struct plain *plain, uint32_t bound)
{
    return rill_random_below(&plain->random, bound);
}

static void publish(struct plain *plain)
{
    for (uint32_t i = below(plain, 4); i > 0; i--) {
        const uint32_t subject = below(plain, SUBJECTS);
        char number[24];
        (void)snprintf(number, sizeof number, "%" PRIu64, plain->last + 1);
        (void)story_say(&plain->story, subjects[subject], number);
        plain->last++;
        plain->subject[plain->last] = (uint8_t)subject;
        plain->there[plain->last] = true;
        plain->time_ns[plain->last] = plain->story.sim.now.wall_ns;
    }
}

static void remove_some(struct plain *plain)
{
    char body[64];
    const uint64_t sequence = 1 + below(plain, (uint32_t)plain->last + 1);
    if (below(plain, 8)) {
        (void)snprintf(body, sizeof body, "{\"seq\":%" PRIu64 ",\"no_erase\":true}", sequence);
        (void)story_say(&plain->story, "$JS.API.STREAM.MSG.DELETE.S", body);
        plain->there[sequence] = false;
        return;
    }
    (void)snprintf(body, sizeof body, "{\"seq\":%" PRIu64 "}", sequence);
    (void)story_say(&plain->story, "$JS.API.STREAM.PURGE.S", body);
    for (uint64_t i = 0; i < sequence; i++)
        plain->there[i] = false;
}

static bool takes(const struct plain *plain, uint32_t consumer, uint64_t sequence)
{
    return filters[plain->consumers[consumer].filter].takes[plain->subject[sequence]];
}

static bool is_for(const struct plain *plain, uint32_t consumer, uint64_t sequence)
{
    if (sequence <= plain->consumers[consumer].listed_to && !plain->consumers[consumer].listed[sequence])
        return false;
    return plain->there[sequence] && takes(plain, consumer, sequence);
}

static uint64_t pending_of(const struct plain *plain, uint32_t consumer)
{
    uint64_t count = 0;
    for (uint64_t i = plain->consumers[consumer].cursor; i <= plain->last; i++)
        count += is_for(plain, consumer, i);
    return count;
}

static void look(struct plain *plain, uint32_t consumer)
{
    char subject[64];
    char expected[64];
    (void)snprintf(subject, sizeof subject, "$JS.API.CONSUMER.INFO.S.W%u", consumer);
    (void)snprintf(expected, sizeof expected, "\"num_pending\":%" PRIu64 ",", pending_of(plain, consumer));
    const char *heard = story_say(&plain->story, subject, "");
    cr_assert(ne(ptr, strstr(heard, expected), NULL), "seed %" PRIu64 ": %s is not in %s", plain->seed,
              expected, heard);
}

/* A few at once: those that the naive one would give, and then the status. */
static void pull(struct plain *plain, uint32_t consumer)
{
    char subject[64];
    char expected[1024] = "";
    size_t len = 0;
    const uint32_t batch = 1 + below(plain, 6);
    uint64_t *cursor = &plain->consumers[consumer].cursor;
    uint32_t count = 0;
    for (; count < batch && *cursor <= plain->last; ++*cursor) {
        if (!is_for(plain, consumer, *cursor))
            continue;
        len += (size_t)snprintf(expected + len, sizeof expected - len, "(%s|%" PRIu64 ")",
                                subjects[plain->subject[*cursor]], *cursor);
        count++;
    }
    (void)snprintf(subject, sizeof subject, "$JS.API.CONSUMER.MSG.NEXT.S.W%u", consumer);
    char body[64];
    (void)snprintf(body, sizeof body, "{\"batch\":%u,\"no_wait\":true}", batch);
    const char *heard = story_say(&plain->story, subject, body);
    cr_assert(eq(int, strncmp(heard, expected, len), 0), "seed %" PRIu64 ": %s, expected %s", plain->seed,
              heard, expected);
    cr_assert(eq(int, heard[len] != 0, count < batch), "seed %" PRIu64 ": %s after %s", plain->seed, heard,
              expected);
}

// ---- where they begin ----

static void begin_at_last(struct plain *plain, uint32_t consumer)
{
    uint64_t *cursor = &plain->consumers[consumer].cursor;
    for (*cursor = plain->last; *cursor > 1; --*cursor) {
        if (plain->there[*cursor] && takes(plain, consumer, *cursor))
            return;
    }
    *cursor = 1;
}

static void begin_with_last_of_each(struct plain *plain, uint32_t consumer)
{
    bool found[SUBJECTS] = {false};
    plain->consumers[consumer].listed_to = plain->last;
    memset(plain->consumers[consumer].listed, 0, sizeof plain->consumers[consumer].listed);
    for (uint64_t i = plain->last; i > 0; i--) {
        const uint8_t subject = plain->subject[i];
        plain->consumers[consumer].listed[i] = plain->there[i] && !found[subject];
        found[subject] |= plain->there[i];
    }
}

/* At a message, or a little behind it. Says it in the request. */
static void begin_at_time(struct plain *plain, uint32_t consumer, char *text, size_t size)
{
    struct tm parts;
    const uint64_t some = below(plain, (uint32_t)plain->last + 1);
    const int64_t at_ns = (some ? plain->time_ns[some] : RILL_NS_PER_S) + below(plain, 2);
    const time_t seconds = (time_t)(at_ns / RILL_NS_PER_S);
    char day[64];
    cr_assert(ne(ptr, gmtime_r(&seconds, &parts), NULL));
    cr_assert(gt(sz, strftime(day, sizeof day, "%Y-%m-%dT%H:%M:%S", &parts), 0));
    (void)snprintf(text, size, "\"by_start_time\",\"opt_start_time\":\"%s.%09dZ\"", day,
                   (int)(at_ns % RILL_NS_PER_S));
    uint64_t *cursor = &plain->consumers[consumer].cursor;
    while (*cursor <= plain->last && plain->time_ns[*cursor] < at_ns)
        ++*cursor;
}

/* What follows "deliver_policy". */
static void choose_start(struct plain *plain, uint32_t consumer, char *text, size_t size)
{
    static const char *const policies[] = {"\"all\"", "\"new\"", "\"last\"", "\"last_per_subject\""};
    const uint32_t policy = below(plain, 5);
    plain->consumers[consumer].cursor = 1;
    plain->consumers[consumer].listed_to = 0;
    if (policy == 4) {
        begin_at_time(plain, consumer, text, size);
        return;
    }
    (void)snprintf(text, size, "%s", policies[policy]);
    if (policy == 1)
        plain->consumers[consumer].cursor = plain->last + 1;
    else if (policy == 2)
        begin_at_last(plain, consumer);
    else if (policy == 3)
        begin_with_last_of_each(plain, consumer);
}

static void make_consumer(struct plain *plain, uint32_t consumer)
{
    char subject[64];
    char start[128];
    char body[512];
    const uint32_t count = sizeof filters / sizeof filters[0];
    plain->consumers[consumer].filter = below(plain, count);
    choose_start(plain, consumer, start, sizeof start);
    (void)snprintf(subject, sizeof subject, "$JS.API.CONSUMER.DELETE.S.W%u", consumer);
    (void)story_say(&plain->story, subject, "");
    (void)snprintf(subject, sizeof subject, "$JS.API.CONSUMER.CREATE.S.W%u", consumer);
    (void)snprintf(body, sizeof body,
                   "{\"stream_name\":\"S\",\"config\":{\"durable_name\":\"W%u\",\"deliver_policy\":%s,%s}}",
                   consumer, start, filters[plain->consumers[consumer].filter].fields);
    const char *heard = story_say(&plain->story, subject, body);
    cr_assert(ne(ptr, strstr(heard, "\"num_pending\""), NULL), "%s", heard);
    look(plain, consumer);
}

static void step(struct plain *plain)
{
    const uint32_t what = below(plain, 100);
    const uint32_t consumer = below(plain, CONSUMERS);
    if (what < 40)
        publish(plain);
    else if (what < 50)
        remove_some(plain);
    else if (what < 70)
        look(plain, consumer);
    else if (what < 92)
        pull(plain, consumer);
    else if (what < 94)
        (void)story_wait(&plain->story, below(plain, 12) * RILL_NS_PER_S);
    else if (what < 98)
        make_consumer(plain, consumer);
    else
        story_restart(&plain->story);
}

// Whatever is published, removed and restarted: a consumer sees what matches, in order, and knows how much there is.
Test(consumer_filter, agrees_with_an_array)
{
    static struct plain plain;
    const struct seed_range seeds = seed_range(SEEDS);
    const struct sim_options options = {
        .segment_bytes = 8 * 1024, .cache_bytes_max = 512, .index_log_bytes = 4 * 1024};
    for (uint64_t seed = seeds.first; seed <= seeds.last; seed++) {
        plain = (struct plain){.seed = seed, .random.state = seed};
        story_begin(&plain.story, &options);
        const char *heard =
            story_say(&plain.story, "$JS.API.STREAM.CREATE.S", "{\"name\":\"S\",\"subjects\":[\"ev.>\"]}");
        cr_assert(ne(ptr, strstr(heard, "did_create"), NULL));
        for (uint32_t i = 0; i < CONSUMERS; i++)
            make_consumer(&plain, i);
        for (uint32_t i = 0; i < STEPS; i++)
            step(&plain);
        story_end(&plain.story);
    }
}
