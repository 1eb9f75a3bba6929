// SPDX-License-Identifier: Apache-2.0
//
// Streams and consumers through librill, against a real server. A law uses a stream of its own.
#include "law.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The law's own stream has the subjects "<name>.>". */
struct world {
    struct law_js in;
    char stream[32];
};

static bool ok(struct world *world, enum rill_err err, const char *what)
{
    return law_js_ok(&world->in, err, what);
}

static bool make_stream(struct world *world, Rill__Storage storage)
{
    char subject[40];
    (void)snprintf(subject, sizeof subject, "%s.>", world->stream);
    Rill__StreamConfig config = RILL__STREAM_CONFIG__INIT;
    config.name = world->stream;
    config.subjects = (char *[]){subject};
    config.n_subjects = 1;
    config.storage = storage;
    enum rill_err err = RILL_ERR_AGAIN; // a server that has just started is still reading its streams
    int64_t deadline_ns = 0;
    while (err == RILL_ERR_AGAIN && law_goes_on(&deadline_ns))
        err = rill_stream_create(world->in.js, &config, NULL, &world->in.error);
    return ok(world, err, "create the stream");
}

static bool over_world(bool (*body)(struct world *))
{
    static int number;
    struct world world;
    (void)snprintf(world.stream, sizeof world.stream, "S%d", ++number);
    const bool holds =
        law_js_open(&world.in) && make_stream(&world, RILL__STORAGE__STORAGE_FILE) && body(&world);
    law_js_close(&world.in);
    return holds;
}

/* "<stream>.<rest>" in a buffer that lives until the next call. */
static const char *subject_of(const struct world *world, const char *rest)
{
    static char subject[64];
    (void)snprintf(subject, sizeof subject, "%s.%s", world->stream, rest);
    return subject;
}

static bool store(struct world *world, const char *rest, const char *text, uint64_t seq)
{
    struct rill_stored stored;
    const struct rill_publish publish = {
        .subject = subject_of(world, rest), .data = text, .data_bytes = strlen(text)};
    return ok(world, rill_js_publish(world->in.js, &publish, NULL, &stored, &world->in.error), "publish") &&
           ((stored.seq == seq && !stored.duplicate && strcmp(stored.stream, world->stream) == 0) ||
            law_fail("stored as %d in %s", (int)stored.seq, stored.stream));
}

static bool store_numbers(struct world *world, int count)
{
    for (int i = 0; i < count; i++) {
        char text[16];
        (void)snprintf(text, sizeof text, "%d", i);
        const struct rill_publish publish = {
            .subject = subject_of(world, "n"), .data = text, .data_bytes = strlen(text)};
        if (!law_ok(rill_js_publish_async(world->in.js, &publish, NULL, NULL, NULL), "publish"))
            return false;
    }
    uint64_t failed = 0;
    return law_ok(rill_js_wait(world->in.js, -1, &failed), "wait") &&
           (failed == 0 || law_fail("%d publishes failed", (int)failed));
}

static bool make_consumer(struct world *world, const char *name, Rill__AckPolicy ack_policy)
{
    Rill__ConsumerConfig config = RILL__CONSUMER_CONFIG__INIT;
    config.durable_name = (char *)name;
    config.ack_policy = ack_policy;
    config.has_ack_wait = true;
    config.ack_wait = INT64_C(20000000000);
    return ok(world,
              rill_consumer_create(world->in.js, world->stream, &config,
                                   RILL__CONSUMER_ACTION__CONSUMER_ACTION_CREATE_OR_UPDATE, NULL,
                                   &world->in.error),
              "create the consumer");
}

static const char no_heartbeats[] = "this server has no heartbeats of pulls yet";

/* Whether pulls may ask for heartbeats. */
static bool has_heartbeats(struct world *world)
{
    static const char pull[] = "{\"batch\":1,\"expires\":1000000000,\"idle_heartbeat\":100000000}";
    char subject[80];
    struct rill_msg *reply = NULL;
    (void)snprintf(subject, sizeof subject, "$JS.API.CONSUMER.MSG.NEXT.%s.H", world->stream);
    if (!make_consumer(world, "H", RILL__ACK_POLICY__ACK_POLICY_NONE) ||
        rill_request(world->in.conn, subject, pull, sizeof pull - 1, -1, &reply))
        return false;
    const bool refused_it = rill_msg_status(reply) == 400;
    rill_msg_unref(reply);
    return !refused_it &&
           ok(world, rill_consumer_delete(world->in.js, world->stream, "H", &world->in.error), "delete");
}

