// SPDX-License-Identifier: Apache-2.0
//
// Whatever bytes arrive: a command's views lie inside its bytes, the same bytes cut anywhere give the same
// command or ask for more, and what was refused whole is never accepted in part.
#include "base/assert.h"
#include "proto/parser.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_inside(struct rill_bytes view, struct rill_bytes input, size_t bytes)
{
    RILL_ASSERT(view.len == 0 || (view.data >= input.data && view.data + view.len <= input.data + bytes));
}

static void check_command(const struct rill_command *command, struct rill_bytes input)
{
    RILL_ASSERT(command->bytes > 0 && command->bytes <= input.len);
    switch (command->op) {
    case RILL_OP_PUB:
    case RILL_OP_HPUB:
        check_inside(command->tail, input, command->bytes);
        // fall through
    case RILL_OP_MSG:
    case RILL_OP_HMSG:
        check_inside(command->headers, input, command->bytes);
        check_inside(command->payload, input, command->bytes);
        check_inside(command->reply, input, command->bytes);
        // fall through
    case RILL_OP_SUB:
        check_inside(command->subject, input, command->bytes);
        RILL_ASSERT(command->subject.len > 0);
        break;
    default:
        break;
    }
}

/* A copy of exactly this size, so that the sanitizer sees who looks behind it. */
static enum rill_parse_status parse_copy(const struct rill_parse_limits *limits, struct rill_bytes input,
                                         size_t len, struct rill_command *command)
{
    uint8_t *copy = malloc(len ? len : 1);
    RILL_ASSERT(copy);
    if (len)
        memcpy(copy, input.data, len);
    const enum rill_parse_status status = rill_parse(limits, rill_bytes_of(copy, len), command);
    if (status == RILL_PARSE_DONE)
        check_command(command, rill_bytes_of(copy, len));
    if (status == RILL_PARSE_MORE)
        RILL_ASSERT(command->bytes_needed > len);
    free(copy);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    const struct rill_parse_limits limits = {data[0] & 1 ? RILL_SIDE_CLIENT : RILL_SIDE_BROKER, 256, 4096};
    const struct rill_bytes input = rill_bytes_of(data + 2, size - 2);
    struct rill_command whole, part;
    const enum rill_parse_status status = parse_copy(&limits, input, input.len, &whole);
    const size_t cut = input.len ? data[1] % input.len : 0;
    const enum rill_parse_status cut_status = parse_copy(&limits, input, cut, &part);
    if (status == RILL_PARSE_DONE && cut < whole.bytes)
        RILL_ASSERT(cut_status == RILL_PARSE_MORE && part.bytes_needed <= whole.bytes);
    if (cut_status == RILL_PARSE_DONE)
        RILL_ASSERT(status == RILL_PARSE_DONE && part.bytes == whole.bytes && part.op == whole.op);
    return 0;
}
