// SPDX-License-Identifier: Apache-2.0
//
// rill-bench-storage FOLDER [--messages N] [--rounds N] [--row TEXT]: the storage engine against the limits of the
// machine. Every round measures every row and its limit one after the other; the medians are told. FOLDER says
// which disk. docs/BENCHMARKS.md has the table.
#include "report.h"
#include "sample.h"
#include "storage_row.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS_MAX = 25 };

#define APPEND(text, goal_kind, goal_of, bytes, commit)                                                      \
    {                                                                                                        \
        .name = text, .unit = "msg/s", .run = append_rate_run, .goal = goal_kind, .goal_value = goal_of,     \
        .payload_bytes = bytes, .group = commit,                                                             \
    }
#define COMMIT(text, goal_kind, goal_of, percent)                                                            \
    {                                                                                                        \
        .name = text, .unit = "us", .run = commit_latency_run, .goal = goal_kind, .goal_value = goal_of,     \
        .payload_bytes = 128, .group = 360, .percentile = percent,                                           \
    }

static const struct storage_row table[] = {
    APPEND("append 128 B, commits of 1,000", STORAGE_RATIO_MIN, 0.6, 128, 1000),
    APPEND("append 128 B, commits of 10,000", STORAGE_RATIO_MIN, 0.6, 128, 10000),
    APPEND("append 128 B, 10,000 in flight", STORAGE_VALUE_MIN, 3e6, 128, 10000),
    APPEND("append 256 B, commits of 1,000", STORAGE_RATIO_MIN, 0.6, 256, 1000),
    APPEND("append 256 B, commits of 10,000", STORAGE_RATIO_MIN, 0.6, 256, 10000),
    COMMIT("commit of 64 KiB, p50", STORAGE_GOAL_NONE, 0, 50),
    COMMIT("commit of 64 KiB, p99", STORAGE_RATIO_MAX, 4, 99),
    {.name = "read in order, 1 KiB",
     .unit = "GB/s",
     .run = read_rate_run,
     .goal = STORAGE_VALUE_MIN,
     .goal_value = 2,
     .payload_bytes = 1024,
     .group = 2000},
};
enum { ROWS = sizeof table / sizeof table[0] };

struct measured {
    double values[ROUNDS_MAX], limits[ROUNDS_MAX], cpu_ns[ROUNDS_MAX];
};

static bool goal_met(const struct storage_row *row, double value, double limit)
{
    switch (row->goal) {
    case STORAGE_RATIO_MIN:
        return value >= row->goal_value * limit;
    case STORAGE_RATIO_MAX:
        return value <= row->goal_value * limit;
    case STORAGE_VALUE_MIN:
        return value >= row->goal_value;
    case STORAGE_VALUE_MAX:
        return value <= row->goal_value;
    default:
        return true;
    }
}

static const char *const goal_signs[] = {[STORAGE_GOAL_NONE] = "",
                                         [STORAGE_RATIO_MIN] = ">= x",
                                         [STORAGE_RATIO_MAX] = "<= x",
                                         [STORAGE_VALUE_MIN] = ">= ",
                                         [STORAGE_VALUE_MAX] = "<= "};

static void print_row(const struct storage_row *row, struct measured *measured, unsigned rounds)
{
    char value[REPORT_NUMBER_BYTES], limit[REPORT_NUMBER_BYTES], goal[REPORT_NUMBER_BYTES];
    const struct sample_summary values = sample_summarise(measured->values, rounds);
    const struct sample_summary limits = sample_summarise(measured->limits, rounds);
    const double cpu_ns = sample_summarise(measured->cpu_ns, rounds).median;
    report_format_number(values.median, value);
    report_format_number(limits.median, limit);
    report_format_number(row->goal_value, goal);
    (void)printf("%-36s %8s %-6s", row->name, value, row->unit);
    if (limits.median > 0)
        (void)printf(" limit %8s  %5.2fx", limit, values.median / limits.median);
    else
        (void)printf(" %23s", "");
    if (row->goal != STORAGE_GOAL_NONE)
        (void)printf("  %4s%-6s %s", goal_signs[row->goal], goal,
                     goal_met(row, values.median, limits.median) ? "met" : "MISSED");
    if (cpu_ns > 0)
        (void)printf("  %.0f ns of CPU per message", cpu_ns);
    (void)printf("\n");
    (void)fflush(stdout);
}

static uint64_t number_of(const char *text)
{
    return text ? strtoull(text, NULL, 10) : 0;
}

static bool options_read(int argc, char **argv, struct storage_bench *bench, const char **ret_row)
{
    *bench = (struct storage_bench){.folder = argc > 1 ? argv[1] : NULL, .messages = 5000000, .rounds = 5};
    for (int i = 2; i + 1 < argc; i += 2) {
        if (!strcmp(argv[i], "--messages"))
            bench->messages = number_of(argv[i + 1]);
        else if (!strcmp(argv[i], "--rounds"))
            bench->rounds = (unsigned)number_of(argv[i + 1]);
        else if (!strcmp(argv[i], "--row"))
            *ret_row = argv[i + 1];
        else
            return false;
    }
    return bench->folder && argc % 2 == 0 && bench->messages >= 1000 && bench->rounds > 0 &&
           bench->rounds <= ROUNDS_MAX;
}

int main(int argc, char **argv)
{
    static struct measured measured[ROWS];
    struct storage_bench bench;
    const char *wanted = "";
    if (!options_read(argc, argv, &bench, &wanted)) {
        (void)fprintf(
            stderr, "usage: rill-bench-storage FOLDER [--messages N] [--rounds N, at most %d] [--row TEXT]\n",
            ROUNDS_MAX);
        return 2;
    }
    (void)snprintf(bench.store, sizeof bench.store, "%s/bench/storage", bench.folder);
    (void)snprintf(bench.bare, sizeof bench.bare, "%s/bench-bare", bench.folder);
    for (bench.round = 0; bench.round < bench.rounds; bench.round++) {
        for (size_t i = 0; i < ROWS; i++) {
            struct storage_figure figure;
            if (!strstr(table[i].name, wanted))
                continue;
            table[i].run(&bench, &table[i], &figure);
            measured[i].values[bench.round] = figure.value;
            measured[i].limits[bench.round] = figure.limit;
            measured[i].cpu_ns[bench.round] = figure.cpu_ns_per_message;
        }
    }
    for (size_t i = 0; i < ROWS; i++) {
        if (strstr(table[i].name, wanted))
            print_row(&table[i], &measured[i], bench.rounds);
    }
    return 0;
}
