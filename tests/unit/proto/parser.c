// SPDX-License-Identifier: Apache-2.0
#include "proto/parser.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>

TestSuite(parser);

static const struct rill_parse_limits broker = {RILL_SIDE_BROKER, 64, 100};
static const struct rill_parse_limits client = {RILL_SIDE_CLIENT, 64, 100};

static const struct {
    const struct rill_parse_limits *limits;
    struct rill_bytes input;
    enum rill_op op;
    const char *subject;
    const char *reply;
    const char *queue;
    const char *sid;
    const char *headers;
    const char *payload;
    uint64_t max;
    const char *why;
} commands[] = {
    {&broker, RILL_BYTES("PUB a.b 2\r\nhi\r\n"), RILL_OP_PUB, "a.b", "", "", "", "", "hi", 0,
     "plain publish"},
    {&broker, RILL_BYTES("PUB a r 2\r\nhi\r\n"), RILL_OP_PUB, "a", "r", "", "", "", "hi", 0, "with a reply"},
    {&broker, RILL_BYTES("pub \t a\t 002 \t\r\nhi\r\n"), RILL_OP_PUB, "a", "", "", "", "", "hi", 0,
     "lower case, runs of blanks, leading zeros"},
    {&broker, RILL_BYTES("PUB a 0\n\r\n"), RILL_OP_PUB, "a", "", "", "", "", "", 0, "a bare LF, no payload"},
    {&broker,
     RILL_BYTES("PUB a\x01\xff"
                "bcdefgh 1\r\nx\r\n"),
     RILL_OP_PUB,
     "a\x01\xff"
     "bcdefgh",
     "", "", "", "", "x", 0, "control and high bytes belong to the word"},
    {&broker, RILL_BYTES("HPUB a 4 6\r\nh:v.hi\r\n"), RILL_OP_HPUB, "a", "", "", "", "h:v.", "hi", 0,
     "headers"},
    {&broker, RILL_BYTES("HPUB a r 4 4\r\nh:v.\r\n"), RILL_OP_HPUB, "a", "r", "", "", "h:v.", "", 0,
     "headers only"},
    {&broker, RILL_BYTES("SUB a.> 7\r\n"), RILL_OP_SUB, "a.>", "", "", "7", "", "", 0, "subscribe"},
    {&broker, RILL_BYTES("SUB a q 7\r\n"), RILL_OP_SUB, "a", "", "q", "7", "", "", 0, "in a queue group"},
    {&broker, RILL_BYTES("UNSUB 7\r\n"), RILL_OP_UNSUB, "", "", "", "7", "", "", 0, "unsubscribe"},
    {&broker, RILL_BYTES("UNSUB 7 5\r\n"), RILL_OP_UNSUB, "", "", "", "7", "", "", 5, "after five messages"},
    {&broker, RILL_BYTES("UNSUB 7 -5\r\n"), RILL_OP_UNSUB, "", "", "", "7", "", "", 0,
     "a count that is none"},
    {&broker, RILL_BYTES("PING\r\n"), RILL_OP_PING, "", "", "", "", "", "", 0, "ping"},
    {&broker, RILL_BYTES("PINGPING x\n"), RILL_OP_PING, "", "", "", "", "", "", 0,
     "the rest of the line is ignored"},
    {&broker, RILL_BYTES("pOnG\r\n"), RILL_OP_PONG, "", "", "", "", "", "", 0, "any letter case"},
    {&client, RILL_BYTES("MSG a 7 2\r\nhi\r\n"), RILL_OP_MSG, "a", "", "", "7", "", "hi", 0, "a message"},
    {&client, RILL_BYTES("MSG a 7 r 2\r\nhi\r\n"), RILL_OP_MSG, "a", "r", "", "7", "", "hi", 0,
     "with a reply"},
    {&client, RILL_BYTES("HMSG a 7 r 4 6\r\nh:v.hi\r\n"), RILL_OP_HMSG, "a", "r", "", "7", "h:v.", "hi", 0,
     "with headers"},
    {&client, RILL_BYTES("+OK\r\n"), RILL_OP_OK, "", "", "", "", "", "", 0, "ok"},
};

