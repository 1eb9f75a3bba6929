// SPDX-License-Identifier: Apache-2.0
#include "bare.h"

#include "bare_append.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BLOCK_BYTES = 128 << 10 };

double bare_append_rate(struct storage_bench *bench, size_t bytes, double seconds, double *latencies_s,
                        size_t latency_capacity, size_t *ret_count)
{
    const struct bare_append append = {bench->bare, bytes, seconds, latencies_s, latency_capacity};
    struct bare_appended appended;
    bench_check("bare write", bare_append(&append, &appended));
    if (ret_count)
        *ret_count = appended.latencies_count;
    return appended.per_s * (double)bytes;
}

double bare_read_rate(struct storage_bench *bench, uint64_t bytes)
{
    uint8_t *data = calloc(1, BLOCK_BYTES);
    const int fd = open(bench->bare, O_CREAT | O_TRUNC | O_RDWR | O_CLOEXEC, 0600);
    uint64_t written = 0, read = 0;
    for (; fd >= 0 && written < bytes; written += BLOCK_BYTES) {
        if (pwrite(fd, data, BLOCK_BYTES, (off_t)written) != BLOCK_BYTES)
            bench_check("bare file", RILL_ERR_IO);
    }
    const double start = bench_clock_s(CLOCK_MONOTONIC);
    for (; read < written; read += BLOCK_BYTES) {
        if (pread(fd, data, BLOCK_BYTES, (off_t)read) != BLOCK_BYTES)
            bench_check("bare read", RILL_ERR_IO);
    }
    const double seconds = bench_clock_s(CLOCK_MONOTONIC) - start;
    (void)close(fd);
    (void)unlink(bench->bare);
    free(data);
    return (double)read / seconds;
}
