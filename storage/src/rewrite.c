// SPDX-License-Identifier: Apache-2.0
//
// Which segment is to be made anew, and the two jobs. Never the last one, never one with damage, and none that the marks
// still point into.
#include "rewrite.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "indexing.h"
#include "io.h"

#include <stdlib.h>

enum {
    REWRITE_SEQUENCES_MAX = 1 << 28, // a bit for each while it lasts
    REWRITE_LOOK_PART = 16,          // of a segment's bytes must have been deleted before it is looked again
};

// ---- which one ----

static bool has_losses(const struct rill_store *store, uint64_t first, uint64_t end)
{
    for (size_t i = 0; i < store->lost.count; i++) {
        const struct rill_store_range *range = &store->lost.ranges[i];
        if (range->first_sequence < end && range->last_sequence >= first)
            return true;
    }
    return false;
}

/* To be done by making it anew; or in the file, where it may have been tried and be half done. */
static bool has_erasure(const struct rill_store *store, const struct segment *segment, bool in_file)
{
    for (size_t i = 0; i < store->erasure_count; i++) {
        const struct erasure *one = &store->erasures[i];
        if (one->erase.segment == segment->number && (one->erase.offset != 0) == in_file && !one->done &&
            one->commit <= store->committed.commit)
            return true;
    }
    return false;
}

static bool is_erasing(const struct rill_store *store)
{
    for (size_t i = 0; i < store->erasure_count; i++) {
        if (!store->erasures[i].done)
            return true;
    }
    return false;
}

/* Are all marks behind it? */
static bool is_left(const struct rill_store *store, const struct segment *segment)
{
    const struct log_mark *committed = &store->committed;
    return committed->segment > segment->number &&
           (!committed->block || committed->block->segment->number > segment->number);
}

static bool is_free(const struct rill_store *store, const struct segment *segment)
{
    return !segment->keep && segment->format && is_left(store, segment) &&
           segment->number < store_pinned_from(store) &&
           (!store->indexing || indexing_is_past(store->indexing, segment->number));
}

static bool is_wanted(const struct rill_store *store, const struct segment *segment)
{
    if (store->compress && segment->format != SEGMENT_VERSION_PACKED)
        return true;
    return segment->gone_bytes > segment_live_bytes(segment) || has_erasure(store, segment, false);
}

/* Are the ids of what is left out known without it? */
static bool holds_ids(const struct rill_store *store, const struct segment *segment, uint64_t end)
{
    const bool drops = segment->gone || segment->first_sequence < store->committed.floor;
    return !drops || !store->indexing || indexing_holds_ids(store->indexing, end - 1);
}

/* Then what they take would be copied, and the segment be wanted again, and again. */
static bool has_removals(const struct rill_store *store, const struct segment *segment)
{
    for (size_t i = 0; i < store->removal_count; i++) {
        if (store->removals[i].block->segment == segment)
            return true;
    }
    return false;
}

/* *ret_later: one must wait for removals that are not committed, for the index, or for what is overwritten in it. */
static struct segment *choose(struct rill_store *store, bool *ret_later)
{
    const struct segment_table *table = &store->segments;
    *ret_later = false;
    for (size_t i = 0; i + 1 < store->file_count; i++) {
        struct segment *segment = table->segments[i];
        const uint64_t end = segment_end(table, i);
        if (!is_free(store, segment) || !is_wanted(store, segment) ||
            end - segment->first_sequence > REWRITE_SEQUENCES_MAX)
            continue;
        if (has_removals(store, segment) || !holds_ids(store, segment, end) ||
            has_erasure(store, segment, true)) {
            *ret_later = true;
            continue;
        }
        segment->keep = has_losses(store, segment->first_sequence, end); // W3
        if (segment->keep)
            store_erase_forget(store, segment->number);
        if (!segment->keep && end > store->committed.said_floor)
            return segment;
    }
    return NULL;
}

void store_rewrite_look(struct rill_store *store, uint64_t gone_bytes)
{
    store->rewrite_gone_bytes += gone_bytes;
    if (store->rewrite_gone_bytes < store->segment_bytes / REWRITE_LOOK_PART && gone_bytes != UINT64_MAX)
        return;
    store->rewrite_gone_bytes = 0;
    store->rewrite_look = true;
}

// ---- the first job: the new file ----

static void note_dead(struct rewrite_plan *plan, const struct block *block)
{
    for (uint32_t i = 0; block->live && i < block->count; i++) {
        const uint64_t index = block->first_sequence + i - plan->first_sequence;
        if (live_is_gone(block->live, i, LIVE_COMMITTED))
            plan->dead[index / 64] |= UINT64_C(1) << index % 64;
    }
}

static struct rewrite *rewrite_create(struct rill_store *store, struct segment *segment)
{
    const size_t at = segment_find(&store->segments, segment->first_sequence);
    struct rewrite *rewrite = rill_alloc_zero(1, sizeof *rewrite);
    char name[SEGMENT_NAME_BYTES];
    size_t index = at;
    while (store->segments.segments[index] != segment)
        index--; // one without messages begins where the next does
    const uint64_t end = segment_end(&store->segments, index);
    segment_name(segment->number, ".new", name);
    rewrite->base = (struct rill_store_job){.kind = JOB_REWRITE, .disk = store->disk};
    rewrite->folder = store->folder;
    rewrite->path = segment_path(store->folder, segment->number);
    rewrite->new_path = io_path(store->folder, name);
    rewrite->plan = (struct rewrite_plan){
        .disk = store->disk,
        .path = rewrite->path,
        .new_path = rewrite->new_path,
        .number = segment->number,
        .pack = store->compress,
        .first_sequence = segment->first_sequence,
        .end_sequence = end,
        .floor = store->committed.floor,
        .said_floor = store->committed.said_floor,
        .keeps_erases = is_erasing(store),
        .dead = rill_alloc_zero((size_t)(end - segment->first_sequence) / 64 + 1, sizeof(uint64_t)),
    };
    memcpy(rewrite->plan.identity, store->identity, sizeof rewrite->plan.identity);
    for (size_t i = 0; i < segment->block_count; i++)
        note_dead(&rewrite->plan, segment->blocks[i]);
    return rewrite;
}

