// SPDX-License-Identifier: Apache-2.0
#include "trie.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "proto/subject.h"

#include <stdlib.h>
#include <xxhash.h>

/* One token of some subscription's subject. Its children are an open-addressing table, a power of two large,
   filled to three quarters at most; wildcards stand outside it. */
struct trie_node {
    struct trie_node *parent;
    struct trie_node **children;
    uint32_t child_count;
    uint32_t child_capacity;
    struct trie_node *star; // the child "*"
    struct trie_node *tail; // the child ">"
    struct sub **subs;
    uint32_t sub_count;
    uint32_t sub_capacity;
    uint32_t hash;
    uint32_t group_count;
    uint32_t group_capacity;
    struct interest_group **groups; // sorted by name
    size_t token_len;
    uint8_t token[];
};

/* A place the walk has yet to visit: a node, and the tokens that are still unmatched below it. */
struct walk_step {
    const struct trie_node *node;
    struct rill_bytes rest;
};

struct trie {
    struct trie_node *root;
    uint64_t seed;
    struct walk_step *steps; // the stack of the walk, kept between walks
    uint32_t step_capacity;
};

// ---- lists of subscriptions ----

static void subs_push(struct sub ***list, uint32_t *count, uint32_t *capacity, struct sub *sub)
{
    if (*count == *capacity) {
        *capacity = *capacity ? *capacity * 2 : 1;
        *list = rill_alloc_resize(*list, *capacity, sizeof **list);
    }
    sub->slot = *count;
    (*list)[(*count)++] = sub;
}

static void subs_take(struct sub **list, uint32_t *count, const struct sub *sub)
{
    RILL_ASSERT(sub->slot < *count && list[sub->slot] == sub);
    struct sub *last = list[--*count];
    list[sub->slot] = last;
    last->slot = sub->slot;
}

// ---- nodes ----

static uint32_t token_hash(const struct trie *trie, struct rill_bytes token)
{
    return (uint32_t)XXH3_64bits_withSeed(token.data, token.len, trie->seed);
}

static struct trie_node *node_create(struct trie_node *parent, struct rill_bytes token, uint32_t hash)
{
    struct trie_node *node = rill_alloc_zero(1, sizeof *node + token.len);
    node->parent = parent;
    node->hash = hash;
    node->token_len = token.len;
    if (token.len)
        memcpy(node->token, token.data, token.len);
    return node;
}

static bool node_has_token(const struct trie_node *node, uint32_t hash, struct rill_bytes token)
{
    return node->hash == hash && node->token_len == token.len &&
           memcmp(node->token, token.data, token.len) == 0;
}

static struct trie_node *child_find(const struct trie_node *node, uint32_t hash, struct rill_bytes token)
{
    const uint32_t mask = node->child_capacity - 1;
    for (uint32_t i = hash & mask; node->child_count && node->children[i]; i = (i + 1) & mask) {
        if (node_has_token(node->children[i], hash, token))
            return node->children[i];
    }
    return NULL;
}

static void child_place(struct trie_node *node, struct trie_node *child)
{
    const uint32_t mask = node->child_capacity - 1;
    uint32_t i = child->hash & mask;
    while (node->children[i])
        i = (i + 1) & mask;
    node->children[i] = child;
}

static void child_add(struct trie_node *node, struct trie_node *child)
{
    if ((node->child_count + 1) * 4 > node->child_capacity * 3) {
        struct trie_node **old = node->children;
        const uint32_t old_capacity = node->child_capacity;
        node->child_capacity = old_capacity ? old_capacity * 2 : 2;
        node->children = rill_alloc_zero(node->child_capacity, sizeof old[0]);
        for (uint32_t i = 0; i < old_capacity; i++) {
            if (old[i])
                child_place(node, old[i]);
        }
        free(old);
    }
    child_place(node, child);
    node->child_count++;
}

/* Takes the child out and moves what its place had pushed away back into the hole. */
static void child_take(struct trie_node *node, const struct trie_node *child)
{
    const uint32_t mask = node->child_capacity - 1;
    uint32_t hole = child->hash & mask;
    while (node->children[hole] != child)
        hole = (hole + 1) & mask;
    for (uint32_t i = (hole + 1) & mask; node->children[i]; i = (i + 1) & mask) {
        const uint32_t home = node->children[i]->hash & mask;
        if (((i - home) & mask) >= ((i - hole) & mask)) {
            node->children[hole] = node->children[i];
            hole = i;
        }
    }
    node->children[hole] = NULL;
    node->child_count--;
}

