// SPDX-License-Identifier: Apache-2.0
//
// From argv to a call: getopt_long with a table made of the command's rows.
#include "command.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "base/suggest.h"

#include <ctype.h>
#include <getopt.h>
#include <stdlib.h>
#include <unistd.h>

enum { OPTIONS_MAX = 96, LONG_ONLY = 256, PREFIX_BYTES = 128 };

/* What getopt is given, and the rows behind it. */
struct table {
    struct option rows[OPTIONS_MAX + 1];
    const struct parameter *of[OPTIONS_MAX];
    size_t count;
    char letters[2 * OPTIONS_MAX + 3];
};

static int argument_of(const struct parameter *row)
{
    if (row->kind == VALUE_SWITCH)
        return optional_argument;
    return row->kind == VALUE_FLAG ? no_argument : required_argument;
}

static void add_letter(struct table *table, const struct parameter *row)
{
    const size_t len = strlen(table->letters);
    table->letters[len] = row->letter;
    if (row->kind != VALUE_FLAG)
        table->letters[len + 1] = ':';
}

static void add_rows(struct table *table, const struct parameter *row)
{
    for (; row && row->name; row++) {
        RILL_ASSERT(table->count < OPTIONS_MAX);
        table->rows[table->count] =
            (struct option){row->name, argument_of(row), NULL, LONG_ONLY + (int)table->count};
        table->of[table->count++] = row;
        if (row->letter)
            add_letter(table, row);
    }
}

/* `mode` is getopt's: "+:" stops at the first word without a dash. Without a command there are the common options. */
static void table_init(struct table *table, const struct command *command, const char *mode)
{
    *table = (struct table){0};
    (void)snprintf(table->letters, sizeof table->letters, "%s", mode);
    add_rows(table, tool_common_options);
    for (size_t i = 0; command && i < OPTION_GROUPS_MAX; i++)
        add_rows(table, command->options[i]);
}

static const struct parameter *row_of(const struct table *table, int option)
{
    if (option >= LONG_ONLY)
        return table->of[option - LONG_ONLY];
    for (size_t i = 0; i < table->count; i++) {
        if (option && table->of[i]->letter == option)
            return table->of[i];
    }
    return NULL;
}

static void add_value(struct call *call, struct value value)
{
    call->values = rill_alloc_resize(call->values, call->values_count + 1, sizeof *call->values);
    call->values[call->values_count++] = value;
}

static bool take(struct call *call, const struct parameter *row, const char *text, const char *dashes)
{
    struct value value;
    if (!value_read(row, text ? text : "", &value)) {
        if (row->kind == VALUE_CHOICE)
            (void)call_usage(call, "%s%s cannot be '%s': use one of: %s", dashes, row->name, text,
                             row->choices);
        else
            (void)call_usage(call, "%s%s cannot be '%s': give %s", dashes, row->name, text,
                             value_how(row->kind));
        return false;
    }
    add_value(call, value);
    return true;
}

static bool tell_unknown(const struct call *call, const struct table *table, const char *word)
{
    const bool is_long = strncmp(word, "--", 2) == 0;
    struct rill_suggestion near =
        rill_suggestion_for(rill_bytes_of(word + 2, is_long ? strcspn(word + 2, "=") : 0));
    for (size_t i = 0; is_long && i < table->count; i++)
        rill_suggestion_consider(&near, rill_bytes_from_cstr(table->of[i]->name));
    if (near.nearest.len)
        (void)call_usage(call, "there is no option %s: did you mean --" RILL_PRI "?", word,
                         RILL_ARG(near.nearest));
    else
        (void)call_usage(call, "there is no option %s: see those there are", word);
    return false;
}

/* getopt has given '?' or ':'. */
static bool tell_bad_option(const struct call *call, const struct table *table, int found, char *const argv[])
{
    char letter[3] = {'-', (char)optopt, 0};
    const struct parameter *row = row_of(table, optopt);
    if (found == ':' && row)
        (void)call_usage(call, "--%s needs a value: give %s", row->name, value_how(row->kind));
    else if (row)
        (void)call_usage(call, "--%s takes no value: leave it out", row->name);
    else
        return tell_unknown(call, table,
                            optopt && isprint(optopt) && optopt < LONG_ONLY ? letter : argv[optind - 1]);
    return false;
}

/* Reads options up to the first word, or all of them; the other words are moved behind them, to argv[optind]. */
static bool read_options(struct call *call, int argc, char *argv[], const char *mode)
{
    struct table table;
    table_init(&table, call->command, mode);
    optind = 0; // begin anew, whatever was read before
    opterr = 0;
    for (;;) {
        const int found = getopt_long(argc, argv, table.letters, table.rows, NULL);
        if (found == -1)
            return true;
        if (found == '?' || found == ':')
            return tell_bad_option(call, &table, found, argv);
        if (!take(call, row_of(&table, found), optarg, "--"))
            return false;
    }
}

static bool read_arguments(struct call *call, int argc, char *argv[])
{
    const struct parameter *row = call->command->arguments;
    int at = optind;
    for (; row && row->name; row++) {
        if (at == argc && !row->optional) {
            (void)call_usage(call, "<%s> is missing: give %s", row->name, value_how(row->kind));
            return false;
        }
        do {
            if (at < argc && !take(call, row, argv[at++], ""))
                return false;
        } while (row->many && at < argc);
    }
    if (at == argc)
        return true;
    (void)call_usage(call, "'%s' is one argument too many: quote values that have blanks", argv[at]);
    return false;
}

