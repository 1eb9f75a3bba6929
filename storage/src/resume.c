// SPDX-License-Identifier: Apache-2.0
#include "resume.h"

#include "base/assert.h"
#include "io.h"
#include "reader.h"
#include "replay_state.h"
#include "scan.h"

#include <stdlib.h>

/* "Not to be used" is NOT_FOUND in this file. */

// ---- the segments that the index knows ----

struct rows {
    struct rill_store *store;
    const struct catalog *catalog;
    uint64_t last; // segment of the position
    size_t at;     // the catalog's entry that the next row must be
    uint64_t head_first;
};

static enum rill_err take_row(void *context, const struct rill_index_segment *row)
{
    struct rows *rows = context;
    const struct catalog_entry *entry = &rows->catalog->entries[rows->at];
    if (row->number < rows->catalog->entries[0].header.number) {
        rows->head_first = rows->head_first ? rows->head_first : row->first_sequence;
        return RILL_OK; // it was removed (R2), or replay_end() says what is missing
    }
    if (rows->at == rows->catalog->count || row->number != entry->header.number || row->number > rows->last ||
        !entry->has_header || row->live_messages > row->messages || row->live_bytes > row->bytes ||
        row->end_sequence < row->first_sequence)
        return RILL_ERR_NOT_FOUND;
    struct segment_table *table = &rows->store->segments;
    const struct segment *before = table->count ? table->segments[table->count - 1] : NULL;
    if (before && before->first_sequence > row->first_sequence)
        return RILL_ERR_NOT_FOUND;
    struct segment *segment = segment_push_cold(table, row->number, row->first_sequence);
    segment->messages = row->messages;
    segment->bytes = row->bytes;
    segment->gone = row->messages - row->live_messages;
    segment->gone_bytes = row->bytes - row->live_bytes;
    segment->first_time_ns = row->first_time_ns;
    segment->last_time_ns = row->last_time_ns;
    segment->made = true;
    segment->format = entry->header.version;
    segment->rewritten = entry->header.rewritten;
    segment->version = segment->stored = 1;
    segment->file_bytes = entry->size;
    rows->at++;
    return RILL_OK;
}

static enum rill_err take_rows(struct rill_store *store, const struct catalog *catalog, struct resume *resume)
{
    struct rows rows = {.store = store, .catalog = catalog, .last = resume->at.segment};
    const enum rill_err err = rill_index_segments(store->indexing->index, take_row, &rows);
    if (err)
        return err;
    if (!rows.at || catalog->entries[rows.at - 1].header.number != resume->at.segment)
        return RILL_ERR_NOT_FOUND;
    store->file_count = rows.at;
    store->segments.segments[rows.at - 1]->file_bytes = 0; // it may be the tail
    resume->entry = rows.at - 1;
    resume->head_first = rows.head_first;
    return RILL_OK;
}

/* Of a segment that was rewritten since, the index knows where things were before. */
static bool knows_rewritten(const struct catalog *catalog, const struct resume *resume,
                            struct rill_bytes rest)
{
    uint64_t number = 0, times = 0;
    for (size_t i = 0; i < catalog->count && catalog->entries[i].header.number <= resume->at.segment; i++) {
        const struct segment_header *header = &catalog->entries[i].header;
        while (number < header->number && summary_take_rewritten(&rest, &number, &times))
            ;
        if (header->rewritten != (number == header->number ? times : 0))
            return false;
    }
    return true;
}

static enum rill_err take_state(struct rill_store *store, const struct catalog *catalog,
                                struct resume *resume, struct summary_erases *ret_erases)
{
    struct rill_buf state;
    struct rill_bytes rest = {0};
    rill_buf_init(&state, 1 << 20);
    enum rill_err err = rill_index_summary(store->indexing->index, &state);
    if (!err)
        err = summary_get(rill_buf_bytes(&state), &resume->at, &store->lost, ret_erases, &rest);
    if (!err && !knows_rewritten(catalog, resume, rest))
        err = RILL_ERR_NOT_FOUND;
    rill_buf_fini(&state);
    return err;
}

// ---- the log in front of the position ----

/* The block that ends there is read: its records must be sound, and end where it ends. */
static enum rill_err check_block(struct rill_store *store, const struct resume *resume)
{
    struct segment *segment = store->segments.segments[resume->entry];
    enum rill_err err = segment_bring(&store->segments, segment);
    if (err)
        return err;
    struct block *last = block_last(&store->segments);
    if (!last) // then the checkpoint's commit may be in front of it
        return resume->at.offset == SEGMENT_FIRST_OFFSET ? RILL_OK : RILL_ERR_NOT_FOUND;
    if (last->offset + (uint64_t)last->len != resume->at.offset || block_end(last) > resume->at.sequence + 1)
        return RILL_ERR_NOT_FOUND;
    err = store_load_block(store, last);
    if (err)
        return err;
    struct record_scan scan = record_scan_of(last->data->bytes, last->len,
                                             segment_seed(store->identity, segment->number) + last->offset);
    struct record_found found;
    bool sound = true;
    while (sound && record_scan_next(&scan, &found))
        sound = !found.damaged;
    return sound && !found.damaged ? RILL_OK : RILL_ERR_NOT_FOUND;
}

