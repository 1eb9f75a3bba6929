// SPDX-License-Identifier: Apache-2.0
//
// The commands of `rill` as data. A command is a row with its words, its arguments, its options, what it does and
// examples; reading the command line (args.c), --help (help.c), the completions of shells (complete.c) and the manual
// (manual.c) all come from these rows, so nothing is said twice. Each family of commands has a file of its own with a
// table at its end; families.c lists the families.
//
//     static const struct parameter rtt_options[] = {
//         {"count", 'n', VALUE_COUNT, .metavar = "N", .help = "Measure so many times."},
//         {0},
//     };
//
// What somebody typed becomes a struct call, which has the values by the names of their parameters. To ask a call for a
// name that its command has not is a programmer's mistake.
#pragma once

#include "base/bytes.h"
#include "base/err.h"
#include "rill.h"

#include <stdio.h>

/* How rill ends, for scripts; name, number, when. */
#define TOOL_EXIT_TABLE(X)                                                                                   \
    X(DONE, 0, "It was done.")                                                                               \
    X(FAILED, 1, "The server refused it, or it went wrong on the way.")                                      \
    X(USAGE, 2, "The command line makes no sense; one line says why. Nothing was done.")                     \
    X(NO_SERVER, 3, "No server could be reached, or it did not let us in.")                                  \
    X(TIMEOUT, 4, "There was no answer in time.")                                                            \
    X(NOTHING, 5, "What was asked for is not there: no such stream, key or message, nobody who answers.")

enum tool_exit {
#define TOOL_EXIT_ENUM(name, number, when) TOOL_##name = (number),
    TOOL_EXIT_TABLE(TOOL_EXIT_ENUM)
#undef TOOL_EXIT_ENUM
};

/* Variables of the environment. */
#define TOOL_ENVIRONMENT_TABLE(X)                                                                            \
    X("RILL_URL", "The server, where neither --server nor --context names one.")                             \
    X("NATS_URL", "The same, where RILL_URL is not set.")                                                    \
    X("RILL_USER, RILL_PASSWORD, RILL_TOKEN", "Who we are, where no option and no context says it.")         \
    X("RILL_DOMAIN", "The domain of the server's streams.")                                                  \
    X("RILL_MONITOR_URL", "Where the server's monitoring pages are.")                                        \
    X("XDG_CONFIG_HOME", "The folder with our folder `rill` for contexts; without it ~/.config.")            \
    X("NO_COLOR", "No colours, if it is set to anything.")

/* name, the usual word for it in help, how to write one. */
#define VALUE_TABLE(X)                                                                                       \
    X(FLAG, "", "no value")                                                                                  \
    X(SWITCH, "", "yes or no: --name is yes, --name=no is no")                                               \
    X(TEXT, "TEXT", "a text")                                                                                \
    X(COUNT, "N", "a whole number such as 10")                                                               \
    X(LIMIT, "N", "a whole number such as 10, or -1 for no limit")                                           \
    X(BYTES, "SIZE", "a size such as 512, 64K, 10M or 2G, or -1 for no limit")                               \
    X(DURATION, "DURATION", "a duration such as 500ms, 30s, 5m, 2h or 7d")                                   \
    X(TIME, "TIME", "a time such as 2026-01-31T12:00:00Z, or a duration such as 2h")                         \
    X(CHOICE, "WORD", "one of the words in --help")                                                          \
    X(PAIR, "NAME:VALUE", "a name, a colon and a value, such as Trace:on")                                   \
    X(SUBJECT, "SUBJECT", "a subject such as orders.new, or a pattern such as orders.>")                     \
    X(NAME, "NAME", "a name without dots, blanks, slashes and wildcards")                                    \
    X(STREAM, "STREAM", "the name of a stream, without dots, blanks and wildcards")                          \
    X(CONSUMER, "CONSUMER", "the name of a consumer, without dots, blanks and wildcards")                    \
    X(KV_BUCKET, "BUCKET", "the name of a bucket: letters, digits, - and _")                                 \
    X(OBJECT_BUCKET, "BUCKET", "the name of a bucket: letters, digits, - and _")                             \
    X(CONTEXT, "CONTEXT", "the name of a context: letters, digits, - and _")                                 \
    X(FILE, "FILE", "the path of a file")

enum value_kind {
#define VALUE_ENUM(name, word, how) VALUE_##name,
    VALUE_TABLE(VALUE_ENUM)
#undef VALUE_ENUM
};

