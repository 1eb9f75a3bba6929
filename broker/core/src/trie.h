// SPDX-License-Identifier: Apache-2.0
//
// The trie of tokens below interest.h: where subscriptions stand, and the walk that finds those that a subject matches.
// It keeps no cache and frees no subscription. Loop thread only.
#pragma once

#include "interest.h"

struct trie;

/* `seed` makes the hashes of tokens unpredictable to peers. */
struct trie *trie_create(uint64_t seed);
/* All subscriptions must have been removed. */
void trie_destroy(struct trie *trie);

/* The subject is valid, and the subscription stands nowhere yet. */
void trie_insert(struct trie *trie, struct sub *sub);
/* Returns the queue group that it leaves empty, which is the caller's then, or NULL. */
struct interest_group *trie_remove(struct sub *sub);

/* How many tokens; 0 when one of them is empty. */
uint32_t trie_token_count(struct rill_bytes subject);

/* Adds all that the subject matches to the empty match, and what of the subject decided that. */
void trie_walk(struct trie *trie, struct rill_bytes subject, struct match *match);
