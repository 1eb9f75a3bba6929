// SPDX-License-Identifier: Apache-2.0
//
// The publishers that wait for a commit: where each wants its acknowledgement, and of which sequence. Compact, in one
// run of bytes, so that a message costs no allocation. A stream has two, of the commit that fills and of the one that
// is out; they change places. Owned by the stream; loop thread only.
//
//      sequence (8) | duplicate (1) | length of reply (4) | reply      ... and so on
#pragma once

#include "base/buf.h"

enum { PUB_ACKS_BYTES_MAX = 32 << 20 };

struct pub_acks {
    struct rill_buf bytes;
    uint64_t count;
};

struct pub_ack {
    uint64_t sequence;
    bool duplicate;
    struct rill_bytes reply; // into the queue
};

void pub_acks_init(struct pub_acks *acks);
void pub_acks_fini(struct pub_acks *acks);
/* LIMIT, NO_MEMORY. */
enum rill_err pub_acks_add(struct pub_acks *acks, const struct pub_ack *ack) RILL_MUST_CHECK;
void pub_acks_clear(struct pub_acks *acks);
void pub_acks_swap(struct pub_acks *a, struct pub_acks *b);

/* Visits all in order: start with an offset of 0. False at the end. */
bool pub_acks_next(const struct pub_acks *acks, size_t *offset, struct pub_ack *ret_ack);
