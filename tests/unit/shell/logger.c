// SPDX-License-Identifier: Apache-2.0
#include "logger.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];
static char path[96];

static void setup(void)
{
    (void)strcpy(folder, "/tmp/rill-logger-XXXXXX");
    cr_assert(mkdtemp(folder) != NULL);
    (void)snprintf(path, sizeof path, "%s/log", folder);
}

static void teardown(void)
{
    char command[128];
    (void)snprintf(command, sizeof command, "rm -r %s", folder);
    cr_assert(eq(int, system(command), 0));
}

TestSuite(logger, .init = setup, .fini = teardown);

static size_t read_file(const char *name, char *out, size_t out_bytes)
{
    FILE *file = fopen(name, "re");
    cr_assert(file != NULL);
    const size_t len = fread(out, 1, out_bytes - 1, file);
    out[len] = '\0';
    (void)fclose(file);
    return len;
}

static size_t count_files(void)
{
    size_t count = 0;
    DIR *dir = opendir(folder);
    struct dirent *entry;
    while ((entry = readdir(dir)))
        count += entry->d_name[0] != '.';
    (void)closedir(dir);
    return count;
}

// A line begins as NATS' lines do, with or without the time.
Test(logger, prefix_has_the_form_of_nats)
{
    char prefix[LOGGER_PREFIX_BYTES_MAX];
    const struct logger_config utc = {.time = true, .time_utc = true};
    const struct logger_config none = {0};
    const int64_t wall_ns = INT64_C(1787144263774094999);
    (void)logger_format_prefix(prefix, &utc, 4711, wall_ns, RILL_LOG_INFO);
    cr_expect(eq(str, prefix, "[4711] 2026/08/19 12:57:43.774094 [INF] "));
    (void)logger_format_prefix(prefix, &none, 4711, wall_ns, RILL_LOG_FATAL);
    cr_expect(eq(str, prefix, "[4711] [FTL] "));
}

// What a peer says cannot look like a line of its own.
Test(logger, control_characters_do_not_reach_the_log)
{
    struct logger logger;
    struct rill_error_text why;
    char text[256];
    const struct logger_config config = {.file = path, .level_max = RILL_LOG_INFO};
    logger_init(&logger);
    logger.pid = 1;
    cr_assert(not(logger_configure(&logger, &config, &why)), "%s", why.text);
    const struct rill_log_sink sink = logger_sink(&logger);
    rill_log(&sink, RILL_LOG_ERROR, "name \"a\n[1] [FTL] \x1b[31m\"");
    (void)read_file(path, text, sizeof text);
    cr_expect(eq(str, text, "[1] [ERR] name \"a?[1] [FTL] ?[31m\"\n"));
    logger_fini(&logger);
}

// Reopening continues under the old name after somebody moved the file.
Test(logger, reopening_begins_the_file_anew)
{
    struct logger logger;
    struct rill_error_text why;
    char moved[128];
    char text[256];
    const struct logger_config config = {.file = path, .level_max = RILL_LOG_INFO};
    logger_init(&logger);
    cr_expect(eq(int, logger_reopen(&logger, &why), RILL_ERR_UNSUPPORTED));
    cr_assert(not(logger_configure(&logger, &config, &why)));
    (void)snprintf(moved, sizeof moved, "%s.moved", path);
    cr_assert(eq(int, rename(path, moved), 0));
    cr_assert(not(logger_reopen(&logger, &why)));
    const struct rill_log_sink sink = logger_sink(&logger);
    rill_log(&sink, RILL_LOG_INFO, "here");
    cr_expect(gt(sz, read_file(path, text, sizeof text), 0));
    cr_expect(eq(sz, read_file(moved, text, sizeof text), 0));
    logger_fini(&logger);
}

// A file past its limit is renamed, and only so many renamed ones are kept.
Test(logger, a_full_file_is_renamed_and_old_ones_are_removed)
{
    struct logger logger;
    struct rill_error_text why;
    const struct logger_config config = {
        .file = path, .level_max = RILL_LOG_INFO, .file_bytes_max = 100, .files_max = 3};
    logger_init(&logger);
    cr_assert(not(logger_configure(&logger, &config, &why)));
    const struct rill_log_sink sink = logger_sink(&logger);
    for (int i = 0; i < 10; i++)
        rill_log(&sink, RILL_LOG_INFO, "%0120d", i);
    cr_expect(eq(sz, count_files(), 4)); // the current one and three
    logger_fini(&logger);
}

// A file that cannot be opened leaves the log where it was and is named.
Test(logger, an_impossible_file_is_named)
{
    struct logger logger;
    struct rill_error_text why;
    const struct logger_config config = {.file = "/nowhere/at/all"};
    logger_init(&logger);
    cr_expect(eq(int, logger_configure(&logger, &config, &why), RILL_ERR_NOT_FOUND));
    cr_expect(strstr(why.text, "/nowhere/at/all") != NULL);
    cr_expect(eq(int, logger.fd, STDERR_FILENO));
}
