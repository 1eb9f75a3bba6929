// SPDX-License-Identifier: Apache-2.0
#include "side.h"

#include <nats/nats.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool ok(natsStatus status, const char *what)
{
    return status == NATS_OK || side_failed("libnats", what, natsStatus_GetText(status));
}

struct pair {
    natsConnection *near, *far;
    jsCtx *js;
    char *data;
};

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

static bool open_pair(struct pair *pair, const struct work *work)
{
    jsOptions options;
    *pair = (struct pair){.data = calloc(1, (size_t)work->payload_bytes + 1)};
    (void)jsOptions_Init(&options);
    options.PublishAsync.MaxPending = PENDING_MAX;
    return pair->data && connect_to(&pair->near, work) && connect_to(&pair->far, work) &&
           ok(natsConnection_JetStream(&pair->js, pair->near, &options), "open");
}

static bool close_pair(struct pair *pair, bool result)
{
    jsCtx_Destroy(pair->js);
    natsConnection_Destroy(pair->near);
    natsConnection_Destroy(pair->far);
    free(pair->data);
    return result;
}

static bool publish_all(struct pair *pair, const struct work *work)
{
    for (int i = 0; i < work->messages; i++)
        if (!ok(natsConnection_Publish(pair->near, "bench.x", pair->data, work->payload_bytes), "publish"))
            return false;
    return true;
}

static bool publish(const struct work *work, double *ret_per_s)
{
    struct pair pair;
    bool holds = open_pair(&pair, work);
    const double begin_s = side_now_s();
    holds =
        holds && publish_all(&pair, work) && ok(natsConnection_FlushTimeout(pair.near, DEADLINE_MS), "flush");
    *ret_per_s = work->messages / (side_now_s() - begin_s);
    return close_pair(&pair, holds);
}

static bool take(const struct work *work, double *ret_per_s)
{
    struct pair pair;
    natsSubscription *sub = NULL;
    bool holds = open_pair(&pair, work) &&
                 ok(natsConnection_SubscribeSync(&sub, pair.far, "bench.*"), "subscribe") &&
                 ok(natsSubscription_SetPendingLimits(sub, -1, -1), "limits") &&
                 ok(natsConnection_FlushTimeout(pair.far, DEADLINE_MS), "flush");
    const double begin_s = side_now_s();
    holds = holds && publish_all(&pair, work);
    for (int i = 0; i < work->messages && holds; i++) {
        natsMsg *msg = NULL;
        holds = ok(natsSubscription_NextMsg(&msg, sub, DEADLINE_MS), "next");
        natsMsg_Destroy(msg);
    }
    *ret_per_s = work->messages / (side_now_s() - begin_s);
    natsSubscription_Destroy(sub);
    return close_pair(&pair, holds);
}

static void count(natsConnection *conn, natsSubscription *sub, natsMsg *msg, void *context)
{
    (void)conn;
    (void)sub;
    (void)atomic_fetch_add_explicit((atomic_int *)context, 1, memory_order_relaxed);
    natsMsg_Destroy(msg);
}

static bool callback(const struct work *work, double *ret_per_s)
{
    struct pair pair;
    natsSubscription *sub = NULL;
    atomic_int counted = 0;
    bool holds = open_pair(&pair, work) &&
                 ok(natsConnection_Subscribe(&sub, pair.far, "bench.*", count, &counted), "subscribe") &&
                 ok(natsSubscription_SetPendingLimits(sub, -1, -1), "limits") &&
                 ok(natsConnection_FlushTimeout(pair.far, DEADLINE_MS), "flush");
    const double begin_s = side_now_s();
    holds = holds && publish_all(&pair, work) &&
            ok(natsConnection_FlushTimeout(pair.near, DEADLINE_MS), "flush") &&
            ok(natsSubscription_Drain(sub), "drain") &&
            ok(natsSubscription_WaitForDrainCompletion(sub, DEADLINE_MS), "drain");
    *ret_per_s = work->messages / (side_now_s() - begin_s);
    holds = holds && (atomic_load(&counted) == work->messages ||
                      side_failed("libnats", "callback", "some are missing"));
    natsSubscription_Destroy(sub);
    return close_pair(&pair, holds);
}

static void answer(natsConnection *conn, natsSubscription *sub, natsMsg *msg, void *context)
{
    (void)sub;
    (void)context;
    (void)natsConnection_Publish(conn, natsMsg_GetReply(msg), natsMsg_GetData(msg),
                                 natsMsg_GetDataLength(msg));
    natsMsg_Destroy(msg);
}

