// SPDX-License-Identifier: Apache-2.0
#include "command.h"

#include "base/words.h"

enum { HELP_INDENT = 32, HELP_WIDTH = 100 };

void help_print_usage(FILE *out, const struct command *command)
{
    (void)fprintf(out, "%s [options]", command->name);
    for (const struct parameter *row = command->arguments; row && row->name; row++)
        (void)fprintf(out, " %s<%s>%s%s", row->optional ? "[" : "", row->name, row->many ? "..." : "",
                      row->optional ? "]" : "");
}

static void print_left(FILE *out, const char *left, const char *help)
{
    if (strlen(left) + 2 >= HELP_INDENT)
        (void)fprintf(out, "  %s\n%*s", left, HELP_INDENT, "");
    else
        (void)fprintf(out, "  %-*s", HELP_INDENT - 2, left);
    rill_print_wrapped(out, help, HELP_INDENT, HELP_WIDTH);
}

void help_write_left(const struct parameter *row, bool is_option, char *ret, size_t ret_bytes)
{
    const char *word = row->metavar ? row->metavar : value_word(row->kind);
    char letter[8] = "";
    if (row->letter)
        (void)snprintf(letter, sizeof letter, "-%c, ", row->letter);
    if (!is_option)
        (void)snprintf(ret, ret_bytes, "<%s>", row->name);
    else if (row->kind == VALUE_SWITCH)
        (void)snprintf(ret, ret_bytes, "%s--%s[=no]", letter, row->name);
    else
        (void)snprintf(ret, ret_bytes, "%s--%s%s%s", letter, row->name, *word ? " " : "", word);
}

void help_write_right(const struct parameter *row, bool is_option, char *ret, size_t ret_bytes)
{
    const bool has_choices = row->kind == VALUE_CHOICE;
    (void)snprintf(ret, ret_bytes, "%s%s%s%s%s", row->help, has_choices ? " One of: " : "",
                   has_choices ? row->choices : "", has_choices ? "." : "",
                   row->many && is_option ? " May be given several times." : "");
}

static void print_parameter(FILE *out, const struct parameter *row, bool is_option)
{
    char left[96];
    char help[512];
    const int indent = is_option && !row->letter ? 4 : 0; // below the long forms of those with a letter
    (void)snprintf(left, sizeof left, "%*s", indent, "");
    help_write_left(row, is_option, left + indent, sizeof left - (size_t)indent);
    help_write_right(row, is_option, help, sizeof help);
    print_left(out, left, help);
}

static void print_rows(FILE *out, const char *title, const struct parameter *row, bool are_options)
{
    if (!row || !row->name)
        return;
    if (title)
        (void)fprintf(out, "\n%s\n", title);
    for (; row->name; row++)
        print_parameter(out, row, are_options);
}

/* Each line of the examples is "words # what for". */
static void print_examples(FILE *out, const char *examples)
{
    (void)fprintf(out, "\nExamples\n");
    while (*examples) {
        const size_t len = strcspn(examples, "\n");
        (void)fprintf(out, "  rill %.*s\n", (int)len, examples);
        examples += len + (examples[len] == '\n');
    }
}

void help_print_command(FILE *out, const struct command *command)
{
    (void)fprintf(out, "%s\n\nUsage: rill ", command->summary);
    help_print_usage(out, command);
    (void)fprintf(out, "\n");
    if (command->about) {
        (void)fprintf(out, "\n");
        rill_print_wrapped(out, command->about, 0, HELP_WIDTH);
    }
    print_rows(out, "Arguments", command->arguments, false);
    const char *title = "Options";
    for (size_t i = 0; i < OPTION_GROUPS_MAX && command->options[i]; i++, title = NULL)
        print_rows(out, title, command->options[i], true);
    print_rows(out, "Common options", tool_common_options, true);
    if (command->examples)
        print_examples(out, command->examples);
}

void help_print_prefix(FILE *out, const char *prefix)
{
    const struct family *family = family_find(prefix);
    if (family)
        (void)fprintf(out, "%s\n\n", family->summary);
    (void)fprintf(out, "Usage: rill %s <command> [options] ...\n\nCommands\n", prefix);
    for (size_t i = 0; tool_families[i]; i++) {
        for (const struct command *command = tool_families[i]->commands; command->name; command++) {
            if (command_is_below(command->name, prefix))
                print_left(out, command->name, command->summary);
        }
    }
    (void)fprintf(out, "\nrill %s <command> --help tells more of each.\n", prefix);
}

static void print_surroundings(FILE *out)
{
#define EXIT_LINE(name, number, when)    print_left(out, #number, when);
#define ENVIRONMENT_LINE(variable, what) print_left(out, variable, what);
    (void)fprintf(out, "\nEnvironment\n");
    TOOL_ENVIRONMENT_TABLE(ENVIRONMENT_LINE)
    (void)fprintf(out, "\nExit codes\n");
    TOOL_EXIT_TABLE(EXIT_LINE)
#undef ENVIRONMENT_LINE
#undef EXIT_LINE
}

void help_print_all(FILE *out)
{
    (void)fprintf(out, "rill, for those who operate Rill or another NATS server\n\n"
                       "Usage: rill <command> [options] ...\n\nCommands\n");
    prefix_each_word(out, "", print_left);
    print_rows(out, "Common options", tool_common_options, true);
    print_surroundings(out);
    (void)fprintf(out, "\nrill <command> --help tells more of each.\n");
}
