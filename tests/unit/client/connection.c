// SPDX-License-Identifier: Apache-2.0
//
// A whole connection against a scripted server: broken links, commands in pieces, complaints, garbage, a
// server that does not read.
#include "base/err.h"
#include "fake_server.h"
#include "rill.h"
#include "wait.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

TestSuite(client_connection, .timeout = 60);

enum { DEADLINE_MS = 10000 };

/* Which events have come, and the last error. */
struct heard {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int counts[RILL_EVENT_SERVERS + 1];
    struct rill_error error;
};

static struct fake_server fake;
static struct heard heard = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void on_event(struct rill_conn *conn, const struct rill_event *event, void *context)
{
    (void)conn;
    (void)context;
    (void)pthread_mutex_lock(&heard.lock);
    heard.counts[event->kind]++;
    if (event->error.err)
        heard.error = event->error;
    (void)pthread_cond_broadcast(&heard.changed);
    (void)pthread_mutex_unlock(&heard.lock);
}

/* Waits until the event has come so many times. */
static bool happens(enum rill_event_kind kind, int times)
{
    const int64_t deadline_ns = wait_deadline_ns(DEADLINE_MS, 0);
    bool in_time = true;
    (void)pthread_mutex_lock(&heard.lock);
    while (heard.counts[kind] < times && in_time)
        in_time = wait_until(&heard.changed, &heard.lock, deadline_ns);
    const bool happened = heard.counts[kind] >= times;
    (void)pthread_mutex_unlock(&heard.lock);
    return happened;
}

static struct rill_options quick(void)
{
    (void)wait_cond_init(&heard.changed);
    fake_open(&fake);
    return (struct rill_options){.struct_bytes = sizeof(struct rill_options),
                                 .retry_first = true,
                                 .timeout_ms = DEADLINE_MS,
                                 .reconnect_wait_ms = 1,
                                 .reconnect_wait_max_ms = 5,
                                 .reconnect_jitter_ms = 1,
                                 .on_event = on_event};
}

static struct rill_conn *start(const struct rill_options *options)
{
    struct rill_conn *conn = NULL;
    cr_assert(eq(int, (int)rill_connect(&conn, fake.url, options), RILL_OK));
    return conn;
}

static struct rill_conn *connected(void)
{
    const struct rill_options options = quick();
    struct rill_conn *conn = start(&options);
    cr_assert(fake_greet(&fake));
    cr_assert(happens(RILL_EVENT_CONNECTED, 1));
    return conn;
}

static void end(struct rill_conn *conn)
{
    rill_destroy(conn);
    fake_close(&fake);
    cr_expect(happens(RILL_EVENT_CLOSED, 1), "the last event comes before the end of destroy");
}

static bool next_is(struct rill_sub *sub, const char *text)
{
    struct rill_msg *msg = NULL;
    if (rill_next_msg(sub, DEADLINE_MS, &msg))
        return false;
    const bool same = strcmp(rill_msg_data(msg), text) == 0;
    rill_msg_unref(msg);
    return same;
}

// The greeting carries what the options say, and the URL's secrets go before them.
Test(client_connection, the_greeting_says_who_we_are)
{
    struct rill_options options = quick();
    options.name = "tester";
    options.no_echo = true;
    options.user = "other";
    char url[FAKE_URL_BYTES + 16];
    (void)snprintf(url, sizeof url, "nats://me:pw@%.40s", fake.url + sizeof "nats://" - 1);
    struct rill_conn *conn = NULL;
    cr_assert(eq(int, (int)rill_connect(&conn, url, &options), RILL_OK));
    cr_assert(fake_accept(&fake) && fake_say_info(&fake, ""));
    cr_expect(fake_hears(&fake, "\"user\":\"me\",\"pass\":\"pw\",\"name\":\"tester\""));
    cr_expect(fake_hears(&fake, "\"echo\":false,\"headers\":true,\"no_responders\":true}\r\nPING\r\n"));
    cr_assert(fake_say(&fake, "PONG\r\n"));
    cr_expect(happens(RILL_EVENT_CONNECTED, 1));
    end(conn);
}

