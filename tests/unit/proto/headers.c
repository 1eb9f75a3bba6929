// SPDX-License-Identifier: Apache-2.0
#include "proto/headers.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

TestSuite(headers);

static const struct {
    struct rill_bytes block;
    bool valid;
    const char *why;
} blocks[] = {
    {RILL_BYTES("NATS/1.0\r\n\r\n"), true, "no header at all"},
    {RILL_BYTES("NATS/1.0\r\nA: b\r\n\r\n"), true, "one header"},
    {RILL_BYTES("NATS/1.0 404 No Messages\r\n\r\n"), true, "a status"},
    {RILL_BYTES("NATS/1.0\r\nA:\r\n\r\n"), true, "an empty value"},
    {RILL_BYTES("NATS/1.0\r\nA: b:c\r\n\r\n"), true, "a colon in the value"},
    {RILL_BYTES(""), false, "empty"},
    {RILL_BYTES("NATS/1.0"), false, "no line end"},
    {RILL_BYTES("NATS/1.0\r\n"), false, "no empty line"},
    {RILL_BYTES("NATS/1.0\r\nA: b\r\n"), false, "no empty line behind a header"},
    {RILL_BYTES("NATS/1.1\r\n\r\n"), false, "another version"},
    {RILL_BYTES("NATS/1.0x\r\n\r\n"), false, "a version that goes on"},
    {RILL_BYTES("NATS/1.0\r\nA b\r\n\r\n"), false, "no colon"},
    {RILL_BYTES("NATS/1.0\r\n: b\r\n\r\n"), false, "no name"},
    {RILL_BYTES("NATS/1.0\r\n\r\nA: b\r\n\r\n"), false, "an empty line before the end"},
    {RILL_BYTES("NATS/1.0\nA: b\n\n"), false, "bare line feeds"},
};

// A block is its version, lines of name and value, and an empty line at the end and only there.
Test(headers, validity_follows_the_line_rules)
{
    for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++)
        cr_expect(eq(int, rill_headers_are_valid(blocks[i].block), blocks[i].valid), "%s", blocks[i].why);
}

static const struct rill_bytes sample = RILL_BYTES(
    "NATS/1.0\r\nNats-Msg-Id: a 1 \r\nX-Nats-TTL: 9\r\nNats-TTL:5s\r\nno colon\r\nNats-TTL: 6s\r\n\r\n");

// A name is found only as the whole name, in its own case, and the first one counts.
Test(headers, a_value_is_found_by_its_whole_name)
{
    struct rill_bytes value = RILL_BYTES("untouched");
    cr_expect(not(rill_headers_find(sample, RILL_BYTES("nats-ttl"), &value)));
    cr_expect(not(rill_headers_find(sample, RILL_BYTES("TTL"), &value)));
    cr_expect(not(rill_headers_find(RILL_BYTES("Nats-TTL: 1\r\n\r\n"), RILL_BYTES("Nats-TTL"), &value)));
    cr_expect(rill_bytes_equal_cstr(value, "untouched"));
    cr_expect(rill_headers_find(sample, RILL_BYTES("Nats-TTL"), &value));
    cr_expect(rill_bytes_equal_cstr(value, "5s"));
    cr_expect(rill_headers_find(sample, RILL_BYTES("Nats-Msg-Id"), &value));
    cr_expect(rill_bytes_equal_cstr(value, "a 1"));
}

// The cursor gives every header once, in order, and then ends for good.
Test(headers, the_cursor_visits_each_header_in_order)
{
    static const char *const names[] = {"Nats-Msg-Id", "X-Nats-TTL", "Nats-TTL", "Nats-TTL"};
    struct rill_headers_cursor cursor = rill_headers_cursor_of(sample);
    struct rill_bytes name, value;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        cr_assert(rill_headers_next(&cursor, &name, &value));
        cr_expect(rill_bytes_equal_cstr(name, names[i]));
    }
    cr_expect(not(rill_headers_next(&cursor, &name, &value)));
    cr_expect(not(rill_headers_next(&cursor, &name, &value)));
}

// A status is three digits behind the version, and words behind a blank.
Test(headers, a_status_is_three_digits_and_words)
{
    uint32_t code = 0;
    struct rill_bytes text;
    cr_expect(rill_headers_status(RILL_BYTES("NATS/1.0 404 No Messages\r\n\r\n"), &code, &text));
    cr_expect(code == 404 && rill_bytes_equal_cstr(text, "No Messages"));
    cr_expect(rill_headers_status(RILL_BYTES("NATS/1.0 503\r\n\r\n"), &code, &text));
    cr_expect(code == 503 && text.len == 0);
    cr_expect(not(rill_headers_status(RILL_BYTES("NATS/1.0\r\n\r\n"), &code, &text)));
    cr_expect(not(rill_headers_status(RILL_BYTES("NATS/1.0 50\r\n\r\n"), &code, &text)));
    cr_expect(not(rill_headers_status(RILL_BYTES("NATS/1.0 5033\r\n\r\n"), &code, &text)));
}

// What is built is valid and reads back; what would break a line is refused and leaves nothing behind.
Test(headers, built_blocks_are_valid)
{
    struct rill_buf buf;
    rill_buf_init(&buf, 256);
    cr_assert(eq(int, rill_headers_begin(&buf, RILL_BYTES("409 Consumer Deleted")), RILL_OK));
    cr_assert(eq(int, rill_headers_add(&buf, RILL_BYTES("A"), RILL_BYTES("b")), RILL_OK));
    const size_t len = buf.len;
    cr_expect(eq(int, rill_headers_add(&buf, RILL_BYTES("A"), RILL_BYTES("b\r\nC: d")), RILL_ERR_INVALID));
    cr_expect(eq(int, rill_headers_add(&buf, RILL_BYTES("A:"), RILL_BYTES("b")), RILL_ERR_INVALID));
    cr_expect(eq(int, rill_headers_add(&buf, RILL_BYTES(""), RILL_BYTES("b")), RILL_ERR_INVALID));
    cr_expect(eq(sz, buf.len, len));
    cr_assert(eq(int, rill_headers_end(&buf), RILL_OK));
    cr_expect(rill_bytes_equal_cstr(rill_buf_bytes(&buf), "NATS/1.0 409 Consumer Deleted\r\nA: b\r\n\r\n"));
    cr_expect(rill_headers_are_valid(rill_buf_bytes(&buf)));
    rill_buf_fini(&buf);
}
