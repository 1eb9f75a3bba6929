// SPDX-License-Identifier: Apache-2.0
#include "sample.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

TestSuite(sample);

// The nearest rank: always one of the values, the first one that enough of them are not above.
Test(sample, a_percentile_is_the_value_at_the_nearest_rank)
{
    double hundred[100];
    for (int i = 0; i < 100; i++)
        hundred[i] = i + 1;
    const double three[] = {10, 20, 30};
    cr_expect(eq(dbl, sample_percentile(hundred, 100, 50), 50));
    cr_expect(eq(dbl, sample_percentile(hundred, 100, 99), 99));
    cr_expect(eq(dbl, sample_percentile(hundred, 100, 100), 100));
    cr_expect(eq(dbl, sample_percentile(hundred, 100, 0), 1));
    cr_expect(eq(dbl, sample_percentile(three, 3, 50), 20));
    cr_expect(eq(dbl, sample_percentile(three, 3, 99), 30));
}

// Order of measurement does not matter, and an even count has the mean of its two middle values as median.
Test(sample, a_summary_is_of_the_sorted_values)
{
    double odd[] = {5, 1, 9}, even[] = {4, 1, 3, 2}, one[] = {7};
    const struct sample_summary of_odd = sample_summarise(odd, 3);
    cr_expect(eq(dbl, of_odd.min, 1));
    cr_expect(eq(dbl, of_odd.median, 5));
    cr_expect(eq(dbl, of_odd.max, 9));
    cr_expect(eq(dbl, sample_summarise(even, 4).median, 2.5));
    cr_expect(eq(dbl, sample_summarise(one, 1).median, 7));
}
