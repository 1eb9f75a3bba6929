// SPDX-License-Identifier: Apache-2.0
#include "base/bytes.h"

#include <stdlib.h>

int rill_bytes_compare(struct rill_bytes a, struct rill_bytes b)
{
    const size_t common = a.len < b.len ? a.len : b.len;
    const int order = common ? memcmp(a.data, b.data, common) : 0;
    return order ? order : (a.len > b.len) - (a.len < b.len);
}

bool rill_bytes_equal_secret(struct rill_bytes a, struct rill_bytes b)
{
    // Every byte of `a` is visited whatever `b` is, so the time tells the length of `a` at most.
    size_t difference = a.len ^ b.len;
    for (size_t i = 0; i < a.len; i++) {
        const uint8_t other = b.len ? b.data[i % b.len] : 0;
        difference |= (size_t)(a.data[i] ^ other);
    }
    return difference == 0;
}

/* Any number of so many digits is below 2^64. */
enum { DIGITS_THAT_FIT = 19 };

bool rill_bytes_to_u64(struct rill_bytes bytes, uint64_t max, uint64_t *ret)
{
    uint64_t value = 0;
    for (size_t i = 0; i < bytes.len; i++) {
        const unsigned digit = (unsigned)bytes.data[i] - '0';
        if (digit > 9 || (i >= DIGITS_THAT_FIT && value > (UINT64_MAX - digit) / 10))
            return false;
        value = value * 10 + digit;
    }
    if (bytes.len == 0 || value > max)
        return false;
    *ret = value;
    return true;
}

char *rill_bytes_to_cstr(struct rill_bytes bytes)
{
    char *text = malloc(bytes.len + 1);
    if (!text)
        return NULL;
    if (bytes.len)
        memcpy(text, bytes.data, bytes.len);
    text[bytes.len] = '\0';
    return text;
}