static bool node_is_bare(const struct trie_node *node)
{
    return !node->sub_count && !node->group_count && !node->child_count && !node->star && !node->tail;
}

static void node_free(struct trie_node *node)
{
    free(node->children);
    free(node->subs);
    free(node->groups);
    free(node);
}

/* Frees the node and every ancestor that it leaves without purpose. */
static void node_prune(struct trie_node *node)
{
    while (node->parent && node_is_bare(node)) {
        struct trie_node *parent = node->parent;
        if (parent->star == node)
            parent->star = NULL;
        else if (parent->tail == node)
            parent->tail = NULL;
        else
            child_take(parent, node);
        node_free(node);
        node = parent;
    }
}

/* The node below `node` for this token of a pattern; made when it is not there. */
static struct trie_node *node_descend(const struct trie *trie, struct trie_node *node,
                                      struct rill_bytes token)
{
    struct trie_node **wildcard = NULL;
    if (rill_bytes_equal_cstr(token, "*"))
        wildcard = &node->star;
    else if (rill_bytes_equal_cstr(token, ">"))
        wildcard = &node->tail;
    if (wildcard) {
        if (!*wildcard)
            *wildcard = node_create(node, token, 0);
        return *wildcard;
    }
    const uint32_t hash = token_hash(trie, token);
    struct trie_node *child = child_find(node, hash, token);
    if (!child) {
        child = node_create(node, token, hash);
        child_add(node, child);
    }
    return child;
}

// ---- queue groups ----

static struct rill_bytes group_name(const struct interest_group *group)
{
    return rill_bytes_of(group->name, group->name_len);
}

/* Where the group of this name stands, or would have to stand. */
static uint32_t group_place(const struct trie_node *node, struct rill_bytes name)
{
    uint32_t first = 0;
    uint32_t end = node->group_count;
    while (first < end) {
        const uint32_t middle = first + (end - first) / 2;
        if (rill_bytes_compare(group_name(node->groups[middle]), name) < 0)
            first = middle + 1;
        else
            end = middle;
    }
    return first;
}

static struct interest_group *group_get(struct trie_node *node, struct rill_bytes name)
{
    const uint32_t place = group_place(node, name);
    if (place < node->group_count && rill_bytes_equal(group_name(node->groups[place]), name))
        return node->groups[place];
    struct interest_group *group = rill_alloc_zero(1, sizeof *group + name.len);
    group->name_len = name.len;
    memcpy(group->name, name.data, name.len);
    if (node->group_count == node->group_capacity) {
        node->group_capacity = node->group_capacity ? node->group_capacity * 2 : 1;
        node->groups = rill_alloc_resize(node->groups, node->group_capacity, sizeof node->groups[0]);
    }
    memmove(node->groups + place + 1, node->groups + place,
            (node->group_count - place) * sizeof node->groups[0]);
    node->groups[place] = group;
    node->group_count++;
    return group;
}

static void group_unlink(struct trie_node *node, const struct interest_group *group)
{
    const uint32_t place = group_place(node, group_name(group));
    RILL_ASSERT(node->groups[place] == group);
    node->group_count--;
    memmove(node->groups + place, node->groups + place + 1,
            (node->group_count - place) * sizeof node->groups[0]);
}

// ---- life ----

struct trie *trie_create(uint64_t seed)
{
    struct trie *trie = rill_alloc_zero(1, sizeof *trie);
    trie->seed = seed;
    trie->root = node_create(NULL, rill_bytes_of(NULL, 0), 0);
    return trie;
}

void trie_destroy(struct trie *trie)
{
    RILL_ASSERT(node_is_bare(trie->root));
    node_free(trie->root);
    free(trie->steps);
    free(trie);
}

void trie_insert(struct trie *trie, struct sub *sub)
{
    RILL_ASSERT(!sub->node && rill_subject_is_valid(sub->subject));
    struct trie_node *node = trie->root;
    struct rill_bytes rest = sub->subject;
    while (rest.data)
        node = node_descend(trie, node, rill_subject_next_token(&rest));
    sub->node = node;
    if (sub->queue.len) {
        sub->group = group_get(node, sub->queue);
        subs_push(&sub->group->members, &sub->group->count, &sub->group->capacity, sub);
    } else {
        subs_push(&node->subs, &node->sub_count, &node->sub_capacity, sub);
    }
}

