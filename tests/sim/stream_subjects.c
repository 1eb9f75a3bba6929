// SPDX-License-Identifier: Apache-2.0
//
// A stream asked by subject: single messages, batches, the last ones of many subjects, counts, purges. Each story is told
// twice: to a broker that has all of the index in memory, and to one that has just started and has most of it in a file.
#include "stream_story.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

#define DIRECT "$JS.API.DIRECT.GET.S"
#define NAMES  "$JS.API.STREAM.NAMES"

enum { ROUNDS = 5, KEYS = 3, MANY = 1200 };

static const char *const keys[KEYS] = {"kv.a", "kv.b", "kv.c.d"};

/* Sequence n is on key (n - 1) % 3, n up to 15, a second apart; then one message on "other". */
static void begin(struct story *story, bool restarts)
{
    static const struct sim_options indexed_early = {.index_log_bytes = 512, .segment_bytes = 16 * 1024};
    char body[64];
    story_begin(story, &indexed_early);
    (void)story_say(story, CREATE,
                    "{\"name\":\"S\",\"subjects\":[\"kv.>\",\"other\"],\"allow_direct\":true}");
    for (int i = 1; i <= ROUNDS * KEYS; i++) {
        (void)snprintf(body, sizeof body, "%040d", i);
        (void)story_say(story, keys[(i - 1) % KEYS], body);
        (void)story_wait(story, RILL_NS_PER_S);
    }
    (void)story_say(story, "other", "16");
    if (restarts)
        story_restart(story);
}

static void tell_both(const struct story_line *lines, size_t count)
{
    static struct story story;
    for (int restarts = 0; restarts < 2; restarts++) {
        begin(&story, restarts);
        story_tell(&story, lines, count);
        story_end(&story);
    }
}
#define TELL_BOTH(lines) tell_both(lines, sizeof(lines) / sizeof((lines)[0]))

// The last message of a subject or of a pattern, and the next one from a sequence or a time on, are had by MSG.GET.
Test(stream_subjects, a_message_is_had_by_its_subject)
{
    static const struct story_line lines[] = {
        {GET, "{\"last_by_subj\":\"kv.a\"}", "\"subject\":\"kv.a\",\"seq\":13,"},
        {GET, "{\"last_by_subj\":\"kv.*\"}", "\"subject\":\"kv.b\",\"seq\":14,"},
        {GET, "{\"last_by_subj\":\"kv.>\"}", "\"seq\":15,"},
        {GET, "{\"last_by_subj\":\">\"}", "\"seq\":16,"},
        {GET, "{\"last_by_subj\":\"kv.x\"}", "\"code\":404,\"err_code\":10037"},
        {GET, "{\"last_by_subj\":\"x.*\"}", "10037"},
        {GET, "{\"last_by_subj\":\"kv..a\"}", "10037"},
        {GET, "{\"next_by_subj\":\"kv.b\"}", "\"subject\":\"kv.b\",\"seq\":2,"},
        {GET, "{\"seq\":3,\"next_by_subj\":\"kv.b\"}", "\"seq\":5,"},
        {GET, "{\"seq\":4,\"next_by_subj\":\"kv.*\"}", "\"seq\":4,"},
        {GET, "{\"seq\":6,\"next_by_subj\":\"kv.*\"}", "\"seq\":7,"},
        {GET, "{\"seq\":16,\"next_by_subj\":\"kv.*\"}", "10037"},
        {GET, "{\"start_time\":\"2026-05-28T20:26:45Z\",\"next_by_subj\":\"kv.a\"}", "\"seq\":7,"},
        {GET, "{\"seq\":1,\"last_by_subj\":\"kv.a\"}", "10003"},
        {GET, "{\"last_by_subj\":\"kv.a\",\"next_by_subj\":\"kv.a\"}", "10003"},
    };
    TELL_BOTH(lines);
}