static bool number_is(const struct rill_msg *msg, int number)
{
    char text[16];
    (void)snprintf(text, sizeof text, "%d", number);
    return law_text_is(msg, text);
}

// ---- management ----

static bool count_stream(const Rill__StreamInfo *info, void *context)
{
    (void)info;
    ++*(int *)context;
    return true;
}

static bool management(struct world *world)
{
    Rill__StreamInfo *info = NULL;
    int streams = 0;
    char name[RILL_NAME_BYTES];
    if (!store(world, "a", "one", 1) || !store(world, "b", "two", 2) ||
        !ok(world, rill_stream_info(world->in.js, world->stream, NULL, &info, &world->in.error), "info"))
        return false;
    bool holds = (info->state->messages == 2 && strcmp(info->config->name, world->stream) == 0) ||
                 law_fail("info is wrong");
    rill_model_free(&info->base);
    holds =
        holds &&
        ok(world, rill_stream_each(world->in.js, NULL, count_stream, &streams, &world->in.error), "each") &&
        (streams >= 1 || law_fail("%d streams", streams)) &&
        ok(world, rill_stream_find(world->in.js, subject_of(world, "a"), name, &world->in.error), "find") &&
        (strcmp(name, world->stream) == 0 || law_fail("found %s", name));
    uint64_t purged = 0;
    return holds &&
           ok(world, rill_stream_purge(world->in.js, world->stream, NULL, &purged, &world->in.error),
              "purge") &&
           (purged == 2 || law_fail("%d purged", (int)purged)) &&
           ok(world, rill_stream_delete(world->in.js, world->stream, &world->in.error), "delete") &&
           law_err_is(rill_stream_info(world->in.js, world->stream, NULL, &info, &world->in.error),
                      RILL_ERR_NOT_FOUND, "info of what was deleted") &&
           (world->in.error.err_code == 10059 || law_fail("err_code %u", world->in.error.err_code));
}

static bool streams_are_managed(void)
{
    return over_world(management);
}

static bool stored_messages(struct world *world)
{
    Rill__StoredMessage *message = NULL;
    Rill__MsgGetRequest request = RILL__MSG_GET_REQUEST__INIT;
    request.has_seq = true;
    request.seq = 2;
    if (!store(world, "a", "one", 1) || !store(world, "a", "two", 2) ||
        !ok(world, rill_stream_get_msg(world->in.js, world->stream, &request, &message, &world->in.error),
            "get"))
        return false;
    const bool same =
        message->data.len == 3 && memcmp(message->data.data, "two", 3) == 0 && message->seq == 2;
    rill_model_free(&message->base);
    return (same || law_fail("another message")) &&
           ok(world, rill_stream_delete_msg(world->in.js, world->stream, 2, false, &world->in.error),
              "delete") &&
           law_err_is(rill_stream_get_msg(world->in.js, world->stream, &request, &message, &world->in.error),
                      RILL_ERR_NOT_FOUND, "get what was deleted");
}

static bool messages_are_got_and_deleted(void)
{
    return over_world(stored_messages);
}

// ---- publishing ----

/* What this server has not got yet, it says. */
static bool is_not_yet(const struct world *world)
{
    return strstr(world->in.error.text, "not implemented yet") != NULL;
}

static bool exists(struct world *world, enum rill_err err)
{
    if (is_not_yet(world))
        return law_skip("this server does not check the last sequence of a subject yet");
    return law_err_is(err, RILL_ERR_EXISTS, "create what is there") &&
           (world->in.error.err_code == 10071 || law_fail("err_code %u", world->in.error.err_code));
}

static bool expectations(struct world *world)
{
    struct rill_stored stored;
    const char *subject = subject_of(world, "x");
    const struct rill_publish publish = {.subject = subject, .data = "x", .data_bytes = 1};
    const struct rill_expect id = {.msg_id = "one"};
    const struct rill_expect first = {.check_last_subject_seq = true, .last_subject_seq = 0};
    return ok(world, rill_js_publish(world->in.js, &publish, &id, &stored, &world->in.error), "publish") &&
           ok(world, rill_js_publish(world->in.js, &publish, &id, &stored, &world->in.error), "again") &&
           (stored.duplicate || law_fail("no duplicate")) &&
           (stored.seq == 1 || law_fail("another sequence")) &&
           exists(world, rill_js_publish(world->in.js, &publish, &first, &stored, &world->in.error));
}

