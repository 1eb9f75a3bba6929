// SPDX-License-Identifier: Apache-2.0
//
// Pings of the server's own, stale connections, and the patience with clients that never say who they are.
#include "sim_core.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

TestSuite(keepalive);

struct heard {
    int pings;
    int infos;
    char error[128];
};

static void on_command(void *context, struct sim_client *client, const struct rill_command *command)
{
    struct heard *heard = context;
    heard->pings += command->op == RILL_OP_PING;
    heard->infos += command->op == RILL_OP_INFO;
    if (command->op == RILL_OP_ERR)
        (void)snprintf(heard->error, sizeof heard->error, RILL_PRI, RILL_ARG(command->args));
}

// A client that answers is pinged early once, then at each interval, and stays.
Test(keepalive, a_client_that_answers_stays)
{
    struct sim_core sim;
    struct heard heard = {0};
    sim_core_start(&sim, &(struct sim_options){.seed = 1});
    struct sim_client *client = sim_client_open(&sim, on_command, &heard);
    sim_core_advance(&sim, 3 * RILL_NS_PER_S);
    cr_expect(eq(int, heard.pings, 1));
    sim_core_advance(&sim, 600 * RILL_NS_PER_S);
    cr_expect(eq(int, heard.pings, 6));
    cr_expect(not(sim_client_is_closed(client)));
    sim_core_stop(&sim);
}

// A client that lets ping_max pings go by is told that it is stale, and closed.
Test(keepalive, a_silent_client_is_stale_after_the_allowed_pings)
{
    const struct rill_limits limits = {.payload_bytes_max = 1024,
                                       .control_line_bytes_max = 1024,
                                       .pending_bytes_max = 1 << 20,
                                       .connections_max = 2,
                                       .ping_interval_ns = RILL_NS_PER_S,
                                       .ping_max = 2,
                                       .write_deadline_ns = 100 * RILL_NS_PER_S};
    struct sim_core sim;
    struct heard heard = {0};
    sim_core_start(&sim, &(struct sim_options){.seed = 1, .limits = &limits});
    struct sim_client *client = sim_client_open(&sim, on_command, &heard);
    sim_core_settle(&sim);
    client->reads_nothing = true;
    sim_core_advance(&sim, 2 * RILL_NS_PER_S + RILL_NS_PER_S / 2);
    cr_expect(not(sim_client_is_closed(client)));
    sim_core_advance(&sim, RILL_NS_PER_S);
    cr_expect(sim_client_is_closed(client));
    sim_core_stop(&sim);
}

// Who sends is alive: a busy client whose PONGs lie behind all that it sends is not stale.
Test(keepalive, a_client_that_sends_is_not_stale)
{
    const struct rill_limits limits = {.payload_bytes_max = 1024,
                                       .control_line_bytes_max = 1024,
                                       .pending_bytes_max = 1 << 20,
                                       .connections_max = 2,
                                       .ping_interval_ns = 60 * RILL_NS_PER_S,
                                       .ping_max = 2,
                                       .write_deadline_ns = 10000 * RILL_NS_PER_S};
    struct sim_core sim;
    struct heard heard = {0};
    sim_core_start(&sim, &(struct sim_options){.seed = 1, .limits = &limits});
    struct sim_client *client = sim_client_open(&sim, on_command, &heard);
    sim_core_settle(&sim);
    client->reads_slowly = true; // it has yet to come to the PING
    for (int minute = 0; minute < 20; minute++) {
        sim_client_sendf(client, "PUB a 1\r\nx\r\n");
        sim_core_advance(&sim, 60 * RILL_NS_PER_S);
    }
    cr_assert(not(sim_client_is_closed(client)));
    cr_expect(not(rill_conn_is_closing(client->conn)));
    sim_core_stop(&sim);
}

// The first PONG brings an INFO that tells the client which account it is in; later ones do not.
Test(keepalive, the_first_pong_brings_connect_info)
{
    struct sim_core sim;
    struct heard heard = {0};
    sim_core_start(&sim, &(struct sim_options){.seed = 1});
    struct sim_client *client = sim_client_open(&sim, on_command, &heard);
    sim_client_sendf(client, "CONNECT {\"verbose\":false,\"protocol\":1}\r\nPING\r\nPING\r\n");
    sim_core_settle(&sim);
    cr_expect(eq(int, heard.infos, 2));
    sim_core_stop(&sim);
}
