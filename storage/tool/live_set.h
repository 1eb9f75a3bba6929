// SPDX-License-Identifier: Apache-2.0
//
// Which messages of a log are live, while it is walked from its front: a bit for each, in chunks where there are any.
#pragma once

#include <stdint.h>

struct live_set;

struct live_set *live_set_create(void);
void live_set_destroy(struct live_set *set);

/* Sequences are added in ascending order. */
void live_set_add(struct live_set *set, uint64_t sequence);
/* Takes one out, if it is there. */
void live_set_remove(struct live_set *set, uint64_t sequence);
/* Takes out all below. */
void live_set_cut(struct live_set *set, uint64_t first_kept);
uint64_t live_set_count(const struct live_set *set);
