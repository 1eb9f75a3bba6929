// SPDX-License-Identifier: Apache-2.0
//
// Where contexts lie: $XDG_CONFIG_HOME/rill (or ~/.config/rill) has the file `selected` with a name in it, and a folder
// `contexts` with a file NAME.json each. They hold credentials: the folders have mode 0700, the files 0600.
#include "context_file.h"

#include "base/alloc.h"
#include "whole_file.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NAME_BYTES_MAX = 128 };

bool context_path(const char *file, char ret[CONTEXT_PATH_BYTES])
{
    const char *config = getenv("XDG_CONFIG_HOME");
    const char *home = getenv("HOME");
    const bool own = config && *config == '/';
    const int n = snprintf(ret, CONTEXT_PATH_BYTES, "%s%s/rill%s%s",
                           own    ? config
                           : home ? home
                                  : "",
                           own ? "" : "/.config", *file ? "/" : "", file);
    return n < CONTEXT_PATH_BYTES && (own || home);
}

bool context_file(const char *name, char ret[CONTEXT_PATH_BYTES])
{
    char file[NAME_BYTES_MAX + 32];
    const int n = snprintf(file, sizeof file, "contexts/%s.json", name);
    return n < (int)sizeof file && context_path(file, ret);
}

static bool make_folder(const char *path)
{
    return mkdir(path, 0700) == 0 || errno == EEXIST;
}

/* All that lead to the file. */
static bool make_folders(char path[CONTEXT_PATH_BYTES])
{
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        const bool made = make_folder(path);
        *slash = '/';
        if (!made)
            return false;
    }
    return true;
}

bool context_write(char path[CONTEXT_PATH_BYTES], const char *text)
{
    struct whole_file whole;
    if (!make_folders(path) || whole_file_create(&whole, path, WHOLE_FILE_PRIVATE))
        return false;
    if (fputs(text, whole.file) >= 0)
        return whole_file_finish(&whole) == RILL_OK;
    whole_file_drop(&whole);
    return false;
}

char *context_selected(void)
{
    char path[CONTEXT_PATH_BYTES];
    char name[NAME_BYTES_MAX] = "";
    FILE *file = context_path("selected", path) ? fopen(path, "re") : NULL;
    if (!file)
        return NULL;
    const bool read = fgets(name, sizeof name, file) != NULL;
    (void)fclose(file);
    name[strcspn(name, "\n")] = 0;
    return read && *name ? rill_alloc_cstr(rill_bytes_from_cstr(name)) : NULL;
}

json_t *context_load(const struct call *call, const char *name)
{
    char path[CONTEXT_PATH_BYTES];
    json_error_t why;
    json_t *context = context_file(name, path) ? json_load_file(path, 0, &why) : NULL;
    if (json_is_object(context))
        return context;
    json_decref(context);
    if (access(path, F_OK) != 0)
        (void)call_fail(call, TOOL_NOTHING, "there is no context %s: make it with rill context add %s", name,
                        name);
    else
        (void)call_fail(call, TOOL_FAILED, "%s cannot be read: %s", path, why.text);
    return NULL;
}