// DIRECT.GET answers the same questions by the message itself, and takes the subject behind the stream's name.
Test(stream_subjects, direct_gets_are_by_subject)
{
    static const struct story_line lines[] = {
        {DIRECT, "{\"last_by_subj\":\"kv.a\"}",
         "Nats-Subject: kv.a\r\nNats-Sequence: 13\r\nNats-Time-Stamp: "},
        {DIRECT ".kv.a", "", "(in|NATS/1.0\r\nNats-Stream: S\r\nNats-Subject: kv.a\r\nNats-Sequence: 13\r\n"},
        {DIRECT ".kv.c.d", "", "Nats-Sequence: 15\r\n"},
        {DIRECT ".kv.x", "", "(in|NATS/1.0 404 Message Not Found\r\n\r\n)"},
        {DIRECT ".kv.a", "{\"seq\":1}", "408 Bad Request"},
        {DIRECT, "{\"next_by_subj\":\"kv.b\"}", "Nats-Sequence: 2\r\n"},
        {DIRECT, "{\"seq\":3,\"next_by_subj\":\"kv.b\"}", "Nats-Sequence: 5\r\n"},
        {DIRECT, "{\"seq\":16,\"next_by_subj\":\"kv.*\"}", "404 Message Not Found"},
        {DIRECT, "{\"next_by_subj\":\"x\"}", "404 Message Not Found"},
        {DIRECT, "{\"last_by_subj\":\"kv.a\",\"batch\":2}", "408 Bad Request"},
        {DIRECT, "{\"next_by_subj\":\"kv.a\",\"multi_last\":[\"kv.a\"]}", "408 Bad Request"},
    };
    TELL_BOTH(lines);
}

// A batch with a filter brings its messages in order, tells how many are to come, and ends with a status.
Test(stream_subjects, batches_take_a_filter)
{
    static const struct story_line lines[] = {
        {DIRECT, "{\"next_by_subj\":\"kv.*\",\"batch\":3}",
         "Nats-Num-Pending: 9\r\nNats-Last-Sequence: 0\r\n"},
        {DIRECT, "{\"next_by_subj\":\"kv.*\",\"batch\":3}", "Nats-Sequence: 2\r\n"},
        {DIRECT, "{\"next_by_subj\":\"kv.*\",\"batch\":3}", "!Nats-Sequence: 3\r\n"},
        {DIRECT, "{\"next_by_subj\":\"kv.*\",\"batch\":3}",
         "Nats-Num-Pending: 7\r\nNats-Last-Sequence: 2\r\n"},
        {DIRECT, "{\"next_by_subj\":\"kv.*\",\"batch\":3}",
         "(in|NATS/1.0 204 EOB\r\nNats-Num-Pending: 7\r\nNats-Last-Sequence: 4\r\n\r\n)"},
        {DIRECT, "{\"seq\":12,\"next_by_subj\":\"kv.a\",\"batch\":3}",
         "(in|NATS/1.0 204 EOB\r\nNats-Num-Pending: 0\r\nNats-Last-Sequence: 13\r\n\r\n)"},
        {DIRECT, "{\"start_time\":\"2026-05-28T20:26:45Z\",\"batch\":1}", "Nats-Sequence: 6\r\n"},
    };
    TELL_BOTH(lines);
}

