// SPDX-License-Identifier: Apache-2.0
#include "closed_conns.h"

#include "base/alloc.h"
#include "base/assert.h"

#include <stdlib.h>

static void closed_conn_fini(struct closed_conn *closed)
{
    free(closed->address);
    free(closed->name);
    free(closed->lang);
    free(closed->version);
    free(closed->user);
}

void closed_conns_set_max(struct closed_conns *all, uint32_t count_max)
{
    struct closed_conns changed = {.count_max = count_max};
    // Oldest first, so that the newest stay.
    for (uint32_t i = all->count; i-- > 0;)
        closed_conns_add(&changed, closed_conns_at(all, i));
    free(all->ring);
    *all = changed;
}

void closed_conns_add(struct closed_conns *all, const struct closed_conn *closed)
{
    if (all->count_max == 0) {
        struct closed_conn forgotten = *closed;
        closed_conn_fini(&forgotten);
        return;
    }
    if (all->count < all->count_max) {
        if (all->count == all->capacity) {
            all->capacity = all->capacity ? all->capacity * 2 : 16;
            all->ring = rill_alloc_resize(all->ring, all->capacity, sizeof all->ring[0]);
        }
        all->ring[all->count++] = *closed;
        all->next = all->count % all->count_max;
        return;
    }
    closed_conn_fini(&all->ring[all->next]);
    all->ring[all->next] = *closed;
    all->next = (all->next + 1) % all->count_max;
}

const struct closed_conn *closed_conns_at(const struct closed_conns *all, uint32_t index)
{
    RILL_ASSERT(index < all->count);
    const uint32_t newest = (all->next + all->count - 1) % all->count;
    return &all->ring[(newest + all->count - index) % all->count];
}

void closed_conns_fini(struct closed_conns *all)
{
    for (uint32_t i = 0; i < all->count; i++)
        closed_conn_fini(&all->ring[i]);
    free(all->ring);
    *all = (struct closed_conns){0};
}
