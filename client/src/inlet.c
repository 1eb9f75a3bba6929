// SPDX-License-Identifier: Apache-2.0
#include "inlet.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "base/err.h"

#include <stdlib.h>

static const struct rill_parse_limits limits = {
    .side = RILL_SIDE_CLIENT,
    .control_line_bytes_max = INLET_LINE_BYTES_MAX,
    .payload_bytes_max = INLET_PAYLOAD_BYTES_MAX,
};

void inlet_init(struct inlet *inlet)
{
    *inlet = (struct inlet){.data = rill_alloc_zero(1, INLET_READ_BYTES), .capacity = INLET_READ_BYTES};
}

void inlet_fini(struct inlet *inlet)
{
    free(inlet->data);
    *inlet = (struct inlet){0};
}

void inlet_reset(struct inlet *inlet)
{
    inlet->begin = inlet->end = inlet->wanted = inlet->last = 0;
}

/* Moves the rest to the front. It is the incomplete command only, so this is not often much. */
static void move_down(struct inlet *inlet)
{
    const size_t len = inlet->end - inlet->begin;
    if (inlet->begin && len)
        memmove(inlet->data, inlet->data + inlet->begin, len);
    inlet->begin = 0;
    inlet->end = len;
}

/* The announced size is known to be below the limits; the memory grows with what has really come, so that a
   size alone costs nothing. */
static enum rill_err resize(struct inlet *inlet, size_t capacity)
{
    uint8_t *data = realloc(inlet->data, capacity);
    if (!data)
        return RILL_ERR_NO_MEMORY;
    inlet->data = data;
    inlet->capacity = capacity;
    return RILL_OK;
}

/* The capacity that suits what came last. A full buffer must grow; one that a read has filled may; one that
   hardly anything came into, and that holds nothing, goes back to the least. */
static size_t fitting(const struct inlet *inlet, bool was_full)
{
    if (inlet->end == inlet->capacity || (was_full && inlet->capacity < INLET_READ_BYTES_MAX))
        return inlet->capacity * 2;
    const bool idle = inlet->end == 0 && inlet->last <= INLET_READ_BYTES / 4;
    const bool huge = inlet->end == 0 && inlet->capacity > INLET_READ_BYTES_MAX;
    return idle || huge ? INLET_READ_BYTES : inlet->capacity;
}

enum rill_err inlet_room(struct inlet *inlet, uint8_t **ret_data, size_t *ret_bytes)
{
    const bool was_full = inlet->end == inlet->capacity;
    move_down(inlet);
    const size_t capacity = fitting(inlet, was_full);
    const enum rill_err err = capacity != inlet->capacity ? resize(inlet, capacity) : RILL_OK;
    if (err)
        return err;
    *ret_data = inlet->data + inlet->end;
    *ret_bytes = inlet->capacity - inlet->end;
    return RILL_OK;
}

void inlet_filled(struct inlet *inlet, size_t bytes)
{
    RILL_ASSERT(bytes <= inlet->capacity - inlet->end);
    inlet->end += bytes;
    inlet->last = bytes;
}

enum rill_err inlet_next(struct inlet *inlet, struct rill_command *ret)
{
    const size_t len = inlet->end - inlet->begin;
    if (len < inlet->wanted)
        return RILL_ERR_AGAIN;
    switch (rill_parse(&limits, rill_bytes_of(inlet->data + inlet->begin, len), ret)) {
    case RILL_PARSE_DONE:
        RILL_ASSERT(ret->bytes > 0 && ret->bytes <= len);
        inlet->begin += ret->bytes;
        inlet->wanted = 0;
        return RILL_OK;
    case RILL_PARSE_MORE:
        inlet->wanted = ret->bytes_needed;
        return RILL_ERR_AGAIN;
    case RILL_PARSE_CONTROL_LINE_LONG:
    case RILL_PARSE_PAYLOAD_LARGE:
        return RILL_ERR_LIMIT;
    default:
        return RILL_ERR_DAMAGED;
    }
}
