// SPDX-License-Identifier: Apache-2.0
//
// Replay: the whole log, commit by commit, to a visitor. docs/STORAGE-FORMAT.md, "What a reader does with
// damage", has the four cases; they are replay_commit() (1 and 2) and replay_bare() (3 and 4). `at` is the
// mark behind what was delivered; a commit that does not follow it in number or sequence shows that something
// is missing in between.
#include "replay_state.h"

#include "base/assert.h"
#include "indexing.h"
#include "resume.h"
#include "scan.h"

#include <inttypes.h>
#include <stdlib.h>

/* Says what is missing in front of a commit. That holds even when the commit itself turns out to be torn: those in
   front of it were durable (I4), and their sequences are not given out again. */
static enum rill_err accept_jump(struct replay *replay, const struct record_commit *commit)
{
    struct log_mark *at = &replay->at;
    enum rill_err err = RILL_OK;
    if (record_commit_first(commit) != at->commit + 1 || commit->sequence > at->sequence)
        err = replay_lost(replay, at->sequence + 1, commit->sequence);
    at->commit = record_commit_first(commit) - 1;
    at->sequence = commit->sequence;
    return err;
}

static void note_unreadable(const struct replay *replay)
{
    if (replay->reader.unreadable && replay->store->indexing)
        indexing_doubt(replay->store->indexing);
}

/* Takes a commit record as the next one. */
static enum rill_err accept_commit(struct replay *replay, uint64_t offset, const struct record_commit *commit)
{
    struct log_mark *at = &replay->at;
    struct indexing *indexing = replay->store->indexing;
    enum rill_err err = accept_jump(replay, commit);
    note_unreadable(replay); // before a batch ends here
    if (!err && indexing && indexing_note_end(indexing, at, offset))
        replay->ends_block = true;
    // A declared gap (I9) begins a block although the bytes have no gap.
    if (!err)
        err = replay_note_block(replay, offset, commit->head_bytes, commit->sequence + 1);
    if (!err && indexing)
        indexing_note_commit(indexing, commit);
    at->commit = commit->number;
    at->time_ns = commit->time_ns > at->time_ns ? commit->time_ns : at->time_ns;
    replay->store->sealed = commit->record_count == 0;
    replay->rewritten |= record_commit_is_merged(commit);
    return err;
}

static enum rill_err deliver_whole(struct replay *replay, uint64_t offset, const uint8_t *bytes,
                                   const struct record_commit *commit)
{
    enum rill_err err = accept_commit(replay, offset, commit);
    replay->left_out = record_commit_is_merged(commit);
    for (size_t at = commit->head_bytes; !err && at < commit->bytes;) {
        const struct record record = record_view(bytes + at);
        err = replay_deliver(replay, &record, offset + at, commit->last);
        at += record.size;
    }
    if (!err && replay->left_out)
        err = replay_gap(replay, commit->last);
    replay->left_out = false;
    RILL_ASSERT(err || replay->at.sequence == commit->last);
    return err;
}

/* Delivers the valid records from `from` to `to`. *ret_end is the end of the last one, or `from`. */
static enum rill_err deliver_valid(struct replay *replay, uint64_t from, uint64_t to, uint64_t limit,
                                   uint64_t *ret_end)
{
    const uint8_t *bytes = NULL;
    *ret_end = from;
    enum rill_err err = reader_get(&replay->reader, from, (size_t)(to - from), &bytes);
    if (err)
        return err;
    struct record_scan scan = record_scan_of(bytes, (size_t)(to - from), replay->reader.seed + from);
    struct record_found found;
    while (!err && record_scan_next(&scan, &found)) {
        replay->left_out = replay->rewritten && !found.damaged;
        err = replay_deliver(replay, &found.record, from + found.at, limit);
        *ret_end = from + found.at + found.record.size;
    }
    replay->left_out = false;
    return err;
}

/* Case 2, damage: what is left of a commit whose record is valid. */
static enum rill_err deliver_damaged(struct replay *replay, uint64_t offset,
                                     const struct record_commit *commit, uint64_t to, uint64_t *ret_next)
{
    enum rill_err err = accept_commit(replay, offset, commit);
    uint64_t end;
    if (!err)
        err = deliver_valid(replay, offset + commit->head_bytes, to, commit->last, &end);
    if (!err)
        err = replay_lost(replay, replay->at.sequence + 1, commit->last);
    replay->at.sequence = commit->last;
    *ret_next = to;
    return err;
}

