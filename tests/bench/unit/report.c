// SPDX-License-Identifier: Apache-2.0
#include "report.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

TestSuite(report);

static const struct {
    double number;
    const char *text;
} numbers[] = {
    {0, "0.000"},      {0.5123, "0.512"},   {1, "1.00"},        {9.994, "9.99"},
    {9.996, "10.0"},   {99.96, "100"},      {999.4, "999"},     {999.6, "1.00 k"},
    {18432, "18.4 k"}, {12.06e6, "12.1 M"}, {-2048, "-2.05 k"}, {5e12, "5000 G"},
};

// Three digits that count, also where rounding carries into the next unit.
Test(report, numbers_have_three_significant_digits)
{
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        char text[REPORT_NUMBER_BYTES];
        report_format_number(numbers[i].number, text);
        cr_expect(eq(str, text, (char *)numbers[i].text));
    }
}

static const struct row row = {.name = "a row", .unit = "msg/s", .goal = {GOAL_RATIO_MIN, 3}};
static const struct options options = {.rounds = 2, .seconds = 1, .subjects = 1};
static const struct server_program programs[SIDES] = {{.name = "rilld"}, {.name = "nats-server"}};
static struct figure ours[] = {{40e6, 20, 0.5}, {44e6, 22, 0.6}}, theirs[] = {{10e6, 100, 0.1}};

static struct report report_of(const struct result *result)
{
    return (struct report){&options, programs, result, 1};
}

// The table shows both servers, the ratio of their medians, the goal, what became of it, and a round that
// failed.
Test(report, a_table_shows_ratio_goal_and_failures)
{
    const struct result result = {
        &row,
        {{.figures = ours, .count = 2}, {.figures = theirs, .count = 1, .failures = 1, .why = {"it broke"}}}};
    const struct report report = report_of(&result);
    char *text = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&text, &size);
    report_print_table(&report, file);
    (void)fclose(file);
    static const char *const parts[] = {"40.0 M   42.0 M   44.0 M", "21 ns", "55 %", "4.20x", ">= 3x", "met",
                                        "FAILED 1 times: it broke"};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        cr_expect(strstr(text, parts[i]) != NULL, "no '%s' in:\n%s", parts[i], text);
    free(text);
}

// The JSON can be read back, has every round, and leaves out a server that was not measured.
Test(report, json_has_every_round_of_what_was_measured)
{
    const struct result result = {&row, {{.figures = ours, .count = 2}}};
    const struct report report = report_of(&result);
    char *text = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&text, &size);
    cr_expect(eq(int, report_write_json(&report, file), RILL_OK));
    (void)fclose(file);
    json_t *root = json_loads(text, 0, NULL);
    const json_t *object = json_array_get(json_object_get(root, "rows"), 0);
    const json_t *rilld = json_object_get(object, "rilld");
    cr_expect(eq(sz, json_array_size(json_object_get(rilld, "rounds")), 2));
    cr_expect(eq(dbl, json_real_value(json_object_get(rilld, "median")), 42e6));
    cr_expect(json_object_get(object, "nats-server") == NULL);
    json_decref(root);
    free(text);
}
