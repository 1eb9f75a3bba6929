// SPDX-License-Identifier: Apache-2.0
//
// Receivers that do not read: publishers wait for them a bounded time, then they go alone, and nobody else loses
// anything or waits for long.
#include "sim_core.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

TestSuite(back_pressure);

enum { PENDING_MAX = 64 * 1024, PAYLOAD = 1000, MESSAGES = 300 };

static const struct rill_limits limits = {
    .payload_bytes_max = 32 * 1024,
    .control_line_bytes_max = 1024,
    .pending_bytes_max = PENDING_MAX,
    .connections_max = 10,
    .ping_interval_ns = 1000 * RILL_NS_PER_S,
    .ping_max = 2,
    .write_deadline_ns = 10 * RILL_NS_PER_S,
};

static void count(void *context, struct sim_client *client, const struct rill_command *command)
{
    *(int *)context += command->op == RILL_OP_MSG;
}

struct scene {
    struct sim_core sim;
    struct sim_client *publisher;
    struct sim_client *slow;
    struct sim_client *fast;
    int publisher_count;
    int slow_count;
    int fast_count;
};

static void scene_start(struct scene *scene)
{
    *scene = (struct scene){0};
    sim_core_start(&scene->sim, &(struct sim_options){.seed = 9, .limits = &limits});
    scene->slow = sim_client_open(&scene->sim, count, &scene->slow_count);
    scene->fast = sim_client_open(&scene->sim, count, &scene->fast_count);
    scene->publisher = sim_client_open(&scene->sim, count, &scene->publisher_count);
    sim_client_sendf(scene->slow, "CONNECT {\"verbose\":false}\r\nSUB a 1\r\n");
    sim_client_sendf(scene->fast, "CONNECT {\"verbose\":false}\r\nSUB a 1\r\n");
    sim_client_sendf(scene->publisher, "CONNECT {\"verbose\":false}\r\n");
    sim_core_settle(&scene->sim);
}

static void publish(struct scene *scene, int messages)
{
    static uint8_t payload[PAYLOAD];
    for (int i = 0; i < messages; i++)
        sim_client_publish(scene->publisher, "a", NULL, NULL, rill_bytes_of(payload, sizeof payload));
}

// The one that does not read is closed, and only that one; the others get every message.
Test(back_pressure, a_slow_consumer_goes_alone)
{
    struct scene scene;
    scene_start(&scene);
    scene.slow->reads_nothing = true;
    publish(&scene, MESSAGES);
    sim_core_advance(&scene.sim, RILL_NS_PER_S);
    cr_expect(sim_client_is_closed(scene.slow));
    cr_expect(not(sim_client_is_closed(scene.fast)));
    cr_expect(not(sim_client_is_closed(scene.publisher)));
    cr_expect(eq(int, scene.fast_count, MESSAGES));
    sim_core_stop(&scene.sim);
}

// While a receiver is above three quarters of its limit its publisher waits, and goes on when it has caught up.
Test(back_pressure, a_publisher_waits_for_a_receiver_that_catches_up)
{
    struct scene scene;
    scene_start(&scene);
    scene.slow->reads_nothing = true;
    publish(&scene, MESSAGES);
    sim_core_settle(&scene.sim);
    cr_expect(scene.fast_count < MESSAGES);
    cr_expect(not(rill_conn_wants_input(scene.publisher->conn)));
    scene.slow->reads_nothing = false;
    sim_core_settle(&scene.sim);
    cr_expect(eq(int, scene.slow_count, MESSAGES));
    cr_expect(eq(int, scene.fast_count, MESSAGES));
    cr_expect(not(sim_client_is_closed(scene.slow)));
    sim_core_stop(&scene.sim);
}

// Output that makes no progress until the write deadline closes the connection even below its limit.
Test(back_pressure, output_without_progress_closes_at_the_write_deadline)
{
    struct scene scene;
    scene_start(&scene);
    scene.slow->reads_nothing = true;
    publish(&scene, 5);
    sim_core_settle(&scene.sim);
    rill_core_conn_written(scene.sim.core, scene.slow->conn, 0); // the link could take nothing
    sim_core_advance(&scene.sim, 9 * RILL_NS_PER_S);
    cr_expect(not(sim_client_is_closed(scene.slow)));
    sim_core_advance(&scene.sim, 2 * RILL_NS_PER_S);
    cr_expect(sim_client_is_closed(scene.slow));
    sim_core_stop(&scene.sim);
}

