// SPDX-License-Identifier: Apache-2.0
//
// Which messages expire next: three sources in the order of (expire_ns, sequence), merged. What was deleted is
// skipped. At the front of a source it is never seen again: a batch drops it from its heap, and for the file it is
// remembered up to where all are gone.
#include "index_internal.h"

struct sources {
    struct rill_index *index;
    sqlite3_stmt *rows; // of the file
    struct expiry_walk walks[2];
    struct rill_index_expiry next[3]; // of the file, ready, active; INT64_MAX when it has no more
    bool at_front;                    // of the file: all rows before were gone
};

static enum rill_err row_is_gone(struct rill_index *index, uint64_t sequence, uint64_t id, bool *ret)
{
    *ret = sequence < index->first_sequence;
    return *ret ? RILL_OK : lookup_db_deleted(index, id, sequence, ret);
}

static enum rill_err file_step(struct sources *sources)
{
    struct rill_index *index = sources->index;
    enum rill_err err = sources->rows ? RILL_OK : RILL_ERR_NOT_FOUND;
    bool is_gone = true;
    sources->next[0] = (struct rill_index_expiry){INT64_MAX, 0};
    while (!err && !(err = index_db_row(sources->rows))) {
        const struct rill_index_expiry at = {(int64_t)index_column(sources->rows, 0),
                                             index_column(sources->rows, 1)};
        err = row_is_gone(index, at.sequence, index_column(sources->rows, 2), &is_gone);
        if (!err && !is_gone) {
            sources->at_front = false;
            sources->next[0] = at;
            return RILL_OK;
        }
        if (!err && sources->at_front)
            index->expired_to = at;
    }
    return err == RILL_ERR_NOT_FOUND ? RILL_OK : err;
}

static enum rill_err file_begin(struct sources *sources)
{
    struct rill_index *index = sources->index;
    sources->at_front = true;
    if (index->has_file) {
        sources->rows = index_db_use(&index->db, INDEX_EXPIRY_AFTER);
        if (!sources->rows)
            return RILL_ERR_DAMAGED;
        (void)sqlite3_bind_int64(sources->rows, 1, index->expired_to.expire_ns);
        index_bind(sources->rows, 2, index->expired_to.sequence);
    }
    return file_step(sources);
}

static struct batch *batch_of(const struct sources *sources, int which)
{
    return which == 0 ? sources->index->ready : sources->index->active;
}

static bool is_gone_from(const struct rill_index *index, const struct batch *batch, uint32_t message)
{
    const uint64_t sequence = batch->base + batch->messages[message].offset;
    if (sequence < index->first_sequence || !batch_is_live(batch, message))
        return true;
    return batch != index->active && index->active->deleted_count &&
           batch_has_deleted(
               batch_find(index->active, batch->subjects[batch->messages[message].subject].text), sequence);
}

/* The next one that is not gone, from where the walk is. */
static enum rill_err batch_settle(struct sources *sources, int which)
{
    const struct batch *batch = batch_of(sources, which);
    struct expiry top;
    enum rill_err err = RILL_OK;
    while (!err && expiry_walk_top(&sources->walks[which], &top)) {
        if (!is_gone_from(sources->index, batch, top.message)) {
            sources->next[1 + which] =
                (struct rill_index_expiry){top.expire_ns, batch->base + batch->messages[top.message].offset};
            return RILL_OK;
        }
        err = expiry_walk_step(&sources->walks[which]);
    }
    sources->next[1 + which] = (struct rill_index_expiry){INT64_MAX, 0};
    return err;
}

static enum rill_err batch_begin(struct sources *sources, int which)
{
    struct batch *batch = batch_of(sources, which);
    static const struct expiry_list none = {0};
    expiry_walk_init(&sources->walks[which], batch ? &batch->expiries : &none);
    while (batch && batch->expiries.heap_count &&
           is_gone_from(sources->index, batch, batch->expiries.heap[0].message))
        expiry_pop(&batch->expiries);
    return batch_settle(sources, which);
}

static enum rill_err source_step(struct sources *sources, int which)
{
    if (which == 0)
        return file_step(sources);
    const enum rill_err err = expiry_walk_step(&sources->walks[which - 1]);
    return err ? err : batch_settle(sources, which - 1);
}

/* The source whose next one is the earliest. */
static int earliest(const struct sources *sources)
{
    int found = 0;
    for (int i = 1; i < 3; i++) {
        if (sources->next[i].expire_ns < sources->next[found].expire_ns)
            found = i;
    }
    return found;
}

static enum rill_err collect(struct sources *sources, int64_t now_ns, struct rill_index_expiry *page,
                             size_t capacity, size_t *ret_count)
{
    enum rill_err err = file_begin(sources);
    err = err ? err : batch_begin(sources, 0);
    err = err ? err : batch_begin(sources, 1);
    *ret_count = 0;
    while (!err && *ret_count < capacity) {
        const int which = earliest(sources);
        if (sources->next[which].expire_ns > now_ns || sources->next[which].expire_ns == INT64_MAX)
            break;
        page[(*ret_count)++] = sources->next[which];
        err = source_step(sources, which);
    }
    return err;
}

enum rill_err rill_index_expired(struct rill_index *index, int64_t now_ns, struct rill_index_expiry *ret_page,
                                 size_t capacity, size_t *ret_count, int64_t *ret_next_ns)
{
    struct sources sources = {.index = index};
    size_t count;
    enum rill_err err = index_reader(index);
    err = err ? err : collect(&sources, now_ns, ret_page, capacity, &count);
    if (!err) {
        *ret_count = count;
        *ret_next_ns = sources.next[earliest(&sources)].expire_ns;
    }
    if (sources.rows)
        (void)sqlite3_reset(sources.rows);
    expiry_walk_fini(&sources.walks[0]);
    expiry_walk_fini(&sources.walks[1]);
    return index_failed(index, err);
}
