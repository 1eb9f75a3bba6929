// SPDX-License-Identifier: Apache-2.0
#include "scan.h"

#include "base/assert.h"

static void scan_step(struct scan *scan)
{
    RILL_ASSERT(scan->at < scan->end);
    scan->line += *scan->at == '\n';
    scan->at++;
}

void scan_skip_blanks(struct scan *scan)
{
    while (scan_peek(scan) == ' ' || scan_peek(scan) == '\t')
        scan_step(scan);
}

bool scan_at_comment(const struct scan *scan)
{
    return scan_peek(scan) == '#' ||
           (scan_peek(scan) == '/' && scan->end - scan->at > 1 && scan->at[1] == '/');
}

static bool is_space(int c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v' || c == '\f';
}

void scan_skip_lines(struct scan *scan)
{
    for (;;) {
        while (is_space(scan_peek(scan)))
            scan_step(scan);
        if (!scan_at_comment(scan))
            return;
        while (!scan_at_end(scan) && scan_peek(scan) != '\n')
            scan_step(scan);
    }
}

static struct rill_bytes scan_until(struct scan *scan, const char *stops)
{
    const uint8_t *start = scan->at;
    while (!scan_at_end(scan) && !is_space(*scan->at) && !strchr(stops, *scan->at))
        scan->at++;
    return rill_bytes_of(start, (size_t)(scan->at - start));
}

struct rill_bytes scan_bare_key(struct scan *scan)
{
    return scan_until(scan, ":={},;[]");
}

struct rill_bytes scan_bare_value(struct scan *scan)
{
    return scan_until(scan, ",;]}");
}

/* Everything up to the closing quote, which a backslash protects when `escapes`. */
static enum rill_err scan_to_quote(struct scan *scan, int quote, bool escapes, struct rill_bytes *ret_inside,
                                   struct rill_error_text *why)
{
    const uint32_t line = scan->line;
    scan_step(scan);
    const uint8_t *start = scan->at;
    while (!scan_at_end(scan) && scan_peek(scan) != quote) {
        if (escapes && scan_peek(scan) == '\\' && scan->end - scan->at > 1)
            scan_step(scan);
        scan_step(scan);
    }
    if (scan_at_end(scan)) {
        rill_error_text_set(why, "the %c of line %u is not closed", quote, (unsigned)line);
        return RILL_ERR_INVALID;
    }
    *ret_inside = rill_bytes_of(start, (size_t)(scan->at - start));
    scan_step(scan);
    return RILL_OK;
}

/* Stands the cursor at a `)` that has a line for itself? */
static bool at_block_end(const struct scan *scan)
{
    const uint8_t *after = scan->at + 1;
    if (scan_peek(scan) != ')' || scan->at[-1] != '\n')
        return false;
    if (after < scan->end && *after == '\r')
        after++;
    return after == scan->end || *after == '\n';
}

static enum rill_err scan_block(struct scan *scan, struct rill_bytes *ret_inside, struct rill_error_text *why)
{
    const uint32_t line = scan->line;
    scan_step(scan);
    const uint8_t *start = scan->at;
    while (!scan_at_end(scan) && !at_block_end(scan))
        scan_step(scan);
    if (scan_at_end(scan)) {
        rill_error_text_set(why, "the ( of line %u needs a ) on a line of its own", (unsigned)line);
        return RILL_ERR_INVALID;
    }
    *ret_inside = rill_bytes_of(start, (size_t)(scan->at - start));
    scan_step(scan);
    return RILL_OK;
}

enum rill_err scan_quoted(struct scan *scan, struct config_arena *arena, const char **ret_text,
                          struct rill_error_text *why)
{
    const int opening = scan_peek(scan);
    RILL_ASSERT(opening == '"' || opening == '\'' || opening == '(');
    struct rill_bytes inside;
    const enum rill_err err = opening == '(' ? scan_block(scan, &inside, why)
                                             : scan_to_quote(scan, opening, opening == '"', &inside, why);
    if (err)
        return err;
    if (opening == '"')
        return scan_unescape(inside, arena, ret_text, why);
    *ret_text = config_arena_text(arena, inside);
    return RILL_OK;
}

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    const uint8_t lower = c | 0x20;
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* What the escape at the front of `rest` (behind the backslash) means, and its length; 0 when it is not one.
 */
static char escape_meaning(struct rill_bytes rest, size_t *ret_len)
{
    static const char letters[] = "tnr\"\\";
    static const char meanings[] = "\t\n\r\"\\";
    *ret_len = 1;
    const char *letter = rest.len && rest.data[0] ? strchr(letters, rest.data[0]) : NULL;
    if (letter)
        return meanings[letter - letters];
    if (rest.len < 3 || rest.data[0] != 'x')
        return 0;
    const int high = hex_digit(rest.data[1]);
    const int low = hex_digit(rest.data[2]);
    *ret_len = 3;
    return high < 0 || low < 0 ? 0 : (char)(high * 16 + low);
}

enum rill_err scan_unescape(struct rill_bytes word, struct config_arena *arena, const char **ret_text,
                            struct rill_error_text *why)
{
    char *text = config_arena_text(arena, word);
    char *out = text;
    for (size_t i = 0; i < word.len; i++) {
        *out = (char)word.data[i];
        if (word.data[i] == '\\') {
            size_t len = 0;
            *out = escape_meaning(rill_bytes_from(word, i + 1), &len);
            if (!*out) {
                rill_error_text_set(
                    why, "bad escape: only \\t \\n \\r \\\" \\\\ and \\xHH may follow a backslash");
                return RILL_ERR_INVALID;
            }
            i += len;
        }
        out++;
    }
    *out = '\0';
    *ret_text = text;
    return RILL_OK;
}
