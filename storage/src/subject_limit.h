// SPDX-License-Identifier: Apache-2.0
//
// The limit on the messages of one subject: what an append is refused for, and what a commit removes. See
// subject_limit.c.
#pragma once

#include "storage/store.h"

struct limits;

/* Has this subject as many messages as it may have? False without a limit. AGAIN, UNAVAILABLE, NO_MEMORY. */
enum rill_err subject_limit_is_full(struct rill_store *store, struct rill_bytes subject,
                                    bool *ret_full) RILL_MUST_CHECK;
/* Bytes that an append must leave in its commit. */
uint64_t subject_limit_reserve(const struct rill_store *store);
/* Appends to the open commit what the limit removes. AGAIN: the commit waits for a load, or the index; any other error
   leaves the rest to a later commit. */
enum rill_err subject_limit_apply(struct rill_store *store) RILL_MUST_CHECK;
/* The next load that it waits for; NULL: none, or they are under way. */
struct rill_store_job *subject_limit_load_start(struct rill_store *store);
void subject_limit_load_failed(struct rill_store *store, uint64_t first_sequence, uint64_t last_sequence);
/* Any subject may have too many messages: all are looked at, step by step. */
void subject_limit_look(struct rill_store *store);
void subject_limit_fini(struct limits *limits);
