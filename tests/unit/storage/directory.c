// SPDX-License-Identifier: Apache-2.0
#include "directory.h"
#include "directory_code.h"
#include "seed.h"

#include "base/random.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>

TestSuite(directory);

static struct block *push(struct segment_table *table, uint64_t first_sequence, uint32_t count)
{
    struct block *block;
    struct block *last = block_last(table);
    const uint64_t offset = last ? last->offset + (uint64_t)last->len : 8192;
    cr_assert(eq(int, block_push(table, first_sequence, offset, &block), RILL_OK));
    for (uint32_t i = 0; i < count; i++)
        block_count_message(block, 40, (int64_t)(first_sequence * 1000 + i));
    block->len = 40 * count + 56;
    return block;
}

static struct block *find(struct segment_table *table, uint64_t sequence)
{
    struct block *block;
    cr_assert(eq(int, block_find(table, sequence, &block), RILL_OK));
    return block;
}

// A sequence is in the last block that begins at it or before it, in the last segment that does; blocks without messages
// begin where the next one does.
Test(directory, the_last_block_that_begins_before_has_it)
{
    struct segment_table table = {0};
    (void)segment_push(&table, 4, 5);
    struct block *first = push(&table, 5, 4);
    (void)push(&table, 9, 0);
    (void)segment_push(&table, 6, 9);
    struct block *third = push(&table, 9, 2);
    struct block *last = push(&table, 20, 1);
    cr_expect(find(&table, 4) == NULL);
    cr_expect(find(&table, 5) == first);
    cr_expect(find(&table, 8) == first);
    cr_expect(find(&table, 9) == third);
    cr_expect(find(&table, 1000) == last);
    cr_expect(block_at(&table, 6, last->offset) == last);
    cr_expect(segment_of(&table, 5) == NULL);
    cr_expect(segment_of(&table, 6) == last->segment);
    segment_table_fini(&table);
}

static struct segment *random_segment(struct segment_table *table, struct rill_random *random)
{
    uint64_t first = 1 + rill_random_below(random, 1000);
    struct segment *segment =
        segment_push(table, 1 + table->count, table->count ? 100000 * table->count : first);
    first = segment->first_sequence;
    for (uint32_t i = rill_random_below(random, 20); i; i--) {
        const uint32_t count = rill_random_below(random, 200);
        struct block *block = push(table, first, count);
        first += count + (rill_random_chance(random, 1, 5) ? rill_random_below(random, 100) : 0);
        for (uint32_t j = 0; j < count; j++) {
            if (!rill_random_chance(random, 1, 1 + i % 4))
                continue;
            live_remove(&block->live, j);
            live_commit(block->live, j, j);
            block_count_gone(block, 1, 40);
        }
    }
    return segment;
}

static void put(const struct segment *segment, struct rill_buf *out, struct directory_counts *ret_counts)
{
    const struct directory_view view = {.segment = segment, .block_count = segment->block_count};
    cr_assert(eq(int, directory_put(&view, out, ret_counts), RILL_OK));
}

static void expect_same(const struct segment *a, const struct segment *b)
{
    cr_assert(eq(sz, a->block_count, b->block_count));
    for (size_t i = 0; i < a->block_count; i++) {
        const struct block *left = a->blocks[i], *right = b->blocks[i];
        cr_assert(left->first_sequence == right->first_sequence && left->offset == right->offset &&
                  left->len == right->len && left->count == right->count && left->bytes == right->bytes &&
                  left->gone == right->gone && left->gone_bytes == right->gone_bytes &&
                  left->first_time_ns == right->first_time_ns);
        for (uint32_t j = 0; j < left->count; j++)
            cr_assert(live_is_gone(left->live, j, LIVE_COMMITTED) == live_is_gone(right->live, j, LIVE_OPEN));
    }
}

