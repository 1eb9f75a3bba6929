// SPDX-License-Identifier: Apache-2.0
//
// Streams that keep messages for their consumers only, through the wire: work queues and interest, in stories, and random ones
// beside arrays of who needs what, over restarts and crashes.
#include "consumer_story.h"
#include "seed.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define MADE(name, config)                                                                                   \
    "{\"stream_name\":\"S\",\"config\":{\"durable_name\":\"" name "\",\"ack_policy\":\"explicit\"" config "}}"
#define CREATE(name)         "$JS.API.CONSUMER.CREATE.S." name
#define ACK(name, delivery)  "$JS.ACK.S." name "." delivery ".1.0"
#define STREAM_OF(retention) "{\"name\":\"S\",\"subjects\":[\"ev.>\"],\"retention\":\"" retention "\"}"
#define INFO_S               "$JS.API.STREAM.INFO.S"

// A work queue keeps a message until the one it is for has acknowledged it; an answered acknowledgement has removed it.
Test(retention, a_work_queue_forgets_what_is_acknowledged)
{
    static const struct story_line lines[] = {
        {"$JS.API.STREAM.CREATE.S", STREAM_OF("workqueue"), "did_create"},
        {"ev.a", "1", "\"seq\":1"},
        {"ev.b", "2", "\"seq\":2"},
        {"ev.a", "3", "\"seq\":3"},
        {CREATE("A"), MADE("A", ",\"filter_subject\":\"ev.a\""), "\"num_pending\":2"},
        {"$JS.API.CONSUMER.MSG.NEXT.S.A", "", "(ev.a|1)"},
        {INFO_S, "", "\"messages\":3"},
        {ACK("A", "1.1.1"), "+ACK", "(in|)"},
        {INFO_S, "", "\"messages\":2"},
        {"$JS.API.CONSUMER.MSG.NEXT.S.A", "", "(ev.a|3)"},
        {ACK("A", "1.3.2"), "+TERM", "(in|)"},
        {INFO_S, "", "\"messages\":1,"},
        {"$JS.API.CONSUMER.DELETE.S.A", "", "\"success\":true"},
        {CREATE("B"), MADE("B", ""), "\"num_pending\":1"},
        {"$JS.API.CONSUMER.MSG.NEXT.S.B", "", "(ev.b|2)"},
    };
    static struct story story;
    story_begin(&story, NULL);
    STORY_TELL(&story, lines);
    story_restart(&story);
    static const struct story_line after[] = {{INFO_S, "", "\"messages\":1,"}};
    STORY_TELL(&story, after);
    story_end(&story);
}

// Each message of a work queue is for one consumer, which acknowledges it and begins with the first.
Test(retention, a_work_queue_has_one_consumer_for_each_message)
{
    static const struct story_line lines[] = {
        {"$JS.API.STREAM.CREATE.S", STREAM_OF("workqueue"), "did_create"},
        {CREATE("A"), "{\"stream_name\":\"S\",\"config\":{\"durable_name\":\"A\"}}", "10084"},
        {CREATE("A"), "{\"stream_name\":\"S\",\"config\":{\"durable_name\":\"A\",\"ack_policy\":\"all\"}}",
         "10098"},
        {CREATE("A"), MADE("A", ",\"deliver_policy\":\"new\""), "10101"},
        {CREATE("A"), MADE("A", ",\"filter_subject\":\"ev.a\""), "\"name\":\"A\""},
        {CREATE("B"), MADE("B", ""), "10099"},
        {CREATE("B"), MADE("B", ",\"filter_subject\":\"ev.*\""), "10100"},
        {CREATE("B"), MADE("B", ",\"filter_subjects\":[\"ev.b\",\"ev.a\"]"), "10100"},
        {CREATE("B"), MADE("B", ",\"filter_subject\":\"ev.b\""), "\"name\":\"B\""},
        {CREATE("B"), MADE("B", ",\"filter_subject\":\"ev.>\""), "10100"},
        {CREATE("B"), MADE("B", ",\"filter_subject\":\"ev.c\""), "\"name\":\"B\""},
        {"$JS.API.STREAM.UPDATE.S", STREAM_OF("limits"), "to/from workqueue"},
    };
    static struct story story;
    story_begin(&story, NULL);
    STORY_TELL(&story, lines);
    story_end(&story);
}

