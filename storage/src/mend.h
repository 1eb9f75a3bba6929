// SPDX-License-Identifier: Apache-2.0
//
// Another index for a store that serves, in the place of one that has failed, and with it the directories of segments that only
// the old one had.
//
// The log up to some commit is replayed as an open would, beside the store and by jobs, a segment each: into a store of its
// own, which nobody else sees, with an index of its own, which has the old one's file. When it is through, the store takes over the
// directories that it misses, and the index, which is fed what was committed meanwhile as any index that is behind.
//
//     indexing_keep     the subjects of deletes are kept from here on
//        │ ...          until all deletes that are not kept are committed, and nothing is being overwritten
//     indexing_end      `committed` is where the replay ends
//        │ job, job, job ...           the store goes on; but no file of it is overwritten, made anew or removed
//     take_over
//
// When no index can be made (the disk is still full) while directories are missing, it is done once more without: so
// reads go on. What the disk cannot read ends it, and it is tried again; only the third time what is there must do.
#pragma once

#include "store_impl.h"

struct mend;

/* NULL is fine. */
void mend_destroy(struct mend *mend);
void mend_job_run(struct mend *mend);
