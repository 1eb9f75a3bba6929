// SPDX-License-Identifier: Apache-2.0
#include "proto/duration.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

TestSuite(duration);

static const struct {
    const char *text;
    bool parses;
    int64_t ns;
    const char *why;
} durations[] = {
    {"0", true, 0, "zero needs no unit"},
    {"5s", true, INT64_C(5000000000), "seconds"},
    {"1h30m", true, INT64_C(5400000000000), "parts are added"},
    {"1.5s", true, INT64_C(1500000000), "a fraction"},
    {".5m", true, INT64_C(30000000000), "a fraction alone"},
    {"1.s", true, INT64_C(1000000000), "a dot alone behind the number"},
    {"-2ms", true, -2000000, "negative"},
    {"+3us", true, 3000, "a plus sign"},
    {"3\xC2\xB5s", true, 3000, "the micro sign"},
    {"7ns", true, 7, "nanoseconds"},
    {"9223372036854775807ns", true, INT64_MAX, "the largest"},
    {"", false, 0, "empty"},
    {"5", false, 0, "no unit"},
    {"s", false, 0, "no number"},
    {".s", false, 0, "a dot is not a number"},
    {"1.2.3s", false, 0, "two dots"},
    {"5 s", false, 0, "a blank"},
    {"5d", false, 0, "days are not a unit"},
    {"--5s", false, 0, "two signs"},
    {"-", false, 0, "a sign alone"},
    {"9223372036854775808ns", false, 0, "one more overflows"},
    {"3000000h", false, 0, "overflows in the unit"},
    {"2562047h2562047h", false, 0, "overflows in the sum"},
};

// Durations are read as Go reads them, and a wrong one changes nothing.
Test(duration, text_is_read_as_go_reads_it)
{
    for (size_t i = 0; i < sizeof durations / sizeof durations[0]; i++) {
        int64_t ns = 0;
        cr_expect(
            eq(int, rill_duration_parse(rill_bytes_from_cstr(durations[i].text), &ns), durations[i].parses),
            "%s", durations[i].why);
        cr_expect(eq(i64, ns, durations[i].ns), "%s", durations[i].why);
    }
}

// Durations are written as Go writes them.
Test(duration, text_is_written_as_go_writes_it)
{
    static const struct {
        int64_t ns;
        const char *text;
    } table[] = {
        {0, "0s"},
        {1, "1ns"},
        {1500, "1.5\xC2\xB5s"},
        {2000000, "2ms"},
        {999999999, "999.999999ms"},
        {1500000000, "1.5s"},
        {90000000000, "1m30s"},
        {3600000000000, "1h0m0s"},
        {-1500000000, "-1.5s"},
        {INT64_MAX, "2562047h47m16.854775807s"},
        {INT64_MIN, "-2562047h47m16.854775808s"},
    };
    char text[RILL_DURATION_BYTES_MAX];
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        cr_expect(eq(str, (char *)rill_duration_write(table[i].ns, text), (char *)table[i].text));
}
