// SPDX-License-Identifier: Apache-2.0
//
// How many subjects a stream has messages of. Few are counted whenever somebody asks; of many the number is that of the last
// walk through all of them, which an asking begins when messages have come or gone since, and which goes on in the
// background. Loop thread only.
#pragma once

#include "base/bytes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct stream;

struct subject_count {
    bool is_known;
    bool is_walking;
    uint64_t count;
    uint64_t as_of_sequence; // the state of the stream that was counted
    uint64_t as_of_messages;
};

/* 0 when it is not known (yet). */
uint64_t stream_subjects_count(struct stream *stream);
/* True when an answer should wait: the first walk since there were few is under way. */
bool stream_subjects_are_awaited(const struct stream *stream);
