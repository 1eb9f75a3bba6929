// SPDX-License-Identifier: Apache-2.0
#include "interest.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "match_cache.h"
#include "proto/subject.h"
#include "trie.h"

#include <stdlib.h>
#include <xxhash.h>

struct interest {
    struct trie *trie;
    struct match_cache *cache;
    uint64_t seed;
    struct sub *dead_subs; // linked by conn_next
    struct interest_group *dead_groups;
    struct interest_stats stats;
    interest_change_fn *on_change; // NULL: nobody wants to know
    void *on_change_context;
};

// ---- subscriptions ----

struct sub *sub_create(uint64_t conn_id, struct rill_bytes sid, struct rill_bytes subject,
                       struct rill_bytes queue)
{
    const size_t key_len = sizeof conn_id + sid.len;
    struct sub *sub = rill_alloc_zero(1, sizeof *sub + key_len + subject.len + queue.len);
    sub->key_len = key_len;
    memcpy(sub->key, &conn_id, sizeof conn_id);
    uint8_t *at = sub->key + sizeof conn_id;
    const struct rill_bytes parts[] = {sid, subject, queue};
    struct rill_bytes *const views[] = {&sub->sid, &sub->subject, &sub->queue};
    for (size_t i = 0; i < 3; i++) {
        if (parts[i].len)
            memcpy(at, parts[i].data, parts[i].len);
        *views[i] = rill_bytes_of(at, parts[i].len);
        at += parts[i].len;
    }
    return sub;
}

// ---- life ----

struct interest *interest_create(uint64_t seed)
{
    struct interest *interest = rill_alloc_zero(1, sizeof *interest);
    interest->seed = seed;
    interest->trie = trie_create(seed);
    interest->cache = match_cache_create();
    return interest;
}

void interest_destroy(struct interest *interest)
{
    if (!interest)
        return;
    interest_sweep(interest);
    trie_destroy(interest->trie);
    match_cache_destroy(interest->cache);
    free(interest);
}

void interest_use_cache(struct interest *interest, bool used)
{
    match_cache_set_closed(interest->cache, !used);
}

/* Earlier matches of what the subscription covers are wrong now. A literal one concerns a single subject. */
static void forget_matches(struct interest *interest, const struct sub *sub)
{
    if (rill_subject_has_wildcard(sub->subject))
        match_cache_forget_all(interest->cache);
    else
        match_cache_forget(interest->cache,
                           XXH3_64bits_withSeed(sub->subject.data, sub->subject.len, interest->seed),
                           sub->subject);
}

void interest_listen(struct interest *interest, interest_change_fn *on_change, void *context)
{
    interest->on_change = on_change;
    interest->on_change_context = context;
}

static void tell_change(const struct interest *interest, const struct sub *sub)
{
    if (interest->on_change)
        interest->on_change(interest->on_change_context, sub->subject);
}

void interest_insert(struct interest *interest, struct sub *sub)
{
    trie_insert(interest->trie, sub);
    forget_matches(interest, sub);
    interest->stats.subs++;
    interest->stats.inserts++;
    tell_change(interest, sub);
}

void interest_remove(struct interest *interest, struct sub *sub)
{
    RILL_ASSERT(sub->node && !sub->dead);
    struct interest_group *emptied = trie_remove(sub);
    if (emptied) {
        emptied->next = interest->dead_groups;
        interest->dead_groups = emptied;
    }
    forget_matches(interest, sub);
    sub->dead = true;
    sub->conn_next = interest->dead_subs;
    interest->dead_subs = sub;
    interest->stats.subs--;
    interest->stats.removes++;
    tell_change(interest, sub);
}

void interest_sweep(struct interest *interest)
{
    while (interest->dead_subs) {
        struct sub *sub = interest->dead_subs;
        interest->dead_subs = sub->conn_next;
        free(sub);
    }
    while (interest->dead_groups) {
        struct interest_group *group = interest->dead_groups;
        interest->dead_groups = group->next;
        free(group->members);
        free(group);
    }
}

// ---- matching ----

struct match *interest_match(struct interest *interest, struct rill_bytes subject)
{
    interest->stats.matches++;
    const uint64_t hash = XXH3_64bits_withSeed(subject.data, subject.len, interest->seed);
    struct match *match = match_cache_find(interest->cache, hash, subject);
    if (match) {
        interest->stats.cache_hits++;
    } else {
        match = match_cache_take_blank(interest->cache, hash, subject);
        trie_walk(interest->trie, subject, match);
        match_cache_offer(interest->cache, match);
    }
    match->pins++;
    return match;
}

void interest_unpin(struct interest *interest, struct match *match)
{
    RILL_ASSERT(match->pins > 0);
    if (--match->pins == 0 && !match->cached)
        match_cache_give_back(interest->cache, match);
}

static bool matches_the_same(const struct match *match, struct rill_bytes subject)
{
    const size_t decided = match->decided_bytes;
    if (subject.len == match->subject_len && memcmp(subject.data, match->subject, subject.len) == 0)
        return true;
    return match->token_count && subject.len >= decided &&
           memcmp(subject.data, match->subject, decided) == 0 &&
           (!decided || subject.len == decided || subject.data[decided] == '.') &&
           trie_token_count(subject) == match->token_count;
}

struct match *interest_recall(struct interest *interest, struct interest_memo *memo,
                              struct rill_bytes subject)
{
    if (memo->match && memo->version == interest_version(interest) && matches_the_same(memo->match, subject))
        return memo->match;
    interest_memo_clear(interest, memo);
    memo->match = interest_match(interest, subject);
    memo->version = interest_version(interest);
    return memo->match;
}

void interest_memo_clear(struct interest *interest, struct interest_memo *memo)
{
    if (memo->match)
        interest_unpin(interest, memo->match);
    memo->match = NULL;
}

uint64_t interest_version(const struct interest *interest)
{
    return match_cache_version(interest->cache);
}

bool interest_any(struct interest *interest, struct rill_bytes subject)
{
    struct match *match = interest_match(interest, subject);
    const bool any = match->sub_count + match->group_count > 0;
    interest_unpin(interest, match);
    return any;
}

struct interest_stats interest_stats(const struct interest *interest)
{
    struct interest_stats stats = interest->stats;
    stats.cache_entries = match_cache_count(interest->cache);
    return stats;
}

void interest_fanout(const struct interest *interest, uint32_t *ret_max, double *ret_mean)
{
    match_cache_fanout(interest->cache, ret_max, ret_mean);
}
