// SPDX-License-Identifier: Apache-2.0
//
// Decimal digits without printf, for the hot path.
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { RILL_DECIMAL_BYTES_MAX = 20 }; // of UINT64_MAX

/* Writes the digits without a NUL; returns how many. */
static inline size_t rill_decimal_write(uint64_t value, char ret_text[RILL_DECIMAL_BYTES_MAX])
{
    char digits[RILL_DECIMAL_BYTES_MAX];
    size_t start = sizeof digits;
    do {
        digits[--start] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    const size_t len = sizeof digits - start;
    for (size_t i = 0; i < len; i++)
        ret_text[i] = digits[start + i];
    return len;
}
