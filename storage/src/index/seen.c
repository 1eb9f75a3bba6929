// SPDX-License-Identifier: Apache-2.0
//
// Message ids, newest layer first. In the file they are in runs: the ids of some batches together, sorted by their
// hash, so that a batch writes to the pages of the last run only and a run that is too old goes as a whole.
#include "index_internal.h"

static enum rill_err run_find(struct rill_index *index, uint64_t run, const struct id_hash *hash,
                              struct id_entry *ret)
{
    sqlite3_stmt *row = index_db_use(&index->db, INDEX_ID_AT);
    index_bind(row, 1, run);
    index_bind_hash(row, 2, hash->high);
    index_bind_hash(row, 3, hash->low);
    const enum rill_err err = index_db_row(row);
    if (!err)
        *ret = (struct id_entry){*hash, index_column(row, 0), (int64_t)index_column(row, 1)};
    return err;
}

/* Runs that were taken from another file may have ids of the same time as later ones. */
static enum rill_err file_find(struct rill_index *index, const struct id_hash *hash, int64_t since_ns,
                               struct id_entry *ret)
{
    enum rill_err found = RILL_ERR_NOT_FOUND;
    struct id_entry one;
    for (size_t i = index->run_count; i > 0; i--) {
        if (index->runs[i - 1].last_time_ns < since_ns)
            continue;
        const enum rill_err err = run_find(index, index->runs[i - 1].run, hash, &one);
        if (err && err != RILL_ERR_NOT_FOUND)
            return err;
        if (!err && (found || one.sequence > ret->sequence)) {
            *ret = one;
            found = RILL_OK;
        }
    }
    return found;
}

enum rill_err rill_index_seen(struct rill_index *index, struct rill_bytes id, int64_t since_ns,
                              uint64_t *ret_sequence)
{
    const struct id_hash hash = id_hash_of(index->identity, sizeof index->identity, id);
    const struct id_entry *found = id_set_find(&index->active->ids, &hash);
    struct id_entry of_file;
    enum rill_err err = index_reader(index);
    if (!found && index->ready)
        found = id_set_find(&index->ready->ids, &hash);
    if (!err && !found) {
        err = file_find(index, &hash, since_ns, &of_file);
        found = &of_file;
    }
    if (!err && found->time_ns < since_ns)
        err = RILL_ERR_NOT_FOUND;
    if (!err)
        *ret_sequence = found->sequence;
    return index_failed(index, err);
}
