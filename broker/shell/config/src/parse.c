// SPDX-License-Identifier: Apache-2.0
//
// A recursive descent over `struct scan`. A parser is one file (or one environment variable) being read; parsers that wait
// for an include or a variable are its `outer` ones. A reason is put into words where it is found, with the place of the
// cursor; on the way up nothing is added, so that it is named once: "file:line: key: key: reason".
#include "parse.h"

#include "file.h"
#include "scalar.h"
#include "scan.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

enum {
    FILE_BYTES_MAX = 1 << 20,
    NESTING_MAX = 64,
    OUTER_MAX = 16,
    FILES_MAX = 256,
    KEYS_MAX = 4096,
};

struct parser {
    struct scan scan;
    const char *name;         // of the file, for messages
    const struct parser *outer; // who waits for this one
    unsigned outer_count;
    unsigned nesting;
    unsigned *files; // opened so far, all parsers together
    struct config_arena *arena;
    struct rill_error_text *why;
};

static enum rill_err parse_value(struct parser *parser, struct config_value *value);
static enum rill_err parse_nested(const struct parser *outer, const char *name, struct rill_bytes text,
                                  struct config_value *map);

/* A message about what stands at the cursor, inside `parent` (and under `key`, unless NULL). */
static enum rill_err fail_here(struct parser *parser, const struct config_value *parent, enum rill_err err,
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

static struct config_value *value_create(struct parser *parser, const struct config_value *parent, const char *key)
{
    struct config_value *value = config_arena_zero(parser->arena, 1, sizeof *value);
    *value = (struct config_value){.key = key, .file = parser->name, .line = parser->scan.line, .parent = parent};
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

/* Puts a child into a map; a child with the same key is replaced, in its place, and counts as used as that was. */
static void map_put(struct config_value *map, struct config_value *child)
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

/* --- variables --- */

static const struct config_value *variable_find(const struct config_value *from, struct rill_bytes name)
{
    for (const struct config_value *block = from; block; block = block->parent) {
        struct config_value *found = block->kind == CONFIG_MAP ? config_map_find(block, name) : NULL;
        if (found) {
            found->used = true;
            return found;
        }
    }
    return NULL;
}

static void value_copy(struct config_value *value, const struct config_value *from)
{
    const struct config_value keep = *value;
    *value = *from;
    value->key = keep.key;
    value->file = keep.file;
    value->line = keep.line;
    value->parent = keep.parent;
    value->next = NULL;
    value->used = false;
}

/* Reads the text of an environment variable as a value. */
static enum rill_err parse_environment(struct parser *parser, const char *name, const char *text,
                                       struct config_value *value)
{
    if (parser->outer_count == OUTER_MAX)
        return fail_here(parser, value, RILL_ERR_LIMIT, "$%s: variables refer to each other too deeply", name);
    struct parser inner = *parser;
    inner.scan = (struct scan){(const uint8_t *)text, (const uint8_t *)text + strlen(text), 1};
    inner.name = config_arena_format(parser->arena, "$%.100s", name);
    inner.outer = parser;
    inner.outer_count++;
    struct config_value *variable = value_create(&inner, NULL, NULL);
    scan_skip_lines(&inner.scan);
    if (scan_at_end(&inner.scan)) {
        *variable = (struct config_value){.kind = CONFIG_TEXT, .text = ""};
    } else {
        const enum rill_err err = parse_value(&inner, variable);
        if (err)
            return err;
        scan_skip_lines(&inner.scan);
    }
    if (!scan_at_end(&inner.scan))
        return fail_here(&inner, NULL, RILL_ERR_INVALID, "more than one value (quote texts that have blanks)");
    value_copy(value, variable);
    return RILL_OK;
}

static enum rill_err parse_variable(struct parser *parser, struct rill_bytes name, struct config_value *value)
{
    const struct config_value *found = variable_find(value->parent, name);
    if (found) {
        value_copy(value, found);
        return RILL_OK;
    }
    const char *name_text = config_arena_text(parser->arena, name);
    const char *text = *name_text ? getenv(name_text) : NULL;
    if (!text)
        return fail_here(parser, value, RILL_ERR_INVALID,
                         "variable $%.100s is not set above, nor in the environment", name_text);
    return parse_environment(parser, name_text, text, value);
}

/* --- scalars --- */

/* A bcrypt hash is not a variable, although it begins with a dollar. */
static bool is_bcrypt(struct rill_bytes word)
{
    return word.len > 4 && word.data[0] == '$' && word.data[1] == '2' && strchr("aby", word.data[2]) &&
           word.data[3] == '$';
}

static enum rill_err parse_text(struct parser *parser, struct rill_bytes word, struct config_value *value)
{
    struct rill_error_text reason;
    value->kind = CONFIG_TEXT;
    const enum rill_err err = scan_unescape(word, parser->arena, &value->text, &reason);
    return err ? fail_here(parser, value, err, "%s", reason.text) : RILL_OK;
}

static enum rill_err parse_word(struct parser *parser, struct rill_bytes word, struct config_value *value)
{
    if (!word.len)
        return fail_here(parser, value, RILL_ERR_INVALID, "a value is missing");
    if (word.data[0] == '$' && !is_bcrypt(word))
        return parse_variable(parser, rill_bytes_from(word, 1), value);
    const enum rill_err err = config_scalar_integer(word, &value->integer, &value->suffixed);
    if (err == RILL_ERR_LIMIT)
        return fail_here(parser, value, err, "the number " RILL_PRI " does not fit into 64 bits",
                         (int)(word.len > 40 ? 40 : word.len), (const char *)word.data);
    value->kind = CONFIG_INT;
    if (!err)
        return RILL_OK;
    value->kind = CONFIG_BOOL;
    if (config_scalar_bool(word, &value->boolean))
        return RILL_OK;
    value->kind = CONFIG_FLOAT;
    if (config_scalar_float(word, &value->number))
        return RILL_OK;
    const enum rill_err text_err = parse_text(parser, word, value);
    if (!text_err && config_scalar_is_date(word))
        value->kind = CONFIG_DATE;
    return text_err;
}

static enum rill_err parse_quoted(struct parser *parser, struct config_value *value)
{
    struct rill_error_text reason;
    value->kind = CONFIG_TEXT;
    const enum rill_err err = scan_quoted(&parser->scan, parser->arena, &value->text, &reason);
    return err ? fail_here(parser, value, err, "%s", reason.text) : RILL_OK;
}

/* --- lists and blocks --- */

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
        return fail_here(parser, list, RILL_ERR_INVALID, scan_at_end(scan) ? "the list has no ]"
                                                                         : "expected a comma, a new line or a ]");
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
            return fail_here(parser, list, RILL_ERR_INVALID, "the list has no ]");
        struct config_value *element = value_create(parser, list, NULL);
        enum rill_err err = parse_value(parser, element);
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
        return fail_here(parser, value, RILL_ERR_INVALID, "a value is missing");
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
        return fail_here(parser, map, RILL_ERR_INVALID,
                         "expected the end of the line, a comma or a semicolon, got '%c'", c);
    return RILL_OK;
}

static enum rill_err parse_include(struct parser *parser, struct config_value *map);

static enum rill_err parse_key(struct parser *parser, const struct config_value *map, const char **ret_key,
                               bool *ret_quoted)
{
    struct rill_error_text reason;
    const int c = scan_peek(&parser->scan);
    *ret_quoted = c == '"' || c == '\'';
    if (*ret_quoted) {
        const enum rill_err err = scan_quoted(&parser->scan, parser->arena, ret_key, &reason);
        return err ? fail_here(parser, map, err, "%s", reason.text) : RILL_OK;
    }
    const struct rill_bytes word = scan_bare_key(&parser->scan);
    if (!word.len)
        return fail_here(parser, map, RILL_ERR_INVALID, "expected a key, got '%c'", c);
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
        err = parse_include(parser, map);
    } else {
        struct config_value *value = value_create(parser, map, key);
        err = key_separator(parser, value);
        if (!err)
            err = parse_value(parser, value);
        if (!err)
            map_put(map, value);
    }
    if (err)
        return err;
    if (map->count > KEYS_MAX)
        return fail_here(parser, map, RILL_ERR_LIMIT, "more than %d keys in one block", KEYS_MAX);
    return value_terminator(parser, map);
}

