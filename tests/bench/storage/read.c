// SPDX-License-Identifier: Apache-2.0
//
// Reading in order.
#include "bare.h"
#include "writer.h"

static enum rill_err read_message(struct rill_store *store, uint64_t sequence, struct rill_store_message *ret)
{
    enum rill_err err;
    while ((err = rill_store_read(store, sequence, ret)) == RILL_ERR_AGAIN) {
        struct rill_store_job *job = rill_store_load_start(store, sequence);
        rill_store_job_run(job);
        bench_check("load", rill_store_load_finish(store, job));
    }
    return err;
}

void read_rate_run(struct storage_bench *bench, const struct storage_row *row, struct storage_figure *ret)
{
    struct writer writer = {0};
    const uint64_t count = bench->messages / 10;
    uint64_t payload_bytes = 0;
    writer_open(&writer, bench);
    writer_append(&writer, row, count);
    writer_stop(&writer);
    const double start = bench_clock_s(CLOCK_MONOTONIC);
    for (uint64_t i = 1; i <= count; i++) {
        struct rill_store_message message;
        bench_check("read", read_message(writer.store, i, &message));
        payload_bytes += message.payload.len;
    }
    const double seconds = bench_clock_s(CLOCK_MONOTONIC) - start;
    writer_close(&writer, bench);
    *ret = (struct storage_figure){
        .value = (double)payload_bytes / seconds / 1e9,
        .limit = bare_read_rate(bench, payload_bytes) / 1e9,
    };
}
