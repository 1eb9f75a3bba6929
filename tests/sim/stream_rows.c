// SPDX-License-Identifier: Apache-2.0
//
// What NATS' clients expect of streams, row by row, as far as no other story tells it; and where the others are told:
//
//      configuration file        unit/shell/config_options.c, config_parse.c, config_scalar.c, config_differential.c
//      stream configuration      unit/core/js_stream_config.c: each rule, default and update; here: fields that only show in what happens
//        limits, discard         sim/stream_limits.c             compression, first_seq         sim/stream_options.c
//        persist_mode, sync      sim/stream_sync.c
//        sealed, deny_*, allow_direct, rollup, transform, memory  sim/stream_messages.c
//        duplicate_window        sim/stream_ids.c, sim/durable.c
//        consumer_limits         sim/stream_limits.c
//      API subjects              node/schemas.mjs: each one, asked well and wrongly, with those that need a cluster
//        CREATE, UPDATE, LIST, NAMES, domain, strict   sim/stream_api.c
//        MSG.GET, DIRECT.GET, MSG.DELETE, PURGE        sim/stream_messages.c, sim/stream_erase.c
//        SNAPSHOT, RESTORE                             sim/stream_snapshot.c, integration/snapshot_test.py
//      publish headers           sim/stream_messages.c
//      advisories                sim/advisories.c, sim/stream_snapshot.c
//      monitoring                integration/monitor_test.py, monitor_jetstream_test.py, sim/monitor.c
#include "faulty_disk.h"
#include "stream_story.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

#define DELETE "$JS.API.STREAM.DELETE.S"

static void expect(const char *heard, const char *part)
{
    cr_expect(strstr(heard, part) != NULL, "%s, expected %s", heard, part);
}

// With no_ack nobody is told that a message is stored, nor that it is not.
Test(stream_rows, a_stream_without_acknowledgements_is_silent)
{
    static struct story story;
    story_begin(&story, NULL);
    (void)story_say(
        &story, CREATE,
        "{\"name\":\"S\",\"subjects\":[\"a\"],\"no_ack\":true,\"max_msgs\":1,\"discard\":\"new\"}");
    cr_expect(eq(str, (char *)story_say(&story, "a", "1"), ""));
    cr_expect(eq(str, (char *)story_say(&story, "a", "too many"), ""));
    cr_expect(eq(str, (char *)story_say_with(&story, "a", "Nats-Expected-Stream: T", "x"), ""));
    expect(story_say(&story, INFO, ""), "\"messages\":1,");
    story_end(&story);
}

// A stream has at most so many consumers; one that goes makes room.
Test(stream_rows, a_stream_has_a_limit_of_consumers)
{
    static struct story story;
    char bodies[2][128];
    story_begin(&story, NULL);
    for (int i = 0; i < 2; i++)
        (void)snprintf(bodies[i], sizeof bodies[i],
                       "{\"stream_name\":\"S\",\"config\":{\"durable_name\":\"%s\",\"ack_policy\":\"none\"}}",
                       i ? "D" : "C");
    (void)story_say(&story, CREATE, "{\"name\":\"S\",\"subjects\":[\"a\"],\"max_consumers\":1}");
    expect(story_say(&story, "$JS.API.CONSUMER.CREATE.S.C", bodies[0]),
           "consumer_create_response\",\"stream_name");
    expect(story_say(&story, "$JS.API.CONSUMER.CREATE.S.C", bodies[0]),
           "consumer_create_response\",\"stream_name");
    expect(story_say(&story, "$JS.API.CONSUMER.CREATE.S.D", bodies[1]),
           "\"err_code\":10026,\"description\":\"maximum consumers limit reached\"");
    expect(story_say(&story, "$JS.API.CONSUMER.DELETE.S.C", ""), "success");
    expect(story_say(&story, "$JS.API.CONSUMER.CREATE.S.D", bodies[1]),
           "consumer_create_response\",\"stream_name");
    story_end(&story);
}

