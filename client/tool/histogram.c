// SPDX-License-Identifier: Apache-2.0
#include "histogram.h"

#include "base/assert.h"
#include "proto/duration.h"

#include <inttypes.h>
#include <stdlib.h>

enum { SUBS = 1 << HISTOGRAM_SUB_BITS, BAR_WIDTH = 50 };

static unsigned exponent_of(uint64_t ns)
{
    return 63u - (unsigned)__builtin_clzll(ns);
}

static size_t bucket_of(uint64_t ns)
{
    if (ns < SUBS)
        return (size_t)ns;
    const unsigned shift = exponent_of(ns) - HISTOGRAM_SUB_BITS;
    return ((size_t)(shift + 1) << HISTOGRAM_SUB_BITS) + (size_t)((ns >> shift) & (SUBS - 1));
}

/* The highest value that falls into it. */
static uint64_t bucket_end(size_t bucket)
{
    if (bucket < SUBS)
        return bucket;
    const unsigned shift = (unsigned)(bucket >> HISTOGRAM_SUB_BITS) - 1;
    const uint64_t begin = ((uint64_t)SUBS + (bucket & (SUBS - 1))) << shift;
    return begin + ((UINT64_C(1) << shift) - 1);
}

void histogram_add(struct histogram *histogram, uint64_t ns)
{
    const size_t bucket = bucket_of(ns);
    RILL_ASSERT(bucket < HISTOGRAM_BUCKETS && ns <= bucket_end(bucket));
    histogram->buckets[bucket]++;
    if (histogram->count++ == 0 || ns < histogram->min_ns)
        histogram->min_ns = ns;
    if (ns > histogram->max_ns)
        histogram->max_ns = ns;
}

void histogram_merge(struct histogram *into, const struct histogram *from)
{
    if (from->count == 0)
        return;
    if (into->count == 0 || from->min_ns < into->min_ns)
        into->min_ns = from->min_ns;
    if (from->max_ns > into->max_ns)
        into->max_ns = from->max_ns;
    into->count += from->count;
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
        into->buckets[i] += from->buckets[i];
}

uint64_t histogram_quantile(const struct histogram *histogram, double part)
{
    const uint64_t wanted = (uint64_t)(part * (double)histogram->count);
    uint64_t seen = 0;
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += histogram->buckets[i];
        if (seen > wanted)
            return bucket_end(i) < histogram->max_ns ? bucket_end(i) : histogram->max_ns;
    }
    return histogram->max_ns;
}

json_t *histogram_json(const struct histogram *histogram)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "count", (json_int_t)histogram->count, "min_ns",
                     (json_int_t)histogram->min_ns, "p50_ns", (json_int_t)histogram_quantile(histogram, 0.5),
                     "p90_ns", (json_int_t)histogram_quantile(histogram, 0.9), "p99_ns",
                     (json_int_t)histogram_quantile(histogram, 0.99), "p999_ns",
                     (json_int_t)histogram_quantile(histogram, 0.999), "max_ns",
                     (json_int_t)histogram->max_ns);
}

static uint64_t count_of_power(const struct histogram *histogram, unsigned exponent)
{
    const size_t begin = bucket_of(UINT64_C(1) << exponent);
    const size_t end = exponent < 63 ? bucket_of(UINT64_C(1) << (exponent + 1)) : HISTOGRAM_BUCKETS;
    uint64_t count = 0;
    for (size_t i = begin; i < end; i++)
        count += histogram->buckets[i];
    return count;
}

static void print_power(FILE *out, unsigned exponent, uint64_t count, uint64_t most)
{
    static const char bar[] = "##################################################";
    json_t *value = json_integer((json_int_t)(UINT64_C(1) << exponent));
    char *text = show_text(value, SHOW_DURATION);
    json_decref(value);
    const int filled = most ? (int)((count * BAR_WIDTH + most - 1) / most) : 0;
    (void)fprintf(out, "  %12s %9" PRIu64 " %.*s\n", text, count, filled, bar);
    free(text);
}

void histogram_print(const struct histogram *histogram, FILE *out)
{
    if (histogram->count == 0)
        return;
    const unsigned first = exponent_of(histogram->min_ns | 1);
    const unsigned last = exponent_of(histogram->max_ns | 1);
    uint64_t most = 0;
    for (unsigned i = first; i <= last; i++)
        most = count_of_power(histogram, i) > most ? count_of_power(histogram, i) : most;
    for (unsigned i = first; i <= last; i++)
        print_power(out, i, count_of_power(histogram, i), most);
}