void rewrite_destroy(struct rewrite *rewrite)
{
    if (!rewrite)
        return;
    segment_table_fini(&rewrite->directory);
    free(rewrite->kept);
    free(rewrite->plan.dead);
    free(rewrite->path);
    free(rewrite->new_path);
    free(rewrite);
}

static enum rill_err write_and_check(struct rewrite *rewrite)
{
    enum rill_err err = rewrite_file(&rewrite->plan, &rewrite->written);
    if (err)
        return err;
    const size_t count = (size_t)rewrite->written.messages;
    rewrite->kept = malloc((count ? count : 1) * sizeof rewrite->kept[0]);
    err = rewrite->kept ? rewrite_read_back(rewrite) : RILL_ERR_NO_MEMORY;
    if (err)
        (void)rewrite->base.disk->ops->unlink(rewrite->base.disk, rewrite->new_path);
    return err;
}

// ---- the second: its name ----

static enum rill_err replace(struct rewrite *rewrite)
{
    struct rill_disk *disk = rewrite->base.disk;
    const enum rill_err err = disk->ops->rename(disk, rewrite->new_path, rewrite->path);
    if (err) {
        (void)disk->ops->unlink(disk, rewrite->new_path);
        return err;
    }
    rewrite->renamed = true;
    return disk->ops->sync_folder(disk, rewrite->folder);
}

void rewrite_job_run(struct rewrite *rewrite)
{
    rewrite->base.err = rewrite->ready ? replace(rewrite) : write_and_check(rewrite);
    if (rewrite->base.err)
        rill_error_text_set(&rewrite->base.why, "rewrite %s: %s", rewrite->path,
                            rill_err_text(rewrite->base.err));
}

// ---- starting and finishing ----

struct rill_store_job *store_rewrite_start(struct rill_store *store)
{
    if (store->rewrite) {
        struct segment *segment = segment_of(&store->segments, store->rewrite->plan.number);
        RILL_ASSERT(segment && segment->hot);
        if (segment->number >= store_pinned_from(store))
            return NULL; // when the snapshot is gone
        segment->replacing = true;
        return &store->rewrite->base;
    }
    // Of what is dropped nobody knows the subject: the index must have been fed its removal, or an open that goes on from
    // the index cannot.
    if (store->indexing && !store->indexing->failed && !indexing_has_all(store->indexing))
        return NULL;
    bool later = false;
    struct segment *segment = store->rewrite_look ? choose(store, &later) : NULL;
    store->rewrite_look = segment || later;
    if (!segment || segment_bring(&store->segments, segment))
        return NULL;
    segment->pins++; // its directory is compared with the new one
    store->rewrite = rewrite_create(store, segment);
    return &store->rewrite->base;
}

/* It is given up. What is damaged is not tried again, the rest when there is a reason to look again. */
static void give_up(struct rill_store *store, struct segment *segment, enum rill_err err)
{
    segment->pins--;
    segment->keep = err == RILL_ERR_DAMAGED || err == RILL_ERR_LIMIT || err == RILL_ERR_UNSUPPORTED;
    if (segment->keep)
        store_erase_forget(store, segment->number);
    store->rewrite_look = segment->keep;
    rewrite_destroy(store->rewrite);
    store->rewrite = NULL;
}

/* After a sync that failed nobody knows which of the two the disk has: both are right, but nothing is written any more (I8). */
static void take_over(struct rill_store *store, struct segment *segment)
{
    struct rewrite *rewrite = store->rewrite;
    segment->pins--;
    rewrite_swap(store, segment, rewrite);
    if (store->indexing)
        store->indexing->stale = true;
    store->full_bytes += rewrite->written.bytes - segment->file_bytes;
    segment->file_bytes = rewrite->written.bytes;
    if (rewrite->base.err)
        store_fail(store, &rewrite->base.why);
    rewrite_destroy(rewrite);
    store->rewrite = NULL;
}

enum rill_err store_rewrite_finish(struct rill_store *store, struct rewrite *rewrite)
{
    const enum rill_err err = rewrite->base.err;
    struct segment *segment = segment_of(&store->segments, rewrite->plan.number);
    RILL_ASSERT(rewrite == store->rewrite && segment && segment->hot);
    if (rewrite->ready) {
        segment->replacing = false;
        segment->files++;
    }
    if (rewrite->renamed)
        take_over(store, segment);
    else if (err)
        give_up(store, segment, err);
    else
        rewrite->ready = true;
    return err;
}

void store_rewrite_abandon(struct rill_store *store)
{
    RILL_ASSERT(!store->tidying);
    if (store->rewrite && !store->read_only)
        (void)!store->disk->ops->unlink(store->disk, store->rewrite->new_path);
    rewrite_destroy(store->rewrite);
    store->rewrite = NULL;
}

uint64_t rewrite_bytes_max(const struct rill_store *store, const struct segment *segment)
{
    const uint64_t bytes = store->rewrite->written.bytes;
    return bytes > segment->file_bytes ? bytes : segment->file_bytes;
}
