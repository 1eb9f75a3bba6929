// SPDX-License-Identifier: Apache-2.0
//
// Streams that are sent to be kept elsewhere, and made again of what was kept, in stories through the wire.
#include "faulty_disk.h"
#include "stream_story.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>

#define DELETE   "$JS.API.STREAM.DELETE.S"
#define SNAPSHOT "$JS.API.STREAM.SNAPSHOT.S"
#define RESTORE  "$JS.API.STREAM.RESTORE."
#define ASK      "{\"deliver_subject\":\"snap\",\"chunk_size\":2000}"

enum { KEPT_BYTES_MAX = 8 << 20 };

/* Who takes a snapshot and answers its chunks. */
struct taker {
    struct sim_client *client;
    struct rill_buf kept;
    char status[128];
    uint32_t chunks;
    uint32_t answers_max; // more are not given
};

static void on_chunk(void *context, struct sim_client *client, const struct rill_command *command)
{
    struct taker *taker = context;
    if (command->op != RILL_OP_MSG && command->op != RILL_OP_HMSG)
        return;
    if (!command->payload.len) {
        (void)snprintf(taker->status, sizeof taker->status, RILL_PRI, RILL_ARG(command->headers));
        return;
    }
    char reply[256];
    cr_assert(eq(int, rill_buf_append(&taker->kept, command->payload), RILL_OK));
    (void)snprintf(reply, sizeof reply, RILL_PRI, RILL_ARG(command->reply));
    if (taker->chunks++ < taker->answers_max)
        sim_client_publish(client, reply, NULL, NULL, RILL_BYTES(""));
}

static void taker_begin(struct taker *taker, struct story *story, uint32_t answers_max)
{
    *taker = (struct taker){.answers_max = answers_max};
    rill_buf_init(&taker->kept, KEPT_BYTES_MAX);
    taker->client = sim_client_open(&story->sim, on_chunk, taker);
    sim_client_sendf(taker->client, "CONNECT {\"headers\":true,\"no_responders\":true}\r\nSUB snap 1\r\n");
    sim_core_settle(&story->sim);
}

static void expect(const char *heard, const char *part)
{
    cr_expect(ne(ptr, strstr(heard, part), NULL), "%s, expected %s", heard, part);
}

/* A stream S of many messages, with a consumer C that has just had two: no commit says so yet. */
static void fill(struct story *story, const char *fields)
{
    char body[512];
    char payload[400] = {0};
    (void)snprintf(body, sizeof body, "{\"name\":\"S\",\"subjects\":[\"a\"]%s}", fields);
    expect(story_say(story, CREATE, body), "did_create");
    memset(payload, 'x', sizeof payload - 1);
    for (int i = 1; i <= 60; i++)
        (void)story_say(story, "a", payload);
    expect(story_say(story, "$JS.API.CONSUMER.CREATE.S.C",
                     "{\"stream_name\":\"S\",\"config\":{\"durable_name\":\"C\",\"ack_policy\":\"none\"}}"),
           "consumer_create_response");
    (void)story_say(story, "$JS.API.CONSUMER.MSG.NEXT.S.C", "{\"batch\":2,\"no_wait\":true}");
}

static const struct sim_options small_segments = {.segment_bytes = 8 * 1024};

/* Begins a story with a stream, takes its snapshot, and deletes it. */
static void keep(struct story *story, struct taker *taker, const char *fields, const char *ask)
{
    story_begin(story, &small_segments);
    taker_begin(taker, story, UINT32_MAX);
    fill(story, fields);
    const char *heard = story_say(story, SNAPSHOT, ask);
    expect(heard, "stream_snapshot_response\",\"config\":{\"name\":\"S\"");
    expect(heard, "\"state\":{\"messages\":60,");
    expect(taker->status, "NATS/1.0 204");
    cr_expect(gt(u32, taker->chunks, 10));
    expect(story_say(story, DELETE, ""), "success");
}

/* The subject for the chunks. */
static void begin_restore(struct story *story, const char *name, const char *config, char ret[256])
{
    char subject[128];
    char body[512];
    (void)snprintf(subject, sizeof subject, RESTORE "%s", name);
    (void)snprintf(body, sizeof body, "{\"config\":%s,\"state\":{}}", config);
    const char *heard = story_say(story, subject, body);
    const char *at = strstr(heard, "\"deliver_subject\":\"$JS.SNAPSHOT.RESTORE.");
    cr_assert(at != NULL, "%s", heard);
    (void)sscanf(at, "\"deliver_subject\":\"%255[^\"]", ret);
}

