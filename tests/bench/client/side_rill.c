// SPDX-License-Identifier: Apache-2.0
#include "side.h"

#include "rill.h"

#include <stdlib.h>

struct client {
    struct rill_conn *near, *far;
    struct rill_js *js;
    struct rill_sub *sub; // of the far one
    struct work *work;
};

static bool ok(enum rill_err err, const char *what)
{
    return !err || side_failed("librill", what, rill_error_string(err));
}

// ---- life ----

static void client_close(struct client *client)
{
    if (!client)
        return;
    rill_js_destroy(client->js);
    rill_destroy(client->near);
    rill_destroy(client->far);
    free(client);
}

static struct client *client_open(struct work *work)
{
    const struct rill_js_options options = {.struct_bytes = sizeof options,
                                            .publishes_pending_max = PENDING_MAX};
    struct client *client = calloc(1, sizeof *client);
    if (!client)
        return NULL;
    client->work = work;
    if (ok(rill_connect(&client->near, work->url, NULL), "connect") &&
        ok(rill_connect(&client->far, work->url, NULL), "connect") &&
        ok(rill_js_open(client->near, &options, &client->js), "open"))
        return client;
    client_close(client);
    return NULL;
}

// ---- publishing and listening ----

static bool publish(struct client *client)
{
    return ok(
        rill_publish(client->near, "bench.x", client->work->payload, (size_t)client->work->payload_bytes),
        "publish");
}

static bool flush(struct client *client)
{
    return ok(rill_flush(client->near, DEADLINE_MS), "flush");
}

static bool request(struct client *client)
{
    struct rill_msg *reply = NULL;
    const bool holds = ok(rill_request(client->near, "bench.x", client->work->payload,
                                       (size_t)client->work->payload_bytes, DEADLINE_MS, &reply),
                          "request");
    rill_msg_unref(reply);
    return holds;
}

static bool listen_with(struct client *client, rill_msg_callback *callback)
{
    const struct rill_subscribe want = {.subject = "bench.*",
                                        .callback = callback,
                                        .context = &client->work->counted,
                                        .pending_msgs_max = SIZE_MAX / 2,
                                        .pending_bytes_max = SIZE_MAX / 2};
    return ok(rill_subscribe_with(client->far, &want, &client->sub), "subscribe") &&
           ok(rill_flush(client->far, DEADLINE_MS), "flush");
}

static bool listen_taking(struct client *client)
{
    return listen_with(client, NULL);
}

static void count(struct rill_conn *conn, struct rill_sub *sub, struct rill_msg *msg, void *context)
{
    (void)conn;
    (void)sub;
    (void)msg;
    (void)atomic_fetch_add_explicit((atomic_int *)context, 1, memory_order_relaxed);
}

static bool listen_counting(struct client *client)
{
    return listen_with(client, count);
}

static void answer(struct rill_conn *conn, struct rill_sub *sub, struct rill_msg *msg, void *context)
{
    (void)sub;
    (void)context;
    (void)!rill_respond(conn, msg, rill_msg_data(msg), rill_msg_data_bytes(msg));
}

static bool listen_answering(struct client *client)
{
    return listen_with(client, answer);
}

static bool take(struct client *client)
{
    struct rill_msg *msg = NULL;
    const bool holds = ok(rill_next_msg(client->sub, DEADLINE_MS, &msg), "next");
    rill_msg_unref(msg);
    return holds;
}

static bool drain(struct client *client)
{
    return ok(rill_sub_drain(client->sub, DEADLINE_MS), "drain");
}

// ---- a stream ----

static bool stream_open(struct client *client)
{
    Rill__StreamConfig config = RILL__STREAM_CONFIG__INIT;
    config.name = client->work->name;
    config.subjects = (char *[]){client->work->name};
    config.n_subjects = 1;
    config.storage = RILL__STORAGE__STORAGE_MEMORY;
    return ok(rill_stream_create(client->js, &config, NULL, NULL), "create the stream");
}

static void stream_close(struct client *client)
{
    (void)!rill_stream_delete(client->js, client->work->name, NULL); // the server goes away soon
}

static bool store(struct client *client)
{
    const struct rill_publish message = {.subject = client->work->name,
                                         .data = client->work->payload,
                                         .data_bytes = (size_t)client->work->payload_bytes};
    return ok(rill_js_publish_async(client->js, &message, NULL, NULL, NULL), "publish");
}

static bool store_wait(struct client *client)
{
    uint64_t failed = 0;
    return ok(rill_js_wait(client->js, DEADLINE_MS, &failed), "wait") &&
           (failed == 0 || side_failed("librill", "stream publish", "some failed"));
}

static bool consumer_open(struct client *client)
{
    Rill__ConsumerConfig config = RILL__CONSUMER_CONFIG__INIT;
    config.durable_name = "C";
    config.ack_policy = RILL__ACK_POLICY__ACK_POLICY_EXPLICIT;
    return ok(rill_consumer_create(client->js, client->work->name, &config,
                                   RILL__CONSUMER_ACTION__CONSUMER_ACTION_CREATE_OR_UPDATE, NULL, NULL),
              "create the consumer");
}

static bool fetch(struct client *client, int wanted, int *ret_count)
{
    const struct rill_fetch fetch = {.msgs_max = (size_t)wanted, .expires_ms = DEADLINE_MS};
    struct rill_msg *msgs[FETCH_MSGS];
    size_t count = 0;
    bool holds = ok(rill_fetch(client->js, client->work->name, "C", &fetch, msgs, &count, NULL), "fetch");
    for (size_t i = 0; i < count; i++) {
        holds = holds && ok(rill_ack(client->near, msgs[i]), "ack");
        rill_msg_unref(msgs[i]);
    }
    *ret_count = (int)count;
    return holds;
}

const struct side side_rill = {
    .name = "librill",
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
