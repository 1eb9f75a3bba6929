// SPDX-License-Identifier: Apache-2.0
//
// The last connections that were closed, for /connz?state=closed: a ring of bounded size,
// allocated as it fills. Loop thread only.
#pragma once

#include "core/core.h"

struct closed_conn {
    uint64_t id;
    enum rill_conn_kind kind;
    uint16_t port;
    char *address;
    char *name;
    char *lang;
    char *version;
    char *user;
    const char *account; // static
    const char *reason;  // static
    int64_t start_wall_ns;
    int64_t stop_wall_ns;
    int64_t last_activity_wall_ns;
    int64_t rtt_ns;
    uint64_t in_msgs;
    uint64_t in_bytes;
    uint64_t out_msgs;
    uint64_t out_bytes;
    uint32_t sub_count;
};

struct closed_conns {
    struct closed_conn *ring;
    uint32_t count;
    uint32_t capacity;
    uint32_t next; // the place that is written next, once the ring is full
    uint32_t count_max;
};

/* Fewer than before: the oldest are forgotten. */
void closed_conns_set_max(struct closed_conns *all, uint32_t count_max);
/* Takes the strings of `closed`. */
void closed_conns_add(struct closed_conns *all, const struct closed_conn *closed);
/* index 0 is the one closed last; index < all->count. */
const struct closed_conn *closed_conns_at(const struct closed_conns *all, uint32_t index);
void closed_conns_fini(struct closed_conns *all);