static bool expectations_are_kept(void)
{
    return over_world(expectations);
}

static bool nobody_keeps_it(struct world *world)
{
    const struct rill_publish publish = {.subject = "nobody.keeps.this"};
    return law_err_is(rill_js_publish(world->in.js, &publish, NULL, NULL, &world->in.error),
                      RILL_ERR_NO_RESPONDERS, "publish");
}

static bool a_subject_without_a_stream_is_told(void)
{
    return over_world(nobody_keeps_it);
}

struct counts {
    atomic_int good, bad;
};

static void on_stored(struct rill_js *js, const struct rill_stored *stored, const struct rill_error *error,
                      void *context)
{
    struct counts *counts = context;
    (void)js;
    (void)atomic_fetch_add(error->err || !stored->seq ? &counts->bad : &counts->good, 1);
}

static bool async(struct world *world)
{
    enum { COUNT = 20000 };
    struct counts counts = {0, 0};
    for (int i = 0; i < COUNT; i++) {
        const struct rill_publish publish = {.subject = subject_of(world, "a"), .data = "x", .data_bytes = 1};
        if (!law_ok(rill_js_publish_async(world->in.js, &publish, NULL, on_stored, &counts), "publish"))
            return false;
    }
    const struct rill_publish lost = {.subject = "nobody.keeps.this"};
    uint64_t failed = 0;
    return law_ok(rill_js_publish_async(world->in.js, &lost, NULL, on_stored, &counts), "publish") &&
           law_ok(rill_js_wait(world->in.js, -1, &failed), "wait") &&
           ((atomic_load(&counts.good) == COUNT && atomic_load(&counts.bad) == 1 && failed == 1) ||
            law_fail("%d good, %d bad, %d failed", atomic_load(&counts.good), atomic_load(&counts.bad),
                     (int)failed));
}

static bool each_asynchronous_publish_ends_once(void)
{
    return over_world(async);
}

static bool has_stored(struct world *world, uint64_t expected)
{
    Rill__StreamInfo *info = NULL;
    if (!ok(world, rill_stream_info(world->in.js, world->stream, NULL, &info, &world->in.error), "info"))
        return false;
    const uint64_t messages = info->state->messages;
    rill_model_free(&info->base);
    return messages == expected || law_fail("%d messages are stored", (int)messages);
}

static bool publish_over_kill(struct world *world)
{
    enum { COUNT = 12000, KILLED_AT = 6000 };
    struct counts counts = {0, 0};
    bool holds = true;
    for (int i = 0; i < COUNT && holds; i++) {
        char id[16];
        (void)snprintf(id, sizeof id, "%d", i);
        const struct rill_publish publish = {.subject = subject_of(world, "a"), .data = id, .data_bytes = 1};
        const struct rill_expect once = {.msg_id = id};
        holds = (i != KILLED_AT || law_kill_server()) &&
                law_ok(rill_js_publish_async(world->in.js, &publish, &once, on_stored, &counts), "publish");
    }
    return holds && law_ok(rill_js_wait(world->in.js, -1, NULL), "wait") &&
           (atomic_load(&counts.good) == COUNT || law_fail("%d failed", atomic_load(&counts.bad))) &&
           has_stored(world, COUNT);
}

static bool publishes_with_an_id_are_stored_once_over_a_kill(void)
{
    const char *other = getenv("RILL_SERVER");
    if (other && strstr(other, "nats-server"))
        return law_skip("nats-server acknowledges what a kill can take away");
    return over_world(publish_over_kill);
}

// ---- reading ----

/* A server of old says nothing at all to a pull from a consumer that it does not know. */
static bool none_is_told(struct world *world)
{
    struct rill_msg *msg = NULL;
    size_t count = 0;
    const struct rill_fetch fetch = {.msgs_max = 1, .expires_ms = 10};
    const enum rill_err err =
        rill_fetch(world->in.js, world->stream, "none", &fetch, &msg, &count, &world->in.error);
    return err == RILL_ERR_NOT_FOUND || (!err && count == 0) || law_fail("fetched from nobody");
}

