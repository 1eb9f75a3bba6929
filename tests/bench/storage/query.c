// SPDX-License-Identifier: Apache-2.0
//
// Questions to the large store, from random places. Every answer is checked.
#include "large.h"
#include "sample.h"
#include "store_drive.h"

#include "base/random.h"

enum { NEXTS = 5000, COUNTS = 1000, WARM_UP = 100, LEAST = 50 };

static const double ENOUGH_S = 2;

struct query {
    struct rill_store *store;
    struct rill_store_filter *filter;
    const struct subjects_filter *wanted;
    uint64_t last;
    struct rill_random random;
};

/* Matches in [1, sequence]. */
static uint64_t matches_to(const struct subjects_filter *wanted, uint64_t sequence)
{
    if (!wanted->remainder)
        return sequence / wanted->period;
    return sequence < wanted->remainder ? 0 : (sequence - wanted->remainder) / wanted->period + 1;
}

static enum rill_err ask_again(struct query *query,
                               enum rill_err (*ask)(struct rill_store_filter *, uint64_t, uint64_t *),
                               uint64_t from, uint64_t *ret)
{
    enum rill_err err;
    while ((err = ask(query->filter, from, ret)) == RILL_ERR_AGAIN)
        (void)!drive_work(query->store);
    return err;
}

static void check_next(const struct query *query, uint64_t from, enum rill_err err, uint64_t next)
{
    const uint64_t before = matches_to(query->wanted, from - 1), all = matches_to(query->wanted, query->last);
    if (before == all)
        bench_check("next", err == RILL_ERR_NOT_FOUND ? RILL_OK : RILL_ERR_DAMAGED);
    else if (err || next < from || next % query->wanted->period != query->wanted->remainder ||
             matches_to(query->wanted, next) != before + 1)
        bench_check("next", RILL_ERR_DAMAGED);
}

static void check_count(const struct query *query, uint64_t from, enum rill_err err, uint64_t count)
{
    if (err || count != matches_to(query->wanted, query->last) - matches_to(query->wanted, from - 1))
        bench_check("count", RILL_ERR_DAMAGED);
}

static double ask_one(struct query *query, bool is_count)
{
    const uint64_t from = 1 + rill_random_next(&query->random) % query->last;
    uint64_t found = 0;
    const double start = bench_clock_s(CLOCK_MONOTONIC);
    const enum rill_err err = ask_again(query, is_count ? rill_store_count : rill_store_next, from, &found);
    const double seconds = bench_clock_s(CLOCK_MONOTONIC) - start;
    (is_count ? check_count : check_next)(query, from, err, found);
    return seconds * 1e6;
}

static void measure(struct query *query, bool is_count, struct storage_figure *ret)
{
    static double times_us[NEXTS];
    const size_t most = is_count ? COUNTS : NEXTS;
    double spent_us = 0;
    size_t count = 0;
    for (size_t i = 0; i < WARM_UP && spent_us < ENOUGH_S * 1e6; i++)
        spent_us += ask_one(query, is_count);
    for (spent_us = 0; count < most && (count < LEAST || spent_us < ENOUGH_S * 1e6); count++)
        spent_us += times_us[count] = ask_one(query, is_count);
    sample_sort(times_us, count);
    *ret = (struct storage_figure){
        .value = sample_percentile(times_us, count, 50),
        .p99 = sample_percentile(times_us, count, 99),
    };
}

static void query_run(struct storage_bench *bench, const struct storage_row *row, bool is_count,
                      struct storage_figure *ret)
{
    large_make(bench, row);
    const struct rill_store_options options = writer_options(bench->large, row);
    struct query query = {.wanted = &subjects_filters[row->filter], .random = {bench->round + 1}};
    struct rill_error_text why;
    const struct rill_bytes pattern = rill_bytes_from_cstr(query.wanted->pattern);
    bench_check("open", rill_store_open(&options, NULL, &query.store, NULL, &why));
    bench_check("background", drive_background(query.store));
    query.last = drive_state(query.store).last_sequence;
    query.filter = rill_store_filter_create(query.store, &pattern, 1);
    measure(&query, is_count, ret);
    rill_store_filter_destroy(query.filter);
    rill_store_close(query.store);
}

void query_next_run(struct storage_bench *bench, const struct storage_row *row, struct storage_figure *ret)
{
    query_run(bench, row, false, ret);
}

void query_count_run(struct storage_bench *bench, const struct storage_row *row, struct storage_figure *ret)
{
    query_run(bench, row, true, ret);
}
