// SPDX-License-Identifier: Apache-2.0
//
// A segment's directory of any bytes, as the index may give them: refused, or its blocks are what the numbers of the segment say, in
// order, and what is put again is the same. The input: five bytes of numbers, and the directory.
#include "directory_code.h"

#include "base/assert.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { NUMBERS = 5 };

/* Sequences and places ascend, and the live map of a block has as many gone as the block says. */
static void check_blocks(const struct segment *segment)
{
    uint64_t sequence = segment->first_sequence, offset = 0, messages = 0, gone = 0;
    for (size_t i = 0; i < segment->block_count; i++) {
        const struct block *block = segment->blocks[i];
        RILL_ASSERT(block->first_sequence >= sequence && block->offset >= offset);
        RILL_ASSERT(live_count(block->live, LIVE_COMMITTED) == block->gone && block->gone <= block->count);
        sequence = block_end(block);
        offset = block->offset;
        messages += block->count;
        gone += block->gone;
    }
    RILL_ASSERT(messages == segment->messages && gone == segment->gone);
}

static enum rill_err give(void *context, uint64_t segment, struct rill_buf *ret_detail)
{
    const struct rill_bytes *bytes = context;
    return rill_buf_append(ret_detail, *bytes);
}

/* In a table of its own, from these bytes. */
static enum rill_err bring(struct segment_table *table, const struct segment *numbers,
                           struct rill_bytes bytes)
{
    struct segment *segment = segment_push_cold(table, 1, numbers->first_sequence);
    segment->messages = numbers->messages;
    segment->bytes = numbers->bytes;
    segment->gone = numbers->gone;
    segment->gone_bytes = numbers->gone_bytes;
    table->source = (struct directory_source){&bytes, give};
    return segment_bring(table, segment);
}

static void check_again(const struct segment *segment)
{
    const struct directory_view view = {.segment = segment, .block_count = segment->block_count};
    struct directory_counts counts;
    struct segment_table table = {0};
    struct rill_buf out;
    rill_buf_init(&out, DIRECTORY_BYTES_MAX);
    RILL_ASSERT(directory_put(&view, &out, &counts) == RILL_OK);
    RILL_ASSERT(counts.messages == segment->messages && counts.live_bytes == segment_live_bytes(segment));
    RILL_ASSERT(bring(&table, segment, rill_buf_bytes(&out)) == RILL_OK);
    RILL_ASSERT(table.segments[0]->block_count == segment->block_count);
    segment_table_fini(&table);
    rill_buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct segment_table table = {0};
    if (size < NUMBERS)
        return 0;
    const struct segment numbers = {.first_sequence = UINT64_C(1) + data[0],
                                    .messages = data[1],
                                    .bytes = data[2] * UINT64_C(8),
                                    .gone = data[3],
                                    .gone_bytes = data[4] * UINT64_C(8)};
    if (bring(&table, &numbers, rill_bytes_of(data + NUMBERS, size - NUMBERS)) == RILL_OK) {
        check_blocks(table.segments[0]);
        check_again(table.segments[0]);
    }
    segment_table_fini(&table);
    return 0;
}
