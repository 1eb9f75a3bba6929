// SPDX-License-Identifier: Apache-2.0
//
// Publish/subscribe and requests through librill, against a real server.
#include "law.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Two connections, so that what is tested passes through the server. */
struct pair {
    struct rill_conn *near;
    struct rill_conn *far;
};

static bool over_pair(bool (*body)(struct pair *))
{
    struct pair pair = {law_connect(), law_connect()};
    const bool holds = pair.near && pair.far && body(&pair);
    rill_destroy(pair.near);
    rill_destroy(pair.far);
    return holds;
}

static bool publish_text(struct rill_conn *conn, const char *subject, const char *text)
{
    return law_ok(rill_publish(conn, subject, text, strlen(text)), "publish");
}

static bool listen_at(struct rill_conn *conn, const char *subject, struct rill_sub **ret)
{
    return law_ok(rill_subscribe(conn, subject, ret), "subscribe") && law_ok(rill_flush(conn, -1), "flush");
}

static bool in_order(struct pair *pair)
{
    struct rill_sub *sub;
    if (!listen_at(pair->far, "news.*", &sub))
        return false;
    char text[16];
    for (int i = 0; i < 10000; i++) {
        (void)snprintf(text, sizeof text, "%d", i);
        if (!publish_text(pair->near, i % 2 ? "news.a" : "news.b", text))
            return false;
    }
    for (int i = 0; i < 10000; i++) {
        (void)snprintf(text, sizeof text, "%d", i);
        if (!law_next_is(sub, text))
            return false;
    }
    return true;
}

static bool messages_come_in_order(void)
{
    return over_pair(in_order);
}

static bool large(struct pair *pair)
{
    enum { BYTES = 1000000 };
    struct rill_sub *sub;
    struct rill_msg *msg = NULL;
    char *data = malloc(BYTES);
    for (size_t i = 0; data && i < BYTES; i++)
        data[i] = (char)(i * 7);
    bool holds = data && listen_at(pair->far, "large", &sub);
    for (int i = 0; i < 5 && holds; i++) {
        holds = law_ok(rill_publish(pair->near, "large", data, BYTES), "publish") &&
                law_ok(rill_next_msg(sub, -1, &msg), "next") && rill_msg_data_bytes(msg) == BYTES &&
                memcmp(rill_msg_data(msg), data, BYTES) == 0;
        rill_msg_unref(msg);
        msg = NULL;
    }
    free(data);
    return holds;
}

static bool large_messages_arrive_whole(void)
{
    return over_pair(large);
}

static bool queue(struct pair *pair)
{
    enum { MEMBERS = 3, COUNT = 300 };
    struct rill_sub *members[MEMBERS];
    bool holds = true;
    for (int i = 0; i < MEMBERS && holds; i++)
        holds =
            law_ok(rill_queue_subscribe(pair->far, "jobs", "workers", NULL, NULL, &members[i]), "subscribe");
    holds = holds && law_ok(rill_flush(pair->far, -1), "flush");
    for (int i = 0; i < COUNT && holds; i++)
        holds = publish_text(pair->near, "jobs", "x");
    holds =
        holds && law_ok(rill_flush(pair->near, -1), "flush") && law_ok(rill_flush(pair->far, -1), "flush");
    uint64_t total = 0;
    for (int i = 0; i < MEMBERS && holds; i++) {
        struct rill_sub_stats stats;
        rill_sub_stats(members[i], &stats);
        holds = stats.received_msgs > 0 || law_fail("member %d got nothing", i);
        total += stats.received_msgs;
    }
    return holds && (total == COUNT || law_fail("%d sent, %d came", COUNT, (int)total));
}

static bool a_queue_group_shares_messages(void)
{
    return over_pair(queue);
}

static void answer(struct rill_conn *conn, struct rill_sub *sub, struct rill_msg *msg, void *context)
{
    (void)sub;
    (void)context;
    (void)!rill_respond(conn, msg, rill_msg_data(msg), rill_msg_data_bytes(msg));
}

static bool request(struct pair *pair)
{
    struct rill_sub *service;
    if (!law_ok(rill_subscribe_callback(pair->far, "ask", answer, NULL, &service), "subscribe") ||
        !law_ok(rill_flush(pair->far, -1), "flush"))
        return false;
    for (int i = 0; i < 100; i++) {
        char text[16];
        struct rill_msg *reply = NULL;
        (void)snprintf(text, sizeof text, "%d", i);
        const bool holds =
            law_ok(rill_request(pair->near, "ask", text, strlen(text), -1, &reply), "request") &&
            law_text_is(reply, text);
        rill_msg_unref(reply);
        if (!holds)
            return false;
    }
    return true;
}

static bool a_request_has_its_answer(void)
{
    return over_pair(request);
}

static bool nobody(struct pair *pair)
{
    struct rill_msg *reply = NULL;
    return law_err_is(rill_request(pair->near, "nobody", "", 0, -1, &reply), RILL_ERR_NO_RESPONDERS,
                      "request");
}

