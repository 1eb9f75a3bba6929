// SPDX-License-Identifier: Apache-2.0
//
// Consumers as Debian's C client uses them: filters, retention, refusals, push, order, and what a killed server remembers. Each
// law has a stream of its own.
#include "shop.h"

#include <stdio.h>
#include <string.h>

/* A stream NAME with the subjects name.>; NULL config fields are the client's. */
static bool make_stream(struct shop *shop, const char *name, const char *subjects,
                        jsRetentionPolicy retention)
{
    jsStreamConfig config;
    jsErrCode error = 0;
    jsStreamConfig_Init(&config);
    config.Name = name;
    config.Subjects = &subjects;
    config.SubjectsLen = 1;
    config.Retention = retention;
    return check_ok(js_AddStream(NULL, shop->js, &config, NULL, &error), "add stream");
}

static bool publish(struct shop *shop, const char *subject, const char *text)
{
    jsErrCode error = 0;
    return check_ok(js_Publish(NULL, shop->js, subject, text, (int)strlen(text), NULL, &error), "publish");
}

static bool holds_messages(struct shop *shop, const char *stream, uint64_t count)
{
    jsStreamInfo *info = NULL;
    jsErrCode error = 0;
    bool holds =
        check_ok(js_GetStreamInfo(&info, shop->js, stream, NULL, &error), "stream info") &&
        (info->State.Msgs == count || check_fail("%d messages, not %d", (int)info->State.Msgs, (int)count));
    jsStreamInfo_Destroy(info);
    return holds;
}

/* A durable pull consumer; the config may be filled in before. */
static natsSubscription *pull(struct shop *shop, const char *stream, const char *filter, const char *durable,
                              jsSubOptions *options)
{
    natsSubscription *sub = NULL;
    jsErrCode error = 0;
    options->Stream = stream;
    options->Config.AckPolicy = js_AckExplicit;
    natsStatus status = js_PullSubscribe(&sub, shop->js, filter, durable, NULL, options, &error);
    return check_ok(status, "pull subscribe") ? sub : NULL;
}

static natsSubscription *plain_pull(struct shop *shop, const char *stream, const char *filter,
                                    const char *durable)
{
    jsSubOptions options;
    jsSubOptions_Init(&options);
    return pull(shop, stream, filter, durable, &options);
}

// ---- filters and beginnings ----

static bool filter(struct shop *shop)
{
    natsSubscription *sub = NULL;
    bool holds = make_stream(shop, "FILTER", "filter.>", js_LimitsPolicy) &&
                 publish(shop, "filter.1.a", "one") && publish(shop, "filter.1.b", "no") &&
                 publish(shop, "filter.a", "no") && publish(shop, "filter.2.a", "two") &&
                 (sub = plain_pull(shop, "FILTER", "filter.*.a", "F")) != NULL &&
                 shop_fetch(sub, "one", true) && shop_fetch(sub, "two", true) && shop_fetch_nothing(sub);
    natsSubscription_Destroy(sub);
    return holds;
}

static bool a_filter_lets_only_its_subjects_pass(void)
{
    return shop_over(filter);
}

static bool last_of_each(struct shop *shop)
{
    natsSubscription *sub = NULL;
    jsSubOptions options;
    jsSubOptions_Init(&options);
    options.Config.DeliverPolicy = js_DeliverLastPerSubject;
    bool holds = make_stream(shop, "LAST", "last.>", js_LimitsPolicy) && publish(shop, "last.a", "old") &&
                 publish(shop, "last.b", "b") && publish(shop, "last.a", "new") &&
                 (sub = pull(shop, "LAST", "last.*", "L", &options)) != NULL && shop_fetch(sub, "b", true) &&
                 shop_fetch(sub, "new", true) && shop_fetch_nothing(sub) &&
                 publish(shop, "last.a", "newer") && shop_fetch(sub, "newer", true);
    natsSubscription_Destroy(sub);
    return holds;
}

static bool the_last_of_each_subject_comes_first(void)
{
    return shop_over(last_of_each);
}

// ---- retention ----

static bool is_refused(struct shop *shop, const char *name, const char *subject)
{
    jsConsumerConfig config;
    jsErrCode error = 0;
    jsConsumerConfig_Init(&config);
    config.Durable = name;
    config.FilterSubject = subject;
    config.AckPolicy = js_AckExplicit;
    natsStatus status = js_AddConsumer(NULL, shop->js, "QUEUE", &config, NULL, &error);
    return (status != NATS_OK && error == JSConsumerWQConsumerNotUniqueErr) ||
           check_fail("a second consumer: %s, error %d", natsStatus_GetText(status), (int)error);
}

