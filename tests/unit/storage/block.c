// SPDX-License-Identifier: Apache-2.0
#include "directory.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

TestSuite(block);

static void append(struct block *block, uint64_t sequence)
{
    const struct rill_store_message message = {.sequence = sequence, .subject = RILL_BYTES("orders")};
    const size_t size = record_message_size(&message);
    record_put_message(block->data->bytes + block->len, 0, &message);
    block->len += (uint32_t)size;
    block_count_message(block, size, 0);
}

static struct block *push(struct segment_table *table, uint64_t first_sequence)
{
    struct block *block;
    const struct block *last = block_last(table);
    if (!table->count)
        (void)segment_push(table, 1, first_sequence);
    cr_assert(eq(int, block_push(table, first_sequence, last ? last->offset + 1000 : 0, &block), RILL_OK));
    cr_assert(eq(int, block_attach_room(&table->cache, block, 0), RILL_OK));
    return block;
}

// A block that grows is looked at again from where it was left.
Test(block, a_growing_block_finds_its_new_messages)
{
    struct segment_table table = {.cache.bytes_max = UINT64_MAX};
    const uint8_t *at;
    struct block *block = push(&table, 7);
    for (uint64_t sequence = 7; sequence < 500; sequence++) {
        append(block, sequence);
        cr_assert(eq(int, block_message(&table.cache, block, block->len, sequence, &at), RILL_OK));
        cr_assert(eq(u64, record_view(at).sequence, sequence));
        cr_assert(
            eq(int, block_message(&table.cache, block, block->len, sequence + 1, &at), RILL_ERR_NOT_FOUND));
    }
    segment_table_fini(&table);
}

// Above the budget the block that was not used for the longest time goes first, and the kept ones never.
Test(block, the_least_recently_used_goes_first)
{
    struct segment_table table = {.cache.bytes_max = 3 * (BLOCK_BYTES + 4096)};
    const uint8_t *at;
    struct block *blocks[4];
    for (uint64_t i = 0; i < 4; i++) {
        blocks[i] = push(&table, 10 * i + 1);
        append(blocks[i], 10 * i + 1);
    }
    cr_assert(eq(int, block_message(&table.cache, blocks[0], blocks[0]->len, 1, &at), RILL_OK));
    block_trim(&table.cache, blocks[3]);
    cr_expect(blocks[0]->data != NULL, "was used last");
    cr_expect(blocks[1]->data == NULL, "is the oldest");
    cr_expect(blocks[3]->data != NULL);
    cr_expect(table.cache.bytes <= table.cache.bytes_max);
    table.cache.bytes_max = 0;
    block_trim(&table.cache, blocks[3]);
    cr_expect(blocks[2]->data == NULL, "nobody keeps it");
    cr_expect(blocks[3]->data != NULL, "the tail stays");
    segment_table_fini(&table);
}

// Cutting the end off gives the blocks that there were before.
Test(block, a_cut_takes_back_what_was_appended)
{
    struct segment_table table = {.cache.bytes_max = UINT64_MAX};
    const uint8_t *at;
    struct block *block = push(&table, 1);
    append(block, 1);
    const uint32_t len = block->len;
    append(block, 2);
    append(push(&table, 3), 3);
    segment_cut(&table, 1, 1);
    block_cut(block, len);
    cr_expect(block_last(&table) == block);
    cr_expect(eq(u64, table.segments[0]->messages, 2), "what the block says is the caller's to set");
    append(block, 2);
    cr_expect(eq(int, block_message(&table.cache, block, block->len, 2, &at), RILL_OK));
    segment_table_fini(&table);
}