static bool a_request_to_nobody_fails_at_once(void)
{
    return over_pair(nobody);
}

struct answers {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int good, bad;
};

static void on_answer(struct rill_conn *conn, enum rill_err err, struct rill_msg *reply, void *context)
{
    struct answers *answers = context;
    (void)conn;
    (void)pthread_mutex_lock(&answers->lock);
    *(err ? &answers->bad : &answers->good) += 1;
    if (!err && rill_msg_data_bytes(reply) != 1)
        answers->bad += 1000;
    (void)pthread_cond_signal(&answers->changed);
    (void)pthread_mutex_unlock(&answers->lock);
}

/* One answer for each request, one of them to nobody. */
static bool async(struct pair *pair)
{
    enum { COUNT = 500 };
    struct answers answers = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0};
    struct rill_sub *service;
    if (!law_ok(rill_subscribe_callback(pair->far, "ask", answer, NULL, &service), "subscribe") ||
        !law_ok(rill_flush(pair->far, -1), "flush"))
        return false;
    const struct rill_publish ask = {.subject = "ask", .data = "x", .data_bytes = 1};
    const struct rill_publish lost = {.subject = "lost"};
    for (int i = 0; i < COUNT; i++)
        if (!law_ok(rill_request_async(pair->near, &ask, -1, on_answer, &answers), "request"))
            return false;
    if (!law_ok(rill_request_async(pair->near, &lost, -1, on_answer, &answers), "request"))
        return false;
    (void)pthread_mutex_lock(&answers.lock);
    while (answers.good + answers.bad < COUNT + 1)
        (void)pthread_cond_wait(&answers.changed, &answers.lock);
    (void)pthread_mutex_unlock(&answers.lock);
    return (answers.good == COUNT && answers.bad == 1) ||
           law_fail("%d answers, %d failures", answers.good, answers.bad);
}

static bool answers_come_to_callbacks(void)
{
    return over_pair(async);
}

static bool count_reply(struct rill_msg *reply, void *context)
{
    *(int *)context += law_text_is(reply, "who?");
    return true;
}

static bool many(struct pair *pair)
{
    struct rill_sub *first, *second;
    if (!law_ok(rill_subscribe_callback(pair->far, "who", answer, NULL, &first), "subscribe") ||
        !law_ok(rill_subscribe_callback(pair->far, "who", answer, NULL, &second), "subscribe") ||
        !law_ok(rill_flush(pair->far, -1), "flush"))
        return false;
    const struct rill_publish who = {.subject = "who", .data = "who?", .data_bytes = 4};
    const struct rill_publish none = {.subject = "none"};
    int count = 0;
    uint64_t counted = 0;
    const struct rill_many two = {.timeout_ms = LAW_TIMEOUT_MS, .replies_max = 2};
    const struct rill_many gap = {.timeout_ms = LAW_TIMEOUT_MS, .gap_ms = 100};
    return law_ok(rill_request_many(pair->near, &who, &two, count_reply, &count, &counted), "request") &&
           (counted == 2 || law_fail("%d answers", (int)counted)) &&
           law_ok(rill_request_many(pair->near, &who, &gap, count_reply, &count, &counted), "request") &&
           (count == 4 || law_fail("%d answers in all", count)) &&
           law_err_is(rill_request_many(pair->near, &none, &gap, count_reply, &count, &counted),
                      RILL_ERR_NO_RESPONDERS, "request to nobody");
}

static bool many_may_answer_one_request(void)
{
    return over_pair(many);
}

static bool header_is(const struct rill_msg *msg, const char *name, const char *wanted)
{
    struct rill_text value;
    return (rill_msg_header(msg, name, &value) && value.bytes == strlen(wanted) &&
            memcmp(value.text, wanted, value.bytes) == 0) ||
           law_fail("%s is not %s", name, wanted);
}

static bool headers(struct pair *pair)
{
    const struct rill_header given[] = {{"Color", "green"}, {"Size", "large"}};
    const struct rill_publish publish = {
        .subject = "head", .headers = given, .headers_count = 2, .data = "body", .data_bytes = 4};
    struct rill_sub *sub;
    struct rill_msg *msg = NULL;
    const bool holds = listen_at(pair->far, "head", &sub) &&
                       law_ok(rill_publish_msg(pair->near, &publish), "publish") &&
                       law_ok(rill_next_msg(sub, -1, &msg), "next") && law_text_is(msg, "body") &&
                       header_is(msg, "Color", "green") && header_is(msg, "Size", "large");
    rill_msg_unref(msg);
    return holds;
}

static bool headers_arrive_with_their_message(void)
{
    return over_pair(headers);
}

