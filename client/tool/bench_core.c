// SPDX-License-Identifier: Apache-2.0
#include "bench.h"

#include "clock.h"
#include "families.h"

enum { CORE_MSGS = 1000000, REQUEST_MSGS = 10000, WAIT_MS = 100 };

// ---- pubsub ----

static enum rill_err publish_all(struct bench_client *client)
{
    const struct bench *bench = client->bench;
    enum rill_err err = RILL_OK;
    for (uint64_t i = 0; !err && i < client->target && !bench_is_over(client); i++) {
        err = rill_publish(client->remote.conn, bench->subject, bench->payload, bench->payload_bytes);
        bench_did(client, 0);
    }
    return err ? err : rill_flush(client->remote.conn, client->remote.timeout_ms * 12);
}

static enum rill_err subscribe(struct bench_client *client)
{
    // Whatever the publishers are ahead must fit: a dropped message would never come.
    const struct rill_subscribe want = {.subject = client->bench->subject,
                                        .pending_msgs_max = SIZE_MAX / 2,
                                        .pending_bytes_max = SIZE_MAX / 2};
    const enum rill_err err = rill_subscribe_with(client->remote.conn, &want, &client->sub);
    return err ? err : rill_flush(client->remote.conn, client->remote.timeout_ms);
}

static enum rill_err receive_all(struct bench_client *client)
{
    for (uint64_t i = 0; i < client->target;) {
        struct rill_msg *msg = NULL;
        const enum rill_err err = rill_next_msg(client->sub, WAIT_MS, &msg);
        if (err == RILL_ERR_TIMEOUT && !bench_is_over(client))
            continue;
        if (err)
            return err == RILL_ERR_TIMEOUT ? RILL_OK : err;
        rill_msg_unref(msg);
        bench_did(client, 0);
        i++;
    }
    return RILL_OK;
}

enum tool_exit bench_run_pubsub(struct call *call)
{
    struct bench bench;
    const int64_t subscribers = call_number(call, "subscribers", 1);
    const unsigned publishers = bench_clients(call);
    const uint64_t share = bench_share((uint64_t)call_number(call, "msgs", CORE_MSGS), publishers);
    const struct bench_role roles[] = {
        {.name = "publisher", .clients = publishers, .msgs = share, .work = publish_all},
        {.name = "subscriber",
         .clients = (unsigned)(subscribers < BENCH_CLIENTS_MAX ? subscribers : BENCH_CLIENTS_MAX),
         .msgs = share * publishers,
         .prepare = subscribe,
         .work = receive_all},
    };
    enum tool_exit code = bench_init(&bench, call);
    code = code ? code : bench_run(&bench, roles, 2, "pubsub");
    bench_fini(&bench);
    return code;
}

// ---- request ----

static enum rill_err ask_all(struct bench_client *client)
{
    const struct bench *bench = client->bench;
    for (uint64_t i = 0; i < client->target && !bench_is_over(client); i++) {
        struct rill_msg *reply = NULL;
        const int64_t begun_ns = clock_mono_ns();
        const enum rill_err err = rill_request(client->remote.conn, bench->subject, bench->payload,
                                               bench->payload_bytes, client->remote.timeout_ms, &reply);
        if (err)
            return err;
        bench_did(client, begun_ns);
        rill_msg_unref(reply);
    }
    return RILL_OK;
}

static void answer(struct rill_conn *conn, struct rill_sub *sub, struct rill_msg *msg, void *context)
{
    (void)sub;
    (void)context;
    // One that cannot be answered is seen by who has asked.
    const enum rill_err err = rill_respond(conn, msg, rill_msg_data(msg), rill_msg_data_bytes(msg));
    (void)err;
}

