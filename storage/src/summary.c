// SPDX-License-Identifier: Apache-2.0
//
//     version  segment  offset  sequence  time  commit  said floor  said segment
//     lost ranges  { first - end of the one before, count - 1 } ...
//     { number of a segment that was rewritten, how often } ...
#include "summary.h"

#include "base/assert.h"
#include "varint.h"

enum { SUMMARY_VERSION = 2 };

static enum rill_err put_lost(const struct lost *lost, struct rill_buf *out)
{
    uint64_t end = 0;
    enum rill_err err = varint_put(out, lost->count);
    for (size_t i = 0; !err && i < lost->count; i++) {
        const struct rill_store_range *range = &lost->ranges[i];
        err = varint_put(out, range->first_sequence - end);
        if (!err)
            err = varint_put(out, range->last_sequence - range->first_sequence);
        end = range->last_sequence;
    }
    return err;
}

static enum rill_err put_rewritten(const struct segment_table *table, struct rill_buf *out)
{
    enum rill_err err = RILL_OK;
    for (size_t i = 0; !err && i < table->count; i++) {
        const struct segment *segment = table->segments[i];
        if (!segment->rewritten)
            continue;
        err = varint_put(out, segment->number);
        if (!err)
            err = varint_put(out, segment->rewritten);
    }
    return err;
}

bool summary_take_rewritten(struct rill_bytes *rest, uint64_t *ret_number, uint64_t *ret_times)
{
    return varint_take(rest, ret_number) && varint_take(rest, ret_times);
}

enum rill_err summary_put(const struct summary *summary, const struct lost *lost,
                          const struct segment_table *table, struct rill_buf *out)
{
    const uint64_t numbers[] = {SUMMARY_VERSION,     summary->segment,           summary->offset,
                                summary->sequence,   (uint64_t)summary->time_ns, summary->commit,
                                summary->said_floor, summary->said_segment};
    enum rill_err err = RILL_OK;
    for (size_t i = 0; !err && i < sizeof numbers / sizeof numbers[0]; i++)
        err = varint_put(out, numbers[i]);
    if (!err)
        err = put_lost(lost, out);
    return err ? err : put_rewritten(table, out);
}

static bool take_lost(struct rill_bytes *bytes, struct lost *lost)
{
    uint64_t count, end = 0;
    if (!varint_take(bytes, &count) || count > LOST_RANGES_MAX)
        return false;
    for (; count; count--) {
        uint64_t gap, more;
        if (!varint_take(bytes, &gap) || !varint_take(bytes, &more) || !gap || gap > UINT64_MAX - end ||
            more > UINT64_MAX - end - gap)
            return false;
        lost_add(lost, end + gap, end + gap + more);
        end += gap + more;
    }
    return true;
}

enum rill_err summary_get(struct rill_bytes bytes, struct summary *ret, struct lost *ret_lost,
                          struct rill_bytes *ret_rest)
{
    uint64_t numbers[8];
    RILL_ASSERT(!ret_lost->count);
    for (size_t i = 0; i < 8; i++) {
        if (!varint_take(&bytes, &numbers[i]))
            return RILL_ERR_DAMAGED;
    }
    if (numbers[0] != SUMMARY_VERSION || !take_lost(&bytes, ret_lost))
        return RILL_ERR_DAMAGED;
    *ret_rest = bytes;
    *ret = (struct summary){
        .segment = numbers[1],
        .offset = numbers[2],
        .sequence = numbers[3],
        .time_ns = (int64_t)numbers[4],
        .commit = numbers[5],
        .said_floor = numbers[6],
        .said_segment = numbers[7],
    };
    return RILL_OK;
}
