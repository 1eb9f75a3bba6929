// SPDX-License-Identifier: Apache-2.0
//
// What commands print. A result is JSON before anything else: --json prints it as it is, and for people the same JSON is
// shown through a table of fields, which says what of it, under which title and in what form. So the two never differ.
//
//     static const struct show_field columns[] = {
//         {"config.name", "Stream", SHOW_TEXT}, {"state.bytes", "Size", SHOW_BYTES}, {0},
//     };
#pragma once

#include "command.h"

#include <jansson.h>

enum show_kind {
    SHOW_TEXT,     // also of lists: joined by commas; of anything else: as JSON has it
    SHOW_COUNT,    // 12,345
    SHOW_BYTES,    // 1.5 MiB
    SHOW_LIMIT,    // a count; -1 and 0 are "unlimited"
    SHOW_CAP,      // bytes; -1 and 0 are "unlimited"
    SHOW_DURATION, // from ns
    SHOW_AGE,      // a duration; 0 is "unlimited"
    SHOW_TIME,     // from RFC 3339, in local time; the zero time is "never"
    SHOW_FLAG,     // yes, no
    SHOW_RATE,     // a broken number, a second
    SHOW_RATIO,    // a broken number
    SHOW_SECTION,  // of cards: a headline instead of a field
};

struct show_field {
    const char *path; // "state.messages": names joined by dots
    const char *title;
    enum show_kind kind;
};

/* The value at a path, borrowed; NULL when there is none. */
json_t *show_at(const json_t *object, const char *path);
/* Its text for people, on the heap. "" when there is none. */
char *show_text(const json_t *value, enum show_kind kind);

/* Each of these takes over the JSON and frees it. They print to standard output and give TOOL_DONE, or tell why not. */

/* Rows, a list of objects. `empty` is said to people when there are none. */
enum tool_exit show_table(const struct call *call, const char *title, const struct show_field *columns,
                          json_t *rows, const char *empty);
/* One object; fields that it has not are left out. */
enum tool_exit show_card(const struct call *call, const char *title, const struct show_field *fields,
                         json_t *object);
/* What --sort may say, and by which values: ends with a row without a word. Numbers go down, texts up. */
struct show_order {
    const char *word;
    const char *path;
};

/* Sorts rows by the order of that word; NULL is the first one. Takes the list over, gives a new one. */
json_t *show_sorted(json_t *rows, const struct show_order *orders, const char *word);
/* One text of each row, in lines of their own. */
enum tool_exit show_names(json_t *rows, const char *path);
/* One object as one line of JSON: for what comes one by one. */
void show_line(json_t *object);
/* What was done: for people the formatted line, with --json the object. */
enum tool_exit show_done(const struct call *call, json_t *object, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The JSON of a message of the data model; never NULL. */
json_t *show_model(const ProtobufCMessage *message);

/* Escapes that make text bold, faint or of a colour, and end that; "" where there are no colours. */
const char *show_bold(const struct call *call);
const char *show_faint(const struct call *call);
const char *show_plain(const struct call *call);
