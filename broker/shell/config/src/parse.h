// SPDX-License-Identifier: Apache-2.0
//
// The configuration language of NATS, from text to a tree. Includes are read relative to the file that
// includes them and their keys become keys of the block that they stand in; they do not see the variables of
// the includer. A variable is a key written earlier in the same block or in one around it, else an
// environment variable whose text is read as a value. Bounds: 1 MiB for a file, 64 blocks or lists deep, 16
// includes or variables deep, 256 files, 4096 keys in a block.
#pragma once

#include "arena.h"
#include "tree.h"

/* The result is a map and lives in the arena. INVALID, LIMIT, or what opening a file gave; `why` begins with
   "file:line: ". */
enum rill_err config_parse_file(const char *path, struct config_arena *arena, struct config_value **ret_map,
                                struct rill_error_text *why) RILL_MUST_CHECK;

/* As above, from memory; `name` stands for the file in messages, includes are relative to its folder. */
enum rill_err config_parse_text(struct rill_bytes text, const char *name, struct config_arena *arena,
                                struct config_value **ret_map, struct rill_error_text *why) RILL_MUST_CHECK;
