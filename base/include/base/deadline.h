// SPDX-License-Identifier: Apache-2.0
//
// All deadlines of one owner in one binary heap. A deadline is embedded in the object that it belongs to and
// costs 24 bytes; arming, moving and cancelling are O(log n), the next one is O(1). One thread.
#pragma once

#include "base/clock.h"

#include <stdbool.h>
#include <stddef.h>

struct rill_deadline {
    int64_t at_ns; // monotonic
    uint32_t slot; // place in the heap plus one; 0 when not armed
    uint32_t kind; // the owner's own number: which object this is embedded in
};

struct rill_deadlines {
    struct rill_deadline **heap; // heap[0] is the earliest
    uint32_t count;
    uint32_t capacity;
};

void rill_deadlines_fini(struct rill_deadlines *all);

/* Arms the deadline, or moves it when it is armed already. Aborts when memory is out (a pointer per
 * deadline). */
void rill_deadline_set(struct rill_deadlines *all, struct rill_deadline *deadline, int64_t at_ns);
/* Disarms; harmless when it was not armed. An armed deadline must be cancelled before its memory is freed. */
void rill_deadline_cancel(struct rill_deadlines *all, struct rill_deadline *deadline);

static inline bool rill_deadline_armed(const struct rill_deadline *deadline)
{
    return deadline->slot != 0;
}

/* When the earliest one is due; RILL_NEVER_NS when none is armed. */
int64_t rill_deadlines_next_ns(const struct rill_deadlines *all);
/* Takes the earliest deadline out of the heap if it is due at `mono_ns`, else NULL. */
struct rill_deadline *rill_deadlines_take_due(struct rill_deadlines *all, int64_t mono_ns);
