// SPDX-License-Identifier: Apache-2.0
//
// A broker that goes away in an orderly manner: clients are told, then closed one by one, whatever some of them do.
#include "sim_core.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

TestSuite(lame_duck);

enum { CLIENTS = 10 };

#define GRACE_NS    (10 * RILL_NS_PER_S)
#define DURATION_NS (100 * RILL_NS_PER_S)

static const struct rill_limits limits = {
    .payload_bytes_max = 1 << 20,
    .control_line_bytes_max = 1024,
    .pending_bytes_max = 64 << 20,
    .connections_max = CLIENTS,
    .ping_interval_ns = 1000 * RILL_NS_PER_S,
    .ping_max = 2,
    .write_deadline_ns = 60 * RILL_NS_PER_S,
};

static void count_infos(void *context, struct sim_client *client, const struct rill_command *command)
{
    *(int *)context += command->op == RILL_OP_INFO;
}

struct scene {
    struct sim_core sim;
    struct sim_client *clients[CLIENTS];
    int infos[CLIENTS];
};

static void scene_start(struct scene *scene)
{
    *scene = (struct scene){0};
    sim_core_start(&scene->sim, &(struct sim_options){.seed = 7, .limits = &limits});
    for (int i = 0; i < CLIENTS; i++) {
        scene->clients[i] = sim_client_open(&scene->sim, count_infos, &scene->infos[i]);
        sim_client_sendf(scene->clients[i], "CONNECT {\"verbose\":false,\"protocol\":1}\r\n");
    }
    sim_core_settle(&scene->sim);
}

static void enter_lame_duck(struct scene *scene, int64_t duration_ns)
{
    rill_core_begin_turn(scene->sim.core, scene->sim.now);
    rill_core_lame_duck(scene->sim.core, GRACE_NS, duration_ns);
    rill_core_end_turn(scene->sim.core);
}

static int open_count(const struct scene *scene)
{
    int count = 0;
    for (int i = 0; i < CLIENTS; i++)
        count += !sim_client_is_closed(scene->clients[i]);
    return count;
}

// Each client is told at once, none is closed during the grace, and afterwards they go evenly until the end.
Test(lame_duck, clients_are_told_and_then_go_one_by_one)
{
    struct scene scene;
    scene_start(&scene);
    enter_lame_duck(&scene, DURATION_NS);
    sim_core_advance(&scene.sim, GRACE_NS - 1);
    for (int i = 0; i < CLIENTS; i++)
        cr_expect(eq(int, scene.infos[i], 2));
    cr_expect(eq(int, open_count(&scene), CLIENTS));
    sim_core_advance(&scene.sim, DURATION_NS / 2 - 1);
    cr_expect(eq(int, open_count(&scene), CLIENTS / 2));
    sim_core_advance(&scene.sim, DURATION_NS / 2);
    cr_expect(eq(int, open_count(&scene), 0));
    sim_core_stop(&scene.sim);
}

// One that does not read its last words goes later, and only that one.
Test(lame_duck, one_that_does_not_read_holds_nobody_up)
{
    struct scene scene;
    scene_start(&scene);
    // The harness ends a closing link that reads nothing; one that still takes a byte at times lingers.
    struct sim_client *slow = scene.clients[0];
    for (int i = 0; i < 1000; i++)
        sim_client_sendf(slow, "PING\r\n");
    slow->reads_slowly = true;
    sim_core_settle(&scene.sim);
    enter_lame_duck(&scene, DURATION_NS);
    sim_core_advance(&scene.sim, GRACE_NS + DURATION_NS / 2 - 1);
    cr_expect(not(sim_client_is_closed(slow)));
    cr_expect(eq(int, open_count(&scene), 1 + CLIENTS / 2));
    sim_core_advance(&scene.sim, DURATION_NS);
    cr_expect(eq(int, open_count(&scene), 0));
    sim_core_stop(&scene.sim);
}

// Without a duration they all go when the grace is over.
Test(lame_duck, no_duration_closes_all_at_once)
{
    struct scene scene;
    scene_start(&scene);
    enter_lame_duck(&scene, 0);
    sim_core_advance(&scene.sim, GRACE_NS);
    cr_expect(eq(int, open_count(&scene), 0));
    sim_core_stop(&scene.sim);
}