struct interest_group *trie_remove(struct sub *sub)
{
    struct trie_node *node = sub->node;
    struct interest_group *emptied = NULL;
    if (sub->group) {
        subs_take(sub->group->members, &sub->group->count, sub);
        if (!sub->group->count) {
            emptied = sub->group;
            group_unlink(node, emptied);
        }
    } else {
        subs_take(node->subs, &node->sub_count, sub);
    }
    node_prune(node);
    sub->node = NULL;
    return emptied;
}

// ---- matching ----

/* Without branches, so that the compiler looks at many bytes at once: this is asked for every message. */
uint32_t trie_token_count(struct rill_bytes subject)
{
    const uint8_t *at = subject.data;
    const size_t last = subject.len - 1;
    uint32_t dots = 0, empty = 0;
    if (!subject.len || at[0] == '.' || at[last] == '.')
        return 0;
    for (size_t i = 0; i < last; i++) {
        dots += at[i] == '.';
        empty |= (at[i] == '.') & (at[i + 1] == '.');
    }
    return empty ? 0 : dots + 1;
}

/* The walk has looked the token up: another one in its place may match something else. */
static void note_decided(struct match *match, struct rill_bytes subject, struct rill_bytes token)
{
    const size_t end = (size_t)(token.data + token.len - subject.data);
    if (end > match->decided_bytes)
        match->decided_bytes = end;
}

static void walk_push(struct trie *trie, uint32_t *depth, const struct trie_node *node,
                      struct rill_bytes rest)
{
    if (*depth == trie->step_capacity) {
        trie->step_capacity = trie->step_capacity ? trie->step_capacity * 2 : 32;
        trie->steps = rill_alloc_resize(trie->steps, trie->step_capacity, sizeof trie->steps[0]);
    }
    trie->steps[(*depth)++] = (struct walk_step){node, rest};
}

static void receivers_reserve(struct match *match, uint32_t more)
{
    const uint32_t needed = match->sub_count + match->group_count + more;
    if (needed <= match->capacity)
        return;
    while (match->capacity < needed)
        match->capacity = match->capacity ? match->capacity * 2 : 4;
    match->receivers = rill_alloc_resize(match->receivers, match->capacity, sizeof match->receivers[0]);
}

/* Adds what stands at one node. Subscriptions come before groups, so groups move up. */
static void collect(struct match *match, const struct trie_node *node)
{
    receivers_reserve(match, node->sub_count + node->group_count);
    void **groups = match->receivers + match->sub_count;
    if (node->sub_count) {
        memmove(groups + node->sub_count, groups, match->group_count * sizeof groups[0]);
        memcpy(groups, node->subs, node->sub_count * sizeof groups[0]);
        match->sub_count += node->sub_count;
        groups += node->sub_count;
    }
    if (node->group_count)
        memcpy(groups + match->group_count, node->groups, node->group_count * sizeof groups[0]);
    match->group_count += node->group_count;
}

static int by_name(const void *a, const void *b)
{
    return rill_bytes_compare(group_name(*(struct interest_group *const *)a),
                              group_name(*(struct interest_group *const *)b));
}

/* Those of one name are one group to the message, so they stand together. */
static void join_groups(struct match *match)
{
    if (match->group_count > 1)
        qsort(match->receivers + match->sub_count, match->group_count, sizeof match->receivers[0], by_name);
}

/* Depth first, with its own stack: a subject has as many tokens as a peer likes. */
void trie_walk(struct trie *trie, struct rill_bytes subject, struct match *match)
{
    match->decided_bytes = 0;
    match->token_count = trie_token_count(subject);
    if (!match->token_count)
        return;
    uint32_t depth = 0;
    walk_push(trie, &depth, trie->root, subject);
    while (depth) {
        const struct walk_step step = trie->steps[--depth];
        if (!step.rest.data) {
            collect(match, step.node);
            continue;
        }
        struct rill_bytes rest = step.rest;
        const struct rill_bytes token = rill_subject_next_token(&rest);
        if (step.node->tail)
            collect(match, step.node->tail);
        if (step.node->star)
            walk_push(trie, &depth, step.node->star, rest);
        if (!step.node->child_count)
            continue;
        note_decided(match, subject, token);
        const struct trie_node *child = child_find(step.node, token_hash(trie, token), token);
        if (child)
            walk_push(trie, &depth, child, rest);
    }
    join_groups(match);
}