static bool fetch_and_ack(struct world *world)
{
    enum { BATCH = 10 };
    struct rill_msg *msgs[BATCH];
    struct rill_msg_meta meta;
    size_t count = 0;
    const struct rill_fetch fetch = {.msgs_max = BATCH, .expires_ms = LAW_TIMEOUT_MS};
    const struct rill_fetch at_once = {.msgs_max = BATCH};
    if (!make_consumer(world, "C", RILL__ACK_POLICY__ACK_POLICY_EXPLICIT) || !store_numbers(world, 15) ||
        !ok(world, rill_fetch(world->in.js, world->stream, "C", &fetch, msgs, &count, &world->in.error),
            "fetch"))
        return false;
    bool holds = count == BATCH || law_fail("%d messages", (int)count);
    for (size_t i = 0; i < count; i++) {
        holds = holds && number_is(msgs[i], (int)i) && law_ok(rill_msg_meta(msgs[i], &meta), "meta") &&
                (meta.stream_seq == i + 1 || law_fail("sequence %d", (int)meta.stream_seq)) &&
                law_ok(i % 2 ? rill_ack(world->in.conn, msgs[i]) : rill_ack_sync(world->in.conn, msgs[i], -1),
                       "ack") &&
                law_err_is(rill_ack(world->in.conn, msgs[i]), RILL_ERR_EXISTS, "a second ack");
        rill_msg_unref(msgs[i]);
    }
    holds = holds &&
            ok(world, rill_fetch(world->in.js, world->stream, "C", &at_once, msgs, &count, &world->in.error),
               "fetch") &&
            (count == 5 || law_fail("%d left", (int)count));
    for (size_t i = 0; holds && i < count; i++) {
        holds = law_ok(rill_term(world->in.conn, msgs[i], "enough"), "term");
        rill_msg_unref(msgs[i]);
    }
    return holds &&
           ok(world, rill_fetch(world->in.js, world->stream, "C", &at_once, msgs, &count, &world->in.error),
              "fetch") &&
           (count == 0 || law_fail("%d came again", (int)count)) && none_is_told(world);
}

static bool what_is_fetched_and_acknowledged_is_done(void)
{
    return over_world(fetch_and_ack);
}

static bool again(struct world *world)
{
    struct rill_msg *msg = NULL;
    struct rill_msg_meta meta;
    size_t count = 0;
    const struct rill_fetch fetch = {.msgs_max = 1, .expires_ms = LAW_TIMEOUT_MS};
    if (!make_consumer(world, "C", RILL__ACK_POLICY__ACK_POLICY_EXPLICIT) || !store_numbers(world, 1))
        return false;
    for (unsigned i = 1; i <= 3; i++) {
        if (!ok(world, rill_fetch(world->in.js, world->stream, "C", &fetch, &msg, &count, &world->in.error),
                "fetch") ||
            count != 1)
            return law_fail("it did not come a %d. time", (int)i);
        const bool holds = law_ok(rill_msg_meta(msg, &meta), "meta") &&
                           (meta.delivered == i || law_fail("delivered %d", (int)meta.delivered)) &&
                           law_ok(rill_in_progress(world->in.conn, msg), "progress") &&
                           law_ok(rill_nak(world->in.conn, msg, i == 1 ? 0 : 10), "nak");
        rill_msg_unref(msg);
        if (!holds)
            return false;
    }
    return true;
}

static bool what_is_refused_comes_again(void)
{
    return over_world(again);
}

static bool pull_numbers(struct world *world, struct rill_pull *pull, int from, int count)
{
    for (int i = from; i < from + count; i++) {
        struct rill_msg *msg = NULL;
        if (!law_ok(rill_pull_next(pull, LAW_TIMEOUT_MS, &msg), "next"))
            return law_fail("after %d", i);
        const bool holds = number_is(msg, i) && law_ok(rill_ack(world->in.conn, msg), "ack");
        rill_msg_unref(msg);
        if (!holds)
            return false;
    }
    return true;
}

