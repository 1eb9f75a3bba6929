// SPDX-License-Identifier: Apache-2.0
//
// What the headers of a published message ask of the stream. Pure. Names are compared whole and exactly.
#pragma once

#include "base/buf.h"
#include "proto/js_error.h"
#include "proto/message_ttl.h"

enum publish_rollup {
    ROLLUP_NONE,
    ROLLUP_SUBJECT,
    ROLLUP_ALL,
    ROLLUP_INVALID,
};

struct publish_headers {
    struct rill_bytes msg_id; // empty: none; so the others
    struct rill_bytes expected_stream;
    struct rill_bytes expected_last_msg_id;
    struct rill_bytes expected_subject; // whose last sequence is meant; empty: the message's own
    bool expects_last_sequence;
    bool expects_subject_sequence;
    uint64_t expected_last_sequence;
    uint64_t expected_subject_sequence; // 0: there is none of the subject

    enum publish_rollup rollup;
    struct rill_bytes rollup_text;
    int64_t ttl_ns;    // 0: none; or RILL_MESSAGE_TTL_NEVER_NS
    bool ttl_is_wrong; // no duration of a second or more
};

/* Reads the block (may be empty); views point into it. The error is set when a header asks for what no stream of this
   broker does. */
struct rill_js_error publish_headers_read(struct rill_bytes block, struct publish_headers *ret);
/* Appends the block with another time to live. */
enum rill_err publish_headers_set_ttl(struct rill_bytes block, int64_t ttl_ns,
                                      struct rill_buf *out) RILL_MUST_CHECK;