/* Entries up to `closing`, or up to the end of the text when that is 0. */
static enum rill_err parse_entries(struct parser *parser, struct config_value *map, int closing)
{
    struct scan *scan = &parser->scan;
    for (;;) {
        scan_skip_lines(scan);
        if (scan_at_end(scan) && closing)
            return fail_here(parser, map, RILL_ERR_INVALID, "the { of line %u is not closed", (unsigned)map->line);
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

static enum rill_err parse_value(struct parser *parser, struct config_value *value)
{
    if (++parser->nesting > NESTING_MAX)
        return fail_here(parser, NULL, RILL_ERR_LIMIT, "blocks and lists are nested more than %d deep", NESTING_MAX);
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
        err = parse_quoted(parser, value);
        break;
    default:
        err = parse_word(parser, scan_bare_value(&parser->scan), value);
        break;
    }
    parser->nesting--;
    return err;
}

/* --- files --- */

static const char *path_beside(struct config_arena *arena, const char *file, const char *path)
{
    const char *slash = strrchr(file, '/');
    if (*path == '/' || !slash)
        return path;
    const size_t folder_len = (size_t)(slash - file) + 1;
    char *joined = config_arena_zero(arena, folder_len + strlen(path) + 1, 1);
    memcpy(joined, file, folder_len);
    memcpy(joined + folder_len, path, strlen(path));
    return joined;
}

static bool is_open(const struct parser *parser, const char *path)
{
    char *wanted = realpath(path, NULL);
    bool found = false;
    for (; wanted && parser && !found; parser = parser->outer) {
        char *open = realpath(parser->name, NULL);
        found = open && strcmp(open, wanted) == 0;
        free(open);
    }
    free(wanted);
    return found;
}

static enum rill_err include_file(struct parser *parser, struct config_value *map, const char *path)
{
    if (is_open(parser, path))
        return fail_here(parser, map, RILL_ERR_INVALID, "include %s: it includes itself", path);
    if (parser->outer_count == OUTER_MAX || ++*parser->files > FILES_MAX)
        return fail_here(parser, map, RILL_ERR_LIMIT, "include %s: too many includes", path);
    struct rill_bytes text;
    struct rill_error_text reason;
    const enum rill_err err = config_file_read(path, FILE_BYTES_MAX, parser->arena, &text, &reason);
    if (err)
        return fail_here(parser, map, err, "include %s", reason.text);
    struct config_value *included = value_create(parser, map->parent, map->key);
    const enum rill_err nested_err = parse_nested(parser, path, text, included);
    if (nested_err)
        return nested_err;
    for (struct config_value *child = included->first, *next; child; child = next) {
        next = child->next;
        child->next = NULL;
        map_put(map, child);
    }
    return RILL_OK;
}

static enum rill_err parse_include(struct parser *parser, struct config_value *map)
{
    struct config_value path = {.parent = map, .key = "include", .file = parser->name, .line = parser->scan.line};
    const int c = scan_peek(&parser->scan);
    if (c == '{' || c == '[' || c == '\n' || c == '\r' || scan_at_end(&parser->scan))
        return fail_here(parser, &path, RILL_ERR_INVALID, "expected the path of a file");
    const bool quoted = c == '"' || c == '\'' || c == '(';
    const enum rill_err err = quoted ? parse_quoted(parser, &path)
                                     : parse_text(parser, scan_bare_value(&parser->scan), &path);
    if (err)
        return err;
    return include_file(parser, map, path_beside(parser->arena, parser->name, path.text));
}

/* A file may be one JSON object as a whole. */
static enum rill_err parse_document(struct parser *parser, struct config_value *map)
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
        return fail_here(parser, map, RILL_ERR_INVALID, "more text behind the last }");
    return RILL_OK;
}