static bool pull(struct world *world)
{
    enum { COUNT = 5000 };
    struct rill_pull *pull = NULL;
    struct rill_msg *msg = NULL;
    struct rill_pull_options options = RILL_PULL_OPTIONS;
    options.prefetch_msgs = 100;
    options.expires_ms = 2000;
    if (!make_consumer(world, "C", RILL__ACK_POLICY__ACK_POLICY_EXPLICIT))
        return false;
    if (!has_heartbeats(world))
        return law_skip(no_heartbeats);
    bool holds =
        ok(world, rill_pull_open(world->in.js, world->stream, "C", &options, &pull, &world->in.error),
           "pull") &&
        law_err_is(rill_pull_next(pull, 10, &msg), RILL_ERR_TIMEOUT, "nothing there yet") &&
        store_numbers(world, COUNT) && pull_numbers(world, pull, 0, COUNT) &&
        ok(world, rill_consumer_delete(world->in.js, world->stream, "C", &world->in.error), "delete") &&
        law_err_is(rill_pull_next(pull, LAW_TIMEOUT_MS, &msg), RILL_ERR_NOT_FOUND, "a deleted consumer");
    rill_pull_close(pull);
    return holds;
}

static bool a_continuous_pull_takes_everything_in_order(void)
{
    return over_world(pull);
}

struct taken {
    struct rill_conn *conn;
    atomic_int count;
};

static void take_one(struct rill_conn *conn, struct rill_sub *sub, struct rill_msg *msg, void *context)
{
    struct taken *taken = context;
    (void)sub;
    if (!rill_ack(conn, msg))
        (void)atomic_fetch_add(&taken->count, 1);
}

/* Asks until the consumer says that nothing is left. */
static bool is_done(struct world *world, uint64_t expected)
{
    int64_t deadline_ns = 0;
    while (law_goes_on(&deadline_ns)) {
        Rill__ConsumerInfo *info = NULL;
        if (!ok(world, rill_consumer_info(world->in.js, world->stream, "C", &info, &world->in.error), "info"))
            return false;
        const bool done = info->ack_floor->stream_seq == expected;
        rill_model_free(&info->base);
        if (done)
            return true;
    }
    return law_fail("not everything was acknowledged");
}

static bool pull_callback(struct world *world)
{
    enum { COUNT = 2000 };
    struct taken taken = {world->in.conn, 0};
    struct rill_pull *pull = NULL;
    struct rill_pull_options options = RILL_PULL_OPTIONS;
    options.callback = take_one;
    options.context = &taken;
    options.own_thread = true;
    if (!make_consumer(world, "C", RILL__ACK_POLICY__ACK_POLICY_EXPLICIT))
        return false;
    if (!has_heartbeats(world))
        return law_skip(no_heartbeats);
    bool holds =
        ok(world, rill_pull_open(world->in.js, world->stream, "C", &options, &pull, &world->in.error),
           "pull") &&
        store_numbers(world, COUNT) && is_done(world, COUNT);
    rill_pull_close(pull);
    return holds && (atomic_load(&taken.count) == COUNT || law_fail("%d taken", atomic_load(&taken.count)));
}

static bool a_pull_gives_to_its_callback(void)
{
    return over_world(pull_callback);
}

static bool push(struct world *world)
{
    enum { COUNT = 3000 };
    struct rill_sub *sub = NULL;
    Rill__ConsumerConfig config = RILL__CONSUMER_CONFIG__INIT;
    char deliver[RILL_INBOX_BYTES];
    rill_inbox(world->in.conn, deliver);
    config.durable_name = "P";
    config.deliver_subject = deliver;
    config.ack_policy = RILL__ACK_POLICY__ACK_POLICY_NONE;
    config.has_flow_control = config.flow_control = true;
    config.has_idle_heartbeat = true;
    config.idle_heartbeat = 500000000;
    const enum rill_err err =
        rill_consumer_create(world->in.js, world->stream, &config,
                             RILL__CONSUMER_ACTION__CONSUMER_ACTION_CREATE_OR_UPDATE, NULL, &world->in.error);
    if (err && is_not_yet(world))
        return law_skip("this server has no push consumers yet");
    bool holds =
        ok(world, err, "create") &&
        ok(world, rill_push_subscribe(world->in.js, world->stream, "P", NULL, NULL, &sub, &world->in.error),
           "subscribe") &&
        store_numbers(world, COUNT);
    for (int i = 0; i < COUNT && holds; i++) {
        struct rill_msg *msg = NULL;
        holds = law_ok(rill_next_msg(sub, -1, &msg), "next") && number_is(msg, i);
        rill_msg_unref(msg);
    }
    return holds;
}

