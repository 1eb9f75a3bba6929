// SPDX-License-Identifier: Apache-2.0
//
// The streams' side of the JetStream API through the wire, in stories.
#include "stream_story.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

// An update is in force when it is answered, for publishers too, and survives a restart.
Test(stream_api, updates_are_in_force_when_they_are_answered)
{
    static const struct story_line before[] = {
        {UPDATE, "{\"name\":\"S\"}", "10059"},
        {CREATE, "{\"name\":\"S\",\"subjects\":[\"a\"]}", "\"did_create\":true"},
        {UPDATE, "{\"name\":\"T\"}", "10056"},
        {"a", "1", "\"seq\":1}"},
        {UPDATE, "{\"name\":\"S\",\"subjects\":[\"b\"],\"description\":\"new\",\"max_msg_size\":3}",
         "stream_update_response\",\"config\":{\"name\":\"S\",\"description\":\"new\",\"subjects\":[\"b\"]"},
        {"a", "2", "503"},
        {"b", "2", "\"seq\":2}"},
        {"b", "long", "10054"},
        {UPDATE, "{\"name\":\"S\",\"subjects\":[\"b\"],\"max_consumers\":0,\"nonsense\":1}", "10025"},
        {UPDATE, "{\"name\":\"S\",\"storage\":\"memory\"}", "10052"},
    };
    static const struct story_line after[] = {
        {INFO, "", "\"description\":\"new\",\"subjects\":[\"b\"]"},
        {"b", "3", "\"seq\":3}"},
        {"b", "long", "10054"},
        {CREATE, "{\"name\":\"S\",\"subjects\":[\"b\"],\"description\":\"new\",\"max_msg_size\":3}",
         "\"did_create\":true"},
        {CREATE, "{\"name\":\"S\",\"subjects\":[\"a\"]}", "10058"},
    };
    static struct story story;
    story_begin(&story, NULL);
    STORY_TELL(&story, before);
    story_restart(&story);
    STORY_TELL(&story, after);
    story_end(&story);
}

// Subjects belong to one stream, whether it has them already or is about to get them.
Test(stream_api, an_update_takes_no_subjects_of_others)
{
    static const struct story_line lines[] = {
        {CREATE, "{\"name\":\"S\",\"subjects\":[\"a\"]}", "did_create"},
        {"$JS.API.STREAM.CREATE.T", "{\"name\":\"T\",\"subjects\":[\"b\"]}", "did_create"},
        {UPDATE, "{\"name\":\"S\",\"subjects\":[\"a\",\"*\"]}", "overlaps"},
        {UPDATE, "{\"name\":\"S\",\"subjects\":[\"*\"]}", "10065"},
        {UPDATE, "{\"name\":\"S\",\"subjects\":[\"c\"]}", "\"subjects\":[\"c\"]"},
        {"$JS.API.STREAM.UPDATE.T", "{\"name\":\"T\",\"subjects\":[\"a\"]}", "\"subjects\":[\"a\"]"},
    };
    static struct story story;
    story_begin(&story, NULL);
    STORY_TELL(&story, lines);
    story_end(&story);
}

// Updates that come together are made one after the other, each on what the one before it leaves.
Test(stream_api, updates_that_come_together_are_made_in_order)
{
    static const char *const bodies[] = {
        "{\"name\":\"S\",\"deny_delete\":true}",
        "{\"name\":\"S\",\"deny_delete\":true,\"description\":\"second\"}",
        "{\"name\":\"S\",\"description\":\"third\"}",
    };
    static struct story story;
    story_begin(&story, NULL);
    (void)story_say(&story, CREATE, "{\"name\":\"S\"}");
    for (size_t i = 0; i < 2; i++)
        sim_client_publish(story.client, UPDATE, "in", NULL, rill_bytes_from_cstr(bodies[i]));
    const char *heard = story_say(&story, UPDATE, bodies[2]);
    cr_expect(ne(ptr, strstr(heard, "can not cancel deny message deletes"), NULL), "%s", heard);
    cr_expect(ne(ptr, strstr(heard, "\"description\":\"second\""), NULL), "%s", heard);
    heard = story_say(&story, INFO, "");
    cr_expect(ne(ptr, strstr(heard, "\"description\":\"second\""), NULL), "%s", heard);
    story_end(&story);
}

