// SPDX-License-Identifier: Apache-2.0
//
// When a publisher is answered, before the disk has its message or after, in stories through the wire.
#include "faulty_disk.h"
#include "seed.h"
#include "stream_story.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* What a publisher hears whose message finds no room on the disk. */
static const char *publish_to_full_disk(struct story *story, int64_t sync_ns, const char *fields)
{
    static struct faulty_disk faulty;
    char body[128];
    *story = (struct story){.disk = sim_disk_create(1)};
    faulty_disk_init(&faulty, story->disk);
    sim_core_start(
        &story->sim,
        &(struct sim_options){.seed = 1, .calm = true, .disk = &faulty.base, .jetstream_sync_ns = sync_ns});
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
        int64_t sync_ns;
        const char *fields;
        bool early;
    } rows[] = {
        {RILL_NS_PER_S, "", true},
        {RILL_NS_PER_S, ",\"persist_mode\":\"async\"", true},
        {0, ",\"persist_mode\":\"async\"", true},
        {0, "", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        static struct story story;
        const char *heard = publish_to_full_disk(&story, rows[i].sync_ns, rows[i].fields);
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

// ---- how often the disk is asked ----

#define INTERVAL_NS (2 * RILL_NS_PER_S)

static void begin(struct story *story, struct faulty_disk *faulty, int64_t sync_ns)
{
    *story = (struct story){.disk = sim_disk_create(1)};
    faulty_disk_init(faulty, story->disk);
    faulty->only = ".seg";
    sim_core_start(
        &story->sim,
        &(struct sim_options){.seed = 1, .calm = true, .disk = &faulty->base, .jetstream_sync_ns = sync_ns});
    story_connect(story);
    const char *heard = story_say(story, CREATE, "{\"name\":\"S\",\"subjects\":[\"a\"]}");
    cr_assert(ne(ptr, strstr(heard, "did_create"), NULL), "%s", heard);
}

static void publish(struct story *story, int count)
{
    for (int i = 0; i < count; i++) {
        const char *heard = story_say(story, "a", "x");
        cr_expect(ne(ptr, strstr(heard, "{\"stream\":\"S\",\"seq\":"), NULL), "%s", heard);
    }
}

// With an interval many commits are made durable by one sync, when it is over; nothing is synced when nothing was written.
Test(stream_sync, an_interval_saves_syncs)
{
    static struct story story;
    static struct faulty_disk faulty;
    begin(&story, &faulty, INTERVAL_NS);
    const uint64_t before = faulty.syncs;
    publish(&story, 50);
    cr_expect(eq(u64, faulty.syncs, before));
    (void)story_wait(&story, INTERVAL_NS);
    cr_expect(eq(u64, faulty.syncs, before + 1));
    (void)story_wait(&story, 10 * INTERVAL_NS);
    cr_expect(eq(u64, faulty.syncs, before + 1));
    publish(&story, 1);
    sim_core_stop(&story.sim); // makes the rest durable
    cr_expect(gt(u64, faulty.syncs, before + 1));
    sim_disk_destroy(story.disk);
}

// Without one each commit is synced by itself.
Test(stream_sync, always_means_each_commit)
{
    static struct story story;
    static struct faulty_disk faulty;
    begin(&story, &faulty, 0);
    const uint64_t before = faulty.syncs;
    publish(&story, 50);
    cr_expect(ge(u64, faulty.syncs, before + 50));
    story_end(&story);
}

// A sync that fails is not tried again: the stream takes nothing more, says so, and is read as ever.
Test(stream_sync, a_failed_sync_makes_the_stream_read_only)
{
    static const struct story_line lines[] = {
        {"a", "x", "\"err_code\":10077"},
        {UPDATE, "{\"name\":\"S\",\"subjects\":[\"b\"]}", "\"error\""},
        {GET, "{\"seq\":3}", "\"seq\":3"},
    };
    static struct story story;
    static struct faulty_disk faulty;
    begin(&story, &faulty, INTERVAL_NS);
    publish(&story, 3);
    faulty.fail_at = faulty.calls + 2; // the file is opened first
    faulty.fail_count = 1;
    faulty.err = RILL_ERR_IO;
    (void)story_wait(&story, INTERVAL_NS);
    cr_expect(eq(u64, faulty.failed, 1));
    STORY_TELL(&story, lines);
    const uint64_t syncs = faulty.syncs;
    (void)story_wait(&story, 10 * INTERVAL_NS);
    cr_expect(eq(u64, faulty.syncs, syncs));
    story_end(&story);
    cr_expect(eq(u64, faulty.syncs, syncs));
}

// A file that cannot be opened for a sync, as there are too many, is synced an interval later.
Test(stream_sync, a_sync_that_was_not_begun_is_tried_again)
{
    static struct story story;
    static struct faulty_disk faulty;
    begin(&story, &faulty, INTERVAL_NS);
    publish(&story, 3);
    const uint64_t syncs = faulty.syncs;
    faulty.fail_at = faulty.calls + 1;
    faulty.fail_count = 1;
    faulty.err = RILL_ERR_LIMIT;
    (void)story_wait(&story, INTERVAL_NS);
    cr_expect(eq(u64, faulty.failed, 1));
    cr_expect(eq(u64, faulty.syncs, syncs));
    (void)story_wait(&story, INTERVAL_NS);
    cr_expect(eq(u64, faulty.syncs, syncs + 1));
    publish(&story, 1);
    story_end(&story);
}

// ---- power cuts ----

#define DIRECT "$JS.API.DIRECT.GET.S"

enum { SEEDS = 150, SEEDS_LONG = 10000, LIVES = 4, STEPS = 60, SEQUENCES = 1000 };

/* What a client of a stream with an interval remembers of it. */
struct memory {
    struct story story;
    struct rill_random random;
    uint64_t seed;
    uint32_t content[SEQUENCES]; // number of the message; 0: nobody was told
    int64_t told_ns[SEQUENCES];  // when
    bool touched[SEQUENCES];     // somebody wanted it deleted
    bool erased[SEQUENCES];      // and was told that its bytes are gone
    uint32_t numbers;
    uint64_t found; // messages, in this life
    uint64_t lost;  // in all: told of, and not there after a power cut
    uint64_t kept;
};

static uint32_t below(struct memory *memory, uint32_t limit)
{
    return (uint32_t)rill_random_below(&memory->random, limit);
}

static uint64_t number_behind(const char *text, const char *key)
{
    const char *at = strstr(text, key);
    return at ? strtoull(at + strlen(key), NULL, 10) : 0;
}

static void publish_number(struct memory *memory)
{
    char payload[400];
    const uint32_t number = ++memory->numbers;
    (void)snprintf(payload, sizeof payload, "message:%u;%0*d", number, 1 + (int)(number * 37 % 300), 0);
    const char *heard = story_say(&memory->story, number % 3 ? "a.x" : "a.y", payload);
    const uint64_t sequence = number_behind(heard, "\"seq\":");
    if (!sequence || strstr(heard, "error"))
        return;
    cr_assert(lt(u64, sequence, SEQUENCES));
    cr_assert(memory->content[sequence] == 0, "seed %" PRIu64 ": sequence %" PRIu64 " twice", memory->seed,
              sequence);
    memory->content[sequence] = number;
    memory->told_ns[sequence] = memory->story.sim.now.mono_ns;
}

static void delete_one(struct memory *memory)
{
    char body[64];
    const uint32_t sequence = 1 + below(memory, memory->numbers + 1);
    const bool erases = below(memory, 2);
    (void)snprintf(body, sizeof body, "{\"seq\":%u,\"no_erase\":%s}", sequence, erases ? "false" : "true");
    memory->touched[sequence] = true;
    const char *heard = story_say(&memory->story, "$JS.API.STREAM.MSG.DELETE.S", body);
    if (erases && strstr(heard, "\"success\":true"))
        memory->erased[sequence] = true;
}

static void step(struct memory *memory)
{
    const uint32_t what = below(memory, 100);
    if (what < 60)
        publish_number(memory);
    else if (what < 70)
        delete_one(memory);
    else if (what < 85) // the log has the consumer's news between the messages
        (void)story_say(&memory->story, "$JS.API.CONSUMER.MSG.NEXT.S.C", "{\"batch\":1,\"no_wait\":true}");
    else
        (void)story_wait(&memory->story, (int64_t)below(memory, 1500) * RILL_NS_PER_MS);
}

/* What was told of longer ago than the interval is there; nothing is anything else than what was told; what was erased is
   gone. */
static void check_one(struct memory *memory, uint64_t sequence, int64_t cut_ns)
{
    char body[64];
    (void)snprintf(body, sizeof body, "{\"seq\":%" PRIu64 "}", sequence);
    const char *heard = story_say(&memory->story, DIRECT, body);
    const bool is_there = strstr(heard, "message:") != NULL;
    const uint32_t number = memory->content[sequence];
    const bool is_promised =
        number && !memory->touched[sequence] && memory->told_ns[sequence] + INTERVAL_NS < cut_ns;
    const bool is_back = is_there && memory->erased[sequence];
    const bool is_other = is_there && number && number_behind(heard, "message:") != number;
    cr_assert(is_there || !is_promised, "seed %" PRIu64 ": sequence %" PRIu64 " is gone: %s", memory->seed,
              sequence, heard);
    cr_assert(not(is_back), "seed %" PRIu64 ": sequence %" PRIu64 " was erased", memory->seed, sequence);
    cr_assert(not(is_other), "seed %" PRIu64 ": sequence %" PRIu64 " was message %u: %s", memory->seed,
              sequence, number, heard);
    memory->found += is_there;
    memory->kept += is_there && number;
    memory->lost += !is_there && number && !memory->touched[sequence];
    if (!is_there)
        memory->content[sequence] = 0;
}

static void forget(struct memory *memory, uint64_t sequence)
{
    memory->content[sequence] = 0;
    memory->touched[sequence] = memory->erased[sequence] = false;
}

static void check(struct memory *memory, int64_t cut_ns)
{
    const char *heard = story_say(&memory->story, INFO, "{\"subjects_filter\":\">\"}");
    cr_assert(strstr(heard, "\"messages\":") != NULL, "seed %" PRIu64 ": %s", memory->seed, heard);
    const uint64_t last = number_behind(heard, "\"last_seq\":");
    const uint64_t messages = number_behind(heard, "\"messages\":");
    const uint64_t by_subject = number_behind(heard, "\"a.x\":") + number_behind(heard, "\"a.y\":");
    memory->found = 0;
    for (uint64_t sequence = 1; sequence < SEQUENCES; sequence++) {
        if (sequence <= last || memory->content[sequence])
            check_one(memory, sequence, cut_ns);
        if (sequence > last)
            forget(memory, sequence); // it will be given again
    }
    cr_assert(eq(u64, memory->found, messages), "seed %" PRIu64, memory->seed);
    cr_assert(eq(u64, memory->found, by_subject), "seed %" PRIu64, memory->seed);
}

static void begin_life(struct memory *memory)
{
    struct story *story = &memory->story;
    sim_core_start(&story->sim, &(struct sim_options){.seed = rill_random_next(&memory->random),
                                                      .calm = true,
                                                      .disk = story->disk,
                                                      .segment_bytes = 16 * 1024,
                                                      .index_log_bytes = 2048,
                                                      .now = story->sim.now,
                                                      .jetstream_sync_ns = INTERVAL_NS});
    story_connect(story);
    (void)story_say(story, CREATE, "{\"name\":\"S\",\"subjects\":[\"a.*\"],\"allow_direct\":true}");
    (void)story_say(story, "$JS.API.CONSUMER.CREATE.S.C",
                    "{\"stream_name\":\"S\",\"config\":{\"durable_name\":\"C\",\"ack_policy\":\"all\"}}");
}

/* Returns until when there was power. */
static int64_t live(struct memory *memory)
{
    struct story *story = &memory->story;
    int64_t cut_ns = 0;
    sim_disk_crash_at(story->disk, below(memory, 2) ? 1 + below(memory, 300) : 0);
    for (int i = 0; i < STEPS && !sim_disk_is_off(story->disk); i++) {
        cut_ns = story->sim.now.mono_ns; // it may go at any time in a step
        step(memory);
    }
    if (!sim_disk_is_off(story->disk))
        sim_disk_crash(story->disk);
    sim_core_crash(&story->sim);
    sim_disk_restart(story->disk);
    sim_disk_crash_at(story->disk, 0);
    return cut_ns;
}

// Whatever a power cut takes, what was acknowledged longer ago than the interval is there, and the rest is in order.
Test(stream_sync, what_is_older_than_the_interval_survives_a_power_cut)
{
    const struct seed_range seeds = seed_range_long(SEEDS, SEEDS_LONG);
    uint64_t lost = 0, kept = 0;
    for (uint64_t seed = seeds.first; seed <= seeds.last; seed++) {
        static struct memory memory;
        memory = (struct memory){.seed = seed, .random.state = seed, .story.disk = sim_disk_create(seed)};
        begin_life(&memory);
        for (int i = 0; i < LIVES; i++) {
            const int64_t cut_ns = live(&memory);
            begin_life(&memory);
            check(&memory, cut_ns);
        }
        lost += memory.lost;
        kept += memory.kept;
        story_end(&memory.story);
    }
    cr_log_info("%" PRIu64 " kept, %" PRIu64 " lost", kept, lost);
    // The power cuts take something, and leave something.
    const uint64_t count = seeds.last - seeds.first + 1;
    cr_expect(count < SEEDS || lost > count);
    cr_expect(count < SEEDS || kept > count);
}