// A broken link is replaced; subscriptions are renewed, with what is left of their maximum, before anything else
// is sent, and what was published meanwhile follows.
Test(client_connection, a_broken_link_is_replaced)
{
    struct rill_conn *conn = connected();
    struct rill_sub *sub, *limited;
    cr_assert(eq(int, (int)rill_subscribe(conn, "a.*", &sub), RILL_OK));
    const struct rill_subscribe want = {.subject = "b", .queue = "q", .max_msgs = 3};
    cr_assert(eq(int, (int)rill_subscribe_with(conn, &want, &limited), RILL_OK));
    cr_expect(fake_hears(&fake, "SUB a.* 1\r\nSUB b q 2\r\nUNSUB 2 3\r\n"));
    cr_expect(fake_say(&fake, "MSG b 2 3\r\none\r\n"));
    cr_expect(next_is(limited, "one"));
    fake_hang_up(&fake);
    cr_expect(happens(RILL_EVENT_DISCONNECTED, 1));
    cr_expect(eq(int, (int)rill_publish(conn, "c", "kept", 4), RILL_OK));
    cr_assert(fake_greet(&fake));
    cr_expect(fake_hears(&fake, "SUB a.* 1\r\nSUB b q 2\r\nUNSUB 2 2\r\nPUB c 4\r\nkept\r\n"));
    cr_expect(happens(RILL_EVENT_RECONNECTED, 1));
    cr_expect(fake_say(&fake, "MSG a.x 1 3\r\ntwo\r\n"));
    cr_expect(next_is(sub, "two"));
    end(conn);
}

// What is published without a link is kept up to the limit and refused beyond it.
Test(client_connection, the_reconnect_buffer_has_a_limit)
{
    struct rill_options options = quick();
    options.reconnect_buffer_bytes_max = 1000;
    struct rill_conn *conn = start(&options);
    int accepted = 0;
    enum rill_err err = RILL_OK;
    while (!err && accepted < 1000) {
        err = rill_publish(conn, "a", "0123456789", 10);
        accepted += !err;
    }
    cr_expect(eq(int, (int)err, RILL_ERR_LIMIT));
    cr_expect(gt(int, accepted, 5));
    cr_assert(fake_greet(&fake));
    cr_expect(fake_hears(&fake, "PUB a 10\r\n0123456789\r\n"));
    end(conn);
}

// A message may come in pieces of any size.
Test(client_connection, frames_may_come_in_pieces)
{
    struct rill_conn *conn = connected();
    struct rill_sub *sub;
    cr_assert(eq(int, (int)rill_subscribe(conn, "a", &sub), RILL_OK));
    cr_assert(fake_hears(&fake, "SUB a 1\r\n"));
    static const char text[] = "HMSG a 1 r 12 17\r\nNATS/1.0\r\n\r\nhello\r\nMSG a 1 2\r\nhi\r\n";
    for (size_t i = 0; i < sizeof text - 1; i++)
        cr_expect(fake_say_bytes(&fake, text + i, 1));
    cr_expect(next_is(sub, "hello"));
    cr_expect(next_is(sub, "hi"));
    end(conn);
}

static const char *const garbage[] = {
    "HTTP/1.1 400 Bad Request\r\n\r\n", "MSG a\r\n",    "MSG a 1 2\r\nhiXX", "INFO not json\r\n",
    "HMSG a 1 5 5\r\nxxxxx\r\n",        "\xff\xfe\r\n",
};

