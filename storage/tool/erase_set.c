// SPDX-License-Identifier: Apache-2.0
#include "erase_set.h"

#include "base/alloc.h"

#include <stdlib.h>

struct erase_set {
    struct record_erase *erases; // sorted by sequence, and so by place: both grow through the log
    size_t count;
    size_t capacity;
};

static enum rill_err on_record(void *context, const struct walk_record *found)
{
    struct erase_set *set = context;
    if (found->record.type != RECORD_ERASE)
        return RILL_OK;
    if (set->count == set->capacity) {
        set->capacity = set->capacity ? set->capacity * 2 : 16;
        set->erases = rill_alloc_resize(set->erases, set->capacity, sizeof set->erases[0]);
    }
    set->erases[set->count++] = record_erase_of(&found->record);
    return RILL_OK;
}

static int by_sequence(const void *a, const void *b)
{
    const uint64_t left = ((const struct record_erase *)a)->sequence;
    const uint64_t right = ((const struct record_erase *)b)->sequence;
    return (left > right) - (left < right);
}

enum rill_err erase_set_read(const struct walk_options *options, struct erase_set **ret_set,
                             struct rill_error_text *why)
{
    struct erase_set *set = rill_alloc_zero(1, sizeof *set);
    const struct walk_visitor visitor = {.context = set, .record = on_record};
    struct walk_result end;
    const enum rill_err err = walk_stream(options, &visitor, &end, why);
    if (err) {
        erase_set_destroy(set);
        return err;
    }
    if (set->count)
        qsort(set->erases, set->count, sizeof set->erases[0], by_sequence);
    *ret_set = set;
    return RILL_OK;
}

void erase_set_destroy(struct erase_set *set)
{
    if (!set)
        return;
    free(set->erases);
    free(set);
}

bool erase_set_has(const struct erase_set *set, uint64_t sequence)
{
    const struct record_erase key = {.sequence = sequence};
    return set->count && bsearch(&key, set->erases, set->count, sizeof key, by_sequence);
}

bool erase_set_fills(const struct erase_set *set, uint64_t segment, uint64_t from, uint64_t to)
{
    for (size_t i = 0; i < set->count && from < to; i++) {
        const struct record_erase *erase = &set->erases[i];
        if (erase->segment == segment && erase->offset == from)
            from += erase->bytes;
    }
    return from == to;
}
