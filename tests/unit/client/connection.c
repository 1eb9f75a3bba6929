// SPDX-License-Identifier: Apache-2.0
//
// A whole connection against a scripted server: broken links, commands in pieces, complaints, garbage, a
// server that does not read.
#include "base/err.h"
#include "story.h"
#include "wait.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

TestSuite(client_connection, .timeout = 60);

// The greeting carries what the options say, and the URL's secrets go before them.
Test(client_connection, the_greeting_says_who_we_are)
{
    struct rill_options options = story_options();
    options.name = "tester";
    options.no_echo = true;
    options.user = "other";
    char url[FAKE_URL_BYTES + 16];
    (void)snprintf(url, sizeof url, "nats://me:pw@%.40s", story_server.url + sizeof "nats://" - 1);
    struct rill_conn *conn = NULL;
    cr_assert(eq(int, (int)rill_connect(&conn, url, &options), RILL_OK));
    cr_assert(fake_accept(&story_server) && fake_say_info(&story_server, ""));
    cr_expect(fake_hears(&story_server, "\"user\":\"me\",\"pass\":\"pw\",\"name\":\"tester\""));
    cr_expect(
        fake_hears(&story_server, "\"echo\":false,\"headers\":true,\"no_responders\":true}\r\nPING\r\n"));
    cr_assert(fake_say(&story_server, "PONG\r\n"));
    cr_expect(story_happens(RILL_EVENT_CONNECTED, 1));
    story_end(conn);
}

// A broken link is replaced; subscriptions are renewed, with what is left of their maximum, before anything else
// is sent, and what was published meanwhile follows.
Test(client_connection, a_broken_link_is_replaced)
{
    struct rill_conn *conn = story_connect();
    struct rill_sub *sub, *limited;
    cr_assert(eq(int, (int)rill_subscribe(conn, "a.*", &sub), RILL_OK));
    const struct rill_subscribe want = {.subject = "b", .queue = "q", .max_msgs = 3};
    cr_assert(eq(int, (int)rill_subscribe_with(conn, &want, &limited), RILL_OK));
    cr_expect(fake_hears(&story_server, "SUB a.* 1\r\nSUB b q 2\r\nUNSUB 2 3\r\n"));
    cr_expect(fake_say(&story_server, "MSG b 2 3\r\none\r\n"));
    cr_expect(story_next_is(limited, "one"));
    fake_hang_up(&story_server);
    cr_expect(story_happens(RILL_EVENT_DISCONNECTED, 1));
    cr_expect(eq(int, (int)rill_publish(conn, "c", "kept", 4), RILL_OK));
    cr_assert(fake_greet(&story_server));
    cr_expect(fake_hears(&story_server, "SUB a.* 1\r\nSUB b q 2\r\nUNSUB 2 2\r\nPUB c 4\r\nkept\r\n"));
    cr_expect(story_happens(RILL_EVENT_RECONNECTED, 1));
    cr_expect(fake_say(&story_server, "MSG a.x 1 3\r\ntwo\r\n"));
    cr_expect(story_next_is(sub, "two"));
    story_end(conn);
}

// What is published without a link is kept up to the limit and refused beyond it.
Test(client_connection, the_reconnect_buffer_has_a_limit)
{
    struct rill_options options = story_options();
    options.reconnect_buffer_bytes_max = 1000;
    struct rill_conn *conn = story_start(&options);
    int accepted = 0;
    enum rill_err err = RILL_OK;
    while (!err && accepted < 1000) {
        err = rill_publish(conn, "a", "0123456789", 10);
        accepted += !err;
    }
    cr_expect(eq(int, (int)err, RILL_ERR_LIMIT));
    cr_expect(gt(int, accepted, 5));
    cr_assert(fake_greet(&story_server));
    cr_expect(fake_hears(&story_server, "PUB a 10\r\n0123456789\r\n"));
    story_end(conn);
}

