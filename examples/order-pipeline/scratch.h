// SPDX-License-Identifier: Apache-2.0
//
// A folder for the files of one run, which takes everything in it along when it goes.
#pragma once

#include <stdbool.h>

enum { SCRATCH_PATH_MAX = 256 };

/* Makes a new folder below $TMPDIR or /tmp. */
bool scratch_create(char ret_path[SCRATCH_PATH_MAX]);
void scratch_remove(const char *path);

/* Prints the end of every NAME.log in the folder to standard error. */
void scratch_print_logs(const char *path);
