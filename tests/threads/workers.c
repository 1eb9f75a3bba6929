// SPDX-License-Identifier: Apache-2.0
//
// The disk workers under load: every job is run once, by some thread, and comes back once, with what the
// thread wrote visible to the loop; long jobs do not keep the short ones waiting; who looks for a job before he sleeps
// misses none. A plain program, because Criterion does not run under ThreadSanitizer. Exit status 0 when all holds.
#include "workers.h"
#include "fake_core.h"
#include "look.h"

#include "base/assert.h"
#include "base/random.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { ROUNDS = 20000, DEADLINE_MS = 60000 };

struct work {
    struct rill_job job; // first
    unsigned input;
    unsigned output; // written by a worker, read by the loop: no atomic, the queue orders them
    int runs;
};

static void work_run(struct rill_job *job)
{
    struct work *work = (struct work *)job;
    work->runs++;
    work->output = work->input * 2654435761u;
}

/* Waits for the wake-up and checks what came back. Returns how many. */
static size_t collect(struct workers *workers, size_t *ret_back)
{
    struct rill_job *done[WORKERS_JOBS_MAX];
    struct pollfd wake = {workers_wake_fd(workers), POLLIN, 0};
    const int ready = poll(&wake, 1, DEADLINE_MS);
    RILL_ASSERT(ready == 1 && "a job comes back in time");
    const size_t count = workers_take_done(workers, done);
    for (size_t i = 0; i < count; i++) {
        struct work *work = (struct work *)done[i];
        RILL_ASSERT(work->runs == 1 && work->output == work->input * 2654435761u);
        work->runs = 0;
    }
    *ret_back += count;
    return count;
}

static void every_job_comes_back_once(struct rill_random *random)
{
    struct workers *workers;
    const enum rill_err err = workers_create(&workers);
    RILL_ASSERT(!err);
    static struct work works[WORKERS_JOBS_MAX];
    size_t sent = 0;
    size_t back = 0;
    while (back < ROUNDS) {
        const size_t burst = 1 + rill_random_below(random, WORKERS_JOBS_MAX);
        const size_t first = sent;
        while (sent - first < burst && sent < ROUNDS && workers_has_room(workers)) {
            struct work *work = &works[sent - first];
            *work = (struct work){.job = {.run = work_run, .lane = rill_random_below(random, 2)},
                                  .input = (unsigned)sent};
            workers_submit(workers, &work->job);
            sent++;
        }
        while (back < sent)
            (void)collect(workers, &back);
    }
    RILL_ASSERT(back == sent);
    workers_destroy(workers);
}

/* One at a time, each somewhere between at once and long after the thread has given up looking for it. */
static void a_job_that_comes_when_a_look_ends_is_not_missed(struct rill_random *random)
{
    enum { JOBS = 5000, LOOK_NS_MAX = 300 * 1000 };
    struct workers *workers;
    const enum rill_err err = workers_create(&workers);
    RILL_ASSERT(!err);
    size_t back = 0;
    while (back < JOBS) {
        struct work work = {.job = {.run = work_run, .lane = RILL_LANE_DISK}, .input = (unsigned)back};
        const int64_t at_ns = look_now_ns() + (int64_t)rill_random_below(random, LOOK_NS_MAX);
        while (look_now_ns() < at_ns) {
        }
        workers_submit(workers, &work.job);
        while (collect(workers, &back) == 0) {
        }
    }
    workers_destroy(workers);
}

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

static void wait_at_gate(struct rill_job *job)
{
    (void)pthread_mutex_lock(&gate);
    (void)pthread_mutex_unlock(&gate);
    work_run(job);
}

static void long_jobs_do_not_delay_short_ones(void)
{
    enum { LONG = 16, SHORT = 1000 };
    static struct work longs[LONG];
    struct workers *workers;
    const enum rill_err err = workers_create(&workers);
    RILL_ASSERT(!err);
    size_t back = 0;
    (void)pthread_mutex_lock(&gate);
    for (size_t i = 0; i < LONG; i++) {
        longs[i].job =
            (struct rill_job){.run = wait_at_gate, .lane = i % 2 ? RILL_LANE_LONG : RILL_LANE_RECOVERY};
        workers_submit(workers, &longs[i].job);
    }
    while (back < SHORT) {
        struct work work = {.job = {.run = work_run, .lane = RILL_LANE_DISK}, .input = (unsigned)back};
        workers_submit(workers, &work.job);
        while (collect(workers, &back) == 0) {
        }
    }
    RILL_ASSERT(back == SHORT); // no long one among them: they all wait at the gate
    (void)pthread_mutex_unlock(&gate);
    while (back < SHORT + LONG)
        (void)collect(workers, &back);
    workers_destroy(workers);
}

int main(void)
{
    const char *given = getenv("RILL_SEED");
    struct rill_random random = {given ? strtoull(given, NULL, 10) : (uint64_t)getpid()};
    printf("RILL_SEED=%llu\n", (unsigned long long)random.state);
    every_job_comes_back_once(&random);
    a_job_that_comes_when_a_look_ends_is_not_missed(&random);
    long_jobs_do_not_delay_short_ones();
    return 0;
}
