// SPDX-License-Identifier: Apache-2.0
//
// Decimal digits without printf, for the hot path.
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { RILL_DECIMAL_BYTES_MAX = 20 }; // of UINT64_MAX

/* For numbers of three digits and more: rill_decimal_write's other half. */
size_t rill_decimal_write_long(uint64_t value, char ret_text[RILL_DECIMAL_BYTES_MAX]);

/* Writes the digits without a NUL; returns how many. */
static inline size_t rill_decimal_write(uint64_t value, char ret_text[RILL_DECIMAL_BYTES_MAX])
{
    if (value >= 100)
        return rill_decimal_write_long(value, ret_text);
    if (value >= 10)
        *ret_text++ = (char)('0' + value / 10);
    *ret_text = (char)('0' + value % 10);
    return value >= 10 ? 2 : 1;
}
