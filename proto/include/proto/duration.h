// SPDX-License-Identifier: Apache-2.0
//
// Durations as text, in the form of Go's time.ParseDuration: "1h30m", "1.5s", "-2ms". Any thread.
#pragma once

#include "base/bytes.h"

/* Units: h, m, s, ms, us (also written with either micro sign), ns. "0" needs none. False when the text is
   not a duration or does not fit into int64 nanoseconds; then *ret is untouched. */
bool rill_duration_parse(struct rill_bytes text, int64_t *ret_ns);

enum { RILL_DURATION_BYTES_MAX = 32 };

/* "1h30m0s", "1.5s", "2ms", "0s", as Go's Duration.String() has them. Returns `text`. */
const char *rill_duration_write(int64_t duration_ns, char text[RILL_DURATION_BYTES_MAX]);
