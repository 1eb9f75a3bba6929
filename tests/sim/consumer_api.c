// SPDX-License-Identifier: Apache-2.0
//
// The consumers' side of the JetStream API through the wire, in stories.
#include "consumer_story.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

#define MADE(config) "{\"stream_name\":\"S\",\"config\":{" config "}}"
#define CREATE_W     "$JS.API.CONSUMER.CREATE.S.W"
#define INFO_W       "$JS.API.CONSUMER.INFO.S.W"
#define DURABLE_W    "\"durable_name\":\"W\""
#define EXPLICIT_W   DURABLE_W ",\"ack_policy\":\"explicit\""
#define PUSH_W       DURABLE_W ",\"deliver_subject\":\"to\""

static const struct story_line stream_line = {
    "$JS.API.STREAM.CREATE.S", "{\"name\":\"S\",\"subjects\":[\"ev.>\"]}", "\"did_create\":true"};

/* A story of one broker in which the stream was made first. */
static void tell_of_stream(const struct story_line *lines, size_t count)
{
    static struct story story;
    story_begin(&story, NULL);
    story_tell(&story, &stream_line, 1);
    story_tell(&story, lines, count);
    story_end(&story);
}

#define TELL_OF_STREAM(lines) tell_of_stream(lines, sizeof(lines) / sizeof((lines)[0]))

