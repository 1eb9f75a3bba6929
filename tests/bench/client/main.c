// SPDX-License-Identifier: Apache-2.0
//
// librill beside libnats: the same work, on the same server, in turn, in one run. A row's figure is the median
// of its rounds; who begins changes from round to round. Beside it is the processor time of the client for a message. Usage, with RILL_URL in the environment:
//
//     client-bench [rounds [messages [part of a row's name]]]
#include "sizes.h"
#include "works.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIDES = 2, ROUNDS_MAX = 99, MESSAGES = 1000000 };

enum figure_kind { PER_SECOND, P50_US, P99_US };

static const struct row {
    const char *name;
    work_fn *work;
    int share; // of the messages, one in so many
    int payload_bytes;
    enum figure_kind kind;
} rows[] = {
    {"publish, nobody listening, 16 B", work_publish, 1, 16, PER_SECOND},
    {"1:1, taken one by one, 16 B", work_take, 1, 16, PER_SECOND},
    {"1:1, callback, 16 B", work_callback, 1, 16, PER_SECOND},
    {"1:1, callback, 1 KiB", work_callback, 5, 1024, PER_SECOND},
    {"request round trip, p50", work_request, 50, 16, P50_US},
    {"request round trip, p99", work_request, 50, 16, P99_US},
    {"stream publish, async, 128 B", work_stream_publish, 5, 128, PER_SECOND},
    {"pull 500 and ack, 128 B", work_pull, 10, 128, PER_SECOND},
};

enum { ROWS = sizeof rows / sizeof rows[0] };

static const struct side *const sides[SIDES] = {&side_rill, &side_nats};

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a;
    const double y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static double percentile(double *values, int count, int per_cent)
{
    qsort(values, (size_t)count, sizeof values[0], compare);
    return values[(count - 1) * per_cent / 100];
}

static bool measure(const struct row *row, const struct side *side, struct work *work, double *ret,
                    double *ret_cpu_us)
{
    struct worked worked;
    (void)snprintf(work->name, sizeof work->name, "bench%d", ++work->run);
    atomic_store(&work->counted, 0);
    if (!row->work(side, work, &worked))
        return false;
    *ret = row->kind == PER_SECOND ? worked.per_s
                                   : percentile(work->samples, work->messages, row->kind == P50_US ? 50 : 99);
    *ret_cpu_us = worked.cpu_us;
    return true;
}

/* Of each side the median of the rounds. */
struct figures {
    double value[SIDES];
    double cpu_us[SIDES];
};

static bool run_row(const struct row *row, struct work *work, int rounds, struct figures *ret)
{
    double values[SIDES][ROUNDS_MAX], cpu_us[SIDES][ROUNDS_MAX];
    for (int round = 0; round < rounds; round++)
        for (int turn = 0; turn < SIDES; turn++) {
            const int side = (round + turn) % SIDES;
            if (!measure(row, sides[side], work, &values[side][round], &cpu_us[side][round]))
                return false;
        }
    for (int side = 0; side < SIDES; side++) {
        ret->value[side] = percentile(values[side], rounds, 50);
        ret->cpu_us[side] = percentile(cpu_us[side], rounds, 50);
    }
    return true;
}

static void print_heading(void)
{
    printf("%-34s %10s %10s  %-6s %6s  %-8s %10s %10s\n", "", "librill", "libnats", "unit", "ratio", "goal",
           "cpu us", "cpu us");
}

static void print_row(const struct row *row, const struct figures *figures)
{
    const bool rate = row->kind == PER_SECOND;
    const double unit = rate ? 1e3 : 1;
    printf("%-34s %10.1f %10.1f  %-6s %5.2fx  %-8s %10.3f %10.3f\n", row->name, figures->value[0] / unit,
           figures->value[1] / unit, rate ? "k/s" : "us", figures->value[0] / figures->value[1],
           rate ? ">= 1.5x" : "<= 1.0x", figures->cpu_us[0], figures->cpu_us[1]);
    (void)fflush(stdout);
}

/* Sizes are told and not judged. */
static bool print_sizes(struct work *work)
{
    struct sizes sizes[SIDES];
    for (int side = 0; side < SIDES; side++)
        if (!sizes_measure(sides[side], work, &sizes[side]))
            return false;
    printf("%-34s %10.0f %10.0f  %-6s %5.2fx\n", "the library in memory", sizes[0].library_kib,
           sizes[1].library_kib, "KiB", sizes[0].library_kib / sizes[1].library_kib);
    printf("%-34s %10.0f %10.0f  %-6s %5.2fx\n", "resident, two connections", sizes[0].resident_kib,
           sizes[1].resident_kib, "KiB", sizes[0].resident_kib / sizes[1].resident_kib);
    return true;
}

int main(int argc, char **argv)
{
    const int rounds = argc > 1 ? atoi(argv[1]) : 5;
    const int messages = argc > 2 ? atoi(argv[2]) : MESSAGES;
    const char *part = argc > 3 ? argv[3] : "";
    static struct work work;
    work.url = getenv("RILL_URL");
    if (!work.url || rounds < 1 || rounds > ROUNDS_MAX || messages < 100) {
        fprintf(stderr, "usage: RILL_URL=nats://... client-bench [rounds [messages [row]]]\n");
        return 2;
    }
    work.samples = calloc((size_t)messages, sizeof work.samples[0]);
    print_heading();
    (void)fflush(stdout); // what forks shares the buffer
    int status = work.samples && (*part || print_sizes(&work)) ? 0 : 1;
    for (size_t i = 0; i < ROWS && status == 0; i++) {
        struct figures figures;
        if (!strstr(rows[i].name, part))
            continue;
        work.messages = messages / rows[i].share;
        work.payload_bytes = rows[i].payload_bytes;
        if (run_row(&rows[i], &work, rounds, &figures))
            print_row(&rows[i], &figures);
        else
            status = 1;
    }
    free(work.samples);
    return status;
}
