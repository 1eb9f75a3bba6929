// SPDX-License-Identifier: Apache-2.0
//
//     version  segment  offset  sequence  time  commit  said floor  said segment
//     lost ranges  { first - end of the one before, count - 1 } ...
//     pending erases  { commit - that of the one before, sequence, bytes / 8, segment, offset / 8 } ...
//     { number of a segment that was rewritten, how often } ...
#include "summary.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "varint.h"

enum { SUMMARY_VERSION = 3 };

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

static enum rill_err put_numbers(const uint64_t *numbers, size_t count, struct rill_buf *out)
{
    enum rill_err err = RILL_OK;
    for (size_t i = 0; !err && i < count; i++)
        err = varint_put(out, numbers[i]);
    return err;
}

static enum rill_err put_erases(const struct summary_erases *erases, struct rill_buf *out)
{
    uint64_t commit = 0;
    enum rill_err err = varint_put(out, erases->count);
    for (size_t i = 0; !err && i < erases->count; i++) {
        const struct summary_erase *one = &erases->list[i];
        const struct record_erase *erase = &one->erase;
        const uint64_t numbers[] = {one->commit - commit, erase->sequence, erase->bytes / 8, erase->segment,
                                    erase->offset / 8};
        RILL_ASSERT(one->commit >= commit);
        err = put_numbers(numbers, sizeof numbers / sizeof numbers[0], out);
        commit = one->commit;
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
                          const struct summary_erases *erases, const struct segment_table *table,
                          struct rill_buf *out)
{
    const uint64_t numbers[] = {SUMMARY_VERSION,     summary->segment,           summary->offset,
                                summary->sequence,   (uint64_t)summary->time_ns, summary->commit,
                                summary->said_floor, summary->said_segment};
    enum rill_err err = put_numbers(numbers, sizeof numbers / sizeof numbers[0], out);
    if (!err)
        err = put_lost(lost, out);
    if (!err)
        err = put_erases(erases, out);
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

static bool take_erase(struct rill_bytes *bytes, uint64_t commit, struct summary_erase *ret)
{
    uint64_t numbers[5];
    for (size_t i = 0; i < 5; i++) {
        if (!varint_take(bytes, &numbers[i]))
            return false;
    }
    if (numbers[0] > UINT64_MAX - commit || !numbers[1] || numbers[2] > UINT32_MAX / 8 ||
        numbers[2] * 8 < RECORD_ERASED_BYTES_MIN || numbers[4] > UINT32_MAX)
        return false;
    ret->commit = commit + numbers[0];
    ret->erase = (struct record_erase){.sequence = numbers[1],
                                       .bytes = (uint32_t)numbers[2] * 8,
                                       .segment = numbers[3],
                                       .offset = numbers[4] * 8};
    return true;
}

static bool take_erases(struct rill_bytes *bytes, struct summary_erases *erases)
{
    uint64_t count, commit = 0;
    if (!varint_take(bytes, &count) || count > SUMMARY_ERASES_MAX)
        return false;
    erases->list = rill_alloc_zero((size_t)count + 1, sizeof erases->list[0]);
    for (; erases->count < count; erases->count++) {
        if (!take_erase(bytes, commit, &erases->list[erases->count]))
            return false;
        commit = erases->list[erases->count].commit;
    }
    return true;
}

enum rill_err summary_get(struct rill_bytes bytes, struct summary *ret, struct lost *ret_lost,
                          struct summary_erases *ret_erases, struct rill_bytes *ret_rest)
{
    uint64_t numbers[8];
    RILL_ASSERT(!ret_lost->count && !ret_erases->list);
    for (size_t i = 0; i < 8; i++) {
        if (!varint_take(&bytes, &numbers[i]))
            return RILL_ERR_DAMAGED;
    }
    if (numbers[0] != SUMMARY_VERSION || !take_lost(&bytes, ret_lost) || !take_erases(&bytes, ret_erases))
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