static const char *give_chunk(struct story *story, const char *subject, struct rill_bytes bytes)
{
    story->heard_len = 0;
    story->heard[0] = 0;
    sim_client_publish(story->client, subject, "in", NULL, bytes);
    sim_core_settle(&story->sim);
    return story->heard;
}

/* All of it; what the last chunk is answered. */
static const char *give_all(struct story *story, const char *subject, struct rill_bytes bytes)
{
    while (bytes.len) {
        const size_t count = bytes.len < 3000 ? bytes.len : 3000;
        const char *heard = give_chunk(story, subject, rill_bytes_of(bytes.data, count));
        if (strcmp(heard, "(in|)") != 0)
            return heard;
        bytes = rill_bytes_from(bytes, count);
    }
    return give_chunk(story, subject, bytes);
}

static const char *restore(struct story *story, struct taker *taker, const char *name, const char *config)
{
    char subject[256];
    begin_restore(story, name, config, subject);
    return give_all(story, subject, rill_buf_bytes(&taker->kept));
}

static void end(struct story *story, struct taker *taker)
{
    rill_buf_fini(&taker->kept);
    story_end(story);
}

// What was kept becomes the stream again, with its messages, its sequences and its consumers, also after a restart.
Test(stream_snapshot, a_stream_is_restored_as_it_was)
{
    static const struct story_line after[] = {
        {INFO, "", "\"messages\":60,"},
        {INFO, "", "\"last_seq\":60,"},
        {INFO, "", "\"consumer_count\":1"},
        {"$JS.API.STREAM.MSG.GET.S", "{\"seq\":7}", "\"seq\":7,\"data\":\"eHh4"},
        {"$JS.API.CONSUMER.INFO.S.C", "", "\"stream_seq\":2"},
        {"$JS.API.CONSUMER.INFO.S.C", "", "\"num_pending\":58"},
    };
    static struct story story;
    struct taker taker;
    keep(&story, &taker, "", ASK);
    const char *heard = restore(&story, &taker, "S", "{\"name\":\"S\",\"subjects\":[\"a\"]}");
    expect(heard, "stream_create_response\",\"config\":{\"name\":\"S\"");
    STORY_TELL(&story, after);
    story_restart(&story);
    STORY_TELL(&story, after);
    expect(story_say(&story, "a", "more"), "\"seq\":61}");
    end(&story, &taker);
}

// It may get another name and another configuration, beside the stream that it was taken of.
Test(stream_snapshot, a_stream_is_restored_under_another_name)
{
    static const struct story_line after[] = {
        {"$JS.API.STREAM.INFO.T", "", "\"name\":\"T\",\"subjects\":[\"b\"]"},
        {"$JS.API.STREAM.INFO.T", "", "\"messages\":5,"},
        {"$JS.API.CONSUMER.INFO.T.C", "", "\"stream_name\":\"T\""},
        {"b", "x", "\"stream\":\"T\",\"seq\":6"},
    };
    static struct story story;
    struct taker taker;
    keep(&story, &taker, "", ASK);
    (void)story_say(&story, CREATE, "{\"name\":\"S\",\"subjects\":[\"a\"]}");
    expect(restore(&story, &taker, "T", "{\"name\":\"T\",\"subjects\":[\"b\"],\"max_msgs\":5}"),
           "\"name\":\"T\"");
    STORY_TELL(&story, after);
    story_restart(&story);
    STORY_TELL(&story, after);
    expect(story_say(&story, INFO, ""), "\"messages\":0,");
    end(&story, &taker);
}

// Without consumers means without consumers.
Test(stream_snapshot, consumers_can_be_left_out)
{
    static struct story story;
    struct taker taker;
    keep(&story, &taker, "", "{\"deliver_subject\":\"snap\",\"chunk_size\":2000,\"no_consumers\":true}");
    expect(restore(&story, &taker, "S", "{\"name\":\"S\",\"subjects\":[\"a\"]}"), "\"consumer_count\":0");
    story_restart(&story);
    expect(story_say(&story, INFO, ""), "\"consumer_count\":0");
    expect(story_say(&story, INFO, ""), "\"messages\":60,");
    end(&story, &taker);
}

