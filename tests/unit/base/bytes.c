// SPDX-License-Identifier: Apache-2.0
#include "base/bytes.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>

TestSuite(bytes);

static const struct {
    struct rill_bytes text;
    uint64_t max;
    bool parses;
    uint64_t value;
    const char *why;
} numbers[] = {
    {RILL_BYTES("0"), 10, true, 0, "zero"},
    {RILL_BYTES("007"), 10, true, 7, "leading zeros"},
    {RILL_BYTES("18446744073709551615"), UINT64_MAX, true, UINT64_MAX, "the largest"},
    {RILL_BYTES("18446744073709551616"), UINT64_MAX, false, 0, "one more overflows"},
    {RILL_BYTES("99999999999999999999999"), UINT64_MAX, false, 0, "far more overflows"},
    {RILL_BYTES("11"), 10, false, 0, "above the maximum"},
    {RILL_BYTES(""), 10, false, 0, "empty"},
    {RILL_BYTES("-1"), 10, false, 0, "a sign"},
    {RILL_BYTES("1 "), 10, false, 0, "a blank"},
};

// Only digits are a number, and a number above the maximum is refused without wrapping around.
Test(bytes, numbers_are_digits_within_the_maximum)
{
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        uint64_t value = 0;
        cr_expect(eq(int, rill_bytes_to_u64(numbers[i].text, numbers[i].max, &value), numbers[i].parses),
                  "%s", numbers[i].why);
        cr_expect(eq(u64, value, numbers[i].value), "%s", numbers[i].why);
    }
}

// Order is that of memcmp, and a prefix comes before what it begins.
Test(bytes, a_prefix_sorts_before_what_it_begins)
{
    cr_expect(rill_bytes_compare(RILL_BYTES("ab"), RILL_BYTES("abc")) < 0);
    cr_expect(rill_bytes_compare(RILL_BYTES("b"), RILL_BYTES("abc")) > 0);
    cr_expect(rill_bytes_compare(RILL_BYTES(""), RILL_BYTES("")) == 0);
}

// The comparison for secrets gives the same answers as the ordinary one.
Test(bytes, secrets_compare_like_other_bytes)
{
    cr_expect(rill_bytes_equal_secret(RILL_BYTES("s3cret"), RILL_BYTES("s3cret")));
    cr_expect(not(rill_bytes_equal_secret(RILL_BYTES("s3cret"), RILL_BYTES("s3creT"))));
    cr_expect(not(rill_bytes_equal_secret(RILL_BYTES("abab"), RILL_BYTES("ab"))));
    cr_expect(not(rill_bytes_equal_secret(RILL_BYTES("ab"), RILL_BYTES(""))));
    cr_expect(rill_bytes_equal_secret(RILL_BYTES(""), RILL_BYTES("")));
}

// A C string copy holds the same bytes and a NUL behind them.
Test(bytes, a_cstr_copy_is_terminated)
{
    char *text = rill_bytes_to_cstr(RILL_BYTES("rill"));
    cr_expect(eq(str, text, "rill"));
    free(text);
    cr_expect(eq(sz, rill_bytes_from(RILL_BYTES("rill"), 9).len, 0));
}
