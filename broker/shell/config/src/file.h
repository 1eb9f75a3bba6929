// SPDX-License-Identifier: Apache-2.0
//
// Reads a small file whole.
#pragma once

#include "arena.h"

#include "base/err.h"

/* At most `bytes_max` bytes; a folder is refused. `why` is "PATH: reason". */
enum rill_err config_file_read(const char *path, size_t bytes_max, struct config_arena *arena,
                               struct rill_bytes *ret_bytes, struct rill_error_text *why) RILL_MUST_CHECK;