// Whatever garbage comes, the link is broken and another one is made.
Test(client_connection, garbage_breaks_the_link_only)
{
    struct rill_conn *conn = connected();
    struct rill_sub *sub;
    cr_assert(eq(int, (int)rill_subscribe(conn, "a", &sub), RILL_OK));
    for (int i = 0; i < (int)(sizeof garbage / sizeof garbage[0]); i++) {
        cr_assert(fake_hears(&fake, "SUB a 1\r\n"), "%s", garbage[i]);
        cr_expect(fake_say(&fake, garbage[i]), "%s", garbage[i]);
        cr_expect(fake_is_left(&fake), "%s", garbage[i]);
        cr_assert(fake_greet(&fake), "%s", garbage[i]);
        cr_expect(happens(RILL_EVENT_RECONNECTED, i + 1), "%s", garbage[i]);
    }
    end(conn);
}

// A server that closes at once, or says nothing, or says nonsense first is left, and the search goes on.
Test(client_connection, a_bad_start_is_tried_again)
{
    struct rill_options options = quick();
    options.timeout_ms = 200;
    struct rill_conn *conn = start(&options);
    cr_assert(fake_accept(&fake));
    fake_hang_up(&fake);
    cr_assert(fake_accept(&fake));
    cr_expect(fake_is_left(&fake), "a silent server is left");
    cr_assert(fake_accept(&fake));
    cr_expect(fake_say(&fake, "PONG\r\nnonsense\r\n"));
    cr_expect(fake_is_left(&fake));
    cr_assert(fake_greet(&fake));
    cr_expect(happens(RILL_EVENT_CONNECTED, 1));
    end(conn);
}

// Wrong credentials are an error that says so, not an endless search.
Test(client_connection, a_refusal_is_denied)
{
    const struct rill_options options = quick();
    struct rill_conn *conn = start(&options);
    for (int i = 0; i < 2; i++) {
        cr_assert(fake_accept(&fake) && fake_say_info(&fake, ",\"auth_required\":true"));
        cr_expect(fake_hears(&fake, "PING\r\n"));
        cr_expect(fake_say(&fake, "-ERR 'Authorization Violation'\r\n"));
        cr_expect(fake_is_left(&fake));
    }
    cr_expect(happens(RILL_EVENT_CLOSED, 1));
    cr_expect(eq(int, (int)heard.error.err, RILL_ERR_DENIED));
    cr_expect(ne(ptr, strstr(heard.error.text, "Authorization Violation"), NULL));
    cr_expect(eq(int, (int)rill_publish(conn, "a", "", 0), RILL_ERR_CLOSED));
    end(conn);
}

// A server that wants TLS is told apart from one that is not there.
Test(client_connection, tls_is_unsupported)
{
    struct rill_options options = quick();
    options.reconnect_rounds_max = -1;
    struct rill_conn *conn = start(&options);
    cr_assert(fake_accept(&fake) && fake_say_info(&fake, ",\"tls_required\":true"));
    cr_expect(happens(RILL_EVENT_CLOSED, 1));
    cr_expect(eq(int, (int)heard.error.err, RILL_ERR_UNSUPPORTED));
    end(conn);
}

// A permission that is missing is told and leaves the link; other complaints end it.
Test(client_connection, a_missing_permission_is_told)
{
    struct rill_conn *conn = connected();
    cr_expect(fake_say(&fake, "-ERR 'Permissions Violation for Publish to \"x\"'\r\nPING\r\n"));
    cr_expect(fake_hears(&fake, "PONG\r\n"));
    cr_expect(happens(RILL_EVENT_ERROR, 1));
    cr_expect(eq(int, (int)heard.error.err, RILL_ERR_DENIED));
    cr_expect(eq(int, rill_conn_state(conn), RILL_STATE_CONNECTED));
    cr_expect(fake_say(&fake, "-ERR 'Stale Connection'\r\n"));
    cr_expect(happens(RILL_EVENT_DISCONNECTED, 1));
    end(conn);
}

