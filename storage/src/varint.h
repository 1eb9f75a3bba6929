// SPDX-License-Identifier: Apache-2.0
//
// Numbers in seven bits per byte, the lowest first; the top bit says that another byte follows.
#pragma once

#include "base/buf.h"

static inline enum rill_err varint_put(struct rill_buf *out, uint64_t value)
{
    uint8_t bytes[10];
    size_t len = 0;
    do {
        bytes[len++] = (uint8_t)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
        value >>= 7;
    } while (value);
    return rill_buf_append(out, rill_bytes_of(bytes, len));
}

static inline enum rill_err varint_put_signed(struct rill_buf *out, int64_t value)
{
    return varint_put(out, ((uint64_t)value << 1) ^ (uint64_t)(value >> 63));
}

/* Takes a number off the front of the bytes; false when there is none. */
static inline bool varint_take(struct rill_bytes *bytes, uint64_t *ret)
{
    uint64_t value = 0;
    for (size_t i = 0; i < bytes->len && i < 10; i++) {
        value |= (uint64_t)(bytes->data[i] & 0x7f) << (7 * i);
        if (bytes->data[i] & 0x80)
            continue;
        *bytes = rill_bytes_of(bytes->data + i + 1, bytes->len - i - 1);
        *ret = value;
        return true;
    }
    return false;
}

static inline bool varint_take_signed(struct rill_bytes *bytes, int64_t *ret)
{
    uint64_t value;
    if (!varint_take(bytes, &value))
        return false;
    *ret = (int64_t)((value >> 1) ^ (~(value & 1) + 1));
    return true;
}
