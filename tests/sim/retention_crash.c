// SPDX-License-Identifier: Apache-2.0
//
// Work queues and interest on a disk that loses power, or a broker that is killed, at any operation, and a disk that is full at times: a message is seen by each
// consumer that it is for, whatever was removed; one whose acknowledgement was answered does not come again; and when all have
// acknowledged everything, nothing is left.
#include "seed.h"
#include "story.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { SEEDS = 300, STEPS = 120, SUBJECTS = 3, MESSAGES_MAX = STEPS + 1, CONSUMERS = 3, ROUNDS_MAX = 400 };

static const char *const subjects[SUBJECTS] = {"ev.a", "ev.b", "ev.c"};

/* Each message of a work queue is for one of the first two. The third is only there with interest. */
static const struct {
    const char *fields;
    bool takes[SUBJECTS];
} kinds[CONSUMERS] = {
    {",\"filter_subject\":\"ev.a\"", {true}},
    {",\"filter_subjects\":[\"ev.b\",\"ev.c\"]", {false, true, true}},
    {"", {true, true, true}},
};

struct world {
    struct story story;
    struct rill_random random;
    uint64_t seed;
    uint32_t consumers;
    uint32_t crashes;
    uint32_t last;                      // message published
    uint8_t subject[MESSAGES_MAX];      // of each message
    uint64_t sequence[MESSAGES_MAX];    // as acknowledged; 0: not yet
    bool seen[CONSUMERS][MESSAGES_MAX]; // delivered
    bool done[CONSUMERS][MESSAGES_MAX]; // the acknowledgement was answered
};

static uint32_t below(struct world *world, uint32_t bound)
{
    return rill_random_below(&world->random, bound);
}

/* Was the power gone? Then the broker begins anew. */
static bool look_at_power(struct world *world)
{
    struct story *story = &world->story;
    if (!sim_disk_is_off(story->disk))
        return false;
    world->crashes++;
    story_come_back(story, below(world, 2));
    (void)story_wait(story, 100 * RILL_NS_PER_MS);
    return true;
}

/* Until there is an answer: an id makes one message of all tries. */
static void publish_until_acknowledged(struct world *world, uint32_t number)
{
    char id[64];
    char payload[24];
    (void)snprintf(id, sizeof id, "Nats-Msg-Id: %u", number);
    (void)snprintf(payload, sizeof payload, "%u", number);
    for (int i = 0; world->sequence[number] == 0; i++) {
        cr_assert(lt(int, i, 100), "seed %" PRIu64 ": %s", world->seed, world->story.heard);
        const char *heard = story_say_with(&world->story, subjects[world->subject[number]], id, payload);
        const char *at = strstr(heard, "\"seq\":");
        if (at)
            world->sequence[number] = strtoull(at + sizeof "\"seq\":" - 1, NULL, 10);
        sim_disk_set_capacity(world->story.disk, 0); // there is room again
        // An index that a start had to throw away is made anew by the next one.
        if (!world->sequence[number] && !look_at_power(world))
            story_restart(&world->story);
    }
}

static void publish(struct world *world)
{
    world->subject[++world->last] = (uint8_t)below(world, SUBJECTS);
    publish_until_acknowledged(world, world->last);
}

static void note_delivery(struct world *world, uint32_t consumer, uint32_t number)
{
    cr_assert(not(eq(u32, number, 0)));
    cr_assert(le(u32, number, world->last));
    cr_assert(eq(int, world->done[consumer][number], false), "seed %" PRIu64 ": %u came again to %u",
              world->seed, number, consumer);
    cr_assert(eq(int, kinds[consumer].takes[world->subject[number]], true), "seed %" PRIu64, world->seed);
    world->seen[consumer][number] = true;
}

/* Returns how many came. */
static uint32_t pull(struct world *world, uint32_t consumer)
{
    char subject[64];
    uint32_t count = 0;
    (void)snprintf(subject, sizeof subject, "$JS.API.CONSUMER.MSG.NEXT.S.W%u", consumer);
    const char *at = story_say(&world->story, subject, "{\"batch\":5,\"no_wait\":true}");
    while ((at = strstr(at, "Nats-Msg-Id: "))) {
        at += sizeof "Nats-Msg-Id: " - 1;
        note_delivery(world, consumer, (uint32_t)strtoul(at, NULL, 10));
        count++;
    }
    return count;
}

static void acknowledge(struct world *world, uint32_t consumer, uint32_t number)
{
    char subject[64];
    (void)snprintf(subject, sizeof subject, "$JS.ACK.S.W%u.1.%" PRIu64 ".1.1.0", consumer,
                   world->sequence[number]);
    const char *heard = story_say(&world->story, subject, "+ACK");
    world->done[consumer][number] |= strcmp(heard, "(in|)") == 0;
}

