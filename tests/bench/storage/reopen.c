// SPDX-License-Identifier: Apache-2.0
//
// How long an open takes after the writer was killed in the middle of its work.
#include "large.h"

enum { MORE_MESSAGES = 50000 };

/* Leaves a store of `SMALL_MESSAGES`. */
static void write_small(struct storage_bench *bench, const struct storage_row *row, double *ret_number)
{
    struct writer writer = {0};
    writer_open(&writer, bench->store, row);
    writer_append(&writer, row, SMALL_MESSAGES);
    *ret_number = (double)writer.sequence;
}

static void write_more(struct storage_bench *bench, const struct storage_row *row, double *ret_number)
{
    struct writer writer = {0};
    writer_reopen(&writer, bench->large, row);
    writer_append(&writer, row, MORE_MESSAGES);
    *ret_number = (double)writer.sequence;
}

/* The store closes itself later: what is timed is until it serves. */
static double open_ms(const char *folder, const struct storage_row *row, double last_sequence)
{
    const struct rill_store_options options = writer_options(folder, row);
    struct rill_store *store;
    struct rill_store_state state;
    struct rill_error_text why;
    const double start = bench_clock_s(CLOCK_MONOTONIC);
    bench_check("open", rill_store_open(&options, NULL, &store, NULL, &why));
    const double seconds = bench_clock_s(CLOCK_MONOTONIC) - start;
    rill_store_state(store, &state);
    if ((double)state.last_sequence != last_sequence || (double)state.messages != last_sequence)
        bench_check("what was opened", RILL_ERR_DAMAGED);
    rill_store_close(store);
    return seconds * 1e3;
}

void reopen_small_run(struct storage_bench *bench, const struct storage_row *row, struct storage_figure *ret)
{
    double last = 0;
    struct rill_error_text why;
    killed_after(write_small, bench, row, &last);
    bench->reopened_ms[0] = open_ms(bench->store, row, last);
    bench_check("delete", rill_store_delete(rill_disk_real(), bench->store, &why));
    *ret = (struct storage_figure){.value = bench->reopened_ms[0]};
}

void reopen_large_run(struct storage_bench *bench, const struct storage_row *row, struct storage_figure *ret)
{
    double last = 0;
    large_make(bench, row);
    killed_after(write_more, bench, row, &last);
    bench->reopened_ms[1] = open_ms(bench->large, row, last);
    *ret = (struct storage_figure){.value = bench->reopened_ms[1]};
}

void reopen_ratio_run(struct storage_bench *bench, const struct storage_row *row, struct storage_figure *ret)
{
    struct storage_figure figure;
    if (bench->reopened_ms[0] <= 0)
        reopen_small_run(bench, row, &figure);
    if (bench->reopened_ms[1] <= 0)
        reopen_large_run(bench, row, &figure);
    *ret = (struct storage_figure){.value = bench->reopened_ms[1], .limit = bench->reopened_ms[0]};
}
