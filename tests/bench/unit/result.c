// SPDX-License-Identifier: Apache-2.0
#include "result.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

TestSuite(result);

static const struct {
    enum goal_kind kind;
    double limit, ours, theirs; // medians; 0: not measured
    enum verdict verdict;
    const char *why;
} goals[] = {
    {GOAL_RATIO_MIN, 3, 30, 10, VERDICT_MET, "exactly three times as much"},
    {GOAL_RATIO_MIN, 3, 29, 10, VERDICT_MISSED, "not quite three times as much"},
    {GOAL_RATIO_MIN, 3, 29, 0, VERDICT_NONE, "nothing to compare with"},
    {GOAL_RATIO_MIN, 3, 0, 10, VERDICT_NONE, "nothing to compare"},
    {GOAL_RATIO_MAX, 0.6, 25, 50, VERDICT_MET, "half the time"},
    {GOAL_RATIO_MAX, 0.6, 31, 50, VERDICT_MISSED, "more than 0.6 of the time"},
    {GOAL_VALUE_MAX, 6, 6, 0, VERDICT_MET, "a value needs no comparison"},
    {GOAL_VALUE_MAX, 6, 7, 100, VERDICT_MISSED, "nor does one help it"},
    {GOAL_VALUE_MAX, 6, 0, 5, VERDICT_NONE, "not measured"},
    {GOAL_NONE, 0, 5, 5, VERDICT_NONE, "no goal"},
};

// A goal is met or missed by medians, and said to be neither when what it needs was not measured.
Test(result, a_verdict_needs_what_its_goal_is_about)
{
    for (size_t i = 0; i < sizeof goals / sizeof goals[0]; i++) {
        const struct row row = {.goal = {goals[i].kind, goals[i].limit}};
        struct figure ours = {.value = goals[i].ours}, theirs = {.value = goals[i].theirs};
        const struct result result = {.row = &row,
                                      .sides = {{.figures = &ours, .count = goals[i].ours > 0},
                                                {.figures = &theirs, .count = goals[i].theirs > 0}}};
        cr_expect(eq(int, (int)result_verdict(&result), (int)goals[i].verdict), "%s", goals[i].why);
    }
}

// Each column is summed up by itself, and the rounds stay in the order in which they were measured.
Test(result, a_summary_takes_the_median_of_each_column)
{
    struct figure figures[] = {{30, 3, 0.1}, {10, 9, 0.3}, {20, 6, 0.2}};
    const struct side side = {.figures = figures, .count = 3};
    const struct side_summary summary = side_summarise(&side);
    cr_expect(eq(dbl, summary.value.median, 20));
    cr_expect(eq(dbl, summary.server_cpu_ns_per_message, 6));
    cr_expect(eq(dbl, summary.generator_cpu, 0.2));
    cr_expect(eq(dbl, figures[0].value, 30));
}
