// SPDX-License-Identifier: Apache-2.0
//
// A check that runs over a file store and over a memory store, and the small words that checks are made of.
// What they expect not to fail they assert.
#pragma once

#include "storage/store.h"

struct stores_side {
    const char *name;
    struct rill_store_options options; // a small cache and small segments
    struct rill_store *store;          // created, and empty
    struct rill_error_text why;
};

void stores_each(void (*check)(struct stores_side *side));

/* Closes the store and opens it again. */
void stores_reopen(struct stores_side *side, const struct rill_store_visitor *visitor);
/* Returns the sequence. The subject, and a payload as long as told. */
uint64_t stores_append(struct stores_side *side, const char *subject, size_t payload_bytes);
void stores_append_many(struct stores_side *side, const char *subject, size_t count, size_t payload_bytes);
void stores_commit(struct stores_side *side);
/* Loads the block of a sequence if that is what the store waits for. False when there is nothing to load. */
bool stores_load(struct stores_side *side, uint64_t sequence);
/* All the work there is in the background. */
void stores_background(struct stores_side *side);
/* Reads by all means. */
enum rill_err stores_read(struct stores_side *side, uint64_t sequence, struct rill_store_message *ret);
enum rill_err stores_delete(struct stores_side *side, uint64_t sequence);
uint64_t stores_purge(struct stores_side *side, uint64_t first_kept);
struct rill_store_state stores_state(const struct stores_side *side);