// A stream in memory is kept and restored, too; so is one kept from a file restored into memory.
Test(stream_snapshot, streams_in_memory_are_restored)
{
    static const char *const kept_from[] = {"", ",\"storage\":\"memory\""};
    for (size_t i = 0; i < 2; i++) {
        static struct story story;
        struct taker taker;
        keep(&story, &taker, kept_from[i], ASK);
        expect(restore(&story, &taker, "S", "{\"name\":\"S\",\"subjects\":[\"a\"],\"storage\":\"memory\"}"),
               "\"storage\":\"memory\"");
        expect(story_say(&story, INFO, ""), "\"messages\":60,");
        expect(story_say(&story, "a", "more"), "\"seq\":61}");
        story_restart(&story);
        expect(story_say(&story, INFO, ""), "\"messages\":0,");
        end(&story, &taker);
    }
}

// What is wrong with a request is said before anything begins.
Test(stream_snapshot, wrong_requests_are_refused)
{
    static const struct story_line lines[] = {
        {SNAPSHOT, "", "10003"},
        {SNAPSHOT, "{}", "10003"},
        {SNAPSHOT, "{\"deliver_subject\":\"sn.*\"}",
         "\"err_code\":10015,\"description\":\"deliver subject not valid"},
        {"$JS.API.STREAM.SNAPSHOT.T", "{\"deliver_subject\":\"snap\"}", "10059"},
        {RESTORE "S", "", "10003"},
        {RESTORE "S", "{\"config\":{\"name\":\"S\",\"subjects\":[\"b\"]},\"state\":{}}",
         "\"err_code\":10130,\"description\":\"stream name already in use, cannot restore\""},
        {RESTORE "T", "{\"config\":{\"name\":\"T\",\"subjects\":[\"a\"]},\"state\":{}}", "10065"},
        {RESTORE "T", "{\"config\":{\"name\":\"T.x\",\"subjects\":[\"b\"]},\"state\":{}}", "10052"},
        {RESTORE "T", "{\"config\":{\"name\":\"T\",\"subjects\":[\"b\"],\"num_replicas\":3},\"state\":{}}",
         "10074"},
        {RESTORE "T", "{\"config\":{\"name\":\"T\",\"subjects\":[\"b\"]},\"nonsense\":{}}", "10025"},
        {RESTORE "T", "{\"config\":{\"name\":\"T\",\"subjects\":[\"b\"]},\"state\":{}}", "deliver_subject"},
        {RESTORE "T", "{\"config\":{\"name\":\"T\",\"subjects\":[\"b\"]},\"state\":{}}", "10130"},
    };
    static struct story story;
    story_begin(&story, NULL);
    fill(&story, "");
    STORY_TELL(&story, lines);
    story_end(&story);
}

static bool is_left(struct story *story, const char *name)
{
    char path[64];
    size_t len;
    (void)snprintf(path, sizeof path, "store/$G/%s/0000000000000001.seg", name);
    return sim_disk_bytes(story->disk, path, &len) != NULL;
}

// What is damaged, foreign or cut off is refused with its reason, and nothing of it stays.
Test(stream_snapshot, what_is_no_backup_is_refused)
{
    static struct story story;
    struct taker taker;
    char subject[256];
    const char *config = "{\"name\":\"S\",\"subjects\":[\"a\"]}";
    keep(&story, &taker, "", ASK);
    taker.kept.data[10000] ^= 1;
    expect(restore(&story, &taker, "S", config),
           "\"err_code\":10062,\"description\":\"restore failed: block ");
    taker.kept.data[10000] ^= 1;
    begin_restore(&story, "S", config, subject);
    expect(give_all(&story, subject, RILL_BYTES("\xff\x06\x00\x00S2sTwO and more than a header of it")),
           "restore failed: this is no backup of a stream that Rill has made");
    begin_restore(&story, "S", config, subject);
    expect(give_all(&story, subject, rill_bytes_of(taker.kept.data, taker.kept.len - 100)),
           "restore failed: the backup ends too early");
    begin_restore(&story, "S", config, subject);
    expect(give_all(&story, subject, rill_bytes_of(NULL, 0)), "restore failed: the backup ends too early");
    begin_restore(&story, "S", config, subject);
    sim_client_publish(story.client, subject, "in", NULL, rill_buf_bytes(&taker.kept));
    sim_client_publish(story.client, subject, "in", NULL, rill_bytes_of(NULL, 0));
    expect(give_chunk(&story, subject, rill_bytes_of(NULL, 0)),
           "restore failed: there was more behind its end");
    cr_expect(not(is_left(&story, "S")));
    cr_expect(not(is_left(&story, "S.restoring")));
    expect(story_say(&story, INFO, ""), "10059");
    expect(restore(&story, &taker, "S", config), "did_create");
    end(&story, &taker);
}