static enum tool_exit request(struct bench *bench)
{
    const unsigned clients = bench_clients(bench->call);
    const struct bench_role role = {
        .name = "requester",
        .clients = clients,
        .work = ask_all,
        .msgs = bench_share((uint64_t)call_number(bench->call, "msgs", REQUEST_MSGS), clients)};
    struct remote service;
    struct rill_sub *sub = NULL;
    enum tool_exit code = remote_open(bench->call, &service);
    if (code)
        return code;
    enum rill_err err = rill_subscribe_callback(service.conn, bench->subject, answer, NULL, &sub);
    err = err ? err : rill_flush(service.conn, service.timeout_ms);
    code = err ? call_error(bench->call, err, NULL, "service") : bench_run(bench, &role, 1, "request");
    remote_close(&service);
    return code;
}

enum tool_exit bench_run_request(struct call *call)
{
    struct bench bench;
    enum tool_exit code = bench_init(&bench, call);
    code = code ? code : request(&bench);
    bench_fini(&bench);
    return code;
}

// ---- the family ----

static const struct parameter common_options[] = {
    {"msgs", 'n', VALUE_COUNT, .help = "Messages in all."},
    {"size", 0, VALUE_BYTES, .help = "The size of each; 128 without it."},
    {"clients", 'c', VALUE_COUNT,
     .help = "Clients at work, each with a connection of its own; 1 without it."},
    {0},
};
static const struct parameter pubsub_options[] = {
    {"subscribers", 0, VALUE_COUNT, .help = "Clients that listen, each to all messages; 1 without it."},
    {0},
};
static const struct parameter stream_options[] = {
    {"storage", 0, VALUE_CHOICE, .choices = "file memory",
     .help = "Where the stream keeps messages; file without it."},
    {0},
};
static const struct parameter publish_options[] = {
    {"sync", 0, VALUE_FLAG, .help = "Wait for each acknowledgement before the next message."},
    {"pending", 0, VALUE_COUNT,
     .help = "Otherwise: messages that may be unacknowledged at one time; 1000 without it."},
    {0},
};
static const struct parameter read_options[] = {
    {"batch", 0, VALUE_COUNT, .help = "Pull so many at a time; 500 without it."},
    {"no-ack", 0, VALUE_FLAG, .help = "Without acknowledgements."},
    {0},
};
static const struct parameter push_options[] = {
    {"no-ack", 0, VALUE_FLAG, .help = "Without acknowledgements."},
    {0},
};

#define STREAM_ABOUT                                                                                         \
    "Works on a stream RILL-BENCH that is made for it and removed afterwards; there must be none of that "   \
    "name."

static const struct command commands[] = {
    {.name = "bench pubsub",
     .summary = "Publish and subscribe",
     .options = {common_options, pubsub_options},
     .examples = "bench pubsub --msgs 1000000 --size 16\nbench pubsub --clients 2 --subscribers 4\n",
     .run = bench_run_pubsub},
    {.name = "bench request",
     .summary = "Ask and answer, one after the other",
     .options = {common_options},
     .examples = "bench request --msgs 20000 --clients 4\n",
     .run = bench_run_request},
    {.name = "bench publish",
     .summary = "Publish into a stream",
     .about = STREAM_ABOUT,
     .options = {common_options, publish_options, stream_options},
     .examples = "bench publish --msgs 500000 --size 1K\nbench publish --sync --msgs 10000 --clients 8\n",
     .run = bench_run_publish},
    {.name = "bench pull",
     .summary = "Pull from a stream",
     .about = STREAM_ABOUT,
     .options = {common_options, read_options, stream_options},
     .examples = "bench pull --clients 2 --batch 100\n",
     .run = bench_run_pull},
    {.name = "bench push",
     .summary = "Have a stream pushed",
     .about = STREAM_ABOUT,
     .options = {common_options, push_options, stream_options},
     .examples = "bench push --no-ack --msgs 200000\n",
     .run = bench_run_push},
    {.name = "bench kv",
     .summary = "Put and get values of keys",
     .about = "Works on a bucket rill-bench that is made for it and removed afterwards; there must be none "
              "of that name.",
     .options = {common_options, stream_options},
     .examples = "bench kv --msgs 10000\n",
     .run = bench_run_kv},
    {0},
};

const struct family bench_family = {"bench", "Benchmarks: how fast is it here?", commands};
