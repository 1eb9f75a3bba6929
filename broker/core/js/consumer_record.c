// SPDX-License-Identifier: Apache-2.0
#include "consumer_record.h"

#include "base/assert.h"

#include <assert.h>

/* Bytes of our own making: their size is bounded by whoever adds to them, far below this. */
enum { RUNS_BYTES_MAX = 64 << 20 };

/* Sequences leave a difference room for its sign and its kind. */
enum { OP_BITS = 3, SEQUENCE_BITS = 59 };
static_assert(CONSUMER_OP_COUNT <= 1 << OP_BITS, "every kind fits");

// ---- the numbers ----

static size_t varint_write(uint64_t value, uint8_t to[VARINT_BYTES_MAX])
{
    size_t len = 0;
    while (value >= 0x80) {
        to[len++] = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    to[len++] = (uint8_t)value;
    return len;
}

void varint_append(struct rill_buf *buf, uint64_t value)
{
    uint8_t bytes[VARINT_BYTES_MAX];
    const size_t len = varint_write(value, bytes);
    const enum rill_err err = rill_buf_append(buf, rill_bytes_of(bytes, len));
    RILL_ASSERT(err == RILL_OK);
}

bool varint_take(struct rill_bytes *rest, uint64_t *ret_value)
{
    uint64_t value = 0;
    for (size_t i = 0; i < rest->len && i < VARINT_BYTES_MAX; i++) {
        const uint64_t bits = rest->data[i] & 0x7f;
        if (i == VARINT_BYTES_MAX - 1 && bits > 1)
            return false;
        value |= bits << (7 * i);
        if (rest->data[i] & 0x80)
            continue;
        *rest = rill_bytes_of(rest->data + i + 1, rest->len - i - 1);
        *ret_value = value;
        return true;
    }
    return false;
}

static uint64_t zigzag(uint64_t difference)
{
    const int64_t value = (int64_t)difference;
    return ((uint64_t)value << 1) ^ (uint64_t)(value >> 63);
}

static uint64_t unzigzag(uint64_t value)
{
    return (value >> 1) ^ (~(value & 1) + 1);
}

// ---- runs ----

void consumer_runs_init(struct consumer_runs *runs)
{
    *runs = (struct consumer_runs){0};
    rill_buf_init(&runs->bytes, RUNS_BYTES_MAX);
}

void consumer_runs_fini(struct consumer_runs *runs)
{
    rill_buf_fini(&runs->bytes);
}

static void write_run(struct consumer_runs *runs)
{
    if (runs->run.count == 0)
        return;
    const uint64_t head = zigzag(runs->run.first_sequence - runs->previous) << OP_BITS | runs->run.op;
    varint_append(&runs->bytes, head);
    varint_append(&runs->bytes, runs->run.count - 1);
    runs->previous = runs->run.first_sequence + runs->run.count - 1;
    runs->run.count = 0;
}

void consumer_runs_add(struct consumer_runs *runs, enum consumer_op op, uint64_t sequence, uint64_t count)
{
    RILL_ASSERT(count > 0 && sequence > 0 && (sequence + count - 1) >> SEQUENCE_BITS == 0);
    struct consumer_run *run = &runs->run;
    if (run->count && run->op == op && sequence == run->first_sequence + run->count) {
        run->count += count;
        return;
    }
    write_run(runs);
    *run = (struct consumer_run){.op = op, .first_sequence = sequence, .count = count};
}

bool consumer_runs_is_empty(const struct consumer_runs *runs)
{
    return runs->bytes.len == 0 && runs->run.count == 0;
}

struct rill_bytes consumer_runs_bytes(struct consumer_runs *runs)
{
    write_run(runs);
    return rill_buf_bytes(&runs->bytes);
}

void consumer_runs_clear(struct consumer_runs *runs)
{
    runs->bytes.len = 0;
    runs->previous = 0;
    runs->run.count = 0;
}

struct consumer_runs_cursor consumer_runs_cursor_of(struct rill_bytes bytes)
{
    return (struct consumer_runs_cursor){.rest = bytes};
}

enum rill_err consumer_runs_next(struct consumer_runs_cursor *cursor, struct consumer_run *ret_run)
{
    if (cursor->rest.len == 0)
        return RILL_ERR_NOT_FOUND;
    uint64_t head;
    uint64_t more;
    if (!varint_take(&cursor->rest, &head) || !varint_take(&cursor->rest, &more))
        return RILL_ERR_DAMAGED;
    const uint64_t first = cursor->previous + unzigzag(head >> OP_BITS);
    const uint64_t op = head & ((1 << OP_BITS) - 1);
    if (first == 0 || first >> SEQUENCE_BITS || more >> SEQUENCE_BITS || op >= CONSUMER_OP_COUNT)
        return RILL_ERR_DAMAGED;
    *ret_run = (struct consumer_run){.op = (enum consumer_op)op, .first_sequence = first, .count = more + 1};
    cursor->previous = first + more;
    return RILL_OK;
}

// ---- events ----

void consumer_event_begin(struct rill_buf *buf, uint64_t number, enum consumer_form form)
{
    varint_append(buf, number);
    varint_append(buf, form);
}

enum rill_err consumer_event_parse(struct rill_bytes event, uint64_t *ret_number,
                                   enum consumer_form *ret_form, struct rill_bytes *ret_rest)
{
    uint64_t number;
    uint64_t form;
    if (!varint_take(&event, &number) || !varint_take(&event, &form) || form > CONSUMER_FORM_WHOLE)
        return RILL_ERR_DAMAGED;
    *ret_number = number;
    *ret_form = (enum consumer_form)form;
    *ret_rest = event;
    return RILL_OK;
}
