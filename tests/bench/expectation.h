// SPDX-License-Identifier: Apache-2.0
//
// What a subscriber must receive: the same block of MSG lines over and over, every byte of it compared.
// Between two messages, and nowhere else, the server may put a PING.
#pragma once

#include "base/bytes.h"

struct expectation {
    struct rill_bytes block; // not owned; begins with "MSG"
    size_t message_bytes;    // block.len is a multiple of it
    uint64_t matched_bytes;  // of blocks; PINGs do not count
    unsigned pings;          // complete ones
    unsigned ping_matched_bytes;
};

/* Compares the next bytes that came. False when they are not what was to come; it must not be asked again
 * then. */
bool expectation_match(struct expectation *expectation, struct rill_bytes received);
