// SPDX-License-Identifier: Apache-2.0
//
// Lists of words with blanks between, as the tables of options have them, and text in lines of a width. Any thread.
#pragma once

#include "base/bytes.h"

#include <stdio.h>

/* Splits the first word off a list of words that are separated by blanks; false at the end. */
bool rill_next_word(const char **list, struct rill_bytes *ret_word);

/* Writes the words of the text, broken at blanks so that no line is longer than `width`, and a line break. The cursor
   stands at column `indent`, where each further line begins too. Backticks are left out. */
void rill_print_wrapped(FILE *out, const char *text, size_t indent, size_t width);