static bool work_queue(struct shop *shop)
{
    natsSubscription *sub = NULL;
    bool holds =
        make_stream(shop, "QUEUE", "queue.>", js_WorkQueuePolicy) && publish(shop, "queue.a", "one") &&
        publish(shop, "queue.b", "other") && publish(shop, "queue.a", "two") &&
        (sub = plain_pull(shop, "QUEUE", "queue.a", "A")) != NULL && is_refused(shop, "B", "queue.*") &&
        shop_fetch(sub, "one", true) && holds_messages(shop, "QUEUE", 2) && shop_fetch(sub, "two", true) &&
        holds_messages(shop, "QUEUE", 1) && shop_fetch_nothing(sub);
    natsSubscription_Destroy(sub);
    return holds;
}

static bool a_work_queue_forgets_what_is_done(void)
{
    return shop_over(work_queue);
}

static bool interest(struct shop *shop)
{
    natsSubscription *one = NULL, *other = NULL;
    bool holds = make_stream(shop, "INTEREST", "interest.>", js_InterestPolicy) &&
                 publish(shop, "interest.a", "nobody's") && holds_messages(shop, "INTEREST", 0) &&
                 (one = plain_pull(shop, "INTEREST", "interest.>", "ONE")) != NULL &&
                 (other = plain_pull(shop, "INTEREST", "interest.a", "OTHER")) != NULL &&
                 publish(shop, "interest.a", "both") && shop_fetch(one, "both", true) &&
                 holds_messages(shop, "INTEREST", 1) && shop_fetch(other, "both", true) &&
                 holds_messages(shop, "INTEREST", 0);
    natsSubscription_Destroy(one);
    natsSubscription_Destroy(other);
    return holds;
}

static bool interest_keeps_what_somebody_needs(void)
{
    return shop_over(interest);
}

// ---- what becomes of a delivery ----

typedef natsStatus answer_fn(natsMsg *message);

static natsStatus refuse(natsMsg *message)
{
    return natsMsg_Nak(message, NULL);
}

static natsStatus refuse_a_moment(natsMsg *message)
{
    return natsMsg_NakWithDelay(message, 50, NULL);
}

static natsStatus terminate(natsMsg *message)
{
    return natsMsg_Term(message, NULL);
}

/* Fetches a message for the so-manieth time and answers it. */
static bool fetch_and(natsSubscription *sub, uint64_t delivered, answer_fn *answer)
{
    natsMsgList list = {0};
    jsMsgMetaData *meta = NULL;
    jsErrCode error = 0;
    bool holds = check_ok(natsSubscription_Fetch(&list, sub, 1, CHECK_TIMEOUT_MS, &error), "fetch") &&
                 check_ok(natsMsg_GetMetaData(&meta, list.Msgs[0]), "metadata") &&
                 (meta->NumDelivered == delivered ||
                  check_fail("delivered %d times, not %d", (int)meta->NumDelivered, (int)delivered)) &&
                 check_ok(answer(list.Msgs[0]), "answer");
    jsMsgMetaData_Destroy(meta);
    natsMsgList_Destroy(&list);
    return holds;
}

static bool refusals(struct shop *shop)
{
    natsSubscription *sub = NULL;
    bool holds = make_stream(shop, "REFUSE", "refuse.>", js_LimitsPolicy) && publish(shop, "refuse.a", "x") &&
                 (sub = plain_pull(shop, "REFUSE", "refuse.>", "R")) != NULL && fetch_and(sub, 1, refuse) &&
                 fetch_and(sub, 2, refuse_a_moment) && fetch_and(sub, 3, terminate) &&
                 shop_fetch_nothing(sub);
    natsSubscription_Destroy(sub);
    return holds;
}

static bool what_is_refused_comes_again_until_it_is_terminated(void)
{
    return shop_over(refusals);
}

static bool too_often(struct shop *shop)
{
    natsSubscription *sub = NULL;
    jsSubOptions options;
    jsSubOptions_Init(&options);
    options.Config.MaxDeliver = 2;
    bool holds = make_stream(shop, "OFTEN", "often.>", js_LimitsPolicy) &&
                 publish(shop, "often.a", "poison") &&
                 (sub = pull(shop, "OFTEN", "often.>", "O", &options)) != NULL && fetch_and(sub, 1, refuse) &&
                 fetch_and(sub, 2, refuse) && publish(shop, "often.a", "good") &&
                 shop_fetch(sub, "good", true) && shop_fetch_nothing(sub);
    natsSubscription_Destroy(sub);
    return holds;
}

static bool a_message_is_delivered_max_deliver_times(void)
{
    return shop_over(too_often);
}

