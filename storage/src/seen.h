// SPDX-License-Identifier: Apache-2.0
//
// The ids of messages that the index has not been fed yet: those of the open commit, of the one in flight, and of what
// is committed and waits. With the index behind them, a duplicate is known from the moment its first was appended.
#pragma once

#include "storage/store.h"

struct seen_id;

struct seen {
    struct seen_id *by_id;
    struct seen_id *ids; // in the order of their messages
};

/* A message was appended. Notes its id, if it has one and the store remembers ids. */
void seen_note(struct rill_store *store, const struct rill_store_message *message);
/* What is not committed was taken back. */
void seen_take_back(struct rill_store *store);
void seen_fini(struct seen *seen);
/* As long as the visitor wants. */
void seen_obey(struct rill_store *store, const struct rill_store_visitor *visitor);
