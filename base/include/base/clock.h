// SPDX-License-Identifier: Apache-2.0
//
// Time as the broker sees it: handed in with every event, never read by the core. All in nanoseconds.
#pragma once

#include <stdint.h>

#define RILL_NS_PER_US INT64_C(1000)
#define RILL_NS_PER_MS INT64_C(1000000)
#define RILL_NS_PER_S  INT64_C(1000000000)

struct rill_now {
    int64_t mono_ns; // never goes back; for deadlines and durations
    int64_t wall_ns; // since 1970-01-01 UTC; may jump; for timestamps
};

/* A deadline that never comes. */
#define RILL_NEVER_NS INT64_MAX
