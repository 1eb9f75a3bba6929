// SPDX-License-Identifier: Apache-2.0
//
// index_bench FOLDER [MESSAGES [SUBJECTS [queries]]]: how fast an index takes messages at 100, 1,000 and 100,000 subjects,
// with a worker that writes its batches; then next and count on MESSAGES messages of SUBJECTS subjects, for
// filters that match about 1 in 10, in 10,000 and in 10,000,000, with median and 99th percentile, from random
// places and in the order of a consumer; and the resident memory. With "queries", only these.
#include "index.h"

#include "base/random.h"
#include "resident.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { BLOCK_MESSAGES = 700, QUERIES = 2000, TEXT_MAX = 48 };

struct bench {
    char path[512];
    struct rill_index *index;
    struct rill_index_job *job; // NULL ends the worker
    bool is_out;
    pthread_t worker;
    sem_t wanted, done;
    struct rill_random random;
    double waited_s; // for the worker
    double worker_cpu_s;
};

static double clock_s(clockid_t clock)
{
    struct timespec now;
    (void)clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void check(const char *what, enum rill_err err)
{
    if (!err)
        return;
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
        rill_index_job_run(bench->job);
        (void)sem_post(&bench->done);
    }
    bench->worker_cpu_s = clock_s(CLOCK_THREAD_CPUTIME_ID);
    return NULL;
}

static void job_end(struct bench *bench)
{
    bench->is_out = false;
    check("job", rill_index_job_finish(bench->index, bench->job));
    bench->job = NULL;
}

static void job_begin(struct bench *bench)
{
    if (bench->is_out && sem_trywait(&bench->done) == 0)
        job_end(bench);
    if (bench->is_out || !(bench->job = rill_index_job_start(bench->index)))
        return;
    bench->is_out = true;
    (void)sem_post(&bench->wanted);
}

static void job_wait(struct bench *bench)
{
    const double start = clock_s(CLOCK_MONOTONIC);
    while (bench->is_out && sem_wait(&bench->done) != 0)
        ;
    if (bench->is_out)
        job_end(bench);
    bench->waited_s += clock_s(CLOCK_MONOTONIC) - start;
}

/* Subjects are t<n mod 10>.g<n mod 10,000>.s<n>: "t3.>" is 1 in 10, "*.g77.>" is 1 in 10,000. */
static void subject_text(uint32_t n, char *text)
{
    (void)snprintf(text, TEXT_MAX, "t%u.g%u.s%u", n % 10, n % 10000, n);
}

static void bench_open(struct bench *bench, const char *folder)
{
    struct rill_index_position position;
    enum rill_index_found found;
    struct rill_error_text why;
    (void)snprintf(bench->path, sizeof bench->path, "%s/index-bench.db", folder);
    const struct rill_index_options options = {
        .path = bench->path, .identity = "bench", .id_window_ns = INT64_MAX, .discard = true};
    check("open", rill_index_open(&options, &bench->index, &found, &position, &why));
    bench->random.state = 1;
    (void)sem_init(&bench->wanted, 0, 0);
    (void)sem_init(&bench->done, 0, 0);
    if (pthread_create(&bench->worker, NULL, worker_main, bench) != 0)
        exit(1);
}

static void bench_close(struct bench *bench)
{
    job_wait(bench);
    bench->job = NULL;
    (void)sem_post(&bench->wanted);
    (void)pthread_join(bench->worker, NULL);
    rill_index_close(bench->index);
    (void)unlink(bench->path);
}

static void feed_one(struct bench *bench, uint64_t sequence, struct rill_bytes subject)
{
    const struct rill_index_message message = {
        .sequence = sequence, .time_ns = (int64_t)sequence, .subject = subject};
    check("feed", rill_index_feed(bench->index, &message));
}

static void seal(struct bench *bench, uint64_t sequence)
{
    const struct rill_index_block block = {.number = sequence / BLOCK_MESSAGES + 1,
                                           .segment = 1,
                                           .offset = sequence * 180,
                                           .length = 128 * 1024,
                                           .first_time_ns = (int64_t)sequence,
                                           .last_time_ns = (int64_t)sequence};
    check("seal", rill_index_seal(bench->index, &block));
    job_begin(bench);
    while (rill_index_is_full(bench->index)) {
        job_wait(bench);
        job_begin(bench);
    }
    if (rill_index_wants_rotation(bench->index)) {
        check("rotate", rill_index_rotate(bench->index, NULL));
        job_begin(bench);
    }
}

static char (*texts_of(uint32_t subjects))[TEXT_MAX]
{
    char(*texts)[TEXT_MAX] = calloc(subjects, sizeof *texts);
    for (uint32_t i = 0; i < subjects; i++)
        subject_text(i, texts[i]);
    return texts;
}

