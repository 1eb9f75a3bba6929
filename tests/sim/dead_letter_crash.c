// SPDX-License-Identifier: Apache-2.0
//
// Dead letters on a disk that loses power, or under a broker that is killed, at any operation, and on one that is full at times.
// A message is acknowledged, or owed by its consumer, or there is a letter of it: never nothing, and never two letters. Where the
// consumer's own stream with limits keeps the letters, giving up and storing are one commit: never both, either.
#include "durable.h"
#include "seed.h"
#include "story.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { SEEDS = 300, STEPS = 100, MESSAGES_MAX = STEPS + 1, ROUNDS_MAX = 400 };

struct world {
    struct story story;
    struct rill_random random;
    uint64_t seed;
    bool own;   // the stream keeps the letters itself
    bool queue; // it is a work queue
    uint32_t crashes;
    uint32_t last;                   // message published
    uint64_t sequence[MESSAGES_MAX]; // as acknowledged
    bool out[MESSAGES_MAX];          // delivered, and not done as far as the client knows
    bool tried[MESSAGES_MAX];        // it was acknowledged
    bool done[MESSAGES_MAX];         // in time, and that was answered
    bool has_letter[MESSAGES_MAX];   // since a crash
};

static uint32_t below(struct world *world, uint32_t bound)
{
    return rill_random_below(&world->random, bound);
}

// ---- what there is ----

static const char *letters_stream(const struct world *world)
{
    return world->own ? "S" : "DEAD";
}

/* How many letters there are of each message. */
static void count_letters(struct world *world, uint32_t count[MESSAGES_MAX])
{
    char subject[64];
    char body[256];
    memset(count, 0, MESSAGES_MAX * sizeof *count);
    (void)snprintf(subject, sizeof subject, "$JS.API.CONSUMER.CREATE.%s.audit", letters_stream(world));
    (void)snprintf(body, sizeof body,
                   "{\"stream_name\":\"%s\",\"config\":{\"name\":\"audit\",\"mem_storage\":true,%s}}",
                   letters_stream(world),
                   world->own && world->queue ? "\"filter_subject\":\"dead.W\",\"ack_policy\":\"explicit\""
                                              : "\"filter_subject\":\"dead.W\"");
    const char *heard = story_say(&world->story, subject, body);
    cr_assert(ne(ptr, strstr(heard, "\"num_pending\""), NULL), "%s", heard);
    (void)snprintf(subject, sizeof subject, "$JS.API.CONSUMER.MSG.NEXT.%s.audit", letters_stream(world));
    const char *at = story_say(&world->story, subject, "{\"batch\":1000,\"no_wait\":true}");
    while ((at = strstr(at, "Rill-Sequence: "))) {
        at += sizeof "Rill-Sequence: " - 1;
        for (uint32_t i = 1; i <= world->last; i++)
            count[i] += world->sequence[i] == strtoull(at, NULL, 10);
    }
    (void)snprintf(subject, sizeof subject, "$JS.API.CONSUMER.DELETE.%s.audit", letters_stream(world));
    (void)story_say(&world->story, subject, "");
}

static const struct consumer *the_consumer(struct world *world)
{
    const struct stream *stream = stream_find(world->story.sim.core->jetstream, RILL_BYTES("S"));
    return durable_find(stream, RILL_BYTES("W"))->consumer;
}

/* Is it outstanding, or still to come? */
static bool is_owed(struct world *world, uint64_t sequence)
{
    const struct consumer *consumer = the_consumer(world);
    return sequence >= consumer->cursor || outstanding_find(&consumer->outstanding, sequence);
}

/* Has nobody given it up so far? */
static bool is_in_time(struct world *world, uint64_t sequence)
{
    const struct outstanding *entry = outstanding_find(&the_consumer(world)->outstanding, sequence);
    return entry && !entry->told && !entry->terminated;
}