static enum rill_err parse_with(struct parser *parser, struct config_value *map)
{
    map->kind = CONFIG_MAP;
    map->file = parser->name;
    map->line = 1;
    const struct scan *scan = &parser->scan;
    if (scan->at != scan->end && memchr(scan->at, 0, (size_t)(scan->end - scan->at)))
        return fail_here(parser, map, RILL_ERR_INVALID, "a NUL byte: this is not a text file");
    if ((size_t)(scan->end - scan->at) > FILE_BYTES_MAX)
        return fail_here(parser, map, RILL_ERR_LIMIT, "larger than %d bytes", FILE_BYTES_MAX);
    return parse_document(parser, map);
}

/* Parses an included file. Its keys go to `map`, whose parent is only there for messages: the variables of the includer
   are not seen. */
static enum rill_err parse_nested(const struct parser *outer, const char *name, struct rill_bytes text,
                                  struct config_value *map)
{
    struct parser inner = *outer;
    inner.scan = (struct scan){text.data, text.data + text.len, 1};
    inner.name = config_arena_cstr(outer->arena, name);
    inner.outer = outer;
    inner.outer_count++;
    const struct config_value *parent = map->parent;
    map->parent = NULL;
    const enum rill_err err = parse_with(&inner, map);
    map->parent = parent;
    return err;
}

enum rill_err config_parse_text(struct rill_bytes text, const char *name, struct config_arena *arena,
                                struct config_value **ret_map, struct rill_error_text *why)
{
    unsigned files = 1;
    const uint8_t *data = text.len ? text.data : (const uint8_t *)"";
    struct parser parser = {
        .scan = {data, data + text.len, 1},
        .name = config_arena_cstr(arena, name),
        .files = &files,
        .arena = arena,
        .why = why,
    };
    struct config_value *map = value_create(&parser, NULL, NULL);
    const enum rill_err err = parse_with(&parser, map);
    if (!err)
        *ret_map = map;
    return err;
}

enum rill_err config_parse_file(const char *path, struct config_arena *arena, struct config_value **ret_map,
                                struct rill_error_text *why)
{
    struct rill_bytes text;
    const enum rill_err err = config_file_read(path, FILE_BYTES_MAX, arena, &text, why);
    return err ? err : config_parse_text(text, path, arena, ret_map, why);
}