/* An option, or an argument without a dash in front. Tables of them end with a row without a name. */
struct parameter {
    const char *name; // "max-age"; of an argument the word that stands for it in help
    char letter;      // 0: only the long form
    enum value_kind kind;
    const char *metavar; // what help calls the value; NULL: the usual word
    const char *choices; // of VALUE_CHOICE, with blanks between
    const char *help;
    const char *json; // where it goes in a configuration, for config_apply(): names joined by dots
    bool many;        // may be given several times; of arguments: the last one takes all that follow
    bool optional;    // of arguments
};

struct call;

enum { OPTION_GROUPS_MAX = 4 };

struct command {
    const char *name;    // "stream add"
    const char *summary; // one line
    const char *about;   // more of it, or NULL
    const struct parameter *arguments;
    const struct parameter *options[OPTION_GROUPS_MAX]; // besides the common ones; groups that commands share
    const char *examples; // lines "words without rill # what that does", or NULL
    enum tool_exit (*run)(struct call *call);
};

struct family {
    const char *name;               // "stream"; of a command of one word that word
    const char *summary;            // of families with several commands
    const struct command *commands; // ends with a row without a name
};

/* All families; ends with NULL. */
extern const struct family *const tool_families[];
/* Every command takes these. */
extern const struct parameter tool_common_options[];

/* The text of a kind. */
const char *value_word(enum value_kind kind);
const char *value_how(enum value_kind kind);

// ---- a call ----

struct value {
    const struct parameter *of;
    const char *text;
    int64_t number; // of COUNT, LIMIT, BYTES; ns of DURATION and TIME
};

/* One thread: main's. The texts belong to argv. */
struct call {
    const struct command *command;
    struct value *values; // heap; in the order in which they were given
    size_t values_count;
    bool json;   // results as JSON
    bool colour; // on standard output
};

/* The last value of that name; NULL when it was not given. */
const struct value *call_value(const struct call *call, const char *name);
bool call_has(const struct call *call, const char *name);
/* NULL when it was not given. */
const char *call_text(const struct call *call, const char *name);
int64_t call_number(const struct call *call, const char *name, int64_t otherwise);
/* Of a duration; rounded up. */
int64_t call_ms(const struct call *call, const char *name, int64_t otherwise_ms);
/* All values of that name, in their order: begin with *at = 0; NULL at the end. */
const char *call_next_text(const struct call *call, const char *name, size_t *at);
size_t call_count(const struct call *call, const char *name);

/* Both print one line to standard error and give the exit code: "rill stream info: no stream ORDERS". */
enum tool_exit call_fail(const struct call *call, enum tool_exit code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* For arguments that do not go together; adds where to read more. */
enum tool_exit call_usage(const struct call *call, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* What librill said. `error` may be NULL when there are no words of the server's. */
enum tool_exit call_error(const struct call *call, enum rill_err err, const struct rill_error *error,
                          const char *what);

// ---- from the command line ----

/* Reads one value; false: it is none of that kind. */
bool value_read(const struct parameter *of, const char *text, struct value *ret);

/* The command that the words begin with; *ret_words is how many of them it took. NULL: none. */
const struct command *command_find(int argc, char *const argv[], int *ret_words);
/* The family that a single word names, one with several commands; NULL: none. */
const struct family *family_find(const char *word);

/* Is `name` one of the prefix' commands: does it begin with its words, and go on? */
bool command_is_below(const char *name, const char *prefix);
/* Visits every prefix that commands have once: "" first, then "stream", "server", "server check". */
typedef void prefix_visitor(FILE *out, const char *prefix);
void prefix_each(FILE *out, prefix_visitor *visit);
/* Visits the words behind a prefix, each once, with what they are for; "" for one that goes on without a summary. */
typedef void word_visitor(FILE *out, const char *word, const char *summary);
void prefix_each_word(FILE *out, const char *prefix, word_visitor *visit);

/* Fills the call with what stands behind the words of the command, and with the common options before it. When it
   gives true, *ret_exit is how the program ends: help was shown, or a mistake was told. */
bool args_read(int argc, char *argv[], struct call *call, enum tool_exit *ret_exit);
void call_fini(struct call *call);

// ---- what is made of the rows ----

void help_print_command(FILE *out, const struct command *command);
/* The commands that begin with these words: "stream", "server check". */
void help_print_prefix(FILE *out, const char *prefix);
void help_print_all(FILE *out);
/* "stream add [options] <stream> [<subject>...]" */
void help_print_usage(FILE *out, const struct command *command);
/* "-n, --count N"; "<stream>" */
void help_write_left(const struct parameter *row, bool is_option, char *ret, size_t ret_bytes);
/* What help says, with the choices. */
void help_write_right(const struct parameter *row, bool is_option, char *ret, size_t ret_bytes);
void complete_print_bash(FILE *out);
void complete_print_zsh(FILE *out);
void manual_print(FILE *out);