// Headers and payload together keep to max_msg_size, exactly.
Test(stream_rows, a_message_has_a_largest_size)
{
    static struct story story;
    char payload[64] = {0};
    story_begin(&story, NULL);
    (void)story_say(&story, CREATE, "{\"name\":\"S\",\"subjects\":[\"a\"],\"max_msg_size\":40}");
    memset(payload, 'x', 40);
    expect(story_say(&story, "a", payload), "\"seq\":1}");
    payload[40] = 'x';
    expect(story_say(&story, "a", payload),
           "\"err_code\":10054,\"description\":\"message size exceeds maximum allowed\"");
    // NATS/1.0 CR LF, A: b CR LF, CR LF: 18 bytes
    payload[22] = 0;
    expect(story_say_with(&story, "a", "A: b", payload), "\"seq\":2}");
    payload[22] = 'x', payload[23] = 0;
    expect(story_say_with(&story, "a", "A: b", payload), "10054");
    story_end(&story);
}

/* What a message is answered whose header block is so long. */
static const char *say_with_header_bytes(struct story *story, size_t bytes)
{
    static char block[1 << 17];
    memset(block, 'x', sizeof block);
    memcpy(block, "NATS/1.0\r\nA: ", 13);
    memcpy(block + bytes - 4, "\r\n\r\n", 4);
    story->heard_len = 0;
    sim_client_sendf(story->client, "HPUB a in %zu %zu\r\n", bytes, bytes);
    sim_client_send(story->client, rill_bytes_of(block, bytes));
    sim_client_sendf(story->client, "\r\n");
    sim_core_settle(&story->sim);
    return story->heard;
}

// A header block has a limit of its own.
Test(stream_rows, headers_have_a_largest_size)
{
    static struct story story;
    story_begin(&story, NULL);
    (void)story_say(&story, CREATE, "{\"name\":\"S\",\"subjects\":[\"a\"]}");
    expect(say_with_header_bytes(&story, 65535), "\"seq\":1}");
    expect(say_with_header_bytes(&story, 65536),
           "\"err_code\":10097,\"description\":\"header size exceeds maximum allowed of 64k\"");
    story_end(&story);
}

// What has no meaning for one broker is kept or left out, and refuses nothing.
Test(stream_rows, fields_without_a_meaning_do_no_harm)
{
    static struct story story;
    story_begin(&story, NULL);
    const char *heard =
        story_say(&story, CREATE,
                  "{\"name\":\"S\",\"subjects\":[\"a\"],\"template_owner\":\"old\",\"num_replicas\":1,"
                  "\"placement\":{\"cluster\":\"c\",\"tags\":[\"t\"]}}");
    expect(heard, "did_create");
    expect(heard, "\"placement\":{\"cluster\":\"c\",\"tags\":[\"t\"]}");
    story_end(&story);
}

// Answers say in the metadata which level of the API a stream needs and which there is; it is no part of the configuration.
Test(stream_rows, levels_stand_in_the_metadata)
{
    static const struct story_line lines[] = {
        {CREATE, "{\"name\":\"S\",\"subjects\":[\"a\"],\"metadata\":{\"a\":\"1\",\"Z\":\"2\"}}",
         "\"metadata\":{\"Z\":\"2\",\"_nats.level\":\"1\",\"_nats.req.level\":\"0\",\"_nats.ver\":\"2.11.0\","
         "\"a\":\"1\"}"},
        {CREATE,
         "{\"name\":\"S\",\"subjects\":[\"a\"],\"metadata\":{\"a\":\"1\",\"Z\":\"2\",\"_nats.level\":\"7\","
         "\"_nats.req.level\":\"7\",\"_nats.ver\":\"old\"}}",
         "did_create"},
        {INFO, "", "\"_nats.level\":\"1\",\"_nats.req.level\":\"0\""},
        {"$JS.API.STREAM.UPDATE.S", "{\"name\":\"S\",\"subjects\":[\"a\"]}",
         "\"metadata\":{\"_nats.level\":\"1\",\"_nats.req.level\":\"0\",\"_nats.ver\":\"2.11.0\"}"},
    };
    static struct story story;
    story_begin(&story, NULL);
    STORY_TELL(&story, lines);
    story_restart(&story);
    expect(story_say(&story, INFO, ""), "\"metadata\":{\"_nats.level\":\"1\",");
    story_end(&story);
}

