// SPDX-License-Identifier: Apache-2.0
//
// Requests and publishes into streams whose link breaks before the answer. Their time-outs are too long to be what ends them.
#include "stage.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

TestSuite(client_lost_link, .timeout = 60);

enum { TOO_LONG_MS = 600000, TEXT_BYTES = 1024 };

static const char stored[] = "{\"stream\":\"S\",\"seq\":7}";

/* How an asynchronous publish ended. */
struct ended {
    atomic_int count;
    enum rill_err err;
};

static void on_stored(struct rill_js *js, const struct rill_stored *where, const struct rill_error *error,
                      void *context)
{
    struct ended *ended = context;
    (void)js;
    (void)where;
    ended->err = error->err;
    (void)atomic_fetch_add(&ended->count, 1);
}

static void publish(struct stage *stage, const struct rill_expect *expect, struct ended *ended)
{
    const struct rill_publish publish = {.subject = "s", .data = "x", .data_bytes = 1};
    *ended = (struct ended){.err = RILL_ERR_AGAIN};
    cr_assert(eq(int, (int)rill_js_publish_async(stage->js, &publish, expect, on_stored, ended), RILL_OK));
}

/* All publishes have ended, and this one once, so. */
static void expect_end(struct stage *stage, const struct ended *ended, enum rill_err err)
{
    cr_expect(eq(int, (int)rill_js_wait(stage->js, STORY_DEADLINE_MS, NULL), RILL_OK));
    cr_expect(eq(int, atomic_load(&ended->count), 1));
    cr_expect(eq(int, (int)ended->err, (int)err));
}

static void break_link(void)
{
    fake_hang_up(&story_server);
    cr_assert(story_happens(RILL_EVENT_DISCONNECTED, 1));
}

/* The command of a publish of "x" with that id, to be answered at that subject. */
static const char *with_id(char text[TEXT_BYTES], const char *reply, const char *id)
{
    char headers[64];
    const int bytes = snprintf(headers, sizeof headers, "NATS/1.0\r\nNats-Msg-Id: %s\r\n\r\n", id);
    (void)snprintf(text, TEXT_BYTES, "HPUB s %s %d %d\r\n%sx\r\n", reply, bytes, bytes + 1, headers);
    return text;
}

static const struct {
    struct rill_expect expect;
    const char *why;
} ending[] = {
    {{.msg_id = NULL}, "nothing tells it from another one"},
    {{.msg_id = "a", .check_last_seq = true, .last_seq = 6},
     "if it was stored, that is not the last any more"},
    {{.msg_id = "a", .check_last_subject_seq = true}, "the same for its subject"},
    {{.msg_id = "a", .last_msg_id = "b"}, "the same for the id"},
};

// A publish that would not be the same a second time ends when its link breaks, before there is another one.
Test(client_lost_link, a_publish_without_an_id_ends_with_its_link)
{
    for (size_t i = 0; i < sizeof ending / sizeof ending[0]; i++) {
        struct stage stage = stage_open(TOO_LONG_MS);
        struct ended ended;
        publish(&stage, &ending[i].expect, &ended);
        cr_assert(fake_hears(&story_server, "x\r\n"), "%s", ending[i].why);
        fake_hang_up(&story_server);
        expect_end(&stage, &ended, RILL_ERR_DISCONNECTED);
        rill_js_destroy(stage.js);
        story_end(stage.conn);
        memset(story_heard.counts, 0, sizeof story_heard.counts);
    }
}

// A publish with an id is sent again over the next link, as it was, and ends with the one answer that it gets.
Test(client_lost_link, a_publish_with_an_id_is_sent_again)
{
    struct stage stage = stage_open(TOO_LONG_MS);
    const struct rill_expect once = {.msg_id = "a", .stream = "S"};
    struct ended ended;
    char reply[FAKE_WORD_BYTES], again[FAKE_WORD_BYTES];
    publish(&stage, &once, &ended);
    cr_assert(fake_hears_word(&story_server, "HPUB s ", reply));
    cr_assert(fake_hears(&story_server, "Nats-Msg-Id: a\r\nNats-Expected-Stream: S\r\n\r\nx\r\n"));
    break_link();
    cr_expect(eq(int, atomic_load(&ended.count), 0));
    cr_assert(fake_greet(&story_server) && fake_hears_word(&story_server, "HPUB s ", again));
    cr_expect(eq(str, again, reply));
    cr_expect(fake_hears(&story_server, "Nats-Msg-Id: a\r\nNats-Expected-Stream: S\r\n\r\nx\r\n"));
    cr_expect(fake_answers(&story_server, reply, "", stored) &&
              fake_answers(&story_server, reply, "", stored));
    expect_end(&stage, &ended, RILL_OK);
    stage_close(&stage, 1);
}