// A server that does not answer pings is left.
Test(client_connection, a_silent_server_is_left)
{
    struct rill_options options = quick();
    options.ping_interval_ms = 20;
    struct rill_conn *conn = start(&options);
    cr_assert(fake_greet(&fake));
    cr_expect(fake_hears(&fake, "PING\r\n"));
    cr_expect(fake_is_left(&fake));
    cr_expect(happens(RILL_EVENT_DISCONNECTED, 1));
    end(conn);
}

// A server that does not read holds publishers up to their time-out and no longer; nothing grows meanwhile.
Test(client_connection, a_server_that_does_not_read_is_waited_for_only_so_long)
{
    struct rill_options options = quick();
    options.timeout_ms = 300;
    options.output_bytes_max = 100000;
    struct rill_conn *conn = start(&options);
    cr_assert(fake_greet(&fake));
    cr_assert(happens(RILL_EVENT_CONNECTED, 1));
    static char data[50000];
    enum rill_err err = RILL_OK;
    for (int i = 0; i < 10000 && !err; i++)
        err = rill_publish(conn, "a", data, sizeof data);
    cr_expect(eq(int, (int)err, RILL_ERR_TIMEOUT));
    struct rill_stats stats;
    rill_conn_stats(conn, &stats);
    cr_expect(le(u64, stats.output_bytes, 300000));
    fake_hang_up(&fake);
    end(conn);
}

static void *flush_thread(void *context)
{
    return (void *)(intptr_t)rill_flush(context, DEADLINE_MS);
}

// A flush whose link breaks is told so: nobody knows what the server has read.
Test(client_connection, a_flush_over_a_broken_link_fails)
{
    struct rill_conn *conn = connected();
    pthread_t thread;
    cr_assert(eq(int, pthread_create(&thread, NULL, flush_thread, conn), 0));
    cr_expect(fake_hears(&fake, "PING\r\n"));
    fake_hang_up(&fake);
    void *err;
    (void)pthread_join(thread, &err);
    cr_expect(eq(int, (int)(intptr_t)err, RILL_ERR_DISCONNECTED));
    end(conn);
}

// Answers find their requests by their inbox, in any order.
Test(client_connection, answers_find_their_requests)
{
    struct rill_conn *conn = connected();
    struct rill_msg *reply = NULL;
    cr_expect(eq(int, (int)rill_request(conn, "svc", "?", 1, 20, &reply), RILL_ERR_TIMEOUT));
    cr_expect(fake_hears(&fake, "SUB _INBOX."));
    cr_expect(fake_hears(&fake, ".* 1\r\nPUB svc _INBOX."));
    cr_expect(
        fake_say(&fake, "MSG _INBOX.nobody 1 1\r\nx\r\nMSG _INBOX.1234567890123456789012.1 1 1\r\nx\r\n"));
    cr_expect(eq(int, (int)rill_request(conn, "svc", "?", 1, 20, &reply), RILL_ERR_TIMEOUT));
    end(conn);
}

// The server's news reach the user: other servers, and that it wants to be left.
Test(client_connection, the_server_s_news_are_told)
{
    struct rill_conn *conn = connected();
    cr_expect(fake_say_info(&fake, ",\"connect_urls\":[\"127.0.0.1:1\",\"127.0.0.1:2\"]"));
    cr_expect(happens(RILL_EVENT_SERVERS, 1));
    cr_expect(fake_say_info(&fake, ",\"ldm\":true"));
    cr_expect(happens(RILL_EVENT_LAME_DUCK, 1));
    end(conn);
}

// Too large for the server is refused here, as the server would break the link.
Test(client_connection, a_message_above_max_payload_is_refused)
{
    struct rill_conn *conn = connected();
    char *data = calloc(1, 1048577);
    cr_assert(ne(ptr, data, NULL));
    cr_expect(eq(int, (int)rill_publish(conn, "a", data, 1048577), RILL_ERR_LIMIT));
    cr_expect(eq(int, (int)rill_publish(conn, "a b", data, 1), RILL_ERR_INVALID));
    cr_expect(eq(int, (int)rill_publish(conn, "a.*", data, 1), RILL_ERR_INVALID));
    free(data);
    end(conn);
}

