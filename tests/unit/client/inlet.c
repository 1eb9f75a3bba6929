// SPDX-License-Identifier: Apache-2.0
#include "inlet.h"

#include "base/err.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>

TestSuite(client_inlet);

static void feed(struct inlet *inlet, const char *bytes, size_t count)
{
    while (count) {
        uint8_t *room;
        size_t room_bytes;
        cr_assert(eq(int, (int)inlet_room(inlet, &room, &room_bytes), RILL_OK));
        const size_t part = count < room_bytes ? count : room_bytes;
        memcpy(room, bytes, part);
        inlet_filled(inlet, part);
        bytes += part;
        count -= part;
    }
}

// Bytes that come one at a time make the same commands as bytes that come together.
Test(client_inlet, a_command_may_come_in_any_pieces)
{
    static const char input[] = "INFO {\"a\":1}\r\nMSG a.b 7 r 5\r\nhello\r\nPING\r\n"
                                "HMSG a 7 12 14\r\nNATS/1.0\r\n\r\nhi\r\n";
    static const enum rill_op ops[] = {RILL_OP_INFO, RILL_OP_MSG, RILL_OP_PING, RILL_OP_HMSG};
    for (size_t piece = 1; piece < sizeof input; piece++) {
        struct inlet inlet;
        struct rill_command command;
        size_t count = 0;
        inlet_init(&inlet);
        for (size_t at = 0; at < sizeof input - 1; at += piece) {
            const size_t left = sizeof input - 1 - at;
            feed(&inlet, input + at, left < piece ? left : piece);
            while (inlet_next(&inlet, &command) == RILL_OK)
                cr_expect(eq(int, (int)command.op, (int)ops[count++]), "pieces of %zu", piece);
        }
        cr_expect(eq(sz, count, 4), "pieces of %zu", piece);
        inlet_fini(&inlet);
    }
}

// A message larger than the buffer arrives whole, and the memory is given back after it.
Test(client_inlet, a_large_message_grows_the_buffer_for_its_time_only)
{
    enum { LARGE = 1000000 };
    char *input = malloc(LARGE + 64);
    cr_assert(ne(ptr, input, NULL));
    const int head = sprintf(input, "MSG a 1 %d\r\n", LARGE);
    memset(input + head, 'x', LARGE);
    memcpy(input + head + LARGE, "\r\n", 2);
    struct inlet inlet;
    struct rill_command command;
    inlet_init(&inlet);
    for (size_t at = 0, total = (size_t)head + LARGE + 2; at < total; at += 50000) {
        feed(&inlet, input + at, total - at < 50000 ? total - at : 50000);
        const enum rill_err err = inlet_next(&inlet, &command);
        cr_expect(eq(int, (int)err, total - at <= 50000 ? RILL_OK : RILL_ERR_AGAIN));
    }
    cr_expect(eq(sz, command.payload.len, LARGE));
    cr_expect(gt(sz, inlet.capacity, LARGE));
    feed(&inlet, "PING\r\n", 6);
    cr_expect(eq(sz, inlet.capacity, INLET_READ_BYTES));
    inlet_fini(&inlet);
    free(input);
}

static const struct {
    const char *bytes;
    enum rill_err err;
    const char *why;
} hostile[] = {
    {"HTTP/1.1 400 Bad Request\r\n", RILL_ERR_DAMAGED, "another protocol"},
    {"SUB a 1\r\n", RILL_ERR_DAMAGED, "a command for the other side"},
    {"MSG a 1\r\n", RILL_ERR_DAMAGED, "no size"},
    {"MSG a 1 -5\r\n", RILL_ERR_DAMAGED, "a negative size"},
    {"MSG a 1 2\r\nhiXX", RILL_ERR_DAMAGED, "no line end behind the payload"},
    {"HMSG a 1 9 2\r\nhi\r\n", RILL_ERR_DAMAGED, "more headers than message"},
    {"MSG a 1 999999999\r\n", RILL_ERR_LIMIT, "a size above the limit"},
};

// What no server would say ends the link at once.
Test(client_inlet, garbage_is_told)
{
    for (size_t i = 0; i < sizeof hostile / sizeof hostile[0]; i++) {
        struct inlet inlet;
        struct rill_command command;
        inlet_init(&inlet);
        feed(&inlet, hostile[i].bytes, strlen(hostile[i].bytes));
        cr_expect(eq(int, (int)inlet_next(&inlet, &command), (int)hostile[i].err), "%s", hostile[i].why);
        inlet_fini(&inlet);
    }
}
