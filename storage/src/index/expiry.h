// SPDX-License-Identifier: Apache-2.0
//
// The messages of a batch that expire: a list in the order of the log for the job, and a heap with the earliest on
// top for the batch's owner. What was deleted stays in both until it comes to the top; whoever reads them asks.
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct expiry {
    int64_t expire_ns;
    uint32_t message; // index in the batch's messages
};

struct expiry_list {
    struct expiry *listed; // as fed
    uint32_t listed_count, listed_capacity;
    struct expiry *heap; // by (expire_ns, message); of the owner's thread alone
    uint32_t heap_count, heap_capacity;
};

/* NO_MEMORY: nothing happened. */
enum rill_err expiry_add(struct expiry_list *list, const struct expiry *expiry) RILL_MUST_CHECK;
void expiry_fini(struct expiry_list *list);
uint64_t expiry_bytes(const struct expiry_list *list);
/* Removes the top of the heap, which must not be empty. */
void expiry_pop(struct expiry_list *list);

/* Goes through the heap in its order and leaves it as it is; the cost of a step grows with the logarithm of the
   steps before it. */
struct expiry_walk {
    const struct expiry_list *list;
    uint32_t *places; // in the heap; itself a heap
    uint32_t count, capacity;
};
void expiry_walk_init(struct expiry_walk *walk, const struct expiry_list *list);
void expiry_walk_fini(struct expiry_walk *walk);
/* The next one; false at the end. */
bool expiry_walk_top(const struct expiry_walk *walk, struct expiry *ret);
/* Goes behind it. NO_MEMORY. */
enum rill_err expiry_walk_step(struct expiry_walk *walk) RILL_MUST_CHECK;
