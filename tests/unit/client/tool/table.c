// SPDX-License-Identifier: Apache-2.0
//
// The table of commands itself: what a compiler does not see.
#include "command.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <ctype.h>

TestSuite(tool_table);

typedef void command_visitor(const struct command *command);

static void each_command(command_visitor *visit)
{
    for (size_t i = 0; tool_families[i]; i++) {
        for (const struct command *row = tool_families[i]->commands; row->name; row++)
            visit(row);
    }
}

/* All options of a command, the common ones last. */
static size_t options_of(const struct command *command, const struct parameter *ret[128])
{
    size_t count = 0;
    for (size_t i = 0; i <= OPTION_GROUPS_MAX; i++) {
        const struct parameter *row = i < OPTION_GROUPS_MAX ? command->options[i] : tool_common_options;
        for (; row && row->name; row++)
            ret[count++] = row;
    }
    return count;
}

static void options_differ(const struct command *command)
{
    const struct parameter *rows[128];
    const size_t count = options_of(command, rows);
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < i; j++) {
            cr_expect(strcmp(rows[i]->name, rows[j]->name) != 0, "%s has --%s twice", command->name,
                      rows[i]->name);
            const bool same = rows[i]->letter && rows[i]->letter == rows[j]->letter;
            cr_expect(not(same), "%s has -%c twice", command->name, rows[i]->letter);
        }
    }
}

// One word means one thing: no command has two options of one name or letter.
Test(tool_table, options_of_a_command_differ)
{
    each_command(options_differ);
}

static void is_described(const struct command *command)
{
    const struct parameter *rows[128];
    const size_t count = options_of(command, rows);
    cr_expect(command->run && command->summary && command->examples, "%s lacks something", command->name);
    const bool is_line =
        isupper(command->summary[0]) && command->summary[strlen(command->summary) - 1] != '.';
    cr_expect(is_line, "%s: %s", command->name, command->summary);
    for (size_t i = 0; i < count; i++) {
        cr_expect(rows[i]->help && rows[i]->help[strlen(rows[i]->help) - 1] == '.', "%s --%s", command->name,
                  rows[i]->name);
        const bool is_choice = rows[i]->kind == VALUE_CHOICE;
        cr_expect(is_choice == (rows[i]->choices != NULL), "%s --%s", command->name, rows[i]->name);
    }
}

// Everything is described, so help, completions and the manual have no holes.
Test(tool_table, everything_is_described)
{
    each_command(is_described);
}

static void arguments_make_sense(const struct command *command)
{
    bool optional = false;
    for (const struct parameter *row = command->arguments; row && row->name; row++) {
        cr_expect(row->optional >= optional, "%s: <%s> behind one that may be left out", command->name,
                  row->name);
        cr_expect(row->many <= !row[1].name, "%s: <%s> takes all that follow", command->name, row->name);
        optional = row->optional;
    }
}

// What may be left out stands last.
Test(tool_table, arguments_that_may_be_left_out_stand_last)
{
    each_command(arguments_make_sense);
}

static void is_found(const struct command *command)
{
    char words[64];
    char *argv[8];
    int argc = 0, taken = 0;
    (void)snprintf(words, sizeof words, "%s", command->name);
    for (char *word = strtok(words, " "); word; word = strtok(NULL, " "))
        argv[argc++] = word;
    argv[argc++] = "more";
    cr_expect(command_find(argc, argv, &taken) == command && taken == argc - 1, "%s", command->name);
}

// Each command is found by its words, and no other.
Test(tool_table, each_command_is_found_by_its_words)
{
    each_command(is_found);
}
