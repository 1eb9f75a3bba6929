// SPDX-License-Identifier: Apache-2.0
#include "proto/decimal.h"

#include <string.h>

/* 00 to 99: two digits cost one division. */
static const char pairs[] = "00010203040506070809101112131415161718192021222324252627282930313233343536373839"
                            "40414243444546474849505152535455565758596061626364656667686970717273747576777879"
                            "8081828384858687888990919293949596979899";

static size_t digits_of(uint64_t value)
{
    size_t digits = 1;
    for (; value >= 10000; value /= 10000)
        digits += 4;
    return digits + (value >= 10) + (value >= 100) + (value >= 1000);
}

size_t rill_decimal_write_long(uint64_t value, char ret_text[RILL_DECIMAL_BYTES_MAX])
{
    const size_t len = digits_of(value);
    char *at = ret_text + len;
    for (; value >= 100; value /= 100) {
        at -= 2;
        memcpy(at, pairs + 2 * (value % 100), 2);
    }
    if (value >= 10)
        memcpy(ret_text, pairs + 2 * value, 2);
    else
        *ret_text = (char)('0' + value);
    return len;
}
