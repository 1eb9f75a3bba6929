// SPDX-License-Identifier: Apache-2.0
#include "servers.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

TestSuite(client_servers);

static struct servers three(void)
{
    struct servers servers;
    struct rill_error_text why;
    cr_assert(eq(int, (int)servers_init(&servers, RILL_BYTES("a,b,c"), &why), RILL_OK));
    return servers;
}

// A list names each server once, in its order.
Test(client_servers, a_list_is_taken_in_order_without_repeats)
{
    struct servers servers;
    struct rill_error_text why;
    cr_assert(eq(int, (int)servers_init(&servers, RILL_BYTES("a, nats://b:1,a:4222"), &why), RILL_OK));
    cr_expect(eq(sz, servers.count, 2));
    cr_expect(eq(str, servers.list[0].url.dial, "tcp://a:4222"));
    cr_expect(eq(str, servers.list[1].url.dial, "tcp://b:1"));
    servers_fini(&servers);
}

// One bad URL refuses the whole list.
Test(client_servers, a_bad_url_refuses_the_list)
{
    struct servers servers;
    struct rill_error_text why = {""};
    cr_expect(eq(int, (int)servers_init(&servers, RILL_BYTES("a,,b"), &why), RILL_ERR_INVALID));
    cr_expect(eq(ptr, servers.list, NULL));
    cr_expect(ne(str, why.text, ""));
}

// A round tries each server once; then the next begins with the following one.
Test(client_servers, a_round_tries_each_once)
{
    struct servers servers = three();
    cr_expect(eq(sz, servers.current, 0));
    cr_expect(servers_advance(&servers));
    cr_expect(servers_advance(&servers));
    cr_expect(eq(sz, servers.current, 2));
    cr_expect(not(servers_advance(&servers)));
    cr_expect(eq(sz, servers.current, 0));
    cr_expect(servers_advance(&servers));
    servers_fini(&servers);
}

// Shuffling loses no server and repeats none.
Test(client_servers, shuffling_keeps_all)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct servers servers = three();
        struct rill_random random = {seed};
        servers_shuffle(&servers, &random);
        char seen[4] = "...";
        for (size_t i = 0; i < 3; i++)
            seen[servers.list[i].url.dial[6] - 'a'] = servers.list[i].url.dial[6];
        cr_expect(eq(str, seen, "abc"), "seed %llu", (unsigned long long)seed);
        servers_fini(&servers);
    }
}

// A server that others tell of is added once and gets the secrets of the one in use.
Test(client_servers, a_discovered_server_is_added_once)
{
    struct servers servers;
    struct rill_error_text why;
    cr_assert(eq(int, (int)servers_init(&servers, RILL_BYTES("nats://me:pw@a"), &why), RILL_OK));
    cr_expect(servers_discover(&servers, RILL_BYTES("10.0.0.2:4222")));
    cr_expect(not(servers_discover(&servers, RILL_BYTES("10.0.0.2:4222"))));
    cr_expect(not(servers_discover(&servers, RILL_BYTES("no port at all:x"))));
    cr_expect(eq(sz, servers.count, 2));
    cr_expect(eq(str, servers.list[1].url.password, "pw"));
    cr_expect(servers.list[1].discovered);
    servers_fini(&servers);
}

// A server may not fill our memory with names of others.
Test(client_servers, discovered_servers_are_limited)
{
    struct servers servers = three();
    for (int i = 0; i < 2 * SERVERS_MAX; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "h%d:1", i);
        (void)servers_discover(&servers, rill_bytes_from_cstr(name));
    }
    cr_expect(eq(sz, servers.count, SERVERS_MAX));
    servers_fini(&servers);
}
