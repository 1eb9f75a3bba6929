// SPDX-License-Identifier: Apache-2.0
//
// Publish/subscribe as Debian's C client does it.
#include "check.h"

#include <stdio.h>
#include <string.h>

/* Two connections, so that what is tested passes through the server and not through a client's short cut. */
struct pair {
    natsConnection *listener;
    natsConnection *speaker;
};

static bool pair_open(struct pair *pair)
{
    *pair = (struct pair){.listener = check_connect(), .speaker = check_connect()};
    return pair->listener != NULL && pair->speaker != NULL;
}

static void pair_close(struct pair *pair)
{
    natsConnection_Destroy(pair->listener);
    natsConnection_Destroy(pair->speaker);
}

/* A law over a pair; the frame opens and closes it. */
static bool over_pair(bool (*body)(struct pair *))
{
    struct pair pair;
    bool holds = pair_open(&pair) && body(&pair);
    pair_close(&pair);
    return holds;
}

static bool next_is(natsSubscription *sub, const char *text)
{
    natsMsg *message = NULL;
    bool holds = check_ok(natsSubscription_NextMsg(&message, sub, CHECK_TIMEOUT_MS), "next message") &&
                 check_payload(message, text);
    natsMsg_Destroy(message);
    return holds;
}

static bool publish_and_receive(struct pair *pair)
{
    natsSubscription *sub = NULL;
    bool holds = check_ok(natsConnection_SubscribeSync(&sub, pair->listener, "news.*"), "subscribe") &&
                 check_ok(natsConnection_Flush(pair->listener), "flush") &&
                 check_ok(natsConnection_PublishString(pair->speaker, "news.a", "one"), "publish") &&
                 check_ok(natsConnection_PublishString(pair->speaker, "news.b", "two"), "publish") &&
                 next_is(sub, "one") && next_is(sub, "two");
    natsSubscription_Destroy(sub);
    return holds;
}

static bool publish_reaches_a_subscriber_in_order(void)
{
    return over_pair(publish_and_receive);
}

static bool publish_numbered(natsConnection *connection, const char *subject, int count)
{
    char text[16];
    for (int number = 0; number < count; number++) {
        snprintf(text, sizeof(text), "%d", number);
        if (!check_ok(natsConnection_PublishString(connection, subject, text), "publish"))
            return false;
    }
    return check_ok(natsConnection_Flush(connection), "flush");
}

enum { MEMBER_COUNT = 3, QUEUE_MESSAGE_COUNT = 300 };

/* Adds up what the members have got; the flush of the listener has brought everything in. */
static bool queue_counts_add_up(natsSubscription **members)
{
    int total = 0;
    for (int at = 0; at < MEMBER_COUNT; at++) {
        int count = 0;
        if (!check_ok(natsSubscription_GetPending(members[at], &count, NULL), "pending"))
            return false;
        if (count == 0)
            return check_fail("member %d got nothing of %d", at, QUEUE_MESSAGE_COUNT);
        total += count;
    }
    return total == QUEUE_MESSAGE_COUNT ||
           check_fail("%d expected in all, got %d", QUEUE_MESSAGE_COUNT, total);
}

static bool queue_group(struct pair *pair)
{
    natsSubscription *members[MEMBER_COUNT] = {NULL};
    bool holds = true;
    for (int at = 0; at < MEMBER_COUNT && holds; at++)
        holds = check_ok(natsConnection_QueueSubscribeSync(&members[at], pair->listener, "jobs", "workers"),
                         "subscribe");
    holds = holds && check_ok(natsConnection_Flush(pair->listener), "flush") &&
            publish_numbered(pair->speaker, "jobs", QUEUE_MESSAGE_COUNT) &&
            check_ok(natsConnection_Flush(pair->listener), "flush") && queue_counts_add_up(members);
    for (int at = 0; at < MEMBER_COUNT; at++)
        natsSubscription_Destroy(members[at]);
    return holds;
}

static bool a_queue_group_shares_messages_among_its_members(void)
{
    return over_pair(queue_group);
}

static void answer(natsConnection *connection, natsSubscription *sub, natsMsg *message, void *closure)
{
    (void)sub;
    (void)closure;
    natsConnection_PublishString(connection, natsMsg_GetReply(message), "answer");
    natsMsg_Destroy(message);
}

static bool request_reply(struct pair *pair)
{
    natsSubscription *service = NULL;
    natsMsg *reply = NULL;
    bool holds =
        check_ok(natsConnection_Subscribe(&service, pair->listener, "ask", answer, NULL), "subscribe") &&
        check_ok(natsConnection_Flush(pair->listener), "flush") &&
        check_ok(natsConnection_RequestString(&reply, pair->speaker, "ask", "question", CHECK_TIMEOUT_MS),
                 "request") &&
        check_payload(reply, "answer");
    natsMsg_Destroy(reply);
    natsSubscription_Destroy(service);
    return holds;
}

static bool a_request_has_its_reply(void)
{
    return over_pair(request_reply);
}

static bool no_responders(struct pair *pair)
{
    natsMsg *reply = NULL;
    natsStatus status = natsConnection_RequestString(&reply, pair->speaker, "nobody", "?", CHECK_TIMEOUT_MS);
    natsMsg_Destroy(reply);
    return status == NATS_NO_RESPONDERS || check_fail("got: %s", natsStatus_GetText(status));
}

static bool a_request_to_nobody_fails_at_once(void)
{
    return over_pair(no_responders);
}

