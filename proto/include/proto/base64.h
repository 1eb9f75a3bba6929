// SPDX-License-Identifier: Apache-2.0
//
// Base64 with the standard alphabet and padding (RFC 4648, section 4). Any thread.
#pragma once

#include "base/buf.h"

/* Appends the text form. LIMIT, NO_MEMORY; then nothing was appended. */
enum rill_err rill_base64_encode(struct rill_bytes bytes, struct rill_buf *buf) RILL_MUST_CHECK;

/* Appends the bytes. INVALID when the text has a foreign character, a wrong length or wrong padding; LIMIT,
   NO_MEMORY. On any error nothing was appended. */
enum rill_err rill_base64_decode(struct rill_bytes text, struct rill_buf *buf) RILL_MUST_CHECK;
