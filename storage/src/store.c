// SPDX-License-Identifier: Apache-2.0
//
// The life of a store: made, opened, closed; and what it says about itself.
#include "store_impl.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "folder.h"
#include "indexing.h"
#include "io.h"
#include "mend.h"
#include "store_lock.h"

#include <inttypes.h>
#include <stdlib.h>

static uint64_t within(uint64_t value, uint64_t fallback, uint64_t least, uint64_t most)
{
    const uint64_t wanted = value ? value : fallback;
    return wanted < least ? least : wanted > most ? most : wanted;
}

/* When others ask, and nothing is open or in flight, even the tail may go: the next append begins a block. */
static uint64_t cache_evict(struct shared_member *member, bool is_asking)
{
    struct rill_store *store = (struct rill_store *)((char *)member - offsetof(struct rill_store, member));
    struct block_cache *cache = &store->segments.cache;
    const bool is_idle = !is_asking && !store->in_flight && !store->commit.record;
    if (is_idle || store->committed.block)
        block_evict(cache, is_idle ? NULL : store->committed.block, is_asking);
    return cache->bytes;
}

static bool index_disconnect(struct shared_member *member)
{
    struct rill_store *store = (struct rill_store *)((char *)member - offsetof(struct rill_store, member));
    return indexing_disconnect(store->indexing);
}

void store_cache_trim(struct rill_store *store)
{
    if (store->serving)
        shared_cache_note(&store->member, store->segments.cache.bytes);
    else
        block_trim(&store->segments.cache, store->committed.block);
}

struct rill_store *store_create_object(const struct rill_store_options *options)
{
    struct rill_store *store = rill_alloc_zero(1, sizeof *store);
    store->disk = options->disk;
    store->folder = rill_alloc_cstr(rill_bytes_from_cstr(options->folder));
    store->checkpoint_fn = options->checkpoint;
    store->compress = options->compress;
    store->syncs_later = options->syncs_later;
    store->rewrite_look = true;
    store->checkpoint_context = options->checkpoint_context;
    store->segment_bytes =
        within(options->segment_bytes, SEGMENT_BYTES_DEFAULT, SEGMENT_BYTES_MIN, SEGMENT_BYTES_MAX);
    store->commit_bytes_max = within(options->commit_bytes_max, COMMIT_BYTES_DEFAULT, 4096, COMMIT_BYTES_MAX);
    rill_buf_init(&store->checkpoint, CHECKPOINT_BYTES_MAX);
    store->job = (struct commit_job){
        .base = {.kind = JOB_COMMIT, .disk = store->disk},
        .folder = store->folder,
        .segment_bytes = store->segment_bytes,
        .outcome = SEGMENT_MADE,
    };
    store->limits.set = options->limits;
    rill_buf_init(&store->limits.looked_to, SUBJECT_BYTES_MAX);
    store->segments.cache.bytes_max = CACHE_BYTES_DEFAULT; // until it serves
    store->member = (struct shared_member){.shared = options->shared,
                                           .file = &store->job.file,
                                           .evict = cache_evict,
                                           .disconnect = index_disconnect};
    if (!options->shared) {
        store->own_shared =
            shared_create_alone(within(options->cache_bytes_max, CACHE_BYTES_DEFAULT, 1, UINT64_MAX));
        store->member.shared = store->own_shared;
    }
    return store;
}

void store_destroy(struct rill_store *store)
{
    if (!store)
        return;
    mend_destroy(store->mend);
    RILL_ASSERT(!store->snapshots);
    RILL_ASSERT(!store->in_flight && !store->loads && !store->tidying && !store->syncing);
    rewrite_destroy(store->rewrite);
    segment_plan_destroy(store->plan);
    indexing_close(store->indexing);
    segment_table_fini(&store->segments);
    lost_fini(&store->lost);
    seen_fini(&store->seen);
    open_subjects_fini(&store->opens);
    subject_limit_fini(&store->limits);
    lost_fini(&store->deleted);
    free(store->removals);
    free(store->erasures);
    rill_buf_fini(&store->checkpoint);
    free(store->job.parts);
    commit_job_close_file(&store->job);
    if (store->lock)
        store->disk->ops->close(store->lock);
    rill_store_shared_destroy(store->own_shared);
    free(store->folder);
    free(store);
}

static enum rill_err store_take_lock(struct rill_store *store, struct rill_error_text *why)
{
    const enum rill_err err = store_lock_take(store->disk, store->folder, store->member.shared, &store->lock);
    if (err)
        rill_error_text_set(why, "lock: %s", rill_err_text(err));
    return err;
}

static enum rill_err exists_if_segment(void *context, const char *name, bool is_folder)
{
    return !is_folder && segment_number_of(name, ".seg") ? RILL_ERR_EXISTS : RILL_OK;
}