// The last messages of many subjects come together, as they were at a sequence or a time.
Test(stream_subjects, the_last_ones_of_many_come_together)
{
    static const struct story_line lines[] = {
        {DIRECT, "{\"multi_last\":[\"kv.>\"]}", "Nats-Sequence: 13\r\n"},
        {DIRECT, "{\"multi_last\":[\"kv.>\"]}", "Nats-Num-Pending: 2\r\nNats-Last-Sequence: 0\r\n"},
        {DIRECT, "{\"multi_last\":[\"kv.>\"]}", "Nats-Num-Pending: 0\r\nNats-Last-Sequence: 14\r\n"},
        {DIRECT, "{\"multi_last\":[\"kv.>\"]}",
         "(in|NATS/1.0 204 EOB\r\nNats-Num-Pending: 0\r\nNats-Last-Sequence: 15\r\n"
         "Nats-UpTo-Sequence: 16\r\n\r\n)"},
        {DIRECT, "{\"multi_last\":[\"kv.a\",\"kv.*\",\"other\"]}", "Nats-Sequence: 16\r\n"},
        {DIRECT, "{\"multi_last\":[\"kv.a\",\"kv.*\",\"other\"]}",
         "Nats-Num-Pending: 2\r\nNats-Last-Sequence: 0"},
        {DIRECT, "{\"multi_last\":[\"kv.a\",\"kv.b\"],\"up_to_seq\":7}", "Nats-Sequence: 7\r\n"},
        {DIRECT, "{\"multi_last\":[\"kv.a\",\"kv.b\"],\"up_to_seq\":7}", "Nats-Sequence: 5\r\n"},
        {DIRECT, "{\"multi_last\":[\"kv.a\",\"kv.b\"],\"up_to_seq\":7}",
         "Nats-Last-Sequence: 7\r\nNats-UpTo-Sequence: 7\r\n\r\n)"},
        {DIRECT, "{\"multi_last\":[\"kv.a\",\"kv.b\"],\"up_to_time\":\"2026-05-28T20:26:45Z\"}",
         "Nats-Last-Sequence: 5\r\nNats-UpTo-Sequence: 5\r\n\r\n)"},
        {DIRECT, "{\"multi_last\":[\"kv.>\"],\"batch\":1}",
         "(in|NATS/1.0 204 EOB\r\nNats-Num-Pending: 2\r\nNats-Last-Sequence: 13\r\n"},
        {DIRECT, "{\"seq\":14,\"multi_last\":[\"kv.>\"]}", "!Nats-Sequence: 13\r\n"},
        {DIRECT, "{\"multi_last\":[\"kv.c.d\"],\"up_to_seq\":2}", "(in|NATS/1.0 404 No Results\r\n\r\n)"},
        {DIRECT, "{\"multi_last\":[\"kv.x\"]}", "(in|NATS/1.0 404 No Results\r\n\r\n)"},
        {DIRECT, "{\"multi_last\":[\"kv.a\"],\"up_to_seq\":1,\"up_to_time\":\"2026-05-28T20:26:45Z\"}",
         "408 Bad Request"},
    };
    TELL_BOTH(lines);
}

// INFO tells the messages of each subject that a filter takes, and how many subjects there are.
Test(stream_subjects, info_counts_by_subject)
{
    static const struct story_line lines[] = {
        {INFO, "", "\"num_subjects\":4,"},
        {INFO, "", "!\"subjects\":{"},
        {INFO, "", "\"total\":0,\"offset\":0,\"limit\":0"},
        {INFO, "{\"subjects_filter\":\"kv.*\"}", "\"subjects\":{\"kv.a\":5,\"kv.b\":5}"},
        {INFO, "{\"subjects_filter\":\"kv.*\"}", "\"total\":2,\"offset\":0,\"limit\":100000"},
        {INFO, "{\"subjects_filter\":\">\",\"offset\":2}", "\"subjects\":{\"kv.c.d\":5,\"other\":1}"},
        {INFO, "{\"subjects_filter\":\">\",\"offset\":2}", "\"total\":4,\"offset\":2,\"limit\":100000"},
        {INFO, "{\"subjects_filter\":\"x\"}", "\"total\":0,\"offset\":0,\"limit\":0"},
        {INFO, "{\"subjects_filter\":\"x\"}", "!\"subjects\":{"},
        {"$JS.API.STREAM.LIST", "", "\"num_subjects\":4,"},
        {NAMES, "{\"subject\":\"kv.a\"}", "\"streams\":[\"S\"]"},
        {NAMES, "{\"subject\":\"x\"}", "\"total\":0,"},
    };
    TELL_BOTH(lines);
}