// Names and lists come in the order of the names, a page at a time, those that touch a subject if so asked.
Test(stream_api, streams_are_listed_in_pages)
{
    static struct story story;
    char subject[64];
    char body[64];
    story_begin(&story, NULL);
    cr_expect(
        ne(ptr, strstr(story_say(&story, "$JS.API.STREAM.LIST", ""), "\"limit\":256,\"streams\":[]"), NULL));
    for (int i = 0; i < 300; i++) {
        (void)snprintf(subject, sizeof subject, "$JS.API.STREAM.CREATE.S%03d", i);
        (void)snprintf(body, sizeof body, "{\"name\":\"S%03d\",\"subjects\":[\"s.%d\"]}", i, i);
        (void)story_say(&story, subject, body);
    }
    static const struct story_line lines[] = {
        {"$JS.API.STREAM.LIST", "", "\"total\":300,\"offset\":0,\"limit\":256"},
        {"$JS.API.STREAM.LIST", "", "\"name\":\"S255\""},
        {"$JS.API.STREAM.LIST", "", "!\"name\":\"S256\""},
        {"$JS.API.STREAM.LIST", "{\"offset\":256}", "\"total\":300,\"offset\":256,\"limit\":256"},
        {"$JS.API.STREAM.LIST", "{\"offset\":256}", "\"name\":\"S299\""},
        {"$JS.API.STREAM.LIST", "{\"offset\":999}",
         "\"total\":300,\"offset\":300,\"limit\":256,\"streams\":[]"},
        {"$JS.API.STREAM.LIST", "{\"subject\":\"s.7\"}", "\"total\":1,\"offset\":0,\"limit\":256"},
        {"$JS.API.STREAM.NAMES", "{\"offset\":298}", "\"streams\":[\"S298\",\"S299\"]"},
        {"$JS.API.STREAM.NAMES", "{\"subject\":\"s.1\"}", "\"streams\":[\"S001\"]"},
        {"$JS.API.STREAM.NAMES", "{\"subject\":\"x\"}",
         "\"total\":0,\"offset\":0,\"limit\":1024,\"streams\":[]"},
    };
    STORY_TELL(&story, lines);
    story_end(&story);
}

// What a server allows is held to when a stream is made and when it is changed; what is reserved counts, and is free again
// when the stream is gone.
Test(stream_api, the_servers_limits_are_held_to)
{
    static const struct story_line lines[] = {
        {"$JS.API.INFO", "", "\"max_storage\":1000,\"max_streams\":2"},
        {"$JS.API.INFO", "", "\"storage_max_stream_bytes\":800,\"max_bytes_required\":true"},
        {CREATE, "{\"name\":\"S\"}", "10113"},
        {CREATE, "{\"name\":\"S\",\"discard\":\"new\",\"max_bytes\":801}", "10122"},
        {CREATE, "{\"name\":\"S\",\"discard\":\"new\",\"max_bytes\":600}", "did_create"},
        {"$JS.API.INFO", "", "\"reserved_storage\":600"},
        {"$JS.API.STREAM.CREATE.T", "{\"name\":\"T\",\"discard\":\"new\",\"max_bytes\":401}", "10047"},
        {"$JS.API.STREAM.CREATE.T", "{\"name\":\"T\",\"discard\":\"new\",\"max_bytes\":400}", "did_create"},
        {"$JS.API.STREAM.CREATE.U", "{\"name\":\"U\",\"discard\":\"new\",\"max_bytes\":1}", "10027"},
        {UPDATE, "{\"name\":\"S\",\"discard\":\"new\",\"max_bytes\":601}", "10047"},
        {UPDATE, "{\"name\":\"S\",\"discard\":\"new\",\"max_bytes\":500}", "\"max_bytes\":500"},
        {"$JS.API.STREAM.DELETE.T", "", "success"},
        {"$JS.API.INFO", "", "\"reserved_storage\":500"},
    };
    static struct story story;
    story_begin(&story, &(struct sim_options){.jetstream_limits = {.storage_bytes_max = 1000,
                                                                   .streams_max = 2,
                                                                   .storage_stream_bytes_max = 800,
                                                                   .max_bytes_required = true}});
    STORY_TELL(&story, lines);
    story_end(&story);
}

