// SPDX-License-Identifier: Apache-2.0
//
// The simulation's own harness: what a test builds on must hold first.
#include "sim_core.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

static void count_messages(void *context, struct sim_client *client, const struct rill_command *command)
{
    if (command->op == RILL_OP_MSG)
        (*(int *)context)++;
}

// However the bytes are cut and whatever the order of the jobs, each message comes once.
Test(sim_core, random_splits_lose_nothing)
{
    for (uint64_t seed = 1; seed <= 50; seed++) {
        struct sim_core sim;
        int count = 0;
        sim_core_start(&sim, &(struct sim_options){.seed = seed});
        struct sim_client *client = sim_client_open(&sim, count_messages, &count);
        sim_client_sendf(client, "CONNECT {}\r\nSUB greet 1\r\n");
        for (int i = 0; i < 100; i++)
            sim_client_publish(client, "greet", NULL, NULL, RILL_BYTES("hello"));
        sim_core_settle(&sim);
        cr_expect(eq(int, count, 100), "seed %llu", (unsigned long long)seed);
        sim_core_stop(&sim);
    }
}

// A broker that hears nothing for long enough closes the connection, in virtual time.
Test(sim_core, time_passes_only_when_told)
{
    struct sim_core sim;
    int count = 0;
    sim_core_start(&sim, &(struct sim_options){.seed = 1});
    struct sim_client *client = sim_client_open(&sim, count_messages, &count);
    client->reads_nothing = true; // so it answers no PING
    sim_core_settle(&sim);
    cr_expect(not(sim_client_is_closed(client)));
    sim_core_advance(&sim, 600 * RILL_NS_PER_S);
    cr_expect(sim_client_is_closed(client));
    sim_core_stop(&sim);
}