/* `chance` of a hundred, of those that were seen. */
static void acknowledge_some(struct world *world, uint32_t consumer, uint32_t chance)
{
    for (uint32_t i = 1; i <= world->last; i++) {
        if (world->seen[consumer][i] && !world->done[consumer][i] && below(world, 100) < chance)
            acknowledge(world, consumer, i);
    }
}

static void step(struct world *world)
{
    const uint32_t what = below(world, 100);
    const uint32_t consumer = below(world, world->consumers);
    if (what < 40)
        publish(world);
    else if (what < 65)
        (void)pull(world, consumer);
    else if (what < 85)
        acknowledge_some(world, consumer, 30);
    else if (what < 90)
        (void)story_wait(&world->story, below(world, 1500) * RILL_NS_PER_MS);
    else if (what < 94)
        sim_disk_set_capacity(world->story.disk,
                              below(world, 2) ? sim_disk_used(world->story.disk) + below(world, 500) : 0);
    else
        sim_disk_crash_at(world->story.disk, 1 + below(world, 30));
    (void)look_at_power(world);
}

static void begin(struct world *world, uint64_t seed)
{
    const bool by_interest = seed % 2;
    const struct sim_options options = {
        .segment_bytes = 8 * 1024, .cache_bytes_max = 512, .index_log_bytes = 4 * 1024};
    char body[256];
    *world = (struct world){.seed = seed, .random.state = seed, .consumers = by_interest ? 3 : 2};
    story_begin(&world->story, &options);
    (void)snprintf(body, sizeof body, "{\"name\":\"S\",\"subjects\":[\"ev.>\"],\"retention\":\"%s\"}",
                   by_interest ? "interest" : "workqueue");
    (void)story_say(&world->story, "$JS.API.STREAM.CREATE.S", body);
    for (uint32_t i = 0; i < world->consumers; i++) {
        char subject[64];
        (void)snprintf(subject, sizeof subject, "$JS.API.CONSUMER.CREATE.S.W%u", i);
        (void)snprintf(body, sizeof body,
                       "{\"stream_name\":\"S\",\"config\":{\"durable_name\":\"W%u\",\"ack_policy\":"
                       "\"explicit\",\"ack_wait\":"
                       "1000000000%s}}",
                       i, kinds[i].fields);
        const char *heard = story_say(&world->story, subject, body);
        cr_assert(ne(ptr, strstr(heard, "\"num_pending\":0"), NULL), "%s", heard);
    }
}

/* Everything is taken and acknowledged. */
static void finish(struct world *world)
{
    uint32_t idle = 0;
    sim_disk_crash_at(world->story.disk, 0);
    sim_disk_set_capacity(world->story.disk, 0);
    for (uint32_t round = 0; idle < 2; round++) {
        uint32_t count = 0;
        cr_assert(lt(u32, round, ROUNDS_MAX), "seed %" PRIu64, world->seed);
        for (uint32_t i = 0; i < world->consumers; i++) {
            count += pull(world, i);
            acknowledge_some(world, i, 100);
        }
        idle = count ? 0 : idle + 1;
        if (!count)
            (void)story_wait(&world->story, 1100 * RILL_NS_PER_MS);
    }
}

static void check_the_end(struct world *world)
{
    for (uint32_t i = 1; i <= world->last; i++) {
        for (uint32_t k = 0; k < world->consumers; k++)
            cr_assert(eq(int, world->seen[k][i], kinds[k].takes[world->subject[i]]),
                      "seed %" PRIu64 ": %u to %u", world->seed, i, k);
    }
    const char *heard = story_say(&world->story, "$JS.API.STREAM.INFO.S", "");
    cr_assert(ne(ptr, strstr(heard, "\"messages\":0,"), NULL), "seed %" PRIu64 ": %s", world->seed, heard);
}

// At any crash: none goes before all have it, none comes again that is done, and none stays.
Test(retention_crash, each_message_goes_when_all_have_it)
{
    static struct world world;
    const struct seed_range seeds = seed_range(SEEDS);
    uint32_t crashes = 0;
    for (uint64_t seed = seeds.first; seed <= seeds.last; seed++) {
        begin(&world, seed);
        for (uint32_t i = 0; i < STEPS; i++)
            step(&world);
        finish(&world);
        check_the_end(&world);
        crashes += world.crashes;
        story_end(&world.story);
    }
    cr_expect(gt(u32, crashes, seeds.last - seeds.first));
}
