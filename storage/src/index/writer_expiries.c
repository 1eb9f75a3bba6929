// SPDX-License-Identifier: Apache-2.0
#include "writer.h"

enum rill_err writer_expiries(struct writer *writer)
{
    const struct batch *batch = writer->batch;
    const struct expiry_list *list = &batch->expiries;
    enum rill_err err = RILL_OK;
    for (uint32_t i = 0; !err && i < list->listed_count; i++) {
        const uint32_t message = list->listed[i].message;
        if (!batch_is_live(batch, message))
            continue;
        sqlite3_stmt *add = index_db_use(writer->db, INDEX_EXPIRY_ADD);
        index_bind(add, 1, batch->base + batch->messages[message].offset);
        index_bind_hash(add, 2, (uint64_t)list->listed[i].expire_ns);
        index_bind(add, 3, writer->ids[batch->messages[message].subject]);
        err = index_db_run(add);
    }
    return err;
}

enum rill_err writer_expiries_delete(struct writer *writer, const uint64_t *sequences, uint64_t count)
{
    sqlite3_stmt *any = index_db_use(writer->db, INDEX_EXPIRY_ANY);
    enum rill_err err = index_db_row(any);
    if (any)
        (void)sqlite3_reset(any);
    if (err == RILL_ERR_NOT_FOUND)
        return RILL_OK;
    for (uint64_t i = 0; !err && i < count; i++) {
        sqlite3_stmt *gone = index_db_use(writer->db, INDEX_EXPIRY_DELETE);
        index_bind(gone, 1, sequences[i]);
        err = index_db_run(gone);
    }
    return err;
}
