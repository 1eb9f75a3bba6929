// SPDX-License-Identifier: Apache-2.0
#include "side.h"

#include "rill.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool ok(enum rill_err err, const char *what)
{
    return !err || side_failed("librill", what, rill_error_string(err));
}

struct pair {
    struct rill_conn *near, *far;
    struct rill_js *js;
    char *data;
};

static bool open_pair(struct pair *pair, const struct work *work)
{
    *pair = (struct pair){.data = calloc(1, (size_t)work->payload_bytes + 1)};
    return pair->data && ok(rill_connect(&pair->near, work->url, NULL), "connect") &&
           ok(rill_connect(&pair->far, work->url, NULL), "connect") &&
           ok(rill_js_open(pair->near, &(struct rill_js_options){.publishes_pending_max = PENDING_MAX},
                           &pair->js),
              "open");
}

static bool close_pair(struct pair *pair, bool result)
{
    rill_js_destroy(pair->js);
    rill_destroy(pair->near);
    rill_destroy(pair->far);
    free(pair->data);
    return result;
}

static bool publish_all(struct pair *pair, const struct work *work)
{
    for (int i = 0; i < work->messages; i++)
        if (!ok(rill_publish(pair->near, "bench.x", pair->data, (size_t)work->payload_bytes), "publish"))
            return false;
    return true;
}

static bool publish(const struct work *work, double *ret_per_s)
{
    struct pair pair;
    bool holds = open_pair(&pair, work);
    const double begin_s = side_now_s();
    holds = holds && publish_all(&pair, work) && ok(rill_flush(pair.near, DEADLINE_MS), "flush");
    *ret_per_s = work->messages / (side_now_s() - begin_s);
    return close_pair(&pair, holds);
}

static bool take(const struct work *work, double *ret_per_s)
{
    struct pair pair;
    struct rill_sub *sub;
    const struct rill_subscribe want = {
        .subject = "bench.*", .pending_msgs_max = (size_t)work->messages, .pending_bytes_max = SIZE_MAX / 2};
    bool holds = open_pair(&pair, work) && ok(rill_subscribe_with(pair.far, &want, &sub), "subscribe") &&
                 ok(rill_flush(pair.far, DEADLINE_MS), "flush");
    const double begin_s = side_now_s();
    holds = holds && publish_all(&pair, work);
    for (int i = 0; i < work->messages && holds; i++) {
        struct rill_msg *msg = NULL;
        holds = ok(rill_next_msg(sub, DEADLINE_MS, &msg), "next");
        rill_msg_unref(msg);
    }
    *ret_per_s = work->messages / (side_now_s() - begin_s);
    return close_pair(&pair, holds);
}

static void count(struct rill_conn *conn, struct rill_sub *sub, struct rill_msg *msg, void *context)
{
    (void)conn;
    (void)sub;
    (void)msg;
    (void)atomic_fetch_add_explicit((atomic_int *)context, 1, memory_order_relaxed);
}

static bool callback(const struct work *work, double *ret_per_s)
{
    struct pair pair;
    struct rill_sub *sub;
    atomic_int counted = 0;
    const struct rill_subscribe want = {.subject = "bench.*",
                                        .callback = count,
                                        .context = &counted,
                                        .pending_msgs_max = (size_t)work->messages,
                                        .pending_bytes_max = SIZE_MAX / 2};
    bool holds = open_pair(&pair, work) && ok(rill_subscribe_with(pair.far, &want, &sub), "subscribe") &&
                 ok(rill_flush(pair.far, DEADLINE_MS), "flush");
    const double begin_s = side_now_s();
    holds = holds && publish_all(&pair, work) && ok(rill_flush(pair.near, DEADLINE_MS), "flush") &&
            ok(rill_sub_drain(sub, DEADLINE_MS), "drain");
    *ret_per_s = work->messages / (side_now_s() - begin_s);
    holds = holds && (atomic_load(&counted) == work->messages ||
                      side_failed("librill", "callback", "some are missing"));
    return close_pair(&pair, holds);
}

static void answer(struct rill_conn *conn, struct rill_sub *sub, struct rill_msg *msg, void *context)
{
    (void)sub;
    (void)context;
    (void)!rill_respond(conn, msg, rill_msg_data(msg), rill_msg_data_bytes(msg));
}

