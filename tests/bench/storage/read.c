// SPDX-License-Identifier: Apache-2.0
//
// Reading in order.
#include "bare.h"
#include "store_drive.h"
#include "writer.h"

void read_rate_run(struct storage_bench *bench, const struct storage_row *row, struct storage_figure *ret)
{
    struct writer writer = {0};
    const uint64_t count = bench->messages / 10;
    uint64_t payload_bytes = 0;
    writer_open(&writer, bench->store, row);
    writer_append(&writer, row, count);
    writer_stop(&writer);
    const double start = bench_clock_s(CLOCK_MONOTONIC);
    for (uint64_t i = 1; i <= count; i++) {
        struct rill_store_message message;
        bench_check("read", drive_read(writer.store, i, &message));
        payload_bytes += message.payload.len;
    }
    const double seconds = bench_clock_s(CLOCK_MONOTONIC) - start;
    writer_close(&writer, bench->store);
    *ret = (struct storage_figure){
        .value = (double)payload_bytes / seconds / 1e9,
        .limit = bare_read_rate(bench, payload_bytes) / 1e9,
    };
}
