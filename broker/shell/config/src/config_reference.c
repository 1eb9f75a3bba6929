// SPDX-License-Identifier: Apache-2.0
//
// Writes docs/CONFIGURATION.md, to the file that is named or to standard output.
#include "config/options.h"

int main(int argc, char **argv)
{
    FILE *out = argc > 1 ? fopen(argv[1], "we") : stdout;
    if (!out) {
        perror(argv[1]);
        return 1;
    }
    rill_options_print_reference(out);
    return fclose(out) == 0 ? 0 : 1;
}
