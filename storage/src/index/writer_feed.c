// SPDX-License-Identifier: Apache-2.0
#include "writer_subjects.h"

#include "base/assert.h"

#include <stdlib.h>

static enum rill_err add_posting(struct writer *writer, uint64_t id, const struct posting *posting)
{
    writer->buf.len = 0;
    const enum rill_err err = posting_put(&writer->buf, posting);
    if (err)
        return err;
    sqlite3_stmt *add = index_db_use(writer->db, INDEX_POSTING_ADD);
    index_bind(add, 1, writer->era.era);
    index_bind(add, 2, id);
    index_bind(add, 3, posting->last);
    index_bind(add, 4, posting->first);
    index_bind(add, 5, posting->before);
    index_bind(add, 6, posting->count);
    index_bind_blob(add, 7, rill_buf_bytes(&writer->buf));
    writer->era.postings++;
    return index_db_run(add);
}

/* Those of the messages from `from` on. */
static enum rill_err add_postings(struct fed_list *list, const struct fed_subject *fed, uint32_t from)
{
    struct posting posting; // large: what is not used is not cleared
    enum rill_err err = RILL_OK;
    for (; !err && from < fed->messages; from += posting.count) {
        fed_posting(list, fed, from, &posting);
        err = add_posting(list->writer, fed->id, &posting);
    }
    return err;
}

static enum rill_err write_postings(struct fed_list *list)
{
    struct index_era *era = &list->writer->era;
    const bool is_dense = fed_is_dense(list);
    enum rill_err err = is_dense ? fed_run(list, INDEX_POSTING_ADD_ALL, era->era) : RILL_OK;
    era->postings += is_dense ? list->count : 0;
    for (uint32_t i = 0; !err && i < list->count; i++)
        err = add_postings(list, &list->subjects[i], is_dense ? INDEX_POSITIONS_MAX : 0);
    return err;
}

static enum rill_err write_subjects(struct writer *writer)
{
    struct fed_list list;
    enum rill_err err = writer_subjects(writer, &list);
    err = err ? err : write_postings(&list);
    fed_list_fini(&list);
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
    sqlite3_stmt *add = index_db_use(writer->db, INDEX_BLOCK_ADD);
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

/* How large an era becomes. A batch writes most pages of its era, and a question may look into each: so the first ones are
   small, and the more there are the larger the next. */
static uint64_t era_postings(const struct writer *writer, uint64_t first_era)
{
    return writer->job->era_postings * (1 + (writer->era.era - first_era) / INDEX_ERA_BITS);
}

/* The era of the batch: the last one while it is small, else the next. */
static enum rill_err era_choose(struct writer *writer)
{
    const struct batch *batch = writer->batch;
    sqlite3_stmt *row = index_db_use(writer->db, INDEX_ERA_LAST);
    const enum rill_err err = index_db_row(row);
    if (err && err != RILL_ERR_NOT_FOUND)
        return err;
    uint64_t first_era = 0;
    if (!err) {
        writer->era = (struct index_era){index_column(row, 0), index_column(row, 1), index_column(row, 2),
                                         index_column(row, 3)};
        first_era = index_column(row, 4);
    }
    (void)sqlite3_reset(row);
    if (err || writer->era.postings >= era_postings(writer, first_era))
        writer->era = (struct index_era){.era = writer->era.era + 1, .first = batch->base};
    writer->era.last = batch_end(batch) - 1;
    return RILL_OK;
}

static enum rill_err era_set(struct writer *writer)
{
    sqlite3_stmt *set = index_db_use(writer->db, INDEX_ERA_SET);
    index_bind(set, 1, writer->era.era);
    index_bind(set, 2, writer->era.first);
    index_bind(set, 3, writer->era.last);
    index_bind(set, 4, writer->era.postings);
    return index_db_run(set);
}

enum rill_err writer_feed(struct writer *writer)
{
    if (!writer->batch->message_count)
        return RILL_OK;
    enum rill_err err = era_choose(writer);
    err = err ? err : write_subjects(writer);
    err = err ? err : write_blocks(writer);
    return err ? err : era_set(writer);
}
