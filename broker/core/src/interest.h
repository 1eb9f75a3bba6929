// SPDX-License-Identifier: Apache-2.0
//
// Who is interested in what: the subscriptions of one account in a trie of tokens, and a bounded cache of
// what recent subjects matched. Streams and services are receivers in the same trie as clients'
// subscriptions. Loop thread only.
//
//      root ── "orders" ── "new"     subs: [a, b]  groups: [workers: c d e]
//                     └─── "*"       subs: [f]
//                     └─── ">"       subs: [g]
//
// A match is pinned while its user walks over it: subscriptions that end meanwhile are marked dead and stay
// in memory until interest_sweep.
#pragma once

#include "base/bytes.h"
#include "base/random.h"

#include <uthash.h>

struct conn;
struct trie_node;
struct interest_group;
struct message;

/* One subscription: of a client when `conn` is set, else of a part of the broker. Created with its strings
 * behind it. */
struct sub {
    // delivery
    struct conn *conn;                                       // whose output gets the message
    void (*on_message)(void *owner, const struct message *); // instead, for a receiver inside the broker
    void *owner;
    uint64_t delivered_count;
    uint64_t delivered_max; // 0 is unlimited; ends the subscription when reached
    struct rill_bytes sid;
    bool dead;        // ended; kept until the sweep
    bool checks_deny; // its pattern overlaps what its user may not see: asked again at delivery

    // place in the trie
    struct rill_bytes subject;
    struct rill_bytes queue; // empty when not a member of a queue group
    struct trie_node *node;
    struct interest_group *group;
    uint32_t slot; // in the list of the node or the group

    // place at the connection
    struct sub *conn_next;
    struct sub *conn_prev;
    UT_hash_handle by_sid;
    size_t key_len;
    uint8_t key[]; // connection id (8 bytes), sid; behind it subject and queue
};

struct sub *sub_create(uint64_t conn_id, struct rill_bytes sid, struct rill_bytes subject,
                       struct rill_bytes queue);

/* The members of a queue group at one subject. Groups of one name whose subjects match the same message are one group to
   it: one member of them all gets the message. In a match they stand next to each other. */
struct interest_group {
    struct interest_group *next; // among the dead
    struct sub **members;
    uint32_t count;
    uint32_t capacity;
    size_t name_len;
    uint8_t name[];
};

/* What one subject matches. Valid while pinned. */
struct match {
    uint32_t pins;
    bool cached;
    uint64_t epoch;
    uint64_t hash;
    uint32_t sub_count;
    uint32_t group_count;
    uint32_t capacity; // of receivers
    void **receivers;  // sub_count struct sub *, then group_count struct interest_group *
    uint32_t
        token_count; // of the subject; 0: one is empty, which matches nothing, not even ">", as at nats-server
    size_t decided_bytes; // the tokens in front of this were looked up; those behind may be any
    struct match *next;   // in the list of spare ones
    size_t subject_len;
    uint8_t *subject;
};

static inline struct sub *match_sub(const struct match *match, uint32_t index)
{
    return match->receivers[index];
}

static inline struct interest_group *match_group(const struct match *match, uint32_t index)
{
    return match->receivers[match->sub_count + index];
}

/* How many of the groups from `first` on are parts of one: at least 1. */
static inline uint32_t match_group_parts(const struct match *match, uint32_t first)
{
    const struct interest_group *group = match_group(match, first);
    uint32_t parts = 1;
    while (first + parts < match->group_count) {
        const struct interest_group *next = match_group(match, first + parts);
        if (next->name_len != group->name_len || memcmp(next->name, group->name, group->name_len) != 0)
            break;
        parts++;
    }
    return parts;
}

struct interest_stats {
    uint64_t subs;
    uint64_t inserts;
    uint64_t removes;
    uint64_t matches;
    uint64_t cache_hits;
    uint64_t cache_entries;
};

struct interest;

/* `seed` makes the hashes of tokens and subjects unpredictable to peers. */
struct interest *interest_create(uint64_t seed);
/* All subscriptions must have been removed. */
void interest_destroy(struct interest *interest);

/* Without the cache every match is searched for anew. */
void interest_use_cache(struct interest *interest, bool used);

/* Takes the subscription, whose subject is valid. */
void interest_insert(struct interest *interest, struct sub *sub);
/* Takes it out of the trie and marks it dead; interest_sweep frees it. */
void interest_remove(struct interest *interest, struct sub *sub);
/* Frees what is dead. Nobody may be walking over a match, though one that is no longer used may be pinned
 * still. */
void interest_sweep(struct interest *interest);

/* Called behind every change with the subject of the subscription that came or went; it may ask who is interested, not
 * change that. One listener, NULL for none. */
typedef void interest_change_fn(void *context, struct rill_bytes subject);
void interest_listen(struct interest *interest, interest_change_fn *on_change, void *context);

/* Pins what the subject matches; never NULL. The subject is taken as literal, whatever it holds. */
struct match *interest_match(struct interest *interest, struct rill_bytes subject);
void interest_unpin(struct interest *interest, struct match *match);

/* The last match of one who asks again and again: what he asks for next is often the same subject, or one that differs in
   nothing but tokens that no subscription names, as the numbers in the subjects of acknowledgements do. Zeroed at birth. */
struct interest_memo {
    struct match *match; // pinned
    uint64_t version;
};

/* As interest_match, but the match stays pinned for the memo alone, until the next call with it: who walks over it and may
   come here again meanwhile pins it himself. */
struct match *interest_recall(struct interest *interest, struct interest_memo *memo,
                              struct rill_bytes subject);
/* Is due before the interest ends. */
void interest_memo_clear(struct interest *interest, struct interest_memo *memo);

/* Changes whenever any earlier match may have become wrong or been thrown out of the cache. */
uint64_t interest_version(const struct interest *interest);

/* Is anybody interested? */
bool interest_any(struct interest *interest, struct rill_bytes subject);

struct interest_stats interest_stats(const struct interest *interest);
/* The largest and the mean number of receivers of the cached subjects. */
void interest_fanout(const struct interest *interest, uint32_t *ret_max, double *ret_mean);
