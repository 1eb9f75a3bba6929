// SPDX-License-Identifier: Apache-2.0
//
// What goes into the index's file with a batch beside it, and how far that is behind.
#include "indexing.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "directory_code.h"

#include <stdlib.h>

enum { STATE_BYTES_MAX = 1 << 20 };

void indexing_stand_on(struct indexing *indexing, struct block *block, uint32_t len)
{
    if (indexing->block)
        indexing->block->segment->pins--;
    indexing->block = block;
    indexing->block_len = len;
    if (block)
        block->segment->pins++;
}

void indexing_fail(struct indexing *indexing, enum rill_err err, const char *what)
{
    if (indexing->failed)
        return;
    indexing->failed = indexing->keeps = true;
    indexing->store->segments.keeps = true;
    indexing->is_void = err == RILL_ERR_DAMAGED || err == RILL_ERR_IO;
    indexing_stand_on(indexing, NULL, 0); // nothing is kept for it
    rill_error_text_set(&indexing->why, "%s: %s", what, rill_err_text(err));
}

void indexing_trouble(struct indexing *indexing, enum rill_err err, const char *what)
{
    const bool is_passing =
        err != RILL_ERR_DAMAGED && indexing->index && !rill_index_is_connected(indexing->index);
    if (!is_passing || ++indexing->troubles == INDEXING_TROUBLES_MAX)
        indexing_fail(indexing, err, what);
}

/* The rows of a batch, and their details one behind the other. */
struct rows {
    struct rill_index_segment *rows;
    size_t *detail_ends;
    size_t count;
    struct rill_buf details;
};

static uint32_t pending_bytes(const void *context, const struct block *block)
{
    const struct rill_store *store = context;
    uint32_t bytes = 0;
    for (size_t i = 0; i < store->removal_count; i++)
        bytes += store->removals[i].block == block ? store->removals[i].bytes : 0;
    return bytes;
}

/* How many of its blocks are fed. */
static size_t fed_blocks(const struct indexing *indexing, const struct segment *segment)
{
    const struct block *last = indexing->block;
    return last && last->segment == segment ? last->index + 1 : segment->block_count;
}

static uint64_t end_of(const struct indexing *indexing, size_t index)
{
    const struct segment_table *table = &indexing->store->segments;
    const bool is_last = table->segments[index]->number == indexing->fed.segment;
    return is_last ? indexing->fed.sequence + 1 : segment_end(table, index);
}

static enum rill_err put_row(struct indexing *indexing, size_t index, struct rows *rows)
{
    const struct rill_store *store = indexing->store;
    const struct segment *segment = store->segments.segments[index];
    const struct directory_view view = {segment, fed_blocks(indexing, segment), pending_bytes, store};
    struct directory_counts counts;
    const enum rill_err err = directory_put(&view, &rows->details, &counts);
    rows->detail_ends[rows->count] = rows->details.len;
    rows->rows[rows->count++] = (struct rill_index_segment){
        .number = segment->number,
        .first_sequence = segment->first_sequence,
        .end_sequence = end_of(indexing, index),
        .messages = counts.messages,
        .bytes = counts.bytes,
        .live_messages = counts.live_messages,
        .live_bytes = counts.live_bytes,
        .first_time_ns = segment->first_time_ns,
        .last_time_ns = segment->last_time_ns,
    };
    return err;
}

static void note_stored(struct indexing *indexing, const struct segment *segment)
{
    // Of a segment that goes on behind `fed` the file has not all.
    const bool is_whole = fed_blocks(indexing, segment) == segment->block_count;
    if (indexing->stored_count == indexing->stored_capacity) {
        indexing->stored_capacity = indexing->stored_capacity ? indexing->stored_capacity * 2 : 8;
        indexing->stored =
            rill_alloc_resize(indexing->stored, indexing->stored_capacity, sizeof indexing->stored[0]);
    }
    indexing->stored[indexing->stored_count++] =
        (struct indexing_stored){segment->number, is_whole ? segment->version : 0};
}

