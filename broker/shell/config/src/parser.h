// SPDX-License-Identifier: Apache-2.0
//
// Inside the reader of the configuration language: a parser is one file (or one environment variable) being
// read; the parsers that wait for an include or a variable are its outer ones. A reason is put into words
// where it is found, with the place of the cursor and the keys around it, and nothing is added on the way up.
#pragma once

#include "arena.h"
#include "scan.h"
#include "tree.h"

enum {
    PARSER_FILE_BYTES_MAX = 1 << 20,
    PARSER_NESTING_MAX = 64,
    PARSER_OUTER_MAX = 16,
    PARSER_FILES_MAX = 256,
    PARSER_KEYS_MAX = 4096,
};

struct parser {
    struct scan scan;
    const char *name;           // of the file, for messages
    const struct parser *outer; // who waits for this one
    unsigned outer_count;
    unsigned nesting;
    unsigned *files; // opened so far, all parsers together
    struct config_arena *arena;
    struct rill_error_text *why;
};

/* A message about what stands at the cursor, inside `parent`. */
enum rill_err parser_fail(struct parser *parser, const struct config_value *parent, enum rill_err err,
                          const char *format, ...) RILL_MUST_CHECK __attribute__((format(printf, 4, 5)));
struct config_value *parser_value_create(struct parser *parser, const struct config_value *parent,
                                         const char *key);
/* Puts a child into a map; one with the same key is replaced, in its place. */
void parser_map_put(struct config_value *map, struct config_value *child);

/* Read what stands at the cursor: any value, a word that was scanned already, a text without or with quotes.
 */
enum rill_err parser_value(struct parser *parser, struct config_value *value) RILL_MUST_CHECK;
enum rill_err parser_word(struct parser *parser, struct rill_bytes word,
                          struct config_value *value) RILL_MUST_CHECK;
enum rill_err parser_text(struct parser *parser, struct rill_bytes word,
                          struct config_value *value) RILL_MUST_CHECK;
enum rill_err parser_quoted(struct parser *parser, struct config_value *value) RILL_MUST_CHECK;

/* A file as a whole: entries, or one JSON object. */
enum rill_err parser_document(struct parser *parser, struct config_value *map) RILL_MUST_CHECK;
/* The path behind the word `include`, and what that file holds, into `map`. */
enum rill_err parser_include(struct parser *parser, struct config_value *map) RILL_MUST_CHECK;
