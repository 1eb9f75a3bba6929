// SPDX-License-Identifier: Apache-2.0
//
// SHA-1 (FIPS 180-4) of a short text. The WebSocket handshake asks for it; it protects nothing and is used
// for nothing else. Any thread.
#pragma once

#include "base/bytes.h"

enum { SHA1_BYTES = 20 };

void sha1(struct rill_bytes input, uint8_t ret_digest[SHA1_BYTES]);
