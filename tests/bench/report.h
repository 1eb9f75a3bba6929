// SPDX-License-Identifier: Apache-2.0
//
// The results as a table for people and as JSON for programs.
#pragma once

#include "result.h"

#include <stdio.h>

struct report {
    const struct options *options;
    const struct server_program *programs; // SIDES of them
    const struct result *results;
    size_t results_count;
};

enum { REPORT_NUMBER_BYTES = 16 };

/* Three digits that count: "0.512", "7.35", "18.4 k", "12.1 M". */
void report_format_number(double number, char ret_text[REPORT_NUMBER_BYTES]);

void report_print_table(const struct report *report, FILE *file);
enum rill_err report_write_json(const struct report *report, FILE *file) RILL_MUST_CHECK;
