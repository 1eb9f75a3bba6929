// SPDX-License-Identifier: Apache-2.0
//
// What a bare word means: a boolean, a number with or without a suffix, a date, or just a text. Also
// durations in Go's notation. Pure functions on bytes.
#pragma once

#include "base/bytes.h"
#include "base/err.h"

/* true, on, yes, false, off, no, in any case. */
bool config_scalar_bool(struct rill_bytes word, bool *ret_boolean);

/* An integer with an optional minus and an optional suffix in any case: k m g t p e are powers of 1000; with
   b, i or ib behind them, powers of 1024. NOT_FOUND: it does not look like an integer; LIMIT: it does, but 64
   bits are too few. */
enum rill_err config_scalar_integer(struct rill_bytes word, int64_t *ret_integer,
                                    bool *ret_suffixed) RILL_MUST_CHECK;

/* Digits, one dot, digits, with an optional minus. */
bool config_scalar_float(struct rill_bytes word, double *ret_number);

/* Looks like 2026-01-31T12:00:00Z. */
bool config_scalar_is_date(struct rill_bytes word);

/* Numbers with units, as Go writes durations: "10s", "1h5m", "1.5s", "100ms", "-1s", "0". Units are ns, us,
   ms, s, m, h. INVALID, or LIMIT when it is longer than 64 bits of nanoseconds (292 years). */
enum rill_err config_scalar_duration(struct rill_bytes text, int64_t *ret_ns) RILL_MUST_CHECK;