static enum rill_err put_rows(struct indexing *indexing, struct rows *rows)
{
    const struct segment_table *table = &indexing->store->segments;
    enum rill_err err = RILL_OK;
    indexing->stored_count = 0;
    for (size_t i = 0; !err && i < table->count; i++) {
        const struct segment *segment = table->segments[i];
        if (segment->number > indexing->fed.segment)
            break;
        if (!segment->hot || segment->version == segment->stored)
            continue;
        err = put_row(indexing, i, rows);
        note_stored(indexing, segment);
    }
    for (size_t i = 0, at = 0; i < rows->count; at = rows->detail_ends[i++])
        rows->rows[i].detail = rill_bytes_of(rows->details.data + at, rows->detail_ends[i] - at);
    return err;
}

/* Those in front of the position: the next open does not read them in the log (E3). */
static struct summary_erases pending_erases(const struct indexing *indexing)
{
    const struct rill_store *store = indexing->store;
    struct summary_erases erases = {.list = rill_alloc_zero(store->erasure_count + 1, sizeof erases.list[0])};
    for (size_t i = 0; i < store->erasure_count; i++) {
        const struct erasure *one = &store->erasures[i];
        if (!one->done && one->commit <= indexing->fed.commit)
            erases.list[erases.count++] = (struct summary_erase){one->commit, one->erase};
    }
    return erases;
}

static enum rill_err rotate_with(struct indexing *indexing, struct rows *rows, struct rill_buf *state)
{
    const struct rill_store *store = indexing->store;
    const struct summary_erases erases = pending_erases(indexing);
    enum rill_err err = RILL_OK;
    if (!indexing->doubtful)
        err = summary_put(&indexing->fed, &store->lost, &erases, &store->segments, state);
    free(erases.list);
    if (!err)
        err = put_rows(indexing, rows);
    const struct rill_index_summary summary = {
        .state = rill_buf_bytes(state),
        .segments = rows->rows,
        .segment_count = rows->count,
        .segments_from = store->segments.segments[0]->number,
    };
    return err ? err : rill_index_rotate(indexing->index, &summary);
}

void indexing_rotate(struct indexing *indexing)
{
    const size_t most = indexing->store->segments.count;
    struct rows rows = {
        .rows = rill_alloc_zero(most, sizeof rows.rows[0]),
        .detail_ends = rill_alloc_zero(most, sizeof rows.detail_ends[0]),
    };
    struct rill_buf state;
    RILL_ASSERT(!indexing->rotated && !indexing->open.length);
    rill_buf_init(&state, STATE_BYTES_MAX);
    rill_buf_init(&rows.details, DIRECTORY_BYTES_MAX);
    const enum rill_err err = rotate_with(indexing, &rows, &state);
    if (err)
        indexing_fail(indexing, err, "end a batch");
    indexing->rotated = !err;
    indexing->rotated_at = (struct indexing_place){indexing->fed.segment, indexing->fed.offset};
    indexing->since_rotation = 0;
    indexing->stale = false;
    rill_buf_fini(&rows.details);
    rill_buf_fini(&state);
    free(rows.detail_ends);
    free(rows.rows);
}

static uint64_t segment_bytes(const struct rill_store *store, const struct segment *segment)
{
    return segment->number == store->committed.segment ? store->committed.offset : segment->file_bytes;
}

uint64_t indexing_behind_bytes(const struct indexing *indexing)
{
    const struct rill_store *store = indexing->store;
    const struct segment_table *table = &store->segments;
    const struct indexing_place *written = &indexing->written;
    uint64_t bytes = 0;
    if (indexing->failed || indexing->is_out_of_space)
        return 0;
    for (size_t i = segment_at(table, written->segment); i < table->count; i++) {
        const struct segment *segment = table->segments[i];
        const uint64_t from = segment->number == written->segment ? written->offset : SEGMENT_FIRST_OFFSET;
        const uint64_t end = segment_bytes(store, segment);
        bytes += end > from ? end - from : 0;
    }
    return bytes;
}