static void note_torn(struct replay *replay, uint64_t offset, uint64_t used, uint64_t commit)
{
    replay->tail->torn = true;
    replay->report->dropped_bytes = used - offset;
    replay->report->dropped_commit = commit;
    replay->report->dropped_sequence = replay->at.sequence + 1;
}

/* Cases 1 and 2. *ret_next is `offset` at a torn tail. */
static enum rill_err replay_commit(struct replay *replay, uint64_t offset, const struct record_commit *commit,
                                   uint64_t *ret_next)
{
    struct log_reader *reader = &replay->reader;
    const bool fits = commit->bytes <= reader->size - offset;
    const uint64_t end = fits ? offset + commit->bytes : reader->size;
    const uint8_t *bytes;
    enum rill_err err = reader_get(reader, offset, (size_t)(end - offset), &bytes);
    if (err)
        return err;
    if (fits && record_commit_is_whole(bytes, reader->seed + offset, commit)) {
        *ret_next = end;
        return deliver_whole(replay, offset, bytes, commit);
    }
    struct reader_search later = {0};
    err = reader_next_commit(reader, offset + commit->head_bytes, commit->number, commit->sequence, &later);
    if (err)
        return err;
    if (later.found || !replay->is_last || offset == SEGMENT_FIRST_OFFSET || record_commit_is_merged(commit))
        return deliver_damaged(replay, offset, commit, later.found && later.offset < end ? later.offset : end,
                               ret_next);
    note_torn(replay, offset, later.used, commit->number);
    *ret_next = offset;
    return RILL_OK;
}

/* Case 4 where the checkpoint's commit should be: that was synced before the segment had its name. */
static enum rill_err replay_no_checkpoint(struct replay *replay, uint64_t *ret_next)
{
    const uint64_t limit = UINT64_MAX - 1;
    enum rill_err err = replay_lost(replay, replay->at.sequence + 1, replay->at.sequence);
    if (!err)
        err = deliver_valid(replay, SEGMENT_FIRST_OFFSET, replay->reader.size, limit,
                            ret_next); // one may end with zeros
    if (replay->tail->has_header && replay->tail->header.first_commit > replay->at.commit)
        replay->at.commit = replay->tail->header.first_commit;
    replay->tail->torn = true;
    return err;
}

/* Cases 3 and 4. *ret_next is `offset` at the end of the log, the end of the file at that of a segment. */
static enum rill_err replay_bare(struct replay *replay, uint64_t offset, uint64_t *ret_next)
{
    struct log_reader *reader = &replay->reader;
    struct reader_search later;
    enum rill_err err = reader_next_commit(reader, offset, replay->at.commit, replay->at.sequence, &later);
    if (err)
        return err;
    uint64_t end;
    *ret_next = later.offset;
    if (later.found) {
        err = deliver_valid(replay, offset, later.offset, later.commit.sequence, &end);
        return err ? err : accept_jump(replay, &later.commit);
    }
    if (!replay->is_last)
        return later.used > offset ? deliver_valid(replay, offset, later.offset, replay->sequence_limit, &end)
                                   : RILL_OK;
    *ret_next = offset;
    if (offset == SEGMENT_FIRST_OFFSET)
        return replay_no_checkpoint(replay, ret_next);
    if (later.used > offset)
        note_torn(replay, offset, later.used, 0);
    return RILL_OK;
}

enum rill_err replay_commits(struct replay *replay)
{
    struct log_reader *reader = &replay->reader;
    enum rill_err err = RILL_OK;
    uint64_t offset = replay->from;
    while (!err && offset < reader->size) {
        uint64_t next = offset;
        struct record_commit commit;
        err = reader_commit_at(reader, offset, replay->at.commit, replay->at.sequence, &commit);
        if (err == RILL_OK)
            err = replay_commit(replay, offset, &commit, &next);
        else if (err == RILL_ERR_NOT_FOUND)
            err = replay_bare(replay, offset, &next);
        RILL_ASSERT(err || (next >= offset && next <= reader->size));
        if (err || next == offset || replay->tail->torn) {
            offset = err ? offset : next;
            break;
        }
        offset = next;
    }
    replay->at.offset = offset;
    return err;
}

/* What the header says was there before this segment, and was not found, is lost, even if no commit follows. */
static enum rill_err replay_header(struct replay *replay, const struct catalog_entry *entry)
{
    const uint64_t last = entry->header.first_sequence - 1;
    if (!entry->has_header || entry->header.first_commit <= replay->at.commit + 1)
        return RILL_OK;
    const enum rill_err err = replay_lost(replay, replay->at.sequence + 1, last);
    replay->at.commit = entry->header.first_commit - 1;
    replay->at.sequence = last > replay->at.sequence ? last : replay->at.sequence;
    return err;
}

