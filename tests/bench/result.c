// SPDX-License-Identifier: Apache-2.0
#include "result.h"

#include "base/alloc.h"
#include "base/assert.h"

#include <stdlib.h>

struct side_summary side_summarise(const struct side *side)
{
    RILL_ASSERT(side->count > 0);
    double *values = rill_alloc_zero(side->count, sizeof values[0]);
    struct side_summary summary;
    for (unsigned i = 0; i < side->count; i++)
        values[i] = side->figures[i].value;
    summary.value = sample_summarise(values, side->count);
    for (unsigned i = 0; i < side->count; i++)
        values[i] = side->figures[i].server_cpu_ns_per_message;
    summary.server_cpu_ns_per_message = sample_summarise(values, side->count).median;
    for (unsigned i = 0; i < side->count; i++)
        values[i] = side->figures[i].generator_cpu;
    summary.generator_cpu = sample_summarise(values, side->count).median;
    free(values);
    return summary;
}

static double side_median(const struct side *side)
{
    return side->count ? side_summarise(side).value.median : 0;
}

double result_ratio(const struct result *result)
{
    const double theirs = side_median(&result->sides[SIDE_NATS_SERVER]);
    return theirs > 0 ? side_median(&result->sides[SIDE_RILLD]) / theirs : 0;
}

enum verdict result_verdict(const struct result *result)
{
    const double ratio = result_ratio(result), limit = result->row->goal.limit;
    const bool ours = result->sides[SIDE_RILLD].count > 0;
    switch (result->row->goal.kind) {
    case GOAL_RATIO_MIN:
        return ratio <= 0 ? VERDICT_NONE : ratio >= limit ? VERDICT_MET : VERDICT_MISSED;
    case GOAL_RATIO_MAX:
        return ratio <= 0 ? VERDICT_NONE : ratio <= limit ? VERDICT_MET : VERDICT_MISSED;
    case GOAL_VALUE_MAX:
        return !ours                                              ? VERDICT_NONE
               : side_median(&result->sides[SIDE_RILLD]) <= limit ? VERDICT_MET
                                                                  : VERDICT_MISSED;
    case GOAL_NONE:
        break;
    }
    return VERDICT_NONE;
}
