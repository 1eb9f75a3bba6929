// SPDX-License-Identifier: Apache-2.0
//
// The completion for bash: a fixed loop that finds the command among the words, and functions made of the rows which it
// asks. What a server knows (streams, buckets, consumers) comes from `rill ... ls --names` at the moment of completing.
#include "command.h"

static const char *const head = "# bash completion for rill, made by `rill completion bash`.\n"
                                "_rill_names() {\n"
                                "    case $1 in\n"
                                "    STREAM) rill stream ls --names 2>/dev/null ;;\n"
                                "    CONSUMER) rill consumer ls \"$2\" --names 2>/dev/null ;;\n"
                                "    KV_BUCKET) rill kv ls --names 2>/dev/null ;;\n"
                                "    OBJECT_BUCKET) rill object ls --names 2>/dev/null ;;\n"
                                "    CONTEXT) rill context ls --names 2>/dev/null ;;\n"
                                "    CHOICE*) echo \"${1#CHOICE }\" ;;\n"
                                "    esac\n"
                                "}\n";

static const char *const tail =
    "_rill() {\n"
    "    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}\n"
    "    local command= first= word kind= i place=0\n"
    "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
    "        word=${COMP_WORDS[i]}\n"
    "        if [[ $word == -* ]]; then\n"
    "            kind=$(_rill_option \"$command\" \"$word\")\n"
    "            [[ -z $kind || $kind == FLAG || $kind == SWITCH ]] || ((i++))\n"
    "        elif ((place == 0)) && _rill_is_command \"$command${command:+ }$word\"; then\n"
    "            command=$command${command:+ }$word\n"
    "        else\n"
    "            ((place++ == 0)) && first=$word\n"
    "        fi\n"
    "    done\n"
    "    kind=\n"
    "    [[ $previous == -* ]] && kind=$(_rill_option \"$command\" \"$previous\")\n"
    "    if [[ -z $kind || $kind == FLAG || $kind == SWITCH ]]; then\n"
    "        if [[ $current == -* ]]; then\n"
    "            COMPREPLY=($(compgen -W \"$(_rill_options \"$command\")\" -- \"$current\"))\n"
    "            return\n"
    "        fi\n"
    "        kind=$(_rill_argument \"$command\" \"$place\")\n"
    "    fi\n"
    "    if [[ $kind == FILE ]]; then\n"
    "        COMPREPLY=($(compgen -f -- \"$current\"))\n"
    "    else\n"
    "        COMPREPLY=($(compgen -W \"$(_rill_names \"$kind\" \"$first\")\" -- \"$current\"))\n"
    "    fi\n"
    "}\n"
    "complete -F _rill rill\n";

static const char *const kind_words[] = {
#define KIND_WORD(name, word, how) #name,
    VALUE_TABLE(KIND_WORD)
#undef KIND_WORD
};

static void print_kind(FILE *out, const struct parameter *row)
{
    const bool choice = row->kind == VALUE_CHOICE;
    (void)fprintf(out, "'%s%s%s'", kind_words[row->kind], choice ? " " : "", choice ? row->choices : "");
}

/* Visits every command with its context. */
static void each_command(FILE *out, void (*print)(FILE *out, const struct command *command))
{
    for (size_t i = 0; tool_families[i]; i++) {
        for (const struct command *row = tool_families[i]->commands; row->name; row++)
            print(out, row);
    }
}

// ---- which command it is ----

static void print_command_name(FILE *out, const struct command *command)
{
    (void)fprintf(out, "    '%s') ;;\n", command->name);
}

static void print_prefix(FILE *out, const char *prefix)
{
    if (*prefix)
        (void)fprintf(out, "    '%s') ;;\n", prefix);
}

static void print_is_command(FILE *out)
{
    (void)fprintf(out, "_rill_is_command() {\n    case $1 in\n");
    prefix_each(out, print_prefix);
    each_command(out, print_command_name);
    (void)fprintf(out, "    *) return 1 ;;\n    esac\n}\n");
}

// ---- the kind of an option's value ----

static void print_option_kinds(FILE *out, const char *command, const struct parameter *row)
{
    for (; row && row->name; row++) {
        (void)fprintf(out, "    %s' --%s'", command, row->name);
        if (row->letter)
            (void)fprintf(out, " | %s' -%c'", command, row->letter);
        (void)fprintf(out, ") echo ");
        print_kind(out, row);
        (void)fprintf(out, " ;;\n");
    }
}

static void print_options_of(FILE *out, const struct command *command)
{
    char quoted[64];
    (void)snprintf(quoted, sizeof quoted, "'%s'", command->name);
    for (size_t i = 0; i < OPTION_GROUPS_MAX; i++)
        print_option_kinds(out, quoted, command->options[i]);
}

static void print_option(FILE *out)
{
    (void)fprintf(out, "_rill_option() {\n    case \"$1 $2\" in\n");
    each_command(out, print_options_of);
    print_option_kinds(out, "*", tool_common_options);
    (void)fprintf(out, "    esac\n}\n");
}

// ---- the options there are ----

static void print_names(FILE *out, const struct parameter *row)
{
    for (; row && row->name; row++)
        (void)fprintf(out, " --%s", row->name);
}

static void print_option_names(FILE *out, const struct command *command)
{
    (void)fprintf(out, "    '%s') echo '", command->name);
    for (size_t i = 0; i < OPTION_GROUPS_MAX; i++)
        print_names(out, command->options[i]);
    (void)fprintf(out, "' ;;\n");
}

static void print_options(FILE *out)
{
    (void)fprintf(out, "_rill_options() {\n    case $1 in\n");
    each_command(out, print_option_names);
    (void)fprintf(out, "    esac\n    echo '");
    print_names(out, tool_common_options);
    (void)fprintf(out, "'\n}\n");
}

// ---- what stands at a place ----

static void print_places(FILE *out, const struct command *command)
{
    int place = 0;
    for (const struct parameter *row = command->arguments; row && row->name; row++) {
        if (row->many)
            (void)fprintf(out, "    '%s '*) echo ", command->name);
        else
            (void)fprintf(out, "    '%s %d') echo ", command->name, place++);
        print_kind(out, row);
        (void)fprintf(out, " ;;\n");
    }
}

static void print_word(FILE *out, const char *word, const char *summary)
{
    (void)summary;
    (void)fprintf(out, " %s", word);
}

static void print_words(FILE *out, const char *prefix)
{
    (void)fprintf(out, "    '%s 0') echo 'CHOICE", prefix);
    prefix_each_word(out, prefix, print_word);
    (void)fprintf(out, "' ;;\n");
}

static void print_argument(FILE *out)
{
    (void)fprintf(out, "_rill_argument() {\n    case \"$1 $2\" in\n");
    prefix_each(out, print_words);
    each_command(out, print_places);
    (void)fprintf(out, "    esac\n}\n");
}

void complete_print_bash(FILE *out)
{
    (void)fputs(head, out);
    print_is_command(out);
    print_option(out);
    print_options(out);
    print_argument(out);
    (void)fputs(tail, out);
}
