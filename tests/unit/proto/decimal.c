// SPDX-License-Identifier: Apache-2.0
#include "proto/decimal.h"

#include "base/bytes.h"
#include "base/random.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

TestSuite(decimal);

// Digits are those that parse back to the number, without leading zeros.
Test(decimal, digits_read_back)
{
    static const uint64_t edges[] = {0, 9, 10, 99, 100, 999, 1000, 9999, 10000, UINT64_MAX};
    enum { EDGES = sizeof edges / sizeof edges[0] };
    struct rill_random random = {.state = 3};
    for (unsigned i = 0; i < 10000; i++) {
        const uint64_t number = i < EDGES ? edges[i] : rill_random_next(&random) >> i % 64;
        char text[RILL_DECIMAL_BYTES_MAX];
        const size_t len = rill_decimal_write(number, text);
        uint64_t back = 0;
        cr_assert(rill_bytes_to_u64(rill_bytes_of(text, len), UINT64_MAX, &back));
        cr_expect(back == number && (len == 1 || text[0] != '0'));
    }
}
