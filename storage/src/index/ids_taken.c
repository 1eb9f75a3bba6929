// SPDX-License-Identifier: Apache-2.0
#include "ids_taken.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "index_old.h"

#include <stdlib.h>

enum { TAKEN_IN_ONE = 1 << 18 }; // rows of one transaction

// ---- in memory ----

struct rill_index_ids *rill_index_ids_create(const uint8_t identity[RILL_STORE_IDENTITY_BYTES])
{
    struct rill_index_ids *ids = rill_alloc_zero(1, sizeof *ids);
    memcpy(ids->identity, identity, sizeof ids->identity);
    return ids;
}

void rill_index_ids_destroy(struct rill_index_ids *ids)
{
    if (!ids)
        return;
    id_set_fini(&ids->set);
    free(ids);
}

static enum rill_err put(struct rill_index_ids *ids, const struct id_entry *entry)
{
    const struct id_entry *known = id_set_find(&ids->set, &entry->hash);
    if (entry->time_ns < ids->from_ns)
        return RILL_OK;
    return known && known->sequence > entry->sequence ? RILL_OK : id_set_put(&ids->set, entry);
}

static enum rill_err add_set(struct rill_index_ids *ids, const struct id_set *set)
{
    enum rill_err err = RILL_OK;
    for (uint32_t i = 0; !err && i < set->count; i++)
        err = put(ids, &set->entries[i]);
    return err;
}

enum rill_err rill_index_ids_forget(struct rill_index_ids *ids, int64_t from_ns)
{
    struct id_set old = ids->set;
    ids->set = (struct id_set){0};
    ids->from_ns = from_ns;
    const enum rill_err err = add_set(ids, &old);
    id_set_fini(&old);
    return err;
}

enum rill_err rill_index_ids_add(struct rill_index_ids *ids, struct rill_bytes id, uint64_t sequence,
                                 int64_t time_ns)
{
    const struct id_entry entry = {id_hash_of(ids->identity, sizeof ids->identity, id), sequence, time_ns};
    return put(ids, &entry);
}

enum rill_err rill_index_ids_add_unwritten(struct rill_index_ids *ids, const struct rill_index *index)
{
    const enum rill_err err = index->ready ? add_set(ids, &index->ready->ids) : RILL_OK;
    return err ? err : add_set(ids, &index->active->ids);
}

// ---- from file to file ----

struct taking {
    struct rill_index *index;
    struct index_db from, to;
    bool has_from;
    bool is_whole; // all there are were read
    bool takes_unread;
    int64_t from_ns;       // earlier ones are left
    uint64_t ids_sequence; // of `from`
    struct index_run run;  // the one that is being written; 0: none
    struct id_entry at;    // read last, in that run of `from`:
    uint64_t at_run;
    uint64_t step; // over what cannot be read; 0: it could be
    uint64_t rows; // in this transaction
};

/* What a read has met, as an error if that ends it. */
static enum rill_err unread(struct taking *taking, enum rill_err err)
{
    const bool may_pass = err == RILL_ERR_IO || err == RILL_ERR_LOCKED;
    taking->is_whole = false;
    taking->index->ids_forgotten = true;
    return err == RILL_ERR_NO_MEMORY || (may_pass && !taking->takes_unread) ? err : RILL_OK;
}

static enum rill_err look_at_state(struct taking *taking)
{
    const struct rill_index *index = taking->index;
    struct index_db_state state;
    uint32_t file_generation = 0, generation = 0;
    char *path = index_old_path(index->path);
    enum rill_err err = index_db_state(&taking->from, &state);
    err = err ? err : index_db_file_generation(index->disk, path, &file_generation);
    err = err ? err : index_db_generation(&taking->from, &generation);
    free(path);
    if (!err && state.version != INDEX_VERSION)
        err = RILL_ERR_UNSUPPORTED;
    if (!err && (!state.has_identity || memcmp(state.identity, index->identity, sizeof state.identity) != 0))
        return RILL_ERR_NOT_FOUND;
    if (!err && file_generation > generation)
        err = RILL_ERR_DAMAGED; // it has lost the end of its log
    if (!err)
        taking->ids_sequence = state.ids_sequence;
    return err;
}

/* Of another version or stream there is nothing to take. */
static enum rill_err open_from(struct taking *taking, struct index_vfs *vfs, const char *path)
{
    struct rill_error_text why;
    enum rill_err err = index_db_open(&taking->from, vfs, path, false, &why);
    taking->has_from = !err;
    err = err ? err : look_at_state(taking);
    if (err == RILL_ERR_UNSUPPORTED || err == RILL_ERR_NOT_FOUND)
        taking->has_from = false;
    return !err || err == RILL_ERR_NOT_FOUND ? RILL_OK : unread(taking, err);
}