static bool limited(struct pair *pair)
{
    struct rill_sub *sub;
    struct rill_msg *msg = NULL;
    return listen_at(pair->far, "few", &sub) && law_ok(rill_unsubscribe_after(sub, 2), "limit") &&
           law_ok(rill_flush(pair->far, -1), "flush") && publish_text(pair->near, "few", "1") &&
           publish_text(pair->near, "few", "2") && publish_text(pair->near, "few", "3") &&
           law_next_is(sub, "1") && law_next_is(sub, "2") &&
           law_err_is(rill_next_msg(sub, -1, &msg), RILL_ERR_CLOSED, "the third");
}

static bool a_subscription_ends_after_so_many(void)
{
    return over_pair(limited);
}

static bool no_echo(void)
{
    struct rill_conn *conn = law_connect_with((struct rill_options){.no_echo = true});
    struct rill_sub *sub;
    struct rill_msg *msg = NULL;
    const bool holds = conn && listen_at(conn, "self", &sub) && publish_text(conn, "self", "x") &&
                       law_ok(rill_flush(conn, -1), "flush") &&
                       law_err_is(rill_next_msg(sub, 0, &msg), RILL_ERR_TIMEOUT, "own message");
    rill_destroy(conn);
    return holds;
}

static void count(struct rill_conn *conn, struct rill_sub *sub, struct rill_msg *msg, void *context)
{
    (void)conn;
    (void)sub;
    (void)msg;
    (void)atomic_fetch_add((atomic_int *)context, 1);
}

static bool drain(struct pair *pair)
{
    enum { COUNT = 2000 };
    atomic_int counted = 0;
    struct rill_sub *sub;
    bool holds = law_ok(rill_subscribe_callback(pair->far, "work", count, &counted, &sub), "subscribe") &&
                 law_ok(rill_flush(pair->far, -1), "flush");
    for (int i = 0; i < COUNT && holds; i++)
        holds = publish_text(pair->near, "work", "x");
    return holds && law_ok(rill_flush(pair->near, -1), "flush") &&
           law_ok(rill_drain(pair->far, -1), "drain") &&
           (atomic_load(&counted) == COUNT || law_fail("%d of %d came", atomic_load(&counted), COUNT)) &&
           law_err_is(rill_publish(pair->far, "a", "", 0), RILL_ERR_CLOSED, "publish after the drain");
}

static bool a_drain_loses_nothing(void)
{
    return over_pair(drain);
}

static bool a_close_sends_what_was_published(void)
{
    struct pair pair = {law_connect(), law_connect()};
    struct rill_sub *sub;
    bool holds = pair.near && pair.far && listen_at(pair.far, "last", &sub) &&
                 publish_text(pair.near, "last", "words");
    rill_destroy(pair.near);
    holds = holds && law_next_is(sub, "words");
    rill_destroy(pair.far);
    return holds;
}

/* A PING on the link that is dying is told so; the next waits for the new link. */
static bool answers_again(struct rill_conn *conn)
{
    int64_t rtt_ns = 0;
    enum rill_err err = RILL_ERR_DISCONNECTED;
    for (int i = 0; i < 100 && err == RILL_ERR_DISCONNECTED; i++)
        err = rill_rtt(conn, -1, &rtt_ns);
    return law_ok(err, "rtt") && (rtt_ns > 0 || law_fail("no time"));
}

static bool restart(struct pair *pair)
{
    struct rill_sub *sub;
    return listen_at(pair->far, "again", &sub) && publish_text(pair->near, "again", "one") &&
           law_next_is(sub, "one") && law_restart_server() && answers_again(pair->near) &&
           answers_again(pair->far) && publish_text(pair->near, "again", "two") && law_next_is(sub, "two");
}

static bool everything_goes_on_after_a_restart(void)
{
    if (getenv("RILL_WS_URL"))
        return law_skip("the server's port for WebSocket is another one after a restart");
    return over_pair(restart);
}

static const struct law_case cases[] = {
    {"messages_come_in_order", messages_come_in_order},
    {"large_messages_arrive_whole", large_messages_arrive_whole},
    {"a_queue_group_shares_messages", a_queue_group_shares_messages},
    {"a_request_has_its_answer", a_request_has_its_answer},
    {"a_request_to_nobody_fails_at_once", a_request_to_nobody_fails_at_once},
    {"answers_come_to_callbacks", answers_come_to_callbacks},
    {"many_may_answer_one_request", many_may_answer_one_request},
    {"headers_arrive_with_their_message", headers_arrive_with_their_message},
    {"a_subscription_ends_after_so_many", a_subscription_ends_after_so_many},
    {"a_connection_without_echo_does_not_hear_itself", no_echo},
    {"a_drain_loses_nothing", a_drain_loses_nothing},
    {"a_close_sends_what_was_published", a_close_sends_what_was_published},
    {"everything_goes_on_after_a_restart", everything_goes_on_after_a_restart},
};

int main(void)
{
    return law_run(cases, sizeof cases / sizeof cases[0]);
}
