// SPDX-License-Identifier: Apache-2.0
//
// A parsed configuration: maps, lists and scalars. Each value remembers its key, file and line, so that
// whoever finds fault with it can say where it stands. Values live in an arena and are not changed after
// parsing, except for `used`. A variable's value is a copy that shares the children of the original.
#pragma once

#include "base/bytes.h"
#include "base/err.h"

enum config_kind {
    CONFIG_MAP,
    CONFIG_LIST,
    CONFIG_TEXT,
    CONFIG_BOOL,
    CONFIG_INT,
    CONFIG_FLOAT,
    CONFIG_DATE, // kept as its text
};

struct config_value {
    const char *key;  // as written; NULL in a list and at the top
    const char *file; // for messages
    uint32_t line;    // from 1
    enum config_kind kind;
    bool suffixed; // an integer written with a suffix: "2m" is 2000000
    bool used;     // a variable refers to it: then its key need not be known
    union {
        const char *text; // TEXT, DATE
        bool boolean;
        int64_t integer;
        double number;
    };
    const struct config_value *parent; // for messages: the map or list it was written in; NULL at the top
    struct config_value *first;        // children of a map or list, in order
    struct config_value *last;
    struct config_value *next; // the next child of the parent
    size_t count;              // children
};

#define CONFIG_EACH(child, parent) (struct config_value *child = (parent)->first; child; child = child->next)

/* "a number", "a block { }": for messages. */
const char *config_kind_text(enum config_kind kind);

/* The child of a map with exactly this key; NULL when there is none. */
struct config_value *config_map_find(const struct config_value *map, struct rill_bytes key);

/* Puts "file:line: key: key: " of this value in front of what is there. */
void config_wrap_place(const struct config_value *value, struct rill_error_text *why);
/* Sets `why` to "file:line: key: key: message" for this value, and returns `err`. */
enum rill_err config_fail(const struct config_value *value, struct rill_error_text *why, enum rill_err err,
                          const char *format, ...) RILL_MUST_CHECK __attribute__((format(printf, 4, 5)));
/* INVALID "expected a ..., got a ...". */
enum rill_err config_fail_kind(const struct config_value *value, struct rill_error_text *why,
                               const char *expected) RILL_MUST_CHECK;
