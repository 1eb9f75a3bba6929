// SPDX-License-Identifier: Apache-2.0
//
// `rilld store ...`: looks at the folders in which a broker keeps its streams, without a broker. verify and dump write
// nothing; salvage writes to a new folder only; reindex makes a stream's index.db again. docs/OPERATIONS.md is the page for those who use it.
//
// The exit codes are for scripts:
//
//      0   sound: nothing is missing that was acknowledged, as far as the log can tell
//      1   damage was found, and is told; what is sound was shown, or copied
//      2   the command line makes no sense
//      3   it could not be done: no such stream, in use, no permission, disk full
#pragma once

#include <stdio.h>

enum { TOOL_SOUND = 0, TOOL_DAMAGE = 1, TOOL_USAGE = 2, TOOL_FAILED = 3 };

/* argv[0] is the word "store". Returns the exit code. */
int rill_store_tool_run(int argc, char *const argv[], FILE *out, FILE *err);
