// SPDX-License-Identifier: Apache-2.0
//
// Where the payload of a command comes from: its argument, with templates filled anew for each message; standard input
// as a whole; or each line of standard input.
#pragma once

#include "command.h"

#include "base/buf.h"

enum { PAYLOAD_BYTES_MAX = 64 * 1024 * 1024 };

struct payload {
    const struct call *call;
    const char *text; // of the argument `body`, or NULL
    bool lines;       // of standard input
    bool plain;       // no templates
    struct rill_buf buf;
    char *line; // getline's
    size_t line_bytes;
};

/* From the call's `body`, --stdin, --lines and --no-templates. TOOL_DONE or the reason why not. */
enum tool_exit payload_open(struct payload *payload, const struct call *call);
/* One payload, from `body` or --stdin, and no templates; it lives until the close. */
enum tool_exit payload_open_whole(struct payload *payload, const struct call *call);
struct rill_bytes payload_whole(const struct payload *payload);
/* From `body` and --no-templates only. */
void payload_open_text(struct payload *payload, const struct call *call);
void payload_close(struct payload *payload);

/* The payload of message `count` (from 1), which lives until the next call. *ret_end: there are no more lines. */
enum tool_exit payload_next(struct payload *payload, uint64_t count, struct rill_bytes request,
                            struct rill_bytes *ret, bool *ret_end);

/* --stdin, --lines and --no-templates; some of them alone. */
extern const struct parameter payload_options[];
extern const struct parameter payload_option_plain[];
extern const struct parameter payload_option_stdin[];