// A publisher whose receiver leaves does not wait for it any longer.
Test(back_pressure, a_publisher_does_not_wait_for_who_is_gone)
{
    struct scene scene;
    scene_start(&scene);
    scene.slow->reads_nothing = true;
    publish(&scene, MESSAGES);
    sim_core_settle(&scene.sim);
    sim_client_close(scene.slow);
    sim_core_settle(&scene.sim);
    cr_expect(eq(int, scene.fast_count, MESSAGES));
    sim_core_stop(&scene.sim);
}

struct listener {
    int count;
    int damaged;
};

static void check(void *context, struct sim_client *client, const struct rill_command *command)
{
    struct listener *listener = context;
    if (command->op != RILL_OP_MSG)
        return;
    listener->count++;
    for (size_t i = 0; i < command->payload.len; i++)
        listener->damaged += command->payload.data[i] != 'x';
}

// A publisher that hears itself and does not read goes in the middle of a message of its own, which the others still
// get whole: also when the message came in two reads and so lies in what the connection keeps.
Test(back_pressure, the_message_that_closes_its_own_publisher_arrives_whole)
{
    struct sim_core sim;
    struct listener listener = {0};
    int own_count = 0;
    uint8_t payload[PAYLOAD];
    memset(payload, 'x', sizeof payload);
    sim_core_start(&sim, &(struct sim_options){.seed = 9, .limits = &limits, .calm = true});
    struct sim_client *loop = sim_client_open(&sim, count, &own_count);
    sim_client_sendf(loop, "CONNECT {\"verbose\":false}\r\nSUB a 1\r\n");
    sim_core_settle(&sim);
    struct sim_client *other = sim_client_open(&sim, check, &listener);
    sim_client_sendf(other, "CONNECT {\"verbose\":false}\r\nSUB a 1\r\n");
    sim_core_settle(&sim);
    loop->reads_nothing = true;
    int published = 0;
    for (; !sim_client_is_closed(loop); published++) {
        cr_assert(published <= MESSAGES);
        sim_client_sendf(loop, "PUB a %d\r\n", PAYLOAD);
        sim_core_settle(&sim);
        sim_client_send(loop, rill_bytes_of(payload, sizeof payload));
        sim_client_sendf(loop, "\r\n");
        sim_core_settle(&sim);
    }
    cr_expect(eq(int, listener.count, published));
    cr_expect(eq(int, listener.damaged, 0));
    sim_core_stop(&sim);
}

// Answers count as well: who asks and does not read is a slow consumer like any other.
Test(back_pressure, who_never_reads_its_answers_is_closed_at_the_limit)
{
    struct sim_core sim;
    int unused = 0;
    sim_core_start(&sim, &(struct sim_options){.seed = 9, .limits = &limits});
    struct sim_client *client = sim_client_open(&sim, count, &unused);
    sim_core_settle(&sim);
    client->reads_nothing = true;
    for (size_t asked = 0; asked < 4 * PENDING_MAX; asked += strlen("PONG\r\n")) {
        sim_client_sendf(client, "PING\r\n");
        struct iovec all[16];
        size_t waiting = 0;
        const size_t pieces = client->conn ? rill_conn_output(client->conn, all, 16) : 0;
        for (size_t i = 0; i < pieces; i++)
            waiting += all[i].iov_len;
        cr_assert(waiting <= PENDING_MAX + 16);
        (void)sim_core_turn(&sim);
    }
    sim_core_settle(&sim);
    cr_expect(sim_client_is_closed(client));
    sim_core_stop(&sim);
}

// A receiver that reads just enough to be waited for again and again cannot hold the publishers, and so all the others,
// to its own pace: patience comes back with what it reads.
Test(back_pressure, patience_is_earned_by_reading)
{
    struct scene scene;
    scene_start(&scene);
    scene.slow->reads_nothing = true;
    publish(&scene, MESSAGES);
    sim_core_settle(&scene.sim);
    for (int i = 0; i < 10 && !sim_client_is_closed(scene.slow); i++) {
        // Just below the mark: one more message and it is behind again.
        struct iovec parts[64];
        size_t waiting = 0;
        const size_t count = rill_conn_output(scene.slow->conn, parts, 64);
        for (size_t part = 0; part < count; part++)
            waiting += parts[part].iov_len;
        if (waiting > PENDING_MAX / 4 * 3)
            rill_core_conn_written(scene.sim.core, scene.slow->conn, waiting - PENDING_MAX / 4 * 3);
        sim_core_advance(&scene.sim, 50 * RILL_NS_PER_MS);
    }
    cr_expect(eq(int, scene.fast_count, MESSAGES));
    sim_core_crash(&scene.sim); // the slow one's bytes were thrown away here, so it cannot read on
}
