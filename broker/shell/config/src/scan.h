// SPDX-License-Identifier: Apache-2.0
//
// A cursor over the text of one configuration file: blanks, words, quoted and block strings. It counts lines.
// The text has no NUL inside and must outlive the cursor.
#pragma once

#include "arena.h"

#include "base/err.h"

struct scan {
    const uint8_t *at;
    const uint8_t *end;
    uint32_t line; // from 1
};

/* The next character, 0 at the end. */
static inline int scan_peek(const struct scan *scan)
{
    return scan->at < scan->end ? *scan->at : 0;
}

static inline bool scan_at_end(const struct scan *scan)
{
    return scan->at == scan->end;
}

/* Skips spaces and tabs. */
void scan_skip_blanks(struct scan *scan);
/* Skips spaces, new lines and comments. */
void scan_skip_lines(struct scan *scan);
/* Stands at `#` or at `//`? */
bool scan_at_comment(const struct scan *scan);

/* A key without quotes: up to a blank, a new line, or one of : = { } , ; [ ]. May be empty. */
struct rill_bytes scan_bare_key(struct scan *scan);
/* A value without quotes: up to a blank, a new line, or one of , ; ] }. May be empty. */
struct rill_bytes scan_bare_value(struct scan *scan);

/* A string in single quotes (as it is), in double quotes (with escapes), or in a block: from `(` to a `)`
   that has a line for itself. The cursor stands at the opening character. INVALID with a reason. */
enum rill_err scan_quoted(struct scan *scan, struct config_arena *arena, const char **ret_text,
                          struct rill_error_text *why) RILL_MUST_CHECK;

/* Replaces \t \n \r \" \\ and \xHH in a word. INVALID: another escape, or one that means NUL. */
enum rill_err scan_unescape(struct rill_bytes word, struct config_arena *arena, const char **ret_text,
                            struct rill_error_text *why) RILL_MUST_CHECK;
