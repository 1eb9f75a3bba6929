// SPDX-License-Identifier: Apache-2.0
#include "expectation.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

TestSuite(expectation);

#define FIRST  "MSG a 1 1\r\n0\r\n"
#define SECOND "MSG a 1 1\r\n1\r\n"

static struct expectation expectation_of_two(void)
{
    return (struct expectation){.block = RILL_BYTES(FIRST SECOND), .message_bytes = sizeof FIRST - 1};
}

static const struct {
    struct rill_bytes stream;
    bool matches;
    unsigned messages;
    unsigned pings;
    const char *why;
} streams[] = {
    {RILL_BYTES(FIRST SECOND), true, 2, 0, "one block"},
    {RILL_BYTES(FIRST SECOND FIRST SECOND FIRST), true, 5, 0, "the block again and again"},
    {RILL_BYTES("PING\r\n" FIRST "PING\r\nPING\r\n" SECOND "PING\r\n"), true, 2, 4, "PINGs between messages"},
    {RILL_BYTES(FIRST FIRST), false, 0, 0, "a message twice"},
    {RILL_BYTES(FIRST SECOND SECOND), false, 0, 0, "a message left out"},
    {RILL_BYTES(FIRST "MSG a 1 1\r\n2\r\n"), false, 0, 0, "a payload changed"},
    {RILL_BYTES(FIRST "MSG a 2 1\r\n1\r\n"), false, 0, 0, "another subscription"},
    {RILL_BYTES(FIRST "MSG PING\r\na 1 1\r\n"), false, 0, 0, "a PING within a message"},
    {RILL_BYTES(FIRST "PONG\r\n"), false, 0, 0, "a PONG that nobody asked for"},
    {RILL_BYTES("-ERR 'Slow Consumer'\r\n"), false, 0, 0, "an error"},
};

// However a stream is cut into reads, it is accepted only if it is the block over and over with PINGs between
// messages.
Test(expectation, only_the_block_and_pings_between_messages_match_at_every_split)
{
    for (size_t i = 0; i < sizeof streams / sizeof streams[0]; i++)
        for (size_t cut = 0; cut <= streams[i].stream.len; cut++) {
            struct expectation expectation = expectation_of_two();
            const bool matches =
                expectation_match(&expectation, rill_bytes_of(streams[i].stream.data, cut)) &&
                expectation_match(&expectation, rill_bytes_from(streams[i].stream, cut));
            cr_expect(eq(int, matches, streams[i].matches), "%s, cut at %zu", streams[i].why, cut);
            if (!matches)
                continue;
            const uint64_t messages = expectation.matched_bytes / expectation.message_bytes;
            cr_expect(eq(u64, messages, streams[i].messages), "%s, cut at %zu", streams[i].why, cut);
            cr_expect(eq(uint, expectation.pings, streams[i].pings), "%s, cut at %zu", streams[i].why, cut);
        }
}
