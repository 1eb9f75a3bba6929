// SPDX-License-Identifier: Apache-2.0
//
// What the disk can do without a server or a store: writes to the end of ever new files of a segment's size, reserved in
// front, each write synced before the next. The limit that durable rows stand beside.
#pragma once

#include "base/err.h"

#include <stddef.h>

struct bare_append {
    const char *path;    // of the file; it is made, and removed at the end
    size_t bytes;        // of a write
    double seconds;      // for so long
    double *latencies_s; // of each write; NULL: not noted
    size_t latencies_max;
};

struct bare_appended {
    double per_s;           // writes
    size_t latencies_count; // noted
};

/* IO. */
enum rill_err bare_append(const struct bare_append *append, struct bare_appended *ret) RILL_MUST_CHECK;
