// SPDX-License-Identifier: Apache-2.0
#include "index_internal.h"

/* The block in the batches. */
static enum rill_err batch_at_time(const struct rill_index *index, int64_t time_ns,
                                   struct rill_store_range *ret_range)
{
    const struct batch *batches[] = {index->ready, index->active};
    for (int i = 0; i < 2; i++) {
        const struct batch *batch = batches[i];
        for (uint32_t b = 0, start = 0; batch && b < batch->block_count;
             start = batch->blocks[b++].message_end) {
            const uint32_t end = batch->blocks[b].message_end;
            if (start == end || batch->blocks[b].place.last_time_ns < time_ns ||
                batch->base + batch->messages[end - 1].offset < index->first_sequence)
                continue;
            *ret_range = (struct rill_store_range){batch->base + batch->messages[start].offset,
                                                   batch->base + batch->messages[end - 1].offset};
            return RILL_OK;
        }
    }
    return RILL_ERR_NOT_FOUND;
}

enum rill_err rill_index_at_time(struct rill_index *index, int64_t time_ns,
                                 struct rill_store_range *ret_range)
{
    enum rill_err err = index_reader(index);
    if (err)
        return err;
    if (!index->has_file)
        return batch_at_time(index, time_ns, ret_range);
    sqlite3_stmt *row = index_db_use(&index->db, INDEX_BLOCK_TIME);
    if (row)
        (void)sqlite3_bind_int64(row, 1, time_ns);
    index_bind(row, 2, index->first_sequence);
    err = index_db_row(row);
    if (!err)
        *ret_range = (struct rill_store_range){index_column(row, 0), index_column(row, 1)};
    if (!err && ret_range->first_sequence < index->first_sequence)
        ret_range->first_sequence = index->first_sequence;
    return err == RILL_ERR_NOT_FOUND ? batch_at_time(index, time_ns, ret_range) : index_failed(index, err);
}
