// SPDX-License-Identifier: Apache-2.0
//
// rill-bench-storage FOLDER [--long] [--messages N] [--rounds N] [--row TEXT]: the storage engine against the limits
// of the machine. Every round measures every row and its limit one after the other; the medians are told. FOLDER says
// which disk. With --long, the rows that need a store of many messages, and no others. docs/BENCHMARKS.md has the table.
#include "large.h"
#include "report.h"
#include "sample.h"

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
#define INDEXED(text, of)                                                                                    \
    {                                                                                                        \
        .name = text, .unit = "msg/s", .run = indexed_append_run, .goal = STORAGE_RATIO_MIN,                 \
        .goal_value = 0.9, .payload_bytes = 128, .group = 10000, .subjects = of, .index = true,              \
    }
#define FEED(text, goal_of, of)                                                                              \
    {                                                                                                        \
        .name = text, .unit = "msg/s", .run = index_feed_run, .goal = STORAGE_VALUE_MIN,                     \
        .goal_value = goal_of, .payload_bytes = 128, .group = 10000, .subjects = of, .index = true,          \
    }
/* The rows that share the large store say the same of its messages. 100,000 of 256 bytes are as much of the log as the index may
   lag behind: what a small and a large store replay is the same. */
#define LARGE                                                                                                \
    .is_long = true, .payload_bytes = 256, .group = 10000, .subjects = 100000, .mixed = true, .index = true
#define REOPEN(text, how, goal_kind, goal_of)                                                                \
    {                                                                                                        \
        .name = text, .unit = "ms", .run = how, .goal = goal_kind, .goal_value = goal_of, LARGE              \
    }
#define NEXT(text, which)                                                                                    \
    {                                                                                                        \
        .name = "next, " text, .unit = "us", .run = query_next_run, .goal = STORAGE_VALUE_MAX,               \
        .goal_value = 10, .filter = which, LARGE                                                             \
    }
#define COUNT(text, which)                                                                                   \
    {                                                                                                        \
        .name = "count, " text, .unit = "us", .run = query_count_run, .filter = which, LARGE                 \
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
    INDEXED("append with index, 100 subjects", 100),
    INDEXED("append with index, 1,000 subjects", 1000),
    INDEXED("append with index, 10,000 subjects", 10000),
    INDEXED("append with index, 100,000 subjects", 100000),
    FEED("index feed, 100 subjects", 3e6, 100),
    FEED("index feed, 1,000 subjects", 1e6, 1000),
    FEED("index feed, 10,000 subjects", 3e5, 10000),
    FEED("index feed, 100,000 subjects", 3e5, 100000),
    REOPEN("reopen after a kill, 100 k messages", reopen_small_run, STORAGE_VALUE_MAX, 200),
    REOPEN("reopen after a kill, all messages", reopen_large_run, STORAGE_VALUE_MAX, 200),
    REOPEN("reopen, all against 100 k", reopen_ratio_run, STORAGE_RATIO_MAX, 1.5),
    NEXT("1 in 10, literal", 0),
    NEXT("1 in 10, wildcard", 1),
    NEXT("1 in 10,000, literal", 2),
    NEXT("1 in 10,000, wildcard", 3),
    NEXT("1 in 10 million, literal", 4),
    NEXT("1 in 10 million, wildcard", 5),
    COUNT("1 in 10, literal", 0),
    COUNT("1 in 10, wildcard", 1),
    COUNT("1 in 10,000, literal", 2),
    COUNT("1 in 10,000, wildcard", 3),
    COUNT("1 in 10 million, literal", 4),
    COUNT("1 in 10 million, wildcard", 5),
    {.name = "memory with 1 M subjects",
     .unit = "MB",
     .run = memory_run,
     .goal = STORAGE_VALUE_MAX,
     .goal_value = 150,
     .is_long = true,
     .payload_bytes = 32,
     .group = 10000,
     .subjects = 1000000,
     .index = true},
};
enum { ROWS = sizeof table / sizeof table[0] };

