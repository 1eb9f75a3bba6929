// SPDX-License-Identifier: Apache-2.0
#include "pack.h"

#include "base/assert.h"

#include <stdlib.h>
#include <zstd.h>

// Measured against lz4 and other levels: docs/RATIONALE.md.
enum { PACK_ZSTD_LEVEL = 1 };

static enum rill_err check_frame(const struct record_packed *packed)
{
    const unsigned long long size = ZSTD_getFrameContentSize(packed->run.data, packed->run.len);
    return size == packed->bytes ? RILL_OK : RILL_ERR_DAMAGED;
}

enum rill_err pack_check(const struct record_packed *packed)
{
    const uint64_t least = (uint64_t)packed->record_count * RECORD_HEADER_BYTES;
    if (packed->codec != PACK_ZSTD)
        return RILL_ERR_UNSUPPORTED;
    if (!packed->record_count || packed->bytes > PACK_BYTES_MAX || packed->bytes < least)
        return RILL_ERR_DAMAGED;
    return check_frame(packed);
}

/* One frame, and nothing behind it. */
static enum rill_err open_frame(const struct record_packed *packed, uint8_t *out)
{
    if (ZSTD_findFrameCompressedSize(packed->run.data, packed->run.len) != packed->run.len)
        return RILL_ERR_DAMAGED;
    ZSTD_DCtx *context = ZSTD_createDCtx();
    if (!context)
        return RILL_ERR_NO_MEMORY;
    const size_t got = ZSTD_decompressDCtx(context, out, packed->bytes, packed->run.data, packed->run.len);
    ZSTD_freeDCtx(context);
    return got == packed->bytes ? RILL_OK : RILL_ERR_DAMAGED;
}

static bool may_be_packed(uint8_t type)
{
    return type == RECORD_MESSAGE || type == RECORD_DELETE || type == RECORD_PURGE || type == RECORD_ERASE;
}

static bool follows_too_far(uint64_t before, uint64_t sequence)
{
    return before < sequence && sequence - before > PACK_GAP_MAX;
}

/* V10, of what came out. */
static enum rill_err check_records(const struct record_packed *packed, const uint8_t *bytes)
{
    uint64_t last = packed->sequence, message = UINT64_MAX;
    uint32_t records = 0, messages = 0;
    for (size_t at = 0; at < packed->bytes; records++) {
        struct record record;
        if (!record_get_bare(bytes + at, packed->bytes - at, &record) || !may_be_packed(record.type))
            return RILL_ERR_DAMAGED;
        const bool numbered = record_is_numbered(record.type);
        if (record.sequence < last + numbered || (numbered && follows_too_far(message, record.sequence)))
            return RILL_ERR_DAMAGED;
        message = numbered ? record.sequence : message;
        last = record.sequence;
        messages += numbered;
        at += record.size;
    }
    const bool holds =
        records == packed->record_count && messages == packed->message_count && last == packed->last;
    return holds ? RILL_OK : RILL_ERR_DAMAGED;
}

enum rill_err pack_open(const struct record_packed *packed, uint8_t *out)
{
    enum rill_err err = pack_check(packed);
    if (!err)
        err = open_frame(packed, out);
    return err ? err : check_records(packed, out);
}

enum rill_err pack_open_into(const struct record_packed *packed, uint8_t **buffer, size_t *capacity)
{
    const enum rill_err err = pack_check(packed);
    if (err)
        return err;
    if (packed->bytes > *capacity) {
        uint8_t *larger = malloc(packed->bytes);
        if (!larger)
            return RILL_ERR_NO_MEMORY;
        free(*buffer);
        *buffer = larger;
        *capacity = packed->bytes;
    }
    return pack_open(packed, *buffer);
}

size_t pack_size_max(size_t bytes)
{
    RILL_ASSERT(bytes <= PACK_BYTES_MAX);
    return record_align(RECORD_PACKED_BYTES + ZSTD_compressBound(bytes));
}

static bool is_worth_it(size_t packed, size_t bytes)
{
    return !ZSTD_isError(packed) && packed < bytes - bytes / 16;
}

enum rill_err pack_put(uint8_t *at, uint64_t seed, struct record_packed *packed, struct rill_bytes run,
                       size_t *ret_size)
{
    RILL_ASSERT(run.len && run.len % RECORD_ALIGN == 0 && packed->record_count);
    ZSTD_CCtx *context = ZSTD_createCCtx();
    if (!context)
        return RILL_ERR_NO_MEMORY;
    uint8_t *out = at + RECORD_PACKED_BYTES;
    size_t len =
        ZSTD_compressCCtx(context, out, ZSTD_compressBound(run.len), run.data, run.len, PACK_ZSTD_LEVEL);
    ZSTD_freeCCtx(context);
    *ret_size = 0;
    if (!is_worth_it(len, run.len))
        return RILL_OK;
    packed->codec = PACK_ZSTD;
    packed->bytes = (uint32_t)run.len;
    packed->run = rill_bytes_of(out, len);
    record_put_packed(at, seed, packed);
    *ret_size = record_align(RECORD_PACKED_BYTES + len);
    return RILL_OK;
}
