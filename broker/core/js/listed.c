// SPDX-License-Identifier: Apache-2.0
#include "listed.h"

#include "base/clock.h"
#include "consumer_record.h"

/* Goes to the next one. False at the end. */
static bool step(struct listed *listed)
{
    uint64_t difference;
    struct rill_bytes rest = rill_bytes_from(listed->bytes, listed->at);
    if (!varint_take(&rest, &difference) || difference == 0)
        return false;
    listed->at = listed->bytes.len - rest.len;
    listed->previous = listed->sequence;
    listed->sequence += difference;
    return true;
}

/* Puts it on the first one at or behind `from`. */
static bool seek(struct listed *listed, uint64_t from)
{
    if (listed->previous >= from)
        listed->at = listed->previous = listed->sequence = 0;
    while (listed->sequence < from) {
        if (!step(listed))
            return false;
    }
    return true;
}

bool listed_next(struct listed *listed, struct rill_store_filter *everything, uint64_t from,
                 uint64_t *ret_sequence)
{
    uint64_t sequence;
    while (seek(listed, from)) {
        if (rill_store_next(everything, listed->sequence, &sequence))
            return false;
        if (sequence == listed->sequence) {
            *ret_sequence = sequence;
            return true;
        }
        from = sequence; // there is nothing in front of it
    }
    return false;
}

uint64_t listed_count(struct listed *listed, struct rill_store_filter *everything, uint64_t cursor,
                      uint64_t gone, int64_t now_ns)
{
    const bool is_new = listed->count > LISTED_SHORT && now_ns - listed->counted_ns < LISTED_LOOK_NS;
    if (listed->counted_from == cursor && (listed->gone == gone || is_new))
        return listed->count;
    struct listed reader = {.bytes = listed->bytes};
    uint64_t sequence = cursor;
    listed->count = 0;
    for (; listed_next(&reader, everything, sequence, &sequence); sequence++)
        listed->count++;
    listed->counted_from = cursor;
    listed->gone = gone;
    listed->counted_ns = now_ns;
    return listed->count;
}

bool listed_has(const struct listed *listed, uint64_t sequence)
{
    struct listed reader = {.bytes = listed->bytes};
    return seek(&reader, sequence) && reader.sequence == sequence;
}