static enum rill_err begin_transaction(struct taking *taking)
{
    const enum rill_err err = index_db_do(&taking->to, INDEX_BEGIN_WRITE);
    taking->rows = 0;
    return err ? err : index_db_raise_generation(&taking->to);
}

static enum rill_err end_run(struct taking *taking)
{
    const struct index_run *run = &taking->run;
    if (!run->run)
        return RILL_OK;
    sqlite3_stmt *set = index_db_use(&taking->to, INDEX_RUN_SET);
    index_bind(set, 1, run->run);
    index_bind_hash(set, 2, (uint64_t)run->first_time_ns);
    index_bind_hash(set, 3, (uint64_t)run->last_time_ns);
    index_bind(set, 4, run->ids);
    return index_db_run(set);
}

static enum rill_err end_transaction(struct taking *taking)
{
    enum rill_err err = end_run(taking);
    err = err ? err : index_db_do(&taking->to, INDEX_COMMIT);
    return err ? err : index_db_do(&taking->to, INDEX_CHECKPOINT);
}

static enum rill_err write_row(struct taking *taking, const struct id_entry *entry)
{
    struct index_run *run = &taking->run;
    sqlite3_stmt *add = index_db_use(&taking->to, INDEX_ID_ADD);
    index_bind(add, 1, run->run);
    index_bind_hash(add, 2, entry->hash.high);
    index_bind_hash(add, 3, entry->hash.low);
    index_bind(add, 4, entry->sequence);
    index_bind_hash(add, 5, (uint64_t)entry->time_ns);
    run->first_time_ns =
        run->ids && run->first_time_ns < entry->time_ns ? run->first_time_ns : entry->time_ns;
    run->last_time_ns = run->ids && run->last_time_ns > entry->time_ns ? run->last_time_ns : entry->time_ns;
    run->ids++;
    struct rill_index *index = taking->index;
    index->ids_end = index->ids_end > entry->sequence ? index->ids_end : entry->sequence;
    enum rill_err err = index_db_run(add);
    if (!err && ++taking->rows == TAKEN_IN_ONE) {
        err = end_transaction(taking);
        err = err ? err : begin_transaction(taking);
    }
    return err;
}

static enum rill_err next_run(struct taking *taking)
{
    const enum rill_err err = end_run(taking);
    taking->run = (struct index_run){.run = taking->run.run + 1};
    return err;
}

static enum rill_err take_row(struct taking *taking, sqlite3_stmt *row)
{
    const uint64_t run = index_column(row, 0);
    enum rill_err err = run == taking->at_run && taking->run.run ? RILL_OK : next_run(taking);
    taking->at_run = run;
    taking->at = (struct id_entry){
        {index_column(row, 1), index_column(row, 2)}, index_column(row, 3), (int64_t)index_column(row, 4)};
    taking->step = 0;
    return err || taking->at.time_ns < taking->from_ns ? err : write_row(taking, &taking->at);
}

/* All behind the last one, up to what cannot be read: *ret_err is why, NOT_FOUND at the end. */
static enum rill_err take_rows(struct taking *taking, enum rill_err *ret_err)
{
    sqlite3_stmt *rows = index_db_use(&taking->from, INDEX_IDS_AFTER);
    enum rill_err err = RILL_OK;
    index_bind(rows, 1, taking->at_run);
    index_bind_hash(rows, 2, taking->at.hash.high);
    index_bind_hash(rows, 3, taking->at.hash.low);
    while (!err && !(*ret_err = index_db_row(rows)))
        err = take_row(taking, rows);
    if (rows)
        (void)sqlite3_reset(rows);
    return err;
}

/* Over a page that cannot be read, whose end nobody knows: twice as far each time, to the end of the run, and over all of a
   run. False when that was in vain. */
static bool pass_over(struct taking *taking)
{
    enum { STEP_BITS_FIRST = 48 };
    const bool was_whole_run = taking->step == UINT64_MAX;
    const uint64_t left =
        (uint64_t)INT64_MAX - taking->at.hash.high; // it is signed, as SQLite's integers are
    if (was_whole_run)
        return false;
    taking->step = taking->step ? taking->step * 2 : UINT64_C(1) << STEP_BITS_FIRST;
    if (taking->step && taking->step < left) {
        taking->at.hash = (struct id_hash){taking->at.hash.high + taking->step, 0};
        return true;
    }
    taking->step = UINT64_MAX;
    taking->at_run++;
    taking->at.hash = (struct id_hash){(uint64_t)INT64_MIN, 0};
    return true;
}

