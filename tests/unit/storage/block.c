// SPDX-License-Identifier: Apache-2.0
#include "block.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

TestSuite(block);

static void append(struct block_table *table, uint64_t sequence)
{
    struct block *tail = &table->blocks[table->count - 1];
    const struct rill_store_message message = {.sequence = sequence, .subject = RILL_BYTES("orders")};
    record_put_message(tail->data->bytes + tail->len, 0, &message);
    tail->len += (uint32_t)record_message_size(&message);
}

static void push(struct block_table *table, uint64_t first_sequence)
{
    cr_assert(eq(int, block_push_open(table, first_sequence, 1, table->count * 1000, 0), RILL_OK));
}

// A sequence is in the last block that begins at it or before it; blocks without messages begin where the
// next one does.
Test(block, the_last_block_that_begins_before_has_it)
{
    struct block_table table = {.cache_bytes_max = UINT64_MAX};
    const uint64_t firsts[] = {5, 9, 9, 20};
    for (size_t i = 0; i < 4; i++)
        cr_assert(eq(int, block_push(&table, firsts[i], 1, i * 1000), RILL_OK));
    cr_expect(eq(sz, block_find(&table, 4, 4), SIZE_MAX));
    cr_expect(eq(sz, block_find(&table, 4, 5), 0));
    cr_expect(eq(sz, block_find(&table, 4, 8), 0));
    cr_expect(eq(sz, block_find(&table, 4, 9), 2));
    cr_expect(eq(sz, block_find(&table, 4, 1000), 3));
    cr_expect(eq(sz, block_find(&table, 3, 1000), 2), "only the first three");
    block_table_fini(&table);
}

// A block that grows is looked at again from where it was left.
Test(block, a_growing_block_finds_its_new_messages)
{
    struct block_table table = {.cache_bytes_max = UINT64_MAX};
    const uint8_t *at;
    push(&table, 7);
    for (uint64_t sequence = 7; sequence < 500; sequence++) {
        append(&table, sequence);
        const uint32_t len = table.blocks[0].len;
        cr_assert(eq(int, block_message(&table, 0, len, sequence, &at), RILL_OK));
        cr_assert(eq(u64, record_view(at).sequence, sequence));
        cr_assert(eq(int, block_message(&table, 0, len, sequence + 1, &at), RILL_ERR_NOT_FOUND));
    }
    block_table_fini(&table);
}

// Above the budget the block that was not used for the longest time goes first, and the kept ones never.
Test(block, the_least_recently_used_goes_first)
{
    struct block_table table = {.cache_bytes_max = 3 * (BLOCK_BYTES + 4096)};
    const uint8_t *at;
    for (uint64_t i = 0; i < 4; i++) {
        push(&table, 10 * i + 1);
        append(&table, 10 * i + 1);
    }
    cr_assert(eq(int, block_message(&table, 0, table.blocks[0].len, 1, &at), RILL_OK));
    block_trim(&table, 3);
    cr_expect(table.blocks[0].data != NULL, "was used last");
    cr_expect(table.blocks[1].data == NULL, "is the oldest");
    cr_expect(table.blocks[3].data != NULL);
    cr_expect(table.cache_bytes <= table.cache_bytes_max);
    table.cache_bytes_max = 0;
    block_trim(&table, 3);
    cr_expect(table.blocks[2].data == NULL && table.blocks[3].data != NULL, "the tail stays");
    block_table_fini(&table);
}

// Cutting the end off gives the table that it was before.
Test(block, a_cut_takes_back_what_was_appended)
{
    struct block_table table = {.cache_bytes_max = UINT64_MAX};
    const uint8_t *at;
    push(&table, 1);
    append(&table, 1);
    const uint32_t len = table.blocks[0].len;
    append(&table, 2);
    push(&table, 3);
    block_cut(&table, 1, len);
    cr_expect(eq(sz, table.count, 1));
    append(&table, 2);
    cr_expect(eq(int, block_message(&table, 0, table.blocks[0].len, 2, &at), RILL_OK));
    block_table_fini(&table);
    cr_expect(eq(u64, table.cache_bytes, 0));
}