static struct segment *copy_of(const struct segment *segment, struct segment_table *table)
{
    struct segment *copy = segment_push_cold(table, segment->number, segment->first_sequence);
    copy->messages = segment->messages;
    copy->bytes = segment->bytes;
    copy->gone = segment->gone;
    copy->gone_bytes = segment->gone_bytes;
    return copy;
}

/* A source of one directory. */
static enum rill_err give(void *context, uint64_t segment, struct rill_buf *ret_detail)
{
    return rill_buf_append(ret_detail, rill_buf_bytes(context));
}

// What is put comes back.
Test(directory, comes_back_as_it_was)
{
    const struct seed_range seeds = seed_range(200);
    for (uint64_t seed = seeds.first; seed <= seeds.last; seed++) {
        struct rill_random random = {seed};
        struct segment_table table = {0}, other = {0};
        struct directory_counts counts;
        struct rill_buf bytes;
        rill_buf_init(&bytes, 1 << 20);
        struct segment *segment = random_segment(&table, &random);
        put(segment, &bytes, &counts);
        cr_assert(eq(u64, counts.live_messages, segment_live(segment)), "seed %lu", (unsigned long)seed);
        cr_assert(eq(u64, counts.bytes, segment->bytes), "seed %lu", (unsigned long)seed);
        struct segment *copy = copy_of(segment, &other);
        other.source = (struct directory_source){&bytes, give};
        cr_assert(eq(int, segment_bring(&other, copy), RILL_OK), "seed %lu", (unsigned long)seed);
        expect_same(segment, copy);
        segment_table_fini(&other);
        segment_table_fini(&table);
        rill_buf_fini(&bytes);
    }
}

// Whatever a source gives instead, the answer is an error or a directory with the right counts; never a crash.
Test(directory, wrong_bytes_are_refused)
{
    const struct seed_range seeds = seed_range(3000);
    for (uint64_t seed = seeds.first; seed <= seeds.last; seed++) {
        struct rill_random random = {seed};
        struct segment_table table = {0}, other = {0};
        struct directory_counts counts;
        struct rill_buf bytes;
        rill_buf_init(&bytes, 1 << 20);
        struct segment *copy = copy_of(random_segment(&table, &random), &other);
        put(table.segments[0], &bytes, &counts);
        for (uint32_t i = 1 + rill_random_below(&random, 3); i; i--)
            bytes.data[rill_random_below(&random, (uint32_t)bytes.len)] ^= (uint8_t)rill_random_next(&random);
        if (rill_random_chance(&random, 1, 4))
            bytes.len = rill_random_below(&random, (uint32_t)bytes.len);
        other.source = (struct directory_source){&bytes, give};
        const enum rill_err err = segment_bring(&other, copy);
        cr_assert(err == RILL_OK || (err == RILL_ERR_IO && other.failed && !copy->hot && !copy->blocks));
        segment_table_fini(&other);
        segment_table_fini(&table);
        rill_buf_fini(&bytes);
    }
}

// Only what the source has as it is goes, the longest unused first, and nothing that something points into.
Test(directory, evicts_what_the_source_has)
{
    struct rill_buf bytes;
    rill_buf_init(&bytes, 1 << 20);
    struct segment_table table = {.hot_max = 2, .source = {&bytes, give}};
    for (uint64_t number = 1; number <= 5; number++)
        (void)segment_push(&table, number, number * 10);
    segment_trim(&table, 5);
    cr_expect(eq(sz, table.hot_count, 5), "the source has none");
    for (size_t i = 0; i < 5; i++)
        table.segments[i]->stored = table.segments[i]->version;
    table.segments[1]->pins = 1;
    cr_assert(eq(int, segment_bring(&table, table.segments[0]), RILL_OK));
    segment_trim(&table, 5);
    cr_expect(table.segments[0]->hot, "used last");
    cr_expect(table.segments[1]->hot, "pinned");
    cr_expect(not(table.segments[2]->hot));
    cr_expect(not(table.segments[3]->hot));
    cr_expect(table.segments[4]->hot, "the tail");
    segment_table_fini(&table);
    rill_buf_fini(&bytes);
}
