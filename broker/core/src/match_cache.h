// SPDX-License-Identifier: Apache-2.0
//
// A bounded cache from subject to match. Four-way sets; a subject is admitted when it was asked for twice
// within a short while, so that inboxes that are used once do not push out what is used all the time. Matches
// that are not in the cache come from a small supply of spare ones. Loop thread only.
#pragma once

#include "interest.h"

enum {
    MATCH_CACHE_WAYS = 4,
    MATCH_CACHE_SETS = 4096, // entries at most: WAYS * SETS
};

struct match_cache;

struct match_cache *match_cache_create(void);
/* Nothing may be pinned. */
void match_cache_destroy(struct match_cache *cache);

/* A closed cache takes nothing in, and what it has is wrong. */
void match_cache_set_closed(struct match_cache *cache, bool closed);

/* The match of the subject if it is cached and still right, else NULL. */
struct match *match_cache_find(struct match_cache *cache, uint64_t hash, struct rill_bytes subject);

/* An empty match for the subject, to be filled and offered. */
struct match *match_cache_take_blank(struct match_cache *cache, uint64_t hash, struct rill_bytes subject);
/* Takes the filled match in if its subject has been asked for before; it may be used either way. */
void match_cache_offer(struct match_cache *cache, struct match *match);
/* Takes back a match that is neither cached nor pinned. */
void match_cache_give_back(struct match_cache *cache, struct match *match);

/* Drops the match of one subject, or all of them. */
void match_cache_forget(struct match_cache *cache, uint64_t hash, struct rill_bytes subject);
void match_cache_forget_all(struct match_cache *cache);

/* Grows with every match that was dropped or became wrong. */
uint64_t match_cache_version(const struct match_cache *cache);

uint64_t match_cache_count(const struct match_cache *cache);
void match_cache_fanout(const struct match_cache *cache, uint32_t *ret_max, double *ret_mean);
