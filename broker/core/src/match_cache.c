// SPDX-License-Identifier: Apache-2.0
#include "match_cache.h"

#include "base/alloc.h"
#include "base/assert.h"

#include <stdlib.h>

enum {
    DOOR_SLOTS = 4096,       // fingerprints of subjects that were asked for once
    SPARE_MAX = 16,          // matches kept for reuse
    SPARE_RECEIVERS_MAX = 64 // larger ones are freed
};

struct match_set {
    struct match *ways[MATCH_CACHE_WAYS];
};

struct match_cache {
    struct match_set *sets; // made when the first subject is admitted
    uint32_t *door;         // likewise
    bool closed;
    uint64_t epoch; // entries of an earlier epoch are wrong
    uint64_t version;
    uint64_t count;
    struct match *spare;
    uint32_t spare_count;
    uint32_t next_way; // the one that makes room
};

struct match_cache *match_cache_create(void)
{
    return rill_alloc_zero(1, sizeof(struct match_cache));
}

static void match_free(struct match *match)
{
    RILL_ASSERT(match->pins == 0);
    free(match->receivers);
    free(match->subject);
    free(match);
}

void match_cache_destroy(struct match_cache *cache)
{
    for (uint32_t i = 0; cache->sets && i < MATCH_CACHE_SETS; i++) {
        for (uint32_t way = 0; way < MATCH_CACHE_WAYS; way++) {
            if (cache->sets[i].ways[way])
                match_free(cache->sets[i].ways[way]);
        }
    }
    while (cache->spare) {
        struct match *match = cache->spare;
        cache->spare = match->next;
        match_free(match);
    }
    free(cache->sets);
    free(cache->door);
    free(cache);
}

void match_cache_set_closed(struct match_cache *cache, bool closed)
{
    cache->closed = closed;
    match_cache_forget_all(cache);
}

static bool match_is_for(const struct match *match, uint64_t hash, struct rill_bytes subject)
{
    return match->hash == hash && match->subject_len == subject.len &&
           memcmp(match->subject, subject.data, subject.len) == 0;
}

static struct match **way_find(const struct match_cache *cache, uint64_t hash, struct rill_bytes subject)
{
    if (!cache->sets)
        return NULL;
    struct match_set *set = &cache->sets[hash % MATCH_CACHE_SETS];
    for (uint32_t way = 0; way < MATCH_CACHE_WAYS; way++) {
        if (set->ways[way] && match_is_for(set->ways[way], hash, subject))
            return &set->ways[way];
    }
    return NULL;
}

struct match *match_cache_find(struct match_cache *cache, uint64_t hash, struct rill_bytes subject)
{
    struct match **way = way_find(cache, hash, subject);
    return way && (*way)->epoch == cache->epoch ? *way : NULL;
}

/* Takes what stands there out of the cache; a pinned match goes on living until it is unpinned. */
static void way_clear(struct match_cache *cache, struct match **way)
{
    struct match *match = *way;
    *way = NULL;
    match->cached = false;
    cache->count--;
    cache->version++;
    if (match->pins == 0)
        match_cache_give_back(cache, match);
}

struct match *match_cache_take_blank(struct match_cache *cache, uint64_t hash, struct rill_bytes subject)
{
    struct match *match = cache->spare;
    if (match) {
        cache->spare = match->next;
        cache->spare_count--;
        match->next = NULL;
        match->sub_count = match->group_count = 0;
    } else {
        match = rill_alloc_zero(1, sizeof *match);
    }
    match->hash = hash;
    match->epoch = cache->epoch;
    match->subject = rill_alloc_resize(match->subject, 1, subject.len + 1);
    match->subject_len = subject.len;
    if (subject.len)
        memcpy(match->subject, subject.data, subject.len);
    return match;
}

void match_cache_give_back(struct match_cache *cache, struct match *match)
{
    RILL_ASSERT(match->pins == 0 && !match->cached);
    if (cache->spare_count == SPARE_MAX || match->capacity > SPARE_RECEIVERS_MAX) {
        match_free(match);
        return;
    }
    match->next = cache->spare;
    cache->spare = match;
    cache->spare_count++;
}

/* Was the subject asked for a short while ago? Remembers it for the next time. */
static bool door_knock(struct match_cache *cache, uint64_t hash)
{
    const uint32_t fingerprint = (uint32_t)(hash >> 32) | 1;
    uint32_t *slot = &cache->door[hash % DOOR_SLOTS];
    const bool known = *slot == fingerprint;
    *slot = fingerprint;
    return known;
}

void match_cache_offer(struct match_cache *cache, struct match *match)
{
    if (cache->closed)
        return;
    if (!cache->door)
        cache->door = rill_alloc_zero(DOOR_SLOTS, sizeof cache->door[0]);
    if (!door_knock(cache, match->hash))
        return;
    if (!cache->sets)
        cache->sets = rill_alloc_zero(MATCH_CACHE_SETS, sizeof cache->sets[0]);
    const struct rill_bytes subject = rill_bytes_of(match->subject, match->subject_len);
    struct match **way = way_find(cache, match->hash, subject);
    struct match_set *set = &cache->sets[match->hash % MATCH_CACHE_SETS];
    for (uint32_t i = 0; !way && i < MATCH_CACHE_WAYS; i++) {
        if (!set->ways[i] || set->ways[i]->epoch != cache->epoch)
            way = &set->ways[i];
    }
    if (!way)
        way = &set->ways[cache->next_way++ % MATCH_CACHE_WAYS];
    if (*way)
        way_clear(cache, way);
    *way = match;
    match->cached = true;
    cache->count++;
}

void match_cache_forget(struct match_cache *cache, uint64_t hash, struct rill_bytes subject)
{
    struct match **way = way_find(cache, hash, subject);
    if (way)
        way_clear(cache, way);
    cache->version++;
}

void match_cache_forget_all(struct match_cache *cache)
{
    cache->epoch++;
    cache->version++;
}

uint64_t match_cache_version(const struct match_cache *cache)
{
    return cache->version;
}

uint64_t match_cache_count(const struct match_cache *cache)
{
    return cache->count;
}

void match_cache_fanout(const struct match_cache *cache, uint32_t *ret_max, double *ret_mean)
{
    uint64_t sum = 0;
    uint64_t subjects = 0;
    *ret_max = 0;
    for (uint32_t i = 0; cache->sets && i < MATCH_CACHE_SETS * MATCH_CACHE_WAYS; i++) {
        const struct match *match = cache->sets[i / MATCH_CACHE_WAYS].ways[i % MATCH_CACHE_WAYS];
        if (!match || match->epoch != cache->epoch)
            continue;
        const uint32_t fanout = match->sub_count + match->group_count;
        sum += fanout;
        subjects++;
        *ret_max = fanout > *ret_max ? fanout : *ret_max;
    }
    *ret_mean = subjects ? (double)sum / (double)subjects : 0;
}
