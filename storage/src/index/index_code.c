// SPDX-License-Identifier: Apache-2.0
#include "index_code.h"

#include "base/assert.h"

enum rill_err code_put(struct rill_buf *buf, uint64_t value)
{
    const enum rill_err err = rill_buf_reserve(buf, 10);
    if (err)
        return err;
    for (; value >= 0x80; value >>= 7)
        buf->data[buf->len++] = (uint8_t)(value | 0x80);
    buf->data[buf->len++] = (uint8_t)value;
    return RILL_OK;
}

enum rill_err posting_put(struct rill_buf *buf, const struct posting *posting)
{
    uint64_t before = posting->first;
    for (uint32_t i = 0; i < posting->count; i++) {
        RILL_ASSERT(posting->positions[i] >= before && posting->positions[i] <= posting->last);
        const enum rill_err err = code_put(buf, posting->positions[i] - before);
        if (err)
            return err;
        before = posting->positions[i];
    }
    return RILL_OK;
}

static enum rill_err positions_get(struct rill_bytes rest, struct posting *ret)
{
    uint64_t position = ret->first, more;
    while (rest.len) {
        if (ret->count == INDEX_POSITIONS_MAX || !code_get(&rest, &more))
            return RILL_ERR_DAMAGED;
        position += more;
        if (position > ret->last)
            return RILL_ERR_DAMAGED;
        ret->positions[ret->count++] = position;
    }
    return RILL_OK;
}

enum rill_err posting_get(sqlite3_stmt *row, struct posting *ret)
{
    ret->last = index_column(row, 0);
    ret->first = index_column(row, 1);
    ret->before = index_column(row, 2);
    ret->fed = index_column(row, 3);
    ret->count = 0;
    const enum rill_err err = positions_get(index_column_bytes(row, 5), ret);
    return err || ret->count != index_column(row, 4) ? RILL_ERR_DAMAGED : RILL_OK;
}

uint32_t posting_at(const struct posting *posting, uint64_t sequence)
{
    uint32_t low = 0, high = posting->count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (posting->positions[middle] < sequence)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct block_walk block_walk_of(sqlite3_stmt *row)
{
    return (struct block_walk){
        .rest = index_column_bytes(row, 2), .sequence = index_column(row, 1), .last = index_column(row, 0)};
}

enum rill_err block_put(struct block_put *put, uint64_t sequence, uint64_t id)
{
    RILL_ASSERT(sequence >= put->sequence && id > 0);
    enum rill_err err = RILL_OK;
    if (sequence > put->sequence) {
        err = code_put(put->buf, 0);
        err = err ? err : code_put(put->buf, sequence - put->sequence);
    }
    put->sequence = sequence + 1;
    return err ? err : code_put(put->buf, id);
}
