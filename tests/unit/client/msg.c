// SPDX-License-Identifier: Apache-2.0
#include "msg.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

TestSuite(client_msg);

static struct rill_msg *sample(void)
{
    const struct rill_command command = {
        .subject = RILL_BYTES("orders.new"),
        .reply = RILL_BYTES("_INBOX.1"),
        .headers = RILL_BYTES("NATS/1.0 503 Nobody\r\nColor: green \r\nSize:9\r\n\r\n"),
        .payload = RILL_BYTES("five\0")};
    return msg_create(&command);
}

// A message shows what was sent, its texts end with NUL, and NULs inside the payload are kept.
Test(client_msg, a_message_shows_what_came)
{
    struct rill_msg *msg = sample();
    cr_expect(eq(str, (char *)rill_msg_subject(msg), "orders.new"));
    cr_expect(eq(str, (char *)rill_msg_reply(msg), "_INBOX.1"));
    cr_expect(eq(sz, rill_msg_data_bytes(msg), 5));
    cr_expect(eq(int, memcmp(rill_msg_data(msg), "five\0\0", 6), 0));
    cr_expect(eq(u32, rill_msg_status(msg), 503));
    rill_msg_unref(msg);
}

// Headers are found by their exact name and visited in order.
Test(client_msg, headers_are_found_and_visited)
{
    struct rill_msg *msg = sample();
    struct rill_text name, value;
    cr_assert(rill_msg_header(msg, "Color", &value));
    cr_expect(eq(int, strncmp(value.text, "green", value.bytes), 0));
    cr_expect(eq(sz, value.bytes, 5));
    cr_expect(not(rill_msg_header(msg, "color", &value)));
    size_t cursor = 0;
    cr_assert(rill_msg_header_next(msg, &cursor, &name, &value));
    cr_expect(eq(int, strncmp(name.text, "Color", 5), 0));
    cr_assert(rill_msg_header_next(msg, &cursor, &name, &value));
    cr_expect(eq(int, strncmp(value.text, "9", 1), 0));
    cr_expect(not(rill_msg_header_next(msg, &cursor, &name, &value)));
    rill_msg_unref(msg);
}

// A message lives as long as somebody has a share.
Test(client_msg, the_last_share_frees)
{
    struct rill_msg *msg = sample();
    struct rill_msg *same = rill_msg_ref(msg);
    rill_msg_unref(msg);
    cr_expect(eq(str, (char *)rill_msg_subject(same), "orders.new"));
    rill_msg_unref(same);
    rill_msg_unref(NULL);
}

// A message without a reply and headers has neither.
Test(client_msg, what_is_absent_is_null)
{
    const struct rill_command command = {.subject = RILL_BYTES("a")};
    struct rill_msg *msg = msg_create(&command);
    struct rill_text value;
    cr_expect(eq(ptr, (void *)rill_msg_reply(msg), NULL));
    cr_expect(ne(ptr, (void *)rill_msg_data(msg), NULL));
    cr_expect(eq(u32, rill_msg_status(msg), 0));
    cr_expect(not(rill_msg_header(msg, "a", &value)));
    rill_msg_unref(msg);
}
