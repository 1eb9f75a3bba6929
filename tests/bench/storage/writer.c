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

struct rill_store_options writer_options(const char *folder, const struct storage_row *row)
{
    return (struct rill_store_options){.disk = rill_disk_real(), .folder = folder, .index = row->index};
}

static void workers_begin(struct writer *writer, const struct storage_row *row)
{
    lane_init(&writer->commits);
    lane_init(&writer->background);
    subjects_init(&writer->subjects, row->subjects, row->mixed);
}

void writer_open(struct writer *writer, const char *folder, const struct storage_row *row)
{
    static const uint8_t identity[RILL_STORE_IDENTITY_BYTES] = "storage bench";
    struct rill_error_text why;
    const struct rill_store_options options = writer_options(folder, row);
    (void)!rill_store_delete(options.disk, folder, &why);
    bench_check("create", rill_store_create(&options, identity, RILL_BYTES(""), &writer->store, &why));
    workers_begin(writer, row);
}

void writer_reopen(struct writer *writer, const char *folder, const struct storage_row *row)
{
    struct rill_error_text why;
    struct rill_store_state state;
    const struct rill_store_options options = writer_options(folder, row);
    bench_check("open", rill_store_open(&options, NULL, &writer->store, NULL, &why));
    rill_store_state(writer->store, &state);
    writer->sequence = state.last_sequence;
    workers_begin(writer, row);
}

static void note_latency(struct writer *writer)
{
    if (writer->latencies_s && writer->latency_count < writer->latency_capacity)
        writer->latencies_s[writer->latency_count++] = bench_clock_s(CLOCK_MONOTONIC) - writer->started_s;
}

/* Takes back what the background worker has done, and gives it the next piece. False when there is none. */
static bool background_go_on(struct writer *writer, bool wait)
{
    struct rill_store_job *job = lane_take(&writer->background, wait);
    if (job)
        bench_check("background", rill_store_background_finish(writer->store, job));
    if (writer->background.job)
        return true;
    job = rill_store_background_start(writer->store);
    if (job)
        lane_give(&writer->background, job);
    return job != NULL;
}

static void commit_end(struct writer *writer)
{
    struct rill_store_committed committed;
    struct rill_store_job *job = lane_take(&writer->commits, true);
    if (!job)
        return;
    bench_check("commit", rill_store_commit_finish(writer->store, job, &committed));
    note_latency(writer);
    rill_store_catch_up(writer->store);
    (void)background_go_on(writer, false);
}

static void commit_begin(struct writer *writer)
{
    commit_end(writer);
    writer->started_s = bench_clock_s(CLOCK_MONOTONIC);
    struct rill_store_job *job = rill_store_commit_start(writer->store);
    if (job)
        lane_give(&writer->commits, job);
}

void writer_append(struct writer *writer, const struct storage_row *row, uint64_t count)
{
    uint8_t *payload = calloc(1, row->payload_bytes + 1);
    for (uint64_t i = 1; i <= count; i++) {
        const uint64_t sequence = writer->sequence + 1;
        struct rill_store_message message = {
            .time_ns = (int64_t)sequence,
            .subject = subjects_of(&writer->subjects, sequence),
            .payload = rill_bytes_of(payload, row->payload_bytes),
        };
        bench_check("append", rill_store_append(writer->store, &message));
        writer->sequence = sequence;
        if (i % row->group == 0 || i == count)
            commit_begin(writer);
    }
    commit_end(writer);
    free(payload);
}

void writer_settle(struct writer *writer)
{
    while (background_go_on(writer, true))
        ;
}

void writer_stop(struct writer *writer)
{
    struct rill_store_job *job = lane_take(&writer->background, true);
    if (job)
        bench_check("background", rill_store_background_finish(writer->store, job));
    lane_fini(&writer->commits);
    lane_fini(&writer->background);
    writer->worker_cpu_s = writer->commits.cpu_s + writer->background.cpu_s;
    subjects_fini(&writer->subjects);
}

void writer_close(struct writer *writer, const char *folder)
{
    struct rill_error_text why;
    rill_store_close(writer->store);
    bench_check("delete", rill_store_delete(rill_disk_real(), folder, &why));
}
