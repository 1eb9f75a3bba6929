// SPDX-License-Identifier: Apache-2.0
//
// What stands bare or in quotes: scalars and variables.
#include "parser.h"

#include "scalar.h"

#include <stdlib.h>

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
    if (parser->outer_count == PARSER_OUTER_MAX)
        return parser_fail(parser, value, RILL_ERR_LIMIT, "$%s: variables refer to each other too deeply",
                           name);
    struct parser inner = *parser;
    inner.scan = (struct scan){(const uint8_t *)text, (const uint8_t *)text + strlen(text), 1};
    inner.name = config_arena_format(parser->arena, "$%.100s", name);
    inner.outer = parser;
    inner.outer_count++;
    struct config_value *variable = parser_value_create(&inner, NULL, NULL);
    scan_skip_lines(&inner.scan);
    if (scan_at_end(&inner.scan)) {
        *variable = (struct config_value){.kind = CONFIG_TEXT, .text = ""};
    } else {
        const enum rill_err err = parser_value(&inner, variable);
        if (err)
            return err;
        scan_skip_lines(&inner.scan);
    }
    if (!scan_at_end(&inner.scan))
        return parser_fail(&inner, NULL, RILL_ERR_INVALID,
                           "more than one value (quote texts that have blanks)");
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
        return parser_fail(parser, value, RILL_ERR_INVALID,
                           "variable $%.100s is not set above, nor in the environment", name_text);
    return parse_environment(parser, name_text, text, value);
}

/* A bcrypt hash is not a variable, although it begins with a dollar. */
static bool is_bcrypt(struct rill_bytes word)
{
    return word.len > 4 && word.data[0] == '$' && word.data[1] == '2' && strchr("aby", word.data[2]) &&
           word.data[3] == '$';
}

enum rill_err parser_text(struct parser *parser, struct rill_bytes word, struct config_value *value)
{
    struct rill_error_text reason;
    value->kind = CONFIG_TEXT;
    const enum rill_err err = scan_unescape(word, parser->arena, &value->text, &reason);
    return err ? parser_fail(parser, value, err, "%s", reason.text) : RILL_OK;
}

enum rill_err parser_word(struct parser *parser, struct rill_bytes word, struct config_value *value)
{
    if (!word.len)
        return parser_fail(parser, value, RILL_ERR_INVALID, "a value is missing");
    if (word.data[0] == '$' && !is_bcrypt(word))
        return parse_variable(parser, rill_bytes_from(word, 1), value);
    const enum rill_err err = config_scalar_integer(word, &value->integer, &value->suffixed);
    if (err == RILL_ERR_LIMIT)
        return parser_fail(parser, value, err, "the number " RILL_PRI " does not fit into 64 bits",
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
    const enum rill_err text_err = parser_text(parser, word, value);
    if (!text_err && config_scalar_is_date(word))
        value->kind = CONFIG_DATE;
    return text_err;
}

enum rill_err parser_quoted(struct parser *parser, struct config_value *value)
{
    struct rill_error_text reason;
    value->kind = CONFIG_TEXT;
    const enum rill_err err = scan_quoted(&parser->scan, parser->arena, &value->text, &reason);
    return err ? parser_fail(parser, value, err, "%s", reason.text) : RILL_OK;
}