static enum rill_err create_folder(struct rill_store *store, struct rill_error_text *why)
{
    char *deleted = folder_deleted_path(store->folder);
    enum rill_err err = folder_make(store->disk, store->folder);
    if (!err)
        err = folder_remove(store->disk, deleted);
    free(deleted);
    if (err)
        rill_error_text_set(why, "make folder: %s", rill_err_text(err));
    return err ? err : store_take_lock(store, why);
}

/* The first segment is planned and made as every other one is. */
static enum rill_err create_segment(struct rill_store *store, uint64_t first_sequence,
                                    struct rill_bytes checkpoint, struct rill_error_text *why)
{
    struct segment_header header = {.number = 1, .first_sequence = first_sequence, .first_commit = 1};
    memcpy(header.identity, store->identity, sizeof header.identity);
    struct segment_plan *plan = segment_plan_create(&header, 0, first_sequence, checkpoint);
    if (!plan || rill_buf_append(&store->checkpoint, checkpoint)) {
        segment_plan_destroy(plan);
        rill_error_text_set(why, "first checkpoint: %s", rill_err_text(RILL_ERR_NO_MEMORY));
        return RILL_ERR_NO_MEMORY;
    }
    const uint64_t reserve = within(RESERVE_BYTES_FIRST, 0, segment_plan_end(plan), store->segment_bytes);
    enum rill_err err = RILL_OK;
    if (segment_make(store->disk, store->folder, plan, reserve, &store->job.file, &err, why) ==
        SEGMENT_MADE) {
        store->job.reserved = reserve > segment_plan_end(plan) ? reserve : segment_plan_end(plan);
        mark_enter(&store->committed, plan);
        store->committed.sequence = first_sequence - 1;
        store->committed.floor = first_sequence;
        store_enter_file(store, 1, 0, first_sequence);
        store_rollback(store);
    }
    segment_plan_destroy(plan);
    return err;
}

static enum rill_err create_in_folder(struct rill_store *store, uint64_t first_sequence,
                                      struct rill_bytes checkpoint, struct rill_error_text *why)
{
    const enum rill_err err = store->disk->ops->list(store->disk, store->folder, exists_if_segment, NULL);
    if (err) {
        rill_error_text_set(why, "%s",
                            err == RILL_ERR_EXISTS ? "there is a stream already" : rill_err_text(err));
        return err;
    }
    return create_segment(store, first_sequence, checkpoint, why);
}

enum rill_err rill_store_create(const struct rill_store_options *options,
                                const uint8_t identity[RILL_STORE_IDENTITY_BYTES],
                                struct rill_bytes checkpoint, struct rill_store **ret_store,
                                struct rill_error_text *why)
{
    struct rill_store *store = store_create_object(options);
    memcpy(store->identity, identity, sizeof store->identity);
    enum rill_err err = create_folder(store, why);
    if (!err)
        err = create_in_folder(store, options->first_sequence ? options->first_sequence : 1, checkpoint, why);
    if (err) {
        rill_error_text_wrap(why, "create %s", options->folder);
        store_destroy(store);
        return err;
    }
    if (options->index) {
        store->indexing = indexing_open(store, options);
        indexing_settle(store->indexing);
    }
    store->tail_bytes = store->job.reserved;
    store->synced = store->committed.commit;
    store->opened = true;
    commit_job_close_file(&store->job);
    store->serving = true;
    *ret_store = store;
    return RILL_OK;
}

/* A last segment whose headers are damaged gets new ones, that say where it began, else its records could not be told
   from a foreign file's. */
static enum rill_err tail_write_header(struct rill_store *store, const struct replay_tail *tail)
{
    if (tail->has_header)
        return RILL_OK;
    uint8_t pages[SEGMENT_FIRST_OFFSET] = {0};
    segment_header_put(pages, &tail->header);
    segment_header_put(pages + SEGMENT_COPY_OFFSET, &tail->header);
    struct iovec part = {pages, sizeof pages};
    return io_write_all(store->job.file, &part, 1, 0);
}

/* Cuts what is torn, and makes durable what was read and is about to be shown (I6, I7): the seal that comes next may find
   no space. */
static enum rill_err tail_settle(struct rill_store *store, const struct replay_tail *tail)
{
    struct rill_disk_file *file = store->job.file;
    enum rill_err err = RILL_OK;
    if (tail->torn && store->committed.offset < tail->size) {
        err = store->disk->ops->truncate(file, store->committed.offset);
        store->job.reserved = store->committed.offset;
    }
    if (!err)
        err = tail_write_header(store, tail);
    if (!err)
        err = store->disk->ops->fdatasync(file);
    return err ? err : store->disk->ops->sync_folder(store->disk, store->folder);
}

static void tail_fail(struct rill_store *store, enum rill_err err, const char *what)
{
    struct rill_error_text why;
    rill_error_text_set(&why, "%s segment %" PRIu64 ": %s", what, store->committed.segment,
                        rill_err_text(err));
    store_fail(store, &why);
}