// ---- push ----

enum { PUSHED_COUNT = 300 };

/* All of them, each once and in order. */
static bool take_all(natsSubscription *sub)
{
    char text[16];
    bool holds = true;
    for (int number = 0; holds && number < PUSHED_COUNT; number++) {
        natsMsg *message = NULL;
        snprintf(text, sizeof(text), "%d", number);
        holds = check_ok(natsSubscription_NextMsg(&message, sub, CHECK_TIMEOUT_MS), "next message") &&
                check_payload(message, text);
        natsMsg_Destroy(message);
    }
    return holds;
}

static bool publish_all(struct shop *shop, const char *subject)
{
    char text[16];
    bool holds = true;
    for (int number = 0; holds && number < PUSHED_COUNT; number++) {
        snprintf(text, sizeof(text), "%d", number);
        holds = publish(shop, subject, text);
    }
    return holds;
}

static bool push(struct shop *shop)
{
    natsSubscription *sub = NULL, *ordered = NULL;
    jsSubOptions options;
    jsErrCode error = 0;
    jsSubOptions_Init(&options);
    bool holds = make_stream(shop, "PUSH", "push.>", js_LimitsPolicy) &&
                 check_ok(js_SubscribeSync(&sub, shop->js, "push.>", NULL, NULL, &error), "subscribe") &&
                 publish_all(shop, "push.a") && take_all(sub);
    options.Ordered = true;
    holds = holds &&
            check_ok(js_SubscribeSync(&ordered, shop->js, "push.>", NULL, &options, &error), "ordered") &&
            take_all(ordered);
    natsSubscription_Destroy(sub);
    natsSubscription_Destroy(ordered);
    return holds;
}

static bool push_and_ordered_consumers_see_everything_in_order(void)
{
    return shop_over(push);
}

// ---- over the end of the server ----

static bool over_kill(struct shop *shop)
{
    natsSubscription *sub = NULL;
    jsSubOptions options;
    jsSubOptions_Init(&options);
    options.Config.AckWait = 200 * 1000 * 1000;
    bool holds = make_stream(shop, "KILL", "kill.>", js_LimitsPolicy) && publish(shop, "kill.a", "done") &&
                 publish(shop, "kill.a", "forgotten") && publish(shop, "kill.a", "new") &&
                 (sub = pull(shop, "KILL", "kill.>", "K", &options)) != NULL &&
                 shop_fetch(sub, "done", true) && shop_fetch(sub, "forgotten", false) &&
                 check_kill_server() && shop_await(shop, "KILL");
    // Whichever of the two comes first, neither is lost; what was confirmed never comes again.
    natsMsgList list = {0};
    jsErrCode error = 0;
    bool seen[2] = {false, false};
    for (int round = 0; holds && round < 50 && !(seen[0] && seen[1]); round++) {
        natsStatus status = natsSubscription_Fetch(&list, sub, 1, 1000, &error);
        if (status == NATS_TIMEOUT)
            continue;
        holds =
            check_ok(status, "fetch") && check_ok(natsMsg_AckSync(list.Msgs[0], NULL, &error), "acknowledge");
        const char *data = holds ? natsMsg_GetData(list.Msgs[0]) : "";
        if (holds && data[0] == 'd')
            holds = check_fail("what was confirmed came again");
        seen[data[0] == 'n'] = true;
        natsMsgList_Destroy(&list);
    }
    natsSubscription_Destroy(sub);
    return holds && ((seen[0] && seen[1]) || check_fail("a message is lost"));
}

static bool what_was_confirmed_is_done_also_when_the_server_is_killed(void)
{
    return shop_over(over_kill);
}

static const struct check_case cases[] = {
    {"a_filter_lets_only_its_subjects_pass", a_filter_lets_only_its_subjects_pass},
    {"the_last_of_each_subject_comes_first", the_last_of_each_subject_comes_first},
    {"a_work_queue_forgets_what_is_done", a_work_queue_forgets_what_is_done},
    {"interest_keeps_what_somebody_needs", interest_keeps_what_somebody_needs},
    {"what_is_refused_comes_again_until_it_is_terminated",
     what_is_refused_comes_again_until_it_is_terminated},
    {"a_message_is_delivered_max_deliver_times", a_message_is_delivered_max_deliver_times},
    {"push_and_ordered_consumers_see_everything_in_order",
     push_and_ordered_consumers_see_everything_in_order},
    {"what_was_confirmed_is_done_also_when_the_server_is_killed",
     what_was_confirmed_is_done_also_when_the_server_is_killed},
};

int main(void)
{
    return check_run(cases, sizeof(cases) / sizeof(cases[0]));
}
