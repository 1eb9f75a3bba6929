// SPDX-License-Identifier: Apache-2.0
#include "shop.h"

enum {
    RECONNECT_WAIT_MS = 20,
    RECONNECT_FOR_EVER = -1,
};

static natsStatus options_set(natsOptions *options, const char *url, const char *name)
{
    natsStatus s = natsOptions_SetURL(options, url);
    if (s == NATS_OK)
        s = natsOptions_SetName(options, name);
    if (s == NATS_OK)
        s = natsOptions_SetMaxReconnect(options, RECONNECT_FOR_EVER);
    if (s == NATS_OK)
        s = natsOptions_SetReconnectWait(options, RECONNECT_WAIT_MS);
    if (s == NATS_OK)
        s = natsOptions_SetReconnectJitter(options, RECONNECT_WAIT_MS, RECONNECT_WAIT_MS);
    return s;
}

natsStatus shop_connect(natsConnection **ret, const char *url, const char *name,
                        natsConnectionHandler on_reconnect, void *closure)
{
    natsOptions *options = NULL;
    natsStatus s = natsOptions_Create(&options);
    if (s == NATS_OK)
        s = options_set(options, url, name);
    if (s == NATS_OK && on_reconnect)
        s = natsOptions_SetReconnectedCB(options, on_reconnect, closure);
    if (s == NATS_OK)
        s = natsConnection_Connect(ret, options);
    natsOptions_Destroy(options);
    return s;
}

static natsStatus stream_create(jsCtx *js)
{
    const char *subjects[] = {SHOP_SUBJECTS};
    jsStreamConfig config;
    jsStreamConfig_Init(&config);
    config.Name = SHOP_STREAM;
    config.Subjects = subjects;
    config.SubjectsLen = 1;
    return js_AddStream(NULL, js, &config, NULL, NULL);
}

natsStatus shop_stream_ensure(jsCtx *js)
{
    jsStreamInfo *info = NULL;
    const natsStatus s = js_GetStreamInfo(&info, js, SHOP_STREAM, NULL, NULL);
    jsStreamInfo_Destroy(info);
    return s == NATS_NOT_FOUND ? stream_create(js) : s;
}

natsStatus shop_consumer_ensure(jsCtx *js)
{
    jsConsumerConfig config;
    jsConsumerConfig_Init(&config);
    config.Durable = SHOP_CONSUMER;
    config.AckPolicy = js_AckExplicit;
    config.AckWait = SHOP_ACK_WAIT_NS;
    return js_AddConsumer(NULL, js, SHOP_STREAM, &config, NULL, NULL);
}

natsStatus shop_is_settled(jsCtx *js, bool *ret_settled)
{
    jsConsumerInfo *info = NULL;
    const natsStatus s = js_GetConsumerInfo(&info, js, SHOP_STREAM, SHOP_CONSUMER, NULL, NULL);
    if (s == NATS_OK)
        *ret_settled = info->NumPending == 0 && info->NumAckPending == 0;
    jsConsumerInfo_Destroy(info);
    return s;
}
