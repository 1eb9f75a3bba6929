// SPDX-License-Identifier: Apache-2.0
#include "table.h"

#include "base/assert.h"

#include <stddef.h>
#include <strings.h>

#define RELOAD           true
#define RESTART          false
#define NUMBER_OF(x)     .default_number = (x)
#define TEXT_OF(x)       .default_text = (x)
#define DEFAULT_bool     NUMBER_OF
#define DEFAULT_text     TEXT_OF
#define DEFAULT_texts    TEXT_OF
#define DEFAULT_count    NUMBER_OF
#define DEFAULT_limit    NUMBER_OF
#define DEFAULT_bytes    NUMBER_OF
#define DEFAULT_duration NUMBER_OF
#define DEFAULT_sync     NUMBER_OF
#define DEFAULT_port     NUMBER_OF

static const struct option_row rows[] = {
#define ROW(row_name, row_type, row_default, row_unit, row_reload, row_flags, row_keys, row_description)     \
    {.name = #row_name,                                                                                      \
     .type = OPTION_##row_type,                                                                              \
     .offset = offsetof(struct rill_options, row_name),                                                      \
     DEFAULT_##row_type(row_default),                                                                        \
     .unit = row_unit,                                                                                       \
     .reloadable = row_reload,                                                                               \
     .flags = row_flags,                                                                                     \
     .keys = row_keys,                                                                                       \
     .description = row_description},
    RILL_OPTION_TABLE(ROW)
#undef ROW
};

/* The number of rows of each section. */
enum {
#define PLUS_ONE(...)                   +1
#define SECTION_COUNT(id, title, about) COUNT_##id = 0 RILL_OPTIONS_##id(PLUS_ONE),
    RILL_OPTION_SECTIONS(SECTION_COUNT)
#undef SECTION_COUNT
};

static const struct option_row *row_of_flag_or_key(struct rill_bytes wanted, bool flags)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *list = flags ? rows[i].flags : rows[i].keys;
        struct rill_bytes word;
        while (rill_next_word(&list, &word)) {
            // Keys are compared in any case, flags exactly.
            if (word.len == wanted.len &&
                (flags ? memcmp(word.data, wanted.data, word.len)
                       : strncasecmp((const char *)word.data, (const char *)wanted.data, word.len)) == 0)
                return &rows[i];
        }
    }
    return NULL;
}

const struct option_row *option_rows(size_t *ret_count)
{
    *ret_count = sizeof rows / sizeof rows[0];
    return rows;
}

const struct option_section *option_sections(size_t *ret_count)
{
    static const struct option_section sections[] = {
#define SECTION(id, section_title, section_about)                                                            \
    {.title = section_title, .about = section_about, .count = COUNT_##id},
        RILL_OPTION_SECTIONS(SECTION)
#undef SECTION
    };
    *ret_count = sizeof sections / sizeof sections[0];
    return sections;
}

const struct option_row *option_row_by_key(const char *key)
{
    return row_of_flag_or_key(rill_bytes_from_cstr(key), false);
}

const struct option_row *option_row_by_flag(struct rill_bytes flag)
{
    return row_of_flag_or_key(flag, true);
}

size_t option_row_index(const struct option_row *row)
{
    RILL_ASSERT(row >= rows && row < rows + sizeof rows / sizeof rows[0]);
    return (size_t)(row - rows);
}

void option_suggest(struct rill_suggestion *suggestion, bool flags)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *words = flags ? rows[i].flags : rows[i].keys;
        struct rill_bytes word;
        while (rill_next_word(&words, &word))
            rill_suggestion_consider(suggestion, word);
    }
}

struct rill_bytes option_row_key(const struct option_row *row)
{
    const char *list = row->keys;
    struct rill_bytes key;
    return rill_next_word(&list, &key) ? key : rill_bytes_from_cstr(row->name);
}

static void *field_of(struct rill_options *options, const struct option_row *row, bool right_type)
{
    RILL_ASSERT(right_type);
    return (uint8_t *)options + row->offset;
}

bool *option_bool(struct rill_options *options, const struct option_row *row)
{
    return field_of(options, row, row->type == OPTION_bool);
}

int64_t *option_number(struct rill_options *options, const struct option_row *row)
{
    return field_of(options, row, option_is_number(row->type));
}

const char **option_text(struct rill_options *options, const struct option_row *row)
{
    return field_of(options, row, row->type == OPTION_text);
}

struct rill_option_texts *option_texts(struct rill_options *options, const struct option_row *row)
{
    return field_of(options, row, row->type == OPTION_texts);
}

void options_set_defaults(struct rill_options *options)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct option_row *row = &rows[i];
        if (option_is_number(row->type))
            *option_number(options, row) = row->default_number;
        else if (row->type == OPTION_bool)
            *option_bool(options, row) = row->default_number != 0;
        else if (row->type == OPTION_text)
            *option_text(options, row) = row->default_text;
        else
            *option_texts(options, row) = (struct rill_option_texts){0};
    }
}

void options_replace_zeros(struct rill_options *options)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct option_row *row = &rows[i];
        if (option_is_number(row->type) && strncmp(row->name, "jetstream_", 10) != 0 &&
            *option_number(options, row) == 0)
            *option_number(options, row) = row->default_number;
    }
}
