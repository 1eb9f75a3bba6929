// SPDX-License-Identifier: Apache-2.0
//
// The grammar: a recursive descent over `struct scan`, from documents to values.
#include "parser.h"

#include <stdarg.h>
#include <stdio.h>
#include <strings.h>

/* A message about what stands at the cursor, inside `parent` (and under `key`, unless NULL). */
enum rill_err parser_fail(struct parser *parser, const struct config_value *parent, enum rill_err err,
                          const char *format, ...)
{
    char message[192];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(message, sizeof message, format, args);
    va_end(args);
    const struct config_value here = {.file = parser->name, .line = parser->scan.line, .parent = parent};
    return config_fail(&here, parser->why, err, "%s", message);
}

struct config_value *parser_value_create(struct parser *parser, const struct config_value *parent,
                                         const char *key)
{
    struct config_value *value = config_arena_zero(parser->arena, 1, sizeof *value);
    *value =
        (struct config_value){.key = key, .file = parser->name, .line = parser->scan.line, .parent = parent};
    return value;
}

static void list_append(struct config_value *parent, struct config_value *child)
{
    if (parent->last)
        parent->last->next = child;
    else
        parent->first = child;
    parent->last = child;
    parent->count++;
}

/* Puts a child into a map; a child with the same key is replaced, in its place, and counts as used as that
 * was. */
void parser_map_put(struct config_value *map, struct config_value *child)
{
    struct config_value *old = config_map_find(map, rill_bytes_from_cstr(child->key));
    if (!old) {
        list_append(map, child);
        return;
    }
    struct config_value *next = old->next;
    *old = *child;
    old->next = next;
}

/* After an element: a comma or a new line, or the end of the list. */
static enum rill_err list_separator(struct parser *parser, const struct config_value *list)
{
    struct scan *scan = &parser->scan;
    const uint32_t line = scan->line;
    scan_skip_lines(scan);
    if (scan_peek(scan) == ',') {
        scan->at++;
        scan_skip_lines(scan);
    } else if (scan_peek(scan) != ']' && scan->line == line) {
        if (!scan_at_end(scan))
            return parser_fail(parser, list, RILL_ERR_INVALID, "expected a comma, a new line or a ]");
    }
    return RILL_OK;
}

static enum rill_err parse_list(struct parser *parser, struct config_value *list)
{
    list->kind = CONFIG_LIST;
    parser->scan.at++;
    scan_skip_lines(&parser->scan);
    while (scan_peek(&parser->scan) != ']') {
        if (scan_at_end(&parser->scan))
            return parser_fail(parser, list, RILL_ERR_INVALID, "the [ of line %u is not closed",
                               (unsigned)list->line);
        struct config_value *element = parser_value_create(parser, list, NULL);
        enum rill_err err = parser_value(parser, element);
        if (!err)
            err = list_separator(parser, list);
        if (err)
            return err;
        list_append(list, element);
    }
    parser->scan.at++;
    return RILL_OK;
}

/* After a key: an optional `:` or `=`, which the value must follow on the same line. */
static enum rill_err key_separator(struct parser *parser, const struct config_value *value)
{
    struct scan *scan = &parser->scan;
    scan_skip_blanks(scan);
    const int c = scan_peek(scan);
    if (c == ':' || c == '=') {
        scan->at++;
        scan_skip_blanks(scan);
    } else {
        scan_skip_lines(scan);
    }
    if (scan_at_end(scan) || scan_peek(scan) == '\n' || scan_peek(scan) == '\r')
        return parser_fail(parser, value, RILL_ERR_INVALID, "a value is missing");
    return RILL_OK;
}

/* After a value: the end of the line, a comma, a semicolon, or what closes the block. */
static enum rill_err value_terminator(struct parser *parser, const struct config_value *map)
{
    struct scan *scan = &parser->scan;
    scan_skip_blanks(scan);
    const int c = scan_peek(scan);
    if (c == ',' || c == ';')
        scan->at++;
    else if (!scan_at_end(scan) && c != '\n' && c != '\r' && c != '}' && !scan_at_comment(scan))
        return parser_fail(parser, map, RILL_ERR_INVALID,
                           "expected the end of the line, a comma or a semicolon, got '%c'", c);
    return RILL_OK;
}

