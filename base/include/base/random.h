// SPDX-License-Identifier: Apache-2.0
//
// A small, fast, seeded generator (SplitMix64; Steele, Lea and Flood, 2014). Good for choosing and for
// simulation, not for secrets. The same seed gives the same sequence on every machine.
#pragma once

#include <stdint.h>

struct rill_random {
    uint64_t state; // any value is a good seed
};

static inline uint64_t rill_random_next(struct rill_random *random)
{
    uint64_t z = (random->state += UINT64_C(0x9E3779B97F4A7C15));
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

/* A number from 0 to bound - 1; bound > 0. The bias is below bound / 2^32. */
static inline uint32_t rill_random_below(struct rill_random *random, uint32_t bound)
{
    return (uint32_t)(((rill_random_next(random) >> 32) * bound) >> 32);
}

/* True in `numerator` of `denominator` cases. */
static inline int rill_random_chance(struct rill_random *random, uint32_t numerator, uint32_t denominator)
{
    return rill_random_below(random, denominator) < numerator;
}