static bool request(const struct work *work, double *ret_per_s)
{
    struct pair pair;
    natsSubscription *sub = NULL;
    bool holds = open_pair(&pair, work) &&
                 ok(natsConnection_Subscribe(&sub, pair.far, "bench.ask", answer, NULL), "subscribe") &&
                 ok(natsConnection_FlushTimeout(pair.far, DEADLINE_MS), "flush");
    const double begin_s = side_now_s();
    for (int i = 0; i < work->messages && holds; i++) {
        natsMsg *reply = NULL;
        const double asked_s = side_now_s();
        holds = ok(natsConnection_Request(&reply, pair.near, "bench.ask", pair.data, work->payload_bytes,
                                          DEADLINE_MS),
                   "request");
        work->samples[i] = (side_now_s() - asked_s) * 1e6;
        natsMsg_Destroy(reply);
    }
    *ret_per_s = work->messages / (side_now_s() - begin_s);
    natsSubscription_Destroy(sub);
    return close_pair(&pair, holds);
}

static bool make_stream(struct pair *pair, const struct work *work, char name[32])
{
    char subject[40];
    const char *subjects[] = {subject};
    jsStreamConfig config;
    (void)snprintf(name, 32, "NATS%d", work->run);
    (void)snprintf(subject, sizeof subject, "nats%d", work->run);
    (void)jsStreamConfig_Init(&config);
    config.Name = name;
    config.Subjects = subjects;
    config.SubjectsLen = 1;
    config.Storage = js_MemoryStorage;
    return ok(js_AddStream(NULL, pair->js, &config, NULL, NULL), "create the stream");
}

static bool store_all(struct pair *pair, const struct work *work)
{
    char subject[40];
    jsPubOptions options;
    (void)snprintf(subject, sizeof subject, "nats%d", work->run);
    for (int i = 0; i < work->messages; i++)
        if (!ok(js_PublishAsync(pair->js, subject, pair->data, work->payload_bytes, NULL), "publish"))
            return false;
    (void)jsPubOptions_Init(&options);
    options.MaxWait = DEADLINE_MS;
    return ok(js_PublishAsyncComplete(pair->js, &options), "wait");
}

static bool stream_publish(const struct work *work, double *ret_per_s)
{
    struct pair pair;
    char name[32];
    bool holds = open_pair(&pair, work) && make_stream(&pair, work, name);
    const double begin_s = side_now_s();
    holds = holds && store_all(&pair, work);
    *ret_per_s = work->messages / (side_now_s() - begin_s);
    (void)js_DeleteStream(pair.js, name, NULL, NULL); // the server goes away soon
    return close_pair(&pair, holds);
}

static bool fetch_all(struct pair *pair, const struct work *work, natsSubscription *sub)
{
    int left = work->messages;
    while (left > 0) {
        natsMsgList list = {0};
        if (!ok(natsSubscription_Fetch(&list, sub, FETCH_MSGS, DEADLINE_MS, NULL), "fetch"))
            return false;
        for (int i = 0; i < list.Count; i++)
            if (!ok(natsMsg_Ack(list.Msgs[i], NULL), "ack"))
                return false;
        left -= list.Count;
        natsMsgList_Destroy(&list);
    }
    return ok(natsConnection_FlushTimeout(pair->near, DEADLINE_MS), "flush");
}

static bool pull(const struct work *work, double *ret_per_s)
{
    struct pair pair;
    char name[32], subject[40];
    natsSubscription *sub = NULL;
    (void)snprintf(subject, sizeof subject, "nats%d", work->run);
    bool holds = open_pair(&pair, work) && make_stream(&pair, work, name) && store_all(&pair, work) &&
                 ok(js_PullSubscribe(&sub, pair.js, subject, "C", NULL, NULL, NULL), "subscribe");
    const double begin_s = side_now_s();
    holds = holds && fetch_all(&pair, work, sub);
    *ret_per_s = work->messages / (side_now_s() - begin_s);
    natsSubscription_Destroy(sub);
    (void)js_DeleteStream(pair.js, name, NULL, NULL); // the server goes away soon
    return close_pair(&pair, holds);
}

const struct side side_nats = {"libnats", publish, take, callback, request, stream_publish, pull};
