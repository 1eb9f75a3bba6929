// SPDX-License-Identifier: Apache-2.0
//
// What a store has to do when nobody waits for it, one job at a time.
#include "indexing.h"

enum { BACKGROUND_BLOCKS = 4 }; // some milliseconds on the loop thread

static struct rill_store_job *load_fed_block(struct rill_store *store)
{
    struct block *block = indexing_wants_block(store->indexing);
    return block && !block->loading ? store_load_start(store, block) : NULL;
}

struct rill_store_job *rill_store_background_start(struct rill_store *store)
{
    struct rill_store_job *job = rill_store_tidy_start(store);
    if (job || !store->indexing)
        return job;
    indexing_advance(store->indexing, BACKGROUND_BLOCKS);
    if (store->read_only && !rill_store_is_synced(store))
        return NULL; // the index never has what the log may not have
    job = indexing_job_start(store->indexing);
    if (job)
        store_sync_before(store, job);
    return job ? job : load_fed_block(store);
}

enum rill_err rill_store_background_finish(struct rill_store *store, struct rill_store_job *job)
{
    enum rill_err err;
    switch (job->kind) {
    case JOB_LOAD:
        return rill_store_load_finish(store, job);
    default:
        return rill_store_tidy_finish(store, job);
    case JOB_INDEX:
        store_sync_settle(store, job);
        err = indexing_job_finish(store->indexing, job);
        segment_trim(&store->segments, store->committed.segment);
        return err;
    }
}

bool rill_store_index_is_behind(const struct rill_store *store)
{
    const struct indexing *indexing = store->indexing;
    return indexing && indexing_behind_bytes(indexing) >= INDEXING_BEHIND_MAX * indexing->log_bytes;
}