// A restore whose client goes away is ended after a while, and a broker that stops ends it at once: nothing stays.
Test(stream_snapshot, a_restore_that_breaks_off_leaves_nothing)
{
    static struct story story;
    struct taker taker;
    char subject[256];
    const char *config = "{\"name\":\"S\",\"subjects\":[\"a\"]}";
    keep(&story, &taker, "", ASK);
    begin_restore(&story, "S", config, subject);
    (void)give_chunk(&story, subject, rill_bytes_of(taker.kept.data, 20000));
    cr_expect(is_left(&story, "S.restoring"));
    (void)story_wait(&story, 60 * RILL_NS_PER_S);
    cr_expect(not(is_left(&story, "S.restoring")));
    expect(give_chunk(&story, subject, RILL_BYTES("late")), "503");
    begin_restore(&story, "S", config, subject);
    (void)give_chunk(&story, subject, rill_bytes_of(taker.kept.data, 20000));
    cr_expect(is_left(&story, "S.restoring"));
    story_restart(&story);
    cr_expect(not(is_left(&story, "S.restoring")));
    end(&story, &taker);
}

/* The power goes with the n-th operation of the disk behind the beginning of a restore. True when there was one. */
static bool crash_at(const struct rill_buf *kept, uint64_t n, bool killed)
{
    static struct story story;
    char subject[256];
    story_begin(&story, &small_segments);
    begin_restore(&story, "T", "{\"name\":\"T\",\"subjects\":[\"b\"]}", subject);
    sim_disk_crash_at(story.disk, n);
    const char *heard = give_all(&story, subject, rill_buf_bytes(kept));
    const bool answered = strstr(heard, "did_create") != NULL;
    const bool crashed = sim_disk_is_off(story.disk);
    if (crashed) {
        sim_core_crash(&story.sim);
        if (killed)
            sim_disk_restart_killed(story.disk);
        else
            sim_disk_restart(story.disk);
        sim_core_start(&story.sim, &story.options);
        story_connect(&story);
    }
    heard = story_say(&story, "$JS.API.STREAM.INFO.T", "");
    const bool whole = strstr(heard, "\"name\":\"T\"") && strstr(heard, "\"messages\":60,");
    const bool absent = strstr(heard, "10059") != NULL;
    cr_expect(whole || (absent && !answered), "operation %llu: %s", (unsigned long long)n, heard);
    cr_expect(not(is_left(&story, "T.restoring")), "operation %llu", (unsigned long long)n);
    story_end(&story);
    return crashed;
}

// Wherever a crash comes, the stream is there whole, under its name, or not at all, and nothing lies about.
Test(stream_snapshot, a_crash_leaves_a_whole_stream_or_none)
{
    static struct story story;
    struct taker taker;
    keep(&story, &taker, "", ASK);
    for (int killed = 0; killed < 2; killed++) {
        uint64_t n = 1;
        while (crash_at(&taker.kept, n, killed))
            n++;
        cr_expect(gt(u64, n, 20));
    }
    end(&story, &taker);
}

/* The n-th call of the disk behind the beginning of a restore fails. True when there was one. */
static bool fail_at(const struct rill_buf *kept, uint64_t n)
{
    static struct faulty_disk faulty;
    static struct story story;
    char subject[256];
    story = (struct story){.disk = sim_disk_create(1)};
    faulty_disk_init(&faulty, story.disk);
    sim_core_start(&story.sim, &(struct sim_options){
                                   .seed = 1, .calm = true, .disk = &faulty.base, .segment_bytes = 8 * 1024});
    story_connect(&story);
    begin_restore(&story, "T", "{\"name\":\"T\",\"subjects\":[\"b\"]}", subject);
    faulty.fail_at = faulty.calls + n;
    faulty.fail_count = 1;
    faulty.err = RILL_ERR_NO_SPACE;
    const char *heard = give_all(&story, subject, rill_buf_bytes(kept));
    const bool answered = strstr(heard, "did_create") != NULL;
    cr_expect(answered || strstr(heard, "\"err_code\":10062"), "call %llu: %s", (unsigned long long)n, heard);
    const bool failed = faulty.failed > 0;
    heard = story_say(&story, "$JS.API.STREAM.INFO.T", "");
    cr_expect(strstr(heard, answered ? "\"messages\":60," : "10059") != NULL, "call %llu: %s",
              (unsigned long long)n, heard);
    story_end(&story);
    return failed;
}