// What was delivered too often stays in a work queue, where somebody may look at it.
Test(retention, a_work_queue_keeps_what_is_given_up)
{
    static const struct story_line lines[] = {
        {"$JS.API.STREAM.CREATE.S", STREAM_OF("workqueue"), "did_create"},
        {CREATE("W"), MADE("W", ",\"max_deliver\":1"), "\"name\":\"W\""},
        {"ev.a", "1", "\"seq\":1"},
        {"$JS.API.CONSUMER.MSG.NEXT.S.W", "", "(ev.a|1)"},
        {ACK("W", "1.1.1"), "-NAK", ""},
        {"$JS.API.CONSUMER.INFO.S.W", "", "\"num_ack_pending\":0"},
        {INFO_S, "", "\"messages\":1,"},
    };
    static struct story story;
    story_begin(&story, NULL);
    STORY_TELL(&story, lines);
    story_end(&story);
}

// With interest retention a message stays as long as one of those that it is for has not acknowledged it.
Test(retention, interest_keeps_what_somebody_needs)
{
    static const struct story_line lines[] = {
        {"$JS.API.STREAM.CREATE.S", STREAM_OF("interest"), "did_create"},
        {"ev.a", "1", "\"seq\":1"},
        {INFO_S, "", "\"messages\":0"},
        {CREATE("A"), MADE("A", ",\"filter_subject\":\"ev.a\""), "\"num_pending\":0"},
        {CREATE("B"), MADE("B", ""), "\"num_pending\":0"},
        {"ev.a", "2", "\"seq\":2"},
        {"ev.b", "3", "\"seq\":3"},
        {INFO_S, "", "\"messages\":2"},
        {"$JS.API.CONSUMER.MSG.NEXT.S.B", "", "(ev.a|2)"},
        {ACK("B", "1.2.1"), "+ACK", "(in|)"},
        {INFO_S, "", "\"messages\":2"},
        {"$JS.API.CONSUMER.MSG.NEXT.S.A", "", "(ev.a|2)"},
        {ACK("A", "1.2.1"), "+ACK", "(in|)"},
        {INFO_S, "", "\"messages\":1,"},
        {"$JS.API.CONSUMER.DELETE.S.B", "", "\"success\":true"},
        {INFO_S, "", "\"messages\":0"},
        {"ev.b", "4", "\"seq\":4"},
        {INFO_S, "", "\"messages\":0"},
    };
    static struct story story;
    story_begin(&story, NULL);
    STORY_TELL(&story, lines);
    story_end(&story);
}

// A consumer that nobody uses any more ends, and lets go of what it alone needed; so does one in memory with its broker.
Test(retention, interest_ends_with_a_consumer)
{
    static const struct story_line lines[] = {
        {"$JS.API.STREAM.CREATE.S", STREAM_OF("interest"), "did_create"},
        {CREATE("A"), MADE("A", ""), "\"name\":\"A\""},
        {"$JS.API.CONSUMER.CREATE.S",
         "{\"stream_name\":\"S\",\"config\":{\"ack_policy\":\"explicit\",\"inactive_threshold\":1000000000}}",
         "\"name\":"},
        {CREATE("M"), MADE("M", ",\"mem_storage\":true"), "\"name\":\"M\""},
        {"ev.a", "1", "\"seq\":1"},
        {"$JS.API.CONSUMER.MSG.NEXT.S.A", "", "(ev.a|1)"},
        {ACK("A", "1.1.1"), "+ACK", "(in|)"},
        {INFO_S, "", "\"messages\":1,"},
    };
    static const struct story_line waits[] = {{INFO_S, "", "\"messages\":1,"}};
    static const struct story_line gone[] = {{INFO_S, "", "\"messages\":0"}};
    static struct story story;
    story_begin(&story, NULL);
    STORY_TELL(&story, lines);
    (void)story_wait(&story, 2 * RILL_NS_PER_S);
    STORY_TELL(&story, waits);
    story_restart(&story);
    (void)story_wait(&story, RILL_NS_PER_S);
    STORY_TELL(&story, gone);
    story_end(&story);
}

// Limits and interest may become each other.
Test(retention, interest_may_begin_later)
{
    static const struct story_line lines[] = {
        {"$JS.API.STREAM.CREATE.S", STREAM_OF("limits"), "did_create"},
        {"ev.a", "1", "\"seq\":1"},
        {"ev.b", "2", "\"seq\":2"},
        {"ev.a", "3", "\"seq\":3"},
        {CREATE("A"), MADE("A", ",\"filter_subject\":\"ev.a\""), "\"num_pending\":2"},
        {"$JS.API.CONSUMER.MSG.NEXT.S.A", "", "(ev.a|1)"},
        {ACK("A", "1.1.1"), "+ACK", "(in|)"},
        {INFO_S, "", "\"messages\":3"},
        {"$JS.API.STREAM.UPDATE.S", STREAM_OF("interest"), "\"retention\":\"interest\""},
        {INFO_S, "", "\"messages\":1,"},
        {"$JS.API.STREAM.UPDATE.S", STREAM_OF("limits"), "\"retention\":\"limits\""},
        {"ev.b", "4", "\"seq\":4"},
        {INFO_S, "", "\"messages\":2"},
    };
    static struct story story;
    story_begin(&story, NULL);
    STORY_TELL(&story, lines);
    story_end(&story);
}

