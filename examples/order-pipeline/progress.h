// SPDX-License-Identifier: Apache-2.0
//
// Counts the lines of a file that others append to, as they come. One thread.
#pragma once

#include <stddef.h>
#include <sys/types.h>

struct progress {
    const char *path;
    const char *mark; // only lines that contain this are counted
    off_t read_to_bytes;
    size_t lines;
};

/* Reads what was appended since the last time; the count of all marked lines so far. A missing file has none.
 */
size_t progress_lines(struct progress *progress);