/* A walk through the commits at the beginning of a segment, all of which must be whole. */
struct front {
    struct log_reader reader;
    uint64_t to;
    uint64_t commit;   // number of the last one
    uint64_t sequence; // behind it
    bool sealed;
    uint64_t told_to;                         // the end of the last commit that has more than messages
    uint64_t erased;                          // look for an erase of this sequence or a lower one
    bool found;                               // it is there
    const struct rill_store_visitor *visitor; // NULL: only look
    struct rill_store *store;
    struct rill_store_report *report;
};

static enum rill_err tell_checkpoint(struct front *front, const struct record *record)
{
    struct rill_buf *last = &front->store->checkpoint;
    last->len = 0;
    const enum rill_err err = rill_buf_append(last, record->body);
    return err ? err : replay_tell_checkpoint(front->store, front->visitor, record->body);
}

static enum rill_err tell(struct front *front, const struct record *record)
{
    switch (record->type) {
    case RECORD_MESSAGE:
    case RECORD_DELETE:
    case RECORD_PURGE:
    case RECORD_COMMIT:
    case RECORD_ERASED:
    case RECORD_PACKED:
    case RECORD_ERASE:
        return RILL_OK;
    case RECORD_CHECKPOINT:
        return tell_checkpoint(front, record);
    default:
        front->report->events++;
        return replay_tell_event(front->store, front->visitor, record);
    }
}

static void look(struct front *front, const uint8_t *bytes, const struct record_commit *commit)
{
    for (size_t at = commit->head_bytes; front->erased && at < commit->bytes;) {
        const struct record record = record_view(bytes + at);
        front->found |= record.type == RECORD_ERASE && record_erase_of(&record).sequence <= front->erased;
        at += record.size;
    }
}

static bool has_events(const struct record_commit *commit)
{
    return record_commit_is_merged(commit) || commit->record_count != commit->message_count;
}

static enum rill_err front_commit(struct front *front, uint64_t offset, uint64_t *ret_next)
{
    struct record_commit commit;
    const uint8_t *bytes;
    enum rill_err err = reader_commit_at(&front->reader, offset, front->commit, front->sequence, &commit);
    if (err)
        return err;
    if (commit.number != front->commit + 1 || commit.bytes > front->reader.size - offset)
        return RILL_ERR_NOT_FOUND;
    err = reader_get(&front->reader, offset, commit.bytes, &bytes);
    if (err || !record_commit_is_whole(bytes, front->reader.seed + offset, &commit))
        return err ? err : RILL_ERR_NOT_FOUND;
    look(front, bytes, &commit);
    for (size_t at = 0; !err && front->visitor && at < commit.bytes;) {
        const struct record record = record_view(bytes + at);
        err = tell(front, &record);
        at += record.size;
    }
    front->commit = commit.number;
    front->sequence = commit.sequence + commit.message_count;
    front->sealed = commit.record_count == 0;
    *ret_next = offset + commit.bytes;
    if (has_events(&commit))
        front->told_to = *ret_next;
    return err;
}

/* The first commit of a segment must hold its checkpoint. */
static enum rill_err check_checkpoint(struct front *front)
{
    const uint8_t *at;
    const uint64_t offset = SEGMENT_FIRST_OFFSET + RECORD_COMMIT_BYTES;
    if (front->reader.size < offset + RECORD_HEADER_BYTES)
        return RILL_ERR_NOT_FOUND;
    const enum rill_err err = reader_get(&front->reader, offset, RECORD_HEADER_BYTES, &at);
    return err || record_view(at).type == RECORD_CHECKPOINT ? err : RILL_ERR_NOT_FOUND;
}

static enum rill_err front_open(struct front *front, const struct catalog_entry *entry)
{
    struct rill_store *store = front->store;
    char *path = segment_path(store->folder, entry->header.number);
    const enum rill_err err = reader_open(&front->reader, store->disk, path);
    free(path);
    front->reader.seed = segment_seed(store->identity, entry->header.number);
    return err;
}

/* Walks up to `to`, or over the first commit when that is 0. */
static enum rill_err walk_front(struct front *front, const struct catalog_entry *entry)
{
    enum rill_err err = front_open(front, entry);
    if (err)
        return err;
    front->commit = entry->header.first_commit - 1;
    front->sequence = entry->header.first_sequence - 1;
    err = check_checkpoint(front);
    uint64_t offset = SEGMENT_FIRST_OFFSET;
    do {
        if (!err)
            err = front_commit(front, offset, &offset);
    } while (!err && offset < front->to);
    if (!err && front->to && offset != front->to)
        err = RILL_ERR_NOT_FOUND;
    reader_close(&front->reader);
    return err;
}

/* An erase behind the position may have taken the subject of a message that is in the index, which then must be made
   anew. Where the walk does not get on, the replay will, but nobody knows what is there. */
