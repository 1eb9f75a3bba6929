// SPDX-License-Identifier: Apache-2.0
//
//     version  blocks  { first - end of the one before, offset - end of the one before, len / 8, packed len / 8 or 0,
//                        count, bytes / 8, first time - that of the block before, gone [gone bytes, live, gone, live, gone ...] } ...
//
// The runs behind "gone bytes" are of messages that are live and that are not, in turns, until all that are gone were
// told; they are absent when none is.
#include "directory_code.h"

#include "base/assert.h"
#include "segment.h"
#include "varint.h"

#include <stdlib.h>

enum { DIRECTORY_VERSION = 2 };

/* What the block before says for the next one. */
struct before {
    uint64_t end_sequence;
    uint64_t end_offset;
    int64_t time_ns;
};

static struct before behind(const struct block *block)
{
    const uint64_t len = block->packed_len ? block->packed_len : block->len;
    return (struct before){block_end(block), block->offset + len, block->first_time_ns};
}

static enum rill_err put_runs(const struct block *block, uint32_t gone, struct rill_buf *out)
{
    enum rill_err err = RILL_OK;
    for (uint32_t at = 0; !err && gone;) {
        uint32_t first = at;
        while (first < block->count && !live_is_gone(block->live, first, LIVE_COMMITTED))
            first++;
        const uint32_t end = live_next(block->live, first, block->count, LIVE_COMMITTED);
        RILL_ASSERT(end > first && end - first <= gone);
        err = varint_put(out, first - at);
        if (!err)
            err = varint_put(out, end - first);
        gone -= end - first;
        at = end;
    }
    return err;
}

static enum rill_err put_block(const struct directory_view *view, const struct block *block,
                               const struct before *before, struct directory_counts *counts,
                               struct rill_buf *out)
{
    const uint32_t pending = view->pending_bytes ? view->pending_bytes(view->context, block) : 0;
    const uint32_t gone = live_count(block->live, LIVE_COMMITTED), gone_bytes = block->gone_bytes - pending;
    RILL_ASSERT(gone <= block->gone && pending <= block->gone_bytes);
    const uint64_t numbers[] = {
        block->first_sequence - before->end_sequence,
        block->offset - before->end_offset,
        block->len / RECORD_ALIGN,
        block->packed_len / RECORD_ALIGN,
        block->count,
        block->bytes / RECORD_ALIGN,
    };
    enum rill_err err = RILL_OK;
    for (size_t i = 0; !err && i < sizeof numbers / sizeof numbers[0]; i++)
        err = varint_put(out, numbers[i]);
    if (!err)
        err = varint_put_signed(out, (int64_t)((uint64_t)block->first_time_ns - (uint64_t)before->time_ns));
    if (!err)
        err = varint_put(out, gone);
    if (!err && gone)
        err = varint_put(out, gone_bytes);
    counts->messages += block->count;
    counts->bytes += block->bytes;
    counts->live_messages += block->count - gone;
    counts->live_bytes += block->bytes - gone_bytes;
    return err ? err : put_runs(block, gone, out);
}

enum rill_err directory_put(const struct directory_view *view, struct rill_buf *out,
                            struct directory_counts *ret_counts)
{
    const struct segment *segment = view->segment;
    RILL_ASSERT(segment->hot && view->block_count <= segment->block_count);
    struct before before = {segment->first_sequence, SEGMENT_FIRST_OFFSET, 0};
    *ret_counts = (struct directory_counts){.first_time_ns = segment->first_time_ns};
    enum rill_err err = varint_put(out, DIRECTORY_VERSION);
    if (!err)
        err = varint_put(out, view->block_count);
    for (size_t i = 0; !err && i < view->block_count; i++) {
        const struct block *block = segment->blocks[i];
        err = put_block(view, block, &before, ret_counts, out);
        before = behind(block);
    }
    return err;
}

// ---- back ----

static bool take_runs(struct rill_bytes *bytes, struct block *block)
{
    uint64_t at = 0, live, gone;
    for (uint32_t left = block->gone; left; left -= (uint32_t)gone) {
        if (!varint_take(bytes, &live) || !varint_take(bytes, &gone) || live > block->count || !gone ||
            gone > left || at + live + gone > block->count)
            return false;
        for (uint64_t i = at + live; i < at + live + gone; i++)
            live_remove(&block->live, (uint32_t)i);
        live_commit(block->live, (uint32_t)(at + live), (uint32_t)(at + live + gone - 1));
        at += live + gone;
    }
    return true;
}

