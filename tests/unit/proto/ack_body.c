// SPDX-License-Identifier: Apache-2.0
#include "proto/ack_body.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

TestSuite(ack_body);

static const struct {
    const char *body;
    enum rill_ack_kind kind;
    int64_t delay_ns;
    const char *rest;
    const char *why;
} bodies[] = {
    {"", RILL_ACK_DONE, 0, "", "empty"},
    {"+ACK", RILL_ACK_DONE, 0, "", "the usual one"},
    {"+OK", RILL_ACK_DONE, 0, "", "an old one"},
    {"+ACKx", RILL_ACK_UNKNOWN, 0, "", "an ack takes nothing behind it"},
    {"-NAK", RILL_ACK_AGAIN, 0, "", "at once"},
    {"-NAK 5s", RILL_ACK_AGAIN, INT64_C(5000000000), "5s", "a duration"},
    {"-NAK {\"delay\": 250}", RILL_ACK_AGAIN, 250, "{\"delay\": 250}", "nanoseconds as JSON"},
    {"-NAK {\"delay\": \"5s\"}", RILL_ACK_AGAIN, 0, "{\"delay\": \"5s\"}",
     "a delay of the wrong type is none"},
    {"-NAK soon", RILL_ACK_AGAIN, 0, "soon", "a delay that cannot be read is none"},
    {"-NAK -5s", RILL_ACK_AGAIN, 0, "-5s", "nor is a negative one"},
    {"+WPI", RILL_ACK_PROGRESS, 0, "", "in progress"},
    {"+TERM", RILL_ACK_TERMINATE, 0, "", "never again"},
    {"+TERM out of stock ", RILL_ACK_TERMINATE, 0, "out of stock", "with a reason"},
    {"+NXT", RILL_ACK_NEXT, 0, "", "and one more"},
    {"+NXT 5", RILL_ACK_NEXT, 0, "5", "and five more"},
    {"hello", RILL_ACK_UNKNOWN, 0, "", "something else"},
};

// Each body has its one meaning, and a delay that makes no sense is none.
Test(ack_body, each_body_has_its_meaning)
{
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        const struct rill_ack_body body = rill_ack_body_parse(rill_bytes_from_cstr(bodies[i].body));
        cr_expect(eq(int, body.kind, bodies[i].kind), "%s", bodies[i].why);
        cr_expect(eq(i64, body.delay_ns, bodies[i].delay_ns), "%s", bodies[i].why);
        cr_expect(rill_bytes_equal_cstr(body.rest, bodies[i].rest), "%s", bodies[i].why);
    }
}
