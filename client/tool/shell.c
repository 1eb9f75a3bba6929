// SPDX-License-Identifier: Apache-2.0
#include "families.h"
#include "show.h"

static enum tool_exit run_completion(struct call *call)
{
    if (strcmp(call_text(call, "shell"), "bash") == 0)
        complete_print_bash(stdout);
    else
        complete_print_zsh(stdout);
    return TOOL_DONE;
}

static enum tool_exit run_manual(struct call *call)
{
    (void)call;
    manual_print(stdout);
    return TOOL_DONE;
}

static enum tool_exit run_version(struct call *call)
{
    return show_done(call, json_pack("{s:s}", "version", rill_version()), "rill %s", rill_version());
}

static const struct parameter shells[] = {
    {"shell", 0, VALUE_CHOICE, .choices = "bash zsh", .help = "Which shell."},
    {0},
};

static const struct command commands[] = {
    {.name = "completion",
     .summary = "Print the completion of a shell",
     .arguments = shells,
     .examples = "completion bash > /etc/bash_completion.d/rill\ncompletion zsh > ~/.zsh/_rill\n",
     .run = run_completion},
    {.name = "manual",
     .summary = "Print the manual page",
     .examples = "manual | man -l -\n",
     .run = run_manual},
    {.name = "version", .summary = "Print the version", .examples = "version\n", .run = run_version},
    {0},
};

const struct family shell_family = {"shell", NULL, commands};
