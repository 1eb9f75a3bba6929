// SPDX-License-Identifier: Apache-2.0
//
// Removing many messages that are not simply the oldest: one delete for each, so many in each call.
#include "store_impl.h"

enum { DELETES_MAX = 512 }; // in one call

enum rill_err store_purge_one(struct rill_store *store, uint64_t sequence, struct rill_store_purging *purging)
{
    const enum rill_err err = rill_store_append_delete(store, sequence);
    if (err == RILL_ERR_AGAIN)
        purging->load_sequence = sequence;
    if (err && err != RILL_ERR_NOT_FOUND && err != RILL_ERR_DAMAGED)
        return err;
    purging->messages += !err;
    purging->next_sequence = sequence + 1;
    return RILL_OK;
}

enum rill_err rill_store_append_truncate(struct rill_store *store, uint64_t last_kept,
                                         struct rill_store_purging *purging)
{
    enum rill_err err = RILL_OK;
    purging->load_sequence = 0;
    if (purging->next_sequence <= last_kept)
        purging->next_sequence = last_kept + 1;
    for (int i = 0; !err && i < DELETES_MAX; i++) {
        const uint64_t sequence = store_next_live(store, LIVE_OPEN, purging->next_sequence);
        if (sequence > store->open.sequence)
            return RILL_OK;
        err = store_purge_one(store, sequence, purging);
    }
    return err ? err : RILL_ERR_AGAIN;
}