/* From here on trouble with the disk makes the store read-only, and no longer keeps it from being opened. */
static enum rill_err tail_open(struct rill_store *store, const struct replay_tail *tail)
{
    char *path = segment_path(store->folder, store->committed.segment);
    enum rill_err err = store->disk->ops->open(store->disk, path, RILL_DISK_WRITE, &store->job.file);
    free(path);
    store_rollback(store);
    store->job.reserved = tail->size;
    if (err)
        tail_fail(store, err, "open");
    else if (tail->unreadable)
        tail_fail(store, RILL_ERR_IO, "read"); // what looks torn may be what could not be read
    else if ((err = tail_settle(store, tail)))
        tail_fail(store, err, "settle");
    if (store->read_only || store->sealed)
        return RILL_OK;
    err = store_seal(store);
    return err == RILL_ERR_READ_ONLY ? RILL_OK : err;
}

static enum rill_err open_locked(struct rill_store *store, const struct rill_store_options *options,
                                 const struct rill_store_visitor *visitor, struct rill_store_report *report,
                                 struct rill_error_text *why)
{
    struct replay_tail tail = {0};
    enum rill_err err = store_replay(store, visitor, report, options, &tail, why);
    if (err)
        return err;
    err = folder_clean(store->disk, store->folder);
    if (!err)
        err = tail_open(store, &tail);
    if (err)
        rill_error_text_set(why, "settle the log: %s", rill_err_text(err));
    return err;
}

enum rill_err rill_store_open(const struct rill_store_options *options,
                              const struct rill_store_visitor *visitor, struct rill_store **ret_store,
                              struct rill_store_report *ret_report, struct rill_error_text *why)
{
    struct rill_store *store = store_create_object(options);
    struct rill_store_report report = {0};
    enum rill_err err = store_take_lock(store, why);
    if (!err)
        err = open_locked(store, options, visitor, &report, why);
    if (err) {
        rill_error_text_wrap(why, "open %s", options->folder);
        store_destroy(store);
        return err;
    }
    store->tail_bytes = store->job.reserved;
    store->synced = store->committed.commit;
    store->opened = true;
    commit_job_close_file(&store->job);
    if (ret_report)
        *ret_report = report;
    (void)indexing_disconnect(store->indexing); // it counts among all others when the loop needs it
    store->serving = true;
    *ret_store = store;
    return RILL_OK;
}

void rill_store_close(struct rill_store *store)
{
    if (!store)
        return;
    shared_leave(&store->member);
    store->serving = false;
    store_rollback(store);
    store_rewrite_abandon(store);
    if (!store->read_only && !store->sealed)
        (void)!store_seal(store); // without a seal the log is as good as after a kill
    store_sync_now(store);
    if (!rill_store_is_synced(store) && store->indexing)
        indexing_fail(store->indexing, RILL_ERR_IO, "sync the log"); // it may have more than there will be
    store_destroy(store);
}

/* What is missing between the first and the last message, and is not lost. */
static uint64_t deleted_count(const struct rill_store *store)
{
    const struct log_mark *committed = &store->committed;
    if (!committed->messages)
        return 0;
    uint64_t missing = committed->sequence - committed->floor + 1 - committed->messages;
    for (size_t i = 0; i < store->lost.count; i++) {
        const struct rill_store_range *range = &store->lost.ranges[i];
        const uint64_t size = range->last_sequence - range->first_sequence + 1;
        if (range->first_sequence > committed->floor)
            missing -= size < missing ? size : missing;
    }
    return missing;
}

static struct rill_error_text index_why(const struct rill_store *store)
{
    static const struct rill_error_text lost = {"a segment's directory could not be read"};
    const struct indexing *indexing = store->indexing;
    const bool has_failed = indexing && indexing->failed;
    return has_failed ? indexing->why : store->segments.failed ? lost : (struct rill_error_text){""};
}

void rill_store_state(const struct rill_store *store, struct rill_store_state *ret_state)
{
    const struct log_mark *committed = &store->committed;
    *ret_state = (struct rill_store_state){
        .first_sequence = committed->messages ? committed->floor : committed->sequence + 1,
        .last_sequence = committed->sequence,
        .open_sequence = store->open.sequence,
        .messages = committed->messages,
        .bytes = committed->bytes,
        .first_time_ns = committed->messages ? store->first_time_ns : 0,
        .last_time_ns = committed->time_ns,
        .deleted = deleted_count(store),
        .lost_messages = store->lost.messages,
        .segments = store->file_count,
        .disk_bytes = store->full_bytes + store->tail_bytes,
        .cache_bytes = store->segments.cache.bytes,
        .erasing = store->erasure_count,
        .rewriting = store->rewrite != NULL,
        .index_failed = store->segments.failed || (store->indexing && store->indexing->failed),
        .index_why = index_why(store),
        .ids_forgotten = store->indexing && store->indexing->has_forgotten_ids,
        .read_only = store->read_only,
        .why = store->why,
    };
}
