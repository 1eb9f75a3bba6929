// SPDX-License-Identifier: Apache-2.0
#include "loop_fixture.h"
#include "workers.h"

#include <semaphore.h>

TestSuite(loop);

static sem_t gate;

static void wait_at_gate(struct rill_job *job)
{
    while (sem_wait(&gate) != 0)
        continue;
}

// The core's deadlines are kept also while the workers have no room for another job.
Test(loop, full_workers_hold_up_no_deadline)
{
    enum { JOBS = WORKERS_JOBS_MAX + 1 };
    static struct rill_job jobs[JOBS];
    struct fixture fixture;
    fixture_init(&fixture);
    cr_assert(eq(int, sem_init(&gate, 0, 0), 0));
    for (int i = 0; i < JOBS; i++) {
        jobs[i] = (struct rill_job){.run = wait_at_gate, .lane = i % 2 ? RILL_LANE_DISK : RILL_LANE_LONG};
        fake_core_submit(fixture.core, &jobs[i]);
    }
    loop_take_effects(&fixture.loop);
    const int64_t start_ns = fixture.loop.poller.now.mono_ns;
    fixture.core->next_deadline_ns = start_ns + 10 * RILL_NS_PER_MS;
    loop_turn(&fixture.loop, start_ns + 5 * RILL_NS_PER_S);
    cr_expect(fixture.loop.poller.now.mono_ns < start_ns + RILL_NS_PER_S);
    for (int i = 0; i < JOBS; i++)
        cr_assert(eq(int, sem_post(&gate), 0));
    while (fixture.core->jobs_done < JOBS)
        fixture_turn(&fixture);
    fixture_fini(&fixture);
}
