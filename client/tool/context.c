// SPDX-License-Identifier: Apache-2.0
#include "context_file.h"
#include "families.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* What a context has; the names are those of the options. */
static const char *const setting_names[] = {"server", "user",    "password",   "token",
                                            "domain", "monitor", "description"};

enum { SETTING_COUNT = sizeof setting_names / sizeof setting_names[0] };

static enum tool_exit tell_errno(const struct call *call, const char *path)
{
    return call_fail(call, TOOL_FAILED, "%s: %s", path, strerror(errno));
}

static json_t *context_of(const struct call *call)
{
    json_t *context = json_object();
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        const char *text = call_text(call, setting_names[i]);
        if (text)
            (void)json_object_set_new(context, setting_names[i], json_string(text));
    }
    return context;
}

static bool select_context(const char *name)
{
    char path[CONTEXT_PATH_BYTES];
    return context_path("selected", path) && context_write(path, name);
}

static enum tool_exit run_add(struct call *call)
{
    char path[CONTEXT_PATH_BYTES];
    const char *name = call_text(call, "context-name");
    if (!context_file(name, path))
        return call_fail(call, TOOL_FAILED, "there is no place for it: set HOME or XDG_CONFIG_HOME");
    if (access(path, F_OK) == 0 && !call_has(call, "replace"))
        return call_fail(call, TOOL_FAILED, "there is a context %s already: add --replace to write it anew",
                         name);
    json_t *context = context_of(call);
    char *text = json_dumps(context, JSON_INDENT(2));
    json_decref(context);
    const bool written = text && context_write(path, text);
    free(text);
    if (!written || (call_has(call, "select") && !select_context(name)))
        return tell_errno(call, path);
    return show_done(call, json_pack("{s:s, s:s}", "name", name, "file", path), "context %s is in %s", name,
                     path);
}

static json_t *row_of(const char *name, const char *selected)
{
    char path[CONTEXT_PATH_BYTES];
    json_t *context = context_file(name, path) ? json_load_file(path, 0, NULL) : NULL;
    json_t *row =
        json_pack("{s:s, s:b, s:s*, s:s*}", "name", name, "selected", selected && strcmp(selected, name) == 0,
                  "server", json_string_value(json_object_get(context, "server")), "description",
                  json_string_value(json_object_get(context, "description")));
    json_decref(context);
    return row;
}

static int is_context(const struct dirent *entry)
{
    const char *dot = strrchr(entry->d_name, '.');
    return dot && dot > entry->d_name && strcmp(dot, ".json") == 0;
}

static json_t *all_contexts(void)
{
    char path[CONTEXT_PATH_BYTES];
    struct dirent **entries = NULL;
    json_t *rows = json_array();
    char *selected = context_selected();
    const int count = context_path("contexts", path) ? scandir(path, &entries, is_context, alphasort) : 0;
    for (int i = 0; i < count; i++) {
        *strrchr(entries[i]->d_name, '.') = 0;
        (void)json_array_append_new(rows, row_of(entries[i]->d_name, selected));
        free(entries[i]);
    }
    free(entries);
    free(selected);
    return rows;
}

static enum tool_exit run_ls(struct call *call)
{
    static const struct show_field columns[] = {
        {"name", "Context", SHOW_TEXT},
        {"selected", "Selected", SHOW_FLAG},
        {"server", "Server", SHOW_TEXT},
        {"description", "Description", SHOW_TEXT},
        {0},
    };
    json_t *rows = all_contexts();
    if (call_has(call, "names"))
        return show_names(rows, "name");
    return show_table(call, NULL, columns, rows, "There are no contexts: make one with rill context add.");
}

static enum tool_exit run_select(struct call *call)
{
    const char *name = call_text(call, "context-name");
    json_t *context = context_load(call, name);
    if (!context)
        return TOOL_NOTHING;
    json_decref(context);
    if (!select_context(name))
        return tell_errno(call, name);
    return show_done(call, json_pack("{s:s}", "selected", name), "%s is selected", name);
}

