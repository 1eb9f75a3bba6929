// SPDX-License-Identifier: Apache-2.0
//
// What a publisher sends over and over, made in advance: a block of PUB lines, each with its number in its
// payload and with one of N subjects in turn; and beside it the MSG lines that a subscriber of all of them
// gets for one block. Every message of a block has the same length, so whoever counts bytes counts messages.
#pragma once

#include "base/buf.h"

#define LOAD_SUBJECTS_ALL "bench.*"

struct load {
    struct rill_buf pubs;
    struct rill_buf msgs;
    uint64_t messages;        // in a block
    size_t msg_message_bytes; // msgs.len / messages
};

/* A block is of about 128 KiB, and longer when the subjects do not fit into that. load_fini is due also on
 * failure. */
enum rill_err load_init(struct load *load, unsigned subjects, size_t payload_bytes) RILL_MUST_CHECK;
void load_fini(struct load *load);
