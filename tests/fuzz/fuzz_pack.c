// SPDX-License-Identifier: Apache-2.0
//
// A packed record with any fields and any bytes: it is opened, or refused, and what is opened holds what it says. The first
// byte chooses whether the rest is such a record, or a run to be packed.
#include "pack.h"

#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FIELDS = RECORD_PACKED_BYTES, SEED = 1 };

/* Whatever was accepted can be walked through. */
static void walk(const struct record_packed *packed, const uint8_t *bytes)
{
    uint32_t records = 0;
    for (size_t at = 0; at < packed->bytes; records++) {
        const struct record record = record_view(bytes + at);
        RILL_ASSERT(record.sequence >= packed->sequence && record.sequence <= packed->last);
        at += record.size;
    }
    RILL_ASSERT(records == packed->record_count);
}

static void open_it(const struct record_packed *packed)
{
    uint8_t *bytes = NULL;
    size_t capacity = 0;
    if (packed->bytes <= 1 << 24 && !pack_open_into(packed, &bytes, &capacity))
        walk(packed, bytes);
    free(bytes);
}

static void open_any(const uint8_t *data, size_t size)
{
    uint8_t *record = malloc(size + RECORD_ALIGN);
    memcpy(record, data, size);
    memset(record + size, 0, RECORD_ALIGN);
    const uint32_t len = (uint32_t)size;
    memcpy(record + 8, &len, sizeof len);
    record[12] = RECORD_PACKED;
    memset(record + 13, 0, 3);
    record_seal(record, SEED);
    struct record view;
    RILL_ASSERT(record_get(record, record_align(size), SEED, &view));
    const struct record_packed packed = record_packed_of(&view);
    open_it(&packed);
    free(record);
}

/* The bytes are packed as if they were records, which they seldom are. */
static void pack_any(const uint8_t *data, size_t size)
{
    size_t packed_size = 0;
    uint8_t *at = malloc(pack_size_max(size));
    struct record_packed packed = {
        .sequence = 0, .last = data[0], .record_count = 1 + data[1] % 4, .message_count = data[2] % 4};
    RILL_ASSERT(pack_put(at, SEED, &packed, rill_bytes_of(data, size), &packed_size) == RILL_OK);
    if (packed_size)
        open_it(&packed);
    free(at);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > FIELDS + 1 && data[0] % 2)
        open_any(data + 1, size - 1);
    else if (size > FIELDS + 1)
        pack_any(data + 1, (size - 1) & ~(size_t)7);
    return 0;
}
