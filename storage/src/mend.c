// SPDX-License-Identifier: Apache-2.0
#include "mend.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "indexing.h"
#include "replay_state.h"
#include "subject_limit.h"

#include <stdlib.h>

enum { MEND_UNREAD_MAX = 2 }; // tries that what cannot be read ends

struct mend {
    struct rill_store_job base;
    struct rill_store_options options; // of the index and of the store beside
    struct rill_store *beside;         // NULL before the first job
    uint8_t identity[RILL_STORE_IDENTITY_BYTES];
    uint64_t segment; // up to here
    uint64_t offset;
    bool with_index;
    bool takes_unread;
    const struct rill_index_ids *ids; // of the one that has failed, which keeps them until this has succeeded
    struct catalog catalog;
    struct replay replay;
    struct rill_store_report report;
    struct replay_tail tail;
    size_t next; // entry of the catalog
    bool unread; // something was
    bool done;
    bool out;
};

// ---- beside ----

/* What it has written may be of use to the next open, but nothing is added to that. */
static void forget_beside(struct mend *mend)
{
    struct indexing *indexing = mend->beside ? mend->beside->indexing : NULL;
    if (indexing)
        indexing_doubt(indexing);
    free(mend->replay.unpacked);
    store_destroy(mend->beside);
    catalog_fini(&mend->catalog);
    mend->beside = NULL;
    mend->replay = (struct replay){0};
    mend->next = 0;
    mend->unread = mend->done = false;
}

void mend_destroy(struct mend *mend)
{
    if (!mend)
        return;
    RILL_ASSERT(!mend->out);
    forget_beside(mend);
    free(mend);
}

static enum rill_err begin(struct mend *mend)
{
    static const struct rill_store_visitor nobody = {0};
    struct rill_store *beside = mend->beside = store_create_object(&mend->options);
    struct catalog *catalog = &mend->catalog;
    const enum rill_err err = catalog_read(catalog, beside->disk, beside->folder, &mend->base.why);
    if (err)
        return err;
    while (catalog->count && catalog->entries[catalog->count - 1].header.number > mend->segment)
        catalog->count--;
    if (!catalog->count || catalog->entries[catalog->count - 1].header.number != mend->segment)
        return RILL_ERR_DAMAGED;
    for (size_t i = 0; i < catalog->count; i++)
        mend->unread |= catalog->entries[i].unreadable && !catalog->entries[i].has_header;
    memcpy(beside->identity, mend->identity, sizeof beside->identity);
    if (mend->with_index)
        beside->indexing = indexing_open_next(beside, &mend->options, mend->ids, mend->takes_unread);
    mend->report = (struct rill_store_report){0};
    mend->replay = (struct replay){.store = beside,
                                   .visitor = &nobody,
                                   .report = &mend->report,
                                   .tail = &mend->tail,
                                   .from = SEGMENT_FIRST_OFFSET,
                                   .end_offset = mend->offset};
    replay_begin(&mend->replay, &catalog->entries[0]);
    return RILL_OK;
}

static enum rill_err read_next(struct mend *mend)
{
    enum rill_err err = replay_segment(&mend->replay, &mend->catalog, mend->next++, &mend->base.why);
    mend->unread |= mend->tail.unreadable;
    if (!err && mend->next == mend->catalog.count) {
        err = replay_finish(&mend->replay, &mend->catalog);
        mend->done = !err;
    }
    return err ? err : mend->unread && (mend->with_index || !mend->takes_unread) ? RILL_ERR_IO : RILL_OK;
}

void mend_job_run(struct mend *mend)
{
    mend->base.err = mend->beside ? RILL_OK : begin(mend);
    if (!mend->base.err)
        mend->base.err = read_next(mend);
    if (mend->beside->indexing)
        (void)indexing_disconnect(mend->beside->indexing); // it does not count among those of the loop
}

// ---- beginning ----

bool rill_store_wants_mend(const struct rill_store *store)
{
    return store->indexing && (store->indexing->failed || store->segments.failed);
}

/* Directories that were there went with the index. */
static bool misses_directories(const struct rill_store *store)
{
    for (size_t i = 0; i < store->segments.count; i++) {
        if (!store->segments.segments[i]->hot)
            return true;
    }
    return false;
}

/* What waits for a rewriting may wait for a directory, and so for the mending; and a store that is read-only overwrites nothing. */
static bool is_overwriting(const struct rill_store *store)
{
    for (size_t i = 0; i < store->erasure_count && !store->read_only; i++) {
        const struct erasure *one = &store->erasures[i];
        if (one->erase.offset && one->commit <= store->committed.commit)
            return true;
    }
    return false;
}