enum { COMMANDS = sizeof commands / sizeof commands[0] };

static void expect_command(size_t i, const struct rill_command *command, size_t input_bytes)
{
    cr_expect(eq(int, (int)command->op, (int)commands[i].op), "%s", commands[i].why);
    cr_expect(eq(sz, command->bytes, input_bytes), "%s", commands[i].why);
    if (commands[i].subject[0])
        cr_expect(rill_bytes_equal_cstr(command->subject, commands[i].subject), "%s", commands[i].why);
    if (commands[i].sid[0])
        cr_expect(rill_bytes_equal_cstr(command->sid, commands[i].sid), "%s", commands[i].why);
    switch (command->op) {
    case RILL_OP_SUB:
        cr_expect(rill_bytes_equal_cstr(command->queue, commands[i].queue), "%s", commands[i].why);
        break;
    case RILL_OP_UNSUB:
        cr_expect(eq(u64, command->max, commands[i].max), "%s", commands[i].why);
        break;
    case RILL_OP_PUB:
    case RILL_OP_HPUB:
    case RILL_OP_MSG:
    case RILL_OP_HMSG:
        cr_expect(rill_bytes_equal_cstr(command->reply, commands[i].reply), "%s", commands[i].why);
        cr_expect(rill_bytes_equal_cstr(command->headers, commands[i].headers), "%s", commands[i].why);
        cr_expect(rill_bytes_equal_cstr(command->payload, commands[i].payload), "%s", commands[i].why);
        break;
    default:
        break;
    }
}

// A whole command is read with all its parts.
Test(parser, each_command_is_cut_into_its_parts)
{
    for (size_t i = 0; i < COMMANDS; i++) {
        struct rill_command command;
        cr_assert(eq(int, (int)rill_parse(commands[i].limits, commands[i].input, &command), RILL_PARSE_DONE),
                  "%s", commands[i].why);
        expect_command(i, &command, commands[i].input.len);
    }
}

// Cut at any byte, the front asks for more, never for more than there is, and the whole gives the same
// command.
Test(parser, a_command_may_be_cut_at_every_byte)
{
    for (size_t i = 0; i < COMMANDS; i++) {
        for (size_t cut = 0; cut < commands[i].input.len; cut++) {
            // A copy of exactly this size, so that a sanitizer sees any read behind it.
            uint8_t *part = malloc(cut ? cut : 1);
            memcpy(part, commands[i].input.data, cut);
            struct rill_command command;
            const enum rill_parse_status status =
                rill_parse(commands[i].limits, rill_bytes_of(part, cut), &command);
            cr_assert(eq(int, (int)status, RILL_PARSE_MORE), "%s, cut at %zu", commands[i].why, cut);
            cr_assert(command.bytes_needed > cut && command.bytes_needed <= commands[i].input.len,
                      "%s, cut at %zu", commands[i].why, cut);
            free(part);
        }
    }
}

// What follows a command is not touched.
Test(parser, a_command_ends_where_the_next_begins)
{
    struct rill_command command;
    const struct rill_bytes input = RILL_BYTES("PUB a 2\r\nhi\r\nPUB b 1\r\nx\r\n");
    cr_assert(eq(int, (int)rill_parse(&broker, input, &command), RILL_PARSE_DONE));
    cr_assert(eq(sz, command.bytes, 13));
    cr_assert(eq(int, (int)rill_parse(&broker, rill_bytes_from(input, 13), &command), RILL_PARSE_DONE));
    cr_expect(rill_bytes_equal_cstr(command.subject, "b"));
}

static const struct {
    struct rill_bytes input;
    const char *tail;
    const char *why;
} tails[] = {
    {RILL_BYTES("PUB a 2\r\nhi\r\n"), "2\r\nhi\r\n", "as a broker writes it"},
    {RILL_BYTES("HPUB a 4 6\r\nh:v.hi\r\n"), "4 6\r\nh:v.hi\r\n", "with headers"},
    {RILL_BYTES("PUB a 0\r\n\r\n"), "0\r\n\r\n", "a single zero"},
    {RILL_BYTES("PUB a 02\r\nhi\r\n"), "", "leading zeros are not copied"},
    {RILL_BYTES("PUB a 2 \r\nhi\r\n"), "", "nor blanks at the end"},
    {RILL_BYTES("PUB a 2\nhi\r\n"), "", "nor a bare LF"},
    {RILL_BYTES("HPUB a 4  6\r\nh:v.hi\r\n"), "", "nor two blanks between the sizes"},
};