// Each fault of a configuration has its number.
Test(consumer_api, faults_of_a_configuration_are_told)
{
    static const struct story_line lines[] = {
        {"$JS.API.CONSUMER.DURABLE.CREATE.S.W", "{\"stream_name\":\"S\"}", "10018"},
        {CREATE_W, "{\"stream_name\":\"T\",\"config\":{}}", "10056"},
        {CREATE_W, MADE("\"nonsense\":1"), "10025"},
        {"$JS.API.CONSUMER.CREATE.S", MADE(DURABLE_W), "10020"},
        {"$JS.API.CONSUMER.CREATE.S.V", MADE(DURABLE_W), "10017"},
        {"$JS.API.CONSUMER.DURABLE.CREATE.S.W", MADE(""), "10018"},
        {"$JS.API.CONSUMER.DURABLE.CREATE.S.V", MADE(DURABLE_W), "10017"},
        {"$JS.API.CONSUMER.CREATE.S.W.ev.a", MADE(DURABLE_W ",\"filter_subject\":\"ev.>\""), "10131"},
        {"$JS.API.CONSUMER.CREATE.S.W.ev.a", MADE(DURABLE_W ",\"filter_subjects\":[\"ev.a\",\"ev.b\"]"),
         "10137"},
        {"$JS.API.CONSUMER.CREATE.S", MADE("\"name\":\"a.b\""), "10103"},
        {"$JS.API.CONSUMER.CREATE.S", MADE("\"name\":\"a/b\""), "10127"},
        {"$JS.API.CONSUMER.DURABLE.CREATE.S.W", MADE(DURABLE_W ",\"name\":\"V\""), "10132"},
        {CREATE_W, MADE(DURABLE_W ",\"opt_start_seq\":5"),
         "\"err_code\":10094,\"description\":\"consumer delivery policy is deliver all, but optional start "
         "sequence "
         "is also set\""},
        {CREATE_W, MADE(DURABLE_W ",\"deliver_policy\":\"by_start_sequence\""),
         "deliver by start sequence, but optional start sequence is not set"},
        {CREATE_W, MADE(DURABLE_W ",\"deliver_policy\":\"by_start_time\""),
         "deliver by start time, but optional start time is not set"},
        {CREATE_W, MADE(DURABLE_W ",\"deliver_policy\":\"last_per_subject\""),
         "deliver last per subject, but optional filter subject is not set"},
        {CREATE_W, MADE(DURABLE_W ",\"ack_policy\":\"explicit\",\"ack_wait\":-1"), "10183"},
        {CREATE_W, MADE(DURABLE_W ",\"backoff\":[-1]"), "10184"},
        {CREATE_W, MADE(DURABLE_W ",\"backoff\":[1,-1]"), "10184"},
        {CREATE_W, MADE(DURABLE_W ",\"backoff\":[1,2,3],\"max_deliver\":2"), "10116"},
        {CREATE_W, MADE(DURABLE_W ",\"filter_subject\":\"ev.>\",\"filter_subjects\":[\"ev.>\"]"), "10136"},
        {CREATE_W, MADE(DURABLE_W ",\"filter_subjects\":[\"ev.>\",\"ev.a\"]"), "10138"},
        {CREATE_W, MADE(DURABLE_W ",\"filter_subjects\":[\"ev.>\",\"\"]"), "10139"},
        {CREATE_W, MADE(DURABLE_W ",\"sample_freq\":\"often\""), "10095"},
        {CREATE_W, MADE(DURABLE_W ",\"rate_limit_bps\":1"), "10086"},
        {CREATE_W, MADE(DURABLE_W ",\"max_waiting\":-1"), "10087"},
        {CREATE_W, MADE(DURABLE_W ",\"idle_heartbeat\":1"), "10088"},
        {CREATE_W, MADE(DURABLE_W ",\"flow_control\":true"), "10089"},
        {CREATE_W, MADE(DURABLE_W ",\"max_batch\":-1"), "10114"},
        {CREATE_W, MADE(DURABLE_W ",\"max_expires\":1"), "10115"},
        {CREATE_W, MADE(DURABLE_W ",\"direct\":true"), "10090"},
        {CREATE_W, MADE(DURABLE_W ",\"num_replicas\":-1"), "10133"},
        {CREATE_W, MADE(DURABLE_W ",\"priority_policy\":\"overflow\""), "10159"},
        {CREATE_W, MADE(DURABLE_W ",\"priority_groups\":[\"A\"]"), "10196"},
        {CREATE_W, MADE(DURABLE_W ",\"priority_timeout\":5"), "10197"},
        {CREATE_W, MADE(DURABLE_W ",\"priority_policy\":\"overflow\",\"priority_groups\":[\"\"]"), "10161"},
        {CREATE_W, MADE(DURABLE_W ",\"priority_policy\":\"overflow\",\"priority_groups\":[\"a b\"]"),
         "10162"},
        {CREATE_W, MADE(PUSH_W ",\"priority_policy\":\"overflow\",\"priority_groups\":[\"A\"]"), "10178"},
        {CREATE_W, MADE(DURABLE_W ",\"deliver_subject\":\"to.*\""), "10079"},
        {CREATE_W, MADE(DURABLE_W ",\"deliver_subject\":\"to..x\""), "10112"},
        {CREATE_W, MADE(DURABLE_W ",\"deliver_subject\":\"ev.x\""), "10081"},
        {CREATE_W, MADE(PUSH_W ",\"max_waiting\":5"), "10080"},
        {CREATE_W, MADE(PUSH_W ",\"max_ack_pending\":5"), "10082"},
        {CREATE_W, MADE(PUSH_W ",\"idle_heartbeat\":1000"), "10083"},
        {CREATE_W, MADE(PUSH_W ",\"flow_control\":true"), "10108"},
        {CREATE_W, MADE(PUSH_W ",\"direct\":true"), "10091"},
        {"$JS.API.CONSUMER.NAMES.S", "", "\"total\":0"},
    };
    TELL_OF_STREAM(lines);
}

// A pedantic request is refused rather than changed.
Test(consumer_api, a_pedantic_request_is_not_changed)
{
    static const struct story_line lines[] = {
        {CREATE_W, "{\"stream_name\":\"S\",\"pedantic\":true,\"config\":{" EXPLICIT_W ",\"max_deliver\":-5}}",
         "\"err_code\":10157,\"description\":\"pedantic mode: max_deliver must be set to -1\""},
        {CREATE_W, MADE(EXPLICIT_W ",\"max_deliver\":-5"), "\"max_deliver\":-1"},
    };
    TELL_OF_STREAM(lines);
}

