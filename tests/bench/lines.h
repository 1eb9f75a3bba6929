// SPDX-License-Identifier: Apache-2.0
//
// Messages made in advance: PUB lines with their payloads, of so many subjects in turn, as a ring of bytes. So what a load
// generator does for a message that it sends is next to nothing, and the server is what is measured.
#pragma once

#include "wire.h"

struct lines {
    uint8_t *bytes; // heap
    size_t *ends;   // heap: where message i ends
    uint32_t count; // a multiple of the subjects
    uint32_t next;
};

/* Messages to bench.s0, bench.s1 and so on, each with `payload_bytes` of payload, which ask for an acknowledgement at
   `inbox`. lines_fini is due also on failure. */
enum rill_err lines_init(struct lines *lines, unsigned subjects, const char *inbox,
                         unsigned payload_bytes) RILL_MUST_CHECK;
void lines_fini(struct lines *lines);

/* Sends the next `count` messages. */
enum rill_err lines_send(struct lines *lines, struct wire *wire, uint64_t count,
                         struct rill_error_text *why) RILL_MUST_CHECK;