/* Feeds messages of random subjects; the time includes the worker's until all is written. */
static void feed_all(struct bench *bench, uint64_t messages, uint32_t subjects)
{
    char(*texts)[TEXT_MAX] = texts_of(subjects);
    const double start = clock_s(CLOCK_MONOTONIC), cpu = clock_s(CLOCK_THREAD_CPUTIME_ID);
    for (uint64_t sequence = 1; sequence <= messages; sequence++) {
        const char *text = texts[rill_random_below(&bench->random, subjects)];
        feed_one(bench, sequence, rill_bytes_from_cstr(text));
        if (sequence % BLOCK_MESSAGES == 0)
            seal(bench, sequence);
    }
    const double fed = clock_s(CLOCK_MONOTONIC) - start, used = clock_s(CLOCK_THREAD_CPUTIME_ID) - cpu;
    job_wait(bench);
    const double all = clock_s(CLOCK_MONOTONIC) - start;
    printf("feed %9lu messages %7u subjects: %6.0f k/s, %3.0f ns of this thread per message, waited %.2f s, "
           "written after %.2f s\n",
           messages, subjects, (double)messages / fed / 1e3, used / (double)messages * 1e9, bench->waited_s,
           all);
    free(texts);
}

static int compare_doubles(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void print_times(const char *what, double *times, int count)
{
    qsort(times, (size_t)count, sizeof times[0], compare_doubles);
    printf("  %-22s p50 %9.1f us  p99 %9.1f us  max %9.1f us\n", what, times[count / 2],
           times[count * 99 / 100], times[count - 1]);
}

static uint64_t random_from(struct bench *bench, uint64_t messages)
{
    return 1 + rill_random_next(&bench->random) % messages;
}

typedef enum rill_err ask_fn(struct rill_index_filter *, uint64_t, uint64_t *);

/* Asks until there is an answer. *longest_us is raised to the longest single call. */
static enum rill_err ask(ask_fn *fn, struct rill_index_filter *filter, uint64_t from, uint64_t *ret,
                         double *longest_us)
{
    enum rill_err err;
    do {
        const double start = clock_s(CLOCK_MONOTONIC);
        err = fn(filter, from, ret);
        const double us = (clock_s(CLOCK_MONOTONIC) - start) * 1e6;
        *longest_us = us > *longest_us ? us : *longest_us;
    } while (err == RILL_ERR_AGAIN);
    if (err && err != RILL_ERR_NOT_FOUND)
        check("query", err);
    return err;
}

static void measure(struct bench *bench, const char *pattern, uint64_t messages)
{
    static double times[QUERIES];
    const struct rill_bytes bytes = rill_bytes_from_cstr(pattern);
    struct rill_index_filter *filter = rill_index_filter_create(bench->index, &bytes, 1);
    uint64_t found = 0, total = 0, from = 0;
    double start = clock_s(CLOCK_MONOTONIC);
    double longest = 0;
    (void)ask(rill_index_count, filter, 1, &total, &longest);
    printf("%s: %lu match, first count %.0f us, longest call of it %.0f us\n", pattern, total,
           (clock_s(CLOCK_MONOTONIC) - start) * 1e6, longest);
    for (int kind = 0; kind < 4; kind++) {
        static const char *const names[] = {"next, random", "next, in order", "count, random",
                                            "count, in order"};
        const int queries = kind == 2 ? 200 : QUERIES;
        from = messages / 3;
        for (int i = 0; i < queries; i++) {
            from = kind % 2 == 0 ? random_from(bench, messages) : kind == 1 ? from + 1 : from + 10;
            start = clock_s(CLOCK_MONOTONIC);
            const enum rill_err err =
                ask(kind < 2 ? rill_index_next : rill_index_count, filter, from, &found, &longest);
            times[i] = (clock_s(CLOCK_MONOTONIC) - start) * 1e6;
            if (kind == 1 && !err)
                from = found;
        }
        print_times(names[kind], times, queries);
    }
    printf("  longest call %.1f us\n", longest);
    rill_index_filter_destroy(filter);
}

/* What a limit per subject asks for each append: all of a subject, of which the oldest is then deleted. */
static void measure_subject(struct bench *bench, uint32_t subjects)
{
    static double times[QUERIES];
    char text[TEXT_MAX];
    struct rill_index_subject subject;
    for (int kind = 0; kind < 2; kind++) {
        for (int i = 0; i < QUERIES; i++) {
            subject_text(kind ? 3 : rill_random_below(&bench->random, subjects), text);
            const double start = clock_s(CLOCK_MONOTONIC);
            const enum rill_err err = rill_index_subject(bench->index, rill_bytes_from_cstr(text), &subject);
            times[i] = (clock_s(CLOCK_MONOTONIC) - start) * 1e6;
            if (err != RILL_ERR_NOT_FOUND)
                check("subject", err);
            if (kind)
                check("delete", rill_index_delete(bench->index, subject.first_sequence, subject.subject));
        }
        print_times(kind ? "subject, with deletes" : "subject, random", times, QUERIES);
    }
}

/* Messages that all have an id, and the ids of the last ones asked for. */
static void bench_ids(const char *folder, uint64_t messages)
{
    static double times[QUERIES];
    struct bench bench = {0};
    char id[TEXT_MAX];
    uint64_t found;
    bench_open(&bench, folder);
    const double begin = clock_s(CLOCK_MONOTONIC);
    for (uint64_t sequence = 1; sequence <= messages; sequence++) {
        (void)snprintf(id, sizeof id, "order-%lu", sequence);
        check("feed",
              rill_index_feed(bench.index, &(struct rill_index_message){.sequence = sequence,
                                                                        .time_ns = (int64_t)sequence,
                                                                        .subject = RILL_BYTES("a"),
                                                                        .id = rill_bytes_from_cstr(id)}));
        if (sequence % BLOCK_MESSAGES == 0)
            seal(&bench, sequence);
    }
    job_wait(&bench);
    printf("%lu messages with ids: %.0f k/s\n", messages,
           (double)messages / (clock_s(CLOCK_MONOTONIC) - begin) / 1e3);
    for (int kind = 0; kind < 2; kind++) {
        for (int i = 0; i < QUERIES; i++) {
            (void)snprintf(id, sizeof id, "order-%lu", random_from(&bench, messages) + (kind ? messages : 0));
            const double start = clock_s(CLOCK_MONOTONIC);
            const enum rill_err err = rill_index_seen(bench.index, rill_bytes_from_cstr(id), 0, &found);
            times[i] = (clock_s(CLOCK_MONOTONIC) - start) * 1e6;
            if (kind ? err != RILL_ERR_NOT_FOUND : err != RILL_OK)
                check("seen", RILL_ERR_DAMAGED);
        }
        print_times(kind ? "seen, new ids" : "seen, known ids", times, QUERIES);
    }
    bench_close(&bench);
    printf("  worker %.2f s of CPU\n", bench.worker_cpu_s);
}

static void bench_feed(const char *folder, uint64_t messages, uint32_t subjects)
{
    struct bench bench = {0};
    bench_open(&bench, folder);
    feed_all(&bench, messages, subjects);
    bench_close(&bench);
    printf("  worker %.2f s of CPU\n", bench.worker_cpu_s);
}

static void bench_queries(const char *folder, uint64_t messages, uint32_t subjects)
{
    static const char *const patterns[] = {"t3.g3.s3", "t7.g77.s77", "none.at.all", "t3.>",
                                           "*.g77.*",  "*.*.s4711",  "t1.g1.>",     ">"};
    struct bench bench = {0};
    const double before = resident_mb();
    bench_open(&bench, folder);
    // Every tenth message is of one subject, so that a literal one matches 1 in 10.
    char(*texts)[TEXT_MAX] = texts_of(subjects);
    for (uint64_t sequence = 1; sequence <= messages; sequence++) {
        const uint32_t n = sequence % 10 == 0 ? 3 : rill_random_below(&bench.random, subjects);
        feed_one(&bench, sequence, rill_bytes_from_cstr(texts[n]));
        if (sequence % BLOCK_MESSAGES == 0)
            seal(&bench, sequence);
    }
    job_wait(&bench);
    free(texts);
    printf("%lu messages, %u subjects: resident %.1f MB, of which %.1f MB before; batches %.1f MB\n",
           messages, subjects, resident_mb(), before, (double)rill_index_batch_bytes(bench.index) / 1e6);
    for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++)
        measure(&bench, patterns[i], messages);
    measure_subject(&bench, subjects);
    printf("resident after the queries %.1f MB\n", resident_mb());
    bench_close(&bench);
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return 2;
    const uint64_t messages = argc > 2 ? strtoull(argv[2], NULL, 10) : 5000000;
    const uint32_t subjects = argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 10) : 100000;
    for (uint32_t n = 100; argc < 5 && n <= 100000; n *= n == 100 ? 10 : 100)
        bench_feed(argv[1], messages, n);
    if (argc < 5)
        bench_ids(argv[1], messages);
    bench_queries(argv[1], messages, subjects);
    return 0;
}
