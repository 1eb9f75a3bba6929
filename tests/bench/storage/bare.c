// SPDX-License-Identifier: Apache-2.0
#include "bare.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FILE_BYTES = 64 << 20, BLOCK_BYTES = 128 << 10 };

static int bare_file(struct storage_bench *bench)
{
    (void)unlink(bench->bare);
    const int fd = open(bench->bare, O_CREAT | O_TRUNC | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0 || fallocate(fd, 0, 0, FILE_BYTES) != 0)
        bench_check("bare file", RILL_ERR_IO);
    return fd;
}

double bare_append_rate(struct storage_bench *bench, size_t bytes, double seconds, double *latencies_s,
                        size_t latency_capacity, size_t *ret_count)
{
    uint8_t *data = malloc(bytes);
    memset(data, 'x', bytes);
    int fd = bare_file(bench);
    off_t offset = 0;
    size_t count = 0;
    uint64_t written = 0;
    const double start = bench_clock_s(CLOCK_MONOTONIC);
    double now = start;
    while (now - start < seconds) {
        if (offset + (off_t)bytes > FILE_BYTES) {
            (void)close(fd);
            fd = bare_file(bench);
            offset = 0;
        }
        const double before = now;
        if (pwrite(fd, data, bytes, offset) != (ssize_t)bytes || fdatasync(fd) != 0)
            bench_check("bare write", RILL_ERR_IO);
        now = bench_clock_s(CLOCK_MONOTONIC);
        if (latencies_s && count < latency_capacity)
            latencies_s[count++] = now - before;
        offset += (off_t)bytes;
        written += bytes;
    }
    (void)close(fd);
    (void)unlink(bench->bare);
    free(data);
    if (ret_count)
        *ret_count = count;
    return (double)written / (now - start);
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
