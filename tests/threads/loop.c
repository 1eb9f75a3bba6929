// SPDX-License-Identifier: Apache-2.0
//
// The loop and the workers together: the core's jobs go out through the loop and come back into it, turn
// after turn, while the loop sleeps whenever there is nothing to do.
#include "loop.h"
#include "fake_core.h"

#include "base/assert.h"

#include <stdio.h>

enum { JOBS = 20000, BURST = 300 };

struct work {
    struct rill_job job; // first
    unsigned long sum;
};

static void work_run(struct rill_job *job)
{
    struct work *work = (struct work *)job;
    work->sum++;
}

int main(void)
{
    static struct work works[BURST]; // more than the workers take at once: the rest waits in the core
    struct loop loop;
    struct rill_error_text why;
    struct rill_core *core = fake_core_create();
    const enum rill_err err = loop_init(&loop, (struct rill_log_sink){0}, &why);
    RILL_ASSERT(!err);
    loop.core = core;
    size_t sent = 0;
    while (sent < JOBS) {
        for (size_t i = 0; i < BURST; i++) {
            works[i].job =
                (struct rill_job){.run = work_run, .lane = i % 2 ? RILL_LANE_DISK : RILL_LANE_LONG};
            fake_core_submit(core, &works[i].job);
        }
        sent += BURST;
        loop_take_effects(&loop);
        while (core->jobs_done < sent)
            loop_turn(&loop, RILL_NEVER_NS);
    }
    unsigned long sum = 0;
    for (size_t i = 0; i < BURST; i++)
        sum += works[i].sum;
    RILL_ASSERT(sum == sent && core->jobs_done == sent);
    printf("%zu jobs in %zu turns\n", sent, core->turns);
    loop_fini(&loop);
    fake_core_destroy(core);
    return 0;
}