static enum rill_err replay_file(struct replay *replay, const struct catalog_entry *entry)
{
    struct rill_store *store = replay->store;
    char *path = segment_path(store->folder, entry->header.number);
    enum rill_err err = reader_open(&replay->reader, store->disk, path);
    free(path);
    if (err)
        return err;
    if (replay->is_last && replay->end_offset && replay->end_offset < replay->reader.size)
        replay->reader.size = replay->end_offset;
    err = replay_header(replay, entry); // which says where the segment begins
    if (!segment_of(&store->segments, entry->header.number))
        store_enter_file(store, entry->header.number, 0, replay->at.sequence + 1);
    replay->reader.seed = segment_seed(store->identity, entry->header.number);
    replay->at.segment = entry->header.number;
    replay->tail->header = entry->header;
    replay->tail->has_header = entry->has_header;
    if (!entry->has_header) {
        replay->tail->header.first_sequence = replay->at.sequence + 1;
        replay->tail->header.first_commit = replay->at.commit + 1;
    }
    replay->tail->size = replay->reader.size;
    replay->reader.unreadable = entry->unreadable && !entry->has_header;
    replay->rewritten = !entry->has_header || entry->header.version >= SEGMENT_VERSION_REWRITTEN;
    struct segment *segment = store->segments.segments[store->segments.count - 1];
    segment->format = entry->has_header ? entry->header.version : 0;
    segment->rewritten = entry->has_header ? entry->header.rewritten : 0;
    if (!err)
        err = replay_commits(replay);
    note_unreadable(replay);
    replay->tail->unreadable = replay->reader.unreadable;
    replay->report->bytes_read += replay->at.offset - replay->from;
    replay->from = SEGMENT_FIRST_OFFSET;
    if (!replay->is_last)
        store->segments.segments[store->segments.count - 1]->file_bytes = replay->reader.size;
    reader_close(&replay->reader);
    return err;
}

void replay_begin(struct replay *replay, const struct catalog_entry *first)
{
    if (!first->has_header)
        return;
    replay->at.sequence = first->header.first_sequence - 1;
    replay->at.commit = first->header.first_commit - 1;
    replay->head_is_missing = replay->at.commit > 0;
    replay->head_sequence = replay->at.sequence;
    if (replay->head_is_missing && replay->head_sequence)
        lost_add(&replay->store->lost, 1, replay->head_sequence);
}

/* What was in front of the first segment is lost, but for what a purge or deletes behind it have removed. */
static enum rill_err replay_end(struct replay *replay)
{
    const struct lost *lost = &replay->store->lost;
    const uint64_t head = replay->head_sequence;
    lost_cut(&replay->store->lost, replay->at.said_floor);
    if (!replay->head_is_missing || replay->at.said_floor > head)
        return RILL_OK;
    if (!lost->count || lost->ranges[0].first_sequence > head)
        return replay_lost(replay, head + 1, head);
    enum rill_err err = RILL_OK;
    for (size_t i = 0; !err && i < lost->count && lost->ranges[i].first_sequence <= head; i++) {
        const struct rill_store_range range = lost->ranges[i];
        err = replay_lost(replay, range.first_sequence,
                          range.last_sequence < head ? range.last_sequence : head);
    }
    return err;
}

static uint64_t sequence_limit(const struct catalog *catalog, size_t index)
{
    const struct catalog_entry *next = index + 1 < catalog->count ? &catalog->entries[index + 1] : NULL;
    return next && next->has_header ? next->header.first_sequence - 1 : UINT64_MAX - 1;
}

/* What was lost in front of the position is known; segments that are missing since then are a head as any other. */
static void resume_head(struct replay *replay, const struct resume *resume, const struct catalog_entry *first)
{
    struct lost *lost = &replay->store->lost;
    const uint64_t head = first->header.first_sequence - 1;
    replay->report->lost_messages = lost->messages;
    replay->report->lost_ranges = lost->count;
    replay->head_is_missing = resume->head_first != 0;
    if (!replay->head_is_missing)
        return;
    replay->head_sequence = head;
    if (head >= resume->head_first)
        lost_add(lost, resume->head_first, head);
}

