// SPDX-License-Identifier: Apache-2.0
//
// Little-endian numbers in bytes that need not be aligned.
#pragma once

#include <endian.h>
#include <stdint.h>
#include <string.h>

static inline void le_put_u16(uint8_t *at, uint16_t value)
{
    const uint16_t le = htole16(value);
    memcpy(at, &le, sizeof le);
}

static inline void le_put_u32(uint8_t *at, uint32_t value)
{
    const uint32_t le = htole32(value);
    memcpy(at, &le, sizeof le);
}

static inline void le_put_u64(uint8_t *at, uint64_t value)
{
    const uint64_t le = htole64(value);
    memcpy(at, &le, sizeof le);
}

static inline uint16_t le_get_u16(const uint8_t *at)
{
    uint16_t le;
    memcpy(&le, at, sizeof le);
    return le16toh(le);
}

static inline uint32_t le_get_u32(const uint8_t *at)
{
    uint32_t le;
    memcpy(&le, at, sizeof le);
    return le32toh(le);
}

static inline uint64_t le_get_u64(const uint8_t *at)
{
    uint64_t le;
    memcpy(&le, at, sizeof le);
    return le64toh(le);
}
