// SPDX-License-Identifier: Apache-2.0
//
// What an index says of the state of a store, of any bytes: refused, or its lost ranges ascend without touching, and what is put
// again says the same.
#include "summary.h"

#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SEGMENTS_MAX = 64 };

static void check_lost(const struct lost *lost)
{
    uint64_t messages = 0;
    for (size_t i = 0; i < lost->count; i++) {
        const struct rill_store_range *range = &lost->ranges[i];
        RILL_ASSERT(range->first_sequence <= range->last_sequence);
        RILL_ASSERT(i == 0 || range->first_sequence > lost->ranges[i - 1].last_sequence + 1);
        RILL_ASSERT(lost_has(lost, range->first_sequence) && lost_has(lost, range->last_sequence));
        messages += range->last_sequence - range->first_sequence + 1;
    }
    RILL_ASSERT(messages == lost->messages);
}

/* The segments that were rewritten, as far as they are in order. */
static void take_segments(struct rill_bytes rest, struct segment_table *table)
{
    uint64_t number, times, last = 0;
    while (table->count < SEGMENTS_MAX && summary_take_rewritten(&rest, &number, &times) && number > last) {
        segment_push(table, number, 1)->rewritten = (uint32_t)times;
        last = number;
    }
}

static void check_again(const struct summary *summary, const struct lost *lost,
                        const struct summary_erases *erases, const struct segment_table *table)
{
    struct summary again;
    struct lost found = {0};
    struct summary_erases pending = {0};
    struct rill_bytes rest;
    struct rill_buf out;
    uint64_t number, times;
    rill_buf_init(&out, 1 << 20);
    RILL_ASSERT(summary_put(summary, lost, erases, table, &out) == RILL_OK);
    RILL_ASSERT(summary_get(rill_buf_bytes(&out), &again, &found, &pending, &rest) == RILL_OK);
    RILL_ASSERT(memcmp(&again, summary, sizeof again) == 0 && found.messages == lost->messages);
    for (size_t i = 0; i < table->count; i++) {
        if (!table->segments[i]->rewritten)
            continue;
        RILL_ASSERT(summary_take_rewritten(&rest, &number, &times));
        RILL_ASSERT(number == table->segments[i]->number && times == table->segments[i]->rewritten);
    }
    RILL_ASSERT(!rest.len && pending.count == erases->count);
    free(pending.list);
    lost_fini(&found);
    rill_buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct summary summary = {0};
    struct lost lost = {0};
    struct segment_table table = {0};
    struct summary_erases erases = {0};
    struct rill_bytes rest;
    if (summary_get(rill_bytes_of(data, size), &summary, &lost, &erases, &rest) == RILL_OK) {
        check_lost(&lost);
        take_segments(rest, &table);
        check_again(&summary, &lost, &erases, &table);
    }
    segment_table_fini(&table);
    lost_fini(&lost);
    free(erases.list);
    return 0;
}
