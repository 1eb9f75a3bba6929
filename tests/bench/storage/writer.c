// SPDX-License-Identifier: Apache-2.0
#include "writer.h"

#include <stdio.h>
#include <stdlib.h>

double bench_clock_s(clockid_t clock)
{
    struct timespec now;
    (void)clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

void bench_check(const char *what, enum rill_err err)
{
    if (!err)
        return;
    (void)fprintf(stderr, "%s: %s\n", what, rill_err_text(err));
    exit(1);
}

static void *worker_main(void *context)
{
    struct writer *writer = context;
    for (;;) {
        while (sem_wait(&writer->wanted) != 0)
            ;
        if (!writer->job)
            break;
        rill_store_job_run(writer->job);
        (void)sem_post(&writer->done);
    }
    writer->worker_cpu_s = bench_clock_s(CLOCK_THREAD_CPUTIME_ID);
    return NULL;
}

void writer_open(struct writer *writer, struct storage_bench *bench)
{
    static const uint8_t identity[RILL_STORE_IDENTITY_BYTES] = "storage bench";
    struct rill_error_text why;
    const struct rill_store_options options = {.disk = rill_disk_real(), .folder = bench->store};
    (void)!rill_store_delete(options.disk, bench->store, &why);
    bench_check("create", rill_store_create(&options, identity, RILL_BYTES(""), &writer->store, &why));
    (void)sem_init(&writer->wanted, 0, 0);
    (void)sem_init(&writer->done, 0, 0);
    if (pthread_create(&writer->worker, NULL, worker_main, writer) != 0)
        bench_check("thread", RILL_ERR_NO_MEMORY);
}

static void note_latency(struct writer *writer)
{
    if (writer->latencies_s && writer->latency_count < writer->latency_capacity)
        writer->latencies_s[writer->latency_count++] = bench_clock_s(CLOCK_MONOTONIC) - writer->started_s;
}

static void commit_end(struct writer *writer)
{
    struct rill_store_committed committed;
    if (!writer->job)
        return;
    while (sem_wait(&writer->done) != 0)
        ;
    bench_check("commit", rill_store_commit_finish(writer->store, writer->job, &committed));
    writer->job = NULL;
    note_latency(writer);
}

static void commit_begin(struct writer *writer)
{
    commit_end(writer);
    writer->started_s = bench_clock_s(CLOCK_MONOTONIC);
    writer->job = rill_store_commit_start(writer->store);
    if (writer->job)
        (void)sem_post(&writer->wanted);
}

void writer_append(struct writer *writer, const struct storage_row *row, uint64_t count)
{
    uint8_t *payload = calloc(1, row->payload_bytes + 1);
    char subject[64];
    for (uint64_t i = 1; i <= count; i++) {
        const int len = snprintf(subject, sizeof subject, "orders.new.%u",
                                 row->subjects ? (unsigned)(i % row->subjects) : 0);
        struct rill_store_message message = {
            .time_ns = (int64_t)i,
            .subject = rill_bytes_of(subject, (size_t)len),
            .payload = rill_bytes_of(payload, row->payload_bytes),
        };
        bench_check("append", rill_store_append(writer->store, &message));
        if (i % row->group == 0 || i == count)
            commit_begin(writer);
    }
    commit_end(writer);
    free(payload);
}

void writer_stop(struct writer *writer)
{
    writer->job = NULL;
    (void)sem_post(&writer->wanted);
    (void)pthread_join(writer->worker, NULL);
}

void writer_close(struct writer *writer, struct storage_bench *bench)
{
    struct rill_error_text why;
    rill_store_close(writer->store);
    (void)sem_destroy(&writer->wanted);
    (void)sem_destroy(&writer->done);
    bench_check("delete", rill_store_delete(rill_disk_real(), bench->store, &why));
}
