// SPDX-License-Identifier: Apache-2.0
//
// What an operator does to a consumer, through librill, against a real server. A law uses a stream of its own.
#include "law.h"

#include <stdio.h>
#include <string.h>

enum { STORED = 5 };

struct world {
    struct law_js in;
    char stream[32];
};

static bool ok(struct world *world, enum rill_err err, const char *what)
{
    return law_js_ok(&world->in, err, what);
}

static bool make_stream(struct world *world)
{
    char subject[40];
    Rill__StreamConfig config = RILL__STREAM_CONFIG__INIT;
    (void)snprintf(subject, sizeof subject, "%s.>", world->stream);
    config.name = world->stream;
    config.subjects = (char *[]){subject};
    config.n_subjects = 1;
    config.storage = RILL__STORAGE__STORAGE_MEMORY;
    return ok(world, rill_stream_create(world->in.js, &config, NULL, &world->in.error), "create the stream");
}

static bool store(struct world *world)
{
    char subject[40];
    (void)snprintf(subject, sizeof subject, "%s.x", world->stream);
    const struct rill_publish publish = {.subject = subject, .data = "x", .data_bytes = 1};
    for (int i = 0; i < STORED; i++)
        if (!ok(world, rill_js_publish(world->in.js, &publish, NULL, NULL, &world->in.error), "publish"))
            return false;
    return true;
}

static bool make_consumer(struct world *world, const char *group)
{
    Rill__ConsumerConfig config = RILL__CONSUMER_CONFIG__INIT;
    config.durable_name = "C";
    config.ack_policy = RILL__ACK_POLICY__ACK_POLICY_EXPLICIT;
    config.priority_groups = (char *[]){(char *)group};
    config.n_priority_groups = group != NULL;
    config.has_priority_policy = group != NULL;
    config.priority_policy = group ? RILL__PRIORITY_POLICY__PRIORITY_POLICY_PINNED_CLIENT
                                   : RILL__PRIORITY_POLICY__PRIORITY_POLICY_NONE;
    return ok(world,
              rill_consumer_create(world->in.js, world->stream, &config,
                                   RILL__CONSUMER_ACTION__CONSUMER_ACTION_CREATE_OR_UPDATE, NULL,
                                   &world->in.error),
              "create the consumer");
}

/* A law's own view of the streams: what a server does not know it does not answer, which shall not take long. */
static bool open_impatient(struct law_js *in)
{
    const struct rill_js_options options = {.struct_bytes = sizeof options, .timeout_ms = 2000};
    *in = (struct law_js){.conn = law_connect()};
    return in->conn && law_ok(rill_js_open(in->conn, &options, &in->js), "open");
}

static bool over_stream(bool (*body)(struct world *))
{
    static int number;
    struct world world;
    (void)snprintf(world.stream, sizeof world.stream, "C%d", ++number);
    const bool holds = open_impatient(&world.in) &&
                       law_js_or_not_yet(&world.in, make_stream(&world) && store(&world) && body(&world));
    law_js_close(&world.in);
    return holds;
}

/* nats-server learnt these requests in 2.11 and later. */
static bool knows(enum rill_err err)
{
    return err != RILL_ERR_NO_RESPONDERS && err != RILL_ERR_TIMEOUT;
}

static bool fetched_is(struct world *world, size_t wanted, uint64_t first_seq)
{
    const struct rill_fetch soon = {.msgs_max = wanted ? wanted : 1,
                                    .expires_ms = wanted ? LAW_TIMEOUT_MS : 50};
    struct rill_msg *msgs[STORED];
    struct rill_msg_meta meta = {.stream_seq = 0};
    size_t count = 0;
    if (!ok(world, rill_fetch(world->in.js, world->stream, "C", &soon, msgs, &count, &world->in.error),
            "fetch"))
        return false;
    bool holds = count == wanted || law_fail("%d messages, not %d", (int)count, (int)wanted);
    if (count)
        holds = holds && law_ok(rill_msg_meta(msgs[0], &meta), "meta") &&
                (meta.stream_seq == first_seq || law_fail("the first is %d", (int)meta.stream_seq));
    for (size_t i = 0; i < count; i++)
        rill_msg_unref(msgs[i]);
    return holds;
}

static bool pause(struct world *world)
{
    const int64_t far_ns = INT64_C(4102444800) * 1000000000; // the year 2100
    if (!make_consumer(world, NULL))
        return false;
    const enum rill_err err = rill_consumer_pause(world->in.js, world->stream, "C", far_ns, &world->in.error);
    if (!knows(err))
        return law_skip("this server does not pause consumers");
    return ok(world, err, "pause") && fetched_is(world, 0, 0) &&
           ok(world, rill_consumer_pause(world->in.js, world->stream, "C", 0, &world->in.error), "resume") &&
           fetched_is(world, STORED, 1) &&
           law_err_is(rill_consumer_pause(world->in.js, world->stream, "none", 0, &world->in.error),
                      RILL_ERR_NOT_FOUND, "pause what is not there");
}

static bool a_paused_consumer_delivers_nothing_until_it_is_resumed(void)
{
    return over_stream(pause);
}

static bool reset(struct world *world)
{
    Rill__ConsumerInfo *info = NULL;
    if (!make_consumer(world, NULL) || !fetched_is(world, STORED, 1))
        return false;
    const enum rill_err err =
        rill_consumer_reset(world->in.js, world->stream, "C", 3, &info, &world->in.error);
    if (!knows(err))
        return law_skip("this server does not reset consumers");
    if (!ok(world, err, "reset"))
        return false;
    const bool right = strcmp(info->name, "C") == 0;
    rill_model_free(&info->base);
    return (right || law_fail("the information of another consumer")) && fetched_is(world, STORED - 2, 3) &&
           ok(world, rill_consumer_reset(world->in.js, world->stream, "C", 0, NULL, &world->in.error),
              "reset");
}

static bool a_reset_consumer_goes_on_from_there(void)
{
    return over_stream(reset);
}

static bool unpin(struct world *world)
{
    if (!make_consumer(world, "g"))
        return law_skip("this server has no priority groups");
    const enum rill_err err = rill_consumer_unpin(world->in.js, world->stream, "C", "g", &world->in.error);
    if (!knows(err))
        return law_skip("this server does not unpin");
    return ok(world, err, "unpin") &&
           law_err_is(rill_consumer_unpin(world->in.js, world->stream, "C", "other", &world->in.error),
                      RILL_ERR_REFUSED, "unpin of a group that there is not");
}

static bool a_group_is_unpinned(void)
{
    return over_stream(unpin);
}

static const struct law_case cases[] = {
    {"a_paused_consumer_delivers_nothing_until_it_is_resumed",
     a_paused_consumer_delivers_nothing_until_it_is_resumed},
    {"a_reset_consumer_goes_on_from_there", a_reset_consumer_goes_on_from_there},
    {"a_group_is_unpinned", a_group_is_unpinned},
};

int main(void)
{
    return law_run(cases, sizeof cases / sizeof cases[0]);
}
