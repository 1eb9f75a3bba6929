// SPDX-License-Identifier: Apache-2.0
#include "proto/rfc3339.h"

#include "base/random.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

TestSuite(rfc3339);

static const struct {
    int64_t ns;
    const char *text;
    const char *why;
} canonical[] = {
    {0, "1970-01-01T00:00:00Z", "the epoch has no fraction"},
    {INT64_C(1767323045100000000), "2026-01-02T03:04:05.1Z", "trailing zeros are trimmed"},
    {INT64_C(1767323045000000001), "2026-01-02T03:04:05.000000001Z", "a nanosecond"},
    {INT64_C(1709164800000000000), "2024-02-29T00:00:00Z", "a leap day"},
    {INT64_C(951782400000000000), "2000-02-29T00:00:00Z", "a leap day of a century"},
    {-1, "1969-12-31T23:59:59.999999999Z", "before the epoch"},
    {INT64_MAX, "2262-04-11T23:47:16.854775807Z", "the last time"},
    {INT64_MIN + 1000000000, "1677-09-21T00:12:44.145224192Z", "nearly the first time"},
    {RILL_TIME_ZERO_NS, "0001-01-01T00:00:00Z", "no time"},
};

// A time and its text belong to each other in both directions.
Test(rfc3339, times_are_written_as_go_writes_them)
{
    for (size_t i = 0; i < sizeof canonical / sizeof canonical[0]; i++) {
        char text[RILL_RFC3339_BYTES_MAX];
        const size_t len = rill_rfc3339_format(canonical[i].ns, text);
        cr_expect(rill_bytes_equal_cstr(rill_bytes_of(text, len), canonical[i].text), "%s: %.*s",
                  canonical[i].why, (int)len, text);
        int64_t ns = 42;
        cr_expect(rill_rfc3339_parse(rill_bytes_from_cstr(canonical[i].text), &ns), "%s", canonical[i].why);
        cr_expect(eq(i64, ns, canonical[i].ns), "%s", canonical[i].why);
    }
}

// Offsets are taken off, and digits below a nanosecond are cut.
Test(rfc3339, offsets_and_long_fractions_are_understood)
{
    int64_t ns = 0;
    cr_expect(rill_rfc3339_parse(RILL_BYTES("1970-01-01T02:30:00+02:30"), &ns) && ns == 0);
    cr_expect(rill_rfc3339_parse(RILL_BYTES("1969-12-31T19:00:00-05:00"), &ns) && ns == 0);
    cr_expect(rill_rfc3339_parse(RILL_BYTES("1970-01-01T00:00:00.0000000019999Z"), &ns) && ns == 1);
}

// What is not a time, or not one that fits, is refused.
Test(rfc3339, wrong_times_are_refused)
{
    static const char *const wrong[] = {
        "",
        "2026",
        "2026-01-02",
        "2026-01-02T03:04:05",
        "2026-01-02 03:04:05Z",
        "2026-13-02T03:04:05Z",
        "2026-00-02T03:04:05Z",
        "2026-02-29T03:04:05Z",
        "1900-02-29T03:04:05Z",
        "2026-04-31T03:04:05Z",
        "2026-01-02T24:04:05Z",
        "2026-01-02T03:60:05Z",
        "2026-01-02T03:04:05.Z",
        "2026-01-02T03:04:05Zx",
        "2026-01-02T03:04:05+1:00",
        "2026-01-02t03:04:05z",
        "9999-01-01T00:00:00Z",
        "1500-01-01T00:00:00Z",
        "2262-04-11T23:47:16.854775808Z",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        int64_t ns = 42;
        cr_expect(not(rill_rfc3339_parse(rill_bytes_from_cstr(wrong[i]), &ns)), "%s", wrong[i]);
        cr_expect(eq(i64, ns, 42), "%s", wrong[i]);
    }
}

// Every time comes back from its text, whatever the day.
Test(rfc3339, random_times_survive)
{
    struct rill_random random = {.state = 5};
    for (int i = 0; i < 20000; i++) {
        const int64_t ns = (int64_t)(rill_random_next(&random) >> (i % 8)) / 2;
        char text[RILL_RFC3339_BYTES_MAX];
        const size_t len = rill_rfc3339_format(ns, text);
        int64_t back = 0;
        cr_assert(rill_rfc3339_parse(rill_bytes_of(text, len), &back), "%.*s", (int)len, text);
        cr_assert(eq(i64, back, ns), "%.*s", (int)len, text);
    }
}