static enum rill_err parse_key(struct parser *parser, const struct config_value *map, const char **ret_key,
                               bool *ret_quoted)
{
    struct rill_error_text reason;
    const int c = scan_peek(&parser->scan);
    *ret_quoted = c == '"' || c == '\'';
    if (*ret_quoted) {
        const enum rill_err err = scan_quoted(&parser->scan, parser->arena, ret_key, &reason);
        return err ? parser_fail(parser, map, err, "%s", reason.text) : RILL_OK;
    }
    const struct rill_bytes word = scan_bare_key(&parser->scan);
    if (!word.len)
        return parser_fail(parser, map, RILL_ERR_INVALID, "expected a key, got '%c'", c);
    *ret_key = config_arena_text(parser->arena, word);
    return RILL_OK;
}

static bool is_include(struct parser *parser, const char *key)
{
    scan_skip_blanks(&parser->scan);
    const int c = scan_peek(&parser->scan);
    return strcasecmp(key, "include") == 0 && c != ':' && c != '=';
}

/* One `key value`, or an include. */
static enum rill_err parse_entry(struct parser *parser, struct config_value *map)
{
    const char *key = NULL;
    bool quoted = false;
    enum rill_err err = parse_key(parser, map, &key, &quoted);
    if (err)
        return err;
    if (!quoted && is_include(parser, key)) {
        err = parser_include(parser, map);
    } else {
        struct config_value *value = parser_value_create(parser, map, key);
        err = key_separator(parser, value);
        if (!err)
            err = parser_value(parser, value);
        if (!err)
            parser_map_put(map, value);
    }
    if (err)
        return err;
    if (map->count > PARSER_KEYS_MAX)
        return parser_fail(parser, map, RILL_ERR_LIMIT, "more than %d keys in one block", PARSER_KEYS_MAX);
    return value_terminator(parser, map);
}

/* Entries up to `closing`, or up to the end of the text when that is 0. */
static enum rill_err parse_entries(struct parser *parser, struct config_value *map, int closing)
{
    struct scan *scan = &parser->scan;
    for (;;) {
        scan_skip_lines(scan);
        if (scan_at_end(scan) && closing)
            return parser_fail(parser, map, RILL_ERR_INVALID, "the { of line %u is not closed",
                               (unsigned)map->line);
        if (scan_at_end(scan))
            return RILL_OK;
        if (closing && scan_peek(scan) == closing) {
            scan->at++;
            return RILL_OK;
        }
        if (scan_peek(scan) == ';') {
            scan->at++;
            continue;
        }
        const enum rill_err err = parse_entry(parser, map);
        if (err)
            return err;
    }
}

static enum rill_err parse_map(struct parser *parser, struct config_value *map)
{
    map->kind = CONFIG_MAP;
    parser->scan.at++;
    return parse_entries(parser, map, '}');
}

enum rill_err parser_value(struct parser *parser, struct config_value *value)
{
    if (++parser->nesting > PARSER_NESTING_MAX)
        return parser_fail(parser, NULL, RILL_ERR_LIMIT, "blocks and lists are nested more than %d deep",
                           PARSER_NESTING_MAX);
    value->line = parser->scan.line;
    enum rill_err err;
    switch (scan_peek(&parser->scan)) {
    case '{':
        err = parse_map(parser, value);
        break;
    case '[':
        err = parse_list(parser, value);
        break;
    case '"':
    case '\'':
    case '(':
        err = parser_quoted(parser, value);
        break;
    default:
        err = parser_word(parser, scan_bare_value(&parser->scan), value);
        break;
    }
    parser->nesting--;
    return err;
}

/* A file may be one JSON object as a whole. */
enum rill_err parser_document(struct parser *parser, struct config_value *map)
{
    struct scan *scan = &parser->scan;
    scan_skip_lines(scan);
    if (scan_peek(scan) != '{')
        return parse_entries(parser, map, 0);
    const enum rill_err err = parse_map(parser, map);
    if (err)
        return err;
    scan_skip_lines(scan);
    if (!scan_at_end(scan))
        return parser_fail(parser, map, RILL_ERR_INVALID, "more text behind the last }");
    return RILL_OK;
}