/* Of at most `count_max` messages: what is made of a few bytes may be large, and take long. */
static bool take_block(struct rill_bytes *bytes, const struct before *before, uint64_t count_max,
                       struct block *block)
{
    uint64_t first, offset, len, packed, count, size, gone, gone_bytes = 0;
    int64_t time;
    if (!varint_take(bytes, &first) || !varint_take(bytes, &offset) || !varint_take(bytes, &len) ||
        !varint_take(bytes, &packed) || !varint_take(bytes, &count) || !varint_take(bytes, &size) ||
        !varint_take_signed(bytes, &time) || !varint_take(bytes, &gone) ||
        (gone && !varint_take(bytes, &gone_bytes)))
        return false;
    const uint64_t room = UINT32_MAX - before->end_offset;
    const uint64_t file_len = packed ? packed : len;
    if (offset > room || file_len > (room - offset) / RECORD_ALIGN || len > UINT32_MAX / RECORD_ALIGN ||
        size > len || gone > count || count - gone > len || count > (len + 1) * (BLOCK_SKIP_MAX + 1) ||
        count > UINT32_MAX || count > count_max || gone_bytes > size * RECORD_ALIGN ||
        first > UINT64_MAX - before->end_sequence - count)
        return false;
    block->first_sequence = before->end_sequence + first;
    block->offset = (uint32_t)(before->end_offset + offset);
    block->len = (uint32_t)(len * RECORD_ALIGN);
    block->packed_len = (uint32_t)(packed * RECORD_ALIGN);
    block->count = (uint32_t)count;
    block->bytes = (uint32_t)(size * RECORD_ALIGN);
    block->first_time_ns = (int64_t)((uint64_t)before->time_ns + (uint64_t)time);
    block->gone = (uint32_t)gone;
    block->gone_bytes = (uint32_t)gone_bytes;
    return take_runs(bytes, block);
}

static enum rill_err get_blocks(struct rill_bytes *bytes, struct segment *segment, size_t count)
{
    struct before before = {segment->first_sequence, SEGMENT_FIRST_OFFSET, 0};
    uint64_t left = segment->messages;
    segment->blocks = calloc(count ? count : 1, sizeof(struct block *));
    if (!segment->blocks)
        return RILL_ERR_NO_MEMORY;
    segment->block_capacity = count ? count : 1;
    for (size_t i = 0; i < count; i++) {
        struct block *block = calloc(1, sizeof *block);
        if (!block)
            return RILL_ERR_NO_MEMORY;
        block->segment = segment;
        block->index = (uint32_t)i;
        segment->blocks[segment->block_count++] = block;
        if (!take_block(bytes, &before, left, block))
            return RILL_ERR_DAMAGED;
        left -= block->count;
        before = behind(block);
    }
    return bytes->len ? RILL_ERR_DAMAGED : RILL_OK;
}

static bool counts_are_those(const struct segment *segment)
{
    uint64_t messages = 0, bytes = 0, gone = 0, gone_bytes = 0;
    for (size_t i = 0; i < segment->block_count; i++) {
        const struct block *block = segment->blocks[i];
        messages += block->count;
        bytes += block->bytes;
        gone += block->gone;
        gone_bytes += block->gone_bytes;
    }
    return messages == segment->messages && bytes == segment->bytes && gone == segment->gone &&
           gone_bytes == segment->gone_bytes;
}

enum rill_err directory_get(struct rill_bytes bytes, struct segment *segment)
{
    uint64_t version, count;
    RILL_ASSERT(!segment->blocks);
    if (!varint_take(&bytes, &version) || version != DIRECTORY_VERSION || !varint_take(&bytes, &count) ||
        count > bytes.len)
        return RILL_ERR_DAMAGED;
    const enum rill_err err = get_blocks(&bytes, segment, (size_t)count);
    return err || counts_are_those(segment) ? err : RILL_ERR_DAMAGED;
}
