// SPDX-License-Identifier: Apache-2.0
//
// What goes into a stream, what is read from it and what is taken out, in stories through the wire.
#include "stream_story.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

#define DELETE "$JS.API.STREAM.MSG.DELETE.S"
#define DIRECT "$JS.API.DIRECT.GET.S"

/* A stream S at "a" with five messages 1 to 5; its other fields as given. */
static void begin(struct story *story, const char *fields)
{
    char body[512];
    story_begin(story, NULL);
    (void)snprintf(body, sizeof body, "{\"name\":\"S\",\"subjects\":[\"a\"]%s}", fields);
    const char *heard = story_say(story, CREATE, body);
    cr_assert(ne(ptr, strstr(heard, "did_create"), NULL), "%s", heard);
    for (int i = 1; i <= 5; i++) {
        (void)snprintf(body, sizeof body, "%d", i);
        (void)story_say(story, "a", body);
    }
}

static void expect(struct story *story, const char *heard, const char *part)
{
    (void)story;
    cr_expect(ne(ptr, strstr(heard, part), NULL), "%s, expected %s", heard, part);
}

// A message is had by its sequence as it was stored: subject, headers and payload in base64, and its time.
Test(stream_messages, a_message_is_had_by_its_sequence)
{
    static const struct story_line lines[] = {
        {GET, "{\"seq\":2}", "\"message\":{\"subject\":\"a\",\"seq\":2,\"data\":\"Mg==\",\"time\":\"2026-"},
        {GET, "{\"seq\":6}", "\"hdrs\":\"TkFUUy8xLjANCktleTogdmFsdWUNCg0K\",\"data\":\"Ng==\""},
        {GET, "{\"seq\":6,\"no_hdr\":true}", "!hdrs"},
        {GET, "{\"seq\":7}", "10037"},
        {GET, "", "10003"},
        {GET, "{}", "10003"},
        {GET, "{\"seq\":1,\"last_by_subj\":\"a\"}", "10003"},
        {GET, "{\"seq\":1,\"batch\":2}", "10003"},
        {GET, "{\"seq\":1,\"start_time\":\"2026-01-01T00:00:00Z\"}", "10003"},
        {GET, "{\"last_by_subj\":\"a\",\"next_by_subj\":\"a\"}", "10003"},
        {"$JS.API.STREAM.MSG.GET.T", "{\"seq\":1}", "10059"},
    };
    static struct story story;
    begin(&story, "");
    (void)story_say_with(&story, "a", "Key: value", "6");
    STORY_TELL(&story, lines);
    story_end(&story);
}

// A deleted message is gone for everybody, is counted, and stays gone after a restart.
Test(stream_messages, a_deleted_message_is_gone)
{
    static const struct story_line before[] = {
        {DELETE, "", "10003"},
        {DELETE, "{\"seq\":3,\"no_erase\":true}",
         "{\"type\":\"io.nats.jetstream.api.v1.stream_msg_delete_response\",\"success\":true}"},
        {DELETE, "{\"seq\":3,\"no_erase\":true}", "10043,\"description\":\"sequence 3 not found\""},
        {DELETE, "{\"seq\":9,\"no_erase\":true}", "10043"},
        {DELETE, "{\"seq\":0,\"no_erase\":true}", "10043"},
    };
    static const struct story_line after[] = {
        {GET, "{\"seq\":3}", "10037"},
        {GET, "{\"seq\":4}", "\"seq\":4"},
        {INFO, "", "\"messages\":4"},
        {INFO, "", "\"num_deleted\":1"},
        {INFO, "", "!\"deleted\":["},
        {INFO, "{\"deleted_details\":true}", "\"num_deleted\":1,\"deleted\":[3]"},
        {"a", "6", "\"seq\":6}"},
    };
    static const struct story_line after_restart[] = {
        {GET, "{\"seq\":3}", "10037"},
        {INFO, "{\"deleted_details\":true}", "\"num_deleted\":1,\"deleted\":[3]"},
        {"a", "7", "\"seq\":7}"},
    };
    static struct story story;
    begin(&story, "");
    STORY_TELL(&story, before);
    STORY_TELL(&story, after);
    story_restart(&story);
    STORY_TELL(&story, after_restart);
    story_end(&story);
}