// The tail is offered only where it is byte for byte what a message ends with.
Test(parser, the_tail_is_only_there_when_it_can_be_copied)
{
    for (size_t i = 0; i < sizeof tails / sizeof tails[0]; i++) {
        struct rill_command command;
        cr_assert(eq(int, (int)rill_parse(&broker, tails[i].input, &command), RILL_PARSE_DONE), "%s",
                  tails[i].why);
        cr_expect(rill_bytes_equal_cstr(command.tail, tails[i].tail), "%s", tails[i].why);
    }
}

static const struct {
    const struct rill_parse_limits *limits;
    struct rill_bytes input;
    enum rill_parse_status status;
    const char *why;
} refusals[] = {
    {&broker, RILL_BYTES("FOO\r\n"), RILL_PARSE_UNKNOWN_OP, "no such operation"},
    {&broker, RILL_BYTES("\r\n"), RILL_PARSE_UNKNOWN_OP, "an empty line"},
    {&broker, RILL_BYTES(" PING\r\n"), RILL_PARSE_UNKNOWN_OP, "a blank in front"},
    {&broker, RILL_BYTES("P\0"), RILL_PARSE_UNKNOWN_OP, "a NUL inside an operation"},
    {&broker, RILL_BYTES("\x16\x03\x01"), RILL_PARSE_UNKNOWN_OP, "a TLS hello"},
    {&broker, RILL_BYTES("PUB\r\n"), RILL_PARSE_UNKNOWN_OP, "no blank behind the operation"},
    {&broker, RILL_BYTES("MSG a 1 2\r\nhi\r\n"), RILL_PARSE_UNKNOWN_OP, "a message from a client"},
    {&client, RILL_BYTES("PUB a 2\r\nhi\r\n"), RILL_PARSE_UNKNOWN_OP, "a publish from a broker"},
    {&broker, RILL_BYTES("PUB  \r\n"), RILL_PARSE_BAD_ARGS, "no arguments"},
    {&broker, RILL_BYTES("PUB a\r\n"), RILL_PARSE_BAD_ARGS, "no size"},
    {&broker, RILL_BYTES("PUB a b c 2\r\nhi\r\n"), RILL_PARSE_BAD_ARGS, "too many arguments"},
    {&broker, RILL_BYTES("PUB a -1\r\n"), RILL_PARSE_BAD_ARGS, "a negative size"},
    {&broker, RILL_BYTES("PUB a 2x\r\n"), RILL_PARSE_BAD_ARGS, "no number"},
    {&broker, RILL_BYTES("PUB a 99999999999999999999\r\n"), RILL_PARSE_BAD_ARGS, "a size that overflows"},
    {&broker, RILL_BYTES("PUB a 1000000000\r\n"), RILL_PARSE_BAD_ARGS, "more than nine digits"},
    {&broker, RILL_BYTES("PUB a 101\r\n"), RILL_PARSE_PAYLOAD_LARGE, "above the maximum"},
    {&broker, RILL_BYTES("HPUB a 4 101\r\n"), RILL_PARSE_PAYLOAD_LARGE, "with headers above the maximum"},
    {&broker, RILL_BYTES("HPUB a 6 4\r\n"), RILL_PARSE_BAD_HEADER_SIZE, "more headers than there are bytes"},
    {&broker, RILL_BYTES("HPUB a 6\r\n"), RILL_PARSE_BAD_ARGS, "one size of two"},
    {&broker, RILL_BYTES("PUB a 2\r\nhiX"), RILL_PARSE_BAD_PAYLOAD_END, "a payload that goes on"},
    {&broker, RILL_BYTES("PUB a 2\r\nhi\rX"), RILL_PARSE_BAD_PAYLOAD_END,
     "a CR without LF behind the payload"},
    {&broker, RILL_BYTES("SUB a\r\n"), RILL_PARSE_BAD_ARGS, "no subscription id"},
    {&broker, RILL_BYTES("SUB a b c d\r\n"), RILL_PARSE_BAD_ARGS, "too many"},
    {&broker, RILL_BYTES("UNSUB  \r\n"), RILL_PARSE_BAD_ARGS, "nothing to end"},
    {&broker, RILL_BYTES("UNSUB 1 2 3\r\n"), RILL_PARSE_BAD_ARGS, "too many to end"},
};

