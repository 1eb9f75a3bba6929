// SPDX-License-Identifier: Apache-2.0
//
// SHA-256 (FIPS 180-4), for the digests of objects. Not for secrets: nothing here runs in constant time. Any
// thread.
#pragma once

#include "base/bytes.h"

enum { SHA256_BYTES = 32, SHA256_BLOCK_BYTES = 64 };

struct sha256 {
    uint32_t state[8];
    uint64_t bytes; // taken so far
    uint8_t block[SHA256_BLOCK_BYTES];
};

void sha256_init(struct sha256 *sha);
void sha256_update(struct sha256 *sha, struct rill_bytes bytes);
/* The state is used up. */
void sha256_final(struct sha256 *sha, uint8_t ret_digest[SHA256_BYTES]);
