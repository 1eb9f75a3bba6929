// SPDX-License-Identifier: Apache-2.0
//
// A store and its workers in one thread: what the loop and a disk worker of the broker do in turns is done here in one
// call, with all the loads that it needs in between. For tests that care about what a store answers, not about what is
// in flight meanwhile.
#pragma once

#include "storage/store.h"

/* A small store with an index that remembers ids for good and writes a batch after so much of the log. */
struct rill_store_options drive_indexed_options(struct rill_disk *disk, const char *folder,
                                                uint64_t index_log_bytes);

/* Starts a commit, with the loads that it waits for. NULL when there is nothing to commit, or one is in flight. */
struct rill_store_job *drive_commit_start(struct rill_store *store);
/* Runs a commit that was started. Its outcome. */
enum rill_err drive_commit_end(struct rill_store *store, struct rill_store_job *job) RILL_MUST_CHECK;
/* Both. NOT_FOUND when there is nothing to commit. */
enum rill_err drive_commit(struct rill_store *store) RILL_MUST_CHECK;

/* Loads the block of a sequence. NOT_FOUND when there is nothing to load. */
enum rill_err drive_load(struct rill_store *store, uint64_t sequence) RILL_MUST_CHECK;
/* As the calls of these names, which are made again after a load until they no longer say AGAIN. */
enum rill_err drive_read(struct rill_store *store, uint64_t sequence,
                         struct rill_store_message *ret) RILL_MUST_CHECK;
enum rill_err drive_delete(struct rill_store *store, uint64_t sequence) RILL_MUST_CHECK;
enum rill_err drive_erase(struct rill_store *store, uint64_t sequence) RILL_MUST_CHECK;
enum rill_err drive_purge(struct rill_store *store, uint64_t first_kept,
                          struct rill_store_purged *ret) RILL_MUST_CHECK;
/* Until nothing is left to do, at this time or before the next commit. */
enum rill_err drive_expire(struct rill_store *store, int64_t now_ns, rill_store_gone_fn *visit, void *context,
                           struct rill_store_expired *ret) RILL_MUST_CHECK;
enum rill_err drive_at_time(struct rill_store *store, int64_t time_ns,
                            uint64_t *ret_sequence) RILL_MUST_CHECK;

/* The next piece of work in the background. NOT_FOUND when there is none. */
enum rill_err drive_work(struct rill_store *store) RILL_MUST_CHECK;
/* All of it. The first error ends it. */
enum rill_err drive_background(struct rill_store *store) RILL_MUST_CHECK;
/* The next piece of mending. NOT_FOUND when there is none. */
enum rill_err drive_mend(struct rill_store *store) RILL_MUST_CHECK;
/* All of it, with what must be done in front of it. OK, also when there is nothing to mend; the first error ends it. */
enum rill_err drive_mending(struct rill_store *store) RILL_MUST_CHECK;
/* The next piece of tidying. NOT_FOUND when there is none. */
enum rill_err drive_tidy(struct rill_store *store) RILL_MUST_CHECK;

struct rill_store_state drive_state(const struct rill_store *store);
