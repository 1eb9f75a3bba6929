// SPDX-License-Identifier: Apache-2.0
//
// What the machine can do without a store: the limits that rows are compared with.
#pragma once

#include "storage_row.h"

#include <stddef.h>

/* Bytes a second of writes of `bytes` to the end of ever new files of a segment's size, reserved in front and each
   write synced. With `latencies_s` the time of each is noted, *ret_count of them. */
double bare_append_rate(struct storage_bench *bench, size_t bytes, double seconds, double *latencies_s,
                        size_t latency_capacity, size_t *ret_count);
/* Rows a second that SQLite takes, with an index of a number and a text, in transactions of 10,000. */
double bare_insert_rate(struct storage_bench *bench);
/* Bytes a second of reading a file of that many bytes in blocks of 128 KiB, from the page cache. */
double bare_read_rate(struct storage_bench *bench, uint64_t bytes);