// A message may come in pieces of any size.
Test(client_connection, frames_may_come_in_pieces)
{
    struct rill_conn *conn = story_connect();
    struct rill_sub *sub;
    cr_assert(eq(int, (int)rill_subscribe(conn, "a", &sub), RILL_OK));
    cr_assert(fake_hears(&story_server, "SUB a 1\r\n"));
    static const char text[] = "HMSG a 1 r 12 17\r\nNATS/1.0\r\n\r\nhello\r\nMSG a 1 2\r\nhi\r\n";
    for (size_t i = 0; i < sizeof text - 1; i++)
        cr_expect(fake_say_bytes(&story_server, text + i, 1));
    cr_expect(story_next_is(sub, "hello"));
    cr_expect(story_next_is(sub, "hi"));
    story_end(conn);
}

static const char *const garbage[] = {
    "HTTP/1.1 400 Bad Request\r\n\r\n",
    "MSG a\r\n",
    "MSG a 1 2\r\nhiXX",
    "INFO not json\r\n",
    "HMSG a 1 5 5\r\nxxxxx\r\n",
    "\xff\xfe\r\n",
    "MSG a 1 -1\r\n",
    "MSG a 1 99999999999999999999\r\n",
    "MSG a 1 4294967295\r\n",
    "HMSG a 1 20 10\r\n",
    "-ERR\r\n\r\n+\r\n",
    "INFO {\"max_payload\":\"x\"}\r\n",
};

// Whatever garbage comes, the link is broken and another one is made.
Test(client_connection, garbage_breaks_the_link_only)
{
    struct rill_conn *conn = story_connect();
    struct rill_sub *sub;
    cr_assert(eq(int, (int)rill_subscribe(conn, "a", &sub), RILL_OK));
    for (int i = 0; i < (int)(sizeof garbage / sizeof garbage[0]); i++) {
        cr_assert(fake_hears(&story_server, "SUB a 1\r\n"), "%s", garbage[i]);
        cr_expect(fake_say(&story_server, garbage[i]), "%s", garbage[i]);
        cr_expect(fake_is_left(&story_server), "%s", garbage[i]);
        cr_assert(fake_greet(&story_server), "%s", garbage[i]);
        cr_expect(story_happens(RILL_EVENT_RECONNECTED, i + 1), "%s", garbage[i]);
    }
    story_end(conn);
}

// A server that closes at once, or says nothing, or says nonsense first is left, and the search goes on.
Test(client_connection, a_bad_start_is_tried_again)
{
    struct rill_options options = story_options();
    options.timeout_ms = 200;
    struct rill_conn *conn = story_start(&options);
    cr_assert(fake_accept(&story_server));
    fake_hang_up(&story_server);
    cr_assert(fake_accept(&story_server));
    cr_expect(fake_is_left(&story_server), "a silent server is left");
    cr_assert(fake_accept(&story_server));
    cr_expect(fake_say(&story_server, "PONG\r\nnonsense\r\n"));
    cr_expect(fake_is_left(&story_server));
    cr_assert(fake_greet(&story_server));
    cr_expect(story_happens(RILL_EVENT_CONNECTED, 1));
    story_end(conn);
}

// Wrong credentials are an error that says so, not an endless search.
Test(client_connection, a_refusal_is_denied)
{
    const struct rill_options options = story_options();
    struct rill_conn *conn = story_start(&options);
    for (int i = 0; i < 2; i++) {
        cr_assert(fake_accept(&story_server) && fake_say_info(&story_server, ",\"auth_required\":true"));
        cr_expect(fake_hears(&story_server, "PING\r\n"));
        cr_expect(fake_say(&story_server, "-ERR 'Authorization Violation'\r\n"));
        cr_expect(fake_is_left(&story_server));
    }
    cr_expect(story_happens(RILL_EVENT_CLOSED, 1));
    cr_expect(eq(int, (int)story_heard.error.err, RILL_ERR_DENIED));
    cr_expect(ne(ptr, strstr(story_heard.error.text, "Authorization Violation"), NULL));
    cr_expect(eq(int, (int)rill_publish(conn, "a", "", 0), RILL_ERR_CLOSED));
    story_end(conn);
}

