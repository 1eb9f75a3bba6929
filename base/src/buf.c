// SPDX-License-Identifier: Apache-2.0
#include "base/buf.h"

#include "base/assert.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { BUF_CAPACITY_MIN = 64 };

void rill_buf_init(struct rill_buf *buf, size_t max)
{
    *buf = (struct rill_buf){.max = max};
}

void rill_buf_fini(struct rill_buf *buf)
{
    free(buf->data);
    rill_buf_init(buf, buf->max);
}

enum rill_err rill_buf_reserve(struct rill_buf *buf, size_t more)
{
    RILL_ASSERT(buf->len <= buf->capacity);
    if (more <= buf->capacity - buf->len)
        return RILL_OK;
    if (buf->len > buf->max || more > buf->max - buf->len)
        return RILL_ERR_LIMIT;
    size_t capacity = buf->capacity < BUF_CAPACITY_MIN ? BUF_CAPACITY_MIN : buf->capacity;
    if (capacity > buf->max)
        capacity = buf->max;
    while (capacity < buf->len + more)
        capacity = capacity > buf->max / 2 ? buf->max : capacity * 2;
    uint8_t *data = realloc(buf->data, capacity);
    if (!data)
        return RILL_ERR_NO_MEMORY;
    buf->data = data;
    buf->capacity = capacity;
    return RILL_OK;
}

enum rill_err rill_buf_append(struct rill_buf *buf, struct rill_bytes bytes)
{
    if (bytes.len == 0)
        return RILL_OK;
    const enum rill_err err = rill_buf_reserve(buf, bytes.len);
    if (err)
        return err;
    memcpy(buf->data + buf->len, bytes.data, bytes.len);
    buf->len += bytes.len;
    return RILL_OK;
}

enum rill_err rill_buf_appendf(struct rill_buf *buf, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const int needed = vsnprintf(NULL, 0, format, args);
    va_end(args);
    RILL_ASSERT(needed >= 0);
    // One byte more than is kept: vsnprintf writes its NUL there.
    const enum rill_err err = rill_buf_reserve(buf, (size_t)needed + 1);
    if (err)
        return err;
    va_start(args, format);
    (void)vsnprintf((char *)buf->data + buf->len, (size_t)needed + 1, format, args);
    va_end(args);
    buf->len += (size_t)needed;
    return RILL_OK;
}

void rill_buf_drop(struct rill_buf *buf, size_t count)
{
    RILL_ASSERT(count <= buf->len);
    buf->len -= count;
    if (buf->len && count)
        memmove(buf->data, buf->data + count, buf->len);
}