// ---- random ones ----

enum { SEEDS = 60, STEPS = 160, SUBJECTS = 3, MESSAGES_MAX = STEPS * 3 + 1, CONSUMERS = 3 };

static const char *const subjects[SUBJECTS] = {"ev.a", "ev.b", "ev.c"};

/* Of a work queue's consumers only the first two, whose filters do not meet. */
static const struct {
    const char *fields;
    bool takes[SUBJECTS];
    bool acks;
} kinds[CONSUMERS] = {
    {"\"ack_policy\":\"explicit\",\"filter_subject\":\"ev.a\"", {true}, true},
    {"\"ack_policy\":\"explicit\",\"filter_subjects\":[\"ev.b\",\"ev.c\"]", {false, true, true}, true},
    {"\"ack_policy\":\"none\",\"mem_storage\":true", {true, true, true}, false},
};

struct plain {
    struct story story;
    struct rill_random random;
    uint64_t seed;
    bool by_interest;
    uint8_t subject[MESSAGES_MAX]; // of each sequence
    bool there[MESSAGES_MAX];
    uint64_t last;
    struct {
        bool exists;
        uint64_t cursor;
        bool out[MESSAGES_MAX]; // delivered and not acknowledged
        bool seen[MESSAGES_MAX];
    } consumers[CONSUMERS];
};

static uint32_t below(struct plain *plain, uint32_t bound)
{
    return rill_random_below(&plain->random, bound);
}

static bool needs(const struct plain *plain, uint32_t consumer, uint64_t sequence)
{
    return plain->consumers[consumer].exists && kinds[consumer].takes[plain->subject[sequence]] &&
           (sequence >= plain->consumers[consumer].cursor || plain->consumers[consumer].out[sequence]);
}

static bool anybody_needs(const struct plain *plain, uint64_t sequence)
{
    bool any = false;
    for (uint32_t i = 0; i < CONSUMERS; i++)
        any |= needs(plain, i, sequence);
    return any;
}

static void forget_unneeded(struct plain *plain)
{
    for (uint64_t i = 1; plain->by_interest && i <= plain->last; i++)
        plain->there[i] &= anybody_needs(plain, i);
}

static void publish(struct plain *plain)
{
    const uint32_t subject = below(plain, SUBJECTS);
    char number[24];
    (void)snprintf(number, sizeof number, "%" PRIu64, plain->last + 1);
    const char *heard = story_say(&plain->story, subjects[subject], number);
    cr_assert(ne(ptr, strstr(heard, "\"seq\":"), NULL), "%s", heard);
    plain->last++;
    plain->subject[plain->last] = (uint8_t)subject;
    plain->there[plain->last] = true;
}

static void make_consumer(struct plain *plain, uint32_t consumer)
{
    char subject[64];
    char body[256];
    if (plain->consumers[consumer].exists)
        return;
    (void)snprintf(subject, sizeof subject, "$JS.API.CONSUMER.CREATE.S.W%u", consumer);
    (void)snprintf(body, sizeof body,
                   "{\"stream_name\":\"S\",\"config\":{\"durable_name\":\"W%u\",\"ack_wait\":1000000000,%s}}",
                   consumer, kinds[consumer].fields);
    const char *heard = story_say(&plain->story, subject, body);
    cr_assert(ne(ptr, strstr(heard, "\"num_pending\""), NULL), "%s", heard);
    memset(&plain->consumers[consumer], 0, sizeof plain->consumers[consumer]);
    plain->consumers[consumer].exists = true;
    plain->consumers[consumer].cursor = 1;
}

static void end_consumer(struct plain *plain, uint32_t consumer)
{
    char subject[64];
    if (!plain->consumers[consumer].exists)
        return;
    (void)snprintf(subject, sizeof subject, "$JS.API.CONSUMER.DELETE.S.W%u", consumer);
    const char *heard = story_say(&plain->story, subject, "");
    cr_assert(ne(ptr, strstr(heard, "\"success\":true"), NULL), "%s", heard);
    plain->consumers[consumer].exists = false;
}

static void note_delivery(struct plain *plain, uint32_t consumer, uint64_t sequence)
{
    cr_assert(le(u64, sequence, plain->last));
    cr_assert(needs(plain, consumer, sequence), "seed %" PRIu64 ": %" PRIu64 " to %u", plain->seed, sequence,
              consumer);
    plain->consumers[consumer].out[sequence] = kinds[consumer].acks;
    plain->consumers[consumer].seen[sequence] = true;
    if (plain->consumers[consumer].cursor <= sequence)
        plain->consumers[consumer].cursor = sequence + 1;
}

