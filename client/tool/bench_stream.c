// SPDX-License-Identifier: Apache-2.0
#include "bench.h"
#include "bucket.h"

#include "base/assert.h"
#include "clock.h"

#include <inttypes.h>
#include <stdlib.h>

enum {
    STREAM_MSGS = 100000,
    SYNC_MSGS = 10000,
    KV_MSGS = 10000,
    KV_KEYS = 1000,
    BATCH = 500,
    BATCH_MAX = 10000,
    WAIT_MS = 100
};

static const char *const stream_name = "RILL-BENCH";
static const char *const stream_subject = "rill.bench.stream";
static const char *const consumer_name = "bench";
static const char *const bucket_name = "rill-bench";

// ---- publish ----

static enum rill_err publish_sync(struct bench_client *client)
{
    const struct bench *bench = client->bench;
    const struct rill_publish publish = {
        .subject = bench->subject, .data = bench->payload, .data_bytes = bench->payload_bytes};
    enum rill_err err = RILL_OK;
    for (uint64_t i = 0; !err && i < client->target && !bench_is_over(client); i++) {
        const int64_t begun_ns = clock_mono_ns();
        err = rill_js_publish(client->remote.js, &publish, NULL, NULL, NULL);
        bench_did(client, begun_ns);
    }
    return err;
}

static void on_stored(struct rill_js *js, const struct rill_stored *stored, const struct rill_error *error,
                      void *context)
{
    (void)js;
    (void)stored;
    if (!error->err)
        bench_did(context, 0);
}

static enum rill_err publish_async(struct bench_client *client)
{
    const struct bench *bench = client->bench;
    const struct rill_publish publish = {
        .subject = bench->subject, .data = bench->payload, .data_bytes = bench->payload_bytes};
    const struct rill_js_options options = {.struct_bytes = sizeof options,
                                            .publishes_pending_max = bench->batch};
    struct rill_js *js = NULL;
    enum rill_err err = rill_js_open(client->remote.conn, &options, &js);
    for (uint64_t i = 0; !err && i < client->target && !bench_is_over(client); i++)
        err = rill_js_publish_async(js, &publish, NULL, on_stored, client);
    uint64_t failed = 0;
    if (js) {
        const enum rill_err waited = rill_js_wait(js, client->remote.timeout_ms * 12, &failed);
        err = err ? err : waited;
    }
    rill_js_destroy(js);
    return err ? err : failed ? RILL_ERR_REFUSED : RILL_OK;
}

// ---- the stream ----

static enum tool_exit make_stream(struct remote *remote)
{
    char *subjects[] = {(char *)stream_subject};
    struct rill_error error = {0};
    Rill__StreamConfig config = RILL__STREAM_CONFIG__INIT;
    config.name = (char *)stream_name;
    config.subjects = subjects;
    config.n_subjects = 1;
    config.storage = bucket_storage(remote->call);
    config.num_replicas = 1;
    const enum rill_err err = rill_stream_create(remote->js, &config, NULL, &error);
    return err ? call_error(remote->call, err, &error, stream_name) : TOOL_DONE;
}

static void remove_stream(struct remote *remote)
{
    const enum rill_err err = rill_stream_delete(remote->js, stream_name, NULL);
    if (err)
        (void)call_fail(remote->call, TOOL_FAILED, "%s was not removed: %s", stream_name,
                        rill_error_string(err));
}

typedef enum tool_exit stream_bench(struct bench *bench, struct remote *remote);

static enum tool_exit with_stream(const struct call *call, stream_bench *run)
{
    struct bench bench;
    struct remote remote;
    enum tool_exit code = bench_init(&bench, call);
    if (!code && !(code = remote_open(call, &remote))) {
        bench.subject = stream_subject;
        bench.stream = stream_name;
        bench.consumer = consumer_name;
        if (!(code = make_stream(&remote))) {
            code = run(&bench, &remote);
            remove_stream(&remote);
        }
        remote_close(&remote);
    }
    bench_fini(&bench);
    return code;
}

static enum tool_exit publish(struct bench *bench, struct remote *remote)
{
    const struct call *call = remote->call;
    const bool sync = call_has(call, "sync");
    const unsigned clients = bench_clients(call);
    const struct bench_role role = {
        .name = "publisher",
        .clients = clients,
        .msgs = bench_share((uint64_t)call_number(call, "msgs", sync ? SYNC_MSGS : STREAM_MSGS), clients),
        .work = sync ? publish_sync : publish_async};
    bench->batch = (uint32_t)call_number(call, "pending", 1000);
    return bench_run(bench, &role, 1, sync ? "publish, one at a time" : "publish");
}

