// SPDX-License-Identifier: Apache-2.0
//
// Snapshots: which files, and how much of each, are the log up to the last commit that has finished. The log
// only grows, so nothing needs to be copied or stopped for one to be consistent; only the segments in it must
// not be removed while somebody copies them.
#include "store_impl.h"

#include "base/alloc.h"
#include "base/assert.h"

#include <stdlib.h>
#include <utlist.h>

struct snapshot {
    struct rill_store_snapshot base;
    uint64_t first_segment; // it and those behind it are not removed
    struct snapshot *prev, *next;
};

uint64_t store_pinned_from(const struct rill_store *store)
{
    uint64_t first = UINT64_MAX;
    const struct snapshot *snapshot;
    DL_FOREACH (store->snapshots, snapshot)
        first = snapshot->first_segment < first ? snapshot->first_segment : first;
    return first;
}

static uint64_t file_bytes(const struct rill_store *store, const struct segment *segment)
{
    const bool is_tail = segment->number == store->committed.segment;
    if (segment->replacing) // it may be either file
        return rewrite_bytes_max(store, segment);
    return is_tail ? store->committed.offset : segment->file_bytes;
}

struct rill_store_snapshot *rill_store_snapshot_create(struct rill_store *store)
{
    const struct segment_table *table = &store->segments;
    const size_t first = store_spent_count(store);
    struct snapshot *snapshot = rill_alloc_zero(1, sizeof *snapshot);
    struct rill_store_snapshot_file *files = rill_alloc_zero(table->count, sizeof *files);
    struct rill_store_snapshot *base = &snapshot->base;
    *base = (struct rill_store_snapshot){.files = files, .last_sequence = store->committed.sequence};
    for (size_t i = first; i < table->count && table->segments[i]->number <= store->committed.segment; i++) {
        const struct segment *segment = table->segments[i];
        struct rill_store_snapshot_file *file = &files[base->file_count++];
        RILL_ASSERT(segment->made);
        segment_name(segment->number, ".seg", file->name);
        file->bytes = file_bytes(store, segment);
    }
    RILL_ASSERT(base->file_count > 0);
    snapshot->first_segment = table->segments[first]->number;
    DL_APPEND(store->snapshots, snapshot);
    return base;
}

void rill_store_snapshot_destroy(struct rill_store *store, struct rill_store_snapshot *base)
{
    struct snapshot *snapshot = (struct snapshot *)base;
    if (!snapshot)
        return;
    DL_DELETE(store->snapshots, snapshot);
    free((void *)(uintptr_t)base->files);
    free(snapshot);
}
