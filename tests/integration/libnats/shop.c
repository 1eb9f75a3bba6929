// SPDX-License-Identifier: Apache-2.0
#include "shop.h"

static bool shop_open(struct shop *shop)
{
    *shop = (struct shop){.connection = check_connect()};
    return shop->connection != NULL &&
           check_ok(natsConnection_JetStream(&shop->js, shop->connection, NULL), "context");
}

static void shop_close(struct shop *shop)
{
    jsCtx_Destroy(shop->js);
    natsConnection_Destroy(shop->connection);
}

bool shop_over(bool (*body)(struct shop *))
{
    struct shop shop;
    bool holds = shop_open(&shop) && body(&shop);
    shop_close(&shop);
    return holds;
}

bool shop_fetch(natsSubscription *sub, const char *text, bool acknowledge)
{
    natsMsgList list = {0};
    jsErrCode error = 0;
    bool holds = check_ok(natsSubscription_Fetch(&list, sub, 1, CHECK_TIMEOUT_MS, &error), "fetch") &&
                 check_payload(list.Msgs[0], text) &&
                 (!acknowledge || check_ok(natsMsg_AckSync(list.Msgs[0], NULL, &error), "acknowledge"));
    natsMsgList_Destroy(&list);
    return holds;
}

bool shop_fetch_nothing(natsSubscription *sub)
{
    natsMsgList list = {0};
    jsErrCode error = 0;
    natsStatus status = natsSubscription_Fetch(&list, sub, 1, 100, &error);
    natsMsgList_Destroy(&list);
    return status == NATS_TIMEOUT || check_fail("nothing expected, got: %s", natsStatus_GetText(status));
}

bool shop_await(struct shop *shop, const char *stream)
{
    natsStatus status = NATS_ERR;
    for (int64_t end = nats_Now() + CHECK_TIMEOUT_MS; status != NATS_OK && nats_Now() < end;) {
        jsStreamInfo *info = NULL;
        jsErrCode error = 0;
        jsOptions options;
        jsOptions_Init(&options);
        options.Wait = 200;
        status = js_GetStreamInfo(&info, shop->js, stream, &options, &error);
        jsStreamInfo_Destroy(info);
    }
    return check_ok(status, "stream after the restart");
}
