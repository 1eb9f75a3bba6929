// SPDX-License-Identifier: Apache-2.0
//
// Whole files and includes.
#include "parse.h"

#include "file.h"
#include "parser.h"

#include <stdlib.h>

static enum rill_err parse_nested(const struct parser *outer, const char *name, struct rill_bytes text,
                                  struct config_value *map);

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
        return parser_fail(parser, map, RILL_ERR_INVALID, "include %s: it includes itself", path);
    if (parser->outer_count == PARSER_OUTER_MAX || ++*parser->files > PARSER_FILES_MAX)
        return parser_fail(parser, map, RILL_ERR_LIMIT, "include %s: too many includes", path);
    struct rill_bytes text;
    struct rill_error_text reason;
    const enum rill_err err = config_file_read(path, PARSER_FILE_BYTES_MAX, parser->arena, &text, &reason);
    if (err)
        return parser_fail(parser, map, err, "include %s", reason.text);
    struct config_value *included = parser_value_create(parser, map->parent, map->key);
    const enum rill_err nested_err = parse_nested(parser, path, text, included);
    if (nested_err)
        return nested_err;
    for (struct config_value *child = included->first, *next; child; child = next) {
        next = child->next;
        child->next = NULL;
        parser_map_put(map, child);
    }
    return RILL_OK;
}

enum rill_err parser_include(struct parser *parser, struct config_value *map)
{
    struct config_value path = {
        .parent = map, .key = "include", .file = parser->name, .line = parser->scan.line};
    const int c = scan_peek(&parser->scan);
    if (c == '{' || c == '[' || c == '\n' || c == '\r' || scan_at_end(&parser->scan))
        return parser_fail(parser, &path, RILL_ERR_INVALID, "expected the path of a file");
    const bool quoted = c == '"' || c == '\'' || c == '(';
    const enum rill_err err =
        quoted ? parser_quoted(parser, &path) : parser_text(parser, scan_bare_value(&parser->scan), &path);
    if (err)
        return err;
    return include_file(parser, map, path_beside(parser->arena, parser->name, path.text));
}

static enum rill_err parse_with(struct parser *parser, struct config_value *map)
{
    map->kind = CONFIG_MAP;
    map->file = parser->name;
    map->line = 1;
    const struct scan *scan = &parser->scan;
    if (scan->at != scan->end && memchr(scan->at, 0, (size_t)(scan->end - scan->at)))
        return parser_fail(parser, map, RILL_ERR_INVALID, "a NUL byte: this is not a text file");
    if ((size_t)(scan->end - scan->at) > PARSER_FILE_BYTES_MAX)
        return parser_fail(parser, map, RILL_ERR_LIMIT, "larger than %d bytes", PARSER_FILE_BYTES_MAX);
    return parser_document(parser, map);
}

/* Parses an included file. Its keys go to `map`, whose parent is only there for messages: the variables of
   the includer are not seen. */
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
    struct config_value *map = parser_value_create(&parser, NULL, NULL);
    const enum rill_err err = parse_with(&parser, map);
    if (!err)
        *ret_map = map;
    return err;
}

enum rill_err config_parse_file(const char *path, struct config_arena *arena, struct config_value **ret_map,
                                struct rill_error_text *why)
{
    struct rill_bytes text;
    const enum rill_err err = config_file_read(path, PARSER_FILE_BYTES_MAX, arena, &text, why);
    return err ? err : config_parse_text(text, path, arena, ret_map, why);
}