static bool a_push_consumer_delivers_in_order(void)
{
    return over_world(push);
}

static bool ordered_numbers(struct rill_ordered *ordered, int from, int count)
{
    for (int i = from; i < from + count; i++) {
        struct rill_msg *msg = NULL;
        if (!law_ok(rill_ordered_next(ordered, 3 * LAW_TIMEOUT_MS, &msg), "next"))
            return law_fail("after %d", i);
        const bool holds = number_is(msg, i);
        rill_msg_unref(msg);
        if (!holds)
            return false;
    }
    return true;
}

static bool ordered(struct world *world)
{
    struct rill_ordered *ordered = NULL;
    if (!store_numbers(world, 1000))
        return false;
    const enum rill_err err =
        rill_ordered_open(world->in.js, world->stream, NULL, &ordered, &world->in.error);
    if (err && is_not_yet(world))
        return law_skip("this server has no ephemeral consumers yet");
    const bool holds = ok(world, err, "open") &&
                       (rill_ordered_pending(ordered) == 1000 ||
                        law_fail("%d pending", (int)rill_ordered_pending(ordered))) &&
                       ordered_numbers(ordered, 0, 500) && law_restart_server() &&
                       ordered_numbers(ordered, 500, 500);
    rill_ordered_close(ordered);
    return holds;
}

static bool an_ordered_reader_misses_nothing_over_a_restart(void)
{
    return over_world(ordered);
}

static bool pull_over_restart(struct world *world)
{
    struct rill_pull *pull = NULL;
    if (!make_consumer(world, "C", RILL__ACK_POLICY__ACK_POLICY_EXPLICIT))
        return false;
    if (!has_heartbeats(world))
        return law_skip(no_heartbeats);
    bool holds =
        store_numbers(world, 10) &&
        ok(world, rill_pull_open(world->in.js, world->stream, "C", NULL, &pull, &world->in.error), "pull") &&
        pull_numbers(world, pull, 0, 10) && law_ok(rill_flush(world->in.conn, -1), "flush") &&
        is_done(world, 10) && law_restart_server();
    // The publish waits for the new link; a server that is still reading its streams is asked again.
    struct rill_stored stored;
    enum rill_err err = RILL_ERR_NO_RESPONDERS;
    const struct rill_publish publish = {.subject = subject_of(world, "n"), .data = "10", .data_bytes = 2};
    const struct rill_expect once = {.msg_id = "ten"};
    int64_t deadline_ns = 0;
    while (err && holds && law_goes_on(&deadline_ns))
        err = rill_js_publish(world->in.js, &publish, &once, &stored, &world->in.error);
    holds = holds && ok(world, err, "publish") && pull_numbers(world, pull, 10, 1);
    rill_pull_close(pull);
    return holds;
}

static bool a_continuous_pull_goes_on_after_a_restart(void)
{
    return over_world(pull_over_restart);
}

static const struct law_case cases[] = {
    {"streams_are_managed", streams_are_managed},
    {"messages_are_got_and_deleted", messages_are_got_and_deleted},
    {"expectations_are_kept", expectations_are_kept},
    {"a_subject_without_a_stream_is_told", a_subject_without_a_stream_is_told},
    {"each_asynchronous_publish_ends_once", each_asynchronous_publish_ends_once},
    {"publishes_with_an_id_are_stored_once_over_a_kill", publishes_with_an_id_are_stored_once_over_a_kill},
    {"what_is_fetched_and_acknowledged_is_done", what_is_fetched_and_acknowledged_is_done},
    {"what_is_refused_comes_again", what_is_refused_comes_again},
    {"a_continuous_pull_takes_everything_in_order", a_continuous_pull_takes_everything_in_order},
    {"a_pull_gives_to_its_callback", a_pull_gives_to_its_callback},
    {"a_push_consumer_delivers_in_order", a_push_consumer_delivers_in_order},
    {"an_ordered_reader_misses_nothing_over_a_restart", an_ordered_reader_misses_nothing_over_a_restart},
    {"a_continuous_pull_goes_on_after_a_restart", a_continuous_pull_goes_on_after_a_restart},
};

int main(void)
{
    return law_run(cases, sizeof cases / sizeof cases[0]);
}
