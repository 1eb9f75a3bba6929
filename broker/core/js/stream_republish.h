// SPDX-License-Identifier: Apache-2.0
//
// Messages that a stream sends on under another subject when it has stored them, as its configuration wants (republish). What
// is to be sent is noted when it is appended, with the sequence of the one before it of its subject, and goes out when it is
// durable, in order. What a crash comes in between of is stored and never sent. Loop thread only.
#pragma once

#include "base/bytes.h"
#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

struct rill_subject_transform;
struct stream;

struct republish_entry {
    uint64_t sequence;
    uint64_t before; // of the message before it of its subject; 0: none
};

struct republish {
    struct rill_subject_transform *transform; // NULL: nothing is sent on
    struct republish_entry *entries;          // first .. end, in order
    size_t first;
    size_t end;
    size_t capacity;
};

/* The stream has a configuration, perhaps another one. */
void stream_republish_apply(struct stream *stream);
void stream_republish_end(struct stream *stream);

/* A message is about to be appended: what is before it of its subject, when it will be sent on. AGAIN: ask later. */
enum rill_err stream_republish_prepare(struct stream *stream, struct rill_bytes subject, bool *ret_wanted,
                                       uint64_t *ret_before) RILL_MUST_CHECK;
/* It was, with this sequence. */
void stream_republish_note(struct stream *stream, uint64_t sequence, uint64_t before);
/* What was not committed was taken back. */
void stream_republish_take_back(struct stream *stream);
/* Sends what is durable by now, a bounded part. */
void stream_republish_go_on(struct stream *stream);