// Whichever call of the disk fails, the client is told so, or the stream is there.
Test(stream_snapshot, a_failing_disk_is_an_error_or_none)
{
    static struct story story;
    struct taker taker;
    keep(&story, &taker, "", ASK);
    uint64_t n = 1;
    while (fail_at(&taker.kept, n))
        n++;
    cr_expect(gt(u64, n, 20));
    end(&story, &taker);
}

// A receiver that does not answer gets no more than a window, and is given up.
Test(stream_snapshot, a_snapshot_waits_for_answers)
{
    static struct story story;
    struct taker taker;
    story_begin(&story, &small_segments);
    taker_begin(&taker, &story, 3);
    fill(&story, "");
    (void)story_say(&story, SNAPSHOT,
                    "{\"deliver_subject\":\"snap\",\"chunk_size\":2000,\"window_size\":4000}");
    cr_expect(eq(u32, taker.chunks, 5));
    cr_expect(eq(str, taker.status, ""));
    expect(story_say(&story, SNAPSHOT, ASK),
           "10064,\"description\":\"snapshot failed: snapshot in progress\"");
    (void)story_wait(&story, 10 * RILL_NS_PER_S);
    cr_expect(eq(u32, taker.chunks, 5));
    expect(taker.status, "NATS/1.0 408 No Flow Response");
    expect(story_say(&story, SNAPSHOT, "{\"deliver_subject\":\"nobody\"}"),
           "stream_snapshot_response\",\"config");
    taker.answers_max = UINT32_MAX;
    (void)story_say(&story, SNAPSHOT, ASK);
    expect(taker.status, "NATS/1.0 204");
    end(&story, &taker);
}

// A stream that is deleted or a broker that stops while it is sent ends the snapshot.
Test(stream_snapshot, a_snapshot_ends_with_its_stream)
{
    static struct story story;
    struct taker taker;
    story_begin(&story, &small_segments);
    taker_begin(&taker, &story, 1);
    fill(&story, "");
    (void)story_say(&story, SNAPSHOT,
                    "{\"deliver_subject\":\"snap\",\"chunk_size\":2000,\"window_size\":4000}");
    expect(story_say(&story, DELETE, ""), "success");
    expect(taker.status, "NATS/1.0 500 Stream Ended");
    fill(&story, "");
    (void)story_say(&story, SNAPSHOT, ASK);
    end(&story, &taker);
}

// Snapshots and restores are told of when they begin and when they end.
Test(stream_snapshot, snapshots_and_restores_are_advised)
{
    static struct story story;
    struct taker taker;
    char subject[256];
    story_begin(&story, &small_segments);
    taker_begin(&taker, &story, UINT32_MAX);
    fill(&story, "");
    story_listen(&story, "$JS.EVENT.ADVISORY.STREAM.>");
    const char *heard = story_say(&story, SNAPSHOT, ASK);
    expect(heard, "($JS.EVENT.ADVISORY.STREAM.SNAPSHOT_CREATE.S|{\"type\":\"io.nats.jetstream.advisory.v1."
                  "snapshot_create\"");
    expect(heard, "\"stream\":\"S\",\"blocks\":");
    expect(heard, "SNAPSHOT_COMPLETE.S|{\"type\":\"io.nats.jetstream.advisory.v1.snapshot_complete\"");
    expect(heard, "\"start\":\"2026-");
    (void)story_say(&story, DELETE, "");
    begin_restore(&story, "S", "{\"name\":\"S\",\"subjects\":[\"a\"]}", subject);
    expect(story.heard, "RESTORE_CREATE.S|{\"type\":\"io.nats.jetstream.advisory.v1.restore_create\"");
    heard = give_all(&story, subject, rill_buf_bytes(&taker.kept));
    expect(heard, "RESTORE_COMPLETE.S|{\"type\":\"io.nats.jetstream.advisory.v1.restore_complete\"");
    expect(heard, "STREAM.CREATED.S|");
    end(&story, &taker);
}
