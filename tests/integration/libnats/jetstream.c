// SPDX-License-Identifier: Apache-2.0
//
// The narrow durable path as Debian's C client does it: a stream, a publish with a message id, a durable pull
// consumer. One stream for the whole program; each law has its own subject and its own consumer.
#include "shop.h"

#include <stdio.h>
#include <string.h>

static bool create_stream(struct shop *shop)
{
    jsStreamConfig config;
    jsStreamInfo *info = NULL;
    jsErrCode error = 0;
    jsStreamConfig_Init(&config);
    config.Name = "SHOP";
    config.Subjects = (const char *[]){"shop.>"};
    config.SubjectsLen = 1;
    natsStatus status = js_AddStream(&info, shop->js, &config, NULL, &error);
    bool holds = check_ok(status, "add stream") &&
                 (strcmp(info->Config->Name, "SHOP") == 0 || check_fail("named %s", info->Config->Name)) &&
                 (info->Config->Storage == js_FileStorage || check_fail("not stored in files"));
    jsStreamInfo_Destroy(info);
    return holds;
}

static bool a_stream_is_created_with_what_was_asked(void)
{
    return shop_over(create_stream);
}

/* Publishes under a message id and gives sequence and whether it was a duplicate. */
static bool publish(struct shop *shop, const char *subject, const char *text, const char *id,
                    uint64_t *ret_sequence, bool *ret_duplicate)
{
    jsPubOptions options;
    jsPubAck *ack = NULL;
    jsErrCode error = 0;
    jsPubOptions_Init(&options);
    options.MsgId = id;
    natsStatus status = js_Publish(&ack, shop->js, subject, text, (int)strlen(text), &options, &error);
    if (status == NATS_OK) {
        *ret_sequence = ack->Sequence;
        *ret_duplicate = ack->Duplicate;
    }
    jsPubAck_Destroy(ack);
    return check_ok(status, "publish");
}

static bool publish_new(struct shop *shop, const char *subject, const char *text, const char *id)
{
    uint64_t sequence = 0;
    bool duplicate = false;
    return publish(shop, subject, text, id, &sequence, &duplicate) &&
           (!duplicate || check_fail("%s is no duplicate", id));
}

static bool dedupe(struct shop *shop)
{
    uint64_t first = 0, second = 0;
    bool first_duplicate = false, second_duplicate = false;
    if (!publish(shop, "shop.dedupe", "one", "dedupe-1", &first, &first_duplicate) ||
        !publish(shop, "shop.dedupe", "one", "dedupe-1", &second, &second_duplicate))
        return false;
    return (!first_duplicate && second_duplicate && first == second) ||
           check_fail("sequences %d and %d, duplicates %d and %d", (int)first, (int)second, first_duplicate,
                      second_duplicate);
}

static bool a_message_id_is_stored_once(void)
{
    return shop_over(dedupe);
}

/* A durable pull consumer with explicit acknowledgement on one subject. */
static natsSubscription *pull(struct shop *shop, const char *subject, const char *durable,
                              int64_t ack_wait_ms)
{
    jsSubOptions options;
    natsSubscription *sub = NULL;
    jsErrCode error = 0;
    jsSubOptions_Init(&options);
    options.Stream = "SHOP";
    options.Config.AckPolicy = js_AckExplicit;
    options.Config.AckWait = ack_wait_ms * 1000000;
    natsStatus status = js_PullSubscribe(&sub, shop->js, subject, durable, NULL, &options, &error);
    return check_ok(status, "pull subscribe") ? sub : NULL;
}

static bool fetch_and_acknowledge(struct shop *shop)
{
    natsSubscription *sub = pull(shop, "shop.>", "all", 30000);
    bool holds = sub != NULL && shop_fetch(sub, "one", true) &&
                 publish_new(shop, "shop.fetch", "two", "fetch-2") && shop_fetch(sub, "two", true) &&
                 shop_fetch_nothing(sub);
    natsSubscription_Destroy(sub);
    return holds;
}

static bool what_is_fetched_and_acknowledged_is_done(void)
{
    return shop_over(fetch_and_acknowledge);
}

static bool redelivery(struct shop *shop)
{
    natsSubscription *sub = pull(shop, "shop.>", "forgetful", 200);
    bool holds = sub != NULL && shop_fetch(sub, "one", true) && shop_fetch(sub, "two", false) &&
                 shop_fetch(sub, "two", true) && shop_fetch_nothing(sub);
    natsSubscription_Destroy(sub);
    return holds;
}

