// SPDX-License-Identifier: Apache-2.0
//
// What a job does: one transaction that brings the file from the end of one batch to the end of the next, or a
// checkpoint of SQLite's write-ahead log. The two alternate: a checkpoint can only copy what no reader's
// transaction hides, and the reader moves on between the two.
//
// Subjects are written in the order of their text, so that neighbours in the table are neighbours in time and
// the pages of one batch are touched one after the other.
#include "index_internal.h"

#include "base/assert.h"

#include <stdlib.h>

enum { BLOB_BYTES_MAX = 64 << 20, BLOCKS_DROPPED_MAX = 4096, DROPPED_REMEMBERED = 4096 };

struct writer {
    struct index_db db;
    const struct batch *batch;
    uint64_t *ids; // of the batch's subjects
    struct rill_buf buf;
    uint64_t dropped[DROPPED_REMEMBERED]; // subjects whose purged postings are gone
};

static int compare_subjects(const void *a, const void *b, void *context)
{
    const struct batch_subject *subjects = context;
    return rill_bytes_compare(subjects[*(const uint32_t *)a].text, subjects[*(const uint32_t *)b].text);
}

static int compare_u64(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static enum rill_err add_posting(struct writer *writer, uint64_t id, struct posting *posting)
{
    posting->first = posting->positions[0];
    posting->last = posting->positions[posting->count - 1];
    writer->buf.len = 0;
    const enum rill_err err = posting_put(&writer->buf, posting);
    if (err)
        return err;
    sqlite3_stmt *add = index_db_use(&writer->db, INDEX_POSTING_ADD);
    index_bind(add, 1, id);
    index_bind(add, 2, posting->last);
    index_bind(add, 3, posting->first);
    index_bind(add, 4, posting->before);
    index_bind(add, 5, posting->count);
    index_bind_blob(add, 6, rill_buf_bytes(&writer->buf));
    return index_db_run(add);
}

static enum rill_err feed_subject(struct writer *writer, const struct batch_subject *subject,
                                  uint64_t *ret_id)
{
    const uint32_t count = subject->end - subject->start;
    const uint32_t *offsets = batch_offsets(subject) + subject->start;
    sqlite3_stmt *feed = index_db_use(&writer->db, INDEX_SUBJECT_FEED);
    index_bind_text(feed, 1, subject->text);
    index_bind(feed, 2, count);
    enum rill_err err = index_db_row(feed);
    if (err)
        return err == RILL_ERR_NOT_FOUND ? RILL_ERR_DAMAGED : err;
    *ret_id = index_column(feed, 0);
    struct posting posting = {.before = index_column(feed, 1) - count};
    err = index_db_run(feed);
    for (uint32_t i = 0; !err && i < count; posting.before += posting.count) {
        for (posting.count = 0; posting.count < INDEX_POSITIONS_MAX && i < count; i++)
            posting.positions[posting.count++] = writer->batch->base + offsets[i];
        err = add_posting(writer, *ret_id, &posting);
    }
    return err;
}

static enum rill_err write_subjects(struct writer *writer, const uint32_t *order)
{
    enum rill_err err = RILL_OK;
    for (uint32_t i = 0; !err && i < writer->batch->subject_count; i++) {
        const struct batch_subject *subject = &writer->batch->subjects[order[i]];
        if (subject->end > subject->start)
            err = feed_subject(writer, subject, &writer->ids[order[i]]);
    }
    return err;
}

/* The messages [start, end) of the batch, into the buffer. */
static enum rill_err encode_block(struct writer *writer, uint32_t start, uint32_t end, uint64_t *ret_live)
{
    const struct batch *batch = writer->batch;
    struct block_put put = {&writer->buf, batch->base + batch->messages[start].offset};
    enum rill_err err = RILL_OK;
    writer->buf.len = 0;
    *ret_live = 0;
    for (uint32_t i = start; !err && i < end; i++) {
        if (batch->messages[i].subject == BATCH_NONE)
            continue;
        ++*ret_live;
        err =
            block_put(&put, batch->base + batch->messages[i].offset, writer->ids[batch->messages[i].subject]);
    }
    return err;
}

static enum rill_err write_block(struct writer *writer, const struct batch_block *block, uint32_t start)
{
    const struct batch *batch = writer->batch;
    uint64_t live;
    const enum rill_err err = encode_block(writer, start, block->message_end, &live);
    if (err || !live)
        return err;
    sqlite3_stmt *add = index_db_use(&writer->db, INDEX_BLOCK_ADD);
    index_bind(add, 1, batch->base + batch->messages[block->message_end - 1].offset);
    index_bind(add, 2, batch->base + batch->messages[start].offset);
    index_bind(add, 3, block->place.number);
    index_bind(add, 4, block->place.segment);
    index_bind(add, 5, block->place.offset);
    index_bind(add, 6, block->place.length);
    if (add) {
        (void)sqlite3_bind_int64(add, 7, block->place.first_time_ns);
        (void)sqlite3_bind_int64(add, 8, block->place.last_time_ns);
    }
    index_bind(add, 9, live);
    index_bind_blob(add, 10, rill_buf_bytes(&writer->buf));
    return index_db_run(add);
}

static enum rill_err write_blocks(struct writer *writer)
{
    const struct batch *batch = writer->batch;
    enum rill_err err = RILL_OK;
    uint32_t start = 0;
    for (uint32_t i = 0; !err && i < batch->block_count; i++) {
        if (batch->blocks[i].message_end > start)
            err = write_block(writer, &batch->blocks[i], start);
        start = batch->blocks[i].message_end;
    }
    return err;
}

static enum rill_err set_posting(struct writer *writer, uint64_t id, const struct posting *posting)
{
    if (!posting->count) {
        sqlite3_stmt *drop = index_db_use(&writer->db, INDEX_POSTING_EMPTY);
        index_bind(drop, 1, id);
        index_bind(drop, 2, posting->last);
        return index_db_run(drop);
    }
    writer->buf.len = 0;
    const enum rill_err err = posting_put(&writer->buf, posting);
    if (err)
        return err;
    sqlite3_stmt *set = index_db_use(&writer->db, INDEX_POSTING_SET);
    index_bind(set, 1, id);
    index_bind(set, 2, posting->last);
    index_bind(set, 3, posting->count);
    index_bind_blob(set, 4, rill_buf_bytes(&writer->buf));
    return index_db_run(set);
}

/* Takes out of the posting those of the sorted sequences that it covers. How many sequences that were. */
static uint32_t posting_take_out(struct posting *posting, const uint64_t *sequences, uint32_t count)
{
    uint32_t used = 0, kept = 0;
    for (uint32_t i = 0; i < posting->count; i++) {
        while (used < count && sequences[used] < posting->positions[i])
            used++;
        if (used == count || sequences[used] != posting->positions[i])
            posting->positions[kept++] = posting->positions[i];
    }
    posting->count = kept;
    while (used < count && sequences[used] <= posting->last)
        used++;
    return used;
}

static enum rill_err delete_from_postings(struct writer *writer, uint64_t id,
                                          const struct batch_deleted *deleted)
{
    uint64_t taken = 0;
    for (uint32_t i = 0; i < deleted->count;) {
        struct posting posting;
        sqlite3_stmt *at = index_db_use(&writer->db, INDEX_POSTING_AT);
        index_bind(at, 1, id);
        index_bind(at, 2, deleted->sequences[i]);
        enum rill_err err = index_db_row(at);
        if (err == RILL_ERR_NOT_FOUND)
            break; // purged
        err = err ? err : posting_get(at, &posting);
        if (err)
            return err;
        (void)sqlite3_reset(at);
        const uint32_t before = posting.count;
        i += posting_take_out(&posting, deleted->sequences + i, deleted->count - i);
        taken += before - posting.count;
        err = before > posting.count ? set_posting(writer, id, &posting) : RILL_OK;
        if (err)
            return err;
    }
    sqlite3_stmt *count = index_db_use(&writer->db, INDEX_SUBJECT_DELETED);
    index_bind(count, 1, id);
    index_bind(count, 2, taken);
    return index_db_run(count);
}

static enum rill_err drop_subject(struct writer *writer, uint64_t id)
{
    sqlite3_stmt *drop = index_db_use(&writer->db, INDEX_SUBJECT_DROP);
    index_bind(drop, 1, id);
    return index_db_run(drop);
}

static enum rill_err delete_of_subject(struct writer *writer, const struct batch_subject *subject)
{
    sqlite3_stmt *find = index_db_use(&writer->db, INDEX_SUBJECT_ID);
    index_bind_text(find, 1, subject->text);
    enum rill_err err = index_db_row(find);
    if (err)
        return err == RILL_ERR_NOT_FOUND ? RILL_OK : err; // purged
    const uint64_t id = index_column(find, 0);
    (void)sqlite3_reset(find);
    err = delete_from_postings(writer, id, subject->deleted);
    return err ? err : drop_subject(writer, id);
}

/* Takes the sequences that the block of this row has out of it. How many sequences that were is *ret_used. */
static enum rill_err rewrite_block(struct writer *writer, sqlite3_stmt *row, const uint64_t *sequences,
                                   uint64_t count, uint64_t *ret_used)
{
    struct block_walk walk = block_walk_of(row);
    struct block_put put = {&writer->buf, walk.sequence};
    uint64_t used = 0, sequence, id, live = 0;
    enum rill_err err;
    writer->buf.len = 0;
    while (!(err = block_walk_next(&walk, &sequence, &id))) {
        while (used < count && sequences[used] < sequence)
            used++;
        if (used < count && sequences[used] == sequence)
            continue;
        live++;
        if ((err = block_put(&put, sequence, id)))
            return err;
    }
    while (used < count && sequences[used] <= walk.last)
        used++;
    *ret_used = used;
    (void)sqlite3_reset(row);
    if (err != RILL_ERR_NOT_FOUND)
        return err;
    sqlite3_stmt *set = index_db_use(&writer->db, live ? INDEX_BLOCK_SET : INDEX_BLOCK_DROP);
    index_bind(set, 1, walk.last);
    if (live) {
        index_bind(set, 2, live);
        index_bind_blob(set, 3, rill_buf_bytes(&writer->buf));
    }
    return index_db_run(set);
}

static enum rill_err delete_from_blocks(struct writer *writer, const uint64_t *sequences, uint64_t count)
{
    enum rill_err err = RILL_OK;
    for (uint64_t i = 0, used = 0; !err && i < count; i += used) {
        sqlite3_stmt *at = index_db_use(&writer->db, INDEX_BLOCK_AT);
        index_bind(at, 1, sequences[i]);
        err = index_db_row(at);
        if (err == RILL_ERR_NOT_FOUND)
            return RILL_OK;
        err = err ? err : rewrite_block(writer, at, sequences + i, count - i, &used);
        RILL_ASSERT(err || used > 0);
    }
    return err;
}

static enum rill_err write_deletes(struct writer *writer)
{
    const struct batch *batch = writer->batch;
    if (!batch->deleted_count)
        return RILL_OK;
    uint64_t *all = malloc(batch->deleted_count * sizeof *all);
    uint64_t count = 0;
    enum rill_err err = all ? RILL_OK : RILL_ERR_NO_MEMORY;
    for (uint32_t i = 0; !err && i < batch->subject_count; i++) {
        const struct batch_deleted *deleted = batch->subjects[i].deleted;
        if (!deleted)
            continue;
        memcpy(all + count, deleted->sequences, deleted->count * sizeof *all);
        count += deleted->count;
        err = delete_of_subject(writer, &batch->subjects[i]);
    }
    if (!err) {
        RILL_ASSERT(count == batch->deleted_count);
        qsort(all, count, sizeof *all, compare_u64);
        err = delete_from_blocks(writer, all, count);
    }
    free(all);
    return err;
}

/* Drops the postings of this block's subjects that end before `first`, and the block. */
static enum rill_err drop_block(struct writer *writer, sqlite3_stmt *row, uint64_t first)
{
    struct block_walk walk = block_walk_of(row);
    const uint64_t last = walk.last;
    uint64_t sequence, id;
    enum rill_err err;
    while (!(err = block_walk_next(&walk, &sequence, &id))) {
        if (writer->dropped[id % DROPPED_REMEMBERED] == id)
            continue;
        writer->dropped[id % DROPPED_REMEMBERED] = id;
        sqlite3_stmt *drop = index_db_use(&writer->db, INDEX_POSTING_DROP);
        index_bind(drop, 1, id);
        index_bind(drop, 2, first);
        err = index_db_run(drop);
        err = err || !sqlite3_changes(writer->db.sqlite) ? err : drop_subject(writer, id);
        if (err)
            return err;
    }
    (void)sqlite3_reset(row);
    if (err != RILL_ERR_NOT_FOUND)
        return err;
    sqlite3_stmt *drop = index_db_use(&writer->db, INDEX_BLOCK_DROP);
    index_bind(drop, 1, last);
    return index_db_run(drop);
}

/* What is purged, as much as one job may take. */
static enum rill_err drop_purged(struct writer *writer)
{
    const uint64_t first = writer->batch->first_sequence;
    enum rill_err err = RILL_OK;
    for (int i = 0; !err && i < BLOCKS_DROPPED_MAX; i++) {
        sqlite3_stmt *row = index_db_use(&writer->db, INDEX_BLOCK_AT);
        index_bind(row, 1, 0);
        err = index_db_row(row);
        if (!err && index_column(row, 0) >= first)
            break;
        err = err ? err : drop_block(writer, row, first);
    }
    return err == RILL_ERR_NOT_FOUND ? RILL_OK : err;
}

static enum rill_err write_state(struct writer *writer, const struct rill_index_position *position)
{
    sqlite3_stmt *set = index_db_use(&writer->db, INDEX_STATE_SET);
    index_bind(set, 1, position->block);
    index_bind(set, 2, position->segment);
    index_bind(set, 3, position->offset);
    index_bind(set, 4, position->sequence);
    index_bind(set, 5, writer->batch->first_sequence);
    return index_db_run(set);
}

static enum rill_err write_all(struct writer *writer, const struct rill_index_job *job, const uint32_t *order)
{
    struct index_db_state state;
    enum rill_err err = index_db_state(&writer->db, &state);
    if (!err && state.position.sequence != job->sequence)
        err = RILL_ERR_DAMAGED; // another file
    err = err ? err : index_db_raise_generation(&writer->db);
    err = err ? err : write_deletes(writer);
    err = err ? err : write_subjects(writer, order);
    err = err ? err : write_blocks(writer);
    err = err ? err : drop_purged(writer);
    return err ? err : write_state(writer, &job->position);
}

static enum rill_err write_batch(struct writer *writer, const struct rill_index_job *job)
{
    const uint32_t count = job->batch->subject_count;
    uint32_t *order = malloc((count + 1) * sizeof *order);
    writer->ids = calloc(count + 1, sizeof writer->ids[0]);
    enum rill_err err = order && writer->ids ? RILL_OK : RILL_ERR_NO_MEMORY;
    for (uint32_t i = 0; !err && i < count; i++)
        order[i] = i;
    if (!err)
        qsort_r(order, count, sizeof *order, compare_subjects, job->batch->subjects);
    err = err ? err : index_db_do(&writer->db, INDEX_BEGIN_WRITE);
    err = err ? err : write_all(writer, job, order);
    err = err ? err : index_db_do(&writer->db, INDEX_COMMIT);
    // On an error the transaction ends with the connection.
    free(order);
    free(writer->ids);
    return err;
}

void rill_index_job_run(struct rill_index_job *job)
{
    struct writer writer = {.batch = job->batch};
    struct rill_error_text why;
    rill_buf_init(&writer.buf, BLOB_BYTES_MAX);
    job->err = index_db_open(&writer.db, job->path, false, &why);
    if (!job->err)
        job->err = job->is_checkpoint ? index_db_do(&writer.db, INDEX_CHECKPOINT) : write_batch(&writer, job);
    if (job->err == RILL_ERR_NOT_FOUND)
        job->err = RILL_ERR_DAMAGED; // the file went away
    index_db_close(&writer.db);
    rill_buf_fini(&writer.buf);
}
