// SPDX-License-Identifier: Apache-2.0
//
// Stores whose writer was killed, as a process that dies leaves them, and the large one that the long rows share.
#pragma once

#include "writer.h"

enum { SMALL_MESSAGES = 100000 };

/* Runs in a process of its own, which is killed when it returns: nothing is closed. What it writes to *ret_number comes
   back. Ends the program when the process ends by itself. */
void killed_after(void (*live)(struct storage_bench *bench, const struct storage_row *row,
                               double *ret_number),
                  struct storage_bench *bench, const struct storage_row *row, double *ret_number);

/* Makes the large store when it is not there yet. `bench->messages` of a row's. */
void large_make(struct storage_bench *bench, const struct storage_row *row);
/* Removes it, if it was made. */
void large_remove(struct storage_bench *bench);