// A purge takes all, all below a sequence, or all but the newest; sequences go on.
Test(stream_messages, a_purge_takes_what_it_says)
{
    static const struct story_line lines[] = {
        {PURGE, "{\"seq\":2,\"keep\":1}", "10003"},
        {PURGE, "{\"seq\":3}",
         "{\"type\":\"io.nats.jetstream.api.v1.stream_purge_response\",\"success\":true,\"purged\":2}"},
        {PURGE, "{\"seq\":3}", "\"success\":true,\"purged\":0}"},
        {INFO, "", "\"messages\":3,"},
        {INFO, "", "\"first_seq\":3,"},
        {GET, "{\"seq\":2}", "10037"},
        {PURGE, "{\"keep\":1}", "\"purged\":2}"},
        {GET, "{\"seq\":5}", "\"seq\":5"},
        {PURGE, "", "\"purged\":1}"},
        {INFO, "",
         "\"messages\":0,\"bytes\":0,\"first_seq\":6,\"first_ts\":\"0001-01-01T00:00:00Z\",\"last_seq\":5"},
        {"a", "6", "\"seq\":6}"},
        {INFO, "", "\"messages\":1,"},
    };
    static struct story story;
    begin(&story, "");
    STORY_TELL(&story, lines);
    story_restart(&story);
    expect(&story, story_say(&story, INFO, ""), "\"first_seq\":6,");
    story_end(&story);
}

// What a configuration denies is not done; sealing denies all of it, and is for ever.
Test(stream_messages, what_is_denied_is_not_done)
{
    static const struct story_line denied[] = {
        {DELETE, "{\"seq\":1,\"no_erase\":true}",
         "\"code\":500,\"err_code\":10057,\"description\":\"message delete not permitted\""},
        {PURGE, "", "\"code\":500,\"err_code\":10110,\"description\":\"stream purge not permitted\""},
        {UPDATE, "{\"name\":\"S\",\"subjects\":[\"a\"]}", "can not cancel deny"},
    };
    static const struct story_line sealed[] = {
        {UPDATE, "{\"name\":\"S\",\"subjects\":[\"a\"],\"sealed\":true}", "\"discard\":\"new\""},
        {INFO, "", "\"sealed\":true,\"deny_delete\":true,\"deny_purge\":true"},
        {"a", "6",
         "\"err_code\":10109,\"description\":\"invalid operation on sealed "
         "stream\"},\"stream\":\"S\",\"seq\":0}"},
        {DELETE, "{\"seq\":1,\"no_erase\":true}", "10109"},
        {PURGE, "", "10109"},
        {GET, "{\"seq\":5}", "\"seq\":5"},
        {UPDATE, "{\"name\":\"S\",\"subjects\":[\"a\"],\"deny_delete\":true,\"deny_purge\":true}",
         "can not unseal"},
    };
    static struct story story;
    begin(&story, ",\"deny_delete\":true,\"deny_purge\":true");
    STORY_TELL(&story, denied);
    story_end(&story);
    begin(&story, "");
    STORY_TELL(&story, sealed);
    story_end(&story);
}

// Direct gets bring the message itself with its origin in headers, also in batches; what is wrong is a status.
Test(stream_messages, direct_gets_bring_the_message_itself)
{
    static const struct story_line lines[] = {
        {DIRECT, "{\"seq\":2}",
         "(in|NATS/1.0\r\nNats-Stream: S\r\nNats-Subject: a\r\nNats-Sequence: 2\r\nNats-Time-Stamp: 2026-"},
        {DIRECT, "{\"seq\":2}", "Z\r\n\r\n2)"},
        {DIRECT, "{\"seq\":6}", "(in|NATS/1.0\r\nKey: value\r\nNats-Stream: S\r\n"},
        {DIRECT, "{\"seq\":2,\"no_hdr\":true}", "(in|2)"},
        {DIRECT, "{\"seq\":3}", "(in|NATS/1.0 404 Message Not Found\r\n\r\n)"},
        {DIRECT, "{\"seq\":99}", "404 Message Not Found"},
        {DIRECT, "", "408 Empty Request"},
        {DIRECT, "{}", "408 Empty Request"},
        {DIRECT, "{", "408 Malformed Request"},
        {DIRECT, "{\"seq\":1,\"last_by_subj\":\"a\"}", "408 Bad Request"},
        {DIRECT, "{\"up_to_seq\":1,\"up_to_time\":\"2026-01-01T00:00:00Z\",\"seq\":1}", "408 Bad Request"},
        {DIRECT, "{\"seq\":2,\"batch\":2}", "Nats-Num-Pending: 3\r\nNats-Last-Sequence: 0\r\n\r\n2)"},
        {DIRECT, "{\"seq\":2,\"batch\":2}", "Nats-Sequence: 4\r\n"},
        {DIRECT, "{\"seq\":2,\"batch\":2}", "Nats-Num-Pending: 2\r\nNats-Last-Sequence: 2\r\n\r\n4)"},
        {DIRECT, "{\"seq\":2,\"batch\":2}",
         "(in|NATS/1.0 204 EOB\r\nNats-Num-Pending: 2\r\nNats-Last-Sequence: 4\r\n\r\n)"},
        {DIRECT, "{\"seq\":5,\"batch\":9}",
         "(in|NATS/1.0 204 EOB\r\nNats-Num-Pending: 0\r\nNats-Last-Sequence: 6\r\n\r\n)"},
        {DIRECT, "{\"seq\":1,\"batch\":9,\"max_bytes\":2}",
         "(in|NATS/1.0 204 EOB\r\nNats-Num-Pending: 4\r\nNats-Last-Sequence: 1\r\n"},
        {"$JS.API.DIRECT.GET.T", "{\"seq\":1}", "(in|NATS/1.0 503"},
        {"$JS.API.DIRECT.GET.S.a", "{\"seq\":1}", "408 Bad Request"},
    };
    static struct story story;
    begin(&story, ",\"allow_direct\":true");
    (void)story_say_with(&story, "a", "Key: value", "6");
    (void)story_say(&story, DELETE, "{\"seq\":3,\"no_erase\":true}");
    STORY_TELL(&story, lines);
    (void)story_say(&story, UPDATE, "{\"name\":\"S\",\"subjects\":[\"a\"]}");
    expect(&story, story_say(&story, DIRECT, "{\"seq\":2}"), "(in|NATS/1.0 503");
    story_end(&story);
}