/* Goes on from where the index stands. *ret_entry is the segment to begin with. */
static enum rill_err replay_resume(struct replay *replay, const struct catalog *catalog, size_t *ret_entry)
{
    struct rill_store *store = replay->store;
    struct resume resume = {0};
    struct log_mark *at = &replay->at;
    enum rill_err err = store->indexing ? resume_prepare(store, catalog, &resume) : RILL_OK;
    if (err)
        return err;
    if (!resume.is_used) {
        replay_begin(replay, &catalog->entries[0]);
        return RILL_OK;
    }
    *ret_entry = resume.entry;
    resume_head(replay, &resume, &catalog->entries[0]);
    at->sequence = resume.at.sequence;
    at->time_ns = resume.at.time_ns;
    at->commit = resume.at.commit;
    at->said_floor = resume.at.said_floor;
    at->said_segment = resume.at.said_segment;
    replay->from = resume.at.offset;
    replay->ends_block = true;
    replay->is_muted = resume.entry + 1 < catalog->count;
    return resume_tell(store, catalog, &resume, replay->visitor, replay->report);
}

enum rill_err replay_segment(struct replay *replay, const struct catalog *catalog, size_t index,
                             struct rill_error_text *why)
{
    const struct catalog_entry *entry = &catalog->entries[index];
    replay->is_last = index + 1 == catalog->count;
    replay->sequence_limit = sequence_limit(catalog, index);
    const enum rill_err err = replay_file(replay, entry);
    if (err)
        rill_error_text_set(why, "replay segment %" PRIu64 ": %s", entry->header.number, rill_err_text(err));
    return err;
}

static enum rill_err replay_segments(struct replay *replay, const struct catalog *catalog,
                                     struct rill_error_text *why)
{
    size_t i = 0;
    enum rill_err err = replay_resume(replay, catalog, &i);
    if (err)
        rill_error_text_set(why, "go on from the index: %s", rill_err_text(err));
    for (; !err && i < catalog->count; i++)
        err = replay_segment(replay, catalog, i, why);
    return err;
}

/* Marks what lies below the floor in the block that the floor cuts through: that block's records are needed. */
static void cut_block(struct block *block, uint32_t end)
{
    const struct block_data *data = block->data;
    uint32_t count = 0, bytes = 0;
    for (uint32_t i = 0; (i = live_next(block->live, i, end, LIVE_OPEN)) < end; i++) {
        live_remove(&block->live, i);
        live_commit(block->live, i, i);
        count++;
        if (data && i < data->place_count && data->places[i])
            bytes += (uint32_t)record_view(data->bytes + data->places[i] - 1).size;
    }
    const uint32_t left = block_live_bytes(block);
    block_count_gone(block, count, bytes < left ? bytes : left);
}

static enum rill_err settle_floor(struct replay *replay)
{
    struct rill_store *store = replay->store;
    const uint64_t floor = replay->at.floor;
    struct block *block;
    enum rill_err err = block_find(&store->segments, floor, &block);
    if (err || !block)
        return err;
    const uint64_t front = floor - block->first_sequence;
    const uint32_t end = front < block->count ? (uint32_t)front : block->count;
    if (live_next(block->live, 0, end, LIVE_OPEN) == end)
        return RILL_OK;
    if (!block->data)
        err = store_load_block(store, block);
    if (err == RILL_ERR_NO_MEMORY)
        return err;
    if (err && store->indexing)
        indexing_doubt(store->indexing);
    cut_block(block, end); // what the disk cannot read now counts as it stands
    return RILL_OK;
}

static void count_blocks(struct replay *replay, const struct segment *segment)
{
    for (size_t i = 0; i < segment->block_count; i++) {
        const struct block *block = segment->blocks[i];
        if (block_end(block) <= replay->at.floor)
            continue;
        replay->at.messages += block_live(block);
        replay->at.bytes += block_live_bytes(block);
    }
}

/* Only the segment that the floor cuts through is asked for its blocks. */
static enum rill_err count_live(struct replay *replay)
{
    struct segment_table *table = &replay->store->segments;
    for (size_t i = 0; i < table->count; i++) {
        struct segment *segment = table->segments[i];
        if (i + 1 < table->count && segment_end(table, i) <= replay->at.floor)
            continue;
        if (segment->first_sequence >= replay->at.floor) {
            replay->at.messages += segment_live(segment);
            replay->at.bytes += segment_live_bytes(segment);
            continue;
        }
        const enum rill_err err = segment_bring(table, segment);
        if (err)
            return err;
        count_blocks(replay, segment);
    }
    return RILL_OK;
}

