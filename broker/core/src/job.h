// SPDX-License-Identifier: Apache-2.0
//
// Work that would block: made by the core, run by any thread, finished by the core. Embedded as the first
// member of a larger struct that carries what the work needs; while the job is out, nobody else touches that.
#pragma once

#include "core/core.h"

struct rill_job {
    void (*run)(struct rill_job *job);                            // any thread
    void (*finish)(struct rill_core *core, struct rill_job *job); // loop thread; frees the job
    enum rill_job_lane lane;
    bool cancelled;        // finished without having been run
    struct rill_job *next; // in the core's queue
};

/* Queues the job for the shell. */
void core_submit(struct rill_core *core, struct rill_job *job);

/* Finishes what the shell has not taken of this lane, as cancelled. */
void core_cancel(struct rill_core *core, enum rill_job_lane lane);

uint32_t core_jobs_out(const struct rill_core *core);

/* Jobs of one lane that wait for the shell. */
struct job_queue {
    struct rill_job *first;
    struct rill_job *last;
    uint32_t out; // taken and not back
};