// A domain has subjects of its own that reach the same streams, also for what is published into them.
Test(stream_api, a_domains_subjects_reach_the_same_streams)
{
    static const struct story_line lines[] = {
        {"$JS.HUB.API.STREAM.CREATE.S", "{\"name\":\"S\",\"subjects\":[\"$KV.b.>\"]}", "\"did_create\":true"},
        {INFO, "", "\"domain\":\"HUB\""},
        {"$JS.HUB.API.STREAM.INFO.S", "", "\"domain\":\"HUB\""},
        {"$JS.HUB.API.INFO", "", "\"domain\":\"HUB\""},
        {"$JS.OTHER.API.INFO", "", "503"},
        {"$JS.HUB.API.$KV.b.k", "x", "{\"stream\":\"S\",\"domain\":\"HUB\",\"seq\":1}"},
        {"$JS.HUB.API.FOO", "", "10003"},
    };
    static struct story story;
    story_begin(&story, &(struct sim_options){.jetstream_domain = "HUB"});
    STORY_TELL(&story, lines);
    story_end(&story);
}

// A request that needs a newer API than this one is refused before it is looked at.
Test(stream_api, a_request_may_require_an_api_level)
{
    static struct story story;
    story_begin(&story, NULL);
    const char *heard = story_say_with(&story, CREATE, "Nats-Required-Api-Level: 99", "{\"name\":\"S\"}");
    cr_expect(ne(ptr, strstr(heard, "\"code\":412,\"err_code\":10185"), NULL), "%s", heard);
    heard = story_say_with(&story, CREATE, "Nats-Required-Api-Level: 0", "{\"name\":\"S\"}");
    cr_expect(ne(ptr, strstr(heard, "did_create"), NULL), "%s", heard);
    story_end(&story);
}

// A lenient broker passes over fields that it does not know; a strict one names them.
Test(stream_api, unknown_fields_are_named_unless_the_broker_is_lenient)
{
    static struct story story;
    for (int lenient = 0; lenient < 2; lenient++) {
        story_begin(&story, &(struct sim_options){.jetstream_lenient = lenient});
        const char *heard = story_say(&story, CREATE, "{\"name\":\"S\",\"nonsense\":1}");
        cr_expect(ne(ptr, strstr(heard, lenient ? "did_create" : "invalid JSON: json: unknown field"), NULL));
        story_end(&story);
    }
}

// As many messages wait for the disk as the configuration allows; more are refused with 429.
Test(stream_api, waiting_messages_have_a_configured_limit)
{
    static struct story story;
    story_begin(&story, &(struct sim_options){.jetstream_limits = {.buffered_messages_max = 3}});
    (void)story_say(&story, CREATE, "{\"name\":\"S\",\"subjects\":[\"a\"]}");
    for (int i = 0; i < 3; i++)
        sim_client_publish(story.client, "a", "in", NULL, RILL_BYTES("x"));
    const char *heard = story_say(&story, "a", "x");
    cr_expect(ne(ptr, strstr(heard, "\"code\":429,\"err_code\":10167"), NULL), "%s", heard);
    cr_expect(ne(ptr, strstr(heard, "\"seq\":3}"), NULL), "%s", heard);
    cr_expect(ne(ptr, strstr(story_say(&story, "a", "x"), "\"seq\":4}"), NULL));
    story_end(&story);
}