static enum tool_exit run_rm(struct call *call)
{
    char path[CONTEXT_PATH_BYTES];
    const char *name = call_text(call, "context-name");
    json_t *context = context_load(call, name);
    if (!context)
        return TOOL_NOTHING;
    json_decref(context);
    const enum tool_exit asked = remote_confirm(call, "Remove context %s?", name);
    if (asked)
        return asked;
    char *selected = context_selected();
    const bool was_selected = selected && strcmp(selected, name) == 0;
    free(selected);
    if (!context_file(name, path) || unlink(path) != 0 || (was_selected && !select_context("")))
        return tell_errno(call, name);
    return show_done(call, json_pack("{s:s}", "removed", name), "%s is removed", name);
}

/* The named one, or else the selected one. */
static enum tool_exit run_show(struct call *call)
{
    static const struct show_field fields[] = {
        {"server", "Server", SHOW_TEXT},           {"user", "User", SHOW_TEXT},
        {"password", "Password", SHOW_TEXT},       {"token", "Token", SHOW_TEXT},
        {"domain", "Domain", SHOW_TEXT},           {"monitor", "Monitor", SHOW_TEXT},
        {"description", "Description", SHOW_TEXT}, {0},
    };
    char title[256];
    char *selected = context_selected();
    const char *given = call_text(call, "context-name");
    const char *name = given ? given : selected;
    json_t *context = name ? context_load(call, name) : NULL;
    (void)snprintf(title, sizeof title, "Context %s", name ? name : "");
    free(selected);
    if (!context)
        return name ? TOOL_NOTHING : call_fail(call, TOOL_NOTHING, "no context is selected: name one");
    for (size_t i = 0; i < 2; i++) {
        const char *secret = i ? "token" : "password";
        if (json_object_get(context, secret) && !call_has(call, "secrets"))
            (void)json_object_set_new(context, secret, json_string("***"));
    }
    return show_card(call, title, fields, context);
}

static const struct parameter name_argument[] = {
    {"context-name", 0, VALUE_CONTEXT, .help = "The name of the context: letters, digits, - and _."},
    {0},
};
static const struct parameter name_optional[] = {
    {"context-name", 0, VALUE_CONTEXT, .help = "The context; without it the selected one.", .optional = true},
    {0},
};
static const struct parameter add_options[] = {
    {"description", 0, VALUE_TEXT, .help = "What it is for."},
    {"monitor", 0, VALUE_TEXT, .metavar = "URL", .help = "Where its monitoring pages are: http://host:8222."},
    {"select", 0, VALUE_FLAG, .help = "Select it at once."},
    {"replace", 0, VALUE_FLAG, .help = "Write it anew if there is one of that name."},
    {0},
};
static const struct parameter show_options[] = {
    {"secrets", 0, VALUE_FLAG, .help = "Show the password and the token too."},
    {0},
};

static const struct command commands[] = {
    {.name = "context add",
     .summary = "Keep a server and credentials under a name",
     .arguments = name_argument,
     .options = {add_options},
     .about = "What --server, --user, --password, --token and --domain say is kept in a file that only you "
              "can read, below "
              "$XDG_CONFIG_HOME/rill or ~/.config/rill.",
     .examples =
         "context add shop --server nats://shop.example:4222 --user orders --password s3cret --select\n",
     .run = run_add},
    {.name = "context ls",
     .summary = "List the contexts",
     .options = {option_names},
     .examples = "context ls\n",
     .run = run_ls},
    {.name = "context select",
     .summary = "Let a context count when no server is named",
     .arguments = name_argument,
     .examples = "context select shop\n",
     .run = run_select},
    {.name = "context rm",
     .summary = "Remove a context",
     .arguments = name_argument,
     .options = {option_force},
     .examples = "context rm shop --force\n",
     .run = run_rm},
    {.name = "context show",
     .summary = "Show a context, secrets hidden",
     .arguments = name_optional,
     .options = {show_options},
     .examples = "context show\ncontext show shop --secrets\n",
     .run = run_show},
    {0},
};

const struct family context_family = {"context", "Named servers and credentials", commands};
