// SPDX-License-Identifier: Apache-2.0
#include "families.h"

const struct parameter option_force[] = {
    {"force", 'f', VALUE_FLAG, .help = "Do not ask."},
    {0},
};
const struct parameter option_names[] = {
    {"names", 'n', VALUE_FLAG, .help = "Print the names only, each in a line."},
    {0},
};
const struct parameter option_headers[] = {
    {"header", 'H', VALUE_PAIR, .help = "A header of the message.", .many = true},
    {0},
};
const struct parameter option_raw[] = {
    {"raw", 'r', VALUE_FLAG, .help = "Print the payloads only."},
    {0},
};
