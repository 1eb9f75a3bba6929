// SPDX-License-Identifier: Apache-2.0
#include "workers.h"

#include "look.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "core/core.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
    WORKER_STACK_BYTES = 512 * 1024,
    WORKER_LOOK_NS = 100 * 1000,
    WORKERS_THREADS = WORKERS_DISK_THREADS + WORKERS_LONG_THREADS + WORKERS_RECOVERY_THREADS,
};

struct lane {
    struct workers *workers;
    unsigned threads_max;
    atomic_size_t count; // of those that wait; changed under the mutex, looked at without
    // Guarded by the mutex:
    pthread_cond_t filled;
    struct rill_job *waiting[WORKERS_JOBS_MAX]; // a ring
    size_t first;
    unsigned threads;
    unsigned idle;  // threads without a job
    bool is_looked; // one of them looks, the others wait for `filled`
    struct look look;
    int64_t idle_since_ns; // when a thread found no job
};

struct workers {
    int wake_fd;
    size_t out;      // submitted and not taken back; the loop's thread only
    size_t disk_out; // of those the disk's
    pthread_t threads[WORKERS_THREADS];
    unsigned thread_count; // the loop's thread only
    pthread_mutex_t mutex;
    struct lane lanes[RILL_LANE_COUNT];
    // Guarded by the mutex:
    struct rill_job *done[WORKERS_JOBS_MAX];
    size_t done_count;
    bool stopping;
};

static struct rill_job *lane_pop(struct lane *lane)
{
    if (!lane->count)
        return NULL;
    struct rill_job *job = lane->waiting[lane->first];
    lane->first = (lane->first + 1) % WORKERS_JOBS_MAX;
    lane->count--;
    return job;
}

/* Until there is a job, or for a short while. Lets go of the mutex meanwhile. */
static void lane_look(struct lane *lane)
{
    bool found = false;
    lane->is_looked = true;
    (void)pthread_mutex_unlock(&lane->workers->mutex);
    const int64_t end_ns = look_now_ns() + lane->look.ns;
    do
        found = atomic_load_explicit(&lane->count, memory_order_relaxed);
    while (!found && look_goes_on(end_ns));
    (void)pthread_mutex_lock(&lane->workers->mutex);
    lane->is_looked = false;
    if (found)
        look_found(&lane->look);
    else
        look_in_vain(&lane->look);
}

/* Whoever looks takes a job before he sleeps, so one that came meanwhile is not missed. */
static void lane_wait(struct lane *lane)
{
    struct workers *workers = lane->workers;
    if (lane->count)
        return;
    lane->idle_since_ns = look_now_ns();
    if (lane->look.is_on && !lane->is_looked)
        lane_look(lane);
    if (lane->count || workers->stopping)
        return;
    while (!lane->count && !workers->stopping)
        (void)pthread_cond_wait(&lane->filled, &workers->mutex);
    look_slept(&lane->look, look_now_ns() - lane->idle_since_ns);
}

/* Waits for the next job; NULL when the threads shall end. */
static struct rill_job *lane_take(struct lane *lane)
{
    struct workers *workers = lane->workers;
    (void)pthread_mutex_lock(&workers->mutex);
    lane->idle++;
    lane_wait(lane);
    lane->idle--;
    struct rill_job *job = lane_pop(lane);
    (void)pthread_mutex_unlock(&workers->mutex);
    return job;
}

static void workers_wake_loop(const struct workers *workers)
{
    const uint64_t one = 1;
    const ssize_t written = write(workers->wake_fd, &one, sizeof one);
    RILL_ASSERT(written == sizeof one);
}

/* Takes the mutex itself. The loop is woken for the first one only and takes all that is there by then. */
static void workers_put_done(struct workers *workers, struct rill_job *job)
{
    (void)pthread_mutex_lock(&workers->mutex);
    RILL_ASSERT(workers->done_count < WORKERS_JOBS_MAX);
    workers->done[workers->done_count++] = job;
    const bool first = workers->done_count == 1;
    (void)pthread_mutex_unlock(&workers->mutex);
    if (first)
        workers_wake_loop(workers);
}

static void *worker_main(void *argument)
{
    struct lane *lane = argument;
    struct rill_job *job;
    while ((job = lane_take(lane))) {
        rill_job_run(job);
        workers_put_done(lane->workers, job);
    }
    return NULL;
}

