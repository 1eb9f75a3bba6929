// SPDX-License-Identifier: Apache-2.0
//
// What the headers of a published message ask of the stream. Pure.
#pragma once

#include "base/bytes.h"
#include "proto/js_error.h"

struct publish_headers {
    struct rill_bytes msg_id; // empty: none; so the others
    struct rill_bytes expected_stream;
    struct rill_bytes expected_last_msg_id;
    bool expects_last_msg_id;
    bool expects_last_sequence;
    uint64_t expected_last_sequence;
};

/* Reads the block (may be empty); views point into it. The error is set when a header asks for what this stream, or
   Rill, does not do. */
struct rill_js_error publish_headers_read(struct rill_bytes block, struct publish_headers *ret);