/* Returns how many came. */
static uint32_t pull(struct plain *plain, uint32_t consumer)
{
    char subject[64];
    uint32_t count = 0;
    if (!plain->consumers[consumer].exists)
        return 0;
    (void)snprintf(subject, sizeof subject, "$JS.API.CONSUMER.MSG.NEXT.S.W%u", consumer);
    const char *at = story_say(&plain->story, subject, "{\"batch\":4,\"no_wait\":true}");
    while ((at = strstr(at, "(ev."))) {
        at += sizeof "(ev.a|" - 1;
        note_delivery(plain, consumer, strtoull(at, NULL, 10));
        count++;
    }
    if (!kinds[consumer].acks) // what nobody waits for is not committed at once
        (void)story_wait(&plain->story, 100 * RILL_NS_PER_MS);
    return count;
}

static void acknowledge(struct plain *plain, uint32_t consumer, uint64_t sequence, const char *body)
{
    char subject[64];
    (void)snprintf(subject, sizeof subject, "$JS.ACK.S.W%u.1.%" PRIu64 ".1.1.0", consumer, sequence);
    const char *heard = story_say(&plain->story, subject, body);
    cr_assert(eq(str, (char *)heard, "(in|)"), "seed %" PRIu64, plain->seed);
    plain->consumers[consumer].out[sequence] = false;
    if (!plain->by_interest)
        plain->there[sequence] = false;
}

static void acknowledge_some(struct plain *plain, uint32_t consumer)
{
    for (uint64_t i = 1; i <= plain->last; i++) {
        if (plain->consumers[consumer].exists && plain->consumers[consumer].out[i] && below(plain, 3) == 0)
            acknowledge(plain, consumer, i, below(plain, 4) ? "+ACK" : "+TERM");
    }
}

static void compare(struct plain *plain)
{
    char body[64];
    (void)story_wait(&plain->story, 100 * RILL_NS_PER_MS);
    forget_unneeded(plain);
    for (uint64_t i = 1; i <= plain->last; i++) {
        (void)snprintf(body, sizeof body, "{\"seq\":%" PRIu64 "}", i);
        const char *heard = story_say(&plain->story, "$JS.API.STREAM.MSG.GET.S", body);
        cr_assert(eq(int, strstr(heard, "\"error\"") == NULL, plain->there[i]),
                  "seed %" PRIu64 ": %" PRIu64 " is %s", plain->seed, i, heard);
    }
}

static void restart(struct plain *plain)
{
    story_restart(&plain->story);
    (void)story_wait(&plain->story, 100 * RILL_NS_PER_MS);
    for (uint32_t i = 0; i < CONSUMERS; i++)
        plain->consumers[i].exists &= kinds[i].acks; // the others are in memory
}

static void step(struct plain *plain)
{
    const uint32_t what = below(plain, 100);
    const uint32_t consumer = below(plain, plain->by_interest ? CONSUMERS : 2);
    if (what < 35)
        publish(plain);
    else if (what < 55)
        (void)pull(plain, consumer);
    else if (what < 75)
        acknowledge_some(plain, consumer);
    else if (what < 82)
        (void)story_wait(&plain->story, below(plain, 1500) * RILL_NS_PER_MS);
    else if (what < 90)
        make_consumer(plain, consumer);
    else if (what < 93)
        end_consumer(plain, consumer);
    else if (what < 97)
        compare(plain);
    else
        restart(plain);
    forget_unneeded(plain);
}

static void begin(struct plain *plain, uint64_t seed)
{
    const struct sim_options options = {
        .segment_bytes = 8 * 1024, .cache_bytes_max = 512, .index_log_bytes = 4 * 1024};
    *plain = (struct plain){.seed = seed, .random.state = seed, .by_interest = seed % 2};
    story_begin(&plain->story, &options);
    const char *heard = story_say(&plain->story, "$JS.API.STREAM.CREATE.S",
                                  plain->by_interest ? STREAM_OF("interest") : STREAM_OF("workqueue"));
    cr_assert(ne(ptr, strstr(heard, "did_create"), NULL), "%s", heard);
}

// What is in the stream is what somebody still needs, whatever comes and goes.
Test(retention, agrees_with_arrays)
{
    static struct plain plain;
    const struct seed_range seeds = seed_range(SEEDS);
    for (uint64_t seed = seeds.first; seed <= seeds.last; seed++) {
        begin(&plain, seed);
        for (uint32_t i = 0; i < STEPS; i++)
            step(&plain);
        compare(&plain);
        story_end(&plain.story);
    }
}
