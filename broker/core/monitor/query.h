// SPDX-License-Identifier: Apache-2.0
//
// The parameters of a monitoring request: "subs=detail&limit=10", percent-encoded. Pure functions on bytes.
#pragma once

#include "base/bytes.h"
#include "base/err.h"

enum { QUERY_VALUE_MAX = 512 };

/* The decoded value of the first parameter of this name, as a string. False when it is absent or does not
 * fit. */
bool query_text(struct rill_bytes query, const char *name, char ret_value[QUERY_VALUE_MAX]);

/* An absent parameter leaves *ret as it is. INVALID with NATS' words when it is no number. */
enum rill_err query_number(struct rill_bytes query, const char *name, uint64_t *ret,
                           struct rill_error_text *why) RILL_MUST_CHECK;
enum rill_err query_bool(struct rill_bytes query, const char *name, bool *ret,
                         struct rill_error_text *why) RILL_MUST_CHECK;