// Nobody there: the first connection fails with a reason that names the server.
Test(client_connection, nobody_there_is_said)
{
    struct rill_options options = quick();
    options.retry_first = false;
    fake_close(&fake);
    struct rill_conn *conn = NULL;
    struct rill_error error;
    cr_expect(eq(int, (int)rill_connect_why(&conn, fake.url, &options, &error), RILL_ERR_DISCONNECTED));
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
    struct rill_conn *conn = connected();
    for (size_t i = 0; i < sizeof subjects / sizeof subjects[0]; i++) {
        const struct rill_publish publish = {.subject = subjects[i].subject};
        cr_expect(eq(int, (int)rill_publish(conn, subjects[i].subject, "", 0), (int)subjects[i].err), "%s",
                  subjects[i].why);
        cr_expect(eq(int, (int)rill_publish_msg(conn, &publish), (int)subjects[i].err), "%s",
                  subjects[i].why);
    }
    end(conn);
}

// A subscription that is not read from drops what is above its limit: it is counted, and told once.
Test(client_connection, a_slow_reader_is_told)
{
    struct rill_conn *conn = connected();
    struct rill_sub *sub;
    struct rill_sub_stats stats;
    const struct rill_subscribe want = {.subject = "a", .pending_msgs_max = 2};
    cr_assert(eq(int, (int)rill_subscribe_with(conn, &want, &sub), RILL_OK));
    cr_expect(fake_hears(&fake, "SUB a 1\r\n"));
    for (int i = 0; i < 5; i++)
        cr_expect(fake_say(&fake, "MSG a 1 1\r\nx\r\n"));
    cr_expect(fake_say(&fake, "PING\r\n"));
    cr_expect(fake_hears(&fake, "PONG\r\n"));
    cr_expect(happens(RILL_EVENT_SLOW, 1));
    rill_sub_stats(sub, &stats);
    cr_expect(eq(u64, stats.dropped_msgs, 3));
    cr_expect(eq(int, heard.counts[RILL_EVENT_SLOW], 1));
    end(conn);
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
        heard.counts[RILL_EVENT_CONNECTED] = heard.counts[RILL_EVENT_CLOSED] = 0;
        struct rill_conn *conn = connected();
        int calls[6] = {0};
        for (int i = 0; i < 6; i++) {
            struct rill_sub *sub;
            char line[32];
            const struct rill_subscribe want = {
                .subject = "a", .callback = let_go_in_callback, .context = &calls[i], .own_thread = i % 2};
            cr_assert(eq(int, (int)rill_subscribe_with(conn, &want, &sub), RILL_OK));
            (void)snprintf(line, sizeof line, "MSG a %d 1\r\nx\r\n", i + 1);
            cr_expect(fake_say(&fake, line));
        }
        end(conn);
        for (int i = 0; i < 6; i++)
            cr_expect(le(int, calls[i], 1));
    }
}

// A subscription may be let go of in its own callback, on the common thread and on its own; nothing follows.
Test(client_connection, a_callback_may_unsubscribe)
{
    struct rill_conn *conn = connected();
    for (int own = 0; own < 2; own++) {
        struct rill_sub *sub;
        int calls = 0;
        char line[32];
        const struct rill_subscribe want = {
            .subject = "a", .callback = let_go_in_callback, .context = &calls, .own_thread = own};
        cr_assert(eq(int, (int)rill_subscribe_with(conn, &want, &sub), RILL_OK));
        (void)snprintf(line, sizeof line, "MSG a %d 1\r\nx\r\n", own + 1);
        cr_expect(fake_say(&fake, line) && fake_say(&fake, line));
        (void)snprintf(line, sizeof line, "UNSUB %d\r\n", own + 1);
        cr_expect(fake_hears(&fake, line));
        cr_expect(eq(int, calls, 1));
    }
    end(conn);
}
