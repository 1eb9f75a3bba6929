// SPDX-License-Identifier: Apache-2.0
#include "proto/writer.h"

#include "base/random.h"
#include "proto/parser.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

TestSuite(writer);

static const struct rill_parse_limits broker = {RILL_SIDE_BROKER, 4096, 1 << 20};
static const struct rill_parse_limits client = {RILL_SIDE_CLIENT, 4096, 1 << 20};

static struct rill_bytes random_bytes(struct rill_random *random, uint8_t *room, uint32_t min, uint32_t max,
                                      const char *alphabet)
{
    const uint32_t len = min + rill_random_below(random, max - min + 1);
    for (uint32_t i = 0; i < len; i++)
        room[i] = alphabet ? (uint8_t)alphabet[rill_random_below(random, (uint32_t)strlen(alphabet))]
                           : (uint8_t)rill_random_next(random);
    return rill_bytes_of(room, len);
}

struct parts {
    uint8_t room[5][300];
    struct rill_bytes subject, reply, sid, headers, payload;
};

static void random_parts(struct rill_random *random, struct parts *parts)
{
    parts->subject = random_bytes(random, parts->room[0], 1, 60, "ab.*");
    parts->reply = random_bytes(random, parts->room[1], 0, 40, "xy.");
    parts->sid = random_bytes(random, parts->room[2], 1, 20, "0123456789");
    parts->headers = random_bytes(random, parts->room[3], 0, 40, NULL);
    parts->payload = random_bytes(random, parts->room[4], 0, 300, NULL);
}

static void expect_read(const struct rill_parse_limits *limits, const struct rill_buf *buf, enum rill_op op,
                        const struct parts *parts)
{
    struct rill_command command;
    cr_assert(eq(int, (int)rill_parse(limits, rill_buf_bytes(buf), &command), RILL_PARSE_DONE));
    cr_assert(eq(int, (int)command.op, (int)op));
    cr_assert(eq(sz, command.bytes, buf->len));
    cr_assert(rill_bytes_equal(command.subject, parts->subject));
    cr_assert(rill_bytes_equal(command.reply, parts->reply));
    cr_assert(rill_bytes_equal(command.headers, parts->headers));
    cr_assert(rill_bytes_equal(command.payload, parts->payload));
}

// What is written is read back with the same parts, whatever they hold.
Test(writer, what_is_written_is_read_back)
{
    struct rill_random random = {.state = 5};
    for (int i = 0; i < 3000; i++) {
        struct parts parts;
        struct rill_buf buf;
        random_parts(&random, &parts);
        rill_buf_init(&buf, 4096);
        cr_assert(eq(int, rill_append_publish(&buf, parts.subject, parts.reply, parts.headers, parts.payload),
                     RILL_OK));
        expect_read(&broker, &buf, parts.headers.len ? RILL_OP_HPUB : RILL_OP_PUB, &parts);
        buf.len = 0;
        cr_assert(
            eq(int,
               rill_append_message(&buf, parts.subject, parts.sid, parts.reply, parts.headers, parts.payload),
               RILL_OK));
        expect_read(&client, &buf, parts.headers.len ? RILL_OP_HMSG : RILL_OP_MSG, &parts);
        rill_buf_fini(&buf);
    }
}

// The inline writer of the hot path and the appending one write the same bytes.
Test(writer, both_ways_of_writing_a_message_agree)
{
    struct rill_random random = {.state = 6};
    for (int i = 0; i < 1000; i++) {
        struct parts parts;
        struct rill_buf buf;
        random_parts(&random, &parts);
        rill_buf_init(&buf, 4096);
        cr_assert(
            eq(int,
               rill_append_message(&buf, parts.subject, parts.sid, parts.reply, parts.headers, parts.payload),
               RILL_OK));
        uint8_t head[256];
        const uint8_t *end =
            rill_put_message_head(head, parts.subject, parts.sid, parts.reply, parts.headers.len > 0);
        const size_t len = (size_t)(end - head);
        cr_assert(len <= rill_message_head_bytes(parts.subject, parts.sid, parts.reply));
        cr_assert(eq(int, memcmp(head, buf.data, len), 0));
        rill_buf_fini(&buf);
    }
}

// Optional arguments are left out, without a blank in their place.
Test(writer, optional_arguments_are_left_out)
{
    struct rill_buf buf;
    rill_buf_init(&buf, 256);
    cr_assert(
        eq(int, rill_append_subscribe(&buf, RILL_BYTES("a.>"), RILL_BYTES(""), RILL_BYTES("7")), RILL_OK));
    cr_assert(
        eq(int, rill_append_subscribe(&buf, RILL_BYTES("a"), RILL_BYTES("q"), RILL_BYTES("8")), RILL_OK));
    cr_assert(eq(int, rill_append_unsubscribe(&buf, RILL_BYTES("7"), 0), RILL_OK));
    cr_assert(eq(int, rill_append_unsubscribe(&buf, RILL_BYTES("8"), 5), RILL_OK));
    cr_expect(
        rill_bytes_equal_cstr(rill_buf_bytes(&buf), "SUB a.> 7\r\nSUB a q 8\r\nUNSUB 7\r\nUNSUB 8 5\r\n"));
    rill_buf_fini(&buf);
}

// A command that does not fit leaves the buffer as it was.
Test(writer, what_does_not_fit_is_not_begun)
{
    struct rill_buf buf;
    rill_buf_init(&buf, 20);
    cr_assert(
        eq(int, rill_append_subscribe(&buf, RILL_BYTES("a"), RILL_BYTES(""), RILL_BYTES("1")), RILL_OK));
    cr_expect(eq(int,
                 rill_append_subscribe(&buf, RILL_BYTES("long.subject"), RILL_BYTES(""), RILL_BYTES("2")),
                 RILL_ERR_LIMIT));
    cr_expect(rill_bytes_equal_cstr(rill_buf_bytes(&buf), "SUB a 1\r\n"));
    rill_buf_fini(&buf);
}