// A server that wants TLS is told apart from one that is not there.
Test(client_connection, tls_is_unsupported)
{
    struct rill_options options = story_options();
    options.reconnect_rounds_max = -1;
    struct rill_conn *conn = story_start(&options);
    cr_assert(fake_accept(&story_server) && fake_say_info(&story_server, ",\"tls_required\":true"));
    cr_expect(story_happens(RILL_EVENT_CLOSED, 1));
    cr_expect(eq(int, (int)story_heard.error.err, RILL_ERR_UNSUPPORTED));
    story_end(conn);
}

// A permission that is missing is told and leaves the link; other complaints end it.
Test(client_connection, a_missing_permission_is_told)
{
    struct rill_conn *conn = story_connect();
    cr_expect(fake_say(&story_server, "-ERR 'Permissions Violation for Publish to \"x\"'\r\nPING\r\n"));
    cr_expect(fake_hears(&story_server, "PONG\r\n"));
    cr_expect(story_happens(RILL_EVENT_ERROR, 1));
    cr_expect(eq(int, (int)story_heard.error.err, RILL_ERR_DENIED));
    cr_expect(eq(int, rill_conn_state(conn), RILL_STATE_CONNECTED));
    cr_expect(fake_say(&story_server, "-ERR 'Stale Connection'\r\n"));
    cr_expect(story_happens(RILL_EVENT_DISCONNECTED, 1));
    story_end(conn);
}

// A server that does not answer pings is left.
Test(client_connection, a_silent_server_is_left)
{
    struct rill_options options = story_options();
    options.ping_interval_ms = 20;
    struct rill_conn *conn = story_start(&options);
    cr_assert(fake_greet(&story_server));
    cr_expect(fake_hears(&story_server, "PING\r\n"));
    cr_expect(fake_is_left(&story_server));
    cr_expect(story_happens(RILL_EVENT_DISCONNECTED, 1));
    story_end(conn);
}

// A server that does not read holds up who publishes or asks until their time-out and no longer; nothing grows meanwhile.
Test(client_connection, a_server_that_does_not_read_is_waited_for_only_so_long)
{
    struct rill_options options = story_options();
    options.timeout_ms = 300;
    options.output_bytes_max = 100000;
    struct rill_conn *conn = story_start(&options);
    cr_assert(fake_greet(&story_server));
    cr_assert(story_happens(RILL_EVENT_CONNECTED, 1));
    static char data[50000];
    enum rill_err err = RILL_OK;
    for (int i = 0; i < 10000 && !err; i++)
        err = rill_publish(conn, "a", data, sizeof data);
    cr_expect(eq(int, (int)err, RILL_ERR_TIMEOUT));
    struct rill_msg *reply = NULL;
    cr_expect(eq(int, (int)rill_request(conn, "a", data, sizeof data, 50, &reply), RILL_ERR_TIMEOUT));
    struct rill_stats stats;
    rill_conn_stats(conn, &stats);
    cr_expect(le(u64, stats.output_bytes, 300000));
    fake_hang_up(&story_server);
    story_end(conn);
}

static void *flush_thread(void *context)
{
    return (void *)(intptr_t)rill_flush(context, STORY_DEADLINE_MS);
}

// A flush whose link breaks is told so: nobody knows what the server has read.
Test(client_connection, a_flush_over_a_broken_link_fails)
{
    struct rill_conn *conn = story_connect();
    pthread_t thread;
    cr_assert(eq(int, pthread_create(&thread, NULL, flush_thread, conn), 0));
    cr_expect(fake_hears(&story_server, "PING\r\n"));
    fake_hang_up(&story_server);
    void *err;
    (void)pthread_join(thread, &err);
    cr_expect(eq(int, (int)(intptr_t)err, RILL_ERR_DISCONNECTED));
    story_end(conn);
}

