// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

TestSuite(log);

struct captured {
    int count;
    char last[2048];
};

static void capture(void *context, enum rill_log_level level, const char *line)
{
    struct captured *captured = context;
    captured->count++;
    (void)strcpy(captured->last, line);
}

// Lines above the level are not written, the others are formatted once.
Test(log, lines_above_the_level_are_dropped)
{
    struct captured captured = {0};
    const struct rill_log_sink sink = {capture, &captured, RILL_LOG_INFO};
    rill_log(&sink, RILL_LOG_DEBUG, "no");
    rill_log(&sink, RILL_LOG_INFO, "order %d", 7);
    cr_expect(eq(int, captured.count, 1));
    cr_expect(eq(str, captured.last, "order 7"));
}

// A line that is too long is cut and says so.
Test(log, long_lines_are_cut_with_dots)
{
    struct captured captured = {0};
    const struct rill_log_sink sink = {capture, &captured, RILL_LOG_INFO};
    rill_log(&sink, RILL_LOG_INFO, "%2000d", 1);
    cr_expect(eq(sz, strlen(captured.last), 1023));
    cr_expect(eq(str, captured.last + 1020, "..."));
    cr_expect(eq(str, (char *)rill_log_level_tag(RILL_LOG_WARN), "WRN"));
}