// A name that is taken means: the same again, or a change of what may change; the action says which is wanted.
Test(consumer_api, consumers_are_changed)
{
    static const struct story_line before[] = {
        {CREATE_W, "{\"stream_name\":\"S\",\"action\":\"update\",\"config\":{" EXPLICIT_W "}}", "10149"},
        {CREATE_W, MADE(EXPLICIT_W), "\"name\":\"W\""},
        {CREATE_W, "{\"stream_name\":\"S\",\"action\":\"create\",\"config\":{" EXPLICIT_W "}}",
         "\"name\":\"W\""},
        {CREATE_W,
         "{\"stream_name\":\"S\",\"action\":\"create\",\"config\":{" EXPLICIT_W ",\"max_deliver\":7}}",
         "10148"},
        {"ev.a", "x", "\"seq\":1"},
        {"$JS.API.CONSUMER.MSG.NEXT.S.W", "1", "(ev.a|x)"},
        {CREATE_W,
         "{\"stream_name\":\"S\",\"action\":\"update\",\"config\":{" EXPLICIT_W ",\"max_deliver\":7}}",
         "\"max_deliver\":7"},
        {CREATE_W, MADE(EXPLICIT_W ",\"max_deliver\":8,\"description\":\"d\""), "\"max_deliver\":8"},
        {CREATE_W, MADE(DURABLE_W ",\"ack_policy\":\"none\""), "ack policy can not be updated"},
        {CREATE_W, MADE(EXPLICIT_W ",\"deliver_policy\":\"new\""), "deliver policy can not be updated"},
        {CREATE_W, MADE(EXPLICIT_W ",\"replay_policy\":\"original\""), "replay policy can not be updated"},
        {CREATE_W, MADE(EXPLICIT_W ",\"max_waiting\":5"), "max waiting can not be updated"},
        {CREATE_W, MADE(EXPLICIT_W ",\"deliver_subject\":\"to\""),
         "can not update pull consumer to push based"},
    };
    static const struct story_line after[] = {
        {INFO_W, "", "\"description\":\"d\""},
        {INFO_W, "", "\"num_ack_pending\":1"},
        {INFO_W, "", "\"delivered\":{\"consumer_seq\":1,\"stream_seq\":1}"},
    };
    static struct story story;
    story_begin(&story, NULL);
    story_tell(&story, &stream_line, 1);
    STORY_TELL(&story, before);
    story_restart(&story);
    STORY_TELL(&story, after);
    story_end(&story);
}

// One without a name gets one, goes when nobody uses it, and is there again after a restart until then.
Test(consumer_api, an_ephemeral_consumer_goes_when_it_is_not_used)
{
    static struct story story;
    story_begin(&story, NULL);
    story_tell(&story, &stream_line, 1);
    const char *heard = story_say(&story, "$JS.API.CONSUMER.CREATE.S", MADE("\"ack_policy\":\"explicit\""));
    cr_expect(ne(ptr, strstr(heard, "\"inactive_threshold\":5000000000"), NULL), "%s", heard);
    story_restart(&story);
    (void)story_wait(&story, 4 * RILL_NS_PER_S);
    cr_expect(ne(ptr, strstr(story_say(&story, "$JS.API.CONSUMER.NAMES.S", ""), "\"total\":1"), NULL));
    (void)story_wait(&story, 2 * RILL_NS_PER_S);
    cr_expect(ne(ptr, strstr(story_say(&story, "$JS.API.CONSUMER.NAMES.S", ""), "\"total\":0"), NULL));
    story_end(&story);
}

