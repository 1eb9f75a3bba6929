// SPDX-License-Identifier: Apache-2.0
#include "config_support.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void must(bool ok, const char *what)
{
    if (!ok) {
        perror(what);
        abort();
    }
}

struct config_folder config_folder_create(void)
{
    struct config_folder folder = {.path = "/tmp/rill-config-XXXXXX"};
    must(mkdtemp(folder.path) != NULL, "mkdtemp");
    return folder;
}

void config_folder_write(const struct config_folder *folder, const char *name, const char *text)
{
    char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", folder->path, name);
    FILE *file = fopen(path, "w");
    must(file != NULL, path);
    must(fputs(text, file) >= 0, path);
    must(fclose(file) == 0, path);
}

void config_folder_remove(struct config_folder *folder)
{
    DIR *entries = opendir(folder->path);
    must(entries != NULL, folder->path);
    for (struct dirent *entry; (entry = readdir(entries)) != NULL;)
        (void)unlinkat(dirfd(entries), entry->d_name, 0);
    (void)closedir(entries);
    must(rmdir(folder->path) == 0, folder->path);
}

void config_folder_hide(const struct config_folder *folder, char *text)
{
    char prefix[80];
    (void)snprintf(prefix, sizeof prefix, "%s/", folder->path);
    for (char *at; (at = strstr(text, prefix)) != NULL;)
        memmove(at, at + strlen(prefix), strlen(at + strlen(prefix)) + 1);
}

/* "rilld", "-c", the file, then the flags. */
static int arguments(struct config_loaded *loaded, const char *text)
{
    int argc = 0;
    loaded->argv[argc++] = "rilld";
    if (*text) {
        loaded->argv[argc++] = "-c";
        loaded->argv[argc++] = loaded->file;
    }
    for (char *rest = NULL, *flag = strtok_r(loaded->flags, " ", &rest); flag;
         flag = strtok_r(NULL, " ", &rest)) {
        must(argc < CONFIG_TEST_ARGS_MAX, "too many flags");
        loaded->argv[argc++] = flag;
    }
    return argc;
}

struct config_loaded *config_load(const char *text, const char *flags)
{
    struct config_loaded *loaded = calloc(1, sizeof *loaded);
    must(loaded != NULL, "memory");
    loaded->flags = strdup(flags);
    must(loaded->flags != NULL, "memory");
    loaded->folder = config_folder_create();
    config_folder_write(&loaded->folder, "c.conf", text);
    (void)snprintf(loaded->file, sizeof loaded->file, "%s/c.conf", loaded->folder.path);
    const int argc = arguments(loaded, text);
    loaded->err = rill_options_load(argc, (char *const *)loaded->argv, &loaded->options, &loaded->why);
    config_folder_hide(&loaded->folder, loaded->why.text);
    return loaded;
}

void config_loaded_free(struct config_loaded *loaded)
{
    rill_options_fini(&loaded->options);
    config_folder_remove(&loaded->folder);
    free(loaded->flags);
    free(loaded);
}
