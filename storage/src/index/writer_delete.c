// SPDX-License-Identifier: Apache-2.0
#include "writer.h"

#include "base/assert.h"

#include <stdlib.h>

static int compare_u64(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static enum rill_err set_posting(struct writer *writer, uint64_t era, uint64_t id,
                                 const struct posting *posting)
{
    if (!posting->count) {
        sqlite3_stmt *drop = index_db_use(writer->db, INDEX_POSTING_EMPTY);
        index_bind(drop, 1, era);
        index_bind(drop, 2, id);
        index_bind(drop, 3, posting->last);
        return index_db_run(drop);
    }
    writer->buf.len = 0;
    const enum rill_err err = posting_put(&writer->buf, posting);
    if (err)
        return err;
    sqlite3_stmt *set = index_db_use(writer->db, INDEX_POSTING_SET);
    index_bind(set, 1, era);
    index_bind(set, 2, id);
    index_bind(set, 3, posting->last);
    index_bind(set, 4, posting->count);
    index_bind_blob(set, 5, rill_buf_bytes(&writer->buf));
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

static enum rill_err posting_with(struct writer *writer, uint64_t era, uint64_t id, uint64_t sequence,
                                  struct posting *ret)
{
    sqlite3_stmt *at = index_db_use(writer->db, INDEX_POSTING_AT);
    index_bind(at, 1, era);
    index_bind(at, 2, id);
    index_bind(at, 3, sequence);
    enum rill_err err = index_db_row(at);
    err = err ? err : posting_get(at, ret);
    if (at)
        (void)sqlite3_reset(at);
    return err;
}

/* Deletes of one subject; what is not there any more was purged. */
static enum rill_err delete_from_postings(struct writer *writer, uint64_t id,
                                          const struct batch_deleted *deleted)
{
    uint64_t taken = 0, era = 0;
    for (uint32_t i = 0; i < deleted->count;) {
        struct posting posting;
        enum rill_err err = writer_era_of(writer, deleted->sequences[i], &era);
        err = err ? err : posting_with(writer, era, id, deleted->sequences[i], &posting);
        if (err == RILL_ERR_NOT_FOUND) {
            i++;
            continue;
        }
        if (err)
            return err;
        const uint32_t before = posting.count;
        i += posting_take_out(&posting, deleted->sequences + i, deleted->count - i);
        taken += before - posting.count;
        err = before > posting.count ? set_posting(writer, era, id, &posting) : RILL_OK;
        if (err)
            return err;
    }
    sqlite3_stmt *count = index_db_use(writer->db, INDEX_SUBJECT_DELETED);
    index_bind(count, 1, id);
    index_bind(count, 2, taken);
    return index_db_run(count);
}

static enum rill_err delete_of_subject(struct writer *writer, const struct batch_subject *subject)
{
    sqlite3_stmt *find = index_db_use(writer->db, INDEX_SUBJECT_ID);
    index_bind_text(find, 1, subject->text);
    enum rill_err err = index_db_row(find);
    if (err)
        return err == RILL_ERR_NOT_FOUND ? RILL_OK : err; // purged
    const uint64_t id = index_column(find, 0);
    (void)sqlite3_reset(find);
    err = delete_from_postings(writer, id, subject->deleted);
    return err ? err : writer_drop_subject(writer, id);
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
    sqlite3_stmt *set = index_db_use(writer->db, live ? INDEX_BLOCK_SET : INDEX_BLOCK_DROP);
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
        sqlite3_stmt *at = index_db_use(writer->db, INDEX_BLOCK_AT);
        index_bind(at, 1, sequences[i]);
        err = index_db_row(at);
        if (err == RILL_ERR_NOT_FOUND)
            return RILL_OK;
        err = err ? err : rewrite_block(writer, at, sequences + i, count - i, &used);
        RILL_ASSERT(err || used > 0);
    }
    return err;
}

enum rill_err writer_delete(struct writer *writer)
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
        err = err ? err : writer_expiries_delete(writer, all, count);
    }
    free(all);
    return err;
}
