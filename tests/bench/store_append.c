// SPDX-License-Identifier: Apache-2.0
//
// store_append FOLDER [MESSAGES [BYTES [GROUP]]]: how fast a store takes messages, with commits of GROUP
// messages, one in flight while the next fills; and in the same run the bare pwrite + fdatasync of writes of
// the same size. CPU is that of this thread (appending) and of the worker (writing), each by its own clock.
#include "storage/store.h"

#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

struct bench {
    struct rill_store *store;
    uint64_t message_count;
    size_t payload_bytes;
    uint64_t group;
    pthread_t worker;
    sem_t wanted, done;
    struct rill_store_job *job; // NULL ends the worker
    double worker_cpu_s;
};

static double clock_s(clockid_t clock)
{
    struct timespec now;
    (void)clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void fail(const char *what, enum rill_err err)
{
    (void)fprintf(stderr, "%s: %s\n", what, rill_err_text(err));
    exit(1);
}

static void *worker_main(void *context)
{
    struct bench *bench = context;
    for (;;) {
        while (sem_wait(&bench->wanted) != 0)
            ;
        if (!bench->job)
            break;
        rill_store_job_run(bench->job);
        (void)sem_post(&bench->done);
    }
    bench->worker_cpu_s = clock_s(CLOCK_THREAD_CPUTIME_ID);
    return NULL;
}

static void finish(struct bench *bench)
{
    struct rill_store_committed committed;
    if (!bench->job)
        return;
    while (sem_wait(&bench->done) != 0)
        ;
    const enum rill_err err = rill_store_commit_finish(bench->store, bench->job, &committed);
    if (err)
        fail("commit", err);
}

static void commit(struct bench *bench)
{
    finish(bench);
    bench->job = rill_store_commit_start(bench->store);
    if (bench->job)
        (void)sem_post(&bench->wanted);
}

static void append_all(struct bench *bench)
{
    uint8_t *payload = calloc(1, bench->payload_bytes + 1);
    struct rill_store_message message = {
        .subject = RILL_BYTES("orders.new.eu"),
        .payload = rill_bytes_of(payload, bench->payload_bytes),
    };
    for (uint64_t i = 1; i <= bench->message_count; i++) {
        message.time_ns = (int64_t)i;
        const enum rill_err err = rill_store_append(bench->store, &message);
        if (err)
            fail("append", err);
        if (i % bench->group == 0 || i == bench->message_count)
            commit(bench);
    }
    finish(bench);
    bench->job = NULL;
    (void)sem_post(&bench->wanted);
    (void)pthread_join(bench->worker, NULL);
    free(payload);
}

/* Writes of the size of one commit into a file that is reserved in front, each synced. Returns writes per
   second. */
static double bare_rate(const char *folder, size_t bytes, double seconds)
{
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/bare", folder);
    uint8_t *data = malloc(bytes);
    memset(data, 'x', bytes);
    const int fd = open(path, O_CREAT | O_TRUNC | O_RDWR, 0600);
    const off_t reserved = 64 << 20;
    if (fd < 0 || fallocate(fd, 0, 0, reserved) != 0)
        fail("bare file", RILL_ERR_IO);
    const double start = clock_s(CLOCK_MONOTONIC);
    uint64_t writes = 0;
    off_t offset = 0;
    while (clock_s(CLOCK_MONOTONIC) - start < seconds) {
        if (pwrite(fd, data, bytes, offset) != (ssize_t)bytes || fdatasync(fd) != 0)
            fail("bare write", RILL_ERR_IO);
        offset = offset + 2 * (off_t)bytes > reserved ? 0 : offset + (off_t)bytes;
        writes++;
    }
    const double rate = (double)writes / (clock_s(CLOCK_MONOTONIC) - start);
    (void)close(fd);
    (void)unlink(path);
    free(data);
    return rate;
}

static void report(const struct bench *bench, double wall_s, double cpu_s, const char *folder)
{
    struct rill_store_state state;
    rill_store_state(bench->store, &state);
    const double count = (double)bench->message_count;
    const double bytes_per_message = (double)state.bytes / count;
    const size_t commit_bytes = (size_t)(bytes_per_message * (double)bench->group);
    const double bare = bare_rate(folder, commit_bytes, 2);
    (void)printf("append  %.2f M msg/s, %.0f MB/s; append %.0f ns, worker %.0f ns of CPU per message\n",
                 count / wall_s / 1e6, (double)state.bytes / wall_s / 1e6, cpu_s / count * 1e9,
                 bench->worker_cpu_s / count * 1e9);
    (void)printf("bare    %.2f M msg/s, %.0f MB/s, %.0f pwrite + fdatasync of %zu bytes per second\n",
                 bare * (double)bench->group / 1e6, bare * (double)commit_bytes / 1e6, bare, commit_bytes);
    (void)printf("ratio   %.2f\n", count / wall_s / (bare * (double)bench->group));
}

static uint64_t argument(int argc, char **argv, int index, uint64_t fallback)
{
    return argc > index ? strtoull(argv[index], NULL, 10) : fallback;
}

int main(int argc, char **argv)
{
    static const uint8_t identity[RILL_STORE_IDENTITY_BYTES] = "store_append";
    if (argc < 2) {
        (void)fprintf(stderr, "usage: store_append FOLDER [MESSAGES [BYTES [GROUP]]]\n");
        return 2;
    }
    struct bench bench = {
        .message_count = argument(argc, argv, 2, 10000000),
        .payload_bytes = argument(argc, argv, 3, 128),
        .group = argument(argc, argv, 4, 10000),
    };
    char folder[4096];
    struct rill_error_text why;
    (void)snprintf(folder, sizeof folder, "%s/bench/store_append", argv[1]);
    const struct rill_store_options options = {.disk = rill_disk_real(), .folder = folder};
    (void)!rill_store_delete(options.disk, folder, &why);
    if (rill_store_create(&options, identity, RILL_BYTES(""), &bench.store, &why)) {
        (void)fprintf(stderr, "%s\n", why.text);
        return 1;
    }
    (void)sem_init(&bench.wanted, 0, 0);
    (void)sem_init(&bench.done, 0, 0);
    (void)pthread_create(&bench.worker, NULL, worker_main, &bench);
    const double start = clock_s(CLOCK_MONOTONIC), cpu_start = clock_s(CLOCK_THREAD_CPUTIME_ID);
    append_all(&bench);
    report(&bench, clock_s(CLOCK_MONOTONIC) - start, clock_s(CLOCK_THREAD_CPUTIME_ID) - cpu_start, argv[1]);
    rill_store_close(bench.store);
    const enum rill_err err = rill_store_delete(options.disk, folder, &why);
    if (err)
        fail(why.text, err);
    return 0;
}
