// SPDX-License-Identifier: Apache-2.0
#include "backup_format.h"

#include "le.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

void backup_header_put(uint8_t at[BACKUP_HEADER_BYTES], const struct backup_header *header)
{
    memcpy(at, BACKUP_MAGIC, 8);
    le_put_u32(at + 8, header->version);
    le_put_u32(at + 12, header->flags);
    le_put_u64(at + 16, header->last_sequence);
    le_put_u64(at + 24, XXH3_64bits(at, 24));
}

bool backup_header_get(const uint8_t at[BACKUP_HEADER_BYTES], struct backup_header *ret)
{
    if (memcmp(at, BACKUP_MAGIC, 8) != 0 || le_get_u64(at + 24) != XXH3_64bits(at, 24))
        return false;
    *ret = (struct backup_header){
        .version = le_get_u32(at + 8),
        .flags = le_get_u32(at + 12),
        .last_sequence = le_get_u64(at + 16),
    };
    return true;
}

uint64_t backup_checksum(uint64_t number, enum backup_kind kind, struct rill_bytes payload)
{
    return XXH3_64bits_withSeed(payload.data, payload.len, number << 8 | (uint64_t)kind);
}

void backup_head_put(uint8_t at[BACKUP_HEAD_BYTES], uint64_t number, enum backup_kind kind,
                     struct rill_bytes payload)
{
    le_put_u32(at, (uint32_t)kind);
    le_put_u32(at + 4, (uint32_t)payload.len);
    le_put_u64(at + 8, backup_checksum(number, kind, payload));
}
