// SPDX-License-Identifier: Apache-2.0
#include "outbox.h"

#include "base/assert.h"
#include "proto/parser.h"

enum {
    FRONT_BYTES_MAX = 64 * 1024 * 1024, // the greeting and all subscriptions
    IDLE_BYTES_MAX = 1024 * 1024,       // of memory that an empty buffer keeps
};

void outbox_init(struct outbox *outbox, size_t bytes_max)
{
    *outbox = (struct outbox){.held = true};
    rill_buf_init(&outbox->front, FRONT_BYTES_MAX);
    rill_buf_init(&outbox->out, bytes_max);
    rill_buf_init(&outbox->flight, bytes_max);
}

void outbox_fini(struct outbox *outbox)
{
    rill_buf_fini(&outbox->front);
    rill_buf_fini(&outbox->out);
    rill_buf_fini(&outbox->flight);
}

static void swap(struct rill_buf *a, struct rill_buf *b)
{
    const struct rill_buf moved = *a;
    *a = *b;
    *b = moved;
}

/* Only the bytes change places: each buffer keeps its own maximum. */
static void take_off(struct outbox *outbox, struct rill_buf *from)
{
    const size_t flight_max = outbox->flight.max;
    const size_t from_max = from->max;
    outbox->flight.len = 0;
    swap(&outbox->flight, from);
    outbox->flight.max = flight_max;
    from->max = from_max;
    outbox->sent = 0;
}

/* A burst does not hold its memory for ever. */
static void shrink(struct rill_buf *buf)
{
    if (buf->len == 0 && buf->capacity > IDLE_BYTES_MAX)
        rill_buf_fini(buf);
}

/* Nothing is to be sent. */
static struct rill_bytes nothing(struct outbox *outbox)
{
    outbox->flight.len = outbox->sent = 0;
    shrink(&outbox->front);
    shrink(&outbox->out);
    shrink(&outbox->flight);
    return rill_bytes_of(NULL, 0);
}

struct rill_bytes outbox_take(struct outbox *outbox)
{
    if (outbox->sent == outbox->flight.len) {
        if (outbox->front.len)
            take_off(outbox, &outbox->front);
        else if (!outbox->held && outbox->out.len)
            take_off(outbox, &outbox->out);
        else
            return nothing(outbox);
    }
    return rill_bytes_from(rill_buf_bytes(&outbox->flight), outbox->sent);
}

void outbox_sent(struct outbox *outbox, size_t bytes)
{
    RILL_ASSERT(bytes <= outbox->flight.len - outbox->sent);
    outbox->sent += bytes;
}

static const struct rill_parse_limits limits = {
    .side = RILL_SIDE_BROKER, .control_line_bytes_max = SIZE_MAX / 2, .payload_bytes_max = SIZE_MAX / 2};

/* What a loss leaves. */
struct rest {
    struct rill_buf kept;
    size_t bytes_max;
    size_t dropped;
    outbox_keeper *keeper; // may be NULL
    void *context;
};

static void keep(struct rest *rest, struct rill_bytes whole, struct rill_bytes reply)
{
    if (rest->kept.len + whole.len > rest->bytes_max || rill_buf_append(&rest->kept, whole) != RILL_OK)
        rest->dropped++;
    else if (rest->keeper)
        rest->keeper(rest->context, reply);
}

/* Keeps the publishes among our own commands that begin at `from` or later. */
static void keep_publishes(struct rest *rest, struct rill_bytes commands, size_t from)
{
    size_t at = 0;
    struct rill_command command;
    while (at < commands.len &&
           rill_parse(&limits, rill_bytes_from(commands, at), &command) == RILL_PARSE_DONE) {
        const struct rill_bytes whole = rill_bytes_of(commands.data + at, command.bytes);
        const bool publish = command.op == RILL_OP_PUB || command.op == RILL_OP_HPUB;
        if (publish && at >= from)
            keep(rest, whole, command.reply);
        at += command.bytes;
    }
}

size_t outbox_lost(struct outbox *outbox, size_t bytes_max, outbox_keeper *keeper, void *context)
{
    struct rest rest = {.bytes_max = bytes_max, .keeper = keeper, .context = context};
    rill_buf_init(&rest.kept, outbox->out.max);
    keep_publishes(&rest, rill_buf_bytes(&outbox->flight), outbox->sent);
    keep_publishes(&rest, rill_buf_bytes(&outbox->out), 0);
    swap(&rest.kept, &outbox->out);
    rill_buf_fini(&rest.kept);
    outbox->front.len = outbox->flight.len = outbox->sent = 0;
    outbox->held = true;
    return rest.dropped;
}

void outbox_hold(struct outbox *outbox)
{
    outbox->held = true;
}

void outbox_release(struct outbox *outbox)
{
    outbox->held = false;
}

size_t outbox_drop(struct outbox *outbox)
{
    const size_t dropped = outbox_lost(outbox, 0, NULL, NULL);
    outbox->out.len = 0;
    return dropped;
}
