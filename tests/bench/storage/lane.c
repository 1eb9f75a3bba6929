// SPDX-License-Identifier: Apache-2.0
#include "lane.h"

#include "storage_row.h"

static void *lane_main(void *context)
{
    struct lane *lane = context;
    for (;;) {
        while (sem_wait(&lane->wanted) != 0)
            ;
        if (!lane->job)
            break;
        rill_store_job_run(lane->job);
        (void)sem_post(&lane->done);
    }
    lane->cpu_s = bench_clock_s(CLOCK_THREAD_CPUTIME_ID);
    return NULL;
}

void lane_init(struct lane *lane)
{
    *lane = (struct lane){.job = NULL};
    (void)sem_init(&lane->wanted, 0, 0);
    (void)sem_init(&lane->done, 0, 0);
    if (pthread_create(&lane->thread, NULL, lane_main, lane) != 0)
        bench_check("thread", RILL_ERR_NO_MEMORY);
}

void lane_fini(struct lane *lane)
{
    (void)sem_post(&lane->wanted);
    (void)pthread_join(lane->thread, NULL);
    (void)sem_destroy(&lane->wanted);
    (void)sem_destroy(&lane->done);
}

void lane_give(struct lane *lane, struct rill_store_job *job)
{
    lane->job = job;
    (void)sem_post(&lane->wanted);
}

struct rill_store_job *lane_take(struct lane *lane, bool wait)
{
    struct rill_store_job *job = lane->job;
    if (!job)
        return NULL;
    while (wait ? sem_wait(&lane->done) != 0 : sem_trywait(&lane->done) != 0) {
        if (!wait)
            return NULL;
    }
    lane->job = NULL;
    return job;
}
