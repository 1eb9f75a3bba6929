// SPDX-License-Identifier: Apache-2.0
#include "consumer_record.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

static void add_range(struct consumer_runs *runs, enum consumer_op op, uint64_t first, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        consumer_runs_add(runs, op, first + i, 1);
}

// The example of the header: 500 messages delivered and acknowledged are eight bytes.
Test(consumer_record, consecutive_sequences_are_one_run)
{
    struct consumer_runs runs;
    consumer_runs_init(&runs);
    add_range(&runs, CONSUMER_OP_DELIVERED, 1000, 500);
    add_range(&runs, CONSUMER_OP_DONE, 1000, 500);
    cr_expect(eq(sz, consumer_runs_bytes(&runs).len, 8));
    consumer_runs_fini(&runs);
}

// What was added comes back in the same order, whichever way the sequences jump.
Test(consumer_record, runs_are_read_as_they_were_written)
{
    static const struct consumer_run expected[] = {
        {CONSUMER_OP_DELIVERED, 5, 3}, {CONSUMER_OP_DONE, 7, 1},
        {CONSUMER_OP_DONE, 5, 2},      {CONSUMER_OP_AGAIN, UINT64_C(1) << 58, 1},
        {CONSUMER_OP_PASSED, 1, 1},
    };
    struct consumer_runs runs;
    consumer_runs_init(&runs);
    cr_expect(consumer_runs_is_empty(&runs));
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++)
        add_range(&runs, expected[i].op, expected[i].first_sequence, expected[i].count);
    struct consumer_runs_cursor cursor = consumer_runs_cursor_of(consumer_runs_bytes(&runs));
    struct consumer_run run;
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        cr_assert(eq(int, consumer_runs_next(&cursor, &run), RILL_OK));
        cr_expect(eq(int, run.op, expected[i].op), "run %zu", i);
        cr_expect(eq(u64, run.first_sequence, expected[i].first_sequence), "run %zu", i);
        cr_expect(eq(u64, run.count, expected[i].count), "run %zu", i);
    }
    cr_expect(eq(int, consumer_runs_next(&cursor, &run), RILL_ERR_NOT_FOUND));
    consumer_runs_fini(&runs);
}

// Cleared runs start anew: the next record does not depend on the one before.
Test(consumer_record, a_cleared_record_remembers_nothing)
{
    struct consumer_runs runs;
    uint8_t once[16];
    consumer_runs_init(&runs);
    consumer_runs_add(&runs, CONSUMER_OP_DONE, 77, 1);
    const struct rill_bytes first = consumer_runs_bytes(&runs);
    cr_assert(lt(sz, first.len, sizeof once));
    memcpy(once, first.data, first.len);
    const size_t first_len = first.len;
    consumer_runs_clear(&runs);
    consumer_runs_add(&runs, CONSUMER_OP_DONE, 77, 1);
    cr_expect(rill_bytes_equal(consumer_runs_bytes(&runs), rill_bytes_of(once, first_len)));
    consumer_runs_fini(&runs);
}

// Bytes that no writer makes are refused, and never read behind their end.
Test(consumer_record, damaged_bytes_are_refused)
{
    static const struct {
        const char *bytes;
        size_t len;
        const char *why;
    } table[] = {
        {"\x08", 1, "the count is missing"},
        {"\x88", 1, "the head is cut"},
        {"\x00\x00", 2, "sequence 0"},
        {"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f\x00", 11, "a number above 64 bits"},
        {"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11, "a count without end"},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct consumer_runs_cursor cursor =
            consumer_runs_cursor_of(rill_bytes_of(table[i].bytes, table[i].len));
        struct consumer_run run;
        cr_expect(eq(int, consumer_runs_next(&cursor, &run), RILL_ERR_DAMAGED), "%s", table[i].why);
    }
}

// Every number of 64 bits comes back, in at most ten bytes.
Test(consumer_record, varints_hold_any_number)
{
    static const uint64_t numbers[] = {0, 1, 127, 128, 16383, 16384, UINT32_MAX, UINT64_MAX - 1, UINT64_MAX};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        struct rill_buf buf;
        uint64_t back;
        rill_buf_init(&buf, 64);
        varint_append(&buf, numbers[i]);
        cr_expect(le(sz, buf.len, VARINT_BYTES_MAX));
        struct rill_bytes rest = rill_buf_bytes(&buf);
        cr_assert(varint_take(&rest, &back));
        cr_expect(eq(u64, back, numbers[i]));
        cr_expect(eq(sz, rest.len, 0));
        rill_buf_fini(&buf);
    }
}
