// SPDX-License-Identifier: Apache-2.0
//
// Purges hide messages at once and remove them later: block by block with the postings that end in front of the
// first message left, some thousand blocks in one job. An era that is behind goes with what is left of it (postings
// that reach further than the messages in them, because the last ones were deleted).
#include "writer.h"

enum { BLOCKS_DROPPED_MAX = 4096 };

enum rill_err writer_era_of(struct writer *writer, uint64_t sequence, uint64_t *ret_era)
{
    sqlite3_stmt *row = index_db_use(writer->db, INDEX_ERA_OF);
    index_bind(row, 1, sequence);
    const enum rill_err err = index_db_row(row);
    if (!err)
        *ret_era = index_column(row, 0);
    if (row)
        (void)sqlite3_reset(row);
    return err;
}

enum rill_err writer_drop_subject(struct writer *writer, uint64_t id)
{
    sqlite3_stmt *drop = index_db_use(writer->db, INDEX_SUBJECT_DROP);
    index_bind(drop, 1, id);
    return index_db_run(drop);
}

/* The postings of a subject in an era that end before `first`. */
static enum rill_err drop_postings(struct writer *writer, uint64_t era, uint64_t id, uint64_t first)
{
    uint64_t live = 0;
    enum rill_err err;
    sqlite3_stmt *drop = index_db_use(writer->db, INDEX_POSTING_DROP);
    index_bind(drop, 1, era);
    index_bind(drop, 2, id);
    index_bind(drop, 3, first);
    while (!(err = index_db_row(drop)))
        live += index_column(drop, 0);
    if (drop)
        (void)sqlite3_reset(drop);
    if (err != RILL_ERR_NOT_FOUND || !live)
        return err == RILL_ERR_NOT_FOUND ? RILL_OK : err;
    sqlite3_stmt *purged = index_db_use(writer->db, INDEX_SUBJECT_PURGED);
    index_bind(purged, 1, id);
    index_bind(purged, 2, live);
    err = index_db_run(purged);
    return err ? err : writer_drop_subject(writer, id);
}

static bool was_dropped(struct writer *writer, uint64_t era, uint64_t id)
{
    if (writer->dropped_era != era)
        memset(writer->dropped, 0, sizeof writer->dropped);
    writer->dropped_era = era;
    const bool was = writer->dropped[id % DROPPED_REMEMBERED] == id;
    writer->dropped[id % DROPPED_REMEMBERED] = id;
    return was;
}

static enum rill_err run_with(struct writer *writer, enum index_statement which, uint64_t value)
{
    sqlite3_stmt *statement = index_db_use(writer->db, which);
    index_bind(statement, 1, value);
    return index_db_run(statement);
}

/* A block, and the postings of its subjects that end before `first`. */
static enum rill_err drop_block(struct writer *writer, sqlite3_stmt *row, uint64_t first)
{
    struct block_walk walk = block_walk_of(row);
    const uint64_t last = walk.last;
    uint64_t sequence, id, era = 0;
    enum rill_err err = writer_era_of(writer, last, &era);
    while (!err && !(err = block_walk_next(&walk, &sequence, &id))) {
        if (!was_dropped(writer, era, id))
            err = drop_postings(writer, era, id, first);
    }
    (void)sqlite3_reset(row);
    if (err != RILL_ERR_NOT_FOUND)
        return err;
    err = run_with(writer, INDEX_BLOCK_DROP, last);
    return err ? err : run_with(writer, INDEX_EXPIRY_DROP, last);
}

static enum rill_err drop_blocks(struct writer *writer, uint64_t first, uint64_t *ret_kept)
{
    enum rill_err err = RILL_OK;
    *ret_kept = INT64_MAX;
    for (int i = 0; !err; i++) {
        sqlite3_stmt *row = index_db_use(writer->db, INDEX_BLOCK_AT);
        index_bind(row, 1, 0);
        err = index_db_row(row);
        if (!err && (i == BLOCKS_DROPPED_MAX || index_column(row, 0) >= first)) {
            *ret_kept = index_column(row, 1);
            (void)sqlite3_reset(row);
            return RILL_OK;
        }
        err = err ? err : drop_block(writer, row, first);
    }
    return err == RILL_ERR_NOT_FOUND ? RILL_OK : err;
}

static enum rill_err drop_era(struct writer *writer, uint64_t era)
{
    enum rill_err err = RILL_OK;
    while (!err) {
        sqlite3_stmt *row = index_db_use(writer->db, INDEX_POSTING_OF_ERA);
        index_bind(row, 1, era);
        err = index_db_row(row);
        const uint64_t id = err ? 0 : index_column(row, 0);
        if (row)
            (void)sqlite3_reset(row);
        err = err ? err : drop_postings(writer, era, id, INT64_MAX);
    }
    return err == RILL_ERR_NOT_FOUND ? run_with(writer, INDEX_ERA_DROP, era) : err;
}

static enum rill_err drop_eras(struct writer *writer, uint64_t below)
{
    enum rill_err err = RILL_OK;
    while (!err) {
        sqlite3_stmt *row = index_db_use(writer->db, INDEX_ERA_BELOW);
        index_bind(row, 1, below);
        err = index_db_row(row);
        const uint64_t era = err ? 0 : index_column(row, 0);
        if (row)
            (void)sqlite3_reset(row);
        err = err ? err : drop_era(writer, era);
    }
    return err == RILL_ERR_NOT_FOUND ? RILL_OK : err;
}

enum rill_err writer_purge(struct writer *writer)
{
    const uint64_t first = writer->batch->first_sequence;
    uint64_t kept;
    const enum rill_err err = drop_blocks(writer, first, &kept);
    return err ? err : drop_eras(writer, kept < first ? kept : first);
}
