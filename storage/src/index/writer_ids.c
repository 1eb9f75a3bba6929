// SPDX-License-Identifier: Apache-2.0
#include "writer.h"

#include <stdlib.h>

static int compare_ids(const void *a, const void *b, void *context)
{
    const struct id_entry *entries = context;
    return id_hash_compare(&entries[*(const uint32_t *)a].hash, &entries[*(const uint32_t *)b].hash);
}

/* By their hash, so that they come to pages in order. */
static uint32_t *order_create(const struct id_set *ids)
{
    uint32_t *order = malloc(((size_t)ids->count + 1) * sizeof *order);
    for (uint32_t i = 0; order && i < ids->count; i++)
        order[i] = i;
    if (order)
        qsort_r(order, ids->count, sizeof *order, compare_ids, ids->entries);
    return order;
}

static enum rill_err add_id(struct writer *writer, uint64_t run, const struct id_entry *entry)
{
    sqlite3_stmt *add = index_db_use(writer->db, INDEX_ID_ADD);
    index_bind(add, 1, run);
    index_bind_hash(add, 2, entry->hash.high);
    index_bind_hash(add, 3, entry->hash.low);
    index_bind(add, 4, entry->sequence);
    index_bind_hash(add, 5, (uint64_t)entry->time_ns);
    return index_db_run(add);
}

/* Ids that are older than the window, at the end of the batch, are not needed. */
static int64_t oldest_ns(const struct batch *batch)
{
    return batch->last_time_ns > INT64_MIN + batch->id_window_ns ? batch->last_time_ns - batch->id_window_ns
                                                                 : INT64_MIN;
}

/* The run of the batch: the last one while it is small and young, else the next. */
static enum rill_err run_choose(struct writer *writer, struct index_run *ret)
{
    const struct batch *batch = writer->batch;
    struct index_run run = {0};
    sqlite3_stmt *row = index_db_use(writer->db, INDEX_RUN_LAST);
    const enum rill_err err = index_db_row(row);
    if (!err)
        run = (struct index_run){index_column(row, 0), (int64_t)index_column(row, 1),
                                 (int64_t)index_column(row, 2), index_column(row, 3)};
    if (row)
        (void)sqlite3_reset(row);
    if (err && err != RILL_ERR_NOT_FOUND)
        return err;
    const int64_t first_ns = batch->ids.entries[0].time_ns;
    if (err || run.ids >= writer->job->run_ids ||
        first_ns - run.first_time_ns > batch->id_window_ns / INDEX_RUNS_PER_WINDOW)
        run = (struct index_run){.run = run.run + 1, .first_time_ns = first_ns, .last_time_ns = first_ns};
    *ret = run;
    return RILL_OK;
}

static enum rill_err add_ids(struct writer *writer, struct index_run *run, const uint32_t *order)
{
    const struct id_set *ids = &writer->batch->ids;
    const int64_t oldest = oldest_ns(writer->batch);
    enum rill_err err = RILL_OK;
    for (uint32_t i = 0; !err && i < ids->count; i++) {
        const struct id_entry *entry = &ids->entries[order[i]];
        if (entry->time_ns < oldest || entry->sequence <= writer->ids_sequence)
            continue;
        err = add_id(writer, run->run, entry);
        run->ids++;
        run->last_time_ns = entry->time_ns > run->last_time_ns ? entry->time_ns : run->last_time_ns;
    }
    return err;
}

static enum rill_err run_set(struct writer *writer, const struct index_run *run)
{
    sqlite3_stmt *set = index_db_use(writer->db, INDEX_RUN_SET);
    index_bind(set, 1, run->run);
    index_bind_hash(set, 2, (uint64_t)run->first_time_ns);
    index_bind_hash(set, 3, (uint64_t)run->last_time_ns);
    index_bind(set, 4, run->ids);
    return index_db_run(set);
}

static enum rill_err write_ids(struct writer *writer)
{
    struct index_run run;
    uint32_t *order = order_create(&writer->batch->ids);
    enum rill_err err = order ? run_choose(writer, &run) : RILL_ERR_NO_MEMORY;
    err = err ? err : add_ids(writer, &run, order);
    free(order);
    return err || !run.ids ? err : run_set(writer, &run);
}

/* Some of the ids of the oldest run, if that has ended before the window. */
static enum rill_err drop_ids(struct writer *writer)
{
    sqlite3_stmt *row = index_db_use(writer->db, INDEX_RUN_BEFORE);
    index_bind_hash(row, 1, (uint64_t)oldest_ns(writer->batch));
    enum rill_err err = index_db_row(row);
    if (err)
        return err == RILL_ERR_NOT_FOUND ? RILL_OK : err;
    const uint64_t run = index_column(row, 0);
    (void)sqlite3_reset(row);
    sqlite3_stmt *drop = index_db_use(writer->db, INDEX_ID_DROP_SOME);
    index_bind(drop, 1, run);
    index_bind(drop, 2, INDEX_IDS_DROPPED_MAX);
    err = index_db_run(drop);
    if (err || sqlite3_changes(writer->db->sqlite) > INDEX_IDS_DROPPED_MAX)
        return err;
    sqlite3_stmt *gone = index_db_use(writer->db, INDEX_RUN_DROP);
    index_bind(gone, 1, run);
    return index_db_run(gone);
}

static enum rill_err write_sequence(struct writer *writer)
{
    sqlite3_stmt *set = index_db_use(writer->db, INDEX_STATE_IDS);
    index_bind(set, 1, writer->job->ids_sequence);
    return index_db_run(set);
}

enum rill_err writer_ids(struct writer *writer)
{
    enum rill_err err = writer->batch->ids.count ? write_ids(writer) : RILL_OK;
    err = err ? err : write_sequence(writer);
    return err || !writer->batch->message_count ? err : drop_ids(writer);
}