struct measured {
    double values[ROUNDS_MAX], limits[ROUNDS_MAX], cpu_ns[ROUNDS_MAX], p99s[ROUNDS_MAX];
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
    const double p99 = sample_summarise(measured->p99s, rounds).median;
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
    if (p99 > 0)
        (void)printf("  p99 %.1f %s", p99, row->unit);
    if (cpu_ns > 0)
        (void)printf("  %.0f ns of CPU per message", cpu_ns);
    (void)printf("\n");
    (void)fflush(stdout);
}

static uint64_t number_of(const char *text)
{
    return text ? strtoull(text, NULL, 10) : 0;
}

struct wanted {
    const char *text; // in the rows' names
    bool is_long;
};

enum { MESSAGES = 5000000, MESSAGES_LONG = 20000000, ROUNDS = 5, ROUNDS_LONG = 3 };

static bool options_read(int argc, char **argv, struct storage_bench *bench, struct wanted *ret_wanted)
{
    *bench = (struct storage_bench){.folder = argc > 1 ? argv[1] : NULL};
    *ret_wanted = (struct wanted){.text = ""};
    for (int i = 2; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        const bool has_value = strcmp(argv[i], "--long") != 0;
        if (!has_value)
            ret_wanted->is_long = true;
        else if (!strcmp(argv[i], "--messages") && value)
            bench->messages = number_of(value);
        else if (!strcmp(argv[i], "--rounds") && value)
            bench->rounds = (unsigned)number_of(value);
        else if (!strcmp(argv[i], "--row") && value)
            ret_wanted->text = value;
        else
            return false;
        i += has_value;
    }
    if (!bench->messages)
        bench->messages = ret_wanted->is_long ? MESSAGES_LONG : MESSAGES;
    if (!bench->rounds)
        bench->rounds = ret_wanted->is_long ? ROUNDS_LONG : ROUNDS;
    return bench->folder && bench->messages >= 1000 && bench->rounds <= ROUNDS_MAX;
}

static bool is_wanted(const struct storage_row *row, const struct wanted *wanted)
{
    return row->is_long == wanted->is_long && strstr(row->name, wanted->text) != NULL;
}

static void run_round(struct storage_bench *bench, const struct wanted *wanted, struct measured *measured)
{
    bench->reopened_ms[0] = bench->reopened_ms[1] = 0;
    for (size_t i = 0; i < ROWS; i++) {
        struct storage_figure figure;
        // Filling another store takes minutes, and memory hardly changes.
        const bool is_once = table[i].run == memory_run && bench->round > 0;
        if (!is_wanted(&table[i], wanted))
            continue;
        if (is_once) {
            measured[i].values[bench->round] = measured[i].values[0];
            continue;
        }
        if (wanted->is_long)
            (void)fprintf(stderr, "# round %u: %s\n", bench->round + 1, table[i].name);
        table[i].run(bench, &table[i], &figure);
        measured[i].values[bench->round] = figure.value;
        measured[i].limits[bench->round] = figure.limit;
        measured[i].cpu_ns[bench->round] = figure.cpu_ns_per_message;
        measured[i].p99s[bench->round] = figure.p99;
    }
}

int main(int argc, char **argv)
{
    static struct measured measured[ROWS];
    struct storage_bench bench;
    struct wanted wanted;
    if (!options_read(argc, argv, &bench, &wanted)) {
        (void)fprintf(
            stderr,
            "usage: rill-bench-storage FOLDER [--long] [--messages N] [--rounds N, at most %d] [--row TEXT]\n"
            "--long: only the rows that need a store with many messages, %d unless told otherwise\n",
            ROUNDS_MAX, MESSAGES_LONG);
        return 2;
    }
    (void)snprintf(bench.store, sizeof bench.store, "%s/bench/storage", bench.folder);
    (void)snprintf(bench.large, sizeof bench.large, "%s/bench/large", bench.folder);
    (void)snprintf(bench.bare, sizeof bench.bare, "%s/bench-bare", bench.folder);
    for (bench.round = 0; bench.round < bench.rounds; bench.round++)
        run_round(&bench, &wanted, measured);
    large_remove(&bench);
    for (size_t i = 0; i < ROWS; i++) {
        if (is_wanted(&table[i], &wanted))
            print_row(&table[i], &measured[i], bench.rounds);
    }
    return 0;
}
