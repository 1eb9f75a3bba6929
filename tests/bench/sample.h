// SPDX-License-Identifier: Apache-2.0
//
// What is said of many values of one thing: the least, the middle one, the greatest, a percentile.
#pragma once

#include <stddef.h>

struct sample_summary {
    double min;
    double median;
    double max;
};

/* Sorts the values in place, ascending. */
void sample_sort(double *values, size_t count);

/* The smallest value that at least `percent` of all are not above (nearest rank). Sorted, count > 0, 0..100.
 */
double sample_percentile(const double *sorted, size_t count, double percent);

/* The median of an even count is the mean of the two in the middle. Sorts the values in place; count > 0. */
struct sample_summary sample_summarise(double *values, size_t count);
