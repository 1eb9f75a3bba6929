// SPDX-License-Identifier: Apache-2.0
#include "ports_file.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

TestSuite(ports_file);

static const struct {
    struct rill_bytes text;
    uint16_t port; // 0: none is to be found
    const char *why;
} cases[] = {
    {RILL_BYTES("{\"nats\":[\"nats://127.0.0.1:45809\"]}"), 45809, "the usual one"},
    {RILL_BYTES("{\"monitoring\":[\"http://h:1\"],\"nats\":[\"nats://[::1]:65535\",\"nats://h:2\"]}"), 65535,
     "the first of several, behind another kind, IPv6"},
    {RILL_BYTES(""), 0, "created and not yet written"},
    {RILL_BYTES("{\"nats\":[\"nats://127.0.0.1:458"), 0, "written by half"},
    {RILL_BYTES("{\"nats\":[]}"), 0, "no listener"},
    {RILL_BYTES("{\"nats\":\"nats://h:1\"}"), 0, "not an array"},
    {RILL_BYTES("{\"monitoring\":[\"http://h:1\"]}"), 0, "only other kinds"},
    {RILL_BYTES("{\"nats\":[\"nats://h:65536\"]}"), 0, "too large for a port"},
    {RILL_BYTES("{\"nats\":[\"nats://h:0\"]}"), 0, "nobody listens on port 0"},
    {RILL_BYTES("[1]"), 0, "JSON of another shape"},
};

// A port comes out of a complete file that names a client listener, and of nothing else.
Test(ports_file, gives_the_first_client_port_of_a_complete_file)
{
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint16_t port = 0;
        const bool found = ports_file_parse(cases[i].text, &port);
        cr_expect(eq(int, found, cases[i].port != 0), "%s", cases[i].why);
        cr_expect(eq(u16, port, cases[i].port), "%s", cases[i].why);
    }
}
