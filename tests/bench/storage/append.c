// SPDX-License-Identifier: Apache-2.0
//
// Durable appends, and how long a commit takes.
#include "bare.h"
#include "sample.h"
#include "writer.h"

#include <stdlib.h>

enum { LATENCIES_MAX = 20000 };

static const double BARE_S = 1;

void append_rate_run(struct storage_bench *bench, const struct storage_row *row, struct storage_figure *ret)
{
    struct writer writer = {0};
    struct rill_store_state state;
    writer_open(&writer, bench->store, row);
    const double start = bench_clock_s(CLOCK_MONOTONIC), cpu_start = bench_clock_s(CLOCK_THREAD_CPUTIME_ID);
    writer_append(&writer, row, bench->messages);
    const double wall_s = bench_clock_s(CLOCK_MONOTONIC) - start;
    const double cpu_s = bench_clock_s(CLOCK_THREAD_CPUTIME_ID) - cpu_start;
    writer_stop(&writer);
    rill_store_state(writer.store, &state);
    const double count = (double)bench->messages;
    const double record_bytes = (double)state.bytes / count;
    writer_close(&writer, bench->store);
    const double bare = bare_append_rate(bench, (size_t)(record_bytes * row->group), BARE_S, NULL, 0, NULL);
    *ret = (struct storage_figure){
        .value = count / wall_s,
        .limit = bare / record_bytes,
        .cpu_ns_per_message = (cpu_s + writer.worker_cpu_s) / count * 1e9,
    };
}

void commit_latency_run(struct storage_bench *bench, const struct storage_row *row,
                        struct storage_figure *ret)
{
    struct writer writer = {.latencies_s = calloc(LATENCIES_MAX, sizeof(double)),
                            .latency_capacity = LATENCIES_MAX};
    double *bare_s = calloc(LATENCIES_MAX, sizeof *bare_s);
    struct rill_store_state state;
    size_t bare_count;
    if (!writer.latencies_s || !bare_s)
        bench_check("latencies", RILL_ERR_NO_MEMORY);
    writer_open(&writer, bench->store, row);
    writer_append(&writer, row, bench->messages / 10);
    writer_stop(&writer);
    rill_store_state(writer.store, &state);
    const double record_bytes = (double)state.bytes / (double)state.messages;
    writer_close(&writer, bench->store);
    (void)bare_append_rate(bench, (size_t)(record_bytes * row->group), BARE_S, bare_s, LATENCIES_MAX,
                           &bare_count);
    sample_sort(writer.latencies_s, writer.latency_count);
    sample_sort(bare_s, bare_count);
    *ret = (struct storage_figure){
        .value = sample_percentile(writer.latencies_s, writer.latency_count, row->percentile) * 1e6,
        .limit = sample_percentile(bare_s, bare_count, row->percentile) * 1e6,
    };
    free(writer.latencies_s);
    free(bare_s);
}
