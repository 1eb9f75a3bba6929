// SPDX-License-Identifier: Apache-2.0
#include "scratch.h"

#include <ftw.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>

enum { OPEN_FOLDERS_MAX = 16, LOG_END_BYTES = 2000 };

bool scratch_create(char ret_path[SCRATCH_PATH_MAX])
{
    const char *parent = getenv("TMPDIR");
    const int len =
        snprintf(ret_path, SCRATCH_PATH_MAX, "%s/order-pipeline-XXXXXX", parent ? parent : "/tmp");
    return len < SCRATCH_PATH_MAX && mkdtemp(ret_path) != NULL;
}

static int remove_entry(const char *path, const struct stat *stat, int type, struct FTW *where)
{
    (void)stat;
    (void)type;
    (void)where;
    return remove(path);
}

void scratch_remove(const char *path)
{
    if (nftw(path, remove_entry, OPEN_FOLDERS_MAX, FTW_DEPTH | FTW_PHYS) != 0)
        perror(path);
}

static void print_log(const char *path)
{
    char text[LOG_END_BYTES];
    FILE *file = fopen(path, "re");
    if (!file)
        return;
    if (fseek(file, -LOG_END_BYTES, SEEK_END) != 0)
        rewind(file);
    const size_t len = fread(text, 1, sizeof text, file);
    if (len)
        fprintf(stderr, "--- %s\n%.*s\n", path, (int)len, text);
    fclose(file);
}

void scratch_print_logs(const char *path)
{
    char pattern[SCRATCH_PATH_MAX + sizeof "/*.log"];
    snprintf(pattern, sizeof pattern, "%s/*.log", path);
    glob_t logs;
    if (glob(pattern, 0, NULL, &logs) != 0)
        return;
    for (size_t i = 0; i < logs.gl_pathc; i++)
        print_log(logs.gl_pathv[i]);
    globfree(&logs);
}
