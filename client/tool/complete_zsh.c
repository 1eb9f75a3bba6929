// SPDX-License-Identifier: Apache-2.0
//
// The completion for zsh: a loop that finds the command among the words, and for each command a call of _arguments with
// what its row says.
#include "command.h"

static const char *const head = "#compdef rill\n"
                                "# zsh completion for rill, made by `rill completion zsh`.\n"
                                "_rill_names() {\n"
                                "    local -a names\n"
                                "    names=(${(f)\"$(rill \"$@\" --names 2>/dev/null)\"})\n"
                                "    compadd -a names\n"
                                "}\n"
                                "_rill_consumers() {\n"
                                "    _rill_names consumer ls \"${(@)words[2]}\"\n"
                                "}\n";

static const char *const loop = "_rill() {\n"
                                "    local command= word\n"
                                "    integer at=2 last=1\n"
                                "    for ((at = 2; at < CURRENT; at++)); do\n"
                                "        word=${words[at]}\n"
                                "        if _rill_takes_value \"$word\"; then\n"
                                "            ((at++))\n"
                                "        elif [[ $word != -* ]]; then\n"
                                "            _rill_is_command \"$command${command:+ }$word\" || break\n"
                                "            command=\"$command${command:+ }$word\"\n"
                                "            last=at\n"
                                "        fi\n"
                                "    done\n"
                                "    words=(\"${(@)words[last,-1]}\")\n"
                                "    ((CURRENT -= last - 1))\n"
                                "    _rill_complete \"$command\"\n"
                                "}\n";

static const char *const tail = "if [[ $zsh_eval_context[-1] == loadautofunc ]]; then\n"
                                "    _rill \"$@\"\n"
                                "else\n"
                                "    compdef _rill rill\n"
                                "fi\n";

/* For a text within '...' that _arguments reads: its own signs are escaped, the quote is left and entered again. */
static void print_text(FILE *out, const char *text)
{
    for (; *text; text++) {
        if (strchr("[]:\\", *text))
            (void)fputc('\\', out);
        if (*text == '\'')
            (void)fputs("'\\''", out);
        else
            (void)fputc(*text, out);
    }
}

/* How the value is completed. */
static void print_action(FILE *out, const struct parameter *row)
{
    switch (row->kind) {
    case VALUE_CHOICE:
        (void)fprintf(out, "(%s)", row->choices);
        break;
    case VALUE_FILE:
        (void)fputs("_files", out);
        break;
    case VALUE_STREAM:
        (void)fputs("_rill_names stream ls", out);
        break;
    case VALUE_CONSUMER:
        (void)fputs("_rill_consumers", out);
        break;
    case VALUE_KV_BUCKET:
        (void)fputs("_rill_names kv ls", out);
        break;
    case VALUE_OBJECT_BUCKET:
        (void)fputs("_rill_names object ls", out);
        break;
    case VALUE_CONTEXT:
        (void)fputs("_rill_names context ls", out);
        break;
    default:
        (void)fputs(" ", out); // nothing is known; said by the message alone
    }
}

static void print_one_option(FILE *out, const struct parameter *row, const char *form, size_t form_bytes)
{
    const char *word = row->metavar ? row->metavar : value_word(row->kind);
    (void)fprintf(out, " \\\n            '%s%.*s[", row->many ? "*" : "", (int)form_bytes, form);
    print_text(out, row->help);
    (void)fputs("]", out);
    if (row->kind != VALUE_FLAG && row->kind != VALUE_SWITCH) {
        (void)fputs(":", out);
        print_text(out, word);
        (void)fputs(":", out);
        print_action(out, row);
    }
    (void)fputs("'", out);
}

static void print_options(FILE *out, const struct parameter *row)
{
    for (; row && row->name; row++) {
        char form[64];
        const int n = snprintf(form, sizeof form, "--%s", row->name);
        print_one_option(out, row, form, (size_t)n);
        if (row->letter)
            print_one_option(out, row, (char[]){'-', row->letter}, 2);
    }
}

static void print_arguments(FILE *out, const struct parameter *row)
{
    for (int place = 1; row && row->name; row++, place++) {
        if (row->many)
            (void)fprintf(out, " \\\n            '*:%s:", row->name);
        else
            (void)fprintf(out, " \\\n            '%d:%s%s:", place, row->optional ? ":" : "", row->name);
        print_action(out, row);
        (void)fputs("'", out);
    }
}

static void print_command(FILE *out, const struct command *command)
{
    (void)fprintf(out, "    '%s')\n        _arguments -s -S", command->name);
    for (size_t i = 0; i < OPTION_GROUPS_MAX; i++)
        print_options(out, command->options[i]);
    print_options(out, tool_common_options);
    print_arguments(out, command->arguments);
    (void)fprintf(out, "\n        ;;\n");
}

/* One word with what it is for, as _describe wants it. */
static void print_described(FILE *out, const char *word, const char *summary)
{
    (void)fprintf(out, " '");
    print_text(out, word);
    (void)fprintf(out, "%s", *summary ? ":" : "");
    print_text(out, summary);
    (void)fprintf(out, "'");
}

static void print_words(FILE *out, const char *prefix)
{
    (void)fprintf(out, "    '%s')\n        local -a commands=(", prefix);
    prefix_each_word(out, prefix, print_described);
    (void)fprintf(out, ")\n        _describe command commands\n        ;;\n");
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
    for (size_t i = 0; tool_families[i]; i++) {
        for (const struct command *row = tool_families[i]->commands; row->name; row++)
            (void)fprintf(out, "    '%s') ;;\n", row->name);
    }
    (void)fprintf(out, "    *) return 1 ;;\n    esac\n}\n");
}

/* Of the options that may stand before a command. */
static void print_takes_value(FILE *out)
{
    (void)fprintf(out, "_rill_takes_value() {\n    case $1 in\n    ''");
    for (const struct parameter *row = tool_common_options; row->name; row++) {
        if (row->kind != VALUE_FLAG)
            (void)fprintf(out, " | --%s", row->name);
        if (row->kind != VALUE_FLAG && row->letter)
            (void)fprintf(out, " | -%c", row->letter);
    }
    (void)fprintf(out, ") ;;\n    *) return 1 ;;\n    esac\n}\n");
}

void complete_print_zsh(FILE *out)
{
    (void)fputs(head, out);
    print_is_command(out);
    print_takes_value(out);
    (void)fprintf(out, "_rill_complete() {\n    case $1 in\n");
    prefix_each(out, print_words);
    for (size_t i = 0; tool_families[i]; i++) {
        for (const struct command *row = tool_families[i]->commands; row->name; row++)
            print_command(out, row);
    }
    (void)fprintf(out, "    esac\n}\n");
    (void)fputs(loop, out);
    (void)fputs(tail, out);
}