enum tool_exit bench_run_publish(struct call *call)
{
    return with_stream(call, publish);
}

// ---- pull and push ----

static enum rill_err acknowledge(const struct bench_client *client, struct rill_msg *msg)
{
    return call_has(client->bench->call, "no-ack") ? RILL_OK : rill_ack(client->remote.conn, msg);
}

static enum rill_err take_batch(struct bench_client *client, struct rill_msg *const *msgs, size_t count)
{
    enum rill_err err = RILL_OK;
    for (size_t i = 0; i < count; i++) {
        err = err ? err : acknowledge(client, msgs[i]);
        rill_msg_unref(msgs[i]);
        bench_did(client, 0);
    }
    return err;
}

/* All clients share the messages: each ends when there were none for a moment and all are done. */
static enum rill_err pull_all(struct bench_client *client)
{
    struct bench *bench = client->bench;
    atomic_uint_fast64_t *taken = &bench->taken[0];
    struct rill_msg **msgs = calloc(bench->batch, sizeof(struct rill_msg *));
    enum rill_err err = msgs ? RILL_OK : RILL_ERR_NO_MEMORY;
    while (!err && *taken < client->target && !bench_is_over(client)) {
        size_t count = 0;
        const struct rill_fetch fetch = {.msgs_max = bench->batch, .expires_ms = WAIT_MS};
        err = rill_fetch(client->remote.js, bench->stream, bench->consumer, &fetch, msgs, &count, NULL);
        err = err ? err : take_batch(client, msgs, count);
        *taken += err ? 0 : count;
    }
    free(msgs);
    return err ? err : rill_flush(client->remote.conn, client->remote.timeout_ms);
}

static enum rill_err push_subscribe(struct bench_client *client)
{
    return rill_push_subscribe(client->remote.js, client->bench->stream, client->bench->consumer, NULL, NULL,
                               &client->sub, NULL);
}

static enum rill_err receive_pushed(struct bench_client *client)
{
    atomic_uint_fast64_t *taken = &client->bench->taken[0];
    enum rill_err err = RILL_OK;
    while (!err && *taken < client->target && !bench_is_over(client)) {
        struct rill_msg *msg = NULL;
        err = rill_next_msg(client->sub, WAIT_MS, &msg);
        if (err == RILL_ERR_TIMEOUT) {
            err = RILL_OK;
            continue;
        }
        err = err ? err : take_batch(client, &msg, 1);
        *taken += 1;
    }
    return err ? err : rill_flush(client->remote.conn, client->remote.timeout_ms);
}

/* The messages to be read. */
static enum tool_exit fill(struct bench *bench, struct remote *remote, uint64_t msgs)
{
    struct bench_client client = {.bench = bench, .remote = *remote, .target = msgs};
    bench->batch = 1000;
    if (!remote->call->json)
        (void)fprintf(stderr, "publishing %" PRIu64 " messages to be read\n", msgs);
    const enum rill_err err = publish_async(&client);
    return err ? call_error(remote->call, err, NULL, "publish") : TOOL_DONE;
}

static enum tool_exit make_consumer(struct remote *remote, const char *deliver_subject)
{
    struct rill_error error = {0};
    Rill__ConsumerConfig config = RILL__CONSUMER_CONFIG__INIT;
    config.durable_name = (char *)consumer_name;
    config.ack_policy = call_has(remote->call, "no-ack") ? RILL__ACK_POLICY__ACK_POLICY_NONE
                                                         : RILL__ACK_POLICY__ACK_POLICY_EXPLICIT;
    config.deliver_subject = (char *)deliver_subject;
    config.deliver_group = deliver_subject ? (char *)consumer_name : NULL;
    config.has_max_ack_pending = config.ack_policy == RILL__ACK_POLICY__ACK_POLICY_EXPLICIT;
    config.max_ack_pending = 2 * BATCH_MAX;
    const enum rill_err err = rill_consumer_create(
        remote->js, stream_name, &config, RILL__CONSUMER_ACTION__CONSUMER_ACTION_CREATE, NULL, &error);
    return err ? call_error(remote->call, err, &error, consumer_name) : TOOL_DONE;
}