/* After a crash. What was acknowledged without an answer may be done or not. */
static void check_what_is_left(struct world *world)
{
    uint32_t letters[MESSAGES_MAX];
    bool owed[MESSAGES_MAX];
    for (uint32_t i = 1; i <= world->last; i++)
        owed[i] = is_owed(world, world->sequence[i]);
    count_letters(world, letters);
    for (uint32_t i = 1; i <= world->last; i++) {
        const bool both = owed[i] && letters[i];
        cr_assert(le(u32, letters[i], 1), "seed %" PRIu64 ": %u letters of %u", world->seed, letters[i], i);
        cr_assert(owed[i] || letters[i] || world->tried[i], "seed %" PRIu64 ": %u is lost", world->seed, i);
        cr_assert(le(u32, letters[i], world->done[i] ? 0 : 1), "seed %" PRIu64 ": %u", world->seed, i);
        world->has_letter[i] = letters[i];
        if (world->own && !world->queue)
            cr_assert(eq(int, both, false), "seed %" PRIu64 ": %u is both", world->seed, i);
    }
}

/* Was the power gone? Then the broker begins anew. */
static bool look_at_power(struct world *world)
{
    struct story *story = &world->story;
    if (!sim_disk_is_off(story->disk))
        return false;
    world->crashes++;
    story_come_back(story, below(world, 2));
    check_what_is_left(world);
    return true;
}

// ---- what happens ----

/* Until there is an answer: an id makes one message of all tries. */
static void publish(struct world *world)
{
    char id[64];
    const uint32_t number = ++world->last;
    (void)snprintf(id, sizeof id, "Nats-Msg-Id: %u", number);
    world->sequence[number] = UINT64_MAX; // to come
    for (int i = 0; world->sequence[number] == UINT64_MAX; i++) {
        cr_assert(lt(int, i, 100), "seed %" PRIu64 ": %s", world->seed, world->story.heard);
        const char *at = strstr(story_say_with(&world->story, "ev.a", id, "x"), "\"seq\":");
        const uint64_t sequence = at ? strtoull(at + sizeof "\"seq\":" - 1, NULL, 10) : 0;
        sim_disk_set_capacity(world->story.disk, 0); // there is room again
        if (sequence)
            world->sequence[number] = sequence;
        else if (!look_at_power(world))
            story_restart(&world->story);
    }
}

/* Returns how many came. */
static uint32_t pull(struct world *world)
{
    uint32_t count = 0;
    const char *at =
        story_say(&world->story, "$JS.API.CONSUMER.MSG.NEXT.S.W", "{\"batch\":5,\"no_wait\":true}");
    while ((at = strstr(at, "(ev.a|NATS/1.0\r\nNats-Msg-Id: "))) {
        at += sizeof "(ev.a|NATS/1.0\r\nNats-Msg-Id: " - 1;
        const uint32_t number = (uint32_t)strtoul(at, NULL, 10);
        cr_assert(eq(int, world->done[number], false), "seed %" PRIu64 ": %u came again", world->seed,
                  number);
        world->out[number] = true;
        count++;
    }
    return count;
}

static const char *say_ack(struct world *world, uint32_t number, const char *body)
{
    char subject[64];
    (void)snprintf(subject, sizeof subject, "$JS.ACK.S.W.1.%" PRIu64 ".1.1.0", world->sequence[number]);
    return story_say(&world->story, subject, body);
}

/* Some are done, some are terminated; the others are delivered until they are given up. */
static void acknowledge_some(struct world *world)
{
    for (uint32_t i = 1; i <= world->last; i++) {
        const uint32_t what = below(world, 10);
        if (!world->out[i] || what > 4)
            continue;
        const bool acks = what < 3;
        const bool in_time = is_in_time(world, world->sequence[i]) && !world->has_letter[i];
        world->out[i] = false;
        world->tried[i] |= acks;
        const char *heard = say_ack(world, i, acks ? "+ACK" : "+TERM");
        world->done[i] |= acks && in_time && strcmp(heard, "(in|)") == 0;
    }
}

static void step(struct world *world)
{
    const uint32_t what = below(world, 100);
    if (what < 35)
        publish(world);
    else if (what < 60)
        (void)pull(world);
    else if (what < 75)
        acknowledge_some(world);
    else if (what < 88)
        (void)story_wait(&world->story, below(world, 1500) * RILL_NS_PER_MS);
    else if (what < 92)
        sim_disk_set_capacity(world->story.disk,
                              below(world, 2) ? sim_disk_used(world->story.disk) + below(world, 500) : 0);
    else
        sim_disk_crash_at(world->story.disk, 1 + below(world, 30));
    (void)look_at_power(world);
}

// ---- a life ----