static bool what_is_not_acknowledged_in_time_comes_again(void)
{
    return shop_over(redelivery);
}

enum { BATCH_COUNT = 100 };

static bool publish_batch(struct shop *shop)
{
    char text[16], id[16];
    for (int number = 0; number < BATCH_COUNT; number++) {
        snprintf(text, sizeof(text), "%d", number);
        snprintf(id, sizeof(id), "batch-%d", number);
        if (!publish_new(shop, "shop.batch", text, id))
            return false;
    }
    return true;
}

static bool acknowledge_all(natsMsgList *list, int *done_count)
{
    char text[16];
    jsErrCode error = 0;
    for (int at = 0; at < list->Count; at++) {
        snprintf(text, sizeof(text), "%d", *done_count);
        if (!check_payload(list->Msgs[at], text) ||
            !check_ok(natsMsg_AckSync(list->Msgs[at], NULL, &error), "acknowledge"))
            return false;
        (*done_count)++;
    }
    return true;
}

static bool fetch_batch(natsSubscription *sub, int *done_count, int goal)
{
    bool holds = true;
    while (holds && *done_count < goal) {
        natsMsgList list = {0};
        jsErrCode error = 0;
        holds = check_ok(natsSubscription_Fetch(&list, sub, goal - *done_count, CHECK_TIMEOUT_MS, &error),
                         "fetch") &&
                acknowledge_all(&list, done_count);
        natsMsgList_Destroy(&list);
    }
    return holds;
}

/* Skips what the laws before have left for this new consumer: two messages. */
static bool over_restart(struct shop *shop)
{
    int done_count = 0;
    natsSubscription *sub = pull(shop, "shop.>", "steady", 30000);
    bool holds = sub != NULL && shop_fetch(sub, "one", true) && shop_fetch(sub, "two", true) &&
                 publish_batch(shop) && fetch_batch(sub, &done_count, 40) && check_restart_server() &&
                 shop_await(shop, "SHOP") && fetch_batch(sub, &done_count, BATCH_COUNT) &&
                 shop_fetch_nothing(sub);
    natsSubscription_Destroy(sub);
    return holds;
}

static bool a_restart_loses_neither_messages_nor_acknowledgements(void)
{
    return shop_over(over_restart);
}

static bool remembered(struct shop *shop)
{
    uint64_t sequence = 0;
    bool duplicate = false;
    return publish(shop, "shop.batch", "7", "batch-7", &sequence, &duplicate) &&
           (duplicate || check_fail("stored again as %d", (int)sequence));
}

static bool a_message_id_is_remembered_over_a_restart(void)
{
    return shop_over(remembered);
}

static bool delete_stream(struct shop *shop)
{
    jsErrCode error = 0;
    jsStreamInfo *info = NULL;
    bool holds = check_ok(js_DeleteStream(shop->js, "SHOP", NULL, &error), "delete stream");
    natsStatus status = js_GetStreamInfo(&info, shop->js, "SHOP", NULL, &error);
    jsStreamInfo_Destroy(info);
    return holds && ((status == NATS_NOT_FOUND && error == JSStreamNotFoundErr) ||
                     check_fail("after delete: %s, error %d", natsStatus_GetText(status), (int)error));
}

static bool a_deleted_stream_is_not_found(void)
{
    return shop_over(delete_stream);
}

static const struct check_case cases[] = {
    {"a_stream_is_created_with_what_was_asked", a_stream_is_created_with_what_was_asked},
    {"a_message_id_is_stored_once", a_message_id_is_stored_once},
    {"what_is_fetched_and_acknowledged_is_done", what_is_fetched_and_acknowledged_is_done},
    {"what_is_not_acknowledged_in_time_comes_again", what_is_not_acknowledged_in_time_comes_again},
    {"a_restart_loses_neither_messages_nor_acknowledgements",
     a_restart_loses_neither_messages_nor_acknowledgements},
    {"a_message_id_is_remembered_over_a_restart", a_message_id_is_remembered_over_a_restart},
    {"a_deleted_stream_is_not_found", a_deleted_stream_is_not_found},
};

int main(void)
{
    return check_run(cases, sizeof(cases) / sizeof(cases[0]));
}
