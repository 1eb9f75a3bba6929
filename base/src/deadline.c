// SPDX-License-Identifier: Apache-2.0
#include "base/deadline.h"

#include "base/alloc.h"
#include "base/assert.h"

#include <stdlib.h>

void rill_deadlines_fini(struct rill_deadlines *all)
{
    free(all->heap);
    *all = (struct rill_deadlines){0};
}

static void heap_place(struct rill_deadlines *all, uint32_t index, struct rill_deadline *deadline)
{
    all->heap[index] = deadline;
    deadline->slot = index + 1;
}

static void heap_sift_up(struct rill_deadlines *all, uint32_t index, struct rill_deadline *deadline)
{
    while (index > 0) {
        const uint32_t parent = (index - 1) / 2;
        if (all->heap[parent]->at_ns <= deadline->at_ns)
            break;
        heap_place(all, index, all->heap[parent]);
        index = parent;
    }
    heap_place(all, index, deadline);
}

static void heap_sift_down(struct rill_deadlines *all, uint32_t index, struct rill_deadline *deadline)
{
    for (;;) {
        uint32_t child = index * 2 + 1;
        if (child >= all->count)
            break;
        if (child + 1 < all->count && all->heap[child + 1]->at_ns < all->heap[child]->at_ns)
            child++;
        if (deadline->at_ns <= all->heap[child]->at_ns)
            break;
        heap_place(all, index, all->heap[child]);
        index = child;
    }
    heap_place(all, index, deadline);
}

static void heap_settle(struct rill_deadlines *all, uint32_t index, struct rill_deadline *deadline)
{
    if (index > 0 && all->heap[(index - 1) / 2]->at_ns > deadline->at_ns)
        heap_sift_up(all, index, deadline);
    else
        heap_sift_down(all, index, deadline);
}

void rill_deadline_set(struct rill_deadlines *all, struct rill_deadline *deadline, int64_t at_ns)
{
    deadline->at_ns = at_ns;
    if (rill_deadline_armed(deadline)) {
        heap_settle(all, deadline->slot - 1, deadline);
        return;
    }
    if (all->count == all->capacity) {
        all->capacity = all->capacity ? all->capacity * 2 : 16;
        all->heap = rill_alloc_resize(all->heap, all->capacity, sizeof all->heap[0]);
    }
    heap_sift_up(all, all->count++, deadline);
}

void rill_deadline_cancel(struct rill_deadlines *all, struct rill_deadline *deadline)
{
    if (!rill_deadline_armed(deadline))
        return;
    const uint32_t index = deadline->slot - 1;
    RILL_ASSERT(index < all->count && all->heap[index] == deadline);
    deadline->slot = 0;
    struct rill_deadline *last = all->heap[--all->count];
    if (last != deadline)
        heap_settle(all, index, last);
}

int64_t rill_deadlines_next_ns(const struct rill_deadlines *all)
{
    return all->count ? all->heap[0]->at_ns : RILL_NEVER_NS;
}

struct rill_deadline *rill_deadlines_take_due(struct rill_deadlines *all, int64_t mono_ns)
{
    if (!all->count || all->heap[0]->at_ns > mono_ns)
        return NULL;
    struct rill_deadline *due = all->heap[0];
    rill_deadline_cancel(all, due);
    return due;
}
