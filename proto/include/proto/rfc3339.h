// SPDX-License-Identifier: Apache-2.0
//
// Times as text, in the form that Go calls RFC3339Nano: "2026-01-02T03:04:05.1Z", trailing zeros of the
// fraction trimmed. In memory a time is nanoseconds since 1970-01-01 UTC, which reaches from 1677 to 2262.
// Any thread.
#pragma once

#include "base/bytes.h"

/* The time that stands for "no time", written 0001-01-01T00:00:00Z. */
#define RILL_TIME_ZERO_NS INT64_MIN

enum { RILL_RFC3339_BYTES_MAX = 30 }; // "2026-01-02T03:04:05.123456789Z"

/* Writes the time in UTC without a NUL; returns the number of bytes. */
size_t rill_rfc3339_format(int64_t unix_ns, char ret_text[RILL_RFC3339_BYTES_MAX]);

/* Parses a time with any offset and up to nine digits of fraction (more are cut). False when the text is not
   RFC 3339, the date does not exist, or the time is outside the range; then *ret is untouched. */
bool rill_rfc3339_parse(struct rill_bytes text, int64_t *ret_unix_ns);
