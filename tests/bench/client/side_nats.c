// SPDX-License-Identifier: Apache-2.0
#include "side.h"

#include <nats/nats.h>
#include <stdlib.h>

struct client {
    natsConnection *near, *far;
    jsCtx *js;
    natsSubscription *sub;  // of the far one
    natsSubscription *pull; // of the near one
    struct work *work;
};

static bool ok(natsStatus status, const char *what)
{
    return status == NATS_OK || side_failed("libnats", what, natsStatus_GetText(status));
}

// ---- life ----

static void client_close(struct client *client)
{
    if (!client)
        return;
    natsSubscription_Destroy(client->sub);
    natsSubscription_Destroy(client->pull);
    jsCtx_Destroy(client->js);
    natsConnection_Destroy(client->near);
    natsConnection_Destroy(client->far);
    free(client);
}

/* Patient: on a busy machine two seconds are soon over. */
static bool connect_to(natsConnection **ret, const struct work *work)
{
    natsOptions *options = NULL;
    const bool holds = ok(natsOptions_Create(&options), "options") &&
                       ok(natsOptions_SetURL(options, work->url), "options") &&
                       ok(natsOptions_SetTimeout(options, DEADLINE_MS), "options") &&
                       ok(natsConnection_Connect(ret, options), "connect");
    natsOptions_Destroy(options);
    return holds;
}

static struct client *client_open(struct work *work)
{
    struct client *client = calloc(1, sizeof *client);
    jsOptions options;
    if (!client)
        return NULL;
    client->work = work;
    (void)jsOptions_Init(&options);
    options.PublishAsync.MaxPending = PENDING_MAX;
    if (connect_to(&client->near, work) && connect_to(&client->far, work) &&
        ok(natsConnection_JetStream(&client->js, client->near, &options), "open"))
        return client;
    client_close(client);
    return NULL;
}

// ---- publishing and listening ----

static bool publish(struct client *client)
{
    return ok(
        natsConnection_Publish(client->near, "bench.x", client->work->payload, client->work->payload_bytes),
        "publish");
}

static bool flush(struct client *client)
{
    return ok(natsConnection_FlushTimeout(client->near, DEADLINE_MS), "flush");
}

static bool request(struct client *client)
{
    natsMsg *reply = NULL;
    const bool holds = ok(natsConnection_Request(&reply, client->near, "bench.x", client->work->payload,
                                                 client->work->payload_bytes, DEADLINE_MS),
                          "request");
    natsMsg_Destroy(reply);
    return holds;
}

static bool listens(struct client *client, natsStatus status)
{
    return ok(status, "subscribe") && ok(natsSubscription_SetPendingLimits(client->sub, -1, -1), "limits") &&
           ok(natsConnection_FlushTimeout(client->far, DEADLINE_MS), "flush");
}

static bool listen_taking(struct client *client)
{
    return listens(client, natsConnection_SubscribeSync(&client->sub, client->far, "bench.*"));
}

static void count(natsConnection *conn, natsSubscription *sub, natsMsg *msg, void *context)
{
    (void)conn;
    (void)sub;
    (void)atomic_fetch_add_explicit((atomic_int *)context, 1, memory_order_relaxed);
    natsMsg_Destroy(msg);
}

static bool listen_counting(struct client *client)
{
    return listens(client, natsConnection_Subscribe(&client->sub, client->far, "bench.*", count,
                                                    &client->work->counted));
}

static void answer(natsConnection *conn, natsSubscription *sub, natsMsg *msg, void *context)
{
    (void)sub;
    (void)context;
    (void)natsConnection_Publish(conn, natsMsg_GetReply(msg), natsMsg_GetData(msg),
                                 natsMsg_GetDataLength(msg));
    natsMsg_Destroy(msg);
}

static bool listen_answering(struct client *client)
{
    return listens(client, natsConnection_Subscribe(&client->sub, client->far, "bench.*", answer, NULL));
}

static bool take(struct client *client)
{
    natsMsg *msg = NULL;
    const bool holds = ok(natsSubscription_NextMsg(&msg, client->sub, DEADLINE_MS), "next");
    natsMsg_Destroy(msg);
    return holds;
}

static bool drain(struct client *client)
{
    return ok(natsSubscription_Drain(client->sub), "drain") &&
           ok(natsSubscription_WaitForDrainCompletion(client->sub, DEADLINE_MS), "drain");
}

// ---- a stream ----

static bool stream_open(struct client *client)
{
    const char *subjects[] = {client->work->name};
    jsStreamConfig config;
    (void)jsStreamConfig_Init(&config);
    config.Name = client->work->name;
    config.Subjects = subjects;
    config.SubjectsLen = 1;
    config.Storage = js_MemoryStorage;
    return ok(js_AddStream(NULL, client->js, &config, NULL, NULL), "create the stream");
}

static void stream_close(struct client *client)
{
    (void)js_DeleteStream(client->js, client->work->name, NULL, NULL); // the server goes away soon
}

static bool store(struct client *client)
{
    return ok(js_PublishAsync(client->js, client->work->name, client->work->payload,
                              client->work->payload_bytes, NULL),
              "publish");
}

static bool store_wait(struct client *client)
{
    jsPubOptions options;
    (void)jsPubOptions_Init(&options);
    options.MaxWait = DEADLINE_MS;
    return ok(js_PublishAsyncComplete(client->js, &options), "wait");
}

static bool consumer_open(struct client *client)
{
    return ok(js_PullSubscribe(&client->pull, client->js, client->work->name, "C", NULL, NULL, NULL),
              "subscribe");
}

static bool fetch(struct client *client, int wanted, int *ret_count)
{
    natsMsgList list = {0};
    bool holds = ok(natsSubscription_Fetch(&list, client->pull, wanted, DEADLINE_MS, NULL), "fetch");
    for (int i = 0; i < list.Count && holds; i++)
        holds = ok(natsMsg_Ack(list.Msgs[i], NULL), "ack");
    *ret_count = list.Count;
    natsMsgList_Destroy(&list);
    return holds;
}

const struct side side_nats = {
    .name = "libnats",
    .open = client_open,
    .close = client_close,
    .publish = publish,
    .flush = flush,
    .request = request,
    .listen = listen_taking,
    .listen_counting = listen_counting,
    .listen_answering = listen_answering,
    .take = take,
    .drain = drain,
    .stream_open = stream_open,
    .store = store,
    .store_wait = store_wait,
    .consumer_open = consumer_open,
    .fetch = fetch,
    .stream_close = stream_close,
};
