// SPDX-License-Identifier: Apache-2.0
//
// The ids of messages that the index has not been fed yet: those of the open commit, of the one in flight, and of what
// is committed and waits. With the index behind them, a duplicate is known from the moment its first was appended.
//
// Their memory is bounded. When the index is behind by more than that, the oldest are dropped, and until it has caught up
// with them nobody can say that an id is new.
#pragma once

#include "storage/store.h"

enum { SEEN_BYTES_MAX = 32 << 20 };

struct seen_id;

struct seen {
    uint64_t bytes;
    uint64_t dropped_to; // sequence of the last one that was dropped
    struct seen_id *by_id;
    struct seen_id *ids; // in the order of their messages
};

/* A message was appended. Notes its id, if it has one and the store remembers ids. */
void seen_note(struct rill_store *store, const struct rill_store_message *message);
struct rill_index_ids;
/* Adds those of committed messages. NO_MEMORY; LIMIT when some were dropped. */
enum rill_err seen_keep(const struct rill_store *store, struct rill_index_ids *ids) RILL_MUST_CHECK;
/* What is not committed was taken back. */
void seen_take_back(struct rill_store *store);
void seen_fini(struct seen *seen);
/* As long as the visitor wants. */
void seen_obey(struct rill_store *store, const struct rill_store_visitor *visitor);
