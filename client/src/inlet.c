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
    inlet->begin = inlet->end = inlet->wanted = 0;
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

enum rill_err inlet_room(struct inlet *inlet, uint8_t **ret_data, size_t *ret_bytes)
{
    move_down(inlet);
    enum rill_err err = RILL_OK;
    if (inlet->end == inlet->capacity)
        err = resize(inlet, inlet->capacity * 2);
    else if (inlet->end == 0 && inlet->capacity > INLET_READ_BYTES && inlet->wanted <= INLET_READ_BYTES)
        err = resize(inlet, INLET_READ_BYTES);
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