static struct mend *mend_create(struct rill_store *store)
{
    const struct indexing *indexing = store->indexing;
    struct mend *mend = rill_alloc_zero(1, sizeof *mend);
    *mend = (struct mend){
        .base = {.kind = JOB_MEND, .disk = store->disk},
        .options = {.disk = store->disk,
                    .folder = store->folder,
                    .segment_bytes = store->segment_bytes,
                    .shared = store->member.shared,
                    .index = true,
                    .index_log_bytes = indexing->log_bytes,
                    .index_batch_bytes = indexing->options.batch_bytes,
                    .id_window_ns = indexing->options.id_window_ns},
        .segment = store->committed.segment,
        .offset = store->committed.offset,
        .with_index = true,
        .ids = indexing->ids,
        .takes_unread = store->mend_failures >= MEND_UNREAD_MAX,
    };
    memcpy(mend->identity, store->identity, sizeof mend->identity);
    return mend;
}

struct rill_store_job *rill_store_mend_start(struct rill_store *store)
{
    struct indexing *indexing = store->indexing;
    if (!rill_store_wants_mend(store) || store->tidying || indexing->out || (store->mend && store->mend->out))
        return NULL;
    if (store->read_only && !rill_store_is_synced(store))
        return NULL; // the index never has what the log may not have
    indexing_fail(indexing, RILL_ERR_DAMAGED, "read a segment's directory"); // if nothing else was
    if (!store->mend) {
        indexing_keep(indexing);
        if (!indexing_may_end(indexing) || is_overwriting(store))
            return NULL;
        indexing_end(indexing);
        indexing_retire(indexing);
        store->mend = mend_create(store);
        store_sync_before(store, &store->mend->base); // the ids are those of committed messages
    }
    store->mend->out = true;
    return &store->mend->base;
}

// ---- taking over ----

/* What was found to be lost while the store served is lost there as well. */
static enum rill_err lose(struct rill_store *store, struct rill_store *beside, struct segment *from,
                          uint64_t end)
{
    enum rill_err err = RILL_OK;
    for (size_t i = 0; !err && i < store->lost.count; i++) {
        const struct rill_store_range *range = &store->lost.ranges[i];
        uint64_t sequence =
            range->first_sequence > from->first_sequence ? range->first_sequence : from->first_sequence;
        if (sequence <= range->last_sequence && sequence < end)
            err = segment_bring(&beside->segments, from);
        for (; !err && sequence <= range->last_sequence && sequence < end; sequence++) {
            struct block *block = segment_block(from, sequence);
            const uint64_t index = block ? sequence - block->first_sequence : UINT64_MAX;
            if (block && index < block->count && !live_is_gone(block->live, (uint32_t)index, LIVE_OPEN))
                block_lose(block, (uint32_t)index, 0);
        }
    }
    return err;
}

/* And the other way round. */
static void note_lost(struct rill_store *store, const struct rill_store *beside, uint64_t first, uint64_t end)
{
    for (size_t i = 0; i < beside->lost.count; i++) {
        struct rill_store_range range = beside->lost.ranges[i];
        range.first_sequence = range.first_sequence > first ? range.first_sequence : first;
        range.first_sequence =
            range.first_sequence > store->committed.floor ? range.first_sequence : store->committed.floor;
        range.last_sequence = range.last_sequence < end ? range.last_sequence : end - 1;
        if (range.first_sequence <= range.last_sequence)
            lost_add(&store->lost, range.first_sequence, range.last_sequence);
    }
}

static enum rill_err take_directory(struct rill_store *store, struct rill_store *beside, size_t index)
{
    struct segment *segment = store->segments.segments[index];
    struct segment *from = segment_of(&beside->segments, segment->number);
    const uint64_t end = segment_end(&store->segments, index);
    if (!from || from->first_sequence != segment->first_sequence)
        return RILL_ERR_DAMAGED;
    const enum rill_err err = lose(store, beside, from, end);
    if (err)
        return err;
    note_lost(store, beside, segment->first_sequence, end);
    segment_revive(&store->segments, segment, &beside->segments, from);
    return RILL_OK;
}

/* What is live behind everything appended, by the directories. */
static enum rill_err count_live(struct rill_store *store, uint64_t *ret_messages, uint64_t *ret_bytes)
{
    struct segment_table *table = &store->segments;
    const uint64_t floor = store->open.floor;
    *ret_messages = *ret_bytes = 0;
    for (size_t i = 0; i < table->count; i++) {
        struct segment *segment = table->segments[i];
        if (i + 1 < table->count && segment_end(table, i) <= floor)
            continue;
        if (segment->first_sequence >= floor) {
            *ret_messages += segment_live(segment);
            *ret_bytes += segment_live_bytes(segment);
            continue;
        }
        if (segment_bring(table, segment))
            return RILL_ERR_IO;
        for (size_t j = 0; j < segment->block_count; j++) {
            const struct block *block = segment->blocks[j];
            *ret_messages += block_end(block) > floor ? block_live(block) : 0;
            *ret_bytes += block_end(block) > floor ? block_live_bytes(block) : 0;
        }
    }
    return RILL_OK;
}

