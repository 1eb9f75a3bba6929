// SPDX-License-Identifier: Apache-2.0
//
// What the command line asks for.
#pragma once

#include "base/err.h"

#include <stdbool.h>

struct options {
    const char *rilld;       // a path or a name to be found in PATH
    const char *nats_server; // likewise
    const char *only;        // the name of one server; NULL for both
    const char *row;         // part of a row's name; NULL for all
    const char *json;        // a file, "-" for standard output; NULL for none
    double seconds;          // of one measurement
    unsigned rounds;
    unsigned subjects;    // that published messages have in turn
    unsigned connections; // idle ones
    unsigned consumers;   // idle ones
    unsigned pulled;      // messages that a pull consumer gets
    unsigned starts;      // of a server in one round
    bool list;
    bool help;
};

/* The fields point into argv. INVALID when something is not understood; it has been said on standard error
 * then. */
enum rill_err options_parse(struct options *options, int argc, char **argv) RILL_MUST_CHECK;
void options_print_help(void);