static enum tool_exit tell_no_command(const struct call *call, const char *word)
{
    struct rill_suggestion near = rill_suggestion_for(rill_bytes_from_cstr(word));
    for (size_t i = 0; tool_families[i]; i++)
        rill_suggestion_consider(&near, rill_bytes_from_cstr(tool_families[i]->name));
    if (near.nearest.len)
        return call_usage(call, "there is no command %s: did you mean " RILL_PRI "?", word,
                          RILL_ARG(near.nearest));
    return call_usage(call, "there is no command %s: see those there are", word);
}

/* The words of a family that the command line begins with, as far as commands have them; false: none. */
static bool read_prefix(int argc, char *words[], char ret[PREFIX_BYTES], int *ret_taken)
{
    *ret_taken = 0;
    ret[0] = 0;
    for (int i = 0; i < argc; i++) {
        char longer[PREFIX_BYTES];
        bool found = false;
        (void)snprintf(longer, sizeof longer, "%s%s%.40s", ret, *ret ? " " : "", words[i]);
        for (size_t f = 0; tool_families[f]; f++) {
            for (const struct command *row = tool_families[f]->commands; row->name; row++)
                found |= command_is_below(row->name, longer);
        }
        if (!found)
            break;
        (void)snprintf(ret, PREFIX_BYTES, "%.60s", longer);
        *ret_taken = i + 1;
    }
    return *ret_taken > 0;
}

static void consider_word(struct rill_suggestion *near, const char *name, const char *prefix)
{
    const char *rest = name + strlen(prefix) + 1;
    if (command_is_below(name, prefix))
        rill_suggestion_consider(near, rill_bytes_of(rest, strcspn(rest, " ")));
}

/* Only a part of a command was named, or a command that there is not. */
static enum tool_exit tell_prefix(const struct call *call, const char *prefix, const char *next)
{
    if (!next || strcmp(next, "--help") == 0 || strcmp(next, "-h") == 0) {
        help_print_prefix(next ? stdout : stderr, prefix);
        return next ? TOOL_DONE : TOOL_USAGE;
    }
    struct rill_suggestion near = rill_suggestion_for(rill_bytes_from_cstr(next));
    for (size_t f = 0; tool_families[f]; f++) {
        for (const struct command *row = tool_families[f]->commands; row->name; row++)
            consider_word(&near, row->name, prefix);
    }
    if (near.nearest.len)
        return call_usage(call, "%s has no %s: did you mean %s " RILL_PRI "?", prefix, next, prefix,
                          RILL_ARG(near.nearest));
    return call_usage(call, "%s has no %s: see what it has with rill %s --help", prefix, next, prefix);
}

/* `words` are what stands behind the common options in front; without a command in them they are answered here. */
static bool choose_command(struct call *call, int argc, char *words[], int *ret_taken,
                           enum tool_exit *ret_exit)
{
    const bool help = argc > 0 && strcmp(words[0], "help") == 0;
    call->command = command_find(argc - help, words + help, ret_taken);
    char prefix[PREFIX_BYTES];
    int taken = 0;
    const bool part = read_prefix(argc - help, words + help, prefix, &taken);
    if (call->command && !help)
        return true;
    *ret_exit = TOOL_DONE;
    if (call->command)
        help_print_command(stdout, call->command);
    else if (part)
        *ret_exit = tell_prefix(call, prefix, help ? "--help" : taken < argc ? words[taken] : NULL);
    else if (argc > help)
        *ret_exit = tell_no_command(call, words[help]);
    else
        help_print_all(stdout);
    return false;
}

static bool wants_colour(const struct call *call)
{
    const char *choice = call_text(call, "color");
    const char *forbidden = getenv("NO_COLOR");
    const char *terminal = getenv("TERM");
    if (choice && strcmp(choice, "auto") != 0)
        return strcmp(choice, "always") == 0;
    return !(forbidden && *forbidden) && isatty(STDOUT_FILENO) && terminal && strcmp(terminal, "dumb") != 0;
}

static bool has_help(const struct call *call)
{
    for (size_t i = 0; i < call->values_count; i++) {
        if (strcmp(call->values[i].of->name, "help") == 0)
            return true;
    }
    return false;
}

bool args_read(int argc, char *argv[], struct call *call, enum tool_exit *ret_exit)
{
    int taken = 0;
    *ret_exit = TOOL_USAGE;
    if (!read_options(call, argc, argv, "+:"))
        return true;
    const int first = optind;
    if (has_help(call) && first == argc) {
        help_print_all(stdout);
        return (*ret_exit = TOOL_DONE, true);
    }
    if (!choose_command(call, argc - first, argv + first, &taken, ret_exit))
        return true;
    // The last of the command's words stands where getopt expects the program's name.
    const int skip = first + taken - 1;
    if (!read_options(call, argc - skip, argv + skip, ":"))
        return (*ret_exit = TOOL_USAGE, true);
    if (has_help(call)) {
        help_print_command(stdout, call->command);
        return (*ret_exit = TOOL_DONE, true);
    }
    call->json = call_has(call, "json");
    call->colour = wants_colour(call);
    *ret_exit = TOOL_USAGE;
    return !read_arguments(call, argc - skip, argv + skip);
}