static void lane_init(struct lane *lane, struct workers *workers, unsigned threads_max)
{
    lane->workers = workers;
    lane->threads_max = threads_max;
    look_init(&lane->look, WORKER_LOOK_NS);
    (void)pthread_cond_init(&lane->filled, NULL);
}

enum rill_err workers_create(struct workers **ret_workers)
{
    const int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (fd < 0)
        return rill_err_from_errno(errno);
    struct workers *workers = rill_alloc_zero(1, sizeof *workers);
    workers->wake_fd = fd;
    (void)pthread_mutex_init(&workers->mutex, NULL);
    lane_init(&workers->lanes[RILL_LANE_DISK], workers, WORKERS_DISK_THREADS);
    lane_init(&workers->lanes[RILL_LANE_LONG], workers, WORKERS_LONG_THREADS);
    lane_init(&workers->lanes[RILL_LANE_RECOVERY], workers, WORKERS_RECOVERY_THREADS);
    *ret_workers = workers;
    return RILL_OK;
}

void workers_destroy(struct workers *workers)
{
    if (!workers)
        return;
    RILL_ASSERT(workers->out == 0);
    (void)pthread_mutex_lock(&workers->mutex);
    workers->stopping = true;
    for (size_t i = 0; i < RILL_LANE_COUNT; i++)
        (void)pthread_cond_broadcast(&workers->lanes[i].filled);
    (void)pthread_mutex_unlock(&workers->mutex);
    for (unsigned i = 0; i < workers->thread_count; i++)
        (void)pthread_join(workers->threads[i], NULL);
    for (size_t i = 0; i < RILL_LANE_COUNT; i++)
        (void)pthread_cond_destroy(&workers->lanes[i].filled);
    (void)pthread_mutex_destroy(&workers->mutex);
    (void)close(workers->wake_fd);
    free(workers);
}

int workers_wake_fd(const struct workers *workers)
{
    return workers->wake_fd;
}

bool workers_have_jobs(const struct workers *workers)
{
    return workers->disk_out > 0;
}

bool workers_has_room(const struct workers *workers)
{
    return workers->out < WORKERS_JOBS_MAX;
}

/* One more thread for the lane. Without any thread the jobs could never run, so the first one must start. */
static void lane_start_thread(struct lane *lane)
{
    struct workers *workers = lane->workers;
    pthread_attr_t attributes;
    (void)pthread_attr_init(&attributes);
    (void)pthread_attr_setstacksize(&attributes, WORKER_STACK_BYTES);
    const int failed =
        pthread_create(&workers->threads[workers->thread_count], &attributes, worker_main, lane);
    (void)pthread_attr_destroy(&attributes);
    if (failed) {
        RILL_ASSERT(lane->threads > 0 && "a thread for the disk");
        return;
    }
    workers->thread_count++;
    lane->threads++;
}

void workers_submit(struct workers *workers, struct rill_job *job)
{
    RILL_ASSERT(workers_has_room(workers));
    struct lane *lane = &workers->lanes[rill_job_lane(job)];
    (void)pthread_mutex_lock(&workers->mutex);
    lane->waiting[(lane->first + lane->count) % WORKERS_JOBS_MAX] = job;
    lane->count++;
    workers->out++;
    workers->disk_out += rill_job_lane(job) == RILL_LANE_DISK;
    if (lane->count > lane->idle && lane->threads < lane->threads_max)
        lane_start_thread(lane);
    const bool wakes = lane->count > lane->is_looked;
    (void)pthread_mutex_unlock(&workers->mutex);
    if (wakes)
        (void)pthread_cond_signal(&lane->filled); // after the unlock: the woken thread finds the mutex free
}

size_t workers_take_done(struct workers *workers, struct rill_job *ret_jobs[WORKERS_JOBS_MAX])
{
    uint64_t wakes;
    const ssize_t got = read(workers->wake_fd, &wakes, sizeof wakes); // EAGAIN when nobody wrote: fine
    (void)got;
    (void)pthread_mutex_lock(&workers->mutex);
    const size_t count = workers->done_count;
    memcpy(ret_jobs, workers->done, count * sizeof ret_jobs[0]);
    workers->done_count = 0;
    (void)pthread_mutex_unlock(&workers->mutex);
    RILL_ASSERT(count <= workers->out);
    workers->out -= count;
    for (size_t i = 0; i < count; i++)
        workers->disk_out -= rill_job_lane(ret_jobs[i]) == RILL_LANE_DISK;
    return count;
}