static bool request(const struct work *work, double *ret_per_s)
{
    struct pair pair;
    struct rill_sub *sub;
    bool holds = open_pair(&pair, work) &&
                 ok(rill_subscribe_callback(pair.far, "bench.ask", answer, NULL, &sub), "subscribe") &&
                 ok(rill_flush(pair.far, DEADLINE_MS), "flush");
    const double begin_s = side_now_s();
    for (int i = 0; i < work->messages && holds; i++) {
        struct rill_msg *reply = NULL;
        const double asked_s = side_now_s();
        holds = ok(
            rill_request(pair.near, "bench.ask", pair.data, (size_t)work->payload_bytes, DEADLINE_MS, &reply),
            "request");
        work->samples[i] = (side_now_s() - asked_s) * 1e6;
        rill_msg_unref(reply);
    }
    *ret_per_s = work->messages / (side_now_s() - begin_s);
    return close_pair(&pair, holds);
}

static bool make_stream(struct pair *pair, const struct work *work, char name[32])
{
    char subject[40];
    (void)snprintf(name, 32, "RILL%d", work->run);
    (void)snprintf(subject, sizeof subject, "rill%d", work->run);
    Rill__StreamConfig config = RILL__STREAM_CONFIG__INIT;
    config.name = name;
    config.subjects = (char *[]){subject};
    config.n_subjects = 1;
    config.storage = RILL__STORAGE__STORAGE_MEMORY;
    return ok(rill_stream_create(pair->js, &config, NULL, NULL), "create the stream");
}

static bool store_all(struct pair *pair, const struct work *work)
{
    char subject[40];
    (void)snprintf(subject, sizeof subject, "rill%d", work->run);
    const struct rill_publish message = {
        .subject = subject, .data = pair->data, .data_bytes = (size_t)work->payload_bytes};
    for (int i = 0; i < work->messages; i++)
        if (!ok(rill_js_publish_async(pair->js, &message, NULL, NULL, NULL), "publish"))
            return false;
    uint64_t failed = 0;
    return ok(rill_js_wait(pair->js, DEADLINE_MS, &failed), "wait") &&
           (failed == 0 || side_failed("librill", "stream publish", "some failed"));
}

static bool stream_publish(const struct work *work, double *ret_per_s)
{
    struct pair pair;
    char name[32];
    bool holds = open_pair(&pair, work) && make_stream(&pair, work, name);
    const double begin_s = side_now_s();
    holds = holds && store_all(&pair, work);
    *ret_per_s = work->messages / (side_now_s() - begin_s);
    (void)!rill_stream_delete(pair.js, name, NULL); // the server goes away soon
    return close_pair(&pair, holds);
}

static bool fetch_all(struct pair *pair, const struct work *work, const char *stream)
{
    struct rill_msg *msgs[FETCH_MSGS];
    const struct rill_fetch fetch = {.msgs_max = FETCH_MSGS, .expires_ms = DEADLINE_MS};
    int left = work->messages;
    while (left > 0) {
        size_t got = 0;
        if (!ok(rill_fetch(pair->js, stream, "C", &fetch, msgs, &got, NULL), "fetch") || got == 0)
            return false;
        for (size_t i = 0; i < got; i++) {
            if (!ok(rill_ack(pair->near, msgs[i]), "ack"))
                return false;
            rill_msg_unref(msgs[i]);
        }
        left -= (int)got;
    }
    return ok(rill_flush(pair->near, DEADLINE_MS), "flush");
}

static bool pull(const struct work *work, double *ret_per_s)
{
    struct pair pair;
    char name[32];
    Rill__ConsumerConfig config = RILL__CONSUMER_CONFIG__INIT;
    config.durable_name = "C";
    config.ack_policy = RILL__ACK_POLICY__ACK_POLICY_EXPLICIT;
    bool holds = open_pair(&pair, work) && make_stream(&pair, work, name) && store_all(&pair, work) &&
                 ok(rill_consumer_create(pair.js, name, &config,
                                         RILL__CONSUMER_ACTION__CONSUMER_ACTION_CREATE_OR_UPDATE, NULL, NULL),
                    "create the consumer");
    const double begin_s = side_now_s();
    holds = holds && fetch_all(&pair, work, name);
    *ret_per_s = work->messages / (side_now_s() - begin_s);
    (void)!rill_stream_delete(pair.js, name, NULL); // the server goes away soon
    return close_pair(&pair, holds);
}

const struct side side_rill = {"librill", publish, take, callback, request, stream_publish, pull};