/* The floor and the counts follow from what all records together have said. */
static enum rill_err replay_settle(struct replay *replay)
{
    struct rill_store *store = replay->store;
    struct log_mark *at = &replay->at;
    store->open.sequence = at->sequence;
    at->floor = at->said_floor ? at->said_floor : 1;
    enum rill_err err = settle_floor(replay);
    if (!err)
        err = count_live(replay);
    if (err)
        return err;
    at->floor = store_next_live(store, LIVE_COMMITTED, at->floor);
    if (at->said_floor)
        lost_cut(&store->lost, at->said_floor);
    return RILL_OK;
}

static void replay_take_over(struct replay *replay, const struct catalog *catalog)
{
    struct rill_store *store = replay->store;
    const struct block *tail = replay->at.block = block_last(&store->segments);
    if (tail) {
        replay->at.block_len = tail->len;
        replay->at.block_messages = tail->count;
        replay->at.block_bytes = tail->bytes;
    }
    store->committed = replay->at;
    store_note_first(store);
    for (size_t i = 0; i < store->segments.count; i++)
        store->full_bytes += store->segments.segments[i]->file_bytes;
    store->next_segment = catalog->highest + 1;
    if (store->indexing)
        indexing_settle(store->indexing);
    replay->report->segments = catalog->count;
    replay->report->foreign_files = catalog->foreign;
}

enum rill_err replay_finish(struct replay *replay, const struct catalog *catalog)
{
    enum rill_err err = replay_end(replay);
    if (!err)
        err = replay_settle(replay);
    if (!err)
        replay_take_over(replay, catalog);
    return err;
}

static enum rill_err replay_all(struct replay *replay, const struct catalog *catalog,
                                struct rill_error_text *why)
{
    const enum rill_err err = replay_segments(replay, catalog, why);
    return err ? err : replay_finish(replay, catalog);
}

/* As if nothing had been read. */
static void begin_anew(struct replay *replay, bool with_index)
{
    struct rill_store *store = replay->store;
    resume_forget(store, with_index ? RESUME_WITH_IDS : RESUME_WITHOUT_INDEX);
    store->committed = store->started = store->open = (struct log_mark){0};
    store->checkpoint.len = 0;
    store->erasure_count = 0;
    store->full_bytes = store->noted_floor = 0;
    store->sealed = false;
    *replay->report = (struct rill_store_report){0};
    *replay->tail = (struct replay_tail){0};
    if (replay->visitor->restart)
        replay->visitor->restart(replay->visitor->context);
    *replay = (struct replay){.store = store,
                              .visitor = replay->visitor,
                              .report = replay->report,
                              .tail = replay->tail,
                              .from = SEGMENT_FIRST_OFFSET,
                              .unpacked = replay->unpacked,
                              .unpacked_capacity = replay->unpacked_capacity};
}

/* What the index has said so far may have come from the part of it that is damaged, and what it has taken over may not come
   back. So all begins again: with another index, and when that fails as well, with none. */
static enum rill_err replay_surely(struct replay *replay, const struct catalog *catalog,
                                   struct rill_error_text *why)
{
    const struct indexing *indexing = replay->store->indexing;
    enum rill_err err = replay_all(replay, catalog, why);
    for (bool with_index = true; indexing && indexing_is_void(indexing) && indexing->index;
         with_index = false) {
        begin_anew(replay, with_index);
        err = replay_all(replay, catalog, why);
    }
    return err;
}

enum rill_err store_replay(struct rill_store *store, const struct rill_store_visitor *visitor,
                           struct rill_store_report *report, const struct rill_store_options *options,
                           struct replay_tail *ret_tail, struct rill_error_text *why)
{
    static const struct rill_store_visitor nobody = {0};
    struct catalog catalog;
    enum rill_err err = catalog_read(&catalog, store->disk, store->folder, why);
    if (err)
        return err;
    struct replay replay = {.store = store,
                            .visitor = visitor ? visitor : &nobody,
                            .report = report,
                            .tail = ret_tail,
                            .from = SEGMENT_FIRST_OFFSET};
    memcpy(store->identity, catalog.identity, sizeof store->identity);
    if (options->index)
        store->indexing = indexing_open(store, options);
    seen_obey(store, replay.visitor);
    err = replay_surely(&replay, &catalog, why);
    if (!err && !report->messages)
        err = store_tell_last(store, replay.visitor);
    free(replay.unpacked);
    catalog_fini(&catalog);
    return err;
}
