// SPDX-License-Identifier: Apache-2.0
#include "scalar.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

TestSuite(config_scalar);

static const struct {
    struct rill_bytes word;
    enum rill_err err;
    int64_t integer;
    const char *why;
} integers[] = {
    {RILL_BYTES("4222"), RILL_OK, 4222, "digits"},
    {RILL_BYTES("-1"), RILL_OK, -1, "a minus"},
    {RILL_BYTES("4k"), RILL_OK, 4000, "k is a thousand"},
    {RILL_BYTES("4KB"), RILL_OK, 4096, "kb is 1024, in any case"},
    {RILL_BYTES("4ki"), RILL_OK, 4096, "ki too"},
    {RILL_BYTES("4KiB"), RILL_OK, 4096, "and kib"},
    {RILL_BYTES("2m"), RILL_OK, 2000000, "m is a million"},
    {RILL_BYTES("1mb"), RILL_OK, 1048576, "mb is 2^20"},
    {RILL_BYTES("1g"), RILL_OK, 1000000000, "g"},
    {RILL_BYTES("1GiB"), RILL_OK, 1073741824, "gib"},
    {RILL_BYTES("1t"), RILL_OK, 1000000000000, "t"},
    {RILL_BYTES("1p"), RILL_OK, 1000000000000000, "p"},
    {RILL_BYTES("7eib"), RILL_OK, INT64_C(7) << 60, "eib, the largest that fits"},
    {RILL_BYTES("8eib"), RILL_ERR_LIMIT, 0, "too large a product"},
    {RILL_BYTES("9223372036854775807"), RILL_OK, INT64_MAX, "the largest"},
    {RILL_BYTES("9223372036854775808"), RILL_ERR_LIMIT, 0, "one more"},
    {RILL_BYTES("10s"), RILL_ERR_NOT_FOUND, 0, "s is no suffix"},
    {RILL_BYTES("1bb"), RILL_ERR_NOT_FOUND, 0, "nor is bb"},
    {RILL_BYTES("1kx"), RILL_ERR_NOT_FOUND, 0, "nor kx"},
    {RILL_BYTES("-"), RILL_ERR_NOT_FOUND, 0, "a minus alone"},
    {RILL_BYTES("k"), RILL_ERR_NOT_FOUND, 0, "a suffix alone"},
    {RILL_BYTES(""), RILL_ERR_NOT_FOUND, 0, "nothing"},
};

// Suffixes of one letter count in thousands, longer ones in 1024s, and what does not fit is said.
Test(config_scalar, suffixes_multiply_by_1000_or_1024)
{
    for (size_t i = 0; i < sizeof integers / sizeof integers[0]; i++) {
        int64_t integer = 0;
        bool suffixed = false;
        const enum rill_err err = config_scalar_integer(integers[i].word, &integer, &suffixed);
        cr_expect(eq(int, (int)err, (int)integers[i].err), "%s", integers[i].why);
        cr_expect(eq(i64, integer, integers[i].integer), "%s", integers[i].why);
    }
}

static const struct {
    struct rill_bytes text;
    enum rill_err err;
    int64_t ns;
    const char *why;
} durations[] = {
    {RILL_BYTES("10s"), RILL_OK, INT64_C(10000000000), "seconds"},
    {RILL_BYTES("2m"), RILL_OK, INT64_C(120000000000), "minutes"},
    {RILL_BYTES("1h30m"), RILL_OK, INT64_C(5400000000000), "units add up"},
    {RILL_BYTES("1.5s"), RILL_OK, INT64_C(1500000000), "a fraction"},
    {RILL_BYTES(".5s"), RILL_OK, INT64_C(500000000), "without a zero"},
    {RILL_BYTES("100ms"), RILL_OK, INT64_C(100000000), "ms is not minutes"},
    {RILL_BYTES("7us"), RILL_OK, 7000, "us"},
    {RILL_BYTES("3ns"), RILL_OK, 3, "ns"},
    {RILL_BYTES("-1s"), RILL_OK, INT64_C(-1000000000), "negative"},
    {RILL_BYTES("0"), RILL_OK, 0, "zero needs no unit"},
    {RILL_BYTES("10"), RILL_ERR_INVALID, 0, "a unit is missing"},
    {RILL_BYTES("10x"), RILL_ERR_INVALID, 0, "an unknown unit"},
    {RILL_BYTES("s"), RILL_ERR_INVALID, 0, "a number is missing"},
    {RILL_BYTES(".s"), RILL_ERR_INVALID, 0, "a dot is no number"},
    {RILL_BYTES(""), RILL_ERR_INVALID, 0, "nothing"},
    {RILL_BYTES("10s "), RILL_ERR_INVALID, 0, "a blank"},
    {RILL_BYTES("9999999h"), RILL_ERR_LIMIT, 0, "longer than 292 years"},
};

// Durations are read as Go reads them.
Test(config_scalar, durations_are_numbers_with_units)
{
    for (size_t i = 0; i < sizeof durations / sizeof durations[0]; i++) {
        int64_t ns = 0;
        const enum rill_err err = config_scalar_duration(durations[i].text, &ns);
        cr_expect(eq(int, (int)err, (int)durations[i].err), "%s", durations[i].why);
        cr_expect(eq(i64, ns, durations[i].ns), "%s", durations[i].why);
    }
}

// Six words are booleans, in any case; all others are not.
Test(config_scalar, booleans_are_six_words_in_any_case)
{
    bool on = false;
    cr_expect(config_scalar_bool(RILL_BYTES("Yes"), &on) && on);
    cr_expect(config_scalar_bool(RILL_BYTES("OFF"), &on) && !on);
    cr_expect(config_scalar_bool(RILL_BYTES("true"), &on) && on);
    cr_expect(not(config_scalar_bool(RILL_BYTES("truex"), &on)));
    cr_expect(not(config_scalar_bool(RILL_BYTES("1"), &on)));
}

// A float has digits on both sides of one dot; an address has more dots and is none.
Test(config_scalar, floats_have_digits_on_both_sides_of_a_dot)
{
    double number = 0;
    cr_expect(config_scalar_float(RILL_BYTES("-2.5"), &number));
    cr_expect(eq(dbl, number, -2.5));
    cr_expect(not(config_scalar_float(RILL_BYTES("127.0.0.1"), &number)));
    cr_expect(not(config_scalar_float(RILL_BYTES("2."), &number)));
    cr_expect(not(config_scalar_float(RILL_BYTES(".5"), &number)));
}

// Only the one form of date that NATS knows is a date.
Test(config_scalar, dates_have_one_form)
{
    cr_expect(config_scalar_is_date(RILL_BYTES("2026-01-31T12:00:00Z")));
    cr_expect(not(config_scalar_is_date(RILL_BYTES("2026-01-31"))));
    cr_expect(not(config_scalar_is_date(RILL_BYTES("2026-01-31T12:00:00+"))));
}