static void mark_add(struct log_mark *mark, uint64_t messages, uint64_t bytes)
{
    mark->messages += messages;
    mark->bytes += bytes;
}

/* Damage that only the replay has met has changed what is there. No removal that is not committed is in what came back, so it
   is the same for all marks. */
static enum rill_err recount(struct rill_store *store)
{
    uint64_t messages, bytes;
    const enum rill_err err = count_live(store, &messages, &bytes);
    if (err)
        return err;
    messages -= store->open.messages;
    bytes -= store->open.bytes;
    mark_add(&store->committed, messages, bytes);
    mark_add(&store->started, messages, bytes);
    mark_add(&store->open, messages, bytes);
    store->committed.floor = store_next_live(store, LIVE_COMMITTED, store->committed.floor);
    store->started.floor = store_next_live(store, LIVE_COMMITTED, store->started.floor);
    store->open.floor = store_next_live(store, LIVE_OPEN, store->open.floor);
    store_note_first(store);
    return RILL_OK;
}

static enum rill_err take_directories(struct rill_store *store, struct rill_store *beside)
{
    struct segment_table *table = &store->segments;
    enum rill_err err = RILL_OK;
    bool any = false;
    table->failed = false;
    for (size_t i = 0; !err && i < table->count; i++) {
        if (table->segments[i]->hot)
            continue;
        any = true;
        err = take_directory(store, beside, i);
    }
    if (!err && any)
        err = recount(store);
    table->failed |= err != RILL_OK;
    return err;
}

/* The directories that are there are of another division than what its file has. */
static void forget_stored(struct segment_table *table)
{
    for (size_t i = 0; i < table->count; i++)
        table->segments[i]->stored = table->segments[i]->hot ? 0 : table->segments[i]->version;
    table->keeps = false;
}

/* What was appended meanwhile is fed to it; until then the ids in that are known as they were noted. */
static bool take_index(struct rill_store *store, struct rill_store *beside)
{
    struct indexing *next = beside->indexing;
    indexing_stand_on(next, NULL, 0);
    if (!indexing_succeed(next, store))
        return false;
    beside->indexing = NULL;
    open_subjects_recount(store);
    subject_limit_look(store);
    return true;
}

static enum rill_err take_over(struct rill_store *store, struct mend *mend)
{
    if (mend->with_index && !take_index(store, mend->beside))
        return RILL_ERR_LIMIT;
    const enum rill_err err = take_directories(store, mend->beside);
    if (err)
        indexing_fail(store->indexing, RILL_ERR_DAMAGED, "read a segment's directory");
    else if (mend->with_index)
        forget_stored(&store->segments);
    return err;
}

// ---- finishing ----

/* Without one the store goes on as before. */
static enum rill_err end(struct rill_store *store, enum rill_err err)
{
    mend_destroy(store->mend);
    store->mend = NULL;
    if (store->indexing->failed)
        indexing_unretire(store->indexing);
    store->mend_failures = err ? store->mend_failures + 1 : 0;
    return err;
}

static bool has_no_index(const struct mend *mend)
{
    const struct rill_store *beside = mend->beside;
    return beside->indexing && (beside->indexing->failed || beside->segments.failed);
}

/* The directories alone, when the index stands in their way. */
static bool goes_on_without(struct rill_store *store, struct mend *mend)
{
    const bool is_unread = mend->with_index && mend->unread && mend->takes_unread;
    if (!misses_directories(store) || !(has_no_index(mend) || is_unread))
        return false;
    forget_beside(mend);
    mend->with_index = false;
    return true;
}

enum rill_err rill_store_mend_finish(struct rill_store *store, struct rill_store_job *base)
{
    struct mend *mend = (struct mend *)base;
    RILL_ASSERT(base->kind == JOB_MEND && mend == store->mend && mend->out);
    mend->out = false;
    store_sync_settle(store, base);
    if (base->tail_sync != TAIL_SYNCED)
        return end(store, base->err);
    const bool without = has_no_index(mend);
    if (without)
        store->indexing->why = mend->beside->indexing->why;
    if (goes_on_without(store, mend))
        return RILL_OK;
    if (without)
        return end(store, RILL_ERR_UNAVAILABLE);
    if (base->err || !mend->done)
        return base->err ? end(store, base->err) : RILL_OK;
    const enum rill_err err = take_over(store, mend);
    return end(store, err || mend->with_index ? err : RILL_ERR_UNAVAILABLE);
}