// Whatever is wrong is refused with its reason, as soon as it can be seen.
Test(parser, what_is_wrong_is_refused_with_its_reason)
{
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        struct rill_command command;
        cr_expect(eq(int, (int)rill_parse(refusals[i].limits, refusals[i].input, &command),
                     (int)refusals[i].status),
                  "%s", refusals[i].why);
    }
}

// The limit is on the arguments; a line above it is refused whether its end has come or not.
Test(parser, a_control_line_above_the_limit_is_refused)
{
    for (int args_bytes = 60; args_bytes <= 70; args_bytes++) {
        char line[128];
        const int len = snprintf(line, sizeof line, "SUB  %0*d 7\r\n", args_bytes - 2, 1);
        struct rill_command command;
        const enum rill_parse_status whole = rill_parse(&broker, rill_bytes_of(line, (size_t)len), &command);
        const enum rill_parse_status cut =
            rill_parse(&broker, rill_bytes_of(line, (size_t)len - 2), &command);
        const bool fits = args_bytes <= 64;
        cr_expect(eq(int, (int)whole, fits ? RILL_PARSE_DONE : RILL_PARSE_CONTROL_LINE_LONG), "%d",
                  args_bytes);
        cr_expect(eq(int, (int)cut, fits ? RILL_PARSE_MORE : RILL_PARSE_CONTROL_LINE_LONG), "%d", args_bytes);
    }
}

// Blanks are free, but not without end: whoever keeps an unfinished line would have to keep them all.
Test(parser, a_line_of_blanks_comes_to_an_end)
{
    static const struct {
        const char *op;
        char blank;
    } lines[] = {{"PUB", ' '}, {"PUB", '\r'}, {"PING", ' '}, {"PING", '\r'}, {"CONNECT", '\t'}, {"SUB", ' '}};
    enum { BYTES = 256 * 1024 };
    char *line = malloc(BYTES);
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct rill_command command;
        memset(line, lines[i].blank, BYTES);
        memcpy(line, lines[i].op, strlen(lines[i].op));
        line[strlen(lines[i].op)] = ' ';
        cr_expect(eq(int, (int)rill_parse(&broker, rill_bytes_of(line, 5000), &command), RILL_PARSE_MORE));
        const enum rill_parse_status cut = rill_parse(&broker, rill_bytes_of(line, BYTES), &command);
        cr_expect(eq(int, (int)cut, RILL_PARSE_CONTROL_LINE_LONG), "%s", lines[i].op);
        line[BYTES - 1] = '\n';
        const enum rill_parse_status whole = rill_parse(&broker, rill_bytes_of(line, BYTES), &command);
        cr_expect(eq(int, (int)whole, RILL_PARSE_CONTROL_LINE_LONG), "%s", lines[i].op);
    }
    free(line);
}

// The argument of CONNECT, INFO and -ERR is the rest of the line without the blanks around it.
Test(parser, the_rest_of_the_line_is_one_argument)
{
    struct rill_command command;
    cr_assert(
        eq(int, (int)rill_parse(&broker, RILL_BYTES("CONNECT  {\"a\": 1} \r\n"), &command), RILL_PARSE_DONE));
    cr_expect(rill_bytes_equal_cstr(command.args, "{\"a\": 1}"));
    cr_assert(eq(int, (int)rill_parse(&client, RILL_BYTES("-ERR 'Stale Connection'\r\n"), &command),
                 RILL_PARSE_DONE));
    cr_expect(rill_bytes_equal_cstr(command.args, "'Stale Connection'"));
}
