// SPDX-License-Identifier: Apache-2.0
//
// Where contexts lie: $XDG_CONFIG_HOME/rill (or ~/.config/rill) has the file `selected` with a name in it, and a folder
// `contexts` with a file NAME.json each. They hold credentials: the folders have mode 0700, the files 0600.
#include "context_file.h"

#include "base/alloc.h"

#include <errno.h>
#include <fcntl.h>
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

static bool write_all(int fd, const char *text)
{
    size_t left = strlen(text);
    while (left) {
        const ssize_t n = write(fd, text, left);
        if (n < 0 && errno != EINTR)
            return false;
        text += n > 0 ? n : 0;
        left -= n > 0 ? (size_t)n : 0;
    }
    return fsync(fd) == 0;
}

bool context_write(char path[CONTEXT_PATH_BYTES], const char *text)
{
    char beside[CONTEXT_PATH_BYTES + 8];
    if (!make_folders(path))
        return false;
    (void)snprintf(beside, sizeof beside, "%s.XXXXXX", path);
    const int fd = mkostemp(beside, O_CLOEXEC); // mode 0600
    if (fd < 0)
        return false;
    const bool written = write_all(fd, text);
    const bool closed = close(fd) == 0;
    if (written && closed && rename(beside, path) == 0)
        return true;
    (void)unlink(beside);
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
