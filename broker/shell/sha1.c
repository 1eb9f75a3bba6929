// SPDX-License-Identifier: Apache-2.0
#include "sha1.h"

enum { BLOCK_BYTES = 64, LENGTH_BYTES = 8, ROUNDS = 80 };

static uint32_t rotated(uint32_t word, unsigned bits)
{
    return (word << bits) | (word >> (32 - bits));
}

static void put_be32(uint8_t *out, uint32_t word)
{
    for (unsigned i = 0; i < 4; i++)
        out[i] = (uint8_t)(word >> (24 - 8 * i));
}

static void expand(const uint8_t block[BLOCK_BYTES], uint32_t schedule[ROUNDS])
{
    for (size_t i = 0; i < 16; i++) {
        const uint8_t *at = block + 4 * i;
        schedule[i] = (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
    }
    for (size_t i = 16; i < ROUNDS; i++)
        schedule[i] = rotated(schedule[i - 3] ^ schedule[i - 8] ^ schedule[i - 14] ^ schedule[i - 16], 1);
}

/* The function and the constant of a round change every twenty rounds. */
static uint32_t mixed(unsigned round, uint32_t b, uint32_t c, uint32_t d)
{
    switch (round / 20) {
    case 0:
        return ((b & c) | (~b & d)) + 0x5A827999u;
    case 1:
        return (b ^ c ^ d) + 0x6ED9EBA1u;
    case 2:
        return ((b & c) | (b & d) | (c & d)) + 0x8F1BBCDCu;
    default:
        return (b ^ c ^ d) + 0xCA62C1D6u;
    }
}

static void absorb(uint32_t state[5], const uint8_t block[BLOCK_BYTES])
{
    uint32_t schedule[ROUNDS];
    expand(block, schedule);
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];
    for (unsigned round = 0; round < ROUNDS; round++) {
        const uint32_t next = rotated(a, 5) + mixed(round, b, c, d) + e + schedule[round];
        e = d;
        d = c;
        c = rotated(b, 30);
        b = a;
        a = next;
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
    state[4] += e;
}

/* The rest of the input, a one bit, zeros, and the length in bits in the last eight bytes. */
static void absorb_end(uint32_t state[5], struct rill_bytes rest, uint64_t input_bits)
{
    uint8_t last[2 * BLOCK_BYTES] = {0};
    if (rest.len)
        memcpy(last, rest.data, rest.len);
    last[rest.len] = 0x80;
    const size_t bytes = rest.len + 1 + LENGTH_BYTES <= BLOCK_BYTES ? BLOCK_BYTES : 2 * BLOCK_BYTES;
    put_be32(last + bytes - 8, (uint32_t)(input_bits >> 32));
    put_be32(last + bytes - 4, (uint32_t)input_bits);
    absorb(state, last);
    if (bytes > BLOCK_BYTES)
        absorb(state, last + BLOCK_BYTES);
}

void sha1(struct rill_bytes input, uint8_t ret_digest[SHA1_BYTES])
{
    uint32_t state[5] = {0x67452301u, 0xEFCDAB89u, 0x98BADCFEu, 0x10325476u, 0xC3D2E1F0u};
    const uint64_t bits = (uint64_t)input.len * 8;
    while (input.len >= BLOCK_BYTES) {
        absorb(state, input.data);
        input = rill_bytes_of(input.data + BLOCK_BYTES, input.len - BLOCK_BYTES);
    }
    absorb_end(state, input, bits);
    for (size_t i = 0; i < 5; i++)
        put_be32(ret_digest + 4 * i, state[i]);
}