// Answers find their requests by their inbox, in any order.
Test(client_connection, answers_find_their_requests)
{
    struct rill_conn *conn = story_connect();
    struct rill_msg *reply = NULL;
    cr_expect(eq(int, (int)rill_request(conn, "svc", "?", 1, 20, &reply), RILL_ERR_TIMEOUT));
    cr_expect(fake_hears(&story_server, "SUB _INBOX."));
    cr_expect(fake_hears(&story_server, ".* 1\r\nPUB svc _INBOX."));
    cr_expect(fake_say(&story_server,
                       "MSG _INBOX.nobody 1 1\r\nx\r\nMSG _INBOX.1234567890123456789012.1 1 1\r\nx\r\n"));
    cr_expect(eq(int, (int)rill_request(conn, "svc", "?", 1, 20, &reply), RILL_ERR_TIMEOUT));
    story_end(conn);
}

// The server's news reach the user: other servers, and that it wants to be left.
Test(client_connection, the_server_s_news_are_told)
{
    struct rill_conn *conn = story_connect();
    cr_expect(fake_say_info(&story_server, ",\"connect_urls\":[\"127.0.0.1:1\",\"127.0.0.1:2\"]"));
    cr_expect(story_happens(RILL_EVENT_SERVERS, 1));
    cr_expect(fake_say_info(&story_server, ",\"ldm\":true"));
    cr_expect(story_happens(RILL_EVENT_LAME_DUCK, 1));
    story_end(conn);
}

// Too large for the server is refused here, as the server would break the link.
Test(client_connection, a_message_above_max_payload_is_refused)
{
    struct rill_conn *conn = story_connect();
    char *data = calloc(1, 1048577);
    cr_assert(ne(ptr, data, NULL));
    cr_expect(eq(int, (int)rill_publish(conn, "a", data, 1048577), RILL_ERR_LIMIT));
    cr_expect(eq(int, (int)rill_publish(conn, "a b", data, 1), RILL_ERR_INVALID));
    cr_expect(eq(int, (int)rill_publish(conn, "a.*", data, 1), RILL_ERR_INVALID));
    free(data);
    story_end(conn);
}

// Nobody there: the first connection fails with a reason that names the server.
Test(client_connection, nobody_there_is_said)
{
    struct rill_options options = story_options();
    options.retry_first = false;
    fake_close(&story_server);
    struct rill_conn *conn = NULL;
    struct rill_error error;
    cr_expect(
        eq(int, (int)rill_connect_why(&conn, story_server.url, &options, &error), RILL_ERR_DISCONNECTED));
    cr_expect(ne(ptr, strstr(error.text, "127.0.0.1"), NULL));
    cr_expect(eq(ptr, conn, NULL));
}

static const struct {
    const char *subject;
    enum rill_err err;
    const char *why;
} subjects[] = {
    {"a", RILL_OK, "one token"},
    {"a.b*c.>d.e>", RILL_OK, "wildcards inside tokens are letters"},
    {"", RILL_ERR_INVALID, "nothing"},
    {".a", RILL_ERR_INVALID, "an empty token at the front"},
    {"a.", RILL_ERR_INVALID, "at the end"},
    {"a..b", RILL_ERR_INVALID, "in the middle"},
    {".", RILL_ERR_INVALID, "two empty ones"},
    {"a.*", RILL_ERR_INVALID, "a wildcard"},
    {">", RILL_ERR_INVALID, "the other one"},
    {"a\tb", RILL_ERR_INVALID, "a tab"},
    {"a\r\nb", RILL_ERR_INVALID, "a line end"},
    {"a.* b", RILL_ERR_INVALID, "a blank behind what is odd"},
};

