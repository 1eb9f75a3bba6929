// SPDX-License-Identifier: Apache-2.0
//
// The rows of config/option_table.h at run time: what the loaders, the help and the reload diff loop over.
#pragma once

#include "base/suggest.h"
#include "base/words.h"
#include "config/options.h"

enum option_type {
    OPTION_bool,
    OPTION_text,
    OPTION_texts,
    OPTION_count,
    OPTION_limit,
    OPTION_bytes,
    OPTION_duration,
    OPTION_sync,
    OPTION_port,
};

struct option_row {
    const char *name;
    enum option_type type;
    size_t offset;            // of the field in struct rill_options
    int64_t default_number;   // of all types but text and texts
    const char *default_text; // of text
    const char *unit;
    bool reloadable;
    const char *flags;
    const char *keys;
    const char *description;
};

/* A run of rows; the sections follow each other as their rows do. */
struct option_section {
    const char *title;
    const char *about;
    size_t count; // of rows
};

const struct option_row *option_rows(size_t *ret_count);
const struct option_section *option_sections(size_t *ret_count);

/* Rows by a key ("jetstream.store_dir", in any case) or a flag ("port"); NULL when there is none. */
const struct option_row *option_row_by_key(const char *key);
const struct option_row *option_row_by_flag(struct rill_bytes flag);

/* Which row of the table this is. */
size_t option_row_index(const struct option_row *row);

/* Considers every key, or every flag, of the table. */
void option_suggest(struct rill_suggestion *suggestion, bool flags);
/* The key that is shown to people: the first one, or the name of the field when it has none. */
struct rill_bytes option_row_key(const struct option_row *row);

static inline bool option_is_number(enum option_type type)
{
    return type != OPTION_bool && type != OPTION_text && type != OPTION_texts;
}

/* Typed access to the field of a row. */
bool *option_bool(struct rill_options *options, const struct option_row *row);
int64_t *option_number(struct rill_options *options, const struct option_row *row);
const char **option_text(struct rill_options *options, const struct option_row *row);
struct rill_option_texts *option_texts(struct rill_options *options, const struct option_row *row);

void options_set_defaults(struct rill_options *options);
/* A number that was set to 0 becomes its default, except in the JetStream section. */
void options_replace_zeros(struct rill_options *options);

enum { OPTION_SHOWN_MAX = 96 };
/* The value of a row as people write it: "64 MiB", "2m", "true", "-"; secrets as "***". */
void option_show(const struct rill_options *options, const struct option_row *row,
                 char shown[OPTION_SHOWN_MAX]);
