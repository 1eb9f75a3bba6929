// SPDX-License-Identifier: Apache-2.0
#include "show.h"

#include "base/alloc.h"
#include "base/assert.h"

#include <libsmartcols.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

json_t *show_at(const json_t *object, const char *path)
{
    char name[64];
    const json_t *found = object;
    while (found && path) {
        const char *dot = strchr(path, '.');
        const size_t len = dot ? (size_t)(dot - path) : strlen(path);
        RILL_ASSERT(len < sizeof name);
        memcpy(name, path, len);
        name[len] = 0;
        found = json_object_get(found, name);
        path = dot ? dot + 1 : NULL;
    }
    return (json_t *)found;
}

const char *show_bold(const struct call *call)
{
    return call->colour ? "\033[1m" : "";
}

const char *show_faint(const struct call *call)
{
    return call->colour ? "\033[2m" : "";
}

const char *show_plain(const struct call *call)
{
    return call->colour ? "\033[0m" : "";
}

static void dump(const json_t *json, size_t flags)
{
    (void)json_dumpf(json, stdout, flags | JSON_ENCODE_ANY);
    (void)putchar('\n');
}

static enum tool_exit dump_whole(json_t *json)
{
    dump(json, JSON_INDENT(2));
    json_decref(json);
    return TOOL_DONE;
}

void show_line(json_t *object)
{
    dump(object, JSON_COMPACT);
    json_decref(object);
}

// ---- tables ----

static bool is_number(enum show_kind kind)
{
    return kind != SHOW_TEXT && kind != SHOW_TIME && kind != SHOW_FLAG;
}

static void add_columns(const struct call *call, struct libscols_table *table,
                        const struct show_field *columns)
{
    for (; columns->title; columns++) {
        struct libscols_column *column =
            scols_table_new_column(table, columns->title, 0, is_number(columns->kind) ? SCOLS_FL_RIGHT : 0);
        RILL_ASSERT(column);
        if (call->colour)
            (void)scols_cell_set_color(scols_column_get_header(column), "bold");
    }
}

static void add_row(struct libscols_table *table, const struct show_field *columns, const json_t *row)
{
    struct libscols_line *line = scols_table_new_line(table, NULL);
    RILL_ASSERT(line);
    for (size_t i = 0; columns[i].title; i++) {
        char *text = show_text(show_at(row, columns[i].path), columns[i].kind);
        if (scols_line_refer_data(line, i, text) != 0)
            free(text);
    }
}

enum tool_exit show_table(const struct call *call, const char *title, const struct show_field *columns,
                          json_t *rows, const char *empty)
{
    if (call->json)
        return dump_whole(rows);
    if (json_array_size(rows) == 0) {
        (void)printf("%s\n", empty);
        json_decref(rows);
        return TOOL_DONE;
    }
    struct libscols_table *table = scols_new_table();
    RILL_ASSERT(table);
    (void)scols_table_enable_colors(table, call->colour);
    // Where there is no terminal a line is as long as it has to be.
    (void)scols_table_set_termforce(table,
                                    isatty(STDOUT_FILENO) ? SCOLS_TERMFORCE_AUTO : SCOLS_TERMFORCE_NEVER);
    add_columns(call, table, columns);
    size_t index;
    const json_t *row;
    json_array_foreach(rows, index, row) add_row(table, columns, row);
    if (title)
        (void)printf("%s%s%s\n\n", show_bold(call), title, show_plain(call));
    const int failed = scols_print_table(table);
    scols_unref_table(table);
    json_decref(rows);
    return failed ? call_fail(call, TOOL_FAILED, "the table could not be printed") : TOOL_DONE;
}

// ---- cards ----

static size_t titles_width(const struct show_field *fields, const json_t *object)
{
    size_t width = 0;
    for (; fields->title; fields++) {
        const size_t len = strlen(fields->title);
        if (fields->path && show_at(object, fields->path) && len > width)
            width = len;
    }
    return width;
}

static bool section_is_empty(const struct show_field *fields, const json_t *object)
{
    for (fields++; fields->title && fields->kind != SHOW_SECTION; fields++) {
        if (show_at(object, fields->path))
            return false;
    }
    return true;
}

static void print_field(const struct show_field *field, const json_t *value, size_t width)
{
    char *text = show_text(value, field->kind);
    if (*text)
        (void)printf("%*s%s: %s\n", (int)(width - strlen(field->title)) + 2, "", field->title, text);
    free(text);
}

enum tool_exit show_card(const struct call *call, const char *title, const struct show_field *fields,
                         json_t *object)
{
    if (call->json)
        return dump_whole(object);
    const size_t width = titles_width(fields, object);
    (void)printf("%s%s%s\n\n", show_bold(call), title, show_plain(call));
    for (; fields->title; fields++) {
        const json_t *value = fields->path ? show_at(object, fields->path) : NULL;
        if (fields->kind == SHOW_SECTION && !section_is_empty(fields, object))
            (void)printf("\n%s%s%s\n\n", show_bold(call), fields->title, show_plain(call));
        else if (value)
            print_field(fields, value, width);
    }
    json_decref(object);
    return TOOL_DONE;
}

// ---- sorting ----

static int compare(const void *left, const void *right, void *context)
{
    const json_t *a = show_at(*(json_t *const *)left, context);
    const json_t *b = show_at(*(json_t *const *)right, context);
    if (json_is_string(a) && json_is_string(b))
        return strcmp(json_string_value(a), json_string_value(b));
    const double x = json_number_value(a);
    const double y = json_number_value(b);
    return x < y ? 1 : x > y ? -1 : 0;
}

json_t *show_sorted(json_t *rows, const struct show_order *orders, const char *word)
{
    for (; word && orders[1].word && strcmp(orders->word, word) != 0;)
        orders++;
    const size_t count = json_array_size(rows);
    json_t **all = rill_alloc_zero(count + 1, sizeof(json_t *));
    for (size_t i = 0; i < count; i++)
        all[i] = json_array_get(rows, i);
    qsort_r(all, count, sizeof(json_t *), compare, (void *)orders->path);
    json_t *sorted = json_array();
    for (size_t i = 0; i < count; i++)
        (void)json_array_append(sorted, all[i]);
    free(all);
    json_decref(rows);
    return sorted;
}

// ---- the rest ----

enum tool_exit show_names(json_t *rows, const char *path)
{
    size_t index;
    const json_t *row;
    json_array_foreach(rows, index, row)(void) printf("%s\n", json_string_value(show_at(row, path)));
    json_decref(rows);
    return TOOL_DONE;
}

enum tool_exit show_done(const struct call *call, json_t *object, const char *format, ...)
{
    if (call->json)
        return dump_whole(object);
    va_list args;
    va_start(args, format);
    (void)vprintf(format, args);
    va_end(args);
    (void)putchar('\n');
    json_decref(object);
    return TOOL_DONE;
}
