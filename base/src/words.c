// SPDX-License-Identifier: Apache-2.0
#include "base/words.h"

bool rill_next_word(const char **list, struct rill_bytes *ret_word)
{
    *list += strspn(*list, " ");
    *ret_word = rill_bytes_of(*list, strcspn(*list, " "));
    *list += ret_word->len;
    return ret_word->len > 0;
}

void rill_print_wrapped(FILE *out, const char *text, size_t indent, size_t width)
{
    size_t column = indent;
    struct rill_bytes word;
    while (rill_next_word(&text, &word)) {
        if (column > indent && column + 1 + word.len > width) {
            (void)fprintf(out, "\n%*s", (int)indent, "");
            column = indent;
        }
        column += (size_t)fprintf(out, "%s", column > indent ? " " : "");
        for (size_t i = 0; i < word.len; i++) {
            if (word.data[i] != '`')
                column += fputc(word.data[i], out) != EOF;
        }
    }
    (void)fputc('\n', out);
}
