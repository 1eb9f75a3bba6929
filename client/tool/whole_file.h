// SPDX-License-Identifier: Apache-2.0
//
// A file that is there whole or not at all: it is written under another name beside its place, and gets its own when it is
// finished. What is dropped before that leaves nothing behind, and what was there before stays.
#pragma once

#include "base/err.h"

#include <stdio.h>

enum { WHOLE_FILE_PATH_BYTES = 4096 };

struct whole_file {
    FILE *file; // to be written to; NULL when there is none
    char path[WHOLE_FILE_PATH_BYTES];
    char beside[WHOLE_FILE_PATH_BYTES];
};

/* Whoever may read it: as the umask has it, or only its owner. */
enum whole_file_readers { WHOLE_FILE_USUAL, WHOLE_FILE_PRIVATE };

/* The caller's, to be finished or dropped. On failure of any of these errno says why. LIMIT for a path that is too long. */
enum rill_err whole_file_create(struct whole_file *ret, const char *path,
                                enum whole_file_readers readers) RILL_MUST_CHECK;
/* Lets it reach the disk, and gives it its name; on failure it is dropped. */
enum rill_err whole_file_finish(struct whole_file *whole) RILL_MUST_CHECK;
/* Harmless after any of the others, and on zeroed memory. */
void whole_file_drop(struct whole_file *whole);
