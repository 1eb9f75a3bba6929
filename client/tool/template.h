// SPDX-License-Identifier: Apache-2.0
//
// Payloads that differ from message to message: {{Count}}, {{Time}}, {{TimeStamp}}, {{Unix}}, {{UnixNano}}, {{ID}},
// {{Random 3 8}} (letters, so many), {{Request}}; a dot before the name is allowed. The names are those of NATS' tool.
#pragma once

#include "base/buf.h"

#define TEMPLATE_NAMES "Count, Time, TimeStamp, Unix, UnixNano, ID, Random MIN MAX, Request"

struct template_facts {
    uint64_t count;            // of the message, from 1
    struct rill_bytes request; // what is answered
};

/* Appends the text with its templates filled. INVALID with *ret_unknown, a view into the text, for a name that is none;
   LIMIT, NO_MEMORY. */
enum rill_err template_fill(const char *text, const struct template_facts *facts, struct rill_buf *out,
                            struct rill_bytes *ret_unknown) RILL_MUST_CHECK;
