// SPDX-License-Identifier: Apache-2.0
//
// Seeds and lengths of the randomised tests. RILL_SEED=n runs that one seed; RILL_SEEDS=n runs so many,
// beginning with seed 1. A failure names its seed. RILL_LONG=1 leaves nothing out, RILL_LONG=n takes every n-th where there
// is a choice.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

struct seed_range {
    uint64_t first;
    uint64_t last;
};

/* The seeds to run: `count` of them unless the environment says otherwise. */
static inline struct seed_range seed_range(uint64_t count)
{
    const char *one = getenv("RILL_SEED");
    if (one)
        return (struct seed_range){strtoull(one, NULL, 10), strtoull(one, NULL, 10)};
    const char *many = getenv("RILL_SEEDS");
    return (struct seed_range){1, many ? strtoull(many, NULL, 10) : count};
}

/* Of what is only tried here and there, every n-th: `otherwise` unless the run is a long one. */
static inline uint64_t seed_stride(uint64_t otherwise)
{
    const char *every = getenv("RILL_LONG");
    const uint64_t stride = every ? strtoull(every, NULL, 10) : otherwise;
    return stride ? stride : 1;
}

/* The same; in a long run at least `long_count` of them. */
static inline struct seed_range seed_range_long(uint64_t count, uint64_t long_count)
{
    struct seed_range range = seed_range(count);
    const bool is_more = getenv("RILL_LONG") && !getenv("RILL_SEED") && range.last < long_count;
    return (struct seed_range){range.first, is_more ? long_count : range.last};
}

/* A seed that is another one in each run, unless RILL_SEED says which. The caller prints it. */
static inline uint64_t seed_any(void)
{
    struct timespec now;
    const char *one = getenv("RILL_SEED");
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return one ? strtoull(one, NULL, 10) : (uint64_t)now.tv_nsec;
}
