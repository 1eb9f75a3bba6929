// SPDX-License-Identifier: Apache-2.0
#include "payload.h"

#include "template.h"

#include <stdlib.h>

static enum tool_exit read_stdin(struct payload *payload)
{
    for (;;) {
        const enum rill_err err = rill_buf_reserve(&payload->buf, 65536);
        if (err)
            return call_fail(payload->call, TOOL_FAILED, "standard input: %s", rill_error_string(err));
        const size_t n =
            fread(payload->buf.data + payload->buf.len, 1, payload->buf.capacity - payload->buf.len, stdin);
        payload->buf.len += n;
        if (n == 0)
            break;
    }
    return ferror(stdin) ? call_fail(payload->call, TOOL_FAILED, "standard input cannot be read") : TOOL_DONE;
}

void payload_open_text(struct payload *payload, const struct call *call)
{
    *payload = (struct payload){
        .call = call, .text = call_text(call, "body"), .plain = call_has(call, "no-templates")};
    rill_buf_init(&payload->buf, PAYLOAD_BYTES_MAX);
}

enum tool_exit payload_open_whole(struct payload *payload, const struct call *call)
{
    *payload = (struct payload){.call = call, .text = call_text(call, "body"), .plain = true};
    rill_buf_init(&payload->buf, PAYLOAD_BYTES_MAX);
    if ((payload->text != NULL) + call_has(call, "stdin") != 1)
        return call_usage(call, "the value is missing or there twice: give <body>, or --stdin");
    return payload->text ? TOOL_DONE : read_stdin(payload);
}

struct rill_bytes payload_whole(const struct payload *payload)
{
    return payload->text ? rill_bytes_from_cstr(payload->text) : rill_buf_bytes(&payload->buf);
}

enum tool_exit payload_open(struct payload *payload, const struct call *call)
{
    const bool whole = call_has(call, "stdin");
    payload_open_text(payload, call);
    payload->lines = call_has(call, "lines");
    if ((payload->text != NULL) + whole + payload->lines > 1)
        return call_usage(call, "<body>, --stdin and --lines exclude each other: give one of them");
    return whole ? read_stdin(payload) : TOOL_DONE;
}

void payload_close(struct payload *payload)
{
    rill_buf_fini(&payload->buf);
    free(payload->line);
}

static void next_line(struct payload *payload, struct rill_bytes *ret, bool *ret_end)
{
    ssize_t n = getline(&payload->line, &payload->line_bytes, stdin);
    *ret_end = n < 0;
    if (n > 0 && payload->line[n - 1] == '\n')
        n--;
    *ret = rill_bytes_of(payload->line, n > 0 ? (size_t)n : 0);
}

static enum tool_exit fill(struct payload *payload, uint64_t count, struct rill_bytes request)
{
    struct rill_bytes unknown = {0};
    const struct template_facts facts = {.count = count, .request = request};
    payload->buf.len = 0;
    const enum rill_err err = template_fill(payload->text, &facts, &payload->buf, &unknown);
    if (err == RILL_ERR_INVALID)
        return call_usage(payload->call,
                          "there is no template {{" RILL_PRI "}}: use " TEMPLATE_NAMES ", or --no-templates",
                          RILL_ARG(unknown));
    return err ? call_error(payload->call, err, NULL, "the payload") : TOOL_DONE;
}

enum tool_exit payload_next(struct payload *payload, uint64_t count, struct rill_bytes request,
                            struct rill_bytes *ret, bool *ret_end)
{
    enum tool_exit code = TOOL_DONE;
    *ret_end = false;
    if (payload->lines) {
        next_line(payload, ret, ret_end);
        return TOOL_DONE;
    }
    if (payload->text && (payload->plain || !strstr(payload->text, "{{"))) {
        *ret = rill_bytes_from_cstr(payload->text);
        return TOOL_DONE;
    }
    if (payload->text)
        code = fill(payload, count, request);
    *ret = rill_buf_bytes(&payload->buf);
    return code;
}

#define STDIN_ROW                                                                                            \
    {                                                                                                        \
        "stdin", 0, VALUE_FLAG, .help = "The payload is all of standard input."                              \
    }
#define PLAIN_ROW                                                                                            \
    {                                                                                                        \
        "no-templates", 0, VALUE_FLAG, .help = "Take {{...}} in the payload as it stands."                   \
    }

const struct parameter payload_options[] = {
    STDIN_ROW,
    {"lines", 0, VALUE_FLAG, .help = "Each line of standard input is the payload of a message."},
    PLAIN_ROW,
    {0},
};
const struct parameter payload_option_plain[] = {PLAIN_ROW, {0}};
const struct parameter payload_option_stdin[] = {STDIN_ROW, {0}};