// A broker without streams has nobody at the API.
Test(stream_rows, without_streams_nobody_answers)
{
    static struct story story;
    story = (struct story){0};
    sim_core_start(&story.sim, &(struct sim_options){.seed = 1, .calm = true});
    story_connect(&story);
    expect(story_say(&story, "$JS.API.INFO", ""), "(in|NATS/1.0 503");
    expect(story_say(&story, CREATE, "{\"name\":\"S\"}"), "(in|NATS/1.0 503");
    sim_core_stop(&story.sim);
}

// What says all in its subject takes no body but an empty object.
Test(stream_rows, some_requests_have_nothing_to_say)
{
    static const struct story_line lines[] = {
        {CREATE, "{\"name\":\"S\",\"subjects\":[\"a\"]}", "did_create"},
        {"$JS.API.CONSUMER.CREATE.S.C", "{\"stream_name\":\"S\",\"config\":{\"durable_name\":\"C\"}}",
         "\"C\""},
        {"$JS.API.CONSUMER.INFO.S.C", "x", "10038"},
        {"$JS.API.CONSUMER.INFO.S.C", "{}", "\"name\":\"C\""},
        {"$JS.API.CONSUMER.DELETE.S.C", "{\"name\":\"C\"}", "10038"},
        {"$JS.API.CONSUMER.DELETE.S.C", " { } ", "success"},
        {DELETE, "{\"seq\":1}",
         "\"code\":400,\"err_code\":10038,\"description\":\"expected an empty request payload\""},
        {DELETE, "[]", "10038"},
        {DELETE, "{}", "success"},
    };
    static struct story story;
    story_begin(&story, NULL);
    STORY_TELL(&story, lines);
    story_end(&story);
}

static void hear_system(void *context, struct sim_client *client, const struct rill_command *command)
{
    char(*heard)[512] = context;
    if (command->op == RILL_OP_MSG || command->op == RILL_OP_HMSG)
        (void)snprintf(*heard, sizeof *heard, RILL_PRI RILL_PRI, RILL_ARG(command->headers),
                       RILL_ARG(command->payload));
}

// The system's account has no streams, and says so to who looks for them there.
Test(stream_rows, the_systems_account_has_no_streams)
{
    static const struct rill_auth_user users[] = {{"admin", "pw", "$SYS", NULL, RILL_CONNECTION_ANY}};
    static const struct rill_auth_config auth = {
        .users = users, .user_count = 1, .timeout_ns = RILL_NS_PER_S};
    static const struct {
        const char *subject;
        const char *answer;
    } rows[] = {
        {"$JS.API.INFO", "account_info_response\",\"error\":{\"code\":503,\"err_code\":10039,"
                         "\"description\":\"JetStream not enabled for account\"}"},
        {CREATE, "stream_create_response\",\"error\":{\"code\":503,\"err_code\":10039"},
        {"$JS.API.STREAM.LEADER.STEPDOWN.S", "10039"},
    };
    struct sim_core sim;
    char heard[512];
    struct rill_disk *disk = sim_disk_create(1);
    sim_core_start(&sim, &(struct sim_options){.seed = 1, .calm = true, .disk = disk, .auth = &auth});
    struct sim_client *client = sim_client_open(&sim, hear_system, &heard);
    sim_client_sendf(client, "CONNECT {\"user\":\"admin\",\"pass\":\"pw\",\"headers\":true}\r\nSUB in 1\r\n");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        heard[0] = '\0';
        sim_client_publish(client, rows[i].subject, "in", NULL, RILL_BYTES("{\"name\":\"S\"}"));
        sim_core_settle(&sim);
        expect(heard, rows[i].answer);
    }
    sim_core_stop(&sim);
    sim_disk_destroy(disk);
}