// A rollup of everything replaces the stream by one message, in one step, where the stream allows it.
Test(stream_messages, a_rollup_replaces_what_is_there)
{
    static struct story story;
    begin(&story, ",\"allow_rollup_hdrs\":true");
    expect(&story, story_say_with(&story, "a", "Nats-Rollup: nonsense", "6"),
           "10111,\"description\":\"rollup value invalid: \\\"nonsense\\\"\"");
    expect(&story, story_say_with(&story, "a", "Nats-Rollup: ALL", "6"), "\"seq\":6}");
    expect(&story, story_say(&story, INFO, ""), "\"messages\":1,");
    expect(&story, story_say(&story, INFO, ""), "\"first_seq\":6,");
    story_restart(&story);
    expect(&story, story_say(&story, INFO, ""), "\"first_seq\":6,");
    expect(&story, story_say(&story, GET, "{\"seq\":6}"), "\"data\":\"Ng==\"");
    story_end(&story);
    begin(&story, "");
    expect(&story, story_say_with(&story, "a", "Nats-Rollup: all", "6"),
           "10111,\"description\":\"rollup not permitted\"");
    story_end(&story);
}

// Each header of a publish that asks for something gets it, or nats-server's error.
Test(stream_messages, headers_of_a_publish_are_heeded)
{
    static const struct {
        const char *headers;
        const char *answer;
    } rows[] = {
        {"Nats-Expected-Stream: S", "\"seq\":6}"},
        {"Nats-Expected-Stream: T",
         "10060,\"description\":\"expected stream does not match\"},\"stream\":\"S\",\"seq\":0}"},
        {"Nats-Expected-Last-Sequence: 6", "\"seq\":7}"},
        {"Nats-Expected-Last-Sequence: 6", "10071,\"description\":\"wrong last sequence: 7\""},
        {"Nats-Expected-Last-Sequence: x", "10071"},
        {"Nats-Msg-Id: id", "\"seq\":8}"},
        {"Nats-Msg-Id: id", "\"seq\":8,\"duplicate\": true}"},
        {"Nats-Msg-Id: id\r\nNats-Expected-Last-Sequence: 1", "10071"},
        {"Nats-Expected-Last-Msg-Id: id", "\"seq\":9}"},
        {"Nats-Expected-Last-Msg-Id: id", "10070,\"description\":\"wrong last msg ID: \""},
        {"Nats-Expected-Last-Subject-Sequence-Subject: a", "10193"},
        {"Nats-TTL: 5", "10166"},
        {"Nats-TTL: 5s", "10166"},
        {"Nats-TTL: never", "10166"},
        {"Nats-TTL: 5ms", "10165"},
        {"Nats-TTL: x", "10165"},
        {"Nats-TTL: 0", "\"seq\":10}"},
        {"Nats-Incr: 1", "10168"},
        {"Nats-Batch-Id: 1", "10174"},
        {"Nats-Schedule: @every 1s", "10188"},
        {"Nats-Required-Api-Level: 99", "\"code\":412,\"err_code\":10185"},
        {"nats-expected-stream: T", "\"seq\":11}"},
        {"X-Nats-Expected-Stream: T", "\"seq\":12}"},
    };
    static struct story story;
    begin(&story, "");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *heard = story_say_with(&story, "a", rows[i].headers, "x");
        cr_expect(ne(ptr, strstr(heard, rows[i].answer), NULL), "%s -> %s", rows[i].headers, heard);
    }
    story_end(&story);
}

