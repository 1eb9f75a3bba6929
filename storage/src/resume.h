// SPDX-License-Identifier: Apache-2.0
//
// Going on from where the index stands, instead of from the start of the log. The index is believed only as far as the
// log agrees with it: the same segments are there, the position is the end of a block whose records are sound, and a
// sound checkpoint can be reached. Otherwise it is thrown away, and the whole log is replayed into a new one.
#pragma once

#include "catalog.h"
#include "indexing.h"

struct resume {
    bool is_used;
    struct summary at;
    size_t entry; // of the catalog: the segment of the position
    // Of the commits in front of the position, when that is in the last segment:
    uint64_t told_to; // end of the last one that has more than messages
    bool sealed;      // the last one of all
    uint64_t
        head_first; // first sequence of the segments that the index has and the folder no longer; 0: none
};

/* Fills the store's segments and losses from the index, or leaves both empty. NO_MEMORY. */
enum rill_err resume_prepare(struct rill_store *store, const struct catalog *catalog,
                             struct resume *ret) RILL_MUST_CHECK;
enum resume_index { RESUME_WITH_IDS, RESUME_WITHOUT_INDEX };
/* Forgets the segments and losses, and what the index has: but for the ids, or without another one. */
void resume_forget(struct rill_store *store, enum resume_index index);
/* Tells the checkpoint and the events of the last segment in front of the position, when they are in the same. */
enum rill_err resume_tell(struct rill_store *store, const struct catalog *catalog,
                          const struct resume *resume, const struct rill_store_visitor *visitor,
                          struct rill_store_report *report) RILL_MUST_CHECK;
