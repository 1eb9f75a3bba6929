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

void closed_conns_add(struct closed_conns *all, const struct closed_conn *closed)
{
    if (all->count < CLOSED_CONNS_MAX) {
        if (all->count == all->capacity) {
            all->capacity = all->capacity ? all->capacity * 2 : 16;
            all->ring = rill_alloc_resize(all->ring, all->capacity, sizeof all->ring[0]);
        }
        all->ring[all->count++] = *closed;
        all->next = all->count % CLOSED_CONNS_MAX;
        return;
    }
    closed_conn_fini(&all->ring[all->next]);
    all->ring[all->next] = *closed;
    all->next = (all->next + 1) % CLOSED_CONNS_MAX;
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