// Only literal subjects are published to: nothing else reaches the wire.
Test(client_connection, only_literal_subjects_are_published_to)
{
    struct rill_conn *conn = story_connect();
    for (size_t i = 0; i < sizeof subjects / sizeof subjects[0]; i++) {
        const struct rill_publish publish = {.subject = subjects[i].subject};
        cr_expect(eq(int, (int)rill_publish(conn, subjects[i].subject, "", 0), (int)subjects[i].err), "%s",
                  subjects[i].why);
        cr_expect(eq(int, (int)rill_publish_msg(conn, &publish), (int)subjects[i].err), "%s",
                  subjects[i].why);
    }
    story_end(conn);
}

// A subscription that is not read from drops what is above its limit: it is counted, and told once.
Test(client_connection, a_slow_reader_is_told)
{
    struct rill_conn *conn = story_connect();
    struct rill_sub *sub;
    struct rill_sub_stats stats;
    const struct rill_subscribe want = {.subject = "a", .pending_msgs_max = 2};
    cr_assert(eq(int, (int)rill_subscribe_with(conn, &want, &sub), RILL_OK));
    cr_expect(fake_hears(&story_server, "SUB a 1\r\n"));
    for (int i = 0; i < 5; i++)
        cr_expect(fake_say(&story_server, "MSG a 1 1\r\nx\r\n"));
    cr_expect(fake_say(&story_server, "PING\r\n"));
    cr_expect(fake_hears(&story_server, "PONG\r\n"));
    cr_expect(story_happens(RILL_EVENT_SLOW, 1));
    rill_sub_stats(sub, &stats);
    cr_expect(eq(u64, stats.dropped_msgs, 3));
    cr_expect(eq(int, story_heard.counts[RILL_EVENT_SLOW], 1));
    story_end(conn);
}

static void let_go_in_callback(struct rill_conn *conn, struct rill_sub *sub, struct rill_msg *msg,
                               void *context)
{
    (void)conn;
    (void)msg;
    *(int *)context += 1;
    rill_unsubscribe(sub);
}

// The connection may be destroyed while callbacks let go of their subscriptions.
Test(client_connection, destroying_waits_for_callbacks_that_unsubscribe)
{
    for (int round = 0; round < 20; round++) {
        story_heard.counts[RILL_EVENT_CONNECTED] = story_heard.counts[RILL_EVENT_CLOSED] = 0;
        struct rill_conn *conn = story_connect();
        int calls[6] = {0};
        for (int i = 0; i < 6; i++) {
            struct rill_sub *sub;
            char line[32];
            const struct rill_subscribe want = {
                .subject = "a", .callback = let_go_in_callback, .context = &calls[i], .own_thread = i % 2};
            cr_assert(eq(int, (int)rill_subscribe_with(conn, &want, &sub), RILL_OK));
            (void)snprintf(line, sizeof line, "MSG a %d 1\r\nx\r\n", i + 1);
            cr_expect(fake_say(&story_server, line));
        }
        story_end(conn);
        for (int i = 0; i < 6; i++)
            cr_expect(le(int, calls[i], 1));
    }
}

// A subscription may be let go of in its own callback, on the common thread and on its own; nothing follows.
Test(client_connection, a_callback_may_unsubscribe)
{
    struct rill_conn *conn = story_connect();
    for (int own = 0; own < 2; own++) {
        struct rill_sub *sub;
        int calls = 0;
        char line[32];
        const struct rill_subscribe want = {
            .subject = "a", .callback = let_go_in_callback, .context = &calls, .own_thread = own};
        cr_assert(eq(int, (int)rill_subscribe_with(conn, &want, &sub), RILL_OK));
        (void)snprintf(line, sizeof line, "MSG a %d 1\r\nx\r\n", own + 1);
        cr_expect(fake_say(&story_server, line) && fake_say(&story_server, line));
        (void)snprintf(line, sizeof line, "UNSUB %d\r\n", own + 1);
        cr_expect(fake_hears(&story_server, line));
        cr_expect(eq(int, calls, 1));
    }
    story_end(conn);
}
