// SPDX-License-Identifier: Apache-2.0
#include "config/options.h"

#include "table.h"

#include <ctype.h>
#include <stdio.h>

enum {
    HELP_FLAG_WIDTH = 34,
    HELP_LINE_WIDTH = 100,
};

static void print_flag(FILE *out, const char *flags, const char *argument, const char *description)
{
    char line[128];
    size_t used = 0;
    struct rill_bytes flag;
    while (rill_next_word(&flags, &flag) && used < sizeof line)
        used += (size_t)snprintf(line + used, sizeof line - used, "%s%s" RILL_PRI, used ? ", " : "",
                                 flag.len > 2 && islower(flag.data[0]) ? "--" : "-", RILL_ARG(flag));
    if (*argument && used < sizeof line)
        (void)snprintf(line + used, sizeof line - used, " <%s>", argument);
    if (strlen(line) + 2 > HELP_FLAG_WIDTH - 1)
        (void)fprintf(out, "  %s\n%*s", line, HELP_FLAG_WIDTH, "");
    else
        (void)fprintf(out, "  %-*s", HELP_FLAG_WIDTH - 2, line);
    rill_print_wrapped(out, description, HELP_FLAG_WIDTH, HELP_LINE_WIDTH);
}

static const char *argument_name(const struct option_row *row)
{
    if (row->type == OPTION_bool)
        return "";
    if (row->type == OPTION_port)
        return "port";
    return *row->unit ? row->unit : row->name;
}

static void print_row(FILE *out, const struct option_row *row, const struct rill_options *defaults)
{
    char text[512];
    char shown[OPTION_SHOWN_MAX];
    option_show(defaults, row, shown);
    const bool boring = strcmp(shown, "-") == 0 || strcmp(shown, "false") == 0 || strcmp(shown, "0") == 0;
    (void)snprintf(text, sizeof text, boring ? "%s" : "%s (default: %s)", row->description, shown);
    print_flag(out, row->flags, argument_name(row), text);
}

static void print_section(FILE *out, const struct option_section *section, const struct option_row *rows,
                          const struct rill_options *defaults)
{
    bool titled = false;
    for (size_t i = 0; i < section->count; i++) {
        if (!*rows[i].flags)
            continue;
        if (!titled)
            (void)fprintf(out, "\n%s\n", section->title);
        titled = true;
        print_row(out, &rows[i], defaults);
    }
}

void rill_options_print_help(FILE *out)
{
    struct rill_options defaults = {0};
    size_t row_count = 0;
    size_t section_count = 0;
    const struct option_row *rows = option_rows(&row_count);
    const struct option_section *sections = option_sections(&section_count);
    options_set_defaults(&defaults);
    (void)fprintf(out, "rilld, a message broker that speaks the NATS protocol\n\n"
                       "Usage: rilld [flags]\n"
                       "       rilld store verify|dump|salvage ...   see rilld store --help\n\n"
                       "  rilld                         listen on port 4222\n"
                       "  rilld -js -sd /var/lib/rill   the same, with streams kept in that folder\n"
                       "  rilld -c rilld.conf           as the configuration file says; flags win over it\n"
                       "  rilld -c rilld.conf -t        check the file and stop\n"
                       "  rilld --signal reload         let the running rilld read its file again\n"
                       "  rilld store verify DIR        check the streams in that folder\n");
    (void)fprintf(out, "\nCommands\n");
    print_flag(out, "c config", "file", "Read this configuration file.");
    print_flag(out, "t", "", "Check the configuration file, say what is wrong with it, and stop.");
    print_flag(out, "sl signal", "command[=pid|pid file]",
               "Send a signal to a running rilld: reload, reopen, ldm, quit, term or stop.");
    print_flag(out, "v version", "", "Print the version.");
    print_flag(out, "h help", "", "Print this.");
    for (size_t i = 0; i < section_count; i++) {
        print_section(out, &sections[i], rows, &defaults);
        rows += sections[i].count;
    }
    (void)fprintf(out, "\nTogether\n");
    print_flag(out, "DV", "", "Debug and trace.");
    print_flag(out, "DVV", "", "Debug and trace, the system account too.");
    (void)fprintf(out, "\nFlags take one dash or two, and their value behind a blank or an equals sign.\n");
}

void rill_options_print_version(FILE *out)
{
    (void)fprintf(out, "rilld: v%s\n", RILL_VERSION);
}

void rill_options_print_valid(FILE *out, const struct rill_options *options)
{
    (void)fprintf(out, "rilld: configuration file %s is valid\n", options->config_file);
}