static enum rill_err take_file(struct taking *taking)
{
    enum rill_err err = RILL_OK, met = RILL_OK;
    taking->at.hash = (struct id_hash){(uint64_t)INT64_MIN, 0};
    do {
        err = take_rows(taking, &met);
        if (!err && met != RILL_ERR_NOT_FOUND)
            err = unread(taking, met);
    } while (!err && met != RILL_ERR_NOT_FOUND && pass_over(taking));
    return err;
}

static enum rill_err take_held(struct taking *taking, const struct rill_index_ids *ids)
{
    enum rill_err err = ids && ids->set.count ? next_run(taking) : RILL_OK;
    for (uint32_t i = 0; !err && ids && i < ids->set.count; i++)
        err = write_row(taking, &ids->set.entries[i]);
    return err;
}

static enum rill_err set_sequence(struct taking *taking)
{
    struct rill_index *index = taking->index;
    sqlite3_stmt *set = index_db_use(&taking->to, INDEX_STATE_IDS);
    index->ids_last = index->ids_written = index->ids_safe = taking->is_whole ? taking->ids_sequence : 0;
    index_bind(set, 1, index->ids_last);
    return index_db_run(set);
}

static enum rill_err take_all(struct taking *taking, const struct rill_index_options *options)
{
    struct rill_index *index = taking->index;
    struct rill_error_text why;
    enum rill_err err = index_db_remove(index->disk, index->path);
    err = err ? err : index_db_open(&taking->to, index->vfs, index->path, true, &why);
    err = err ? err : index_db_make(&taking->to, index->identity, &why);
    err = err ? err : begin_transaction(taking);
    if (!err && taking->has_from)
        err = take_file(taking);
    err = err ? err : take_held(taking, options->ids);
    err = err ? err : set_sequence(taking);
    return err ? err : end_transaction(taking);
}

static enum rill_err take_from(struct rill_index *index, const struct rill_index_options *options,
                               struct index_vfs *vfs, const char *path)
{
    struct taking taking = {.index = index, .is_whole = true, .takes_unread = options->takes_unread};
    taking.from_ns = options->ids ? options->ids->from_ns : INT64_MIN;
    enum rill_err err = vfs ? open_from(&taking, vfs, path) : RILL_OK;
    index->ids_end = 0;
    err = err ? err : take_all(&taking, options);
    index_db_close(&taking.from);
    index_db_close(&taking.to);
    index->has_file = !err;
    return err ? err : index_old_remove(index->disk, index->path);
}

enum rill_err ids_take(struct rill_index *index, const struct rill_index_options *options)
{
    RILL_ASSERT(!index->has_file && !index->db.sqlite);
    const bool has_old = index_old_is_there(index->disk, index->path);
    if (!has_old && !(options->ids && options->ids->set.count))
        return RILL_OK;
    char *path = index_old_path(index->path);
    struct index_vfs *vfs = has_old ? index_vfs_create(index->disk, path) : NULL;
    const enum rill_err err = has_old && !vfs ? RILL_ERR_NO_MEMORY : take_from(index, options, vfs, path);
    index_vfs_destroy(vfs);
    free(path);
    return err;
}

// ---- what the log has not got ----

static enum rill_err drop_behind(struct index_db *db, uint64_t sequence)
{
    enum rill_err err = index_db_do(db, INDEX_BEGIN_WRITE);
    err = err ? err : index_db_raise_generation(db);
    sqlite3_stmt *drop = err ? NULL : index_db_use(db, INDEX_IDS_DROP_BEHIND);
    index_bind(drop, 1, sequence);
    err = err ? err : index_db_run(drop);
    sqlite3_stmt *set = err ? NULL : index_db_use(db, INDEX_STATE_IDS_MOST);
    index_bind(set, 1, sequence);
    err = err ? err : index_db_run(set);
    return err ? err : index_db_do(db, INDEX_COMMIT);
}

static uint64_t at_most(uint64_t value, uint64_t most)
{
    return value < most ? value : most;
}

enum rill_err rill_index_drop_ids_behind(struct rill_index *index, uint64_t sequence)
{
    struct rill_error_text why;
    struct index_db db = {0};
    RILL_ASSERT(!index->out);
    if (!index->has_file || rill_index_ids_end(index) <= sequence)
        return RILL_OK;
    index_reader_close(index);
    enum rill_err err = index_db_open(&db, index->vfs, index->path, false, &why);
    err = err ? err : drop_behind(&db, sequence);
    index_db_close(&db);
    index->ids_end = at_most(index->ids_end, sequence);
    index->ids_last = at_most(index->ids_last, sequence);
    index->ids_ready = at_most(index->ids_ready, sequence);
    index->ids_written = at_most(index->ids_written, sequence);
    index->ids_safe = at_most(index->ids_safe, sequence);
    return index_failed(index, err);
}