static void begin(struct world *world, uint64_t seed)
{
    const struct sim_options options = {
        .segment_bytes = 8 * 1024, .cache_bytes_max = 512, .index_log_bytes = 4 * 1024};
    char body[256];
    *world = (struct world){.seed = seed, .random.state = seed, .own = seed & 1, .queue = seed & 2};
    story_begin(&world->story, &options);
    (void)snprintf(body, sizeof body, "{\"name\":\"S\",\"subjects\":[\"ev.>\"%s],\"retention\":\"%s\"}",
                   world->own ? ",\"dead.>\"" : "", world->queue ? "workqueue" : "limits");
    const struct story_line lines[] = {
        {"$JS.API.STREAM.CREATE.S", body, "did_create"},
        {"$JS.API.CONSUMER.CREATE.S.W",
         "{\"stream_name\":\"S\",\"config\":{\"durable_name\":\"W\",\"ack_policy\":\"explicit\",\"ack_wait\":"
         "1000000000,\"max_deliver\":2,\"filter_subject\":\"ev.>\",\"metadata\":{\"rill.dead_letter_"
         "subject\":"
         "\"dead.W\"}}}",
         "\"num_pending\":0"},
        {"$JS.API.STREAM.CREATE.DEAD", "{\"name\":\"DEAD\",\"subjects\":[\"dead.>\"]}", "did_create"},
    };
    story_tell(&world->story, lines, world->own ? 2 : 3);
}

static bool is_anything_owed(struct world *world)
{
    for (uint32_t i = 1; i <= world->last; i++) {
        if (is_owed(world, world->sequence[i]))
            return true;
    }
    return false;
}

/* Everything is delivered until it is given up. */
static void finish(struct world *world)
{
    sim_disk_crash_at(world->story.disk, 0);
    sim_disk_set_capacity(world->story.disk, 0);
    for (uint32_t round = 0; is_anything_owed(world); round++) {
        cr_assert(lt(u32, round, ROUNDS_MAX), "seed %" PRIu64, world->seed);
        if (!pull(world))
            (void)story_wait(&world->story, 1100 * RILL_NS_PER_MS);
    }
}

static void check_the_end(struct world *world)
{
    uint32_t letters[MESSAGES_MAX];
    char part[64];
    uint32_t count = 0;
    count_letters(world, letters);
    for (uint32_t i = 1; i <= world->last; i++) {
        cr_assert(letters[i] == 1 || world->tried[i], "seed %" PRIu64 ": %u", world->seed, i);
        count += letters[i];
    }
    if (!world->queue)
        return;
    // The letters of a work queue are all that it has at the end.
    (void)story_wait(&world->story, 100 * RILL_NS_PER_MS);
    (void)snprintf(part, sizeof part, "\"messages\":%u,", world->own ? count : 0);
    const char *heard = story_say(&world->story, "$JS.API.STREAM.INFO.S", "");
    cr_assert(ne(ptr, strstr(heard, part), NULL), "seed %" PRIu64 ": %s", world->seed, heard);
}

// At any crash: no message is lost on its way to the dead letters, and none has two.
Test(dead_letter_crash, each_message_is_acknowledged_or_becomes_one_letter)
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

// A letter that found no room is not counted upon, although what its consumer has to say finds some: the message is owed, also after a crash.
Test(dead_letter_crash, a_letter_without_room_is_none)
{
    static struct world world;
    static char payload[5000 + 1];
    uint32_t letters[MESSAGES_MAX];
    begin(&world, 1);
    memset(payload, 'x', sizeof payload - 1);
    world.last = 1;
    world.sequence[1] = 1;
    cr_assert(ne(ptr, (void *)strstr(story_say(&world.story, "ev.a", payload), "\"seq\":1"), NULL));
    (void)story_say(&world.story, "$JS.API.CONSUMER.MSG.NEXT.S.W", "1");
    sim_disk_set_capacity(world.story.disk,
                          sim_disk_used(world.story.disk)); // the letter needs another segment
    (void)say_ack(&world, 1, "+TERM");
    (void)story_wait(&world.story, 4 * RILL_NS_PER_S);
    sim_disk_crash(world.story.disk);
    sim_disk_set_capacity(world.story.disk, 0);
    cr_assert(look_at_power(&world)); // which looks what is left
    finish(&world);
    count_letters(&world, letters);
    cr_expect(eq(u32, letters[1], 1));
    story_end(&world.story);
}
