// SPDX-License-Identifier: Apache-2.0
#include "proto/message_ttl.h"

#include "base/clock.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

TestSuite(message_ttl);

static const struct {
    const char *text;
    bool parses;
    int64_t ns;
    const char *why;
} ttls[] = {
    {"5", true, 5 * RILL_NS_PER_S, "seconds"},
    {"1m", true, 60 * RILL_NS_PER_S, "a duration"},
    {"2.9s", true, 2 * RILL_NS_PER_S, "whole seconds"},
    {"never", true, RILL_MESSAGE_TTL_NEVER_NS, "for ever"},
    {"0", true, 0, "none of its own"},
    {"", true, 0, "the same"},
    {"9223372036", true, INT64_C(9223372036000000000), "the longest"},
    {"9223372037", false, 0, "longer than time goes"},
    {"900ms", false, 0, "less than a second"},
    {"0s", false, 0, "a duration of nothing"},
    {"-1", false, 0, "negative"},
    {"-5s", false, 0, "a negative duration"},
    {"Never", true, RILL_MESSAGE_TTL_NEVER_NS, "whatever the case"},
    {"nevermore", false, 0, "longer than for ever"},
    {"soon", false, 0, "neither a number nor a duration"},
};

// A time to live is seconds, a duration or never; a wrong one changes nothing.
Test(message_ttl, is_seconds_a_duration_or_never)
{
    for (size_t i = 0; i < sizeof ttls / sizeof ttls[0]; i++) {
        int64_t ns = 77;
        const bool parses = rill_message_ttl_parse(rill_bytes_from_cstr(ttls[i].text), &ns);
        cr_expect(eq(int, parses, ttls[i].parses), "%s", ttls[i].why);
        cr_expect(eq(i64, ns, parses ? ttls[i].ns : 77), "%s", ttls[i].why);
    }
}

// That of a message is in its headers, and 0 when they say nothing, or nothing right.
Test(message_ttl, is_found_in_the_headers)
{
    cr_expect(eq(i64, rill_message_ttl_of(RILL_BYTES("NATS/1.0\r\nA: b\r\nNats-TTL: 3\r\n\r\n")),
                 3 * RILL_NS_PER_S));
    cr_expect(eq(i64, rill_message_ttl_of(RILL_BYTES("NATS/1.0\r\nNats-TTL: x\r\n\r\n")), 0));
    cr_expect(eq(i64, rill_message_ttl_of(RILL_BYTES("NATS/1.0\r\n\r\n")), 0));
    cr_expect(eq(i64, rill_message_ttl_of(RILL_BYTES("")), 0));
}