static enum rill_err check_erases(struct rill_store *store, const struct catalog *catalog,
                                  const struct resume *resume)
{
    uint64_t offset = resume->at.offset;
    struct front front = {.store = store,
                          .commit = resume->at.commit,
                          .sequence = resume->at.sequence,
                          .erased = resume->at.sequence};
    for (size_t i = resume->entry; i < catalog->count; i++, offset = SEGMENT_FIRST_OFFSET) {
        const struct segment_header *header = &catalog->entries[i].header;
        if (i > resume->entry && header->first_commit != front.commit + 1)
            return RILL_ERR_NOT_FOUND;
        enum rill_err err = front_open(&front, &catalog->entries[i]);
        while (!err && offset < front.reader.size)
            err = front_commit(&front, offset, &offset);
        reader_close(&front.reader);
        if (err && err != RILL_ERR_NOT_FOUND)
            return err;
    }
    return front.found ? RILL_ERR_NOT_FOUND : RILL_OK;
}

static bool is_in_last(const struct catalog *catalog, const struct resume *resume)
{
    return resume->entry + 1 == catalog->count;
}

static enum rill_err check_front(struct rill_store *store, const struct catalog *catalog,
                                 struct resume *resume)
{
    const bool same = is_in_last(catalog, resume);
    if (catalog->entries[resume->entry].size < resume->at.offset)
        return RILL_ERR_NOT_FOUND;
    for (size_t i = 0; i < catalog->count; i++) {
        if (!catalog->entries[i].has_header)
            return RILL_ERR_NOT_FOUND;
    }
    if (same && resume->at.offset == SEGMENT_FIRST_OFFSET)
        return RILL_OK; // the replay begins with the checkpoint
    struct front front = {.store = store, .to = same ? resume->at.offset : 0};
    const enum rill_err err = walk_front(&front, &catalog->entries[catalog->count - 1]);
    if (err || !same)
        return err;
    resume->sealed = front.sealed;
    resume->told_to = front.told_to;
    return front.commit == resume->at.commit && front.sequence == resume->at.sequence ? RILL_OK
                                                                                      : RILL_ERR_NOT_FOUND;
}

// ---- together ----

void resume_forget(struct rill_store *store, enum resume_index index)
{
    const struct segment_table *table = &store->segments;
    const uint64_t budget = table->cache.bytes_max;
    indexing_stand_on(store->indexing, NULL, 0);
    segment_table_fini(&store->segments);
    store->segments.cache.bytes_max = budget;
    store->file_count = 0;
    lost_fini(&store->lost);
    if (index == RESUME_WITHOUT_INDEX)
        indexing_give_up(store->indexing);
    else
        indexing_begin(store->indexing, INDEXING_FROM_IDS);
}

/* E3: they may have been done since, and are done again. Those of segments that are gone are not missed. */
static void take_erases(struct rill_store *store, const struct summary_erases *erases)
{
    for (size_t i = 0; i < erases->count; i++) {
        const struct summary_erase *one = &erases->list[i];
        if (segment_of(&store->segments, one->erase.segment))
            store_erase_note(store, one->commit, &one->erase);
    }
}

static enum rill_err take_and_check(struct rill_store *store, const struct catalog *catalog,
                                    struct resume *ret, struct summary_erases *ret_erases)
{
    enum rill_err err = take_state(store, catalog, ret, ret_erases);
    const struct summary *at = &ret->at;
    if (!err && (at->offset < SEGMENT_FIRST_OFFSET || at->sequence == UINT64_MAX ||
                 at->commit == UINT64_MAX || !indexing_stands_at(store->indexing, at)))
        err = RILL_ERR_NOT_FOUND;
    if (!err)
        err = take_rows(store, catalog, ret);
    if (!err)
        err = check_block(store, ret);
    if (!err)
        err = check_front(store, catalog, ret);
    if (!err)
        err = check_erases(store, catalog, ret);
    return err;
}

enum rill_err resume_prepare(struct rill_store *store, const struct catalog *catalog, struct resume *ret)
{
    struct summary_erases erases = {0};
    *ret = (struct resume){0};
    if (store->indexing->failed)
        return RILL_OK;
    const enum rill_err err = take_and_check(store, catalog, ret, &erases);
    if (!err)
        take_erases(store, &erases);
    free(erases.list);
    if (err == RILL_ERR_NO_MEMORY)
        return err;
    ret->is_used = !err;
    if (err)
        resume_forget(store, RESUME_WITH_IDS);
    else
        store->indexing->fed = ret->at, store->indexing->resumed_sequence = ret->at.sequence;
    return RILL_OK;
}

enum rill_err resume_tell(struct rill_store *store, const struct catalog *catalog,
                          const struct resume *resume, const struct rill_store_visitor *visitor,
                          struct rill_store_report *report)
{
    if (!is_in_last(catalog, resume) || resume->at.offset == SEGMENT_FIRST_OFFSET)
        return RILL_OK;
    struct front front = {.store = store, .to = resume->told_to, .visitor = visitor, .report = report};
    const enum rill_err err = walk_front(&front, &catalog->entries[resume->entry]);
    store->sealed = resume->sealed;
    report->bytes_read += resume->at.offset;
    return err == RILL_ERR_NOT_FOUND ? RILL_ERR_IO : err; // it was there a moment ago
}