static bool header_is(natsMsg *message, const char *key, const char *wanted)
{
    const char *value = NULL;
    if (!check_ok(natsMsgHeader_Get(message, key, &value), key))
        return false;
    return strcmp(value, wanted) == 0 || check_fail("%s is \"%s\"", key, value);
}

static bool publish_with_headers(natsConnection *connection)
{
    natsMsg *message = NULL;
    bool holds = check_ok(natsMsg_Create(&message, "head", NULL, "body", 4), "create") &&
                 check_ok(natsMsgHeader_Set(message, "Color", "green"), "set") &&
                 check_ok(natsMsgHeader_Add(message, "Size", "large"), "add") &&
                 check_ok(natsConnection_PublishMsg(connection, message), "publish");
    natsMsg_Destroy(message);
    return holds;
}

static bool headers(struct pair *pair)
{
    natsSubscription *sub = NULL;
    natsMsg *message = NULL;
    bool holds = check_ok(natsConnection_SubscribeSync(&sub, pair->listener, "head"), "subscribe") &&
                 check_ok(natsConnection_Flush(pair->listener), "flush") &&
                 publish_with_headers(pair->speaker) &&
                 check_ok(natsSubscription_NextMsg(&message, sub, CHECK_TIMEOUT_MS), "next message") &&
                 check_payload(message, "body") && header_is(message, "Color", "green") &&
                 header_is(message, "Size", "large");
    natsMsg_Destroy(message);
    natsSubscription_Destroy(sub);
    return holds;
}

static bool headers_arrive_with_their_message(void)
{
    return over_pair(headers);
}

static void count_slowly(natsConnection *connection, natsSubscription *sub, natsMsg *message, void *closure)
{
    (void)connection;
    (void)sub;
    __atomic_add_fetch((int *)closure, 1, __ATOMIC_SEQ_CST);
    natsMsg_Destroy(message);
}

/* The flush of the speaker comes before the drain, so that all messages are on their way to the listener. */
static bool drain(struct pair *pair)
{
    int received_count = 0;
    natsSubscription *sub = NULL;
    bool holds =
        check_ok(natsConnection_Subscribe(&sub, pair->listener, "drops", count_slowly, &received_count),
                 "subscribe") &&
        check_ok(natsConnection_Flush(pair->listener), "flush") &&
        publish_numbered(pair->speaker, "drops", 1000) && check_ok(natsSubscription_Drain(sub), "drain") &&
        check_ok(natsSubscription_WaitForDrainCompletion(sub, CHECK_TIMEOUT_MS), "wait for drain");
    int count = __atomic_load_n(&received_count, __ATOMIC_SEQ_CST);
    natsSubscription_Destroy(sub);
    return holds && (count == 1000 || check_fail("1000 expected, %d came", count));
}

static bool drain_loses_nothing(void)
{
    return over_pair(drain);
}

static bool unsubscribe_after(struct pair *pair)
{
    natsSubscription *sub = NULL;
    natsMsg *message = NULL;
    bool holds = check_ok(natsConnection_SubscribeSync(&sub, pair->listener, "few"), "subscribe") &&
                 check_ok(natsSubscription_AutoUnsubscribe(sub, 2), "auto unsubscribe") &&
                 check_ok(natsConnection_Flush(pair->listener), "flush") &&
                 publish_numbered(pair->speaker, "few", 5) &&
                 check_ok(natsConnection_Flush(pair->listener), "flush") && next_is(sub, "0") &&
                 next_is(sub, "1");
    holds = holds && natsSubscription_NextMsg(&message, sub, 1) != NATS_OK;
    natsMsg_Destroy(message);
    natsSubscription_Destroy(sub);
    return holds;
}

static bool auto_unsubscribe_ends_after_its_number(void)
{
    return over_pair(unsubscribe_after);
}

/* The client connects again by itself and subscribes anew; a request tells when both have happened. */
static bool reconnect(struct pair *pair)
{
    natsSubscription *service = NULL;
    natsMsg *reply = NULL;
    bool holds =
        check_ok(natsConnection_Subscribe(&service, pair->listener, "again", answer, NULL), "subscribe") &&
        check_ok(natsConnection_Flush(pair->listener), "flush") && check_restart_server();
    natsStatus status = NATS_ERR;
    for (int64_t end = nats_Now() + CHECK_TIMEOUT_MS; holds && status != NATS_OK && nats_Now() < end;)
        status = natsConnection_RequestString(&reply, pair->speaker, "again", "?", 100);
    holds = holds && check_ok(status, "request after the restart") && check_payload(reply, "answer");
    natsMsg_Destroy(reply);
    natsSubscription_Destroy(service);
    return holds;
}

static bool a_client_survives_a_restart_of_the_server(void)
{
    return over_pair(reconnect);
}

static const struct check_case cases[] = {
    {"publish_reaches_a_subscriber_in_order", publish_reaches_a_subscriber_in_order},
    {"a_queue_group_shares_messages_among_its_members", a_queue_group_shares_messages_among_its_members},
    {"a_request_has_its_reply", a_request_has_its_reply},
    {"a_request_to_nobody_fails_at_once", a_request_to_nobody_fails_at_once},
    {"headers_arrive_with_their_message", headers_arrive_with_their_message},
    {"drain_loses_nothing", drain_loses_nothing},
    {"auto_unsubscribe_ends_after_its_number", auto_unsubscribe_ends_after_its_number},
    {"a_client_survives_a_restart_of_the_server", a_client_survives_a_restart_of_the_server},
};

int main(void)
{
    return check_run(cases, sizeof(cases) / sizeof(cases[0]));
}