static enum tool_exit read_back(struct bench *bench, struct remote *remote, struct bench_role *role,
                                const char *deliver_subject)
{
    const struct call *call = remote->call;
    role->clients = bench_clients(call);
    role->msgs = (uint64_t)call_number(call, "msgs", STREAM_MSGS);
    role->shared = true;
    enum tool_exit code = fill(bench, remote, role->msgs);
    return code ? code : make_consumer(remote, deliver_subject);
}

static enum tool_exit pull(struct bench *bench, struct remote *remote)
{
    struct bench_role role = {.name = "puller", .work = pull_all};
    const int64_t batch = call_number(remote->call, "batch", BATCH);
    if (batch == 0 || batch > BATCH_MAX)
        return call_usage(remote->call, "--batch cannot be '%" PRId64 "': give a number from 1 to %d", batch,
                          BATCH_MAX);
    const enum tool_exit code = read_back(bench, remote, &role, NULL);
    bench->batch = (uint32_t)batch;
    return code ? code : bench_run(bench, &role, 1, "pull");
}

enum tool_exit bench_run_pull(struct call *call)
{
    return with_stream(call, pull);
}

static enum tool_exit push(struct bench *bench, struct remote *remote)
{
    struct bench_role role = {.name = "receiver", .prepare = push_subscribe, .work = receive_pushed};
    char inbox[RILL_INBOX_BYTES];
    rill_inbox(remote->conn, inbox);
    const enum tool_exit code = read_back(bench, remote, &role, inbox);
    return code ? code : bench_run(bench, &role, 1, "push");
}

enum tool_exit bench_run_push(struct call *call)
{
    return with_stream(call, push);
}

// ---- kv ----

static const char *key_of(uint64_t number, char text[32])
{
    (void)snprintf(text, 32, "key.%" PRIu64, number % KV_KEYS);
    return text;
}

/* Puts or gets, one after the other. */
static enum rill_err use_keys(struct bench_client *client, bool puts)
{
    const struct bench *bench = client->bench;
    struct rill_kv *kv = NULL;
    char key[32];
    enum rill_err err = rill_kv_open(client->remote.js, bucket_name, &kv, NULL);
    for (uint64_t i = 0; !err && i < client->target && !bench_is_over(client); i++) {
        struct rill_kv_entry *entry = NULL;
        const int64_t begun_ns = clock_mono_ns();
        err = puts ? rill_kv_put(kv, key_of(i, key), bench->payload, bench->payload_bytes, NULL, NULL)
                   : rill_kv_get(kv, key_of(i, key), &entry, NULL);
        rill_kv_entry_free(entry);
        bench_did(client, begun_ns);
    }
    rill_kv_close(kv);
    return err;
}

static enum rill_err put_keys(struct bench_client *client)
{
    return use_keys(client, true);
}

static enum rill_err get_keys(struct bench_client *client)
{
    return use_keys(client, false);
}

static enum tool_exit put_and_get(struct bench *bench)
{
    struct bench_role role = {.name = "put", .clients = bench_clients(bench->call), .work = put_keys};
    role.msgs = bench_share((uint64_t)call_number(bench->call, "msgs", KV_MSGS), role.clients);
    const enum tool_exit code = bench_run(bench, &role, 1, "put");
    if (code)
        return code;
    role.name = "get";
    role.work = get_keys;
    if (!bench->call->json)
        (void)putchar('\n');
    return bench_run(bench, &role, 1, "get");
}

static enum tool_exit kv_with_bucket(struct bench *bench, struct remote *remote)
{
    const struct rill_kv_config config = {
        .struct_bytes = sizeof config, .bucket = bucket_name, .storage = bucket_storage(remote->call)};
    struct rill_error error = {0};
    struct rill_kv *kv = NULL;
    enum rill_err err = rill_kv_create_bucket(remote->js, &config, &kv, &error);
    if (err)
        return call_error(remote->call, err, &error, bucket_name);
    rill_kv_close(kv);
    const enum tool_exit code = put_and_get(bench);
    err = rill_kv_delete_bucket(remote->js, bucket_name, &error);
    return err && !code ? call_error(remote->call, err, &error, bucket_name) : code;
}

enum tool_exit bench_run_kv(struct call *call)
{
    struct bench bench;
    struct remote remote;
    enum tool_exit code = bench_init(&bench, call);
    if (!code && !(code = remote_open(call, &remote))) {
        code = kv_with_bucket(&bench, &remote);
        remote_close(&remote);
    }
    bench_fini(&bench);
    return code;
}
