// SPDX-License-Identifier: Apache-2.0
#include "sample.h"

#include "base/assert.h"

#include <stdlib.h>

static int value_compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

void sample_sort(double *values, size_t count)
{
    qsort(values, count, sizeof values[0], value_compare);
}

double sample_percentile(const double *sorted, size_t count, double percent)
{
    RILL_ASSERT(count > 0 && percent >= 0 && percent <= 100);
    const double exact = percent / 100 * (double)count;
    size_t rank = (size_t)exact;
    if ((double)rank < exact)
        rank++;
    return sorted[rank > 0 ? rank - 1 : 0];
}

struct sample_summary sample_summarise(double *values, size_t count)
{
    RILL_ASSERT(count > 0);
    sample_sort(values, count);
    const double median = (values[(count - 1) / 2] + values[count / 2]) / 2;
    return (struct sample_summary){.min = values[0], .median = median, .max = values[count - 1]};
}