// One in memory works like the others, and ends with the broker.
Test(consumer_api, a_consumer_in_memory_ends_with_the_broker)
{
    static const struct story_line before[] = {
        {CREATE_W, MADE(EXPLICIT_W ",\"mem_storage\":true"), "\"mem_storage\":true"},
        {"ev.a", "x", "\"seq\":1"},
        {"$JS.API.CONSUMER.MSG.NEXT.S.W", "1", "(ev.a|x)"},
        {"$JS.ACK.S.W.1.1.1.1.0", "", "(in|)"},
        {INFO_W, "", "\"ack_floor\":{\"consumer_seq\":1,\"stream_seq\":1"},
    };
    static const struct story_line after[] = {
        {INFO_W, "", "10014"},
        {CREATE_W, MADE(EXPLICIT_W ",\"mem_storage\":true"), "\"num_pending\":1"},
        {"$JS.API.CONSUMER.DELETE.S.W", "", "\"success\":true"},
        {INFO_W, "", "10014"},
    };
    static struct story story;
    story_begin(&story, NULL);
    story_tell(&story, &stream_line, 1);
    STORY_TELL(&story, before);
    story_restart(&story);
    STORY_TELL(&story, after);
    story_end(&story);
}

// Names and lists come in pages and in order.
Test(consumer_api, consumers_are_listed)
{
    static const struct story_line lines[] = {
        {"$JS.API.CONSUMER.LIST.S", "", "\"total\":0,\"offset\":0,\"limit\":256,\"consumers\":[]"},
        {"$JS.API.CONSUMER.CREATE.S.W", MADE(EXPLICIT_W), "\"name\":\"W\""},
        {"$JS.API.CONSUMER.CREATE.S.A", MADE("\"durable_name\":\"A\""), "\"name\":\"A\""},
        {"$JS.API.CONSUMER.LIST.S", "",
         "\"total\":2,\"offset\":0,\"limit\":256,\"consumers\":[{\"stream_name\":\"S\",\"name\":\"A\","},
        {"$JS.API.CONSUMER.LIST.S", "{\"offset\":1}",
         "\"total\":2,\"offset\":1,\"limit\":256,\"consumers\":[{\"stream_name\":\"S\",\"name\":\"W\","},
        {"$JS.API.CONSUMER.NAMES.S", "{\"offset\":1}", "\"consumers\":[\"W\"]"},
        {"$JS.API.CONSUMER.NAMES.S", "{\"offset\":9}", "\"consumers\":[]"},
        {"$JS.API.CONSUMER.LIST.T", "", "10059"},
    };
    TELL_OF_STREAM(lines);
}

// A reset goes back to the floor, or where it is told to, and is there after a restart.
Test(consumer_api, a_reset_goes_back)
{
    static const struct story_line before[] = {
        {CREATE_W, MADE(EXPLICIT_W), "\"name\":\"W\""},
        {"ev.a", "1", "\"seq\":1"},
        {"ev.a", "2", "\"seq\":2"},
        {"ev.a", "3", "\"seq\":3"},
        {"$JS.API.CONSUMER.MSG.NEXT.S.W", "3", "(ev.a|3)"},
        {"$JS.ACK.S.W.1.1.1.1.0", "", "(in|)"},
        {"$JS.API.CONSUMER.RESET.S.W", "", "consumer_reset_response"},
        {INFO_W, "", "\"num_ack_pending\":0,\"num_redelivered\":0,\"num_waiting\":0,\"num_pending\":2"},
        {"$JS.API.CONSUMER.RESET.S.W", "{\"seq\":3}", "\"reset_seq\":3"},
    };
    static const struct story_line after[] = {
        {INFO_W, "", "\"num_pending\":1"},
        {"$JS.API.CONSUMER.MSG.NEXT.S.W", "1", "(ev.a|3)"},
        {"$JS.API.CONSUMER.CREATE.S.N", MADE("\"durable_name\":\"N\",\"deliver_policy\":\"new\""),
         "\"name\":\"N\""},
        {"$JS.API.CONSUMER.RESET.S.N", "{\"seq\":1}", "10204"},
    };
    static struct story story;
    story_begin(&story, NULL);
    story_tell(&story, &stream_line, 1);
    STORY_TELL(&story, before);
    story_restart(&story);
    STORY_TELL(&story, after);
    story_end(&story);
}
