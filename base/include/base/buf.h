// SPDX-License-Identifier: Apache-2.0
//
// An owning, growing run of bytes that was given its maximum at birth. One owner, one thread.
#pragma once

#include "base/bytes.h"
#include "base/err.h"

struct rill_buf {
    uint8_t *data; // heap, or NULL while capacity is 0
    size_t len;
    size_t capacity;
    size_t max; // bytes; growing past it is RILL_ERR_LIMIT
};

void rill_buf_init(struct rill_buf *buf, size_t max);
/* Frees the memory; the buffer is empty afterwards and may be used again. */
void rill_buf_fini(struct rill_buf *buf);

/* Makes room for `more` bytes behind `len`, so that they may be written in place and `len` raised by hand.
   LIMIT past the maximum, NO_MEMORY; the content is untouched on failure. */
enum rill_err rill_buf_reserve(struct rill_buf *buf, size_t more) RILL_MUST_CHECK;

enum rill_err rill_buf_append(struct rill_buf *buf, struct rill_bytes bytes) RILL_MUST_CHECK;
enum rill_err rill_buf_appendf(struct rill_buf *buf, const char *format, ...) RILL_MUST_CHECK
    __attribute__((format(printf, 2, 3)));

/* Drops the first `count` bytes, count <= len; what follows moves to the front. */
void rill_buf_drop(struct rill_buf *buf, size_t count);

static inline struct rill_bytes rill_buf_bytes(const struct rill_buf *buf)
{
    return rill_bytes_of(buf->data, buf->len);
}
