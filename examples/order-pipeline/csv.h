// SPDX-License-Identifier: Apache-2.0
//
// A reader for comma-separated values as RFC 4180 describes them: fields in quotes may hold commas, line
// breaks and doubled quotes; lines end in LF or CRLF; the last one may lack its end. It works in place on a
// text that the caller owns and keeps: fields point into that text, NUL-terminated, and live as long as it
// does. One thread.
#pragma once

#include <stddef.h>

enum csv_result {
    CSV_RECORD, // the fields of one record
    CSV_END,    // nothing is left
    CSV_BROKEN, // not CSV, or more fields than there is room for; `line` says where, and reading must stop
};

struct csv_reader {
    char *at;
    char *end;   // *end is a NUL
    size_t line; // of the record that was read last, from 1
    size_t next_line;
};

/* Starts at the beginning of `text`, which holds `len` bytes and a NUL behind them, and will be written to.
 */
void csv_reader_init(struct csv_reader *reader, char *text, size_t len);

/* Reads the next record into ret_fields, at most `fields_max` of them. Empty lines are passed over. */
enum csv_result csv_next(struct csv_reader *reader, char **ret_fields, size_t fields_max, size_t *ret_count);
