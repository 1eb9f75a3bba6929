// SPDX-License-Identifier: Apache-2.0
//
// rill-bench: every round measures every row on both servers in turn, each time on a server started for it,
// so that no measurement inherits anything and what else the machine does falls on both alike.
#include "base/alloc.h"
#include "report.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

enum { EXIT_ROW_FAILED = 1, EXIT_USAGE = 2, EXIT_SERVER_MISSING = 77 };

struct bench {
    struct options options;
    struct guard guard;
    struct server_program programs[SIDES];
    struct result *results;
    size_t results_count;
};

static char *path_usable(const char *path)
{
    return access(path, X_OK) == 0 ? realpath(path, NULL) : NULL;
}

/* An absolute path on the heap, or NULL. A name without a slash is looked for in PATH. */
static char *program_find(const char *name)
{
    if (strchr(name, '/') || !name[0])
        return name[0] ? path_usable(name) : NULL;
    const char *folders = getenv("PATH");
    char path[PATH_MAX];
    while (folders && *folders) {
        const size_t len = strcspn(folders, ":");
        (void)snprintf(path, sizeof path, "%.*s/%s", (int)len, folders, name);
        char *found = path_usable(path);
        if (found)
            return found;
        folders += len + (folders[len] == ':');
    }
    return NULL;
}

/* Thousands of connections need descriptors, here and in the server, which inherits the limit. */
static void descriptors_raise(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

/* Whether the measurement can go on: nats-server may be absent, rilld only when it is not asked for. */
static bool program_choose(struct bench *bench, int side, const char *name, const char *path)
{
    const char *only = bench->options.only;
    const bool wanted = !only || strcmp(only, name) == 0;
    bench->programs[side] = (struct server_program){.name = name, .path = wanted ? program_find(path) : NULL};
    if (!wanted || bench->programs[side].path)
        return true;
    const bool go_on = side == SIDE_NATS_SERVER && !only;
    fprintf(stderr, "rill-bench: no %s at '%s'%s\n", name, path, go_on ? ": it is skipped" : "");
    return go_on;
}

static void rows_choose(struct bench *bench)
{
    const char *part = bench->options.row ? bench->options.row : "";
    bench->results = rill_alloc_zero(rows_count, sizeof bench->results[0]);
    for (size_t i = 0; i < rows_count; i++) {
        if (!strstr(rows[i].name, part))
            continue;
        struct result *result = &bench->results[bench->results_count++];
        result->row = &rows[i];
        for (int side = 0; side < SIDES; side++)
            result->sides[side].figures = rill_alloc_zero(bench->options.rounds, sizeof(struct figure));
    }
}

static enum rill_err task_run(struct task *task, struct figure *ret, struct rill_error_text *why)
{
    if (task->row->starts_server_itself)
        return task->row->run(task, ret, why);
    enum rill_err err = server_start(&task->server, task->program, task->guard, task->row->durable, why);
    if (err)
        return err;
    err = task->row->run(task, ret, why);
    server_stop(&task->server);
    return err;
}

static void measure(struct bench *bench, struct result *result, int side)
{
    struct side *into = &result->sides[side];
    struct task task = {.row = result->row,
                        .options = &bench->options,
                        .program = &bench->programs[side],
                        .guard = &bench->guard};
    struct figure figure = {0};
    char number[REPORT_NUMBER_BYTES];
    fprintf(stderr, "%-32s %-11s ", result->row->name, task.program->name);
    if (task_run(&task, &figure, &into->why)) {
        into->failures++;
        fprintf(stderr, "FAILED: %s\n", into->why.text);
        return;
    }
    into->figures[into->count++] = figure;
    report_format_number(figure.value, number);
    fprintf(stderr, "%8s %s\n", number, result->row->unit);
}

static void measure_all(struct bench *bench)
{
    for (unsigned round = 0; round < bench->options.rounds; round++) {
        fprintf(stderr, "round %u of %u\n", round + 1, bench->options.rounds);
        for (size_t i = 0; i < bench->results_count; i++)
            for (unsigned turn = 0; turn < SIDES; turn++) {
                // Who begins changes from round to round.
                const int side = (int)((round + turn) % SIDES);
                if (bench->programs[side].path)
                    measure(bench, &bench->results[i], side);
            }
    }
}

static int report_all(const struct bench *bench)
{
    const struct report report = {&bench->options, bench->programs, bench->results, bench->results_count};
    const char *path = bench->options.json;
    const bool json_to_stdout = path && strcmp(path, "-") == 0;
    report_print_table(&report, json_to_stdout ? stderr : stdout);
    if (path) {
        FILE *file = json_to_stdout ? stdout : fopen(path, "we");
        const enum rill_err err = file ? report_write_json(&report, file) : rill_err_from_errno(errno);
        if (file && !json_to_stdout)
            (void)fclose(file);
        if (err) {
            fprintf(stderr, "rill-bench: write %s: %s\n", path, rill_err_text(err));
            return EXIT_ROW_FAILED;
        }
    }
    for (size_t i = 0; i < bench->results_count; i++)
        for (int side = 0; side < SIDES; side++)
            if (bench->results[i].sides[side].failures)
                return EXIT_ROW_FAILED;
    return EXIT_SUCCESS;
}

static int bench_run(struct bench *bench)
{
    if (!program_choose(bench, SIDE_RILLD, "rilld", bench->options.rilld) ||
        !program_choose(bench, SIDE_NATS_SERVER, "nats-server", bench->options.nats_server))
        return EXIT_SERVER_MISSING;
    const enum rill_err err = guard_init(&bench->guard);
    if (err) {
        fprintf(stderr, "rill-bench: make a temporary folder: %s\n", rill_err_text(err));
        return EXIT_ROW_FAILED;
    }
    descriptors_raise();
    measure_all(bench);
    guard_fini(&bench->guard);
    return report_all(bench);
}

static void bench_fini(struct bench *bench)
{
    for (size_t i = 0; i < bench->results_count; i++)
        for (int side = 0; side < SIDES; side++)
            free(bench->results[i].sides[side].figures);
    free(bench->results);
    for (int side = 0; side < SIDES; side++)
        free((char *)bench->programs[side].path);
}

int main(int argc, char **argv)
{
    struct bench bench = {0};
    if (options_parse(&bench.options, argc, argv))
        return EXIT_USAGE;
    if (bench.options.help) {
        options_print_help();
        return EXIT_SUCCESS;
    }
    rows_choose(&bench);
    int status = EXIT_SUCCESS;
    if (bench.results_count == 0) {
        fprintf(stderr, "rill-bench: no row's name contains '%s'; see --list\n", bench.options.row);
        status = EXIT_USAGE;
    }
    for (size_t i = 0; bench.options.list && i < bench.results_count; i++)
        printf("%s\n", bench.results[i].row->name);
    if (!bench.options.list && bench.results_count)
        status = bench_run(&bench);
    bench_fini(&bench);
    return status;
}
