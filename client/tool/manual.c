// SPDX-License-Identifier: Apache-2.0
//
// rill.1, made of the rows.
#include "command.h"

/* Text of roff: dashes stay dashes, a backslash is one, and no line begins a request. Backticks are left out. */
static void print_text(FILE *out, const char *text)
{
    if (*text == '.' || *text == '\'')
        (void)fputs("\\&", out);
    for (; *text; text++) {
        if (*text == '\\')
            (void)fputs("\\e", out);
        else if (*text == '-')
            (void)fputs("\\-", out);
        else if (*text == '\'')
            (void)fputs("\\(aq", out);
        else if (*text != '`')
            (void)fputc(*text, out);
    }
}

static void print_entry(FILE *out, const char *left, const char *right)
{
    (void)fputs(".TP\n.B ", out);
    print_text(out, left);
    (void)fputs("\n", out);
    print_text(out, right);
    (void)fputs("\n", out);
}

static void print_rows(FILE *out, const struct parameter *row, bool are_options)
{
    char left[96];
    char right[512];
    for (; row && row->name; row++) {
        help_write_left(row, are_options, left, sizeof left);
        help_write_right(row, are_options, right, sizeof right);
        print_entry(out, left, right);
    }
}

static void print_examples(FILE *out, const char *examples)
{
    if (!examples)
        return;
    (void)fputs(".PP\nExamples:\n.PP\n.nf\n", out);
    while (*examples) {
        char line[256];
        const size_t len = strcspn(examples, "\n");
        (void)snprintf(line, sizeof line, "rill %.*s", (int)len, examples);
        (void)fputs(".RS\n", out);
        print_text(out, line);
        (void)fputs("\n.RE\n", out);
        examples += len + (examples[len] == '\n');
    }
    (void)fputs(".fi\n", out);
}

static void print_command(FILE *out, const struct command *command)
{
    (void)fputs(".SS rill ", out);
    help_print_usage(out, command);
    (void)fputs("\n", out);
    print_text(out, command->summary);
    (void)fputs(".\n", out);
    if (command->about) {
        (void)fputs(".PP\n", out);
        print_text(out, command->about);
        (void)fputs("\n", out);
    }
    print_rows(out, command->arguments, false);
    for (size_t i = 0; i < OPTION_GROUPS_MAX; i++)
        print_rows(out, command->options[i], true);
    print_examples(out, command->examples);
}

static const char *const head = ".\\\" SPDX-License-Identifier: Apache-2.0\n"
                                ".\\\" Made by `rill manual`.\n"
                                ".TH RILL 1 \"\" \"Rill\" \"User commands\"\n"
                                ".SH NAME\nrill \\- operate Rill or another NATS server\n"
                                ".SH SYNOPSIS\n.B rill\n.I command\n.RI [ options ]\n.RI [ arguments ]\n"
                                ".SH DESCRIPTION\n"
                                "Publishes and listens, looks after streams, consumers, buckets of keys and "
                                "of objects, watches and measures servers.\n"
                                "Results go to standard output, as tables or, with\n.BR \\-\\-json ,\nas "
                                "JSON; everything else goes to standard error.\n"
                                "Options may stand before and behind arguments; a\n.B \\-\\-\nends them.\n";

void manual_print(FILE *out)
{
#define EXIT_ENTRY(name, number, when)    print_entry(out, #number, when);
#define ENVIRONMENT_ENTRY(variable, what) print_entry(out, variable, what);
    (void)fputs(head, out);
    (void)fputs(".SH COMMON OPTIONS\n", out);
    print_rows(out, tool_common_options, true);
    (void)fputs(".SH COMMANDS\n", out);
    for (size_t i = 0; tool_families[i]; i++) {
        for (const struct command *row = tool_families[i]->commands; row->name; row++)
            print_command(out, row);
    }
    (void)fputs(".SH EXIT STATUS\n", out);
    TOOL_EXIT_TABLE(EXIT_ENTRY)
    (void)fputs("The check commands end with the codes of Nagios instead.\n.SH ENVIRONMENT\n", out);
    TOOL_ENVIRONMENT_TABLE(ENVIRONMENT_ENTRY)
    (void)fputs(".SH FILES\n", out);
    print_entry(out, "$XDG_CONFIG_HOME/rill/contexts/*.json",
                "Contexts, one in each file, readable only by their owner.");
    print_entry(out, "$XDG_CONFIG_HOME/rill/selected", "The name of the selected context.");
    (void)fputs(".SH SEE ALSO\n.BR librill (3)\n", out);
#undef ENVIRONMENT_ENTRY
#undef EXIT_ENTRY
}
