// SPDX-License-Identifier: Apache-2.0
#include "tree.h"

#include <stdarg.h>
#include <stdio.h>

const char *config_kind_text(enum config_kind kind)
{
    static const char *const texts[] = {
        [CONFIG_MAP] = "a block { }", [CONFIG_LIST] = "a list [ ]", [CONFIG_TEXT] = "a text",
        [CONFIG_BOOL] = "a boolean",  [CONFIG_INT] = "a number",    [CONFIG_FLOAT] = "a fractional number",
        [CONFIG_DATE] = "a date",
    };
    return texts[kind];
}

struct config_value *config_map_find(const struct config_value *map, struct rill_bytes key)
{
    for
        CONFIG_EACH(child, map)
        {
            if (rill_bytes_equal_cstr(key, child->key))
                return child;
        }
    return NULL;
}

void config_wrap_place(const struct config_value *value, struct rill_error_text *why)
{
    for (const struct config_value *at = value; at; at = at->parent) {
        if (at->key)
            rill_error_text_wrap(why, "%s", at->key);
    }
    rill_error_text_wrap(why, "%s:%u", value->file, (unsigned)value->line);
}

enum rill_err config_fail(const struct config_value *value, struct rill_error_text *why, enum rill_err err,
                          const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(why->text, sizeof why->text, format, args);
    va_end(args);
    config_wrap_place(value, why);
    return err;
}

enum rill_err config_fail_kind(const struct config_value *value, struct rill_error_text *why,
                               const char *expected)
{
    return config_fail(value, why, RILL_ERR_INVALID, "expected %s, got %s", expected,
                       config_kind_text(value->kind));
}