// A message is kept under the subject that the stream's transform makes of its own; others keep theirs.
Test(stream_messages, subjects_are_transformed_before_they_are_kept)
{
    static const struct story_line lines[] = {
        {CREATE,
         "{\"name\":\"S\",\"subjects\":[\"in.*.>\",\"b\"],\"subject_transform\":{\"src\":\"in.*.>\",\"dest\":"
         "\"out.$1.>\"}}",
         "did_create"},
        {"in.1.x.y", "1", "\"seq\":1}"},
        {"b", "2", "\"seq\":2}"},
        {GET, "{\"seq\":1}", "\"subject\":\"out.1.x.y\""},
        {GET, "{\"seq\":2}", "\"subject\":\"b\""},
        {UPDATE, "{\"name\":\"S\",\"subjects\":[\"in.*.>\",\"b\"]}", "stream_update_response"},
        {"in.1.x.y", "1", "\"seq\":3}"},
        {GET, "{\"seq\":3}", "\"subject\":\"in.1.x.y\""},
    };
    static struct story story;
    story_begin(&story, NULL);
    STORY_TELL(&story, lines);
    story_end(&story);
}

// A stream in memory does what others do; after a restart it is there with its newest configuration, and empty.
Test(stream_messages, streams_in_memory_come_back_empty)
{
    static const struct story_line before[] = {
        {CREATE, "{\"name\":\"S\",\"subjects\":[\"a\"],\"storage\":\"memory\"}", "\"storage\":\"memory\""},
        {CREATE, "{\"name\":\"S\",\"subjects\":[\"a\"]}", "10058"},
        {"a", "1", "\"seq\":1}"},
        {"a", "2", "\"seq\":2}"},
        {GET, "{\"seq\":2}", "\"data\":\"Mg==\""},
        {DELETE, "{\"seq\":1,\"no_erase\":true}", "success"},
        {UPDATE, "{\"name\":\"S\",\"subjects\":[\"b\"],\"storage\":\"memory\",\"description\":\"new\"}",
         "\"description\":\"new\""},
        {UPDATE, "{\"name\":\"S\",\"subjects\":[\"b\"]}", "can not change storage type"},
        {"b", "3", "\"seq\":3}"},
        {INFO, "", "\"messages\":2,"},
    };
    static const struct story_line after[] = {
        {INFO, "", "\"description\":\"new\",\"subjects\":[\"b\"]"},
        {INFO, "", "\"messages\":0,\"bytes\":0,\"first_seq\":0,"},
        {"b", "1", "\"seq\":1}"},
        {"$JS.API.STREAM.DELETE.S", "", "success"},
        {"$JS.API.STREAM.DELETE.S", "", "10059"},
        {CREATE, "{\"name\":\"S\",\"subjects\":[\"a\"]}", "\"storage\":\"file\""},
    };
    static struct story story;
    story_begin(&story, NULL);
    STORY_TELL(&story, before);
    story_restart(&story);
    STORY_TELL(&story, after);
    story_restart(&story);
    expect(&story, story_say(&story, INFO, ""), "\"storage\":\"file\"");
    story_end(&story);
}

// A message is had by its time: the first one that is not older.
Test(stream_messages, a_message_is_had_by_its_time)
{
    static struct story story;
    char bodies[2][96];
    story_begin(&story, NULL);
    (void)story_say(&story, CREATE, "{\"name\":\"S\",\"subjects\":[\"a\"],\"allow_direct\":true}");
    for (int i = 0; i < 4; i++) {
        (void)story_say(&story, "a", "x");
        (void)story_wait(&story, 10 * RILL_NS_PER_S);
    }
    // The clock of a story begins at 20:26:40.
    (void)snprintf(bodies[0], sizeof bodies[0], "{\"start_time\":\"2026-05-28T20:26:55Z\"}");
    (void)snprintf(bodies[1], sizeof bodies[1], "{\"start_time\":\"2026-05-28T20:26:55Z\",\"batch\":1}");
    expect(&story, story_say(&story, GET, bodies[0]), "\"seq\":3,");
    expect(&story, story_say(&story, DIRECT, bodies[0]), "Nats-Sequence: 3\r\n");
    expect(&story, story_say(&story, DIRECT, bodies[1]), "204 EOB\r\nNats-Num-Pending: 1\r\n");
    expect(&story, story_say(&story, GET, "{\"start_time\":\"2026-05-28T21:00:00Z\"}"), "10037");
    expect(&story, story_say(&story, DIRECT, "{\"start_time\":\"2026-05-28T21:00:00Z\"}"),
           "404 Message Not Found");
    expect(&story, story_say(&story, GET, "{\"start_time\":\"2020-01-01T00:00:00Z\"}"), "\"seq\":1,");
    story_end(&story);
}