// Streams in memory share what the server allows them.
Test(stream_rows, memory_is_reserved_as_files_are)
{
    static const struct story_line lines[] = {
        {CREATE, "{\"name\":\"S\",\"subjects\":[\"a\"],\"storage\":\"memory\",\"max_bytes\":20000000}",
         "\"err_code\":10028,\"description\":\"insufficient memory resources available\""},
        {CREATE, "{\"name\":\"S\",\"subjects\":[\"a\"],\"storage\":\"memory\",\"max_bytes\":6000000}",
         "did_create"},
        {"$JS.API.STREAM.CREATE.T", "{\"name\":\"T\",\"storage\":\"memory\",\"max_bytes\":6000000}", "10028"},
    };
    static struct story story;
    story_begin(&story, &(struct sim_options){.jetstream_limits.memory_bytes_max = 10000000});
    STORY_TELL(&story, lines);
    story_end(&story);
}

// A stream whose log cannot be opened is offline with its reason; it is not made anew in its place, but it can be deleted.
Test(stream_rows, a_stream_that_cannot_be_opened_is_offline)
{
    static const struct story_line lines[] = {
        {INFO, "", "\"err_code\":10194,\"description\":\"stream is offline: "},
        {CREATE, "{\"name\":\"S\",\"subjects\":[\"a\"]}", "10194"},
        {"$JS.API.STREAM.SNAPSHOT.S", "{\"deliver_subject\":\"x\"}", "10194"},
        {"$JS.API.STREAM.RESTORE.S", "{\"config\":{\"name\":\"S\",\"subjects\":[\"a\"]}}", "10130"},
        {"a", "x", "503"},
        {DELETE, "", "success"},
        {CREATE, "{\"name\":\"S\",\"subjects\":[\"a\"]}", "did_create"},
    };
    static struct story story;
    size_t len;
    story_begin(&story, NULL);
    (void)story_say(&story, CREATE, "{\"name\":\"S\",\"subjects\":[\"a\"]}");
    sim_core_stop(&story.sim);
    uint8_t *bytes = sim_disk_bytes(story.disk, "store/$G/S/0000000000000001.seg", &len);
    memset(bytes, 0, len < 8192 ? len : 8192);
    sim_core_start(&story.sim, &story.options);
    story_connect(&story);
    STORY_TELL(&story, lines);
    story_end(&story);
}

/* The n-th call of the disk after the request fails. True when one did. */
static bool fail_call(const char *subject, const char *body, uint64_t n, const char *error)
{
    static struct faulty_disk faulty;
    static struct story story;
    story = (struct story){.disk = sim_disk_create(1)};
    faulty_disk_init(&faulty, story.disk);
    sim_core_start(&story.sim, &(struct sim_options){.seed = 1, .calm = true, .disk = &faulty.base});
    story_connect(&story);
    (void)story_say(&story, "$JS.API.STREAM.CREATE.OLD", "{\"name\":\"OLD\"}");
    faulty.fail_at = faulty.calls + n;
    faulty.fail_count = 1;
    faulty.err = RILL_ERR_NO_SPACE;
    const char *heard = story_say(&story, subject, body);
    const bool failed = faulty.failed > 0;
    cr_expect(strstr(heard, error) || strstr(heard, "did_create") || strstr(heard, "success"),
              "call %llu: %s", (unsigned long long)n, heard);
    if (strstr(heard, error))
        expect(heard, rill_err_text(RILL_ERR_NO_SPACE));
    story_end(&story);
    return failed;
}

// Whichever call of the disk fails, whoever makes or removes a stream is told so with the reason, or it is done.
Test(stream_rows, a_failing_disk_is_told_to_who_makes_and_removes_streams)
{
    uint64_t created = 1, deleted = 1;
    while (fail_call(CREATE, "{\"name\":\"S\"}", created, "\"err_code\":10049"))
        created++;
    while (fail_call("$JS.API.STREAM.DELETE.OLD", "", deleted, "\"err_code\":10050"))
        deleted++;
    cr_expect(gt(u64, created, 4));
    cr_expect(gt(u64, deleted, 3));
}