// What is sent again goes before what was published without a link, and that is sent once.
Test(client_lost_link, the_order_of_publishes_stays)
{
    struct stage stage = stage_open(TOO_LONG_MS);
    struct ended ended[3];
    char first[FAKE_WORD_BYTES], second[FAKE_WORD_BYTES], third[FAKE_WORD_BYTES + 1];
    char expected[4 * TEXT_BYTES], text[3][TEXT_BYTES];
    publish(&stage, &(struct rill_expect){.msg_id = "a"}, &ended[0]);
    publish(&stage, &(struct rill_expect){.msg_id = "b"}, &ended[1]);
    cr_assert(fake_hears_word(&story_server, "HPUB s ", first));
    cr_assert(fake_hears_word(&story_server, "HPUB s ", second) && fake_hears(&story_server, "x\r\n"));
    break_link();
    cr_assert(eq(int, (int)rill_publish(stage.conn, "c", "kept", 4), RILL_OK));
    publish(&stage, &(struct rill_expect){.msg_id = "d"}, &ended[2]);
    cr_assert(fake_greet(&story_server) && story_happens(RILL_EVENT_RECONNECTED, 1));
    cr_assert(eq(int, (int)rill_publish(stage.conn, "end", NULL, 0), RILL_OK));
    (void)snprintf(third, sizeof third, "%.*s3", (int)strlen(first) - 1, first); // the third token
    (void)snprintf(expected, sizeof expected, "\r\n%s%sPUB c 4\r\nkept\r\n%sPUB end 0\r\n\r\n",
                   with_id(text[0], first, "a"), with_id(text[1], second, "b"), with_id(text[2], third, "d"));
    cr_expect(fake_hears(&story_server, expected));
    cr_expect(fake_answers(&story_server, third, "", stored) &&
              fake_answers(&story_server, first, "", stored) &&
              fake_answers(&story_server, second, "", stored));
    for (size_t i = 0; i < 3; i++)
        expect_end(&stage, &ended[i], RILL_OK);
    stage_close(&stage, 1);
}

static void answer_at_the_third_time(void)
{
    char reply[FAKE_WORD_BYTES];
    for (int i = 0; i < 3; i++) {
        cr_assert(fake_hears_word(&story_server, "HPUB s ", reply));
        cr_assert(
            fake_answers(&story_server, reply, i < 2 ? "NATS/1.0 503\r\n\r\n" : "", i < 2 ? "" : stored));
    }
}

// A server that is still reading its streams says that nobody listens; what was published before or soon after is sent until
// somebody does.
Test(client_lost_link, a_server_that_is_just_starting_is_asked_again)
{
    struct stage stage = stage_open(TOO_LONG_MS);
    struct ended ended;
    publish(&stage, &(struct rill_expect){.msg_id = "a"}, &ended);
    cr_assert(fake_hears(&story_server, "HPUB s "));
    break_link();
    cr_assert(fake_greet(&story_server));
    answer_at_the_third_time();
    expect_end(&stage, &ended, RILL_OK);
    publish(&stage, &(struct rill_expect){.msg_id = "b"}, &ended);
    answer_at_the_third_time();
    expect_end(&stage, &ended, RILL_OK);
    stage_close(&stage, 1);
}

// On the first link it is the truth, and told at once.
Test(client_lost_link, that_nobody_listens_is_told_when_no_link_was_lost)
{
    struct stage stage = stage_open(TOO_LONG_MS);
    struct ended ended;
    char reply[FAKE_WORD_BYTES];
    publish(&stage, &(struct rill_expect){.msg_id = "a"}, &ended);
    cr_assert(fake_hears_word(&story_server, "HPUB s ", reply));
    cr_assert(fake_answers(&story_server, reply, "NATS/1.0 503\r\n\r\n", ""));
    expect_end(&stage, &ended, RILL_ERR_NO_RESPONDERS);
    stage_close(&stage, 0);
}

static void *publish_and_wait(void *context)
{
    struct stage_call *call = context;
    const struct rill_publish publish = {.subject = "s", .data = "x", .data_bytes = 1};
    call->err = rill_js_publish(call->stage->js, &publish, call->context, NULL, &call->error);
    return NULL;
}

// Who waits for the answer to a publish is told of the break, or with an id waits on for the answer to the second try.
Test(client_lost_link, who_waits_is_told_or_has_the_second_answer)
{
    struct stage stage = stage_open(TOO_LONG_MS);
    struct stage_call without, with;
    char reply[FAKE_WORD_BYTES];
    stage_call_begin(&without, &stage, publish_and_wait, NULL);
    cr_assert(fake_hears(&story_server, "PUB s "));
    stage_call_begin(&with, &stage, publish_and_wait, &(struct rill_expect){.msg_id = "a"});
    cr_assert(fake_hears(&story_server, "HPUB s "));
    break_link();
    stage_call_end(&without);
    cr_expect(eq(int, (int)without.err, RILL_ERR_DISCONNECTED));
    cr_expect(ne(int, without.error.text[0], 0));
    cr_assert(fake_greet(&story_server) && fake_hears_word(&story_server, "HPUB s ", reply));
    cr_assert(fake_answers(&story_server, reply, "", stored));
    stage_call_end(&with);
    cr_expect(eq(int, (int)with.err, RILL_OK));
    stage_close(&stage, 1);
}

static void *request_and_wait(void *context)
{
    struct stage_call *call = context;
    call->err = rill_request(call->stage->conn, "q", "x", 1, TOO_LONG_MS, &call->msgs[0]);
    call->count = call->err ? 0 : 1;
    return NULL;
}

// A request is not sent a second time; who answers it may do so over the next link.
Test(client_lost_link, a_request_waits_for_an_answer_over_the_next_link)
{
    struct stage stage = stage_open(0);
    struct stage_call call;
    char reply[FAKE_WORD_BYTES];
    stage_call_begin(&call, &stage, request_and_wait, NULL);
    cr_assert(fake_hears_word(&story_server, "PUB q ", reply) && fake_hears(&story_server, "x\r\n"));
    break_link();
    cr_assert(fake_greet(&story_server) && story_happens(RILL_EVENT_RECONNECTED, 1));
    cr_assert(eq(int, (int)rill_publish(stage.conn, "end", NULL, 0), RILL_OK));
    cr_expect(fake_hears(&story_server, ".* 1\r\nPUB end 0\r\n\r\n"), "the request is not repeated");
    cr_assert(fake_answers(&story_server, reply, "", "late"));
    stage_call_end(&call);
    cr_expect(eq(int, (int)call.err, RILL_OK));
    stage_close(&stage, 1);
}
