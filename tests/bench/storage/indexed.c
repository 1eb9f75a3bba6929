// SPDX-License-Identifier: Apache-2.0
//
// What the index beside the log costs whoever appends, and how fast it follows.
#include "bare.h"
#include "writer.h"

/* Seconds of appending, and until the index has all. */
static void append_all(struct storage_bench *bench, const struct storage_row *row, double *ret_append_s,
                       double *ret_settle_s, double *ret_cpu_s)
{
    struct writer writer = {0};
    writer_open(&writer, bench->store, row);
    const double start = bench_clock_s(CLOCK_MONOTONIC), cpu_start = bench_clock_s(CLOCK_THREAD_CPUTIME_ID);
    writer_append(&writer, row, bench->messages);
    *ret_append_s = bench_clock_s(CLOCK_MONOTONIC) - start;
    writer_settle(&writer);
    *ret_settle_s = bench_clock_s(CLOCK_MONOTONIC) - start;
    *ret_cpu_s = bench_clock_s(CLOCK_THREAD_CPUTIME_ID) - cpu_start;
    writer_stop(&writer);
    *ret_cpu_s += writer.worker_cpu_s;
    writer_close(&writer, bench->store);
}

void indexed_append_run(struct storage_bench *bench, const struct storage_row *row,
                        struct storage_figure *ret)
{
    struct storage_row without = *row;
    double with_s, before_s, after_s, settle_s, cpu_s, cpu_without_s;
    without.index = false;
    // Who comes first finds a colder machine, and a disk with more to give.
    append_all(bench, &without, &before_s, &settle_s, &cpu_without_s);
    append_all(bench, row, &with_s, &settle_s, &cpu_s);
    append_all(bench, &without, &after_s, &settle_s, &cpu_without_s);
    const double count = (double)bench->messages;
    *ret = (struct storage_figure){.value = count / with_s,
                                   .limit = count / ((before_s + after_s) / 2),
                                   .cpu_ns_per_message = cpu_s / count * 1e9};
}

void index_feed_run(struct storage_bench *bench, const struct storage_row *row, struct storage_figure *ret)
{
    double append_s, settle_s, cpu_s;
    append_all(bench, row, &append_s, &settle_s, &cpu_s);
    const double count = (double)bench->messages;
    *ret = (struct storage_figure){.value = count / settle_s,
                                   .limit = bare_insert_rate(bench),
                                   .cpu_ns_per_message = cpu_s / count * 1e9};
}