// A purge takes only what its filter matches, below a sequence or but for the newest; all of it survives a restart.
Test(stream_subjects, a_purge_takes_what_matches)
{
    static const struct story_line lines[] = {
        {PURGE, "{\"filter\":\"kv.a\",\"seq\":5}", "\"success\":true,\"purged\":2}"},
        {INFO, "{\"subjects_filter\":\"kv.a\"}", "\"subjects\":{\"kv.a\":3}"},
        {PURGE, "{\"filter\":\"kv.*\",\"keep\":3}", "\"purged\":5}"},
        {INFO, "{\"subjects_filter\":\"kv.*\"}", "\"subjects\":{\"kv.a\":1,\"kv.b\":2}"},
        {PURGE, "{\"filter\":\"kv.a\",\"seq\":3,\"keep\":1}", "10003"},
        {PURGE, "{\"filter\":\"kv.c.*\"}", "\"purged\":5}"},
        {PURGE, "{\"filter\":\"kv.c.*\"}", "\"purged\":0}"},
        {GET, "{\"last_by_subj\":\"kv.c.d\"}", "10037"},
        {GET, "{\"next_by_subj\":\"kv.*\"}", "\"seq\":11,"},
        {INFO, "", "\"messages\":4,"},
        {INFO, "", "\"num_subjects\":3,"},
        {PURGE, "{\"filter\":\"kv. a\"}", "10003"},
    };
    static const struct story_line after[] = {
        {INFO, "{\"subjects_filter\":\">\"}", "\"subjects\":{\"kv.a\":1,\"kv.b\":2,\"other\":1}"},
        {INFO, "", "\"first_seq\":11,"},
        {PURGE, "{\"filter\":\">\"}", "\"purged\":4}"},
        {INFO, "", "\"messages\":0,"},
    };
    static struct story story;
    TELL_BOTH(lines);
    begin(&story, true);
    STORY_TELL(&story, lines);
    story_restart(&story);
    STORY_TELL(&story, after);
    story_end(&story);
}

/* So many that no list of them fits one step. */
static void begin_many(struct story *story)
{
    char subject[32];
    story_begin(story, NULL);
    (void)story_say(story, CREATE, "{\"name\":\"S\",\"subjects\":[\"kv.>\"],\"allow_direct\":true}");
    for (int i = 0; i < 2 * MANY; i++) {
        (void)snprintf(subject, sizeof subject, "kv.%d.x", i % MANY);
        sim_client_publish(story->client, subject, NULL, NULL, RILL_BYTES("x"));
    }
    sim_core_settle(&story->sim);
}

// Of many subjects each question is answered, though in several steps; too many last ones at once are an error.
Test(stream_subjects, many_are_worked_through_in_steps)
{
    static const struct story_line lines[] = {
        {INFO, "", "\"num_subjects\":1200,"},
        {INFO, "{\"subjects_filter\":\"kv.1.*\"}", "\"subjects\":{\"kv.1.x\":2}"},
        {INFO, "{\"subjects_filter\":\"kv.>\"}", "\"total\":1200,"},
        {GET, "{\"last_by_subj\":\"kv.*.x\"}", "\"seq\":2400,"},
        {DIRECT, "{\"multi_last\":[\"kv.>\"]}", "(in|NATS/1.0 413 Too Many Results\r\n\r\n)"},
        {DIRECT, "{\"multi_last\":[\"kv.>\"],\"up_to_seq\":1000}",
         "Nats-Num-Pending: 0\r\nNats-Last-Sequence: 1000\r\nNats-UpTo-Sequence: 1000\r\n"},
        {PURGE, "{\"filter\":\"kv.*.x\",\"keep\":100}", "\"purged\":2300}"},
        {INFO, "", "\"num_subjects\":100,"},
    };
    static struct story story;
    begin_many(&story);
    STORY_TELL(&story, lines);
    story_end(&story);
}

// What is published and not yet durable when a purge is asked for is purged, too.
Test(stream_subjects, a_purge_takes_what_is_on_its_way)
{
    static struct story story;
    begin(&story, false);
    for (int i = 0; i < 10; i++)
        sim_client_publish(story.client, "kv.z", NULL, NULL, RILL_BYTES("x"));
    const char *heard = story_say(&story, PURGE, "{\"filter\":\"kv.z\"}");
    cr_expect(ne(ptr, strstr(heard, "\"purged\":10}"), NULL), "%s", heard);
    story_end(&story);
}
