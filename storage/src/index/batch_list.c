// SPDX-License-Identifier: Apache-2.0
//
// The lists of a batch's subjects, which are made when somebody asks, and not while messages are fed: who only writes does
// not pay for them.
#include "batch.h"

#include <stdlib.h>

enum { AHEAD = 8 }; // messages whose subjects are asked for before they are needed

const uint32_t *batch_offsets(const struct batch_subject *subject)
{
    return subject->capacity > BATCH_INLINE ? subject->offsets.many : subject->offsets.few;
}

static uint32_t *offsets_of(struct batch_subject *subject)
{
    return subject->capacity > BATCH_INLINE ? subject->offsets.many : subject->offsets.few;
}

static bool offsets_grow(struct batch_subject *subject)
{
    if (subject->end < subject->capacity)
        return true;
    const uint32_t more = subject->capacity * 2;
    const bool is_few = subject->capacity == BATCH_INLINE;
    uint32_t *grown = realloc(is_few ? NULL : subject->offsets.many, more * sizeof *grown);
    if (!grown)
        return false;
    if (is_few)
        memcpy(grown, subject->offsets.few, sizeof subject->offsets.few);
    subject->offsets.many = grown;
    subject->capacity = more;
    return true;
}

static void prefetch_subject(const struct batch *batch, uint32_t message)
{
    if (message < batch->message_count && batch_is_live(batch, message))
        __builtin_prefetch(&batch->subjects[batch->messages[message].subject]);
}

enum rill_err batch_list(struct batch *batch, uint32_t count_max)
{
    for (; batch->listed < batch->message_count; batch->listed++) {
        if (!count_max--)
            return RILL_ERR_AGAIN;
        prefetch_subject(batch, batch->listed + AHEAD);
        if (!batch_is_live(batch, batch->listed))
            continue;
        const struct batch_message *message = &batch->messages[batch->listed];
        struct batch_subject *subject = &batch->subjects[message->subject];
        if (!offsets_grow(subject))
            return RILL_ERR_NO_MEMORY;
        offsets_of(subject)[subject->end++] = message->offset;
    }
    return RILL_OK;
}

uint32_t batch_offset_at(const struct batch *batch, const struct batch_subject *subject, uint64_t sequence)
{
    const uint32_t *offsets = batch_offsets(subject);
    uint32_t low = subject->start, high = subject->end;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (batch->base + offsets[middle] < sequence)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Moves the shorter side. */
static void offsets_remove(struct batch_subject *subject, uint32_t at)
{
    uint32_t *offsets = offsets_of(subject);
    if (at - subject->start < subject->end - at) {
        memmove(offsets + subject->start + 1, offsets + subject->start,
                (at - subject->start) * sizeof offsets[0]);
        subject->start++;
    } else {
        memmove(offsets + at, offsets + at + 1, (subject->end - at - 1) * sizeof offsets[0]);
        subject->end--;
    }
}

static void unlist(const struct batch *batch, struct batch_subject *subject, uint64_t sequence)
{
    const uint32_t at = batch_offset_at(batch, subject, sequence);
    RILL_ASSERT(at < subject->end && batch->base + batch_offsets(subject)[at] == sequence);
    offsets_remove(subject, at);
}

bool batch_remove(struct batch *batch, uint64_t sequence, struct rill_bytes text)
{
    struct batch_subject *subject = batch_find(batch, text);
    const uint32_t index = batch_message_at(batch, sequence);
    if (!subject || index == batch->message_count ||
        batch->base + batch->messages[index].offset != sequence ||
        batch->messages[index].subject != (uint32_t)(subject - batch->subjects))
        return false;
    if (index < batch->listed)
        unlist(batch, subject, sequence);
    batch->messages[index].subject = BATCH_NONE;
    batch->deleted_since_seal = true;
    return true;
}
