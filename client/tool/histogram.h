// SPDX-License-Identifier: Apache-2.0
//
// How often what took how long, in a fixed piece of memory: 32 buckets for each power of two, so a value is known to within
// three percent. One thread; histograms of several are added.
#pragma once

#include "show.h"

enum { HISTOGRAM_SUB_BITS = 5, HISTOGRAM_BUCKETS = (64 - HISTOGRAM_SUB_BITS + 1) << HISTOGRAM_SUB_BITS };

struct histogram {
    uint64_t count;
    uint64_t min_ns, max_ns;
    uint64_t buckets[HISTOGRAM_BUCKETS];
};

void histogram_add(struct histogram *histogram, uint64_t ns);
void histogram_merge(struct histogram *into, const struct histogram *from);
/* Below or at this were so many parts of all: 0.5 is the median. 0 when it is empty. */
uint64_t histogram_quantile(const struct histogram *histogram, double part);
/* {"count", "min_ns", "p50_ns", "p90_ns", "p99_ns", "p999_ns", "max_ns"} */
json_t *histogram_json(const struct histogram *histogram);
/* A bar for each power of two. */
void histogram_print(const struct histogram *histogram, FILE *out);
