// SPDX-License-Identifier: Apache-2.0
#include "command.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

TestSuite(tool_values);

static struct parameter of(enum value_kind kind)
{
    return (struct parameter){.name = "x", .kind = kind, .choices = "old new"};
}

static const struct {
    enum value_kind kind;
    const char *text;
    int64_t number;
    const char *why;
} good[] = {
    {VALUE_COUNT, "0", 0, "zero is a count"},
    {VALUE_COUNT, "9223372036854775807", INT64_MAX, "the largest"},
    {VALUE_LIMIT, "-1", -1, "no limit"},
    {VALUE_BYTES, "512", 512, "bytes without a unit"},
    {VALUE_BYTES, "64K", 65536, "a unit"},
    {VALUE_BYTES, "64k", 65536, "in either case"},
    {VALUE_BYTES, "1MiB", 1 << 20, "in full"},
    {VALUE_BYTES, "2GB", INT64_C(2) << 30, "or half in full"},
    {VALUE_BYTES, "-1", -1, "no limit"},
    {VALUE_DURATION, "1h30m", 5400 * INT64_C(1000000000), "several units"},
    {VALUE_DURATION, "7d", 7 * 86400 * INT64_C(1000000000), "days"},
    {VALUE_DURATION, "0", 0, "zero needs no unit"},
    {VALUE_TIME, "1970-01-01T00:00:01Z", 1000000000, "a time"},
    {VALUE_TIME, "2h", -7200 * INT64_C(1000000000), "a duration is negative"},
    {VALUE_SWITCH, "", 1, "a switch without a value is on"},
    {VALUE_SWITCH, "no", 0, "and can be off"},
    {VALUE_CHOICE, "new", 0, "one of the words"},
    {VALUE_PAIR, "a:", 0, "a value may be empty"},
    {VALUE_SUBJECT, "a.*.>", 0, "a pattern"},
    {VALUE_STREAM, "ORDERS_7-b", 0, "a name"},
};

// What is written as --help says has the value that it means.
Test(tool_values, good_values_are_read)
{
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        const struct parameter row = of(good[i].kind);
        struct value value = {0};
        cr_expect(value_read(&row, good[i].text, &value), "%s: %s", good[i].text, good[i].why);
        cr_expect(eq(i64, value.number, good[i].number), "%s: %s", good[i].text, good[i].why);
    }
}

static const struct {
    enum value_kind kind;
    const char *text;
    const char *why;
} bad[] = {
    {VALUE_COUNT, "", "nothing"},
    {VALUE_COUNT, "-1", "below zero"},
    {VALUE_COUNT, "1.5", "not whole"},
    {VALUE_COUNT, "9223372036854775808", "too large"},
    {VALUE_LIMIT, "-2", "only -1 is no limit"},
    {VALUE_BYTES, "K", "no digits"},
    {VALUE_BYTES, "10X", "no such unit"},
    {VALUE_BYTES, "10Kb", "no such unit"},
    {VALUE_BYTES, "9999999T", "too large"},
    {VALUE_DURATION, "5", "no unit"},
    {VALUE_DURATION, "-5s", "below zero"},
    {VALUE_DURATION, "d", "no digits"},
    {VALUE_DURATION, "999999999d", "too large"},
    {VALUE_TIME, "yesterday", "neither a time nor a duration"},
    {VALUE_TIME, "1969-12-31T23:59:59Z", "before all streams"},
    {VALUE_SWITCH, "maybe", "neither yes nor no"},
    {VALUE_CHOICE, "ol", "a part of a word"},
    {VALUE_CHOICE, "", "nothing"},
    {VALUE_PAIR, "ab", "no colon"},
    {VALUE_PAIR, ":b", "no name"},
    {VALUE_SUBJECT, "a..b", "an empty token"},
    {VALUE_STREAM, "a.b", "a dot"},
    {VALUE_STREAM, "a b", "a blank"},
    {VALUE_STREAM, "a/b", "a slash: it becomes a folder"},
    {VALUE_CONTEXT, "../b", "it becomes a file"},
    {VALUE_KV_BUCKET, "a'b", "a quote"},
};

// Anything else is refused, before a server is asked.
Test(tool_values, bad_values_are_refused)
{
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const struct parameter row = of(bad[i].kind);
        struct value value;
        cr_expect(not(value_read(&row, bad[i].text, &value)), "'%s': %s", bad[i].text, bad[i].why);
    }
}
