// SPDX-License-Identifier: Apache-2.0
//
// Which message of a stream somebody means who does not say its sequence. What is found on the way is kept with what was
// asked (asked.h). AGAIN of all these: the step is to wait, and what it waits for is set going. NOT_FOUND; UNAVAILABLE as
// the store. Loop thread only.
#pragma once

#include "asked.h"

/* The message that the request asks for: by sequence (which may be gone), by time, the next one of a pattern, or the last. */
enum rill_err message_find(struct stream *stream, struct asked *asked, const Rill__MsgGetRequest *request,
                           uint64_t *ret_sequence) RILL_MUST_CHECK;

/* The first message of the pattern at or behind `from`; the same pattern in each call for the same `asked`. */
enum rill_err message_find_next(struct stream *stream, struct asked *asked, const char *pattern,
                                uint64_t from, uint64_t *ret_sequence) RILL_MUST_CHECK;
/* How many of the same pattern are at or behind `from`. */
enum rill_err message_count_from(struct stream *stream, struct asked *asked, const char *pattern,
                                 uint64_t from, uint64_t *ret_count) RILL_MUST_CHECK;

static inline bool message_text_is_given(const char *text)
{
    return text && text[0];
}
